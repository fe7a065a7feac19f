//! `..._FILE` variables: a value that stands in a file, as a mounted Secret has it.

use crate::support::{Folder, errtally, finish};

const SASL: [&str; 6] = [
    "--kafka-properties",
    "security.protocol=SASL_PLAINTEXT",
    "--kafka-properties",
    "sasl.mechanism=PLAIN",
    "--kafka-properties",
    "sasl.username=u",
];

fn check(variables: &[(&str, &str)]) -> crate::support::Ended {
    finish(errtally().args(["config", "check"]).args(SASL).envs(variables.iter().copied()))
}

#[test]
fn a_secret_comes_from_a_file() {
    let folder = Folder::new();
    let file = folder.write("password", "a,b=c \n");
    check(&[("ERRTALLY_KAFKA_SASL_PASSWORD_FILE", &file)]).ok();
    let mut shown = errtally();
    shown.args(["config", "show"]).args(SASL).env("ERRTALLY_KAFKA_SASL_PASSWORD_FILE", &file);
    let shown = finish(&mut shown).ok();
    let line = shown.lines().find(|l| l.starts_with("kafka.properties")).expect("the key");
    assert!(line.contains("sasl.password: \"(hidden)\"") && line.contains("sasl.username: \"u\""), "{line}");
    assert!(!shown.contains("a,b=c"), "{shown}");
    // Without its newline, and nothing else of it is lost: any key can be read so.
    for (content, wanted) in
        [("shop \n", "kafka.group: \"shop\""), ("a\r\n", "kafka.group: \"a\""), ("b", "kafka.group: \"b\"")]
    {
        let file = folder.write("group", content);
        let shown = finish(errtally().args(["config", "show"]).env("ERRTALLY_KAFKA_GROUP_FILE", &file)).ok();
        let line = shown.lines().find(|l| l.starts_with(wanted));
        assert!(line.is_some_and(|l| l.ends_with("# ERRTALLY_KAFKA_GROUP_FILE")), "{content:?}: {shown}");
    }
    let file = folder.write("key", "secret");
    let mut events = errtally();
    events.args(["config", "show"]).env("ERRTALLY_EVENTS_KAFKA_SASL_PASSWORD_FILE", &file);
    events.env("ERRTALLY_EVENTS_KAFKA_PROPERTIES", "compression.codec=zstd,sasl.password=x");
    let shown = finish(&mut events).ok();
    let line = shown.lines().find(|l| l.starts_with("events.kafka.properties")).expect("the key");
    assert!(line.contains("zstd") && line.matches("(hidden)").count() == 1, "{line}");
}

#[test]
fn a_file_that_cannot_be_a_secret_is_refused_at_once() {
    let folder = Folder::new();
    let name = "ERRTALLY_KAFKA_SASL_PASSWORD_FILE";
    let missing = folder.path().join("missing").display().to_string();
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).expect("a pipe");
    let pipe = pipe.display().to_string();
    let empty = folder.write("empty", "\n");
    let binary = folder.write("binary", [0xff, 0xfe]);
    let nul = folder.write("nul", "a\0b");
    let place = folder.path().display().to_string();
    for (path, what) in [
        (missing.as_str(), "No such file"),
        (&pipe, "empty"),
        (&empty, "empty"),
        (&binary, "UTF-8"),
        (&nul, "NUL"),
        ("/dev/zero", "64 KiB"),
        (&place, "directory"),
        ("", "No such file"),
    ] {
        let said = check(&[(name, path)]).failed(2);
        let line = said.lines().find(|l| l.starts_with(&format!("errtally: {name}: ")));
        assert!(line.is_some_and(|l| l.contains(what) && l.contains("; ")), "{path}: {said}");
    }
    let file = folder.write("password", "x");
    let said = check(&[(name, &file), ("ERRTALLY_KAFKA_SASL_PASSWORD", "y")]).failed(2);
    assert!(said.contains("ERRTALLY_KAFKA_SASL_PASSWORD is set, too; unset one"), "{said}");
    let said = check(&[("ERRTALLY_KAFKA_SASL_PASSWRD_FILE", &file)]).failed(2);
    assert!(said.contains("unknown variable"), "{said}");
}
