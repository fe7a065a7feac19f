//! What all commands share: streams, exit statuses, colour, a reader that goes away.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::support::{Folder, errtally, finish, finish_with, has_tool, root, run};

const ESCAPE: char = '\u{1b}';

#[test]
fn usage_errors_end_with_2_on_stderr() {
    for args in [
        &[][..],
        &["nonsense"],
        &["scan", "--nonsense"],
        &["scan", "--format", "xml"],
        &["explain"],
        &["explain", "Ecs.0114", "--line", "x"],
        &["catalog"],
        &["catalog", "list", "--format", "prometheus"],
        &["config"],
        &["completions", "cmd"],
        &["run", "--source"],
    ] {
        let ended = run(args);
        assert_eq!(ended.stdout, "", "{args:?}");
        assert!(ended.stderr.contains("Usage: errtally") || ended.stderr.contains("--help"), "{args:?}");
        ended.failed(2);
    }
}

#[test]
fn the_flags_of_run_stand_under_headings_the_most_used_first() {
    let help = run(["run", "--help"]).ok();
    let headings: Vec<_> = help
        .lines()
        .filter(|l| l.ends_with(':') && !l.starts_with([' ', '-']))
        .map(|l| l.trim_end_matches(':'))
        .collect();
    let wanted = [
        "Options",
        "Codes",
        "Source: files",
        "Source: senders",
        "Source: Kafka",
        "Labels and fields",
        "Events",
        "HTTP server",
        "Start, stop, log",
        "Records",
    ];
    assert_eq!(headings, wanted);
    let first: Vec<_> = help
        .split_once("Options:\n")
        .and_then(|(_, rest)| rest.split_once("\n\n"))
        .map(|(options, _)| {
            let words = options.lines().filter_map(|l| l.split_whitespace().next());
            words.filter(|word| word.starts_with('-')).collect()
        })
        .expect("the options without a heading of their own");
    assert_eq!(first, ["--source", "--listen", "--web.config.file", "--watch", "--config", "-h,"]);
}

#[test]
fn help_and_version_are_results() {
    let help = run(["--help"]).ok();
    for command in ["run", "scan", "explain", "catalog", "config", "completions"] {
        assert!(help.lines().any(|l| l.trim_start().starts_with(command)), "{command} in:\n{help}");
        assert!(run([command, "--help"]).ok().contains("Usage: errtally"), "{command}");
    }
    assert_eq!(run(["--version"]).ok(), format!("errtally {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_bad_catalog_ends_every_command_with_2() {
    let folder = Folder::new();
    let bad = folder.write("bad.yaml", "service: SHOP\n");
    for args in [
        &["scan", "--catalog", &bad][..],
        &["run", "--listen", "127.0.0.1:0", "--catalog", &bad],
        &["explain", "Ecs.0114", "--catalog", &bad],
        &["catalog", "list", "--catalog", &bad],
        &["catalog", "check", "--catalog", &bad],
        &["config", "check", "--catalog", &bad],
        &["config", "show", "--catalog", &bad],
    ] {
        let ended = finish_with(errtally().args(args), b"Ecs.0114\n");
        assert_eq!(ended.stdout, "", "{args:?}");
        assert!(ended.failed(2).contains(&format!("{bad}:1: full_name: missing")), "{args:?}");
    }
}

#[test]
fn results_go_to_stdout_and_nothing_to_stderr() {
    for args in [
        &["scan"][..],
        &["explain", "Ecs.0114"],
        &["catalog", "list"],
        &["catalog", "check"],
        &["config", "check"],
        &["config", "show"],
        &["completions", "bash"],
    ] {
        let ended = run(args);
        assert_eq!(ended.stderr, "", "{args:?}");
        assert!(!ended.ok().is_empty(), "{args:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    // Each prints more than a pipe holds, so that it must meet the closed end.
    for args in [
        &["catalog", "list"][..],
        &["catalog", "list", "--format", "json"],
        &["completions", "bash"],
        &["explain", "--line", &"Ecs.0114 ".repeat(10_000)],
    ] {
        let mut child = errtally()
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut reader = BufReader::with_capacity(64, child.stdout.take().expect("a pipe"));
        let mut first = Vec::new();
        reader.read_until(b'\n', &mut first).expect("a line");
        assert!(!first.is_empty(), "{args:?}");
        drop(reader);
        let mut said = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{args:?}: {said}");
        assert_eq!(said, "", "{args:?}");
    }
}

#[test]
fn a_full_disk_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let mut command = errtally();
    let child =
        command.args(["catalog", "list"]).stdout(full).stderr(Stdio::piped()).spawn().expect("it starts");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard output"));
}

#[test]
fn nothing_piped_holds_an_escape() {
    let log = root().join("examples/cloud-api.log");
    let log = log.to_str().expect("a plain path");
    for args in [
        &["scan", log][..],
        &["explain", "Ecs.1000"],
        &["explain", "--line", "Ecs.0114"],
        &["catalog", "list"],
    ] {
        for colour in [None, Some("NO_COLOR")] {
            let mut command = errtally();
            command.args(args);
            if let Some(name) = colour {
                command.env(name, "1");
            }
            let ended = finish(&mut command);
            assert!(!ended.stdout.contains(ESCAPE) && !ended.stderr.contains(ESCAPE), "{args:?} {colour:?}");
        }
    }
}

/// What the program writes to a terminal of 100 columns.
fn on_a_terminal(arguments: &str, variable: &str) -> String {
    let program = env!("CARGO_BIN_EXE_errtally");
    let command = format!("stty cols 100; exec env {variable} '{program}' {arguments}");
    let mut script = Command::new("script");
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        script.env_remove(name);
    }
    script.args(["-qec", &command, "/dev/null"]).env("TERM", "xterm-256color").current_dir(root());
    let ended = finish(&mut script);
    assert_eq!(ended.status, Some(0), "{}", ended.stdout);
    ended.stdout
}

#[test]
fn a_terminal_gets_colour_and_a_progress_bar_unless_no_color() {
    if !has_tool("script") {
        println!("SKIPPED: no `script` from util-linux here, so no terminal to test on");
        return;
    }
    // Large enough that the bar is drawn at least once.
    let folder = Folder::new();
    let big = folder.write("big.log", b"2026-01-01 GET / Ecs.0114 not found\n".repeat(400_000));
    let shown = on_a_terminal(&format!("scan {big}"), "A=1");
    assert!(shown.contains("\u{1b}[34m") || shown.contains("\u{1b}[1m"), "no colour: {shown:?}");
    assert!(shown.contains("/s") && shown.contains(" left"), "no progress: {shown:?}");

    let plain = on_a_terminal(&format!("scan {big}"), "NO_COLOR=1");
    assert!(plain.contains("Ecs.0114"), "{plain:?}");
    assert!(!plain.contains(ESCAPE), "NO_COLOR: {plain:?}");
    assert!(!plain.contains(" left"), "NO_COLOR: {plain:?}");
}

#[test]
fn every_common_shell_has_completions() {
    for (shell, sign) in
        [("bash", "complete -F"), ("zsh", "#compdef errtally"), ("fish", "complete -c errtally")]
    {
        let script = run(["completions", shell]).ok();
        assert!(script.contains(sign), "{shell}");
        for word in ["scan", "explain", "catalog", "config", "run", "max-record-bytes", "shutdown-timeout"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        if has_tool(shell) {
            let ended = finish_with(Command::new(shell).arg("-n"), script.as_bytes());
            assert_eq!(
                (ended.status, ended.stderr.as_str()),
                (Some(0), ""),
                "{shell} cannot read its script"
            );
        }
    }
}
