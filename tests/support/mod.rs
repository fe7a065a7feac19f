//! How the tests use the program: as a process, from outside, like an operator.
//!
//! Nothing here sleeps for a fixed time and hopes: whatever is waited for is polled up to a deadline.

// Every test program includes all of this and uses a part.
#![allow(dead_code)]

pub mod daemon;
pub mod exposition;
pub mod http;
pub mod pages;
pub mod prometheus;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take before it counts as never. Generous, since tests share the machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The program with none of the caller's settings in its environment.
pub fn errtally() -> Command {
    // One that is built already and in another way, where it is named.
    let named = std::env::var_os("TESTED_BINARY");
    let mut command = Command::new(named.unwrap_or_else(|| env!("CARGO_BIN_EXE_errtally").into()));
    command.stdin(Stdio::null()).current_dir(root());
    for (name, _) in std::env::vars_os() {
        let ours = name.to_string_lossy().starts_with("ERRTALLY_");
        if ours || ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"].iter().any(|n| name == *n) {
            command.env_remove(name);
        }
    }
    command
}

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// The result of a run that must have gone well.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.status, Some(0), "stderr: {}", self.stderr);
        self.stdout
    }

    /// As [`Ended::ok`], read as JSON.
    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        let text = self.ok();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("not JSON: {e}: {text}"))
    }

    /// What was said on a run that must have ended with `status`.
    #[track_caller]
    pub fn failed(self, status: i32) -> String {
        assert_eq!(self.status, Some(status), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self.stderr
    }
}

/// Runs `command` to its end.
pub fn finish(command: &mut Command) -> Ended {
    finish_with(command, b"")
}

/// Runs `command` with `input` on its standard input.
pub fn finish_with(command: &mut Command, input: &[u8]) -> Ended {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // A command that reads nothing closes the pipe; that is its right.
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().expect("the program ends")
    });
    Ended {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("results are UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
    }
}

/// Runs the program with these arguments.
pub fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ended {
    finish(errtally().args(args))
}

/// The JSON report on `input`, with further flags.
#[track_caller]
pub fn scan_json(input: &[u8], flags: &[&str]) -> serde_json::Value {
    finish_with(errtally().args(["scan", "--format", "json"]).args(flags), input).json()
}

/// The count of `code` among the hits and the unknown codes of a report, all its rows together.
pub fn count_of(report: &serde_json::Value, code: &str) -> u64 {
    ["hits", "unknown"]
        .iter()
        .flat_map(|list| report[*list].as_array().expect("a list"))
        .filter(|hit| hit["code"] == code)
        .map(|hit| hit["count"].as_u64().expect("a count"))
        .sum()
}

/// A folder for one test, gone afterwards.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and gives its path as text.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    }
}

/// Waits until `done` gives something; `what` names it where it never does.
#[track_caller]
pub fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(Instant::now() < until, "waited {DEADLINE:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sets the flag when dropped, by a panic too: threads of a scope that look at it end then, and the panic is seen.
pub struct Raise<'f>(pub &'f AtomicBool);

impl Drop for Raise<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A catalog file of a service of its own: one family, `Shop.NNN`, with these numbers.
pub fn shop_catalog(numbers: &[&str]) -> String {
    let mut text = "service: SHOP\nfull_name: Shop\nsource: its handbook\nfamilies:\n  - {prefix: Shop, grammar: NNN}\ncodes:\n".to_owned();
    for number in numbers {
        text.push_str(&format!(
            "  - code: Shop.{number}\n    http_status: 400\n    message: \"m\"\n    category: quota\n    retryable: false\n    action: \"a\"\n"
        ));
    }
    text
}

/// Whether a tool that some tests need is on the path.
pub fn has_tool(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
}
