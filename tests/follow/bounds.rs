//! Many files with few descriptors, a flood beside a trickle, a sink that takes nothing.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::place::{Place, hits, line, terminate, wait_for_value};
use crate::support::daemon::Daemon;
use crate::support::wait_for;

#[test]
fn two_thousand_files_with_sixteen_descriptors() {
    const FILES: u64 = 2000;
    let place = Place::new();
    for number in 0..FILES {
        place.append(&format!("{number}.log"), line(number).repeat(3));
    }
    let daemon = place.start(&["--file-max-open", "16"]);
    let open = || daemon.scrape().value("errtally_files_open", &[]).expect("the metric");
    let scrape = daemon.wait_for_records(3 * FILES);
    assert_eq!(hits(&scrape), (3 * FILES) as f64);
    for number in 0..FILES {
        place.append(&format!("{number}.log"), line(number));
        assert!(number % 400 > 0 || open() <= 16.0);
    }
    let scrape = daemon.wait_for_records(4 * FILES);
    assert_eq!(scrape.value("errtally_files_followed", &[]), Some(FILES as f64));
    assert!(open() <= 16.0, "{}", open());
    assert!(daemon.peak_memory() < 64 << 20, "{}", daemon.peak_memory());
    assert_eq!(terminate(daemon), 4 * FILES);
}

#[test]
fn a_trickle_does_not_wait_for_a_flood() {
    let place = Place::new();
    place.append("small.log", line(0));
    let args = ["--labels", "path=@file"];
    let daemon = place.start(&args);
    daemon.wait_for_records(1);
    // Reading this takes seconds.
    let flood = line(1).repeat(40_000);
    for _ in 0..40 {
        place.append("flood.log", &flood);
    }
    let since = Instant::now();
    place.append("small.log", line(2));
    let small = place.log("small.log").display().to_string();
    let scrape = wait_for("the small file", || {
        let scrape = daemon.scrape();
        let of = |path: &str| scrape.sum("errtally_errors_total", &[("path", path)]);
        (of(&small) == 2.0).then_some(scrape)
    });
    assert!(since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
    drop(scrape);
    daemon.wait_for_records(2 + 1_600_000);
}

#[test]
fn a_sink_that_takes_nothing_holds_reading_and_not_memory() {
    let place = Place::new();
    let many: u64 = 200_000;
    let args = place.args("*.log");
    let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
    args.extend(["--events", "stdout"]);
    let mut daemon = Daemon::spawn_to(&args, Stdio::null(), Stdio::piped());
    place.append("a.log", (0..many).map(line).collect::<String>());
    wait_for("readiness to tell", || daemon.get("/readyz").text().contains("nobody reads").then_some(()));
    let stuck = daemon.scrape().sum("errtally_records_total", &[]);
    assert!(stuck > 0.0 && stuck < many as f64 / 2.0, "{stuck}");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(daemon.scrape().sum("errtally_records_total", &[]), stuck);
    // Nothing is kept of what has not arrived.
    let positions = std::fs::read_to_string(place.state().join("positions")).unwrap_or_default();
    let far = positions.lines().filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok());
    let far = far.filter_map(|line| line["position"].as_u64()).max().unwrap_or(0);
    assert!(far < stuck as u64 * line(0).len() as u64 / 2, "{far} of {stuck} records");
    assert!(daemon.peak_memory() < 64 << 20, "{}", daemon.peak_memory());
    let mut stdout = daemon.stdout();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text.lines().count())
    });
    daemon.wait_for_records(many);
    assert_eq!(terminate(daemon), many);
    assert_eq!(reader.join().expect("the reader").expect("a pipe"), many as usize);
}

#[test]
fn what_is_rotated_while_nothing_can_be_read_is_read_later() {
    let place = Place::new();
    let many: u64 = 100_000;
    let args = place.args("*.log");
    let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
    args.extend(["--events", "stdout", "--file-max-open", "4"]);
    let mut daemon = Daemon::spawn_to(&args, Stdio::null(), Stdio::piped());
    place.append("a.log", (0..many).map(line).collect::<String>());
    wait_for("readiness to tell", || daemon.get("/readyz").text().contains("nobody reads").then_some(()));
    // More generations than there are descriptors.
    let rotations = 6;
    for number in 1..=rotations {
        std::fs::rename(place.log("a.log"), place.log(&format!("a.log.{number}"))).expect("it is renamed");
        place.append("a.log", line(many + number));
        wait_for_value(&daemon, "errtally_file_rotations_total", number as f64);
    }
    let open = daemon.scrape().value("errtally_files_open", &[]).expect("the metric");
    assert!(open <= 4.0, "{open}");
    let mut stdout = daemon.stdout();
    let reader = std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    let scrape = daemon.wait_for_records(many + rotations);
    assert_eq!(scrape.value("errtally_files_vanished_total", &[]), Some(0.0));
    drop(daemon);
    reader.join().expect("the reader").expect("a pipe");
}
