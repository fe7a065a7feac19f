//! A file of events: rotation, opening again, a disk without room.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use errtally::sink::Sink;
use errtally::sink::settings::{EventFileSettings, EventSettings, EventsTo};

use crate::lines::{Around, failed, lines};
use crate::support::{Folder, wait_for};

/// Events to the file `path`.
pub fn to_file(path: &str, max_bytes: usize, keep: usize) -> EventSettings {
    EventSettings {
        to: EventsTo::File,
        file: EventFileSettings { path: path.into(), max_bytes, keep },
        ..EventSettings::default()
    }
}

/// A sink to `events.jsonl` in `folder`, and the path.
fn sink(folder: &Folder, max_bytes: usize, keep: usize) -> (Box<dyn Sink>, Around, PathBuf) {
    let path = folder.path().join("events.jsonl");
    let around = Around::new(EventsTo::File);
    let sink = around.open(&to_file(path.to_str().expect("a path"), max_bytes, keep)).expect("a file");
    (sink, around, path)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// `PATH.N`.
fn rotated(path: &Path, number: usize) -> PathBuf {
    PathBuf::from(format!("{}.{number}", path.display()))
}

/// The files from the oldest to the one that is written.
fn all(path: &Path) -> Vec<String> {
    let old = (1..).take_while(|n| rotated(path, *n).exists()).count();
    (1..=old).rev().map(|n| read(&rotated(path, n))).chain([read(path)]).collect()
}

#[test]
fn all_events_in_order_over_all_files() {
    let folder = Folder::new();
    let (mut sink, around, path) = sink(&folder, 4096, 1000);
    let mut next = 0;
    // Takes from one line to far more than a file holds.
    for size in [1, 3, 0, 200, 17, 2, 500, 1, 1, 64].into_iter().cycle().take(40) {
        sink.take(lines(next..next + size).as_bytes(), size).expect("it takes");
        next += size;
        assert!(sink.settled() <= next);
    }
    assert!(sink.settle(None));
    let files = all(&path);
    assert!(files.concat() == lines(0..next), "all of it, in order, once");
    assert!(files.len() > 50, "{} files", files.len());
    for file in &files {
        assert!(file.len() <= 4096 && file.ends_with('\n'), "{} bytes", file.len());
    }
    // No file could have held the first line of the next.
    for pair in files.windows(2) {
        let first = pair[1].split_inclusive('\n').next().expect("a line");
        assert!(pair[0].len() + first.len() > 4096);
    }
    assert_eq!((around.status.delivered(), around.status.dropped(), around.status.failures()), (next, 0, 0));
    assert_eq!((around.status.to(), around.status.waiting()), ("file", None));
}

#[test]
fn a_file_may_be_full_to_the_byte() {
    let folder = Folder::new();
    let (mut sink, _, path) = sink(&folder, 1024, 5);
    let line = |letter: &str, length: usize| format!("{}\n", letter.repeat(length - 1));
    for letter in ["a", "b", "c", "d"] {
        sink.take(line(letter, 256).as_bytes(), 1).expect("it takes");
    }
    assert!(!rotated(&path, 1).exists() && read(&path).len() == 1024, "exactly full");
    sink.take(line("e", 2).as_bytes(), 1).expect("it takes");
    assert_eq!((read(&rotated(&path, 1)).len(), read(&path)), (1024, line("e", 2)));
    // One byte too many together.
    sink.take(line("f", 1023).as_bytes(), 1).expect("it takes");
    assert_eq!((read(&rotated(&path, 1)), read(&path)), (line("e", 2), line("f", 1023)));
    // Longer than a file may be: a file of its own.
    let text = [line("g", 3000), line("h", 10), line("i", 3000)].concat();
    sink.take(text.as_bytes(), 3).expect("it takes");
    let files = all(&path);
    assert_eq!(files[files.len() - 3..], [line("g", 3000), line("h", 10), line("i", 3000)]);
}

#[test]
fn only_so_many_files_are_kept() {
    let folder = Folder::new();
    let (mut sink, _, path) = sink(&folder, 1024, 2);
    for letter in ["a", "b", "c", "d", "e"] {
        sink.take(format!("{}\n", letter.repeat(1000)).as_bytes(), 1).expect("it takes");
    }
    let firsts: Vec<_> = all(&path).iter().map(|f| f.chars().next()).collect();
    assert_eq!(firsts, [Some('c'), Some('d'), Some('e')]);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 3);
}

