//! A configuration file may hold anything: it is used, or what is wrong with it is told with its remedy.

use std::fs;
use std::path::PathBuf;

use errtally::config::Layers;
use errtally_core::enrich::Plan;

/// What bytes from 0x80 on stand for: what such files are made of.
const FRAGMENTS: &[&str] = &[
    "\n",
    ": ",
    "  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    ", ",
    "# ",
    "listen: ",
    "127.0.0.1:9877",
    ":0",
    "source: ",
    "stdin",
    "kafka",
    "file",
    "kafka:\n",
    "  brokers: ",
    "  topics: ",
    "[a, \"^b\"]",
    "file:\n",
    "  paths: ",
    "[/a/*.log]",
    "state_dir: /var\n",
    "labels:\n",
    "  app: ",
    "kubernetes.labels.app",
    "@level",
    "@pod",
    "events:\n",
    "  to: ",
    "stdout",
    "  max_record_bytes: ",
    "1MiB",
    "64MiB",
    "999999999999999999999",
    "late_after: ",
    "10m",
    "never",
    "-1",
    "0",
    "1e9",
    "200years",
    "discovery_keys: ",
    "join:\n",
    "  start: ",
    "^[^ ",
    "(",
    "\\d{9999}",
    "services: ",
    "ECS",
    "\t",
    "time_zone: ",
    "+08:00",
    "Europe/Berlin",
    "zero_init: ",
    "quota",
    "linger: ",
    "shutdown_timeout: ",
    "&a ",
    "*a",
    "!x ",
    "---\n",
    "true",
    "null",
    "fields:\n",
    "  level: ",
    "é",
    "\u{0}",
    "max_label_sets: ",
    "exemplars: ",
    "watch: ",
];

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-settings-{}.yaml", std::process::id()))
}

#[test]
fn settings() {
    let path = file();
    let told = path.display().to_string();
    bolero::check!().for_each(|bytes: &[u8]| {
        fs::write(&path, text(bytes)).expect("the file is written");
        let layers = Layers { file: Some(path.clone()), ..Layers::default() };
        let (loaded, problems) = layers.settings();
        for line in problems.lines() {
            assert!(line.starts_with(&told) || line.starts_with("and "), "no file: {line}");
            assert!(line.contains("; ") || line.starts_with("and "), "no remedy: {line}");
        }
        if problems.is_empty() {
            Plan::new(&loaded.settings.extraction()).expect("what was accepted can be used");
        }
    });
    let _ = fs::remove_file(file());
}

fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte.checked_sub(0x80) {
            None => text.push(char::from(byte)),
            Some(number) => text.push_str(FRAGMENTS[number as usize % FRAGMENTS.len()]),
        }
    }
    text
}
