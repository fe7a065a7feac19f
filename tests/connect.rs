//! `config check --connect`: what brokers say before a daemon is started, by librdkafka's own mock of a cluster.
//! `kafka.rs` asks a real one with passwords and certificates.

mod support;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use support::{Ended, Folder, run};

fn cluster() -> (MockCluster<'static, DefaultProducerContext>, String) {
    let cluster = MockCluster::new(1).expect("a mock cluster");
    cluster.create_topic("logs", 3, 1).expect("a topic");
    cluster.create_topic("hits", 2, 1).expect("a topic");
    let brokers = cluster.bootstrap_servers();
    (cluster, brokers)
}

fn check(folder: &Folder, brokers: &str, more: &str) -> (Ended, String) {
    let content = format!("source: kafka\nkafka.brokers: [\"{brokers}\"]\n{more}");
    let file = folder.write("errtally.yaml", content);
    (run(["config", "check", "--connect", "--config", &file]), file)
}

#[test]
fn what_is_there_is_told() {
    let (_cluster, brokers) = cluster();
    let folder = Folder::new();
    let (output, _) = check(&folder, &brokers, "kafka.topics: [logs, ^other]\nkafka.group: mine\n");
    let text = output.ok();
    let lines: Vec<_> = text.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            &*format!("ok: kafka: brokers {brokers}"),
            "ok: kafka: topic logs: partitions 0 to 2",
            "ok: kafka: topic pattern ^other: matched by the group, while it runs",
            "ok: kafka: group mine: offsets of 0 of 3 partitions",
        ]
    );
}

#[test]
fn a_topic_that_is_missing_is_told_with_its_place_and_what_to_do() {
    let (_cluster, brokers) = cluster();
    let folder = Folder::new();
    let (output, file) = check(&folder, &brokers, "kafka.topics: [logs, nothing]\n");
    assert_eq!(output.status, Some(1), "{output:?}");
    let line = output.stderr.lines().next().expect("a line");
    assert!(line.contains(&format!("{file}:3: kafka.topics: topic nothing: ")), "{line}");
    assert!(line.contains("; create it, name another, or let this user see it"), "{line}");
}

#[test]
fn events_are_asked_for_as_well() {
    let (_cluster, brokers) = cluster();
    let folder = Folder::new();
    let settings = "kafka.topics: logs\nevents.to: kafka\nevents.kafka.topic: ";
    let (output, _) = check(&folder, &brokers, &format!("{settings}hits\n"));
    assert!(output.ok().ends_with("ok: events.kafka: topic hits: partitions 0 to 1\n"));
    let (output, file) = check(&folder, &brokers, &format!("{settings}nothing\n"));
    assert_eq!(output.status, Some(1));
    assert!(output.stdout.contains("ok: kafka: topic logs"), "{output:?}");
    assert!(
        output.stderr.contains(&format!("{file}:5: events.kafka.topic: topic nothing: ")),
        "{}",
        output.stderr
    );
}

#[test]
fn nobody_there_and_one_who_is_silent_end_in_time() {
    let folder = Folder::new();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address").to_string()
    };
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent_address = silent.local_addr().expect("its address").to_string();
    for (brokers, words) in [(closed, "refused"), (silent_address, "no answer within 10 s")] {
        let begun = Instant::now();
        let (output, file) = check(&folder, &brokers, "kafka.topics: logs\n");
        assert!(begun.elapsed() < Duration::from_secs(25), "{brokers}: {:?}", begun.elapsed());
        assert_eq!(output.status, Some(1));
        let line = output.stderr.lines().next().expect("a line");
        assert!(line.contains(&format!("{file}:2: kafka.brokers: ")), "{line}");
        assert!(line.to_lowercase().contains(words), "{line}");
        assert!(line.contains("; see that the address is right"), "{line}");
    }
}

#[test]
fn without_kafka_there_is_nothing_to_ask() {
    let text = run(["config", "check", "--connect"]).ok();
    assert!(text.contains("nothing to connect to"), "{text}");
    // A setting that is wrong is told first, as ever.
    assert_eq!(run(["config", "check", "--connect", "--source", "kafka"]).status, Some(2));
}
