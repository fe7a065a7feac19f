//! Rotation in all ways under a writer that never stops: each line is counted once.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::place::{Place, hits, line, wait_for_value};
use crate::support::{Raise, wait_for};

const ROTATIONS: usize = 6;

/// A writer of numbered lines into whatever file it was given last.
struct Writer {
    file: File,
    written: u64,
}

fn open(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("a log")
}

/// Rotates `app.log` again and again by `rotate`, which gets the number of the rotation and gives the file to write
/// to from then on, while lines are written; `noticed` is the metric that counts them.
fn under_a_steady_writer(pattern: &str, noticed: &str, rotate: impl Fn(&Place, usize) -> Option<PathBuf>) {
    let place = Place::new();
    if pattern == "app.log" {
        rotate(&place, 0);
    }
    let writer = Mutex::new(Writer { file: open(&place.log("app.log")), written: 0 });
    let daemon = place.start_on(pattern, &[]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let mut writer = writer.lock().expect("the writer");
                for _ in 0..7 {
                    let text = line(writer.written);
                    // In two writes, so that unfinished lines are met.
                    let (first, second) = text.split_at(20);
                    writer.file.write_all(first.as_bytes()).expect("it is written");
                    writer.file.write_all(second.as_bytes()).expect("it is written");
                    writer.written += 1;
                }
                drop(writer);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let _done = Raise(&done);
        // A file is known once something of it was read.
        wait_for("a line", || (daemon.scrape().sum("errtally_records_total", &[]) > 10.0).then_some(()));
        for number in 1..=ROTATIONS {
            let before = writer.lock().expect("the writer").written;
            wait_for("lines", || (writer.lock().expect("the writer").written > before + 50).then_some(()));
            let mut locked = writer.lock().expect("the writer");
            let next = rotate(&place, number);
            // The writer goes on with the old file for a while, as until it is told to open the new one.
            drop(locked);
            std::thread::sleep(Duration::from_millis(20));
            if let Some(next) = next {
                locked = writer.lock().expect("the writer");
                locked.file = open(&next);
                drop(locked);
            }
            wait_for_value(&daemon, noticed, number as f64);
        }
    });
    let written = writer.lock().expect("the writer").written;
    let scrape = daemon.wait_for_records(written);
    assert_eq!(hits(&scrape), written as f64);
    assert_eq!(scrape.value("errtally_files_vanished_total", &[]), Some(0.0), "{}", daemon.log());
    // Nothing comes later, from whatever has another name now.
    std::thread::sleep(Duration::from_millis(700));
    daemon.wait_for_records(written);
}

const ROTATED: &str = "errtally_file_rotations_total";
const TRUNCATED: &str = "errtally_file_truncations_total";

fn rename(place: &Place, number: usize) -> Option<PathBuf> {
    let path = place.log("app.log");
    fs::rename(&path, place.log(&format!("app.log.{number}"))).expect("it is renamed");
    File::create(&path).expect("a new file");
    Some(path)
}

#[test]
fn by_rename_and_create() {
    under_a_steady_writer("*.log", ROTATED, rename);
}

#[test]
fn by_rename_to_a_name_that_matches_too() {
    under_a_steady_writer("app*", ROTATED, rename);
}

fn copy_and_cut(place: &Place, number: usize) -> Option<PathBuf> {
    let path = place.log("app.log");
    fs::copy(&path, place.log(&format!("app.log.{number}"))).expect("a copy");
    OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(0)).expect("it is cut");
    None
}

#[test]
fn by_copy_and_cut() {
    under_a_steady_writer("*.log", TRUNCATED, copy_and_cut);
}

#[test]
fn by_copy_and_cut_where_the_copy_matches_too() {
    under_a_steady_writer("app*", TRUNCATED, copy_and_cut);
}

#[test]
fn by_the_swap_of_a_link() {
    under_a_steady_writer("app.log", ROTATED, |place, number| {
        let real = place.root().join(format!("{number}.real"));
        File::create(&real).expect("a new file");
        let link = place.log("new-link");
        std::os::unix::fs::symlink(&real, &link).expect("a link");
        fs::rename(&link, place.log("app.log")).expect("it is swapped");
        Some(real)
    });
}

#[test]
fn by_deletion() {
    under_a_steady_writer("*.log", ROTATED, |place, _| {
        let path = place.log("app.log");
        fs::remove_file(&path).expect("it is deleted");
        File::create(&path).expect("a new file");
        Some(path)
    });
}

#[test]
fn what_is_left_of_a_deleted_file_is_read_with_its_unfinished_line() {
    let place = Place::new();
    place.append("a.log", line(0));
    let daemon = place.start(&[]);
    daemon.wait_for_records(1);
    place.append("a.log", line(1) + "Ecs.0114 unfinished");
    fs::remove_file(place.log("a.log")).expect("it is deleted");
    daemon.wait_for_records(3);
    wait_for_value(&daemon, "errtally_files_followed", 0.0);
    assert_eq!(daemon.scrape().value("errtally_files_vanished_total", &[]), Some(0.0));
}

#[test]
fn a_file_that_is_written_anew_is_read_from_its_beginning() {
    let place = Place::new();
    place.append("a.log", line(0) + &line(1));
    let daemon = place.start(&[]);
    daemon.wait_for_records(2);
    // Longer than it was, and in place.
    fs::write(place.log("a.log"), (10..15).map(line).collect::<String>()).expect("a log");
    daemon.wait_for_records(7);
    wait_for_value(&daemon, TRUNCATED, 1.0);
}

#[test]
fn a_file_under_two_names_is_read_once() {
    let place = Place::new();
    place.append("a.log", line(0));
    std::os::unix::fs::symlink(place.log("a.log"), place.log("b.log")).expect("a link");
    fs::hard_link(place.log("a.log"), place.log("c.log")).expect("a link");
    let daemon = place.start(&[]);
    place.append("c.log", line(1));
    daemon.wait_for_records(2);
    std::thread::sleep(Duration::from_millis(700));
    daemon.wait_for_records(2);
}
