//! A reload of a large catalog, while others ask: they are answered.

mod support;

use std::fmt::Write;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::Folder;
use support::daemon::Daemon;

const ROWS: usize = 20_000;

fn catalog(rows: usize) -> String {
    let mut text = "service: LARGE\nfull_name: Large\nsource: test\nfamilies:\n- {prefix: Large, grammar: NNNNNNNN}\ncodes:\n"
        .to_owned();
    for row in 0..rows {
        let _ = writeln!(
            text,
            "- {{code: Large.{row:08}, http_status: 400, category: quota, retryable: false, message: m, action: a}}"
        );
    }
    text
}

#[test]
fn the_server_answers_while_a_large_catalog_is_loaded() {
    let folder = Folder::new();
    let file = folder.write("large.yaml", catalog(10));
    let daemon = Daemon::start(&["--catalog", &file]);
    let before = daemon.peak_memory();
    folder.write("large.yaml", catalog(ROWS));
    let began = Instant::now();
    daemon.signal(Signal::HUP);
    let mut longest = Duration::ZERO;
    while !daemon.log().contains("configuration and catalog reloaded") {
        let since = Instant::now();
        assert_eq!(daemon.get("/healthz").status, 200);
        longest = longest.max(since.elapsed());
        assert!(began.elapsed() < 4 * support::DEADLINE, "{}", daemon.log());
    }
    let took = began.elapsed();
    assert!(longest < took / 2, "an answer took {longest:?} of the {took:?} of the reload");
    let memory = daemon.peak_memory() - before;
    let bytes = catalog(ROWS).len() as u64;
    assert!(memory < 100 * bytes, "{memory} bytes for a file of {bytes}, where the settings say 100 times");
    assert!(daemon.get("/api/v1/catalog").text().contains("Large.00019999"));
}

#[test]
fn who_asks_during_a_reload_gets_one_more() {
    let folder = Folder::new();
    let file = folder.write("large.yaml", catalog(ROWS / 2));
    let daemon = Daemon::start(&["--catalog", &file]);
    daemon.signal(Signal::HUP);
    for _ in 0..20 {
        daemon.signal(Signal::HUP);
        assert_eq!(daemon.get("/healthz").status, 200);
    }
    daemon.wait_for_log("configuration and catalog reloaded");
    folder.write("large.yaml", "service: LARGE\n");
    daemon.signal(Signal::HUP);
    daemon.wait_for_log("not reloaded: configuration and catalog stay as they were");
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert!(status.success(), "{log}");
}