#[test]
fn a_file_goes_on_after_a_restart_and_a_torn_line_is_ended() {
    let folder = Folder::new();
    let (mut first, _, path) = sink(&folder, 1 << 20, 5);
    first.take(b"{\"n\":1}\n", 1).expect("it takes");
    drop(first);
    let (mut second, ..) = sink(&folder, 1 << 20, 5);
    second.take(b"{\"n\":2}\n", 1).expect("it takes");
    drop(second);
    assert_eq!(read(&path), "{\"n\":1}\n{\"n\":2}\n");
    fs::write(&path, "{\"n\":1}\n{\"n\":").expect("written");
    let (mut third, ..) = sink(&folder, 1 << 20, 5);
    assert_eq!(read(&path), "{\"n\":1}\n{\"n\":", "nothing is written before there is an event");
    third.take(b"{\"n\":3}\n{\"n\":4}\n", 2).expect("it takes");
    assert_eq!(read(&path), "{\"n\":1}\n{\"n\":\n{\"n\":3}\n{\"n\":4}\n");
}

#[test]
fn a_renamed_file_is_written_until_it_is_opened_again() {
    let folder = Folder::new();
    let (mut sink, around, path) = sink(&folder, 1 << 20, 5);
    let moved = folder.path().join("moved");
    sink.take(b"1\n", 1).expect("it takes");
    fs::rename(&path, &moved).expect("renamed");
    sink.take(b"2\n", 1).expect("it takes");
    assert!(!path.exists());
    around.status.reopen();
    // It is there at once, without an event.
    wait_for("the new file", || (path.exists() && read(&path).is_empty()).then_some(()));
    sink.take(b"3\n", 1).expect("it takes");
    assert_eq!((read(&moved).as_str(), read(&path).as_str()), ("1\n2\n", "3\n"));
}

#[test]
fn a_file_that_cannot_be_opened_again_stays_in_use() {
    let folder = Folder::new();
    let (mut sink, around, path) = sink(&folder, 1 << 20, 5);
    let moved = folder.path().join("moved");
    fs::rename(&path, &moved).expect("renamed");
    fs::create_dir(&path).expect("a folder in its place");
    around.status.reopen();
    sink.take(b"1\n", 1).expect("it takes");
    assert_eq!(read(&moved), "1\n");
}

#[test]
fn a_file_that_is_cut_or_deleted_meanwhile() {
    let folder = Folder::new();
    let (mut sink, _, path) = sink(&folder, 1024, 5);
    sink.take(format!("{}\n", "a".repeat(999)).as_bytes(), 1).expect("it takes");
    fs::write(&path, "").expect("copytruncate");
    sink.take(format!("{}\n", "b".repeat(900)).as_bytes(), 1).expect("it takes");
    assert_eq!(read(&path).len(), 901, "it is empty, so there is room, and no hole");
    assert!(!rotated(&path, 1).exists());
    fs::remove_file(&path).expect("deleted");
    sink.take(b"c\n", 1).expect("it takes");
    assert_eq!(read(&path), "c\n", "not into a file that nobody can read");
}

#[test]
fn a_full_disk_is_waited_for_and_loses_nothing() {
    let folder = Folder::new();
    let (path, real) = (folder.path().join("events.jsonl"), folder.path().join("real"));
    std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
    let around = Around::new(EventsTo::File);
    let mut sink = around.open(&to_file(path.to_str().expect("a path"), 1 << 20, 5)).expect("it opens");
    let status = &around.status;
    std::thread::scope(|scope| {
        let _ends = around.ends_if_the_test_fails();
        let taking = scope.spawn(|| {
            for n in 0..5 {
                sink.take(lines(n * 100..(n + 1) * 100).as_bytes(), 100).expect("it takes");
            }
        });
        wait_for("some attempts", || (status.failures() >= 3).then_some(()));
        let waiting = status.waiting().expect("it waits");
        assert!(waiting.contains("No space left") && waiting.contains("events.jsonl"), "{waiting}");
        assert_eq!(status.delivered(), 0);
        assert!(!taking.is_finished(), "whoever gives events waits");
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink(&real, &path).expect("a link");
        let asked = Instant::now();
        status.reopen();
        wait_for("all of it", || taking.is_finished().then_some(()));
        assert!(asked.elapsed() < Duration::from_secs(5), "it does not sit out the longest wait");
    });
    assert_eq!(read(&real), lines(0..500));
    assert!(sink.settle(None));
    assert_eq!((sink.settled(), status.delivered(), status.waiting()), (500, 500, None));
    assert!(status.waited() > Duration::from_millis(100), "events have waited: {:?}", status.waited());
}

