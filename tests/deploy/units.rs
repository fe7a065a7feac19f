//! The systemd units: hardened, and in step with the program.

use std::path::PathBuf;
use std::process::Command;

use crate::support::{has_tool, root, run};
use crate::yaml::{check_variables, shutdown_timeout};

const SERVICES: [&str; 4] = ["errtally", "errtally-journal", "errtally-pipe", "errtally-socket"];

fn path(unit: &str) -> PathBuf {
    root().join("deploy/systemd").join(unit)
}

fn text(service: &str) -> String {
    let text = std::fs::read_to_string(path(&format!("{service}.service"))).expect("a unit");
    text.replace("\\\n", "")
}

fn values<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    text.lines().filter_map(|l| l.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[test]
fn what_they_run_is_what_the_program_knows() {
    let help = run(["run", "--help"]).ok();
    for service in SERVICES {
        let text = text(service);
        let start = values(&text, "ExecStart");
        assert_eq!(start.len(), 1, "{service}");
        let (_, own) = start[0].split_once("/usr/bin/errtally run").expect("the command");
        for flag in own.split('<').next().expect("flags").split_whitespace().filter(|w| w.starts_with("--")) {
            assert!(help.contains(&format!("{flag} ")), "{service}: {flag}");
        }
        let variables = values(&text, "Environment");
        check_variables(variables.iter().filter_map(|v| v.split_once('='))).ok();
        assert!(variables.contains(&"ERRTALLY_CONFIG=/etc/errtally/errtally.yaml"), "{service}");
    }
}

#[test]
fn they_leave_time_to_stop_and_do_not_repeat_a_mistake() {
    for service in SERVICES {
        let text = text(service);
        let stop: u64 = values(&text, "TimeoutStopSec")[0].parse().expect("seconds");
        assert!(stop > shutdown_timeout(), "{service}: {stop} s");
        assert_eq!(values(&text, "RestartPreventExitStatus"), ["2"], "{service}");
        assert_eq!(values(&text, "ExecReload"), ["/bin/kill -HUP $MAINPID"], "{service}");
    }
}

/// Folders are given to the user of one unit; two units with one folder would take it from each other.
#[test]
fn no_two_share_a_folder() {
    for service in SERVICES {
        assert_eq!(values(&text(service), "LogsDirectory"), [service]);
    }
}

#[test]
fn they_are_hardened() {
    if !has_tool("systemd-analyze") {
        eprintln!("no systemd-analyze: not checked");
        return;
    }
    for service in SERVICES {
        let output = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager"])
            .arg(path(&format!("{service}.service")))
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("systemd-analyze runs");
        let report = String::from_utf8(output.stdout).expect("text");
        let (_, level) = report.split_once("Overall exposure level").unwrap_or_else(|| panic!("{report}"));
        let level = level.split_whitespace().find_map(|w| w.parse::<f64>().ok()).expect("a level");
        assert!(level < 2.0, "{service}: {report}");
    }
}

#[test]
fn systemd_understands_every_line() {
    if !has_tool("systemd-analyze") {
        eprintln!("no systemd-analyze: not checked");
        return;
    }
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .args(SERVICES.map(|s| path(&format!("{s}.service"))))
        .args([path("errtally-pipe.socket"), path("errtally-socket.socket")])
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("systemd-analyze runs");
    let said = String::from_utf8_lossy(&output.stderr);
    // The program is not installed here, and the machine's own units may have their faults.
    let wrong: Vec<_> = said
        .lines()
        .filter(|l| l.contains("errtally") && !l.contains("Command /usr/bin/errtally is not executable"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
