//! Fluentd's forward protocol, with its logger of Python and with msgpack as the reference of MessagePack.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::python::{python, run, spawn};
use crate::support::{DEADLINE, Folder, finish, wait_for};
use crate::{Receiver, gzip};

const CODE: &str = "CCE.01400007";

/// A text of at most 255 bytes.
fn text(text: &str) -> Vec<u8> {
    [&[0xd9, text.len() as u8], text.as_bytes()].concat()
}

/// An event whose record is `{"log": log}`.
fn entry(log: &str) -> Vec<u8> {
    [&[0x92, 0xce][..], &1_775_091_600_u32.to_be_bytes(), &[0x81], &text("log"), &text(log)].concat()
}

/// Packed entries, acknowledged as `c`.
pub fn packed(entries: &[u8]) -> Vec<u8> {
    let length = u32::try_from(entries.len()).expect("a length").to_be_bytes();
    [&[0x93][..], &text("tag"), &[0xc6], &length, entries, &[0x81], &text("chunk"), &text("c")].concat()
}

/// Sends `message` and waits for the acknowledgement of `c`; none where the connection is closed.
pub fn acknowledged(stream: &mut TcpStream, message: &[u8]) -> bool {
    let _ = stream.write_all(message);
    let mut answer = [0; 8];
    stream.read_exact(&mut answer).is_ok_and(|()| answer == *b"\x81\xa3ack\xd9\x01c")
}

pub fn connect(receiver: &Receiver) -> TcpStream {
    let stream = TcpStream::connect(receiver.at).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("a time limit");
    stream
}

#[test]
fn every_mode_is_acknowledged_when_it_is_counted() {
    let folder = Folder::new();
    let events = folder.path().join("events").display().to_string();
    let args = [
        "--labels",
        "pod=kubernetes.pod_name",
        "--labels",
        "app=tag",
        "--events-to",
        "file",
        "--events-file-path",
        &events,
    ];
    let receiver = Receiver::start("forward", &args);
    let mut stream = connect(&receiver);
    let entries = [entry(CODE), entry("fine"), entry(CODE)].concat();
    let forward =
        [&[0x93][..], &text("tag"), &[0x93], &entries, &[0x81], &text("chunk"), &text("c")].concat();
    let zstd = zstd::encode_all(&entries[..], 3).expect("memory");
    for (at, message) in
        [forward, packed(&entries), packed(&gzip(&entries)), packed(&zstd)].iter().enumerate()
    {
        assert!(acknowledged(&mut stream, message), "{}", receiver.daemon.log());
        let hits = 2.0 * (at + 1) as f64;
        assert_eq!((receiver.count(CODE), receiver.records()), (hits, 1.5 * hits));
        let written = std::fs::read_to_string(&events).expect("the events");
        assert_eq!(written.lines().count(), hits as usize);
    }
    // One event without a wish for an answer, a sign of life, then the same in many pieces.
    stream.write_all(&[&[0x93][..], &text("tag"), &entry(CODE)[1..], &[0xc0]].concat()).expect("it reads");
    let message = packed(&entries);
    for byte in &message[..message.len() - 1] {
        stream.write_all(&[*byte]).expect("it reads");
    }
    assert!(acknowledged(&mut stream, &message[message.len() - 1..]));
    assert_eq!(receiver.count(CODE), 11.0);
    let scrape = receiver.daemon.scrape();
    assert_eq!(scrape.sum("errtally_errors_total", &[("app", "tag")]), 11.0);
    assert_eq!(scrape.sum("errtally_records_total", &[("source", "forward")]), 16.0);
    let written = std::fs::read_to_string(&events).expect("the events");
    let event: serde_json::Value = serde_json::from_str(written.lines().next().expect("one")).expect("JSON");
    assert_eq!(
        (&event["time"], &event["source"]["type"]),
        (&"2026-04-02T01:00:00Z".into(), &"forward".into())
    );
}

#[test]
fn what_msgpack_of_python_writes() {
    let Some(python) = python() else { return };
    let receiver = Receiver::start("forward", &["--labels", "pod=kubernetes.pod_name"]);
    let port = receiver.at.port().to_string();
    let mut records = 0.0;
    for mode in ["message", "forward", "packed", "gzip"] {
        run(python, "send_forward.py", &[&port, mode, "3000"]).ok();
        records += if mode == "message" { 3001.0 } else { 3000.0 };
        assert_eq!(receiver.records(), records, "{mode}");
    }
    assert_eq!(receiver.count(CODE), 4000.0);
    let scrape = receiver.daemon.scrape();
    assert_eq!(scrape.sum("errtally_errors_total", &[("pod", "web-1")]), 4000.0);
}

