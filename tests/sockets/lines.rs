//! Lines over TCP and Unix sockets.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::support::daemon::Daemon;
use super::support::{Folder, Raise, wait_for};
use super::{CODE, QUIET, connect, hits, listening, tcp};

#[test]
fn lines_of_a_connection_are_counted_and_named() {
    let (daemon, address) = tcp(&[]);
    let mut sender = connect(address);
    let sent = format!("{CODE}{QUIET}{CODE}").replace("Ecs.0114 the", "Ecs.0114 e\u{301} the");
    sender.write_all(sent.as_bytes()).expect("it reads");
    let scrape = daemon.wait_for_records(3);
    assert_eq!(hits(&scrape), 2.0);
    assert_eq!(scrape.sum("errtally_records_total", &[("source", "tcp")]), 3.0);
    assert_eq!(scrape.sum("errtally_record_bytes_total", &[("source", "tcp")]), sent.len() as f64);
    assert_eq!(scrape.sum("errtally_source_received_bytes_total", &[("source", "tcp")]), sent.len() as f64);
    assert_eq!(scrape.sum("errtally_source_connections", &[]), 1.0);
    assert_eq!(scrape.sum("errtally_source_accepted_connections_total", &[]), 1.0);
    // A last line without a newline is a record when the connection ends.
    sender.write_all(b"Ecs.0114 no newline").expect("it reads");
    thread::sleep(Duration::from_millis(50));
    assert_eq!(daemon.scrape().sum("errtally_records_total", &[]), 3.0);
    drop(sender);
    assert_eq!(hits(&daemon.wait_for_records(4)), 3.0);
    wait_for("the connection has gone", || {
        (daemon.scrape().sum("errtally_source_connections", &[]) == 0.0).then_some(())
    });
}

#[test]
fn lines_of_two_connections_are_never_joined() {
    let (daemon, address) = tcp(&["--join-wait", "30s"]);
    // Stack traces, cut into small pieces that alternate.
    let trace = "2026-11-21 10:00:00 ERROR request failed\njava.io.IOException: Ecs.0114 gone\n\
                 \tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)\nCaused by: x.Y: Ecs.0005 denied\n\t... 2 more\n";
    let quiet = "2026-11-21 10:00:00 INFO fine\n";
    let mut senders: Vec<TcpStream> = (0..20).map(|_| connect(address)).collect();
    let text = format!("{trace}{quiet}").repeat(5);
    let mut rest: Vec<&[u8]> = vec![text.as_bytes(); senders.len()];
    let mut step = 0;
    while rest.iter().any(|rest| !rest.is_empty()) {
        for (sender, rest) in senders.iter_mut().zip(&mut rest) {
            step = (step * 7 + 3) % 61;
            let (now, later) = rest.split_at(rest.len().min(step + 1));
            sender.write_all(now).expect("it reads");
            *rest = later;
        }
    }
    drop(senders);
    let scrape = daemon.wait_for_records(20 * 10);
    assert_eq!(hits(&scrape), 100.0);
    assert_eq!(scrape.sum("errtally_matched_records_total", &[]), 100.0);
    assert_eq!(scrape.sum("errtally_errors_total", &[("code", "Ecs.0005")]), 100.0);
}

#[test]
fn a_record_that_waits_for_more_lines_is_counted_when_none_come() {
    let (daemon, address) = tcp(&["--join-wait", "50ms"]);
    let mut one = connect(address);
    let mut other = connect(address);
    one.write_all(b"java.io.IOException: Ecs.0114 gone\n\tat a.B.c(B.java:1)\n").expect("it reads");
    other.write_all(b"java.io.IOException: Ecs.0114 gone\n\tat a.B.c(B.java:1)\n").expect("it reads");
    assert_eq!(hits(&daemon.wait_for_records(2)), 2.0);
}

