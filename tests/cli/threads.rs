//! `errtally scan --threads`: several threads give the report of one.

use std::fmt::Write;

use crate::support::exposition::Scrape;
use crate::support::{Folder, errtally, finish_with, run};

/// Three mebibytes, more than one piece: codes known and unknown, JSON that does not parse, a line of one MiB and a half
/// in the middle, and no newline at the end.
fn log() -> String {
    let mut log = String::new();
    for n in 0..30_000 {
        let _ = match n % 5 {
            0 => writeln!(log, "{{\"app\":\"a{}\",\"errorCode\":\"CCE.01400007\"}}", n % 40),
            1 => writeln!(log, "{{\"app\":\"a{}\",\"code\":\"Ecs.0114\",}}", n % 7),
            2 => writeln!(log, "error_code=Svc.{:04} and nothing else that is known\r", n % 9000),
            3 => writeln!(log),
            _ => writeln!(
                log,
                "{{\"msg\":\"a line without a code, as most are, of some length\",\"app\":\"x\"}}"
            ),
        };
        if n == 15_000 {
            let _ = writeln!(log, "CSS.0015 {} CCE.01400008", "-".repeat(3 << 19));
        }
    }
    log + "Ecs.0005"
}

fn scan(file: &str, threads: &str, flags: &[&str]) -> String {
    run([&["scan", "--threads", threads], flags, &[file]].concat()).ok()
}

#[test]
fn the_report_is_that_of_one_thread() {
    let folder = Folder::new();
    let file = folder.write("a.log", log());
    for flags in [
        &["--format", "json"][..],
        &["--format", "json", "--max-unknown-codes", "10"],
        &["--format", "json", "--max-unknown-codes", "100000", "--max-record-bytes", "1KiB"],
    ] {
        let one = scan(&file, "1", flags);
        for threads in ["2", "3", "8", "256"] {
            assert_eq!(scan(&file, threads, flags), one, "{threads} threads, {flags:?}");
        }
        let default = run([&["scan"], flags, &[file.as_str()]].concat()).ok();
        assert_eq!(default, one, "as many as there are processors");
        let piped = finish_with(errtally().arg("scan").args(flags), log().as_bytes()).ok();
        assert_eq!(piped, one, "standard input");
    }
}

#[test]
fn metrics_have_the_configured_labels() {
    let folder = Folder::new();
    let file = folder.write("a.log", log());
    let counts = |config: &str, threads: &str| {
        let text = scan(&file, threads, &["--format", "prometheus", "--config", config]);
        let lines = text.lines().filter(|l| !l.starts_with("errtally_code_last_seen_timestamp_seconds{"));
        lines.collect::<Vec<_>>().join("\n")
    };
    // Exemplars and late records would make a report depend on when it was made.
    let all = folder.write("all.yaml", "labels: {app: app}\nlate_after: 1m\n");
    let few = folder.write("few.yaml", "labels: {app: app}\nmax_label_sets: 3\n");
    for config in [&all, &few] {
        let one = counts(config, "1");
        for threads in ["2", "3", "8"] {
            assert!(counts(config, threads) == one, "{threads} threads, {config}");
        }
    }
    let scrape = Scrape::parse(&counts(&all, "2"));
    // 6000 of them in 40 values, of which every fifth.
    let quota = scrape.value("errtally_errors_total", &[("code", "CCE.01400007"), ("app", "a5")]);
    assert_eq!(quota, Some(750.0));
    let scrape = Scrape::parse(&counts(&few, "2"));
    assert!(scrape.value("errtally_label_overflows_total", &[("label", "app")]).is_some_and(|n| n > 0.0));
    // Reports that show no labels do not read them.
    let json = scan(&file, "2", &["--format", "json", "--config", &all]);
    assert_eq!(json, scan(&file, "2", &["--format", "json"]));
}

#[test]
fn a_number_of_threads_that_cannot_be_is_refused() {
    for bad in ["0", "257", "-1", "two", ""] {
        let told = run(["scan", &format!("--threads={bad}"), "README.md"]).failed(2);
        assert!(told.contains("--threads"), "{bad}: {told}");
    }
    run(["scan", "--threads", "256", "README.md"]).ok();
}
