//! Datagrams over UDP and Unix sockets: one record each.

use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use rustix::process::Signal;

use super::support::Folder;
use super::support::daemon::Daemon;
use super::{hits, listening, refusals};

#[test]
fn a_udp_datagram_is_a_record() {
    let args = ["--source", "udp", "--socket-listen", "127.0.0.1:0", "--labels", "peer=@peer"];
    let daemon = Daemon::start_with(&args, Stdio::null(), &[]);
    let address = listening(&daemon, "udp://");
    let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    for i in 0..500 {
        let message = format!("<11>Nov 21 10:00:00 host app[{i}]: Ecs.0114\n\tand more of it\n");
        sender.send_to(message.as_bytes(), address).expect("it is sent");
        if i % 50 == 49 {
            daemon.wait_for_records(i + 1);
        }
    }
    sender.send_to(b"", address).expect("it is sent");
    let long = format!("Ecs.0114 {}", "x".repeat(60_000));
    sender.send_to(long.as_bytes(), address).expect("it is sent");
    let scrape = daemon.wait_for_records(502);
    assert_eq!(hits(&scrape), 501.0);
    assert_eq!(scrape.sum("errtally_errors_total", &[("peer", "127.0.0.1")]), 501.0);
    assert_eq!(scrape.sum("errtally_source_dropped_datagrams_total", &[("source", "udp")]), 0.0);
    assert!(scrape.value("errtally_source_dropped_datagrams_total", &[]).is_some(), "the kernel tells");
}

#[test]
fn what_the_kernel_drops_is_told() {
    let args = ["--source", "udp", "--socket-listen", "127.0.0.1:0"];
    let daemon = Daemon::start_with(&args, Stdio::null(), &[]);
    let address = listening(&daemon, "udp://");
    daemon.signal(Signal::STOP);
    let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let message = vec![b'x'; 60_000];
    let sent = 400;
    for _ in 0..sent {
        sender.send_to(&message, address).expect("it is sent");
    }
    daemon.signal(Signal::CONT);
    super::support::wait_for("all are counted or dropped", || {
        let scrape = daemon.scrape();
        let dropped = scrape.sum("errtally_source_dropped_datagrams_total", &[]);
        let counted = scrape.sum("errtally_records_total", &[]);
        (dropped > 0.0 && dropped + counted == f64::from(sent)).then_some(())
    });
}

#[test]
fn a_unix_datagram_is_a_record() {
    let folder = Folder::new();
    let path = folder.path().join("log.sock");
    let name = path.display().to_string();
    let args = ["--source", "unixgram", "--socket-listen", &name];
    let daemon = Daemon::start_with(&args, Stdio::null(), &[]);
    let sender = UnixDatagram::unbound().expect("a socket");
    for _ in 0..2000 {
        sender.send_to(b"<11>app: Ecs.0114", &path).expect("it is sent");
    }
    // More than is taken of one: its beginning is counted.
    let long = format!("Ecs.0114 {}", "x".repeat(100_000));
    sender.send_to(long.as_bytes(), &path).expect("it is sent");
    let scrape = daemon.wait_for_records(2001);
    assert_eq!((hits(&scrape), refusals(&scrape, "truncated")), (2001.0, 1.0));
    // What is sent before the end counts.
    for _ in 0..100 {
        sender.send_to(b"<11>app: Ecs.0114", &path).expect("it is sent");
    }
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert!(status.success() && log.contains("records=2101"), "{log}");
}
