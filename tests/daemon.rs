//! The life of the daemon: the end of its input, signals that stop it, clients that hold it up.

mod support;

use std::io::{PipeReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::daemon::Daemon;
use support::{DEADLINE, errtally, finish, finish_with, http, wait_for};

/// A daemon whose standard input is a pipe that the test can look into.
fn with_pipe(args: &[&str]) -> (Daemon, PipeReader, std::io::PipeWriter) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let stdin = Stdio::from(reader.try_clone().expect("a second end"));
    (Daemon::start_with(args, stdin, &[]), reader, writer)
}

/// Waits until the daemon has taken all bytes out of the pipe.
#[track_caller]
fn wait_until_taken(pipe: &PipeReader) {
    wait_for("an empty pipe", || (rustix::io::ioctl_fionread(pipe).expect("a pipe") == 0).then_some(()));
}

/// A daemon, and a client that asked it for more than the buffers of a connection hold and takes none of it. The
/// input is kept open.
fn held_up(shutdown_timeout: &str) -> (Daemon, TcpStream, impl Sized) {
    let flags = ["--max-unknown-codes", "100000", "--shutdown-timeout", shutdown_timeout];
    // The client is not to be cut off for its slowness, however long the test takes.
    let flags = [&flags[..], &["--http-answer-timeout", "1h"]].concat();
    let (daemon, pipe, mut writer) = with_pipe(&flags);
    let name = "x".repeat(110);
    let lines: String = (0..60_000).map(|i| format!("error_code={name}.{i:05}\n")).collect();
    writer.write_all(lines.as_bytes()).expect("it reads");
    wait_until_taken(&pipe);
    let client = http::open(daemon.address(), "GET", "/api/v1/codes", &[]).expect("a connection");
    // The first byte shows that the answer is under way; it is left where it is.
    assert_eq!(client.peek(&mut [0]).expect("an answer"), 1);
    (daemon, client, (pipe, writer))
}

/// What `/readyz` says, or nothing where nobody answers.
fn readyz(daemon: &Daemon) -> Option<(u16, String)> {
    let answer = http::ask(daemon.address(), "GET", "/readyz", &[]).ok()?;
    Some((answer.status, answer.text().to_owned()))
}

/// Sends the first signal and waits until it has been noticed.
#[track_caller]
fn stop(daemon: &Daemon) {
    daemon.signal(Signal::TERM);
    wait_for("the first signal to be noticed", || readyz(daemon).is_none_or(|r| r.0 != 200).then_some(()));
}

#[test]
fn the_end_of_the_input_ends_it_with_a_summary_on_stderr() {
    let input = b"Ecs.0114\nnothing\nCCE.01400007\nerror_code=DLI.0003";
    let ended = finish_with(errtally().args(["run", "--listen", "127.0.0.1:0"]), input);
    for part in ["Ecs.0114", "CCE.01400007", "DLI.0003", "4 records, 3 with a code"] {
        assert!(ended.stderr.contains(part), "{part} in:\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains('\u{1b}'), "no colour in a pipe");
    assert_eq!(ended.ok(), "", "stdout is for results of commands that end");
}

/// How often the thread that reads has gone to sleep so far.
fn sleeps_of_the_reader(daemon: &Daemon) -> u64 {
    wait_for("a thread that reads", || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", daemon.pid())).ok()?;
        let mut statuses =
            tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("status")).ok());
        let reader = statuses.find(|status| status.starts_with("Name:\treader\n"))?;
        let (_, rest) = reader.split_once("\nvoluntary_ctxt_switches:")?;
        rest.lines().next()?.trim().parse().ok()
    })
}

