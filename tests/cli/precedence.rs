//! Flag over variable over file over default, for every key there is.

use std::collections::BTreeSet;

use errtally::config::KEYS;

use crate::support::{Folder, errtally, finish, shop_catalog};

/// A key with three values that differ from its default and from each other, as they are shown.
struct Trial {
    name: &'static str,
    file: String,
    variable: String,
    flag: String,
}

fn trials(folder: &Folder) -> Vec<Trial> {
    let trial = |name, file: &str, variable: &str, flag: &str| Trial {
        name,
        file: file.to_owned(),
        variable: variable.to_owned(),
        flag: flag.to_owned(),
    };
    let path = |name: &str| folder.write(name, shop_catalog(&["017"]));
    let (a, b, c) = (path("a.yaml"), path("b.yaml"), path("c.yaml"));
    vec![
        trial("listen", "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"),
        trial("web_config_file", "a.yml", "b.yml", "c.yml"),
        trial("watch", "true", "false", "true"),
        trial("http.max_connections", "10", "20", "30"),
        trial("http.request_timeout", "1s", "2s", "3s"),
        trial("http.answer_timeout", "1s", "2s", "3s"),
        trial("http.idle_timeout", "1s", "2s", "3s"),
        trial("catalog", &a, &b, &c),
        trial("max_record_bytes", "2KiB", "3KiB", "4KiB"),
        trial("max_unknown_codes", "1", "2", "3"),
        trial("services", "CCE", "ECS", "CSS"),
        trial("discovery_keys", "fault_code", "reason_code", "xcode"),
        trial("join.lines", "off", "auto", "off"),
        trial("join.start", "a", "b", "c"),
        trial("join.continuation", "a", "b", "c"),
        trial("join.wait", "20ms", "30ms", "40ms"),
        trial("zero_init", "billing", "state", "timeout"),
        trial("linger", "1s", "2s", "3s"),
        trial("shutdown_timeout", "1s", "2s", "3s"),
        trial("log_level", "error", "warn", "debug"),
        trial("log_format", "json", "text", "json"),
        // Those with two values: the default must come back over the layer below.
        trial("discovery", "false", "true", "false"),
        trial("code_info", "all", "seen", "all"),
        // Kafka asks for a topic, which no layer here sets; its origin tells.
        trial("source", "stdin", "stdin", "stdin"),
        trial(
            "sources",
            "[{name: \"a\", kind: stdin}]",
            "[{name: \"b\", kind: udp, listen: \":1\"}]",
            "[{name: \"c\", kind: stdin}]",
        ),
        trial("socket.listen", "a", "b", "c"),
        trial("socket.framing", "newline", "octets", "newline"),
        trial("socket.max_connections", "1", "2", "3"),
        trial("socket.idle_timeout", "1s", "2s", "3s"),
        trial("socket.tls_config_file", "a.yml", "b.yml", "c.yml"),
        trial("socket.web_config_file", "a.yml", "b.yml", "c.yml"),
        trial("socket.shared_key_file", "a", "b", "c"),
        trial("state_dir", "a", "b", "c"),
        trial("file.paths", "a.log", "/b/*.log", "c.log"),
        trial("file.exclude", "a.log", "*.gz", "c.log"),
        trial("file.start", "beginning", "end", "beginning"),
        trial("file.format", "raw", "cri", "docker"),
        trial("file.discover_interval", "1s", "2s", "3s"),
        trial("file.max_open", "10", "20", "30"),
        trial("kafka.brokers", "a:1", "b:2", "c:3"),
        trial("kafka.topics", "a", "^b.*", "c"),
        trial("kafka.group", "a", "b", "c"),
        trial("kafka.instance_id", "a", "b", "c"),
        trial("kafka.start", "earliest", "latest", "earliest"),
        trial("kafka.resume", "latest", "earliest", "latest"),
        trial("kafka.framing", "lines", "message", "lines"),
        trial("kafka.commit_interval", "2s", "3s", "4s"),
        trial("kafka.memory", "100MiB", "200MiB", "300MiB"),
        trial("kafka.queue_bytes", "2MiB", "3MiB", "4MiB"),
        trial("kafka.properties", "client.rack=a", "client.rack=b", "client.rack=c"),
        trial("labels", "app=a", "app=b|c", "app=d.e"),
        trial("max_label_sets", "1", "2", "3"),
        trial("label_expiry", "1h", "2h", "3h"),
        trial("late_after", "1m", "2m", "3m"),
        trial("time_zone", "local", "+08:00", "Europe/Berlin"),
        trial("exemplars", "false", "true", "false"),
        trial("fields.level", "a", "b.c", "d"),
        trial("fields.time", "a", "b.c", "d"),
        trial("fields.message", "a", "b", "c"),
        trial("fields.request_id", "a", "b.c", "d"),
        trial("fields.trace_id", "a", "b.c", "d"),
        trial("events.to", "stdout", "none", "stdout"),
        trial("events.include_record", "true", "false", "true"),
        trial("events.max_record_bytes", "1KiB", "2KiB", "3KiB"),
        trial("events.when_full", "drop", "wait", "drop"),
        trial("events.only.category", "quota", "unknown", "billing"),
        trial("events.only.api_service", "ECS", "CCE", "CSS"),
        trial("events.only.code", "Ecs.0114", "Ecs.0005", "CSS.0015"),
        trial("events.only.level", "error", "none", "warn"),
        trial("events.file.path", "a", "b", "c"),
        trial("events.file.max_bytes", "2KiB", "3KiB", "4MiB"),
        trial("events.file.keep", "1", "2", "3"),
        trial("events.kafka.brokers", "a:1", "b:2", "c:3"),
        trial("events.kafka.topic", "a", "b", "c"),
        trial("events.kafka.properties", "linger.ms=1", "linger.ms=2", "linger.ms=3"),
    ]
}