/// Sends numbered lines until told to end; where the server says that it leaves, comes again.
fn send(address: std::net::SocketAddr, enough: &AtomicBool) -> u64 {
    let mut sent = 0;
    while !enough.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(address) else {
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        stream.set_nonblocking(true).expect("a socket");
        loop {
            // It may be read to its end when the server leaves.
            let left = match stream.read(&mut [0]) {
                Ok(_) => true,
                Err(e) => e.kind() != std::io::ErrorKind::WouldBlock,
            };
            if left || enough.load(Ordering::Relaxed) {
                break;
            }
            stream.set_nonblocking(false).expect("a socket");
            if stream.write_all(CODE.as_bytes()).is_err() {
                break;
            }
            sent += 1;
            stream.set_nonblocking(true).expect("a socket");
            if sent % 50 == 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
        let _ = stream.shutdown(Shutdown::Write);
        stream.set_nonblocking(false).expect("a socket");
        // Until it has taken all.
        let _ = stream.read(&mut [0]);
    }
    sent
}

#[test]
fn nothing_is_lost_or_counted_twice_by_a_restart() {
    let (first, address) = tcp(&[]);
    let listen = address.to_string();
    let enough = AtomicBool::new(false);
    let mut counted = 0.0;
    let mut end = |daemon: Daemon| {
        daemon.signal(Signal::TERM);
        let (status, log) = daemon.wait();
        assert!(status.success(), "{log}");
        counted += records_in(&log);
    };
    let sent: u64 = thread::scope(|scope| {
        let enough = Raise(&enough);
        let senders: Vec<_> = (0..4).map(|_| scope.spawn(|| send(address, enough.0))).collect();
        let mut running = Some(first);
        for _ in 0..3 {
            let daemon = running.take().expect("it runs");
            wait_for("some lines", || (hits(&daemon.scrape()) > 200.0).then_some(()));
            end(daemon);
            let args = ["--source", "tcp", "--socket-listen", &listen];
            running = Some(Daemon::start_with(&args, Stdio::null(), &[]));
        }
        enough.0.store(true, Ordering::Relaxed);
        let sent = senders.into_iter().map(|sender| sender.join().expect("a count")).sum();
        end(running.take().expect("it runs"));
        sent
    });
    assert_eq!(counted, sent as f64);
}

/// The number of records in the last line of the log.
fn records_in(log: &str) -> f64 {
    let (_, rest) = log.rsplit_once("records=").unwrap_or_else(|| panic!("{log}"));
    rest.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{log}"))
}

#[test]
fn a_unix_socket_takes_the_same() {
    let folder = Folder::new();
    let path = folder.path().join("log.sock");
    let name = path.display().to_string();
    let args = ["--source", "unix", "--socket-listen", &name];
    let daemon = Daemon::start_with(&args, Stdio::null(), &[]);
    let mut sender = UnixStream::connect(&path).expect("it accepts");
    sender.write_all(CODE.repeat(10).as_bytes()).expect("it reads");
    sender.write_all(b"Ecs.0114").expect("it reads");
    drop(sender);
    let scrape = daemon.wait_for_records(11);
    assert_eq!(hits(&scrape), 11.0);
    assert_eq!(scrape.sum("errtally_records_total", &[("source", "unix")]), 11.0);
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert!(status.success(), "{log}");
    assert!(!path.exists(), "the socket goes with its process");
}

#[test]
fn an_event_names_its_sender() {
    let folder = Folder::new();
    let file = folder.path().join("events.jsonl");
    let name = file.display().to_string();
    let (daemon, address) = tcp(&[
        "--events",
        "file",
        "--events-file-path",
        &name,
        "--labels",
        "peer=@peer",
        "--labels",
        "app=app",
    ]);
    let mut sender = connect(address);
    let port = sender.local_addr().expect("an address").port();
    sender.write_all(format!("{QUIET}{CODE}").as_bytes()).expect("it reads");
    let scrape = daemon.wait_for_records(2);
    assert_eq!(scrape.sum("errtally_errors_total", &[("code", "Ecs.0114"), ("peer", "127.0.0.1")]), 1.0);
    let line = wait_for("an event", || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        text.ends_with('\n').then_some(text)
    });
    let event: serde_json::Value = serde_json::from_str(&line).expect("one event");
    let wanted = serde_json::json!({"type": "tcp", "peer": "127.0.0.1", "port": port, "offset": QUIET.len()});
    assert_eq!(event["source"], wanted);
    assert_eq!(event["labels"], serde_json::json!({"peer": "127.0.0.1"}));
}

#[test]
fn ipv6_and_ipv4_reach_one_port() {
    let daemon = Daemon::start_with(&["--source", "tcp", "--socket-listen", ":0"], Stdio::null(), &[]);
    let address = listening(&daemon, "tcp://");
    let mut four = TcpStream::connect(("127.0.0.1", address.port())).expect("it accepts");
    four.write_all(CODE.as_bytes()).expect("it reads");
    let mut senders = 1;
    if let Ok(mut six) = TcpStream::connect(("::1", address.port())) {
        six.write_all(CODE.as_bytes()).expect("it reads");
        senders += 1;
    }
    daemon.wait_for_records(senders);
}
