//! A folder of logs, one for positions, and an errtally that follows the one and keeps the other.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::daemon::Daemon;
use crate::support::exposition::Scrape;
use crate::support::{Folder, wait_for};

/// A line with a code, and its newline.
pub fn line(number: u64) -> String {
    format!("2026-11-03T08:00:00Z ERROR the call {number} failed: Ecs.0114\n")
}

pub struct Place(Folder);

impl Place {
    pub fn new() -> Place {
        let folder = Folder::new();
        std::fs::create_dir(folder.path().join("logs")).expect("a folder");
        Place(folder)
    }

    /// The folder around all.
    pub fn root(&self) -> &Path {
        self.0.path()
    }

    /// A file among the logs.
    pub fn log(&self, name: &str) -> PathBuf {
        self.root().join("logs").join(name)
    }

    pub fn state(&self) -> PathBuf {
        self.root().join("state")
    }

    /// Adds to a log.
    pub fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        append(&self.log(name), text);
    }

    /// What a daemon is told that follows `pattern` among the logs.
    pub fn args(&self, pattern: &str) -> Vec<String> {
        let text = |path: PathBuf| path.to_str().expect("a plain path").to_owned();
        let (paths, state) = (text(self.log(pattern)), text(self.state()));
        let args = ["--source", "file", "--file-paths", &paths, "--state-dir", &state];
        let more = ["--file-start", "beginning", "--file-discover-interval", "200ms", "--join-wait", "100ms"];
        args.iter().chain(&more).map(|arg| (*arg).to_owned()).collect()
    }

    /// A daemon that follows `*.log` from the beginning.
    #[track_caller]
    pub fn start(&self, more: &[&str]) -> Daemon {
        self.start_on("*.log", more)
    }

    #[track_caller]
    pub fn start_on(&self, pattern: &str, more: &[&str]) -> Daemon {
        let args = self.args(pattern);
        // Each flag stands once.
        let ours = args.chunks(2).filter(|flag| !more.contains(&flag[0].as_str())).flatten();
        let args: Vec<&str> = ours.map(String::as_str).chain(more.iter().copied()).collect();
        Daemon::start_with(&args, Stdio::null(), &[])
    }

    /// The flags that send events to a file, which is at [`Place::events_file`].
    pub fn events(&self) -> Vec<String> {
        let file = self.events_file().to_str().expect("a plain path").to_owned();
        ["--events", "file", "--events-file-path", &file].map(str::to_owned).to_vec()
    }

    pub fn events_file(&self) -> PathBuf {
        self.root().join("events.jsonl")
    }

    /// How often there is an event of each line, by the number in its message.
    pub fn told(&self) -> BTreeMap<u64, u64> {
        let mut told = BTreeMap::new();
        for line in std::fs::read_to_string(self.events_file()).unwrap_or_default().lines() {
            // The last may be in the making.
            let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
            let record = event["record"].as_str().expect("with the record");
            let (_, rest) = record.split_once("the call ").expect("a line of ours");
            let number = rest.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
            *told.entry(number).or_default() += 1;
        }
        told
    }
}

pub fn append(path: &Path, text: impl AsRef<[u8]>) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a log");
    file.write_all(text.as_ref()).expect("it is written");
}

pub fn hits(scrape: &Scrape) -> f64 {
    scrape.sum("errtally_errors_total", &[("code", "Ecs.0114")])
}

/// Stops it by SIGTERM; how many records it has counted.
#[track_caller]
pub fn terminate(daemon: Daemon) -> u64 {
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    let (_, counted) = log.rsplit_once("records=").expect("the records in the log");
    counted.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number")
}

/// Waits until `name` is `value`.
#[track_caller]
pub fn wait_for_value(daemon: &Daemon, name: &str, value: f64) {
    wait_for(&format!("{name} {value}"), || (daemon.scrape().value(name, &[]) == Some(value)).then_some(()));
}
