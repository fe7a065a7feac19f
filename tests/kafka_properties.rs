//! `kafka.properties`: what may be set, what is refused and why, in every way that it can be set.

mod support;

use support::{Ended, Folder, errtally, finish, run};

/// What each of these does to the promises, or to the process, is why it is refused; the words are for who wrote it.
const REFUSED: &[(&str, &str, &str)] = &[
    ("bootstrap.servers", "a:9092", "kafka.brokers"),
    ("metadata.broker.list", "a:9092", "kafka.brokers"),
    ("group.id", "g", "kafka.group"),
    ("group.instance.id", "i", "kafka.instance_id"),
    ("auto.offset.reset", "error", "kafka.start"),
    ("auto.commit.interval.ms", "1", "kafka.commit_interval"),
    ("queued.max.messages.kbytes", "1", "kafka.queue_bytes"),
    ("log_level", "7", "log_level"),
    ("enable.auto.commit", "false", "must stay true"),
    ("auto.commit.enable", "false", "must stay true"),
    ("enable.auto.offset.store", "true", "must stay false"),
    ("enable.partition.eof", "true", "must stay false"),
    ("offset.store.method", "none", "must stay broker"),
    ("offset.store.path", "/tmp", "kept by the broker"),
    ("offset.store.sync.interval.ms", "1", "kept by the broker"),
    ("statistics.interval.ms", "0", "statistics"),
    ("partition.assignment.strategy", "range", "cooperative-sticky"),
    ("group.protocol", "consumer", "classic"),
    ("group.protocol.type", "connect", "must stay consumer"),
    ("group.remote.assignor", "uniform", "classic"),
    ("api.version.request", "false", "must stay true"),
    ("api.version.fallback.ms", "1000", "brokers"),
    ("broker.version.fallback", "0.9.0", "brokers"),
    ("enabled_events", "0", "events"),
    ("enable_sasl_queue", "true", "queue"),
    ("log.queue", "false", "queue"),
    ("consume.callback.max.messages", "1", "callback"),
    ("internal.termination.signal", "9", "end the process"),
    ("plugin.library.paths", "/tmp/plugin.so", "library"),
    ("test.mock.num.brokers", "3", "nowhere"),
    ("test.mock.broker.rtt", "3", "nowhere"),
    ("ut_handle_ProduceResponse", "1", "tests"),
    ("rebalance_cb", "1", "function"),
    ("ssl.certificate.verify_cb", "1", "function"),
    // Names that may be set, values that may not.
    ("topic.metadata.refresh.interval.ms", "-1", "new partitions"),
    ("topic.metadata.refresh.interval.ms", "100", "500 or more"),
    ("max.poll.interval.ms", "9999", "10000 or more"),
    ("session.timeout.ms", "10", "1000 or more"),
    ("socket.timeout.ms", "10", "1000 or more"),
    ("metadata.recovery.strategy", "none", "moved"),
];

/// These alone, or with what librdkafka has by itself, make no consumer.
const CONTRADICTIONS: &[(&[&str], &str)] = &[
    (&["security.protocol=SASL_SSL"], "no sasl.mechanism; set sasl.mechanism to one of PLAIN, SCRAM-SHA-256"),
    (&["security.protocol=sasl_plaintext", "sasl.mechanism=PLAIN"], "sasl.username and sasl.password"),
    (
        &["security.protocol=sasl_ssl", "sasl.mechanism=SCRAM-SHA-512", "sasl.username=u"],
        "sasl.username and sasl.password",
    ),
    (&["sasl.mechanism=PLAIN", "sasl.username=u", "sasl.password=p"], "set security.protocol to SASL_SSL"),
    (&["ssl.ca.location=probe"], "set security.protocol to SSL"),
    (&["security.protocol=sasl_ssl", "sasl.mechanism=OAUTHBEARER"], "enable.sasl.oauthbearer.unsecure.jwt"),
    (&["session.timeout.ms=400000"], "max.poll.interval.ms"),
    (&["max.poll.interval.ms=20000"], "session.timeout.ms"),
    (&["heartbeat.interval.ms=45000"], "not below `session.timeout.ms` (45000)"),
    (&["session.timeout.ms=3000"], "`heartbeat.interval.ms` (3000) is not below"),
    (&["metadata.max.age.ms=1000"], "leave metadata.max.age.ms out"),
    (&["fetch.max.bytes=999999", "message.max.bytes=1000000"], "message.max.bytes"),
    (&["fetch.max.bytes=999"], "message.max.bytes"),
    (&["receive.message.max.bytes=65000"], "fetch.max.bytes"),
    (&["fetch.wait.max.ms=70000"], "socket.timeout.ms"),
    (&["reconnect.backoff.ms=20000"], "reconnect.backoff.max.ms"),
    (&["linger.ms=5"], "producer property"),
    (&["acks=1"], "producer property"),
    (&["socket.blocking.max.ms=5"], "deprecated"),
    (
        &["sasl.mechanism=PLAIN", "sasl.mechanisms=PLAIN"],
        "`sasl.mechanism` and `sasl.mechanisms` are one property",
    ),
    (&["max.partition.fetch.bytes=5000", "fetch.message.max.bytes=6000"], "are one property"),
    (&["client.rack=a", "client.rack=b"], "set it once"),
];

