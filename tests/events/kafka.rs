//! Events to a topic, and from one: brokers that are away, and what is committed meanwhile. By librdkafka's mock.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::Duration;

use rdkafka::Message as _;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::{Offset, TopicPartitionList};
use rustix::process::Signal;
use serde_json::Value;

use crate::event;
use crate::feed::{Feeder, codes_of, committed, wait_for_ready, within};
use crate::support::daemon::Daemon;
use crate::support::{Folder, wait_for};

type Cluster = MockCluster<'static, DefaultProducerContext>;

const PATIENCE: Duration = Duration::from_secs(60);

fn cluster(topic: &str, partitions: i32) -> (Cluster, String) {
    let cluster = MockCluster::new(1).expect("a mock cluster");
    cluster.create_topic(topic, partitions, 1).expect("a topic");
    let brokers = cluster.bootstrap_servers();
    (cluster, brokers)
}

/// All events of a topic, each with its key, once there are `wanted` different ones by `identity`.
#[track_caller]
fn events(
    brokers: &str,
    partitions: i32,
    wanted: usize,
    identity: impl Fn(&Value) -> String,
) -> Vec<(String, Value)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "look")
        .create()
        .expect("a consumer");
    let mut all = TopicPartitionList::new();
    for partition in 0..partitions {
        all.add_partition_offset("events", partition, Offset::Beginning).expect("a partition");
    }
    consumer.assign(&all).expect("it is assigned");
    let (mut found, mut different) = (Vec::new(), BTreeSet::new());
    within(PATIENCE, &format!("{wanted} events"), || {
        while let Some(message) = consumer.poll(Duration::from_millis(100)) {
            let Ok(message) = message else { continue };
            let parsed = event::parse(&[message.payload().expect("a payload"), b"\n"].concat());
            let event = parsed.into_iter().next().expect("one event");
            let key = String::from_utf8(message.key().expect("a key").to_vec()).expect("text");
            different.insert(identity(&event));
            found.push((key, event));
        }
        assert!(different.len() <= wanted, "{} events, where {wanted} are wanted", different.len());
        (different.len() == wanted).then_some(())
    });
    found
}

fn request(event: &Value) -> String {
    event["request_id"].as_str().expect("a request").to_owned()
}

/// Where the record stands, and the code.
fn place(event: &Value) -> String {
    let source = &event["source"];
    format!("{} {} {} {}", source["topic"], source["partition"], source["offset"], event["code"])
}

#[test]
fn a_broker_that_comes_later_gets_all_events() {
    let (cluster, brokers) = cluster("events", 3);
    cluster.broker_down(1).expect("it goes down");
    let args = ["--events", "kafka", "--events-kafka-brokers", &brokers, "--events-kafka-topic", "events"];
    let mut daemon = Daemon::spawn(&args, Stdio::piped(), &[]);
    let lines: String = (0..2_000).map(|i| format!("request_id=r{i} Ecs.0114 CSS.0015\n")).collect();
    daemon.write(lines);
    wait_for_ready(&daemon, 503, "events: ");
    assert_eq!(daemon.get("/healthz").status, 200);
    daemon.wait_for_records(2_000);
    cluster.broker_up(1).expect("it comes");
    let found = events(&brokers, 3, 2_000, request);
    assert_eq!(found.len(), 4_000, "once each");
    assert!(found.iter().all(|(key, event)| event["code"] == key.as_str()), "the key is the code");
    wait_for_ready(&daemon, 200, "");
    wait_for("all are acknowledged", || {
        let acknowledged = daemon.scrape().value("errtally_events_total", &[("to", "kafka")]);
        (acknowledged == Some(4_000.0)).then_some(())
    });
    daemon.close();
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn a_broker_that_does_not_come_is_told_at_the_end() {
    let (cluster, brokers) = cluster("events", 1);
    cluster.broker_down(1).expect("it goes down");
    let args = ["--events", "kafka", "--events-kafka-brokers", &brokers, "--events-kafka-topic", "events"];
    let mut args = args.to_vec();
    args.extend(["--shutdown-timeout", "2s"]);
    let mut daemon = Daemon::spawn(&args, Stdio::piped(), &[]);
    daemon.write("Ecs.0114\n".repeat(300));
    daemon.wait_for_records(300);
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("300 events were not delivered within shutdown_timeout"), "{log}");
}

/// A daemon from `logs` on one cluster to somewhere else.
fn daemon(source: &str, more: &[&str]) -> Daemon {
    let mut args = vec!["--kafka-commit-interval", "100ms"];
    for property in ["session.timeout.ms=4000", "heartbeat.interval.ms=500"] {
        args.extend(["--kafka-properties", property]);
    }
    args.extend(more);
    crate::feed::consumer(source, "logs", "g", &args)
}

/// Hits of the messages with these numbers, by place: two partitions in turn.
fn hits(messages: u64) -> BTreeSet<String> {
    (0..messages)
        .flat_map(|i| codes_of(i).iter().map(move |c| format!("\"logs\" {} {} \"{c}\"", i % 2, i / 2)))
        .collect()
}

#[track_caller]
fn feed(brokers: &str, numbers: std::ops::Range<u64>) {
    let feeder = Feeder::new(brokers, "none");
    feeder.send_numbers("logs", 2, numbers);
    feeder.flush();
}

fn sum(offsets: &[Option<i64>]) -> i64 {
    offsets.iter().flatten().sum()
}

