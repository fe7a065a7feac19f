//! Senders in Python: OpenTelemetry's SDK, Fluentd's logger, and msgpack as the reference of MessagePack, in an
//! environment of their own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::support::{Ended, finish, root};

const PACKAGES: [&str; 4] = [
    "opentelemetry-sdk==1.45.2",
    "opentelemetry-exporter-otlp-proto-http==1.45.2",
    "fluent-logger==0.11.1",
    "msgpack==1.2.4",
];

/// The interpreter that has the packages, or none where they cannot be had: then the test is not run, and says so.
pub fn python() -> Option<&'static PathBuf> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = PYTHON.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ingest-senders");
        let python = folder.join("bin/python");
        let has = |python: &PathBuf| {
            let mut check = Command::new(python);
            check.args(["-c", "import opentelemetry.exporter.otlp.proto.http, fluent.sender, msgpack"]);
            check.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        if !has(&python) {
            let made = finish(Command::new("python3").args(["-m", "venv"]).arg(&folder));
            assert_eq!(made.status, Some(0), "{}", made.stderr);
            let pip = finish(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES));
            if pip.status != Some(0) {
                eprintln!("{}", pip.stderr);
            }
        }
        has(&python).then_some(python)
    });
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "the senders of {PACKAGES:?} cannot be installed");
        eprintln!("NOT RUN: the senders of {PACKAGES:?} cannot be installed");
    }
    found.as_ref()
}

fn command(python: &PathBuf, script: &str, args: &[&str]) -> Command {
    let mut command = Command::new(python);
    command.arg(root().join("tests/ingest").join(script)).args(args);
    command
}

/// Runs a script to its end.
#[track_caller]
pub fn run(python: &PathBuf, script: &str, args: &[&str]) -> Ended {
    finish(&mut command(python, script, args))
}

/// Starts a script.
pub fn spawn(python: &PathBuf, script: &str, args: &[&str]) -> Child {
    command(python, script, args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts")
}
