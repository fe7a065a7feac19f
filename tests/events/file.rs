//! Events in a file: rotation, reopening, a disk that is full.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};

use crate::event;
use crate::support::daemon::{Daemon, run_args};
use crate::support::{Folder, errtally, finish_with, wait_for};

/// Requests with the number of their events, from all files of `folder`, each of which holds whole lines.
fn requests(folder: &Path) -> BTreeMap<String, usize> {
    let mut requests = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        for event in event::parse(&bytes) {
            *requests.entry(event["request_id"].as_str().expect("a request").to_owned()).or_default() += 1;
        }
    }
    requests
}

fn lines(numbers: std::ops::Range<u64>) -> String {
    numbers.map(|i| format!("{{\"request_id\":\"r{i}\",\"code\":\"Ecs.0114\"}}\n")).collect()
}

#[track_caller]
fn assert_all_once(folder: &Path, count: u64) {
    let found = requests(folder);
    let wanted = (0..count).map(|i| (format!("r{i}"), 1)).collect();
    assert!(found == wanted, "{} requests, where {count} are wanted once each", found.len());
}

#[test]
fn rotation_and_reopening_lose_and_tear_nothing() {
    const EVENTS: u64 = 30_000;
    let folder = Folder::new();
    let path = folder.path().join("events.jsonl");
    let name = path.display().to_string();
    let args = ["--events", "file", "--events-file-path", &name, "--events-file-max-bytes", "100KiB"];
    let mut args = args.to_vec();
    args.extend(["--events-file-keep", "1000"]);
    let mut daemon = Daemon::start(&args);
    let mut input = daemon.stdin();
    let feeding = std::thread::spawn(move || {
        for i in (0..EVENTS).step_by(50) {
            input.write_all(lines(i..i + 50).as_bytes()).expect("it reads");
        }
        input
    });
    // As logrotate does it, over and over: rename, then SIGHUP.
    let mut moved = 0;
    while !feeding.is_finished() {
        let away = folder.path().join(format!("moved-{moved}.jsonl"));
        // Its own rotation may be faster.
        if std::fs::rename(&path, &away).is_ok() {
            daemon.signal(Signal::HUP);
            moved += 1;
            wait_for("the file is there again", || path.exists().then_some(()));
        }
    }
    let input = feeding.join().expect("all is fed");
    let scrape = daemon.wait_for_records(EVENTS);
    wait_for("all events", || {
        let events = daemon.scrape().sum("errtally_events_total", &[("to", "file")]);
        (events == EVENTS as f64).then_some(())
    });
    assert_eq!(scrape.sum("errtally_errors_total", &[]), EVENTS as f64);
    drop(input);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_all_once(folder.path(), EVENTS);
    let rotated = (1..1000).take_while(|i| folder.path().join(format!("events.jsonl.{i}")).exists()).count();
    assert!(moved > 1 && rotated > 1, "moved {moved} times, rotated {rotated} times");
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let size = entry.expect("an entry").metadata().expect("a size").len();
        assert!(size <= 100 << 10, "{size} bytes");
    }
}

#[test]
fn a_restart_goes_on_in_the_same_file() {
    let folder = Folder::new();
    let name = folder.path().join("events.jsonl").display().to_string();
    for range in [0..10, 10..20] {
        let mut daemon = Daemon::start(&["--events", "file", "--events-file-path", &name]);
        daemon.write(lines(range));
        daemon.close();
        assert_eq!(daemon.wait().0.code(), Some(0));
    }
    assert_all_once(folder.path(), 20);
}

#[test]
fn a_folder_that_is_not_there_is_told_at_the_start() {
    let folder = Folder::new();
    let name = folder.path().join("absent/events.jsonl").display().to_string();
    let args = run_args(&["--events", "file", "--events-file-path", &name]);
    let said = crate::support::run(args).failed(2);
    assert!(said.contains("--events-file-path: there is no folder") && said.contains("make it"), "{said}");
}

/// Waits for a 503 of which the reason holds `words`.
#[track_caller]
fn wait_for_trouble(daemon: &Daemon, words: &str) {
    wait_for(&format!("503 and `{words}`"), || {
        let answer = daemon.get("/readyz");
        (answer.status == 503 && answer.text().contains(words)).then_some(())
    });
    assert_eq!(daemon.get("/healthz").status, 200, "it stays up");
}

