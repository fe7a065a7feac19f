//! What one record may make of events is bounded, whatever is in it.

use serde_json::Value;

use crate::event;
use crate::support::daemon::Daemon;
use std::process::Stdio;

/// The events of `input` through the real program, and their bytes.
fn events(input: &[u8], args: &[&str]) -> (Vec<Value>, usize) {
    use std::io::{Read, Write};
    let args = [&["--events", "stdout"], args].concat();
    let mut daemon = Daemon::spawn_to(&args, Stdio::piped(), Stdio::piped());
    let (mut stdin, mut stdout, input) = (daemon.stdin(), daemon.stdout(), input.to_vec());
    let feeding = std::thread::spawn(move || stdin.write_all(&input).expect("it reads"));
    let mut bytes = Vec::new();
    stdout.read_to_end(&mut bytes).expect("events");
    feeding.join().expect("it is fed");
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    (event::parse(&bytes), bytes.len())
}

fn length(event: &Value, member: &str) -> usize {
    event[member].as_str().expect("a text").len()
}

#[test]
fn every_member_is_cut_at_its_length() {
    let long = "é\u{1}".repeat(10_000);
    let record = serde_json::json!({
        "level": long, "trace_id": long, "request_id": long, "app": long,
        "error": {"code": "Ecs.0114", "message": long},
    });
    let line = format!("{record}\n");
    let args = ["--labels", "app=app", "--events-include-record", "--events-max-record-bytes", "128KiB"];
    let (events, bytes) = events(line.as_bytes(), &args);
    let event = &events[0];
    for (member, most) in [("message", 4096), ("trace_id", 256), ("request_id", 256), ("level", 64)] {
        assert!((most - 8..=most).contains(&length(event, member)), "{member}: {}", length(event, member));
        assert!(event[member].as_str().expect("a text").ends_with('…'), "{member}");
    }
    assert!(event["labels"]["app"].as_str().expect("a text").len() <= 256);
    assert!(bytes < 1_000_000, "{bytes} bytes, and a topic takes as many");
}

#[test]
fn what_is_short_enough_is_whole() {
    let message = "é".repeat(2048);
    let line =
        format!("{{\"trace_id\":\"{}\",\"code\":\"Ecs.0114\",\"message\":\"{message}\"}}\n", "t".repeat(256));
    let (events, _) = events(line.as_bytes(), &[]);
    assert_eq!((&events[0]["message"], length(&events[0], "trace_id")), (&message.into(), 256));
    assert_eq!(events[0].get("abridged"), None);
}

#[test]
fn a_record_with_thousands_of_codes_makes_no_more_than_its_share() {
    // One line of less than 1 MiB that would make 9 GB, if each event had all of it.
    let codes: String = (1..=10_000).map(|n| format!("CCE.{n:08} ")).collect();
    let record = serde_json::json!({"trace_id": "t".repeat(800_000), "app": "shop", "codes": codes});
    let line = format!("{record}\nEcs.0114 after it\n");
    assert!(line.len() < 1 << 20);
    let args = ["--labels", "app=app", "--events-include-record", "--events-max-record-bytes", "128KiB"];
    let (events, bytes) = events(line.as_bytes(), &args);
    assert_eq!(events.len(), 10_001, "an event for every hit");
    assert!(bytes < (2 << 20) + 10_001 * 500, "{bytes} bytes");
    let abridged = events.iter().filter(|e| e["abridged"] == true).count();
    assert!(abridged > 9_900, "{abridged} abridged");
    // Those first are whole, those after have what every event has.
    assert_eq!((events[0].get("abridged"), &events[0]["labels"]["app"]), (None, &"shop".into()));
    let last = &events[9_999];
    assert_eq!((&last["code"], &last["source"]["offset"]), (&"CCE.00010000".into(), &0.into()));
    assert_eq!((last.get("record"), last.get("trace_id")), (None, None));
    // The next record has its own share.
    assert_eq!(events[10_000].get("abridged"), None);
    assert!(events[10_000].get("record").is_some());
}
