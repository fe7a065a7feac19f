//! How `run` ends: within its time, whatever hangs, and nobody's counts are lost where that can be helped.

mod support;

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::daemon::{Daemon, run_args};
use support::{Folder, errtally, wait_for};

/// Longer than any time limit here and a slow machine together.
const SLOW: Duration = Duration::from_secs(20);

/// So many records with a code, counted but not scraped.
fn count(daemon: &mut Daemon, records: usize) {
    daemon.write("Ecs.0114\n".repeat(records));
    wait_for("the count", || {
        let codes: serde_json::Value =
            serde_json::from_str(daemon.get("/api/v1/codes").text()).expect("JSON");
        (codes["records"] == records).then_some(())
    });
}

#[test]
fn the_end_of_the_input_has_a_deadline_too() {
    // Nobody reads the events: they cannot be delivered.
    let args = ["--events", "stdout", "--shutdown-timeout", "1s", "--linger", "60s"];
    let mut daemon = Daemon::spawn_to(&args, Stdio::piped(), Stdio::piped());
    let _stdout = daemon.stdout();
    // One line without a newline, whose events go out at the end, more than a pipe holds.
    daemon.write((0..500).map(|n| format!("CCE.{n:08} ")).collect::<String>());
    daemon.close();
    // What is counted is shown for the time to linger, whatever became of the events.
    let scrape = daemon.wait_for_end_of_input();
    assert_eq!(scrape.sum("errtally_records_total", &[]), 1.0);
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("UNKNOWN CODE"), "the summary: {log}");
    assert!(log.contains("events were not delivered within shutdown_timeout; events: nobody reads"), "{log}");
}

#[cfg(feature = "kafka")]
#[test]
fn the_end_of_the_input_does_not_wait_for_a_broker_that_is_away() {
    let away = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let broker = away.to_string();
    let args = ["--events", "kafka", "--events-kafka-topic", "t", "--events-kafka-brokers", &broker];
    let mut daemon =
        Daemon::spawn_to(&[&args[..], &["--shutdown-timeout", "1s"]].concat(), Stdio::piped(), Stdio::null());
    daemon.write("Ecs.0114\n");
    daemon.close();
    let closed = Instant::now();
    let (status, log) = daemon.wait();
    assert!(closed.elapsed() < SLOW, "{:?}", closed.elapsed());
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("1 event was not delivered within shutdown_timeout"), "{log}");
}

#[test]
fn a_stop_waits_for_a_last_scrape_and_not_longer() {
    let mut daemon = Daemon::start(&["--shutdown-timeout", "60s"]);
    daemon.scrape();
    count(&mut daemon, 1);
    daemon.signal(Signal::TERM);
    daemon.wait_for_log("waiting for a last scrape");
    assert_eq!(daemon.get("/readyz").status, 503);
    assert_eq!(daemon.get("/healthz").status, 200);
    let stopped = Instant::now();
    let scrape = daemon.scrape();
    assert_eq!(scrape.sum("errtally_errors_total", &[("code", "Ecs.0114")]), 1.0);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(stopped.elapsed() < SLOW && !log.contains("nobody scraped"), "{log}");
}

#[test]
fn a_stop_that_nobody_scrapes_ends_in_its_time_and_says_what_is_not_seen() {
    let mut daemon = Daemon::start(&["--shutdown-timeout", "2s"]);
    daemon.scrape();
    count(&mut daemon, 2);
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("nobody scraped within shutdown_timeout") && log.contains("records=2"), "{log}");
}

#[test]
fn a_stop_does_not_wait_where_nobody_scrapes_or_nothing_is_new_or_a_person_asks() {
    for (scrapes, write, signal) in
        [(false, true, Signal::TERM), (true, false, Signal::TERM), (true, true, Signal::INT)]
    {
        let mut daemon = Daemon::start(&["--shutdown-timeout", "60s"]);
        if scrapes {
            daemon.scrape();
        }
        if write {
            count(&mut daemon, 1);
        }
        daemon.signal(signal);
        let stopped = Instant::now();
        let (status, log) = daemon.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(stopped.elapsed() < SLOW && !log.contains("last scrape"), "{log}");
    }
}

#[test]
fn a_second_signal_ends_the_wait_for_a_scrape() {
    let mut daemon = Daemon::start(&["--shutdown-timeout", "60s"]);
    daemon.scrape();
    count(&mut daemon, 1);
    daemon.signal(Signal::TERM);
    daemon.wait_for_log("waiting for a last scrape");
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(128 + 15), "{log}");
}

/// A catalog that takes a while to load.
fn large_catalog(rows: usize) -> String {
    let numbers: Vec<String> = (0..rows).map(|n| format!("{n:06}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    support::shop_catalog(&numbers).replace("grammar: NNN", "grammar: NNNNNN")
}

#[test]
fn no_signal_kills_a_start() {
    let folder = Folder::new();
    let catalog = folder.write("shop.yaml", large_catalog(30_000));
    let args = run_args(&["--catalog", &catalog]);
    let mut ended_early = 0;
    for (signal, after) in [
        (Signal::TERM, 0),
        (Signal::TERM, 10),
        (Signal::TERM, 100),
        (Signal::INT, 0),
        (Signal::INT, 30),
        (Signal::INT, 300),
    ] {
        let mut command = errtally();
        let mut child = command
            .args(&args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        wait_for("handlers", || catches(child.id(), signal).then_some(()));
        std::thread::sleep(Duration::from_millis(after));
        kill_process(pid, signal).expect("it is there");
        let status = wait_for("the end", || child.try_wait().expect("a state"));
        assert_eq!(status.code(), Some(0), "{signal:?} after {after} ms");
        ended_early += 1;
    }
    assert_eq!(ended_early, 6);
}

#[test]
fn a_hangup_during_a_start_is_a_reload_after_it() {
    let folder = Folder::new();
    let catalog = folder.write("shop.yaml", large_catalog(30_000));
    let mut command = errtally();
    command.args(run_args(&["--catalog", &catalog])).stdin(Stdio::piped()).stdout(Stdio::null());
    command.stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
    wait_for("handlers", || catches(child.id(), Signal::HUP).then_some(()));
    kill_process(pid, Signal::HUP).expect("it is there");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().expect("a pipe")));
    let log = lines.by_ref().map_while(Result::ok).find(|line| line.contains("catalog reloaded"));
    assert!(log.is_some(), "it reloads");
    kill_process(pid, Signal::TERM).expect("it is there");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

/// Whether the process has a handler for `signal`.
fn catches(pid: u32, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|l| l.strip_prefix("SigCgt:")).unwrap_or("0");
    let caught = u64::from_str_radix(caught.trim(), 16).unwrap_or(0);
    caught >> (signal.as_raw() - 1) & 1 == 1
}
