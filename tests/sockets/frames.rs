//! Octet-counted frames (RFC 6587), told from lines by themselves.

use std::fmt::Write as _;
use std::io::Write;

use super::{connect, hits, refusals, tcp};

fn frame(message: &str) -> String {
    format!("{} {message}", message.len())
}

#[test]
fn frames_and_lines_are_told_apart_by_each_connection() {
    let (daemon, address) = tcp(&[]);
    let message = "<11>1 2026-11-21T10:00:00Z host app 42 - - Ecs.0114 gone\n\tat a line\nERROR of the same";
    let mut framed = connect(address);
    let mut lines = connect(address);
    // Cut everywhere.
    for byte in frame(message).repeat(3).as_bytes() {
        framed.write_all(&[*byte]).expect("it reads");
    }
    lines.write_all(b"<11>Nov 21 10:00:00 host app[42]: Ecs.0114 gone\n").expect("it reads");
    lines.write_all(b"12 monkeys Ecs.0114\n").expect("it reads");
    let scrape = daemon.wait_for_records(5);
    assert_eq!(hits(&scrape), 5.0);
    // What frames a record is none of its bytes.
    let bytes =
        3 * message.len() + "<11>Nov 21 10:00:00 host app[42]: Ecs.0114 gone\n12 monkeys Ecs.0114\n".len();
    assert_eq!(scrape.sum("errtally_record_bytes_total", &[]), bytes as f64);
}

#[test]
fn many_frames_at_once_and_cut_anywhere() {
    let (daemon, address) = tcp(&[]);
    let mut sent = String::new();
    for i in 0..20_000 {
        let filler = "x".repeat(i % 700);
        let message = format!("<11>1 - host app - - - {filler} Ecs.0114");
        write!(sent, "{}", frame(&message)).expect("memory");
    }
    let mut sender = connect(address);
    for chunk in sent.as_bytes().chunks(70_001) {
        sender.write_all(chunk).expect("it reads");
    }
    assert_eq!(hits(&daemon.wait_for_records(20_000)), 20_000.0);
}

#[test]
fn a_frame_longer_than_a_record_may_be_is_found_in_and_counted_once() {
    let (daemon, address) = tcp(&["--max-record-bytes", "64KiB"]);
    let filler = "nothing here,\n".repeat(100_000);
    let message = format!("<11>1 - host app - - - Ecs.0114 {filler} Ecs.0114 Ecs.0005");
    let mut sender = connect(address);
    sender.write_all(format!("{}{}", frame(&message), frame("<11>Ecs.0114")).as_bytes()).expect("it reads");
    let scrape = daemon.wait_for_records(2);
    assert_eq!(hits(&scrape), 2.0);
    assert_eq!(scrape.sum("errtally_errors_total", &[("code", "Ecs.0005")]), 1.0);
    assert_eq!(scrape.sum("errtally_oversized_records_total", &[]), 1.0);
}

#[test]
fn what_is_no_frame_ends_the_connection_and_is_counted() {
    let (daemon, address) = tcp(&[]);
    let mut sender = connect(address);
    sender.write_all(b"12 <11>Ecs.0114garbage").expect("it reads");
    // What came before is counted.
    let scrape = daemon.wait_for_records(1);
    assert_eq!((hits(&scrape), refusals(&scrape, "frame")), (1.0, 1.0));
    // Half a frame is counted as far as it came.
    let mut sender = connect(address);
    sender.write_all(b"99 <11>Ecs.0114 and").expect("it reads");
    drop(sender);
    let scrape = daemon.wait_for_records(2);
    assert_eq!((hits(&scrape), refusals(&scrape, "unfinished")), (2.0, 1.0));
    // As much as nobody has.
    let mut sender = connect(address);
    sender.write_all(b"2147483648 <11>Ecs.0114").expect("it reads");
    super::support::wait_for("the refusal", || {
        let scrape = daemon.scrape();
        (refusals(&scrape, "frame_too_long") == 1.0 || refusals(&scrape, "frame") == 2.0).then_some(())
    });
}
