//! Stops, crashes and starts: positions go on where they were.

use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::place::{Place, line, terminate};
use crate::support::{Raise, errtally, finish, wait_for};

#[test]
fn after_a_stop_nothing_is_missing_and_nothing_counted_twice() {
    let place = Place::new();
    let written = Mutex::new(0);
    let done = AtomicBool::new(false);
    let mut counted = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let mut written = written.lock().expect("the number");
                for _ in 0..10 {
                    place.append(&format!("{}.log", *written % 3), line(*written));
                    *written += 1;
                }
                // While it runs and while it does not: moved away in whatever is written to.
                if (*written).is_multiple_of(1000) {
                    let to = place.log(&format!("0.log.{written}"));
                    std::fs::rename(place.log("0.log"), to).expect("it is renamed");
                }
                drop(written);
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        let _done = Raise(&done);
        for _ in 0..6 {
            let daemon = place.start(&[]);
            let before = *written.lock().expect("the number");
            wait_for("lines", || (*written.lock().expect("the number") > before + 300).then_some(()));
            counted += terminate(daemon);
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let written = *written.lock().expect("the number");
    let daemon = place.start(&[]);
    daemon.wait_for_records(written - counted);
    std::thread::sleep(Duration::from_millis(500));
    daemon.wait_for_records(written - counted);
}

#[test]
fn after_a_crash_nothing_is_missing() {
    let place = Place::new();
    let events = place.events();
    let mut args: Vec<&str> = events.iter().map(String::as_str).collect();
    args.push("--events-include-record");
    let mut written = 0;
    for round in 0..6 {
        let daemon = place.start(&args);
        for _ in 0..200 {
            place.append(&format!("{}.log", written % 5), line(written));
            written += 1;
            if written % 20 == 0 {
                std::thread::sleep(Duration::from_millis(10 * (round + 1)));
            }
        }
        // Killed when dropped, at some moment between two writes of positions.
        drop(daemon);
    }
    let _daemon = place.start(&args);
    wait_for("an event of each line", || {
        let told = place.told();
        assert!(told.keys().all(|&number| number < written));
        (told.len() as u64 == written).then_some(())
    });
    // What was counted about a second before each of the six crashes came again, and no more than that.
    let told = place.told();
    assert!(told.values().all(|&times| times <= 7), "{told:?}");
}

#[test]
fn what_was_renamed_and_cut_while_it_was_stopped_is_read() {
    let place = Place::new();
    for name in ["a.log", "b.log", "c.log"] {
        place.append(name, line(0));
    }
    let daemon = place.start(&[]);
    daemon.wait_for_records(3);
    assert_eq!(terminate(daemon), 3);
    for name in ["a.log", "b.log", "c.log"] {
        place.append(name, line(1) + &line(2));
    }
    std::fs::rename(place.log("a.log"), place.log("a.log.1")).expect("it is renamed");
    place.append("a.log", line(3));
    std::fs::copy(place.log("b.log"), place.log("b.log.1")).expect("a copy");
    std::fs::write(place.log("b.log"), line(4)).expect("it is cut");
    place.append("new.log", line(5));
    let daemon = place.start(&[]);
    // Two in each of the three, and three that are new.
    daemon.wait_for_records(9);
    std::thread::sleep(Duration::from_millis(500));
    daemon.wait_for_records(9);
}

#[test]
fn a_torn_or_foreign_file_of_positions_is_refused() {
    let place = Place::new();
    // Two stands, of which the earlier is kept.
    for number in 0..2 {
        place.append("a.log", line(number));
        let daemon = place.start(&[]);
        daemon.wait_for_records(1);
        terminate(daemon);
    }
    let path = place.state().join("positions");
    let whole = std::fs::read(&path).expect("positions");
    let args = place.args("*.log");
    for (content, told) in [
        (&whole[..whole.len() - 30], "it is torn"),
        (&b"brokers: all\n"[..], "does not begin as a file of errtally's positions does"),
        (&b"{\"errtally_positions\":9}\n"[..], "it has version 9"),
    ] {
        std::fs::write(&path, content).expect("positions");
        let said = finish(errtally().args(crate::support::daemon::run_args(&[])).args(&args)).failed(1);
        assert!(said.contains(told), "{told} in {said}");
        assert!(said.contains(path.to_str().expect("a path")) && said.contains("positions.before"), "{said}");
    }
    // The remedy that it tells.
    std::fs::rename(place.state().join("positions.before"), &path).expect("the ones before");
    place.append("a.log", line(2));
    let daemon = place.start(&[]);
    wait_for("the new line", || (daemon.scrape().sum("errtally_records_total", &[]) >= 1.0).then_some(()));
}

#[test]
fn two_daemons_on_one_folder_are_refused() {
    let place = Place::new();
    let daemon = place.start(&[]);
    let args = place.args("*.log");
    let said = finish(errtally().args(crate::support::daemon::run_args(&[])).args(&args)).failed(1);
    assert!(said.contains("another process uses state_dir"), "{said}");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().0.code(), Some(0));
    let again: Vec<&str> = args.iter().map(String::as_str).collect();
    crate::support::daemon::Daemon::start_with(&again, Stdio::null(), &[]);
    // The folder is made, but not all on the way to it.
    let said = finish(
        errtally()
            .args(["run", "--source", "file", "--file-paths", "/x", "--listen", "127.0.0.1:0"])
            .args(["--state-dir", place.root().join("no/such").to_str().expect("a path")]),
    )
    .failed(1);
    assert!(said.contains("cannot use state_dir"), "{said}");
}
