//! Senders that mean no good, or cannot help it: memory stays within its bound, others are served, each is counted.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use crate::forward::{acknowledged, connect, packed};
use crate::support::{DEADLINE, wait_for};
use crate::{Receiver, gzip};

const CODE: &str = "CCE.01400007";

/// Whether an honest sender is served.
#[track_caller]
fn serves(receiver: &Receiver, forward: bool) {
    let before = receiver.count(CODE);
    if forward {
        let entry = b"\x92\x05\x81\xa3log\xacCCE.01400007";
        assert!(acknowledged(&mut connect(receiver), &packed(entry)), "{}", receiver.daemon.log());
    } else {
        assert_eq!(receiver.post("/ingest", &[], b"CCE.01400007\n").0, 204, "{}", receiver.daemon.log());
    }
    assert_eq!(receiver.count(CODE), before + 1.0);
}

/// Waits until the other side closes.
fn closed(mut stream: TcpStream) {
    let _ = stream.set_read_timeout(Some(DEADLINE));
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn whatever_is_sent_by_forward() {
    let receiver = Receiver::start("forward", &[]);
    let deep = packed(&[&[0x92, 5, 0x81, 0xa1, b'd'][..], &[0x91; 200], &[0xc0]].concat());
    let bomb = packed(&gzip(&vec![0xc0; 300 << 20]));
    let event = [&b"\x92\x05\x81\xa1d\xda\x10\x00"[..], &[b'0'; 4096]].concat();
    let zeros = packed(&gzip(&event.repeat(70_000)));
    let long =
        [&b"\x93\xa1t\xdd\x00\x00\x00\x01\x92\x05\x81\xa1d\xdb\x7f\xff\xff\xff"[..], &[b'x'; 100]].concat();
    let cases: [(&str, &[u8], &str); 11] = [
        ("garbage", b"GET / HTTP/1.1\r\n\r\n", "malformed"),
        ("a byte that means nothing", &[0x93, 0xa1, b't', 0xc1], "malformed"),
        ("no tag", &[0x93, 0x01, 0x05, 0x80], "malformed"),
        ("too many parts", &[0x9f], "malformed"),
        ("an entry that is none", &packed(&[0x05]), "malformed"),
        ("entries that end within one", &packed(&[0x92, 0x05]), "malformed"),
        ("nested too deep", &deep, "malformed"),
        ("no gzip", &packed(b"\x1f\x8bno such thing"), "malformed"),
        ("2 GB in a text", &long, "too_large"),
        ("a bomb of nothings", &bomb, "malformed"),
        ("a bomb of events", &zeros, "bomb"),
    ];
    for (what, bytes, kind) in cases {
        let before = receiver.refused(kind);
        let mut stream = connect(&receiver);
        let _ = stream.write_all(bytes);
        closed(stream);
        assert_eq!(receiver.refused(kind), before + 1.0, "{what}: {}", receiver.daemon.log());
    }
    // Cut off within a message, by the end and by a reset.
    for _ in 0..2 {
        let before = receiver.refused("left");
        let mut stream = connect(&receiver);
        stream.write_all(&packed(&[0x92, 0x05, 0x80])[..8]).expect("it reads");
        stream.shutdown(Shutdown::Write).expect("a state");
        wait_for("the refusal", || (receiver.refused("left") > before).then_some(()));
    }
    serves(&receiver, true);
    let peak = receiver.daemon.peak_memory();
    assert!(peak < 128 << 20, "{peak} bytes");
}

#[test]
fn two_gigabytes_that_are_announced_take_no_memory() {
    let receiver = Receiver::start("forward", &[]);
    let mut streams = Vec::new();
    for head in [
        // Packed entries, an array of entries, a map and a list within one.
        &b"\x93\xa1t\xc6\x7f\xff\xff\xff\x92\x05"[..],
        b"\x93\xa1t\xdd\xff\xff\xff\xff\x92\x05\x80",
        b"\x93\xa1t\x05\xdf\xff\xff\xff\xff",
        b"\x93\xa1t\x91\x92\x05\xdd\xff\xff\xff\xff",
    ] {
        for _ in 0..20 {
            let mut stream = connect(&receiver);
            stream.write_all(head).expect("it reads");
            streams.push(stream);
        }
    }
    serves(&receiver, true);
    let peak = receiver.daemon.peak_memory();
    assert!(peak < 64 << 20, "{peak} bytes");
}

#[test]
fn what_many_begin_and_do_not_end_has_one_memory() {
    for kind in ["forward", "http"] {
        let receiver = Receiver::start(kind, &[]);
        let head: &[u8] = match kind {
            "forward" => b"\x93\xa1t\x91\x92\x05\x81\xa1d\xdb\x00\x3f\xff\x00",
            _ => b"POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n[\"",
        };
        let much = vec![b'x'; 4_000_000];
        let streams: Vec<_> = (0..100)
            .map(|_| {
                let mut stream = TcpStream::connect(receiver.at).expect("a connection");
                stream.set_write_timeout(Some(DEADLINE)).expect("a time limit");
                stream.write_all(head).expect("it reads");
                // Those for whom there is no memory are closed.
                let _ = stream.write_all(&much);
                stream
            })
            .collect();
        let refusal = if kind == "forward" { "memory" } else { "busy" };
        wait_for("refusals", || (receiver.refused(refusal) > 50.0).then_some(()));
        serves(&receiver, kind == "forward");
        drop(streams);
        let peak = receiver.daemon.peak_memory();
        assert!(peak < 160 << 20, "{kind}: {peak} bytes");
    }
}

#[test]
fn slow_writers_lose_their_places_to_others() {
    let receiver = Receiver::start("http", &["--socket-max-connections", "16"]);
    let slow: Vec<_> = (0..100)
        .map(|at| {
            let mut stream = TcpStream::connect(receiver.at).expect("a connection");
            let head = "POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
            // Some never end their head, some send the first bytes of a body.
            let part = if at % 2 == 0 { head } else { &head[..30] };
            stream.write_all(part.as_bytes()).expect("it reads");
            let _ = stream.write_all(if at % 2 == 0 { b"CCE.014" } else { b"" });
            stream
        })
        .collect();
    for _ in 0..20 {
        serves(&receiver, false);
    }
    wait_for("those who had to leave", || (receiver.refused("left") >= 20.0).then_some(()));
    drop(slow);
    serves(&receiver, false);
    assert!(receiver.daemon.peak_memory() < 64 << 20, "{} bytes", receiver.daemon.peak_memory());
}

#[test]
fn ten_thousand_connections_and_a_flood_of_halves() {
    let receiver = Receiver::start("http", &["--socket-max-connections", "64"]);
    let mut open = std::collections::VecDeque::new();
    for at in 0..10_000 {
        let Ok(mut stream) = TcpStream::connect(receiver.at) else { continue };
        let _ = stream.write_all(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 99\r\n\r\n\x0a");
        open.push_back(stream);
        if open.len() > 500 {
            open.pop_front();
        }
        if at % 1000 == 0 {
            serves(&receiver, false);
        }
    }
    serves(&receiver, false);
    assert!(receiver.daemon.peak_memory() < 96 << 20, "{} bytes", receiver.daemon.peak_memory());
}

#[test]
fn a_body_that_goes_on_for_ever_is_counted_as_it_comes() {
    let receiver = Receiver::start("http", &[]);
    let mut stream = TcpStream::connect(receiver.at).expect("a connection");
    stream
        .write_all(b"POST /ingest HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        .expect("it reads");
    let lines = "nothing of note\n".repeat(5000);
    let chunk = format!("{:x}\r\n{lines}\r\n", lines.len());
    for _ in 0..1000 {
        stream.write_all(chunk.as_bytes()).expect("it reads");
    }
    wait_for("what has come", || (receiver.records() > 4_900_000.0).then_some(()));
    // The peer goes: what has come is counted, and others are served.
    drop(stream);
    wait_for("its end", || (receiver.refused("left") == 1.0).then_some(()));
    assert_eq!(receiver.records(), 5_000_000.0);
    serves(&receiver, false);
    assert!(receiver.daemon.peak_memory() < 96 << 20, "{} bytes", receiver.daemon.peak_memory());
}
