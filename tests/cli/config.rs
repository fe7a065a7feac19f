//! `errtally config`: every problem in one run, and the settings in force with their origins.

use errtally::config::KEYS;

use crate::support::{Folder, errtally, finish, run};

#[test]
fn every_key_is_shown_with_its_default() {
    let shown = run(["config", "show"]).ok();
    assert_eq!(shown.lines().count(), KEYS.len());
    for (key, line) in KEYS.iter().zip(shown.lines()) {
        assert!(line.starts_with(&format!("{}: ", key.name)), "{line}");
        assert!(line.ends_with("# default"), "{line}");
    }
    for promised in [
        "listen: \"127.0.0.1:9877\"",
        "max_record_bytes: 1MiB",
        "max_unknown_codes: 100",
        "zero_init: [quota, throttling]",
        "linger: 0s",
        "shutdown_timeout: 10s",
        "discovery: true",
        "code_info: seen",
        "source: stdin",
    ] {
        assert!(shown.contains(&format!("{promised} ")), "{promised} in:\n{shown}");
    }
}

#[test]
fn what_is_shown_is_a_configuration_file() {
    let folder = Folder::new();
    let shown = run(["config", "show"]).ok();
    let file = folder.write("shown.yaml", &shown);
    let again = run(["config", "show", "--config", &file]).ok();
    for (a, b) in shown.lines().zip(again.lines()) {
        assert_eq!(a.split(" #").next().map(str::trim), b.split(" #").next().map(str::trim));
        assert!(b.contains(&file), "{b}");
    }
}

#[test]
fn a_good_configuration_is_told_to_be_good() {
    let folder = Folder::new();
    let file = folder.write("c.yaml", "linger: 5s\nzero_init: [quota]\n");
    let text = run(["config", "check", "--config", &file]).ok();
    assert!(text.starts_with(&format!("ok: 2 of {} keys set", KEYS.len())), "{text}");
    for empty in ["# nothing\n", "linger:\n", "{}\n"] {
        let file = folder.write("empty.yaml", empty);
        assert!(run(["config", "check", "--config", &file]).ok().starts_with("ok: 0 of"), "{empty:?}");
    }
}

#[test]
fn all_problems_in_one_run_each_with_file_line_key_and_remedy() {
    let folder = Folder::new();
    let catalog = folder.write("bad-catalog.yaml", "service: SHOP\n");
    let content = format!(
        "listen: nowhere\nlisen: x\ndiscovery: maybe\nmax_record_bytes: 1\nmax_unknown_codes: -1\n\
         zero_init: [quota, quotas]\ncode_info: some\nlinger: [1s, 2s]\nshutdown_timeout: 5 apples\n\
         log_level: loud\nsource: carrier-pigeon\ncatalog: {catalog:?}\n"
    );
    let file = folder.write("bad.yaml", &content);
    let mut command = errtally();
    command.args(["config", "check", "--config", &file, "--linger", "soon"]);
    command.env("ERRTALLY_LINGR", "1s").env("ERRTALLY_CODE_INFO", "none");
    let ended = finish(&mut command);
    assert_eq!(ended.stdout, "");
    let said = ended.failed(2);
    for (place, remedy) in [
        (format!("{file}:1: listen: "), "127.0.0.1:9877"),
        (format!("{file}:2: lisen: unknown key"), "did you mean `listen`"),
        (format!("{file}:3: discovery: "), "true or false"),
        (format!("{file}:4: max_record_bytes: "), "1KiB to 64MiB"),
        (format!("{file}:5: max_unknown_codes: "), "whole number"),
        (format!("{file}:6: zero_init: "), "did you mean `quota`?"),
        (format!("{file}:7: code_info: "), "seen or all"),
        (format!("{file}:8: linger: "), ""),
        (format!("{file}:9: shutdown_timeout: "), "such as 500ms"),
        (format!("{file}:10: log_level: "), "info"),
        (format!("{file}:11: source: "), "stdin"),
        ("ERRTALLY_LINGR: unknown variable".to_owned(), "did you mean `ERRTALLY_LINGER`?"),
        ("ERRTALLY_CODE_INFO: ".to_owned(), "seen or all"),
        ("--linger: ".to_owned(), "such as 500ms"),
        (format!("{catalog}:1: full_name: "), "add `full_name"),
    ] {
        let line = said.lines().find(|l| l.contains(&place));
        assert!(line.is_some_and(|l| l.contains(remedy)), "{place} {remedy} in:\n{said}");
    }
}

#[test]
fn limits_have_limits() {
    let folder = Folder::new();
    let content = "http:\n  max_connections: 7\n  request_timeout: 99ms\n  answer_timeout: 2h\n  idle_timeout: soon\n\
                   \x20 body_timeout: 1s\nwatch: often\n";
    let file = folder.write("bad.yaml", content);
    let said = run(["config", "check", "--config", &file]).failed(2);
    for (place, remedy) in [
        (":2: http.max_connections: 7 is out of range", "8 to 65536"),
        (":3: http.request_timeout: 99ms is out of range", "100ms to 1h"),
        (":4: http.answer_timeout: 2h is out of range", "100ms to 1h"),
        (":5: http.idle_timeout: ", "such as 500ms"),
        (":6: http.body_timeout: unknown key", "http."),
        (":7: watch: ", "true or false"),
    ] {
        let line = said.lines().find(|l| l.contains(&format!("{file}{place}")));
        assert!(line.is_some_and(|l| l.contains(remedy)), "{place} {remedy} in:\n{said}");
    }
}

