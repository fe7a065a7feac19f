//! The compose file and the image: errtally's settings, what is mounted, the log generator.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{root, wait_for};
use crate::yaml::{check_variables, load, seconds, shutdown_timeout};

fn services() -> serde_json::Map<String, Value> {
    let file = load(&root().join("deploy/compose/compose.yaml")).remove(0);
    file["services"].as_object().expect("services").clone()
}

fn dockerfile() -> String {
    std::fs::read_to_string(root().join("deploy/container/Dockerfile")).expect("the Dockerfile")
}

#[test]
fn errtally_is_set_rightly_and_may_do_nothing() {
    let errtally = &services()["errtally"];
    let variables = errtally["environment"].as_object().expect("variables");
    check_variables(variables.iter().map(|(k, v)| (k.as_str(), v.as_str().expect("text")))).ok();
    assert_eq!(errtally["read_only"], true);
    assert_eq!(errtally["cap_drop"][0], "ALL");
    assert!(seconds(errtally["stop_grace_period"].as_str().expect("a time")) > shutdown_timeout());
}

#[test]
fn what_is_mounted_is_there() {
    let place = root().join("deploy/compose");
    for (name, service) in services() {
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let source = volume.as_str().expect("a mount").split(':').next().expect("a source");
            if source.starts_with('.') {
                assert!(place.join(source).exists(), "{name}: {source}");
            }
        }
    }
}

#[test]
fn images_are_pinned() {
    for (name, service) in services() {
        let image = service["image"].as_str().expect("an image");
        let ours = service["build"].is_object();
        let tag = image.split_once(':').map_or("", |(_, tag)| tag);
        assert!(ours || tag.starts_with(|c: char| c.is_ascii_digit() || c == 'v'), "{name}: {image}");
    }
    for line in dockerfile().lines().filter(|l| l.starts_with("FROM ") && !l.contains(" scratch")) {
        assert!(line.contains('$') || line.contains(':'), "{line}");
    }
}

#[test]
fn the_image_is_set_rightly() {
    let text = dockerfile();
    assert!(text.contains("ERRTALLY_LISTEN=0.0.0.0:9877"));
    check_variables([("ERRTALLY_LISTEN", "0.0.0.0:9877")]).ok();
    for promised in
        ["\nUSER 65532:65532\n", "\nEXPOSE 9877\n", "\nHEALTHCHECK ", "\nENTRYPOINT [\"errtally\"]\n"]
    {
        assert!(text.contains(promised), "{promised}");
    }
}

/// Lines of the file it is given, as many in a second as it is told, and at all places of the file in turn.
#[test]
fn the_generator_tells_the_whole_story() {
    let log = root().join("examples/cloud-api.log");
    let text = String::from_utf8_lossy(&std::fs::read(&log).expect("the log")).into_owned();
    // Only those that every awk and the pipe hand on as they are.
    let known: BTreeSet<_> = text.lines().filter(|l| l.is_ascii() && !l.contains(['\0', '\r'])).collect();
    let mut child = Command::new(root().join("deploy/compose/generate"))
        .arg(&log)
        .envs([("RATE", "2000"), ("LAP", "1")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).split(b'\n');
    let first: Vec<_> = lines.by_ref().take(2000).map(|l| l.expect("a line")).collect();
    drop(lines);
    let first: Vec<_> = first.iter().map(|l| String::from_utf8_lossy(l)).collect();
    let same = first.iter().filter(|l| known.contains(l.as_ref())).count();
    assert!(same > 1800, "{same} of 2000 lines are of the file");
    // It ends by itself when nobody reads.
    wait_for("its end", || child.try_wait().expect("a state"));
}