#[test]
fn lines_that_are_written_one_by_one_do_not_wake_the_reader_one_by_one() {
    let (daemon, pipe, mut writer) = with_pipe(&[]);
    let before = sleeps_of_the_reader(&daemon);
    let lines = 10_000;
    for _ in 0..lines {
        writer.write_all(b"Ecs.0114\n").expect("it reads");
        // Long enough for a reader that waits for each line to be woken by it.
        let next = Instant::now() + Duration::from_micros(50);
        while Instant::now() < next {
            std::hint::spin_loop();
        }
    }
    wait_until_taken(&pipe);
    let sleeps = sleeps_of_the_reader(&daemon) - before;
    assert!(sleeps < lines / 10, "{sleeps} for {lines} lines");
    daemon.wait_for_records(lines);
    daemon.signal(Signal::TERM);
    assert!(daemon.wait().0.success());
}

#[test]
fn a_file_and_nothing_at_all_are_inputs_too() {
    let run = ["run", "--listen", "127.0.0.1:0"];
    let log = std::fs::File::open(support::root().join("examples/cloud-api.log")).expect("the example");
    for (stdin, records) in [(Stdio::from(log), "322 records"), (Stdio::null(), "0 records")] {
        let child = errtally().args(run).stdin(stdin).stderr(Stdio::piped()).spawn().expect("it starts");
        let output = child.wait_with_output().expect("it ends");
        assert!(String::from_utf8_lossy(&output.stderr).contains(records), "{records}");
        assert_eq!(output.status.code(), Some(0), "{records}");
    }
}

#[test]
fn linger_serves_the_final_counts_and_then_ends() {
    let mut daemon = Daemon::start(&["--linger", "3s"]);
    daemon.write("Ecs.0114\nEcs.0114");
    daemon.close();
    daemon.wait_for_log("2 records, 2 with a code");
    let since = Instant::now();
    let scrape = daemon.wait_for_end_of_input();
    assert_eq!(scrape.value("errtally_records_total", &[]), Some(2.0));
    assert_eq!(scrape.value("errtally_errors_total", &[("code", "Ecs.0114")]), Some(2.0));
    let (status, _) = daemon.wait();
    assert_eq!(status.code(), Some(0));
    assert!(since.elapsed() > Duration::from_secs(2), "{:?}", since.elapsed());
}

#[test]
fn a_signal_ends_the_lingering() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut daemon = Daemon::start(&["--linger", "5m"]);
        daemon.close();
        daemon.wait_for_end_of_input();
        daemon.signal(signal);
        assert_eq!(daemon.wait().0.code(), Some(0));
    }
}

#[test]
fn a_signal_stops_it_with_all_counted_that_was_read() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut daemon = Daemon::start(&[]);
        daemon.write("Ecs.0114\n".repeat(5000));
        daemon.wait_for_records(5000);
        let since = Instant::now();
        daemon.signal(signal);
        // Its input is still open: it must not wait for more.
        let (status, log) = daemon.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("records=5000"), "{log}");
        assert!(since.elapsed() < Duration::from_secs(10), "within shutdown_timeout");
    }
}

#[test]
fn a_last_line_that_is_not_finished_is_counted_at_a_signal() {
    let (daemon, pipe, mut writer) = with_pipe(&[]);
    writer.write_all(b"Ecs.0114\nCSS.0015 unfini").expect("it reads");
    wait_until_taken(&pipe);
    daemon.wait_for_records(1);
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0));
    assert!(log.contains("records=2"), "{log}");
}

#[test]
fn a_signal_while_the_writer_is_blocked_loses_nothing_that_was_read() {
    const LINE: &[u8] = b"2026-11-03T08:05:12Z ERROR Ecs.0114 instance not found, 61B\n";
    let (daemon, mut pipe, mut writer) = with_pipe(&[]);
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let block = LINE.repeat(1111);
            let mut written = 0;
            while !enough.load(Ordering::Relaxed) {
                writer.write_all(&block).expect("the test holds the other end");
                written += block.len();
            }
            drop(writer);
            written
        });
        wait_for("some records", || {
            (daemon.scrape().sum("errtally_records_total", &[]) > 10_000.0).then_some(())
        });
        daemon.signal(Signal::TERM);
        let (status, log) = daemon.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        // What the daemon left in the pipe it has not read; all else it must have counted.
        enough.store(true, Ordering::Relaxed);
        let left = std::io::copy(&mut pipe, &mut std::io::sink()).expect("the rest") as usize;
        let read = writing.join().expect("the writer ends") - left;
        let records = read.div_ceil(LINE.len());
        assert!(
            log.lines().any(|l| l.ends_with(&format!("records={records}"))),
            "{read} bytes, {records} records:\n{log}"
        );
    });
}

