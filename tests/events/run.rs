//! A run over a whole input, with its events and its counts.

use std::io::Read;
use std::process::Stdio;
use std::thread::JoinHandle;

use rustix::process::Signal;
use serde_json::Value;

use crate::event;
use crate::support::daemon::Daemon;
use crate::support::exposition::Scrape;

/// Collects what a daemon writes to standard output, until its end.
pub fn collect(daemon: &mut Daemon) -> JoinHandle<Vec<u8>> {
    let mut stdout = daemon.stdout();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).expect("it writes");
        bytes
    })
}

/// The events on standard output and the final counts for `input`. Every event is one that the schema allows.
#[track_caller]
pub fn over(input: &[u8], args: &[&str]) -> (Vec<Value>, Scrape) {
    let args: Vec<&str> = ["--events", "stdout", "--linger", "60s"].iter().chain(args).copied().collect();
    let mut daemon = Daemon::spawn_to(&args, Stdio::piped(), Stdio::piped());
    let output = collect(&mut daemon);
    daemon.write(input);
    daemon.close();
    let scrape = daemon.wait_for_end_of_input();
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    let events = event::parse(&output.join().expect("the output is read"));
    assert_eq!(scrape.value("errtally_events_total", &[("to", "stdout")]), Some(events.len() as f64));
    (events, scrape)
}

/// As [`over`]; there must be an event for every hit that is counted.
#[track_caller]
pub fn exact(input: &[u8], args: &[&str]) -> (Vec<Value>, Scrape) {
    let (events, scrape) = over(input, args);
    assert_eq!(event::codes(&events), event::counted(&scrape), "events and counters");
    (events, scrape)
}
