//! Pages that are made to take long end soon.

use std::time::{Duration, Instant};

use errtally_import::read;

/// Far more than any of them takes, far less than what grows with a square.
const LONG: Duration = Duration::from_secs(20);

#[track_caller]
fn is_read_soon(name: &str, text: &str) {
    let started = Instant::now();
    let _ = read(name, text.as_bytes());
    assert!(started.elapsed() < LONG, "{name}: {:?}", started.elapsed());
}

#[test]
fn drawings_of_corners() {
    let line = format!("{}\n", "+-".repeat(1500) + "+");
    is_read_soon("a.rst", &line.repeat(300));
    is_read_soon("a.rst", &format!("{}{}", "+---+\n", "|   |\n".repeat(100_000)));
}

#[test]
fn nesting() {
    is_read_soon("a.html", &"<div>".repeat(500_000));
    is_read_soon("a.html", &"<b><i>".repeat(240).repeat(100));
    is_read_soon("a.html", &format!("<table>{}", "<tr><td>".repeat(200_000)));
    is_read_soon("a.md", &"> ".repeat(100_000));
    is_read_soon("a.md", &"[".repeat(100_000));
    is_read_soon("a.md", &"<table>".repeat(100_000));
    is_read_soon("a.md", &"<table></table>\n".repeat(50_000));
    let list = format!(".. list-table::\n\n   {}", "* - ".repeat(50_000));
    is_read_soon("a.rst", &list);
}

#[test]
fn cells_that_reach_everywhere() {
    let text = "x ".repeat(7000);
    let head = "<table><tr><th>Error Code</th><th>Message</th></tr>";
    let first = format!("<tr><td>A.0001</td><td rowspan=60000>{text}</td></tr>");
    is_read_soon("a.html", &format!("{head}{first}{}", "<tr><td>A.0001</td></tr>".repeat(50_000)));
    is_read_soon(
        "a.html",
        &format!("{head}{}", "<tr><td rowspan=60000 colspan=60000>A.0001</td></tr>".repeat(5000)),
    );
}

#[test]
fn marks_without_end() {
    for mark in ["*", "**", "`", "``", "|", ":a:`", "[", "_`", "\\"] {
        let cell = format!("+--+\n|{}|\n+--+\n", format!("{mark}a ").repeat(8_000));
        is_read_soon("a.rst", &cell);
        is_read_soon("a.rst", &format!(".. csv-table::\n\n   {}\n", format!("{mark}a ").repeat(8_000)));
    }
}