#[test]
fn a_folder_that_is_gone_is_waited_for() {
    let folder = Folder::new();
    let (place, away) = (folder.path().join("place"), folder.path().join("away"));
    fs::create_dir(&place).expect("a folder");
    let path = place.join("events.jsonl");
    let around = Around::new(EventsTo::File);
    let mut sink = around.open(&to_file(path.to_str().expect("a path"), 1024, 50)).expect("a file");
    sink.take(lines(0..1).as_bytes(), 1).expect("it takes");
    fs::rename(&place, &away).expect("moved");
    std::thread::scope(|scope| {
        let _ends = around.ends_if_the_test_fails();
        // More than the open file may hold: it must rotate.
        let taking = scope.spawn(|| sink.take(lines(1..50).as_bytes(), 49).expect("it takes"));
        let waiting = wait_for("a reason", || around.status.waiting());
        assert!(waiting.contains("events.jsonl: No such file"), "{waiting}");
        assert!(!taking.is_finished());
        fs::create_dir(&place).expect("a folder");
        taking.join().expect("it goes on");
    });
    let written = [read(&away.join("events.jsonl")), all(&path).concat()].concat();
    assert!(written == lines(0..50), "{written}");
}

#[test]
fn a_rotation_that_fails_moves_nothing_twice() {
    let folder = Folder::new();
    let (mut sink, around, path) = sink(&folder, 1024, 3);
    for letter in ["a", "b", "c"] {
        sink.take(format!("{}\n", letter.repeat(1000)).as_bytes(), 1).expect("it takes");
    }
    // What is newest cannot take the place of a folder; the others can move.
    fs::rename(rotated(&path, 1), folder.path().join("kept")).expect("moved");
    fs::create_dir(rotated(&path, 1)).expect("a folder");
    fs::write(rotated(&path, 1).join("x"), "").expect("not empty");
    fs::create_dir(rotated(&path, 3)).expect("a folder");
    std::thread::scope(|scope| {
        let _ends = around.ends_if_the_test_fails();
        let taking =
            scope.spawn(|| sink.take(&[b"d".repeat(1000), b"\n".to_vec()].concat(), 1).expect("it takes"));
        wait_for("some attempts", || (around.status.failures() >= 3).then_some(()));
        assert!(around.status.waiting().expect("it waits").contains("cannot rotate"));
        assert_eq!(read(&rotated(&path, 2))[..3], *"aaa", "where it was");
        fs::remove_dir(rotated(&path, 3)).expect("removed");
        taking.join().expect("it goes on");
    });
    assert_eq!(read(&rotated(&path, 3))[..3], *"aaa", "moved once");
    assert_eq!((&read(&rotated(&path, 1))[..3], &read(&path)[..3]), ("ccc", "ddd"));
}

#[test]
fn a_stop_ends_the_wait_and_tells_how_many_are_lost() {
    let around = Around::new(EventsTo::File);
    let mut sink = around.open(&to_file("/dev/full", 1 << 20, 5)).expect("it opens");
    around.ask_to_stop(Duration::from_millis(300));
    let began = Instant::now();
    let said = failed(sink.take(lines(0..7).as_bytes(), 7));
    assert!(began.elapsed() >= Duration::from_millis(300), "it has tried until then");
    assert!(said.contains("7 events were not delivered") && said.contains("No space left"), "{said}");
    assert!(!sink.settle(None));
    assert_eq!((sink.settled(), around.status.delivered()), (0, 0));
}

#[test]
fn what_cannot_be_opened_is_told_at_the_start() {
    let folder = Folder::new();
    let path = folder.path().join("missing/events.jsonl");
    let path = path.to_str().expect("a path");
    let around = Around::new(EventsTo::File);
    let said = around.open(&to_file(path, 1024, 5)).err().expect("it does not open").to_string();
    assert!(said.contains(path) && said.contains("make its folder"), "{said}");
}

#[test]
fn what_is_written_is_settled_when_it_is_on_the_disk() {
    let folder = Folder::new();
    let (mut sink, ..) = sink(&folder, 1 << 20, 5);
    // Nobody asks for it, and it is synced all the same; writing waits for no disk.
    for n in 0..100 {
        sink.take(lines(n..n + 1).as_bytes(), 1).expect("it takes");
    }
    wait_for("the sync", || (sink.settled() == 100).then_some(()));
    sink.take(lines(100..101).as_bytes(), 1).expect("it takes");
    assert!(sink.settle(Some(Instant::now() + Duration::from_secs(30))), "it is synced when it is asked for");
    assert_eq!(sink.settled(), 101);
}

#[test]
fn two_processes_never_write_one_file() {
    let folder = Folder::new();
    let (mut first, around, path) = sink(&folder, 1 << 20, 5);
    first.take(b"1\n", 1).expect("it takes");
    let settings = to_file(path.to_str().expect("a path"), 1 << 20, 5);
    // A lock belongs to what was opened, so a second sink stands for a second process.
    let refused = Around::new(EventsTo::File).open(&settings).err().expect("it is refused").to_string();
    assert!(
        refused.contains("another process writes to it") && refused.contains("events.file.path"),
        "{refused}"
    );
    // It can be opened again by who has it.
    around.status.reopen();
    first.take(b"2\n", 1).expect("it takes");
    assert_eq!(read(&path), "1\n2\n");
    drop(first);
    wait_for("the file is free", || Around::new(EventsTo::File).open(&settings).ok());
}
