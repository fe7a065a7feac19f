//! One instance of the group: its process, and somebody who reads its events, or does not.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::daemon::{Daemon, run_args};
use crate::support::errtally;
use crate::truth::Truth;

/// As low as the broker allows, so that trouble is over soon.
const PROPERTIES: [&str; 3] =
    ["session.timeout.ms=6000", "heartbeat.interval.ms=2000", "max.poll.interval.ms=10000"];

/// An instance; killed when dropped.
pub struct Instance {
    pub daemon: Option<Daemon>,
    blocked: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    pub frozen_until: Option<Instant>,
    pub blocked_until: Option<Instant>,
}

impl Instance {
    pub fn start(brokers: &str, catalog: &str, truth: &Arc<Truth>) -> Instance {
        let mut args = vec!["--source", "kafka", "--kafka-brokers", brokers, "--kafka-topics", "^trouble-.*"];
        args.extend(["--kafka-group", "trouble", "--kafka-start", "earliest", "--events", "stdout"]);
        args.extend(["--catalog", catalog]);
        PROPERTIES.iter().for_each(|property| args.extend(["--kafka-properties", property]));
        let mut command = errtally();
        command.args(run_args(&args)).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut daemon = Daemon::spawn_command(&mut command);
        let blocked = Arc::new(AtomicBool::new(false));
        let (stdout, waits, truth) = (daemon.stdout(), blocked.clone(), truth.clone());
        let reader = std::thread::spawn(move || {
            let mut lines = BufReader::with_capacity(1 << 16, stdout);
            let mut line = Vec::new();
            loop {
                while waits.load(Ordering::Acquire) {
                    std::thread::sleep(Duration::from_millis(20));
                }
                line.clear();
                match lines.read_until(b'\n', &mut line) {
                    Ok(n) if n > 0 => take(&line, &truth),
                    _ => return,
                }
            }
        });
        Instance {
            daemon: Some(daemon),
            blocked,
            reader: Some(reader),
            frozen_until: None,
            blocked_until: None,
        }
    }

    pub fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("it runs")
    }

    pub fn block(&mut self, time: Duration) {
        self.blocked.store(true, Ordering::Release);
        self.blocked_until = Some(Instant::now() + time);
    }

    pub fn freeze(&mut self, time: Duration) {
        self.daemon().signal(Signal::STOP);
        self.frozen_until = Some(Instant::now() + time);
    }

    /// Ends what is over.
    pub fn look(&mut self) {
        let now = Instant::now();
        if self.frozen_until.is_some_and(|at| at <= now) {
            self.thaw();
        }
        if self.blocked_until.is_some_and(|at| at <= now) {
            self.unblock();
        }
    }

    pub fn thaw(&mut self) {
        if self.frozen_until.take().is_some() {
            self.daemon().signal(Signal::CONT);
        }
    }

    pub fn unblock(&mut self) {
        self.blocked.store(false, Ordering::Release);
        self.blocked_until = None;
    }

    /// Whether its state is as usual.
    pub fn is_calm(&self) -> bool {
        self.frozen_until.is_none() && self.blocked_until.is_none()
    }

    /// Ends it by a signal; its log. What it wrote before is read.
    pub fn end(mut self, signal: Signal) -> (Option<i32>, String) {
        self.thaw();
        let daemon = self.daemon.take().expect("it runs");
        daemon.signal(signal);
        let (status, log) = daemon.wait();
        self.unblock();
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader");
        }
        (status.code(), log)
    }
}

/// One event: `"source":{"type":"kafka","topic":T,"partition":P,"offset":O}`.
fn take(line: &[u8], truth: &Truth) {
    // What a killed writer has left of its last line.
    if line.last() != Some(&b'\n') {
        return;
    }
    let Ok(event) = std::str::from_utf8(line) else {
        return truth.problem("an event that is no text".to_owned());
    };
    let after = |name: &str| event.rsplit_once(name).map(|(_, rest)| rest);
    let number =
        |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse::<u64>().ok());
    let topic = after("\"topic\":\"").and_then(|rest| rest.split('"').next());
    let place = after("\"partition\":").and_then(number).zip(after("\"offset\":").and_then(number));
    match (topic, place) {
        (Some(topic), Some((partition, offset))) => truth.event(topic, partition, offset),
        _ => truth.problem(format!("an event without a place: {event}")),
    }
}
