//! `errtally-follow`, the command of the sidecar: files that grow and rotate, and a stop that
//! loses nothing. With the machine's shell and tail, and with busybox's, which the image has.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::Command;

use rustix::process::Signal;

use crate::script::{Script, prepare, send};
use crate::support::{Folder, has_tool, root, wait_for};

const CODE: &[(&str, &str)] = &[("code", "Ecs.0001")];

/// Whose shell and tools run the script.
#[derive(Clone, Copy, Debug)]
enum Tools {
    Machine,
    Busybox,
}

/// Those that are here.
fn tools() -> Vec<Tools> {
    if has_tool("busybox") {
        vec![Tools::Machine, Tools::Busybox]
    } else {
        eprintln!("no busybox: not tried with it");
        vec![Tools::Machine]
    }
}

/// The command on these files. Links to busybox go into `folder`.
fn command(tools: Tools, folder: &Folder, files: &[&str]) -> Command {
    let script = root().join("deploy/container/errtally-follow");
    let mut command = Command::new("env");
    // What a shell finds ignored when it starts it cannot trap; whoever runs the tests may ignore these.
    command.arg("--default-signal=HUP,INT,TERM");
    match tools {
        Tools::Machine => command.arg(script),
        Tools::Busybox => {
            let path = std::env::var_os("PATH").expect("a path");
            let busybox = std::env::split_paths(&path).map(|p| p.join("busybox")).find(|p| p.is_file());
            let busybox = busybox.expect("busybox");
            let applets = folder.path().join("applets");
            if !applets.exists() {
                std::fs::create_dir(&applets).expect("a folder");
                for applet in ["sh", "mkfifo", "mktemp", "rm", "sleep", "tail"] {
                    std::os::unix::fs::symlink(&busybox, applets.join(applet)).expect("a link");
                }
            }
            command.arg(applets.join("sh"));
            let path = std::iter::once(applets).chain(std::env::split_paths(&path));
            command.arg(script).env("PATH", std::env::join_paths(path).expect("a path"))
        }
    };
    command.args(files);
    command
}

fn append(path: &str, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("a file");
    file.write_all(text.as_bytes()).expect("it is written");
}

/// Follows one file that has a line already. tail is known to watch it when a line has come through.
fn following(tools: Tools, folder: &Folder) -> (Script, String) {
    let file = folder.write("app.log", "before the start: Ecs.0001\n");
    let script = Script::start(&mut command(tools, folder, &[&file]));
    // tail may still be about to seek to the end: lines written before it does are old ones.
    wait_for("the first line through tail", || {
        append(&file, "x\n");
        (script.scrape().sum("errtally_records_total", &[]) > 0.0).then_some(())
    });
    (script, file)
}

#[test]
fn what_is_written_is_counted_and_what_was_there_before_is_not() {
    for tools in tools() {
        let folder = Folder::new();
        let (script, file) = following(tools, &folder);
        append(&file, &"quota Ecs.0001\n".repeat(500));
        wait_for("500 hits", || (script.scrape().sum("errtally_errors_total", CODE) == 500.0).then_some(()));
    }
}

#[test]
fn a_file_that_is_renamed_and_made_anew_is_followed_on() {
    for tools in tools() {
        let folder = Folder::new();
        let (script, file) = following(tools, &folder);
        for round in 1..=3 {
            append(&file, "quota Ecs.0001\n");
            std::fs::rename(&file, format!("{file}.{round}")).expect("it is renamed");
            File::create(&file).expect("a new file");
            append(&file, "quota Ecs.0001\n");
            wait_for("both sides of the rename", || {
                (script.scrape().sum("errtally_errors_total", CODE) == f64::from(2 * round)).then_some(())
            });
        }
    }
}

#[test]
fn a_file_that_does_not_exist_yet_is_waited_for_and_read_from_its_start() {
    for tools in tools() {
        let folder = Folder::new();
        let file = folder.path().join("later, with spaces.log").display().to_string();
        let script = Script::start(&mut command(tools, &folder, &[&file]));
        // tail says so when it has looked for it: a file that is there at its start is read from the end.
        wait_for("tail's complaint", || script.log().contains("later, with spaces.log").then_some(()));
        // As a whole, so that its first line is there when tail first sees it.
        let ready = folder.write("ready", "first Ecs.0001\nsecond Ecs.0001\n");
        std::fs::rename(ready, &file).expect("it is put in place");
        let scrape = script.wait_for_records(2);
        assert_eq!(scrape.sum("errtally_errors_total", CODE), 2.0);
    }
}

#[test]
fn what_was_written_before_the_stop_is_counted() {
    let signals = tools().into_iter().flat_map(|t| [(t, Signal::TERM), (t, Signal::INT)]);
    for (tools, signal) in signals {
        let folder = Folder::new();
        let (script, file) = following(tools, &folder);
        append(&file, &"the last words: Ecs.0001\n".repeat(2000));
        script.signal(signal);
        let (status, log) = script.wait();
        assert_eq!(status.code(), Some(0), "{tools:?}, {signal:?}: {log}");
        assert!(log.contains(" 2,000  ") && log.contains("Ecs.0001"), "{log}");
    }
}

#[test]
fn hangup_reloads() {
    let folder = Folder::new();
    let (script, _) = following(Tools::Machine, &folder);
    script.signal(Signal::HUP);
    wait_for("the reload", || script.log().contains("reloaded").then_some(()));
    assert_eq!(script.scrape().value("errtally_config_last_reload_successful", &[]), Some(1.0));
}

#[test]
fn without_tail_it_fails_so_that_it_is_started_again() {
    let folder = Folder::new();
    let (script, _) = following(Tools::Machine, &folder);
    let tail = script.children("tail");
    assert_eq!(tail.len(), 1, "one tail");
    send(tail[0], Signal::KILL);
    let (status, log) = script.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("tail ended"), "{log}");
}

#[test]
fn an_errtally_that_fails_is_told_on() {
    let folder = Folder::new();
    let file = folder.write("app.log", "");
    let mut command = command(Tools::Machine, &folder, &[&file]);
    let ended = prepare(&mut command).env("ERRTALLY_LINGER", "long").status().expect("it ends");
    assert_eq!(ended.code(), Some(2));
}

#[test]
fn it_wants_files() {
    let folder = Folder::new();
    for arguments in [&[][..], &["--help"][..]] {
        let ended = prepare(&mut command(Tools::Machine, &folder, arguments)).output().expect("it ends");
        assert_eq!(ended.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&ended.stderr).starts_with("usage: "));
    }
}
