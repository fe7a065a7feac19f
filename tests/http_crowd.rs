//! A crowd of clients beside a stream: idle connections, slow readers, a thousand scrapes a second. Every count is
//! exact, no answer is older than its request, and the stream goes on.
//!
//! How much slower it goes on is measured by `benches/beside`, on a machine that does nothing else; here the bound is
//! loose, since the tests share their machine.

#[path = "../benches/crowd/mod.rs"]
mod crowd;
mod support;

use std::io::Write;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crowd::{Crowd, Plan};
use support::daemon::Daemon;
use support::exposition::Scrape;
use support::http::ask;
use support::{Raise, wait_for};

const ROUNDS: usize = 3;
const WINDOW: Duration = Duration::from_millis(1000);

/// Lines that are mostly without a code, as logs are.
fn content() -> String {
    let quiet = "2026-11-21T10:00:00.000Z INFO reconciled resource.version=4711 errorCode=0 in 12 ms, nothing to do\n";
    format!("{}2026-11-21T10:00:00.000Z ERROR Ecs.0114 the server does not exist\n", quiet.repeat(99))
}

#[test]
fn a_crowd_changes_no_count_and_does_not_stop_the_stream() {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let daemon = Daemon::start_with(&["--linger", "5m"], Stdio::from(reader), &[]);
    let block = content().repeat(100);
    let (written, enough) = (AtomicU64::new(0), AtomicBool::new(false));
    let (alone, beside, blocks, seen) = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut blocks = 0;
            while !enough.load(Ordering::Relaxed) {
                writer.write_all(block.as_bytes()).expect("it reads");
                written.fetch_add(block.len() as u64, Ordering::Relaxed);
                blocks += 1;
            }
            drop(writer);
            blocks
        });
        let ended = Raise(&enough);
        let (mut alone, mut beside, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let before = written.load(Ordering::Relaxed);
            std::thread::sleep(WINDOW);
            alone.push(written.load(Ordering::Relaxed) - before);

            let plan = Plan {
                address: daemon.address(),
                idle: 200,
                slow: 20,
                rate: 1000,
                scrapers: 32,
                headers: String::new(),
            };
            let crowd = Crowd::new(plan).expect("they connect");
            assert_eq!(crowd.held(), 220);
            let (before, since) = (written.load(Ordering::Relaxed), Instant::now());
            seen.push(crowd.attend(|| since.elapsed() > WINDOW).expect("they can connect"));
            let rate = (written.load(Ordering::Relaxed) - before) as f64 / since.elapsed().as_secs_f64();
            beside.push((rate * WINDOW.as_secs_f64()) as u64);
        }
        drop(ended);
        (alone, beside, writing.join().expect("the writer ends"), seen)
    });

    let scrape = daemon.wait_for_end_of_input();
    assert_eq!(scrape.sum("errtally_records_total", &[]) as u64, blocks * 100 * 100);
    assert_eq!(scrape.sum("errtally_matched_records_total", &[]) as u64, blocks * 100);
    assert_eq!(scrape.value("errtally_errors_total", &[("code", "Ecs.0114")]), Some((blocks * 100) as f64));
    for round in &seen {
        assert_eq!((round.failures, round.stale), (0, 0), "of {} scrapes", round.scrapes);
        assert!(round.scrapes > 50 && round.records > 0, "{} scrapes, {} late", round.scrapes, round.late);
        assert!(round.bytes / round.scrapes > 1000 && round.latency(0.5) > 0.0);
    }
    let median = |mut rates: Vec<u64>| {
        rates.sort_unstable();
        rates[ROUNDS / 2]
    };
    let (alone, beside) = (median(alone), median(beside));
    assert!(beside * 4 > alone, "{alone} bytes alone, {beside} beside the crowd");
}

#[test]
fn an_answer_is_never_older_than_its_request() {
    let mut daemon = Daemon::start(&[]);
    let address = daemon.address();
    let openmetrics = [("Accept", "application/openmetrics-text")];
    // What each kind of answer shows, asked for now.
    let codes = || ask(address, "GET", "/api/v1/codes", &[]).expect("an answer").json()["records"].as_u64();
    let text = |headers: &[(&str, &str)]| {
        let answer = ask(address, "GET", "/metrics", headers).expect("an answer");
        Scrape::parse(answer.text()).value("errtally_records_total", &[]).map(|v| v as u64)
    };
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _ended = Raise(&enough);
        // Others ask all the time, so that there is always an answer that was made just now.
        for path in ["/metrics", "/metrics", "/api/v1/codes"] {
            let enough = &enough;
            scope.spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    let _ = ask(address, "GET", path, &openmetrics);
                    let _ = ask(address, "GET", path, &[]);
                }
            });
        }
        let failed = (1..=40).find(|&records| {
            daemon.write("Ecs.0114\n");
            // Once one kind shows the record, it is counted, and all must show it.
            if records % 2 == 0 {
                wait_for("the record in one answer", || (codes() == Some(records)).then_some(()));
                text(&[]) != Some(records) || text(&openmetrics) != Some(records)
            } else {
                wait_for("the record in one answer", || (text(&[]) == Some(records)).then_some(()));
                codes() != Some(records) || text(&openmetrics) != Some(records)
            }
        });
        assert_eq!(failed, None, "the record of which an answer did not know");
    });
}
