//! The log never stops or ends anything: a full disk, a reader that is gone or does not read, the same line
//! without end.

mod support;

use std::fs::File;
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::daemon::Daemon;
use support::exposition::Scrape;
use support::http::ask;
use support::{Folder, errtally, wait_for};

/// A daemon whose log nobody can read, so that its port is chosen here.
struct Mute {
    child: Child,
    address: SocketAddr,
}

impl Mute {
    fn start(stderr: impl Into<Stdio>, args: &[&str]) -> Mute {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let mut command = errtally();
        command.args(["run", "--listen", &free.to_string()]).args(args);
        let child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(stderr).spawn().expect("it starts");
        let mute = Mute { child, address: free };
        wait_for("it serves", || (mute.get("/readyz")?.0 == 200).then_some(()));
        mute
    }

    fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = ask(self.address, "GET", path, &[]).ok()?;
        Some((answer.status, answer.text().to_owned()))
    }

    fn metric(&self, name: &str) -> f64 {
        let (status, text) = self.get("/metrics").expect("an answer");
        assert_eq!(status, 200);
        Scrape::parse(&text).sum(name, &[])
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("it is there");
    }

    fn wait(&mut self) -> ExitStatus {
        wait_for("the end of the process", || self.child.try_wait().expect("a state"))
    }
}

impl Drop for Mute {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A configuration that fails at every reload, with other long lines each time.
fn broken(folder: &Folder, number: usize) {
    let lines: String = (0..40).map(|n| format!("key_{number}_{n}_{}: 1\n", "x".repeat(900))).collect();
    folder.write("errtally.yaml", lines);
}

#[test]
fn a_full_disk_and_a_reader_that_is_gone_lose_lines_and_nothing_else() {
    let full = || Stdio::from(File::options().write(true).open("/dev/full").expect("/dev/full"));
    let gone = || {
        let (_, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
        Stdio::from(writer)
    };
    for stderr in [full(), gone()] {
        let mut mute = Mute::start(stderr, &[]);
        wait_for("a dropped line", || (mute.metric("errtally_log_lines_dropped_total") > 0.0).then_some(()));
        mute.signal(Signal::HUP);
        assert_eq!(mute.get("/healthz").expect("an answer").0, 200);
        mute.signal(Signal::TERM);
        assert_eq!(mute.wait().code(), Some(0));
    }
    // The end of the input, whose summary cannot be written either.
    let mut mute = Mute::start(full(), &[]);
    drop(mute.child.stdin.take());
    assert_eq!(mute.wait().code(), Some(0));
}

#[test]
fn a_reader_that_does_not_read_hangs_nothing() {
    let folder = Folder::new();
    let file = folder.write("errtally.yaml", "# nothing\n");
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
    let mut mute = Mute::start(writer, &["--config", &file]);
    // Far more than the pipe and the queue hold.
    let mut number = 0;
    wait_for("dropped lines", || {
        broken(&folder, number);
        number += 1;
        let before = mute.metric("errtally_config_last_reload_successful");
        mute.signal(Signal::HUP);
        assert!(before <= 1.0);
        (mute.metric("errtally_log_lines_dropped_total") > 0.0).then_some(())
    });
    assert_eq!(mute.get("/healthz").expect("an answer").0, 200);
    // Once somebody reads, it is told what is missing.
    let mut reader = File::from(reader);
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("text");
        text
    });
    wait_for("the queue is empty", || {
        let dropped = mute.metric("errtally_log_lines_dropped_total");
        std::thread::sleep(Duration::from_millis(200));
        (mute.metric("errtally_log_lines_dropped_total") == dropped).then_some(())
    });
    mute.signal(Signal::TERM);
    assert_eq!(mute.wait().code(), Some(0));
    let text = reading.join().expect("it reads");
    assert!(
        text.contains("log lines could not be written and were dropped"),
        "{}",
        &text[text.len() - 500..]
    );
}

#[test]
fn a_reader_that_does_not_read_keeps_no_process_from_ending() {
    let folder = Folder::new();
    let file = folder.write("errtally.yaml", "# nothing\n");
    let (_reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
    let mut mute = Mute::start(writer, &["--config", &file, "--shutdown-timeout", "5s"]);
    for number in 0..20 {
        broken(&folder, number);
        let failures = mute.metric("errtally_config_last_reload_success_timestamp_seconds");
        mute.signal(Signal::HUP);
        assert!(failures > 0.0);
    }
    mute.signal(Signal::TERM);
    assert_eq!(mute.wait().code(), Some(0));
}

#[test]
fn problems_of_a_start_are_told_within_a_time() {
    let folder = Folder::new();
    let text: String = (0..3_000).map(|n| format!("no_such_key_{n}: 1\n")).collect();
    let file = folder.write("errtally.yaml", text);
    let (_reader, writer): (OwnedFd, OwnedFd) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
    let mut command = errtally();
    command.args(["config", "check", "--config", &file]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.stderr(writer).spawn().expect("it starts");
    let status = wait_for("the end", || child.try_wait().expect("a state"));
    assert_eq!(status.code(), Some(2));
}

#[test]
fn json_lines_are_objects() {
    let daemon = Daemon::start(&["--log-format", "json"]);
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    let lines: Vec<Value> =
        log.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect();
    assert!(lines.len() >= 2, "{log}");
    for line in &lines {
        assert!(line["time"].is_string() && line["level"] == "info" && line["message"].is_string(), "{line}");
    }
    assert_eq!(lines[0]["source"], "stdin");
    assert!(log.starts_with("{\"time\":\""), "in an order that people can read: {log}");
}

#[test]
fn a_line_that_repeats_is_told_with_a_number() {
    let folder = Folder::new();
    let file = folder.write("errtally.yaml", "# nothing\n");
    let daemon = Daemon::start(&["--config", &file]);
    folder.write("errtally.yaml", "no_such_key: 1\n");
    let suppressed = || daemon.scrape().sum("errtally_log_lines_suppressed_total", &[]);
    wait_for("suppressed lines", || {
        daemon.signal(Signal::HUP);
        (suppressed() >= 10.0).then_some(())
    });
    // Another line is told all the same.
    folder.write("errtally.yaml", "# nothing\n");
    daemon.signal(Signal::HUP);
    daemon.wait_for_log("configuration and catalog reloaded");
    daemon.signal(Signal::TERM);
    let (_, log) = daemon.wait();
    let told = log.lines().filter(|l| l.contains("no_such_key") && !l.contains("repeated")).count();
    assert_eq!(told, 10, "{log}");
    assert!(log.contains(" times since)"), "{log}");
}