#[test]
fn a_file_that_is_not_to_be_read_is_a_problem() {
    let folder = Folder::new();
    let missing = folder.path().join("missing.yaml").display().to_string();
    assert!(run(["config", "check", "--config", &missing]).failed(2).contains(&missing));
    for (content, line) in
        [("- a\n", 1), ("linger: 1s\nlinger: 2s\n", 2), ("linger: 1s\n---\nlinger: 2s\n", 2), ("a: [\n", 2)]
    {
        let file = folder.write("odd.yaml", content);
        let said = run(["config", "check", "--config", &file]).failed(2);
        let near = (line..=line + 1).any(|l| said.contains(&format!("{file}:{l}: ")));
        assert!(near, "{content:?}: {said}");
    }
}

#[test]
fn variables_that_kubernetes_sets_for_a_service_named_errtally_are_ignored() {
    let mut command = errtally();
    command.args(["config", "check"]);
    for (name, value) in [
        ("ERRTALLY_SERVICE_HOST", "10.0.0.1"),
        ("ERRTALLY_SERVICE_PORT", "9877"),
        ("ERRTALLY_SERVICE_PORT_HTTP_METRICS", "9877"),
        ("ERRTALLY_PORT", "tcp://10.0.0.1:9877"),
        ("ERRTALLY_PORT_9877_TCP", "tcp://10.0.0.1:9877"),
        ("ERRTALLY_PORT_9877_TCP_PROTO", "tcp"),
        ("ERRTALLY_PORT_9877_TCP_PORT", "9877"),
        ("ERRTALLY_PORT_9877_TCP_ADDR", "10.0.0.1"),
        ("ERRTALLY_METRICS_SERVICE_HOST", "10.0.0.2"),
        ("ERRTALLY_METRICS_PORT_9877_UDP_ADDR", "10.0.0.2"),
    ] {
        command.env(name, value);
    }
    assert!(finish(&mut command).ok().starts_with("ok: 0 of"));
}

#[test]
fn a_variable_of_ours_that_nobody_knows_is_an_error() {
    for name in ["ERRTALLY_LISTENS", "ERRTALLY_PORT", "ERRTALLY_X"] {
        let said = finish(errtally().args(["config", "check"]).env(name, "9877")).failed(2);
        assert!(said.contains(&format!("{name}: unknown variable")), "{said}");
    }
}

#[test]
fn where_events_go_must_be_complete_and_no_loop() {
    let said = run(["config", "check", "--events", "file"]).failed(2);
    assert!(said.contains("--events-file-path"), "{said}");
    run(["config", "check", "--events", "file", "--events-file-path", "events.jsonl"]).ok();
    let said = run(["config", "check", "--events-only-category", "quotas,unknown"]).failed(2);
    assert!(said.contains("--events-only-category") && said.contains("did you mean `quota`?"), "{said}");
    let said = run(["config", "check", "--events-only-level", "eror"]).failed(2);
    assert!(said.contains("did you mean `error`?"), "{said}");
    let said = run(["config", "check", "--events-file-keep", "0"]).failed(2);
    assert!(said.contains("write 1 to 1000"), "{said}");
    let said = run(["config", "check", "--events-kafka-topic", "a b"]).failed(2);
    assert!(said.contains("no name of a topic"), "{said}");
}

#[cfg(feature = "kafka")]
#[test]
fn events_may_not_go_to_a_topic_that_is_consumed() {
    let said = run(["config", "check", "--events", "kafka"]).failed(2);
    assert!(said.contains("--events-kafka-topic"), "{said}");
    let check = |topics: &str, source: &str| {
        let args = ["config", "check", "--events", "kafka", "--events-kafka-topic", "logs.errors"];
        run(args.iter().chain(&["--source", source, "--kafka-topics", topics]))
    };
    for loops in ["logs.errors", "other,logs.errors", "^logs\\..*", "^l", "^.*[[:alpha:]]$"] {
        let said = check(loops, "kafka").failed(2);
        assert!(said.contains("logs.errors") && said.contains("name another topic"), "{loops}: {said}");
        check(loops, "stdin").ok();
    }
    for fine in ["logs", "logs.errors2", "^other.*", "^logs$", "^errors"] {
        check(fine, "kafka").ok();
    }
    let said = check("^logs(", "kafka").failed(2);
    assert!(said.contains("`^logs(`"), "it is not passed over: {said}");
}

#[test]
fn a_key_like_none_is_told_where_all_are_and_one_without_its_section_which_it_may_be() {
    let folder = Folder::new();
    let file =
        folder.write("errtally.yaml", "zzzzzzzz: 1\nbrokers: a:9092\nfoo: 1\nhttp: {max_conections: 3}\n");
    let ended =
        finish(errtally().args(["config", "check", "--config", &file]).env("ERRTALLY_ZZZZZZZZZZ", "1"));
    let said = ended.failed(2);
    for line in [
        format!("{file}:1: zzzzzzzz: unknown key; all keys: `errtally config show`, docs/settings.md"),
        format!("{file}:2: brokers: unknown key; did you mean `events.kafka.brokers` or `kafka.brokers`?"),
        format!("{file}:3: foo: unknown key; all keys: `errtally config show`, docs/settings.md"),
        format!("{file}:4: http.max_conections: unknown key; did you mean `http.max_connections`?"),
        "ERRTALLY_ZZZZZZZZZZ: unknown variable; all variables: docs/settings.md; all keys: `errtally config show`"
            .to_owned(),
    ] {
        assert!(said.lines().any(|told| told.ends_with(&line)), "{line}\n{said}");
    }
    let told = run(["catalog", "list", "--services", "zzzzzz"]).failed(2);
    assert!(told.contains("no service is called `zzzzzz`; all services: `errtally catalog check`"), "{told}");
}
