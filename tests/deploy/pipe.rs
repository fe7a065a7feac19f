//! The named pipe between a log shipper and errtally, by the command that the manifest has.

use std::fs::OpenOptions;
use std::io::Write;
use std::process::Command;

use rustix::process::Signal;

use crate::script::Script;
use crate::support::{Folder, root, wait_for};
use crate::yaml::{load, mappings};

#[test]
fn a_pipe_that_its_writer_opens_and_closes_has_no_end() {
    let folder = Folder::new();
    let manifest = load(&root().join("deploy/kubernetes/overlays/shipper/daemonset.yaml"));
    let shell = manifest
        .iter()
        .flat_map(mappings)
        .find(|m| m["name"] == "errtally" && m["command"].is_array())
        .expect("the container");
    let command = shell["command"][2].as_str().expect("a command");
    assert_eq!(command.matches("/pipe/").count(), 3, "{command}");
    let command = command.replace("/pipe/", &format!("{}/", folder.path().display()));
    let script = Script::start(Command::new("sh").args(["-c", &command]));

    let pipe = folder.path().join("lines");
    for round in 1..=3 {
        // As Fluent Bit does: opened for each flush.
        let mut writer = OpenOptions::new().append(true).open(&pipe).expect("the pipe is there");
        writer.write_all(b"{\"log\":\"Ecs.0001\"}\n{\"log\":\"-\"}\n").expect("it is read");
        drop(writer);
        script.wait_for_records(2 * round);
    }

    script.signal(Signal::TERM);
    let (status, log) = script.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    // The pipe stays for the next start, which takes it as it is.
    let script = Script::start(Command::new("sh").args(["-c", &command]));
    let mut writer = OpenOptions::new().append(true).open(&pipe).expect("the pipe is there");
    writer.write_all(b"after the restart Ecs.0001\n").expect("it is read");
    wait_for("the line after the restart", || {
        (script.scrape().sum("errtally_records_total", &[]) == 1.0).then_some(())
    });
}
