//! Where the user chose dropping: nobody waits, and what is lost is known to the event.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use errtally::sink::dropping::Dropping;
use errtally::sink::settings::EventsTo;
use errtally::sink::stream::Stream;
use errtally_core::outbox::{Sink, SinkError};
use rustix::pipe::pipe;

use crate::lines::{Around, lines};
use crate::support::wait_for;

fn over(fd: OwnedFd) -> (Dropping, Around) {
    let around = Around::new(EventsTo::Stdout);
    let inner = Stream::new(fd, around.status.clone(), around.stopping.clone());
    let sink = Dropping::new(Box::new(inner), around.status.clone(), around.stopping.clone());
    (sink.expect("a thread"), around)
}

/// The numbers in lines, each of which must be whole.
fn numbers(text: &str) -> Vec<u64> {
    let number = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        value["n"].as_u64().expect("a number")
    };
    text.lines().map(number).collect()
}

#[test]
fn what_arrives_and_what_is_dropped_is_everything() {
    const ALL: u64 = 200_000;
    let (reader, writer) = pipe().expect("a pipe");
    let (mut sink, around) = over(writer);
    let status = &around.status;
    // Nobody reads, and yet nobody waits. Takes of all sizes, so that one is cut in two.
    let mut next = 0;
    for size in [100, 3, 7000, 1].into_iter().cycle() {
        let to = (next + size).min(ALL);
        sink.take(lines(next..to).as_bytes(), to - next).expect("it takes");
        next = to;
        if next == ALL {
            break;
        }
    }
    let dropped = status.dropped();
    assert!(dropped > 0 && dropped < ALL, "{dropped} dropped");
    assert!(sink.settled() < ALL, "what is queued is not settled");
    assert!(!sink.settle(Some(Instant::now() + Duration::from_millis(100))), "nor will it be");
    // With room again further ones pass.
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        File::from(reader).read_to_string(&mut text).expect("text");
        text
    });
    assert!(sink.settle(None));
    assert_eq!(status.dropped(), dropped, "what was queued arrives");
    sink.take(lines(ALL..ALL + 5).as_bytes(), 5).expect("it takes");
    assert!(sink.settle(Some(Instant::now() + Duration::from_secs(30))));
    assert_eq!(sink.settled(), ALL + 5);
    assert_eq!(status.delivered() + status.dropped(), ALL + 5, "to the event");
    drop(sink);
    let numbers = numbers(&reading.join().expect("it reads"));
    assert_eq!(numbers.len() as u64, status.delivered());
    assert!(numbers.is_sorted_by(|a, b| a < b), "in order, none twice");
    assert_eq!(numbers[numbers.len() - 5..], [ALL, ALL + 1, ALL + 2, ALL + 3, ALL + 4]);
}

#[test]
fn nothing_is_dropped_while_there_is_room() {
    let (reader, writer) = pipe().expect("a pipe");
    let (mut sink, around) = over(writer);
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        File::from(reader).read_to_string(&mut text).expect("text");
        text
    });
    for n in 0..200 {
        sink.take(lines(n * 10..n * 10 + 10).as_bytes(), 10).expect("it takes");
    }
    assert!(sink.settle(None));
    assert_eq!((around.status.dropped(), around.status.delivered()), (0, 2000));
    drop(sink);
    assert_eq!(reading.join().expect("it reads"), lines(0..2000));
}

#[test]
fn a_reader_that_goes_is_told_at_the_next_event() {
    let (reader, writer) = pipe().expect("a pipe");
    let (mut sink, _) = over(writer);
    drop(reader);
    let closed = wait_for("the end", || sink.take(lines(0..1).as_bytes(), 1).err());
    assert!(matches!(closed, SinkError::Closed));
    assert!(!sink.settle(None), "what was taken has not arrived");
}

#[test]
fn a_stop_does_not_wait_for_what_cannot_arrive() {
    let (_reader, writer) = pipe().expect("a pipe");
    let (mut sink, around) = over(writer);
    sink.take(lines(0..20_000).as_bytes(), 20_000).expect("it takes");
    around.ask_to_stop(Duration::from_millis(200));
    assert!(!sink.settle(None));
    assert!(sink.settled() < 20_000);
    wait_for("the reason", || around.status.failed().filter(|r| r.contains("were not delivered")));
}