#[test]
fn reads_of_one_byte_make_the_same_records() {
    let input = b"Ecs.0114 x\n{\"errorCode\":\"DLI.0003\"}\r\n\nCCE.01400007";
    let (daemon, pipe, mut writer) = with_pipe(&["--linger", "1m"]);
    for byte in input {
        writer.write_all(&[*byte]).expect("it reads");
        wait_until_taken(&pipe);
    }
    drop(writer);
    daemon.wait_for_end_of_input();
    assert_eq!(daemon.get("/api/v1/codes").json(), support::scan_json(input, &[]));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (second, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let (daemon, _client, _input) = held_up("5m");
        stop(&daemon);
        daemon.signal(second);
        let (status, log) = daemon.wait();
        assert_eq!(status.code(), Some(code), "{log}");
    }
}

#[test]
fn while_draining_readyz_says_so() {
    let (daemon, mut client, _input) = held_up("5m");
    stop(&daemon);
    // As long as an answer is under way: more than once, since the first may come just in time.
    for _ in 0..20 {
        let said = readyz(&daemon);
        assert!(said.as_ref().is_some_and(|r| r.0 == 503 && r.1.contains("draining")), "{said:?}");
    }
    // The client gets all of its answer, and then the daemon ends.
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).expect("the answer");
    assert!(answer.ends_with(b"}"), "it is whole");
    assert_eq!(daemon.wait().0.code(), Some(0));
}

#[test]
fn an_answer_that_is_under_way_is_finished() {
    let (daemon, mut client, _input) = held_up("5m");
    stop(&daemon);
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).expect("the answer");
    assert!(answer.len() > 10 << 20 && answer.ends_with(b"}"), "{} bytes", answer.len());
    assert_eq!(daemon.wait().0.code(), Some(0));
}

#[test]
fn a_client_that_takes_nothing_holds_it_up_no_longer_than_shutdown_timeout() {
    let (daemon, _client, _input) = held_up("700ms");
    let since = Instant::now();
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(since.elapsed() > Duration::from_millis(600), "it waited for the client: {:?}", since.elapsed());
    assert!(since.elapsed() < DEADLINE / 2, "{:?}", since.elapsed());
    assert!(log.contains("shutdown_timeout"), "it says why it waited: {log}");
}

#[test]
fn an_idle_connection_does_not_hold_it_up() {
    let daemon = Daemon::start(&["--shutdown-timeout", "5m"]);
    let silent = TcpStream::connect(daemon.address()).expect("a connection");
    let mut kept = TcpStream::connect(daemon.address()).expect("a connection");
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
    assert!(kept.read(&mut [0; 4096]).expect("an answer") > 0);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().0.code(), Some(0));
    drop((silent, kept));
}

#[test]
fn a_port_in_use_is_told_with_a_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let ended = finish(errtally().args(["run", "--listen", &address]));
    assert_eq!(ended.stdout, "");
    let said = ended.failed(1);
    assert!(said.contains(&address) && said.contains("in use"), "{said}");
    assert!(said.contains("--listen") && said.contains("ERRTALLY_LISTEN"), "a remedy: {said}");
}

#[test]
fn log_level_decides_what_is_logged() {
    let said = |level: &str| {
        let ended = finish_with(
            errtally().args(["run", "--listen", "127.0.0.1:0", "--log-level", level]),
            b"Ecs.0114\n",
        );
        assert_eq!(ended.status, Some(0));
        ended.stderr
    };
    assert!(said("info").contains("ready: http://127.0.0.1:"));
    let quiet = said("error");
    assert!(!quiet.contains("ready"), "{quiet}");
    assert!(quiet.contains("1 record, 1 with a code"), "the summary is no log: {quiet}");
}
