//! Bad senders: garbage, floods of connections, slow writers, lines without an end. Memory is bounded, others are
//! served, each refusal is counted.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::support::wait_for;
use super::{CODE, connect, hits, refusals, tcp};

#[test]
fn garbage_is_records_like_any_other() {
    let (daemon, address) = tcp(&[]);
    let mut sender = connect(address);
    let mut state = 88172645463325252_u64;
    let mut garbage = Vec::new();
    for _ in 0..1 << 20 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        garbage.push(state as u8);
    }
    garbage[0] = 0;
    sender.write_all(&garbage).expect("it reads");
    sender.write_all(b"\n").expect("it reads");
    sender.write_all(CODE.as_bytes()).expect("it reads");
    drop(sender);
    wait_for("the code behind it", || (hits(&daemon.scrape()) == 1.0).then_some(()));
}

#[test]
fn lines_without_an_end_take_no_more_than_their_share() {
    let (daemon, address) = tcp(&["--max-record-bytes", "1MiB", "--socket-max-connections", "300"]);
    // Each begins a line that is just short of too long, and never ends it.
    let begun = vec![b'x'; 1_000_000];
    let mut senders: Vec<TcpStream> = (0..60).map(|_| connect(address)).collect();
    for sender in &mut senders {
        // Those that are cut off refuse the rest.
        let _ = sender.write_all(&begun);
    }
    // And some that are too long.
    let mut long: Vec<TcpStream> = (0..30).map(|_| connect(address)).collect();
    for sender in &mut long {
        for _ in 0..3 {
            let _ = sender.write_all(&begun);
        }
    }
    let scrape = wait_for("some are cut off", || {
        let scrape = daemon.scrape();
        (refusals(&scrape, "memory") >= 30.0).then_some(scrape)
    });
    assert!(refusals(&scrape, "memory") <= 90.0, "not all");
    // Others are served.
    connect(address).write_all(CODE.as_bytes()).expect("it reads");
    wait_for("the code", || (hits(&daemon.scrape()) == 1.0).then_some(()));
    let peak = daemon.peak_memory();
    assert!(peak < 140 << 20, "{} MiB", peak >> 20);
    drop((senders, long));
    // All that had come is counted: each sender had one record, but for what the end of its connection cut.
    wait_for("their records", || (daemon.scrape().sum("errtally_records_total", &[]) >= 60.0).then_some(()));
}

#[test]
fn more_connections_than_there_may_be_are_refused_and_the_others_served() {
    let (daemon, address) = tcp(&["--socket-max-connections", "50"]);
    let mut first: Vec<TcpStream> = (0..50).map(|_| connect(address)).collect();
    wait_for("they are there", || {
        (daemon.scrape().sum("errtally_source_connections", &[]) == 50.0).then_some(())
    });
    for _ in 0..2000 {
        let mut late = connect(address);
        late.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
        assert!(matches!(late.read(&mut [0]), Ok(0) | Err(_)), "it is closed");
    }
    for sender in &mut first {
        sender.write_all(CODE.as_bytes()).expect("it reads");
    }
    let scrape = daemon.wait_for_records(50);
    assert_eq!(refusals(&scrape, "connections"), 2000.0);
    // A place that is free is taken again.
    first.pop();
    wait_for("one has gone", || {
        (daemon.scrape().sum("errtally_source_connections", &[]) == 49.0).then_some(())
    });
    connect(address).write_all(CODE.as_bytes()).expect("it reads");
    daemon.wait_for_records(51);
}

#[test]
fn a_thousand_slow_writers_keep_nobody_waiting() {
    let (daemon, address) = tcp(&["--socket-max-connections", "2000"]);
    let mut slow: Vec<TcpStream> = (0..1000).map(|_| connect(address)).collect();
    for sender in &mut slow {
        sender.write_all(b"2026-11-21T10:00:00Z ERROR Ecs.01").expect("it reads");
    }
    let mut quick = connect(address);
    let before = Instant::now();
    quick.write_all(CODE.repeat(10_000).as_bytes()).expect("it reads");
    daemon.wait_for_records(10_000);
    assert!(before.elapsed() < Duration::from_secs(20));
    for sender in &mut slow {
        sender.write_all(b"14 gone\n").expect("it reads");
    }
    assert_eq!(hits(&daemon.wait_for_records(11_000)), 11_000.0);
    let peak = daemon.peak_memory();
    assert!(peak < 120 << 20, "{} MiB", peak >> 20);
}

#[test]
fn a_quiet_connection_is_closed_where_that_is_set() {
    let (daemon, address) = tcp(&["--socket-idle-timeout", "200ms"]);
    let mut sender = connect(address);
    sender.write_all(b"Ecs.0114 no newline").expect("it reads");
    sender.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    assert!(matches!(sender.read(&mut [0]), Ok(0)), "it is closed");
    let scrape = daemon.wait_for_records(1);
    assert_eq!((hits(&scrape), refusals(&scrape, "idle")), (1.0, 1.0));
}
