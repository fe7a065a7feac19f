//! One file, or some: what is in them is counted once, when it is there.

use std::collections::BTreeSet;
use std::time::Duration;

use errtally::metrics::ALL;
use prometheus::proto::MetricType;
use rustix::process::Signal;

use crate::place::{Place, hits, line, terminate, wait_for_value};
use crate::support::{Folder, errtally, finish, run};

#[test]
fn a_growing_file_is_counted() {
    let place = Place::new();
    place.append("a.log", line(0));
    let daemon = place.start(&[]);
    daemon.wait_for_records(1);
    for number in 1..50 {
        place.append("a.log", line(number));
        std::thread::sleep(Duration::from_millis(5));
    }
    place.append("b.log", line(50) + &line(51));
    let scrape = daemon.wait_for_records(52);
    assert_eq!(hits(&scrape), 52.0);
    let bytes: usize = (0..52).map(|number| line(number).len()).sum();
    assert_eq!(scrape.sum("errtally_record_bytes_total", &[("source", "file")]), bytes as f64);
    wait_for_value(&daemon, "errtally_files_unread_bytes", 0.0);
    wait_for_value(&daemon, "errtally_files_followed", 2.0);
    assert_eq!(terminate(daemon), 52);
}

#[test]
fn a_scrape_has_the_metrics_of_files() {
    let place = Place::new();
    let daemon = place.start(&[]);
    place.append("a.log", line(0));
    daemon.wait_for_records(1);
    let ours = |name: &&str| name.starts_with("errtally_file") || name.starts_with("errtally_position");
    let names: BTreeSet<_> = ALL.iter().map(|m| m.name).filter(ours).collect();
    let scrape = crate::support::wait_for("positions", || {
        let scrape = daemon.scrape();
        let found = scrape.names().into_iter().filter(ours).collect::<BTreeSet<_>>();
        (found == names).then_some(scrape)
    });
    for metric in ALL.iter().filter(|m| ours(&m.name)) {
        let kind = if metric.kind == MetricType::COUNTER { "counter" } else { "gauge" };
        assert_eq!(scrape.types.get(metric.name).map(String::as_str), Some(kind), "{}", metric.name);
    }
}

#[test]
fn by_default_files_begin_at_their_end_and_later_ones_at_their_beginning() {
    let place = Place::new();
    // An unfinished line is not passed over.
    place.append("a.log", line(0) + "2026-11-03T08:00:00Z ERROR Ecs.01");
    let daemon = place.start(&["--file-start", "end"]);
    daemon.wait_for_log("following files, from their ends on");
    place.append("a.log", "14\n");
    place.append("b.log", line(1) + &line(2));
    let scrape = daemon.wait_for_records(3);
    assert_eq!(hits(&scrape), 3.0);
}

#[test]
fn an_unfinished_line_waits_for_its_end() {
    let place = Place::new();
    let daemon = place.start(&[]);
    place.append("a.log", line(0) + "2026-11-03T08:00:00Z ERROR Ecs.0114 and");
    daemon.wait_for_records(1);
    std::thread::sleep(Duration::from_millis(600));
    daemon.wait_for_records(1);
    place.append("a.log", " more\n");
    assert_eq!(hits(&daemon.wait_for_records(2)), 2.0);
}

#[test]
fn excluded_files_and_others_are_left_out() {
    let place = Place::new();
    let folder = place.log("deep/er");
    std::fs::create_dir_all(&folder).expect("folders");
    for name in ["a.log", "a.log.gz", "deep/b.log", "deep/er/c.log", "deep/er/secret.log", "deep/er/d.txt"] {
        place.append(name, line(0));
    }
    let secret = place.log("**/secret*").to_str().expect("a path").to_owned();
    let daemon = place.start_on("**/*.log*", &["--file-exclude", "*.gz", "--file-exclude", &secret]);
    daemon.wait_for_records(3);
    wait_for_value(&daemon, "errtally_files_followed", 3.0);
    // What matches nothing is waited for.
    let other = Place::new();
    let daemon = other.start_on("none/*.log", &[]);
    daemon.wait_for_log("nothing is there yet");
    std::fs::create_dir(other.log("none")).expect("a folder");
    other.append("none/a.log", line(0));
    daemon.wait_for_records(1);
}

#[test]
fn a_line_that_continues_a_record_joins_it_within_its_time() {
    let place = Place::new();
    let daemon = place.start(&["--join-wait", "3s"]);
    place.append("a.log", line(0));
    place.append("b.log", line(1));
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(daemon.scrape().sum("errtally_records_total", &[]), 0.0, "both wait");
    place.append("a.log", "\tat org.example.Ecs.0114\n\tat Ecs.0114\n");
    let scrape = daemon.wait_for_records(2);
    assert_eq!(hits(&scrape), 2.0);
}

#[test]
fn positions_in_memory_alone_are_told_once() {
    let folder = Folder::new();
    let log = folder.write("a.log", line(0));
    let args = ["--source", "file", "--file-paths", &log];
    let said = finish(errtally().args(["config", "check"]).args(args));
    assert!(said.stderr.contains("state_dir is not set"), "{}", said.stderr);
    said.ok();
    let begin = ["--file-start", "beginning"];
    let args: Vec<&str> = args.iter().chain(&begin).copied().collect();
    let daemon = crate::support::daemon::Daemon::start_with(&args, std::process::Stdio::null(), &[]);
    daemon.wait_for_log("state_dir is not set");
    // What nobody goes on with is counted at the stop: the last line, and one without an end.
    std::fs::write(&log, line(0) + "Ecs.0114 unfinished").expect("a log");
    assert_eq!(terminate(daemon), 2);
}

#[test]
fn what_was_written_before_a_stop_is_counted_where_no_positions_are_kept() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = Folder::new();
        let paths = folder.path().join("*.log").display().to_string();
        let args = ["--source", "file", "--file-paths", &paths];
        let daemon = crate::support::daemon::Daemon::start_with(&args, std::process::Stdio::null(), &[]);
        daemon.wait_for_log("following files");
        // Nobody has looked for it yet, and its last line has no end.
        folder.write("a.log", line(0).repeat(2000) + "the last words: Ecs.0114");
        daemon.signal(signal);
        let (status, log) = daemon.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("records=2001"), "{log}");
    }
}

#[test]
fn no_path_is_a_mistake() {
    let said = run(["config", "check", "--source", "file"]).failed(2);
    assert!(said.contains("no file to follow") && said.contains("--file-paths"), "{said}");
}
