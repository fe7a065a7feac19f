//! All at once: many files in the forms of three runtimes, rotated in four ways, while errtally is stopped and killed.
//! `FOLLOW_LINES` and `FOLLOW_FILES` make it as long as wanted, `FOLLOW_STOPS` how often it is stopped and killed each.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::time::{Duration, Instant};

use crate::place::{Place, terminate};
use crate::support::daemon::Daemon;
use crate::support::{DEADLINE, wait_for};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Numbers without a pattern; the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// Record `number` as the runtime of its file writes it; some are cut by the runtime.
fn record(number: u64, form: u64) -> String {
    let text = format!("ERROR the call {number} failed: Ecs.0114");
    let time = "2026-04-02T01:00:00.5Z";
    let (first, second) = text.split_at(text.len() - 3);
    match (form % 3, number.is_multiple_of(10)) {
        (0, _) => format!("{time} {text}\n"),
        (1, false) => format!("{time} stderr F {text}\n"),
        (1, true) => format!("{time} stderr P {first}\n{time} stderr F {second}\n"),
        (_, false) => format!("{{\"log\":\"{text}\\n\",\"stream\":\"stderr\",\"time\":\"{time}\"}}\n"),
        (_, true) => format!(
            "{{\"log\":\"{first}\",\"stream\":\"stderr\",\"time\":\"{time}\"}}\n\
             {{\"log\":\"{second}\\n\",\"stream\":\"stderr\",\"time\":\"{time}\"}}\n"
        ),
    }
}

struct Driver {
    place: Place,
    random: Random,
    files: u64,
    written: u64,
    /// The file of each record.
    homes: Vec<u64>,
    /// By file, how often it was rotated.
    rotated: BTreeMap<u64, u64>,
    /// Each rotation: how many records were written before, of which file, and how.
    log: Vec<(u64, u64, u64)>,
}

impl Driver {
    fn write(&mut self, lines: u64) {
        for _ in 0..lines {
            let file = self.random.below(self.files);
            self.place.append(&format!("{file}.log"), record(self.written, file));
            self.written += 1;
            self.homes.push(file);
        }
    }

    /// Rotates a file of which the `daemon`, where there is one, has seen all: what is deleted or moved away and back
    /// between two looks nobody can see.
    fn rotate(&mut self, daemon: Option<&Daemon>) {
        if let Some(daemon) = daemon {
            self.caught_up(daemon);
        }
        let file = self.random.below(self.files);
        let path = self.place.log(&format!("{file}.log"));
        let number = self.rotated.entry(file).or_default();
        *number += 1;
        let old = self.place.log(&format!("{file}.log.{number}"));
        if !path.exists() {
            return;
        }
        let way = self.random.below(if daemon.is_some() { 4 } else { 3 });
        self.log.push((self.written, file, way));
        match way {
            0 => fs::rename(&path, &old).expect("it is renamed"),
            1 => {
                fs::copy(&path, &old).expect("a copy");
                OpenOptions::new().write(true).open(&path).and_then(|f| f.set_len(0)).expect("it is cut");
            }
            2 => {
                fs::rename(&path, &old).expect("it is renamed");
                let real = self.place.root().join(format!("{file}.{number}.real"));
                fs::File::create(&real).expect("a file");
                std::os::unix::fs::symlink(&real, &path).expect("a link");
            }
            _ => fs::remove_file(&path).expect("it is deleted"),
        }
    }

    fn caught_up(&self, daemon: &Daemon) {
        // A file is looked at every second, and its last record waits.
        std::thread::sleep(Duration::from_millis(1200));
        wait_for("all bytes", || {
            (daemon.scrape().value("errtally_files_unread_bytes", &[]) == Some(0.0)).then_some(())
        });
    }

    /// Waits until there is an event of each record.
    #[track_caller]
    fn wait_for_all(&self) -> BTreeMap<u64, u64> {
        let until = Instant::now() + DEADLINE;
        loop {
            let told = self.place.told();
            if told.len() as u64 == self.written {
                return told;
            }
            if Instant::now() > until {
                let missing = (0..self.written).filter(|number| !told.contains_key(number));
                let missing: Vec<_> = missing.map(|number| (number, self.homes[number as usize])).collect();
                panic!("missing, with their files: {missing:?}; rotations: {:?}", self.log);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn start(&self, args: &[&str]) -> Daemon {
        self.place.start(args)
    }
}

#[test]
fn many_files_in_all_forms_through_all_rotations_stops_and_crashes() {
    let (lines, stops) = (setting("FOLLOW_LINES", 20_000), setting("FOLLOW_STOPS", 3));
    let place = Place::new();
    let events = place.events();
    let mut args: Vec<&str> = events.iter().map(String::as_str).collect();
    args.extend([
        "--events-include-record",
        "--events-file-max-bytes",
        "100000MiB",
        "--shutdown-timeout",
        "3s",
    ]);
    let files = setting("FOLLOW_FILES", 50);
    let random = Random(0x5eed_0123_4567_89ab);
    let mut driver = Driver {
        place,
        random,
        files,
        written: 0,
        homes: Vec::new(),
        rotated: BTreeMap::new(),
        log: Vec::new(),
    };
    let piece = lines / (4 * stops);

    // Stopped by SIGTERM: exact.
    let mut counted = 0;
    for _ in 0..stops {
        let daemon = driver.start(&args);
        driver.write(piece);
        driver.rotate(Some(&daemon));
        driver.write(piece);
        counted += terminate(daemon);
        driver.rotate(None);
    }
    let daemon = driver.start(&args);
    let told = driver.wait_for_all();
    daemon.wait_for_records(driver.written - counted);
    terminate(daemon);
    assert!(told.values().all(|&times| times == 1), "an event of each record, once");

    // Killed: nothing is missing.
    for _ in 0..stops {
        let daemon = driver.start(&args);
        driver.write(piece);
        driver.rotate(Some(&daemon));
        driver.write(piece);
        std::thread::sleep(Duration::from_millis(driver.random.below(1500)));
        drop(daemon);
    }
    let _daemon = driver.start(&args);
    let twice = driver.wait_for_all().values().filter(|&&times| times > 1).count();
    eprintln!(
        "{} records in {files} files, {twice} counted more than once by {stops} crashes",
        driver.written
    );
}