/// These are for the user to decide.
const TAKEN: &[&[&str]] = &[
    &["security.protocol=SASL_SSL", "sasl.mechanism=PLAIN", "sasl.username=u", "sasl.password=p"],
    &[
        "security.protocol=sasl_plaintext",
        "sasl.mechanisms=SCRAM-SHA-256",
        "sasl.username=u",
        "sasl.password=p",
    ],
    &["security.protocol=ssl", "ssl.ca.location=probe"],
    &[
        "security.protocol=sasl_ssl",
        "sasl.mechanism=OAUTHBEARER",
        "enable.sasl.oauthbearer.unsecure.jwt=true",
    ],
    &["fetch.max.bytes=65536"],
    &["fetch.max.bytes=4000000", "max.partition.fetch.bytes=65536", "queued.min.messages=1000"],
    &["message.max.bytes=100000", "fetch.max.bytes=100000", "receive.message.max.bytes=2000000"],
    &["session.timeout.ms=6000", "heartbeat.interval.ms=2000", "max.poll.interval.ms=10000"],
    &["session.timeout.ms=400000", "max.poll.interval.ms=400000"],
    &["topic.metadata.refresh.interval.ms=600000"],
    &["topic.metadata.refresh.interval.ms=600000", "metadata.max.age.ms=600001"],
    &["isolation.level=read_uncommitted", "check.crcs=true", "client.id=me", "client.rack=r"],
    &["debug=cgrp,topic"],
    &["allow.auto.create.topics=true", "topic.blacklist=^logs-old.*"],
];

fn check(properties: &[&str]) -> Ended {
    let flags = properties.iter().flat_map(|p| ["--kafka-properties", p]);
    run(["config", "check"].into_iter().chain(flags))
}

#[test]
fn properties_that_would_break_a_promise_are_refused() {
    let folder = Folder::new();
    for (name, value, why) in REFUSED {
        let property = format!("{name}={value}");
        let said = check(&[&property]).failed(2);
        assert!(said.contains(name) && said.contains(why), "{said}");
        let started = ["run", "--source", "kafka", "--kafka-topics", "t", "--kafka-properties", &property];
        let started = run(started).failed(2).replace("; nothing was started", "");
        assert_eq!(started, said, "`run` says the same");
        let content =
            format!("kafka:\n  topics: [t]\n  properties:\n    client.rack: a\n    {name}: \"{value}\"\n");
        let file = folder.write("c.yaml", content);
        let said = run(["config", "check", "--config", &file]).failed(2);
        assert!(
            said.contains(&format!("{file}:5: kafka.properties.{name}: ")) && said.contains(why),
            "{said}"
        );
    }
}

#[test]
fn properties_that_contradict_each_other_are_refused() {
    let folder = Folder::new();
    for (properties, why) in CONTRADICTIONS {
        let said = check(properties).failed(2);
        assert!(said.contains("--kafka-properties: ") && said.contains(why), "{properties:?}: {said}");
        let variable = properties.join(",");
        let said =
            finish(errtally().args(["config", "check"]).env("ERRTALLY_KAFKA_PROPERTIES", variable)).failed(2);
        assert!(said.contains("ERRTALLY_KAFKA_PROPERTIES: ") && said.contains(why), "{properties:?}: {said}");
        let lines: Vec<_> =
            properties.iter().map(|p| format!("    {}\n", p.replacen('=', ": ", 1))).collect();
        let file = folder.write(
            "c.yaml",
            format!("source: kafka\nkafka:\n  topics: [t]\n  properties:\n{}", lines.concat()),
        );
        let said = run(["run", "--config", &file]).failed(2);
        // The same name twice is for the file's reader to find.
        assert!(
            said.contains(&format!("{file}:")) && (said.contains(why) || said.contains("duplicated key")),
            "{said}"
        );
    }
}

