//! What stands in files: lines of container runtimes, names of Kubernetes, records that are too long, no text.

use std::io::Write;
use std::time::Duration;

use serde_json::Value;

use crate::place::{Place, hits, line, wait_for_value};
use crate::support::wait_for;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn cri(tag: &str, text: &str) -> String {
    format!("2026-04-02T01:00:00.5Z stdout {tag} {text}\n")
}

#[test]
fn kubernetes_names_become_labels_and_stand_in_events() {
    let place = Place::new();
    let name = format!("cart-x2_shop_api-{ID}.log");
    std::fs::create_dir_all(place.log("pods/bank_teller-0_1-2-3/desk")).expect("folders");
    let events = place.events();
    let mut args: Vec<&str> = events.iter().map(String::as_str).collect();
    for label in ["ns=@namespace", "pod=@pod", "container=@container", "path=@file"] {
        args.extend(["--labels", label]);
    }
    let daemon = place.start_on("**/*.log", &args);
    place.append(&name, cri("F", "ERROR Ecs.0114"));
    place.append(
        "pods/bank_teller-0_1-2-3/desk/0.log",
        "{\"log\":\"ERROR Ecs.0114\\n\",\"stream\":\"stderr\",\"time\":\"2026-04-02T01:00:00.5Z\"}\n",
    );
    place.append("plain.log", "ERROR Ecs.0114\n");
    let scrape = daemon.wait_for_records(3);
    let of = |labels: &[(&str, &str)]| scrape.sum("errtally_errors_total", labels);
    let path = place.log(&name).display().to_string();
    assert_eq!(of(&[("ns", "shop"), ("pod", "cart-x2"), ("container", "api"), ("path", &path)]), 1.0);
    assert_eq!(of(&[("ns", "bank"), ("pod", "teller-0"), ("container", "desk")]), 1.0);
    let path = place.log("plain.log").display().to_string();
    assert_eq!(of(&[("ns", ""), ("pod", ""), ("container", ""), ("path", &path)]), 1.0);
    place.append(&name, cri("F", "ERROR Ecs.0114"));
    let events: Vec<Value> = wait_for("events", || {
        let text = std::fs::read_to_string(place.events_file()).ok()?;
        let all: Vec<Value> = text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
        (all.len() == 4).then_some(all)
    });
    let schema = std::fs::read_to_string(crate::support::root().join("docs/event.schema.json")).expect("it");
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).expect("JSON")).expect("a schema");
    for event in &events {
        assert!(schema.is_valid(event), "{event}");
    }
    let source = &events[3]["source"];
    assert_eq!(source["type"], "file");
    assert_eq!(source["file"], place.log(&name).display().to_string());
    assert_eq!(source["offset"], cri("F", "ERROR Ecs.0114").len());
    assert_eq!((&source["namespace"], &source["pod"]), (&"shop".into(), &"cart-x2".into()));
}

#[test]
fn what_a_runtime_has_cut_is_one_record_over_many_looks() {
    let place = Place::new();
    let daemon = place.start(&["--join-wait", "20s"]);
    // Enough before it that the file is known to be a runtime's by its first lines alone.
    let before: u64 = 1000;
    let text: String =
        (0..before).map(|i| cri("F", &format!("{{\"message\":\"all is well {i}\"}}"))).collect();
    place.append("a.log", &text);
    daemon.wait_for_records(before);
    let parts = ["{\"message\":\"it failed: Ecs.0", "11", "4 \",\"a\":1", ",\"b\":2}"];
    for (at, part) in parts.iter().enumerate() {
        place.append("a.log", cri(if at + 1 < parts.len() { "P" } else { "F" }, part));
        // Another file is read in between.
        place.append("b.log", cri("F", "{\"message\":\"and this\"}"));
        let others = before + at as u64 + 1;
        daemon.wait_for_records(if at + 1 < parts.len() { others } else { others + 1 });
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(hits(&daemon.scrape()), 1.0);
}

#[test]
fn the_form_may_be_said() {
    let place = Place::new();
    // By its first lines it is none of a runtime.
    let text: String = (0..100).map(|i| format!("plain {i}\n")).collect();
    let cut = cri("P", "x Ecs.0") + &cri("F", "114");
    place.append("a.log", text + &cut);
    let daemon = place.start(&["--file-format", "cri"]);
    assert_eq!(hits(&daemon.wait_for_records(101)), 1.0);
    let raw = Place::new();
    raw.append("a.log", cut);
    let daemon = raw.start(&["--file-format", "raw"]);
    assert_eq!(hits(&daemon.wait_for_records(2)), 0.0);
}

#[test]
fn a_record_that_is_too_long_counts_once_when_its_end_has_come() {
    let place = Place::new();
    let daemon = place.start(&["--max-record-bytes", "64KiB"]);
    let filler = "x".repeat(100_000);
    place.append("a.log", line(0));
    place.append("a.log", format!("begin {filler}"));
    daemon.wait_for_records(1);
    for _ in 0..3 {
        place.append("a.log", format!(" Ecs.0114 {filler}"));
        // Another file goes on meanwhile.
        std::thread::sleep(Duration::from_millis(300));
    }
    place.append("b.log", line(1));
    let scrape = daemon.wait_for_records(2);
    assert_eq!(scrape.sum("errtally_oversized_records_total", &[]), 0.0);
    place.append("a.log", format!(" end\n{}", line(2)));
    let scrape = daemon.wait_for_records(4);
    assert_eq!(scrape.sum("errtally_oversized_records_total", &[]), 1.0);
    assert_eq!(hits(&scrape), 4.0);
}

#[test]
fn compressed_files_are_told_and_not_read() {
    let place = Place::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(line(0).repeat(10_000).as_bytes()).expect("memory");
    place.append("a.log", gzip.finish().expect("memory"));
    let utf16: Vec<u8> = line(0).encode_utf16().flat_map(u16::to_le_bytes).collect();
    place.append("b.log", utf16);
    place.append("c.log", line(1));
    let daemon = place.start(&[]);
    wait_for_value(&daemon, "errtally_undecoded_inputs_total", 2.0);
    daemon.wait_for_log("begins like gzip data, which is not decoded");
    daemon.wait_for_log("begins like UTF-16 text");
    daemon.wait_for_records(1);
    wait_for_value(&daemon, "errtally_files_unread_bytes", 0.0);
    // One that is replaced by text is read.
    std::fs::write(place.log("a.log"), line(2)).expect("a log");
    daemon.wait_for_records(2);
}