#[test]
fn a_full_disk_is_waited_for() {
    let folder = Folder::new();
    let events = folder.path().join("events");
    std::fs::create_dir(&events).expect("a folder");
    let path = events.join("events.jsonl");
    std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
    let name = path.display().to_string();
    let mut daemon = Daemon::start(&["--events", "file", "--events-file-path", &name]);
    daemon.write(lines(0..1000));
    wait_for_trouble(&daemon, "No space left on device");
    let failures = daemon.scrape().sum("errtally_event_write_failures_total", &[("to", "file")]);
    assert!(failures >= 1.0);
    // Somebody makes room.
    std::fs::remove_file(&path).expect("the link");
    daemon.signal(Signal::HUP);
    daemon.write(lines(1000..1500));
    wait_for("ready again", || (daemon.get("/readyz").status == 200).then_some(()));
    daemon.wait_for_records(1500);
    daemon.close();
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_all_once(&events, 1500);
}

/// A limit of the file's size stands for a small disk: the last write before it is a part of a line.
#[test]
fn a_disk_that_fills_in_the_middle_of_a_line() {
    let folder = Folder::new();
    let path = folder.path().join("events.jsonl");
    let name = path.display().to_string();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -S -f 64; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_errtally")]);
    command.args(run_args(&["--events", "file", "--events-file-path", &name]));
    let mut daemon = Daemon::spawn_command(command.stdin(Stdio::piped()).stdout(Stdio::null()));
    daemon.write(lines(0..2000));
    wait_for_trouble(&daemon, "File too large");
    // Who looks at the file meanwhile sees no torn line.
    event::parse(&std::fs::read(&path).expect("the file"));
    let pid = i32::try_from(daemon.pid()).ok().and_then(Pid::from_raw).expect("a process id");
    let most = Rlimit { current: None, maximum: None };
    prlimit(Some(pid), Resource::Fsize, most).expect("room");
    daemon.write(lines(2000..2500));
    daemon.wait_for_records(2500);
    daemon.close();
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_all_once(folder.path(), 2500);
}

#[test]
fn a_full_disk_at_the_end_is_told_with_the_number() {
    let folder = Folder::new();
    let path = folder.path().join("events.jsonl");
    std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
    let name = path.display().to_string();
    let args = ["--events", "file", "--events-file-path", &name, "--shutdown-timeout", "1s"];
    let mut daemon = Daemon::start(&args);
    daemon.write(lines(0..200));
    wait_for_trouble(&daemon, "No space left on device");
    let counted = daemon.scrape().sum("errtally_errors_total", &[("code", "Ecs.0114")]);
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    let said = format!("{counted} events were not delivered within shutdown_timeout");
    assert!(log.contains(&said) && log.contains("No space left"), "{said}\n{log}");
}

#[test]
fn a_second_process_on_the_same_file_is_told_so() {
    let folder = Folder::new();
    let path = folder.path().join("events.jsonl");
    let args = ["--events", "file", "--events-file-path", path.to_str().expect("a path")];
    let daemon = Daemon::start(&args);
    let second = finish_with(errtally().args(run_args(&args)), b"");
    let said = second.failed(1);
    assert!(said.contains("another process writes to it") && said.contains("events.file.path"), "{said}");
    assert_eq!(daemon.get("/healthz").status, 200);
}

/// Opening the file again may wait for ever, as that of a pipe which nobody reads does: HTTP, signals and the end do not.
#[test]
fn opening_again_keeps_nobody_waiting() {
    let folder = Folder::new();
    let path = folder.path().join("events.jsonl");
    let name = path.display().to_string();
    let mut daemon =
        Daemon::start(&["--events", "file", "--events-file-path", &name, "--shutdown-timeout", "4s"]);
    daemon.write(lines(0..1));
    wait_for("the event", || (daemon.scrape().sum("errtally_events_total", &[]) == 1.0).then_some(()));
    std::fs::rename(&path, folder.path().join("events.1")).expect("it is renamed");
    let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo");
    assert!(made.success());
    let mut longest = Duration::ZERO;
    for round in 0..20 {
        if round % 5 == 0 {
            daemon.signal(Signal::HUP);
            daemon.write(lines(1..2));
        }
        let since = Instant::now();
        assert_eq!(daemon.get("/healthz").status, 200);
        longest = longest.max(since.elapsed());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(longest < Duration::from_millis(700), "an answer took {longest:?}");
    let since = Instant::now();
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert!(since.elapsed() < Duration::from_secs(6), "{:?}: {log}", since.elapsed());
    assert!(status.code().is_some_and(|code| code < 2), "{log}");
}