#[test]
fn properties_that_are_the_users_affair_are_taken() {
    for properties in TAKEN {
        let ended = check(properties);
        assert_eq!(ended.status, Some(0), "{properties:?}: {}", ended.stderr);
    }
}

#[test]
fn properties_that_do_not_exist_or_have_no_such_value_are_refused() {
    for property in
        ["fetch.min.byte=1", "fetch.min.bytes=many", "socket.timeout.ms=-5", "", "=1", "fetch.min.bytes"]
    {
        let said = check(&[property]).failed(2);
        let name = property.split('=').next().expect("a name");
        assert!(said.contains("kafka-properties") && said.contains(name), "`{property}`: {said}");
    }
    check(&["fetch.min.bytes=2"]).ok();
}

#[test]
fn every_property_that_is_wrong_is_told_in_one_run() {
    let folder = Folder::new();
    let content = "kafka:\n  properties:\n    group.id: a\n    client.rack: b\n    nonsense: c\n    ssl.key.location: /no/such\n";
    let file = folder.write("c.yaml", content);
    let said = run(["config", "check", "--config", &file]).failed(2);
    for (line, name) in [(3, "group.id"), (5, "nonsense"), (6, "ssl.key.location")] {
        assert!(said.contains(&format!("{file}:{line}: kafka.properties.{name}: ")), "{said}");
    }
    assert!(!said.contains("client.rack"), "{said}");
    let said = check(&["session.timeout.ms=3000", "sasl.mechanism=PLAIN", "linger.ms=3"]).failed(2);
    assert!(said.contains("heartbeat") && said.contains("sasl.mechanism"), "{said}");
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let folder = Folder::new();
    let missing = folder.path().join("missing.pem").display().to_string();
    let is_folder = folder.path().display().to_string();
    let names = [
        "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.key.location",
        "ssl.keystore.location",
        "ssl.crl.location",
    ];
    for name in names {
        for (path, why) in
            [(&missing, "No such file"), (&is_folder, "directory"), (&String::new(), "No such file")]
        {
            let property = format!("{name}={path}");
            // Certificates of authorities may be a folder of them.
            if (name, why) == ("ssl.ca.location", "directory") {
                check(&[&property, "security.protocol=ssl"]).ok();
                continue;
            }
            let said = check(&[&property, "security.protocol=ssl"]).failed(2);
            assert!(said.contains(&format!("`{name}`: cannot read {path}")) && said.contains(why), "{said}");
            let started =
                ["run", "--source", "kafka", "--kafka-topics", "t", "--kafka-properties", &property];
            assert!(run(started).failed(2).contains(&format!("`{name}`: cannot read {path}")));
        }
    }
    // There, and no certificate.
    let text = folder.write("text.pem", "nothing\n");
    for name in ["ssl.ca.location", "ssl.certificate.location", "ssl.key.location"] {
        let said = check(&["security.protocol=ssl", &format!("{name}={text}")]).failed(2);
        assert!(said.contains(name), "{said}");
    }
}

#[test]
fn a_mechanism_that_is_not_built_in_is_refused_with_those_that_are() {
    for name in ["sasl.mechanism", "sasl.mechanisms"] {
        for mechanism in ["GSSAPI", "plain", "SCRAM-SHA-1", "AWS_MSK_IAM", ""] {
            let said = check(&[&format!("{name}={mechanism}"), "security.protocol=sasl_ssl"]).failed(2);
            let known = "write one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER";
            assert!(said.contains(name) && said.contains(known), "{said}");
        }
    }
}

