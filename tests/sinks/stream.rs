//! Standard output, which is a pipe most of the time.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use errtally::sink::settings::EventsTo;
use errtally::sink::stream::Stream;
use errtally_core::outbox::{Sink, SinkError};
use rustix::pipe::{PipeFlags, pipe, pipe_with};

use crate::lines::{Around, failed, lines};
use crate::support::{Folder, wait_for};

/// Far more than a pipe holds.
const MANY: u64 = 20_000;

fn over(fd: OwnedFd) -> (Stream, Around) {
    let around = Around::new(EventsTo::Stdout);
    (Stream::new(fd, around.status.clone(), around.stopping.clone()), around)
}

#[test]
fn a_reader_gets_everything_however_slow() {
    for flags in [PipeFlags::empty(), PipeFlags::NONBLOCK] {
        let (reader, writer) = pipe_with(flags).expect("a pipe");
        let (mut sink, around) = over(writer);
        let reading = std::thread::spawn(move || {
            let mut text = Vec::new();
            let mut piece = [0; 70_000];
            loop {
                match rustix::io::read(&reader, &mut piece) {
                    Ok(0) => return text,
                    Ok(n) => text.extend_from_slice(&piece[..n]),
                    Err(rustix::io::Errno::AGAIN) => std::thread::sleep(Duration::from_millis(1)),
                    Err(e) => panic!("{e}"),
                }
            }
        });
        for from in (0..MANY).step_by(1000) {
            sink.take(lines(from..from + 1000).as_bytes(), 1000).expect("it takes");
        }
        assert!(sink.settle(None));
        assert_eq!((sink.settled(), around.status.delivered()), (MANY, MANY));
        drop(sink);
        let text = reading.join().expect("it reads");
        assert!(text == lines(0..MANY).as_bytes(), "{} bytes", text.len());
    }
}

#[test]
fn a_reader_that_goes_ends_it_quietly() {
    let (reader, writer) = pipe().expect("a pipe");
    let (mut sink, around) = over(writer);
    sink.take(lines(0..3).as_bytes(), 3).expect("it takes");
    std::thread::scope(|scope| {
        let _ends = around.ends_if_the_test_fails();
        // In the middle of a write that waits for room.
        let taking = scope.spawn(|| sink.take(lines(3..MANY).as_bytes(), MANY - 3));
        wait_for("a full pipe", || {
            (rustix::io::ioctl_fionread(&reader).expect("a size") > 60_000).then_some(())
        });
        drop(reader);
        assert!(matches!(taking.join().expect("it ends"), Err(SinkError::Closed)));
    });
    assert!((3..MANY).contains(&sink.settled()));
    assert_eq!(around.status.delivered(), sink.settled());
    assert!(matches!(sink.take(lines(0..1).as_bytes(), 1), Err(SinkError::Closed)), "and stays so");
}

#[test]
fn a_reader_that_does_not_read_holds_no_stop_up() {
    let (reader, writer) = pipe().expect("a pipe");
    let (mut sink, around) = over(writer);
    let began = Instant::now();
    around.ask_to_stop(Duration::from_millis(300));
    let said = failed(sink.take(lines(0..MANY).as_bytes(), MANY));
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(300), "it has waited until then: {took:?}");
    let settled = sink.settled();
    assert!(said.contains(&format!("{} events were not delivered", MANY - settled)), "{settled}: {said}");
    assert!(said.contains("nobody reads"), "{said}");
    drop(sink);
    let mut text = String::new();
    File::from(reader).read_to_string(&mut text).expect("text");
    assert!(lines(0..MANY).starts_with(&text), "what has arrived is the beginning");
    assert_eq!(text.matches('\n').count() as u64, settled, "the whole lines of it are settled");
    assert!(settled > 0);
}

#[test]
fn a_file_behind_standard_output_is_written_and_a_full_disk_waited_for() {
    let folder = Folder::new();
    let path = folder.write("out", "before\n");
    let file = File::options().append(true).open(&path).expect("a file");
    let (mut sink, _) = over(file.into());
    sink.take(lines(0..MANY).as_bytes(), MANY).expect("it takes");
    assert_eq!(std::fs::read_to_string(&path).expect("text"), format!("before\n{}", lines(0..MANY)));

    let full = File::options().write(true).open("/dev/full").expect("a device");
    let (mut sink, around) = over(full.into());
    std::thread::scope(|scope| {
        let _ends = around.ends_if_the_test_fails();
        let taking = scope.spawn(|| sink.take(lines(0..5).as_bytes(), 5));
        wait_for("some attempts", || (around.status.failures() >= 3).then_some(()));
        assert!(around.status.waiting().expect("it waits").contains("standard output: No space left"));
        assert!(!taking.is_finished());
        around.ask_to_stop(Duration::ZERO);
        assert!(failed(taking.join().expect("it ends")).contains("5 events"));
    });
}

#[test]
fn what_cannot_be_written_at_all_is_a_failure() {
    let read_only = File::open("/dev/null").expect("a device");
    let (mut sink, _) = over(read_only.into());
    assert!(failed(sink.take(b"x\n", 1)).contains("cannot write to standard output"));
}