#[test]
fn offsets_wait_for_the_events_over_a_crash() {
    let (_logs, source) = cluster("logs", 2);
    let (cluster, target) = cluster("events", 2);
    let to = ["--events", "kafka", "--events-kafka-brokers", &target, "--events-kafka-topic", "events"];
    feed(&source, 0..1_000);
    let first = daemon(&source, &to);
    let group = || committed(&source, "g", "logs", 2);
    within(PATIENCE, "the first thousand is committed", || (sum(&group()) == 1_000).then_some(()));
    assert_eq!(events(&target, 2, hits(1_000).len(), place).len(), hits(1_000).len());

    cluster.broker_down(1).expect("it goes down");
    feed(&source, 1_000..3_000);
    within(PATIENCE, "all is counted", || (crate::feed::records([&first]) == 3_000).then_some(()));
    // Messages before the first with a code may be committed, no more; longer than several commits.
    std::thread::sleep(Duration::from_secs(1));
    let before = sum(&group());
    assert!(
        (1_000..=1_002).contains(&before),
        "{before} messages are committed, whose events did not arrive"
    );
    first.signal(Signal::KILL);
    first.wait();
    cluster.broker_up(1).expect("it comes back");

    let second = daemon(&source, &to);
    let found = events(&target, 2, hits(3_000).len(), place);
    let places: BTreeSet<_> = found.iter().map(|(_, event)| place(event)).collect();
    assert_eq!(places, hits(3_000), "every event is there");
    within(PATIENCE, "all is committed in the end", || (sum(&group()) == 3_000).then_some(()));
    second.signal(Signal::TERM);
    let (status, log) = second.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn what_a_full_disk_refused_at_the_end_is_read_again() {
    let (_logs, source) = cluster("logs", 2);
    let folder = Folder::new();
    let path = folder.path().join("events.jsonl");
    std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
    let name = path.display().to_string();
    let to = ["--events", "file", "--events-file-path", &name, "--shutdown-timeout", "2s"];
    feed(&source, 0..1_000);
    let first = daemon(&source, &to);
    wait_for_ready(&first, 503, "No space left");
    first.signal(Signal::TERM);
    let (status, log) = first.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("events were not delivered within shutdown_timeout"), "{log}");
    assert_eq!(sum(&committed(&source, "g", "logs", 2)), 0, "nothing whose events did not arrive");

    std::fs::remove_file(&path).expect("the link");
    let second = daemon(&source, &to);
    within(PATIENCE, "all is committed", || {
        (sum(&committed(&source, "g", "logs", 2)) == 1_000).then_some(())
    });
    second.signal(Signal::TERM);
    let (status, log) = second.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    let found = event::parse(&std::fs::read(&path).expect("the file"));
    let places: BTreeSet<_> = found.iter().map(place).collect();
    assert_eq!((found.len(), places), (hits(1_000).len(), hits(1_000)), "once each");
}

#[test]
fn a_message_tells_where_it_stands_and_what_its_envelope_says() {
    use rdkafka::message::{Header, OwnedHeaders};
    let (_logs, source) = cluster("logs", 2);
    let folder = Folder::new();
    let path = folder.path().join("events.jsonl");
    let name = path.display().to_string();
    let feeder = Feeder::new(&source, "none");
    let headers = |values: &[(&str, &str)]| {
        values.iter().fold(OwnedHeaders::new(), |headers, &(key, value)| {
            headers.insert(Header { key, value: Some(value) })
        })
    };
    let team = headers(&[("team", "old"), ("team", "core"), ("empty", "")]);
    feeder.send_with("logs", 1, Some(b"app=web Ecs.0114"), Some(b"k1"), Some(team.clone()));
    feeder.send_with(
        "logs",
        1,
        Some(b"team=own app=web Ecs.0114 Ecs.0005"),
        None,
        Some(headers(&[("empty", "")])),
    );
    feeder.send_with("logs", 1, Some(b"team=own Ecs.0114"), Some(b"\xff"), Some(team));
    feeder.flush();
    let labels =
        ["--labels", "team=@header:team|team", "--labels", "key=@key", "--labels", "app=@header:empty|app"];
    let mut args = labels.to_vec();
    args.extend(["--events", "file", "--events-file-path", &name]);
    let running = daemon(&source, &args);
    let scrape = within(PATIENCE, "three records", || {
        let scrape = running.scrape();
        (scrape.sum("errtally_records_total", &[]) == 3.0).then_some(scrape)
    });
    let errors = |labels: &[(&str, &str)]| scrape.sum("errtally_errors_total", labels);
    assert_eq!(errors(&[("team", "core"), ("key", "k1"), ("app", "web")]), 1.0, "the last header counts");
    assert_eq!(errors(&[("team", "own"), ("key", ""), ("app", "web")]), 2.0);
    assert_eq!(errors(&[("team", "core"), ("key", "\u{fffd}"), ("app", "")]), 1.0);
    running.signal(Signal::TERM);
    assert_eq!(running.wait().0.code(), Some(0));
    let found = event::parse(&std::fs::read(&path).expect("the file"));
    let mut offsets: BTreeMap<i64, usize> = BTreeMap::new();
    for event in &found {
        assert_eq!((&event["source"]["topic"], &event["source"]["partition"]), (&"logs".into(), &1.into()));
        *offsets.entry(event["source"]["offset"].as_i64().expect("an offset")).or_default() += 1;
    }
    assert_eq!(offsets, BTreeMap::from([(0, 1), (1, 2), (2, 1)]));
    // No time in the record: that of the message.
    let year = found[0]["time"].as_str().expect("a time")[..4].parse::<i32>().expect("a year");
    assert!(year >= 2024, "{found:?}");
}