#[test]
fn secrets_are_neither_shown_nor_told() {
    let secrets = ["sasl.username=u", "sasl.password=hush,other=hush-too", "ssl.key.password=hush"];
    let protocol = ["security.protocol=sasl_ssl", "sasl.mechanism=PLAIN"];
    let flags: Vec<_> =
        [&secrets[..], &protocol].concat().into_iter().flat_map(|p| ["--kafka-properties", p]).collect();
    let shown = run(["config", "show"].iter().chain(&flags)).ok();
    assert!(shown.contains("sasl.password: \"(hidden)\"") && !shown.contains("hush"), "{shown}");
    // In a variable it ends at the comma before what looks like another property, and that one is refused.
    let variable = [&secrets[..], &protocol].concat().join(",");
    let said =
        finish(errtally().args(["config", "check"]).env("ERRTALLY_KAFKA_PROPERTIES", variable)).failed(2);
    assert!(said.contains("other") && !said.contains("hush"), "{said}");
}

/// What `config show` says of the properties.
fn shown(flags: &[&str], variable: Option<&str>) -> String {
    let mut command = errtally();
    command.args(["config", "show"]).args(flags);
    if let Some(value) = variable {
        command.env("ERRTALLY_KAFKA_PROPERTIES", value);
    }
    let text = finish(&mut command).ok();
    let line = text.lines().find_map(|l| l.strip_prefix("kafka.properties: ")).expect("the key is shown");
    line.split(" # ").next().expect("a value").trim().to_owned()
}

#[test]
fn commas_in_values() {
    let folder = Folder::new();
    for (variable, properties) in [
        ("client.rack=a,client.id=b", "{client.rack: \"a\", client.id: \"b\"}"),
        (" client.rack = a , client.id=b ", "{client.rack: \" a\", client.id: \"b\"}"),
        ("debug=cgrp,topic,client.id=b", "{debug: \"cgrp,topic\", client.id: \"b\"}"),
        ("client.rack=a,b,,c,client.id=b", "{client.rack: \"a,b,,c\", client.id: \"b\"}"),
        // No name of a property has capitals.
        (
            "client.rack=a=1,organizationId=2,client.id=b",
            "{client.rack: \"a=1,organizationId=2\", client.id: \"b\"}",
        ),
        ("client.rack=a, b,=c", "{client.rack: \"a, b,=c\"}"),
        ("", "{}"),
    ] {
        assert_eq!(shown(&[], Some(variable)), properties, "`{variable}`");
    }
    // A flag is one property, and so is a line of the file: nothing is cut.
    let value = " a,client.id=b,c ";
    let wanted = format!("{{client.rack: \"{value}\"}}");
    assert_eq!(shown(&["--kafka-properties", &format!("client.rack={value}")], None), wanted);
    let file = folder.write("c.yaml", format!("kafka:\n  properties:\n    client.rack: \"{value}\"\n"));
    assert_eq!(shown(&["--config", &file], None), wanted);
}

#[test]
fn each_property_is_a_setting_of_its_own() {
    let folder = Folder::new();
    let content = "kafka:\n  properties:\n    security.protocol: sasl_ssl\n    sasl.mechanism: PLAIN\n    client.rack: file\n    client.id: file\n";
    let file = folder.write("c.yaml", content);
    let variable = "sasl.username=u,sasl.password=p,client.rack=variable,client.id=variable";
    let flags = [
        "--config",
        &file,
        "--kafka-properties",
        "client.rack=flag",
        "--kafka-properties",
        "sasl.mechanisms=SCRAM-SHA-256",
    ];
    let mut command = errtally();
    command.args(["config", "show"]).args(flags).env("ERRTALLY_KAFKA_PROPERTIES", variable);
    let text = finish(&mut command).ok();
    let line = text.lines().find_map(|l| l.strip_prefix("kafka.properties: ")).expect("the key is shown");
    let (shown, origin) = line.split_once(" # ").expect("an origin");
    let wanted = "{security.protocol: \"sasl_ssl\", sasl.username: \"u\", sasl.password: \"(hidden)\", \
                  client.id: \"variable\", client.rack: \"flag\", sasl.mechanisms: \"SCRAM-SHA-256\"}";
    assert_eq!(shown.trim(), wanted);
    assert_eq!(origin, format!("{file}:2, ERRTALLY_KAFKA_PROPERTIES, --kafka-properties"));
    // What is wrong between them is told with all of them.
    let said = run(["config", "check", "--config", &file]).failed(2);
    assert!(said.contains("sasl.username and sasl.password"), "{said}");
    let said = run(["config", "check", "--config", &file, "--kafka-properties", "sasl.username=u"]).failed(2);
    assert!(said.contains(&format!("{file}:2, --kafka-properties: ")), "{said}");
}
