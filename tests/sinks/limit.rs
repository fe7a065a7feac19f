//! A disk that has no more room in the middle of a line, by the kernel's limit of a file's size.
//!
//! The limit is one of a process, and its signal must be ignored, which only a parent can arrange: so this program
//! is started once more, by a shell, for the one test that is ignored otherwise.

use std::fs;
use std::process::Command;

use errtally::sink::settings::EventsTo;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::file::to_file;
use crate::lines::{Around, lines};
use crate::support::{Folder, wait_for};

const PLACE: &str = "SINK_TEST_FOLDER";

#[test]
fn a_line_that_no_longer_fits_is_whole_in_the_end() {
    let folder = Folder::new();
    let command = "trap '' XFSZ; ulimit -S -f 64; exec \"$0\" --exact limit::inside --ignored --nocapture";
    let ended = Command::new("bash")
        .args(["-c", command])
        .arg(std::env::current_exe().expect("this program"))
        .env(PLACE, folder.path())
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "it is started by the one above"]
fn inside() {
    let folder = std::env::var(PLACE).expect("the folder");
    let path = format!("{folder}/events.jsonl");
    let around = Around::new(EventsTo::File);
    let mut sink = around.open(&to_file(&path, 1 << 20, 5)).expect("a file");
    let status = &around.status;
    std::thread::scope(|scope| {
        let _ends = around.ends_if_the_test_fails();
        let taking = scope.spawn(|| {
            for n in 0..20 {
                sink.take(lines(n * 100..(n + 1) * 100).as_bytes(), 100).expect("it takes");
            }
        });
        let full = || {
            wait_for("some attempts", || (status.failures() >= 2).then_some(()));
            assert!(status.waiting().expect("it waits").contains("File too large"), "{:?}", status.waiting());
            assert!(!taking.is_finished());
            fs::read_to_string(&path).expect("text")
        };
        let text = full();
        assert!(text.len() > 60_000 && text.len() < 65_536, "{} bytes", text.len());
        assert!(text.ends_with('\n'), "what was begun is taken back while it waits");
        assert!(lines(0..2000).starts_with(&text));
        // There is room again, and more than enough.
        setrlimit(Resource::Fsize, Rlimit { current: None, ..getrlimit(Resource::Fsize) }).expect("a limit");
        taking.join().expect("it goes on");
    });
    assert_eq!(fs::read_to_string(&path).expect("text"), lines(0..2000), "all of it, in order, once");
    assert_eq!((status.delivered(), status.waiting()), (2000, None));
}