#[test]
fn fluentds_logger_for_python() {
    let Some(python) = python() else { return };
    let receiver = Receiver::start("forward", &["--labels", "level=@level"]);
    let script = r"
import logging, sys
from fluent import handler
h = handler.FluentHandler('app', host='127.0.0.1', port=int(sys.argv[1]), nanosecond_precision=True)
h.setFormatter(handler.FluentRecordFormatter({'level': '%(levelname)s', 'where': '%(module)s'}))
log = logging.getLogger('app')
log.setLevel(logging.INFO)
log.addHandler(h)
for n in range(3000):
    log.error('CCE.01400007 of request %d', n) if n % 3 == 0 else log.info({'message': 'fine', 'n': n})
h.close()
";
    finish(Command::new(python).args(["-c", script, &receiver.at.port().to_string()])).ok();
    let scrape = receiver.daemon.wait_for_records(3000);
    assert_eq!(scrape.sum("errtally_errors_total", &[("code", CODE), ("level", "error")]), 1000.0);
}

#[test]
fn nothing_acknowledged_is_lost_or_counted_twice_over_restarts() {
    let Some(python) = python() else { return };
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number");
    let mut sender = spawn(python, "send_forward.py", &[&free.port().to_string(), "restart", "300"]);
    let start = || {
        let receiver = Receiver::start_at("forward", &free.to_string(), &[]);
        wait_for("some chunks", || (receiver.records() > 3000.0).then_some(()));
        receiver
    };
    let mut counted = 0.0;
    for _ in 0..4 {
        let receiver = start();
        receiver.daemon.signal(Signal::TERM);
        let (status, log) = receiver.daemon.wait();
        assert!(status.success(), "{log}");
        let records =
            log.rsplit_once("records=").and_then(|(_, r)| r.split_whitespace().next()?.parse::<f64>().ok());
        counted += records.unwrap_or_else(|| panic!("a number of records: {log}"));
    }
    let receiver = start();
    drop(sender.stdin.take());
    let mut sent = String::new();
    BufReader::new(sender.stdout.take().expect("a pipe")).read_line(&mut sent).expect("a number");
    assert!(sender.wait().expect("a state").success());
    counted += receiver.records();
    assert_eq!(counted, sent.trim().parse::<f64>().expect("a number"));
}

#[test]
fn who_does_not_know_the_shared_key_is_refused() {
    let Some(python) = python() else { return };
    let folder = Folder::new();
    let file = folder.write("key", "the key\n");
    let receiver = Receiver::start("forward", &["--socket-shared-key-file", &file]);
    let port = receiver.at.port().to_string();
    run(python, "send_forward.py", &[&port, "packed", "3000", "the key"]).ok();
    assert_eq!(receiver.count(CODE), 1000.0);
    let refused = run(python, "send_forward.py", &[&port, "packed", "3000", "another"]);
    assert_eq!((refused.status, refused.stdout.trim()), (Some(3), "refused: another shared_key than ours"));
    assert_eq!(receiver.refused("unauthorized"), 1.0);
    // Without a greeting: what it sends is no answer to ours.
    let mut stream = connect(&receiver);
    let mut answer = Vec::new();
    let _ = stream.write_all(&packed(&entry(CODE)));
    let _ = stream.read_to_end(&mut answer);
    assert!(String::from_utf8_lossy(&answer).contains("the client has no shared_key"), "{answer:?}");
    assert_eq!(receiver.refused("unauthorized"), 2.0);
    assert_eq!(receiver.count(CODE), 1000.0);
    receiver.daemon.wait_for_log("no PING");
}

#[test]
fn a_key_that_is_not_there_is_told_at_the_start() {
    let folder = Folder::new();
    let empty = folder.write("key", "\n");
    for (file, words) in
        [("/no/such/key", "name the file of the shared key"), (&empty, "write the shared_key")]
    {
        let mut command = crate::support::errtally();
        command.args([
            "run",
            "--listen",
            "127.0.0.1:0",
            "--source",
            "forward",
            "--socket-listen",
            "127.0.0.1:0",
        ]);
        let told = finish(command.args(["--socket-shared-key-file", file]).stdin(Stdio::null())).failed(1);
        assert!(told.contains(file) && told.contains(words), "{told}");
    }
}