/// The variable of a key.
fn variable_of(key: &str) -> String {
    format!("ERRTALLY_{}", key.replace('.', "_").to_uppercase())
}

/// The flag of a key.
fn flag_of(key: &str) -> String {
    match key {
        // As every exporter spells it.
        "web_config_file" => "--web.config.file".to_owned(),
        key => format!("--{}", key.replace(['.', '_'], "-")),
    }
}

/// `key: value` as a configuration file, and the line of the value: a dot is a mapping.
fn file_with(key: &str, value: &str) -> (String, usize) {
    let parts: Vec<_> = key.split('.').collect();
    let (inner, sections) = parts.split_last().expect("a name");
    let mut text = String::new();
    for (depth, section) in sections.iter().enumerate() {
        text += &format!("{}{section}:\n", "  ".repeat(depth));
    }
    text += &format!("{}{inner}: {value:?}\n", "  ".repeat(sections.len()));
    (text, parts.len())
}

/// How `config show` writes what is set as `value`: properties, which are set one by one, as a mapping.
fn as_shown(key: &str, value: &str) -> String {
    match value.split_once('=') {
        Some((name, paths)) if key == "labels" => {
            let paths: Vec<_> = paths.split('|').map(|p| format!("{p:?}")).collect();
            format!("{{{name}: [{}]}}", paths.join(", "))
        }
        Some((name, value)) if key.ends_with(".properties") => format!("{{{name}: \"{value}\"}}"),
        _ if key == "sources" => value.trim_matches(['[', ']']).to_owned(),
        _ => value.to_owned(),
    }
}

/// The value of `key` and its origin, with these layers.
#[track_caller]
fn shown(key: &str, file: Option<&str>, variable: Option<&str>, flag: Option<&str>) -> (String, String) {
    let mut command = errtally();
    command.args(["config", "show"]);
    if let Some(file) = file {
        command.args(["--config", file]);
    }
    if let Some(value) = variable {
        command.env(variable_of(key), value);
    }
    if let Some(value) = flag {
        command.args([&flag_of(key), value]);
    }
    let text = finish(&mut command).ok();
    let line = text.lines().find(|l| l.starts_with(&format!("{key}: "))).expect("the key is shown");
    let (value, origin) = line[key.len() + 2..].split_once(" # ").expect("a value and an origin");
    let bare = |c: char| c == '"' || c == '[' || c == ']';
    (value.trim().trim_matches(bare).to_owned(), origin.to_owned())
}

#[test]
fn every_key_by_every_way() {
    let folder = Folder::new();
    let trials = trials(&folder);
    let tried: BTreeSet<_> = trials.iter().map(|t| t.name).collect();
    let keys: BTreeSet<_> = KEYS.iter().map(|k| k.name).collect();
    assert_eq!(tried, keys, "every key is tried here");
    for Trial { name, file, variable, flag } in &trials {
        let (content, line) = file_with(name, file);
        let path = folder.write("errtally-test.yaml", content);
        let default = shown(name, None, None, None);
        assert_eq!(default.1, "default");
        let by_file = (as_shown(name, file), format!("{path}:{line}"));
        assert_eq!(shown(name, Some(&path), None, None), by_file);
        let by_variable = (as_shown(name, variable), variable_of(name));
        assert_eq!(shown(name, Some(&path), Some(variable), None), by_variable);
        assert_eq!(shown(name, None, Some(variable), None), by_variable);
        let by_flag = (as_shown(name, flag), flag_of(name));
        assert_eq!(shown(name, Some(&path), Some(variable), Some(flag)), by_flag);
        assert_eq!(shown(name, None, None, Some(flag)), by_flag);
    }
}

#[test]
fn lists_may_be_empty_and_long() {
    let folder = Folder::new();
    let file = folder.write("c.yaml", "zero_init:\n  - quota\n  - billing\n");
    assert_eq!(shown("zero_init", Some(&file), None, None).0, "quota, billing");
    assert_eq!(shown("zero_init", Some(&file), Some("state, timeout"), None).0, "state, timeout");
    assert_eq!(shown("zero_init", Some(&file), None, Some("conflict,internal")).0, "conflict, internal");
    assert_eq!(shown("zero_init", Some(&file), Some(""), None).0, "");
    assert_eq!(shown("zero_init", Some(&file), None, Some("")).0, "");
    let none = folder.write("none.yaml", "zero_init: []\n");
    assert_eq!(shown("zero_init", Some(&none), None, None).0, "");
}

#[test]
fn the_file_may_be_named_by_a_variable_and_the_flag_wins() {
    let folder = Folder::new();
    let (a, b) = (folder.write("a.yaml", "linger: 1s\n"), folder.write("b.yaml", "linger: 2s\n"));
    let show = |flags: &[&str]| {
        finish(errtally().args(["config", "show"]).args(flags).env("ERRTALLY_CONFIG", &a)).ok()
    };
    assert!(show(&[]).contains("linger: 1s "));
    assert!(show(&["--config", &b]).contains("linger: 2s "));
}

#[test]
fn a_value_that_is_overruled_is_checked_all_the_same() {
    let folder = Folder::new();
    let file = folder.write("c.yaml", "linger: soon\n");
    let mut command = errtally();
    command.args(["config", "check", "--config", &file, "--linger", "1s"]);
    assert!(finish(&mut command).failed(2).contains(&format!("{file}:1: linger")));
}

#[test]
fn properties_are_a_mapping_in_the_file_and_repeated_flags() {
    let folder = Folder::new();
    let content =
        "kafka:\n  properties:\n    client.rack: a\n    ssl.key.password: word\n    security.protocol: ssl\n";
    let file = folder.write("c.yaml", content);
    let both = "{client.rack: \"a\", ssl.key.password: \"(hidden)\", security.protocol: \"ssl\"}";
    assert_eq!(shown("kafka.properties", Some(&file), None, None), (both.to_owned(), format!("{file}:2")));
    let variable = Some("client.rack=a, ssl.key.password=word, security.protocol=ssl");
    assert_eq!(shown("kafka.properties", None, variable, None).0, both);
    let flags = ["client.rack=a", "ssl.key.password=word", "security.protocol=ssl"];
    let flags = flags.iter().flat_map(|flag| ["--kafka-properties", flag]);
    let text = finish(errtally().args(["config", "show"]).args(flags)).ok();
    assert!(text.contains(both), "{text}");
    assert!(!text.contains("word\""), "a secret is shown: {text}");
}
