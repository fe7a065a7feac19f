//! Events to a topic of the same broker: every hit arrives, once as long as nothing crashes, and an input offset is
//! committed only after the events of its record.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use rustix::process::Signal;
use serde_json::Value;

use super::runner::measured;
use super::{Broker, PATIENCE};
use crate::feed::{
    Feeder, codes_of, committed, consumer, records, terminate, wait_for_counts, wait_for_ready, within,
};

const PARTITIONS: i32 = 4;

/// How often there is an event of each message and code.
type Seen = BTreeMap<(u64, String), u64>;

fn expected(messages: u64) -> Seen {
    (0..messages).flat_map(|i| codes_of(i).iter().map(move |code| ((i, (*code).to_owned()), 1))).collect()
}

/// All events that lie in the topic.
fn read(broker: &Broker, topic: &str) -> Seen {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.address())
        .set("group.id", "reader-of-events")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    let mut all = TopicPartitionList::new();
    let mut left = 0;
    for partition in 0..PARTITIONS {
        let (first, end) = consumer.fetch_watermarks(topic, partition, PATIENCE).expect("the ends");
        left += end - first;
        all.add_partition_offset(topic, partition, Offset::Beginning).expect("a partition");
    }
    consumer.assign(&all).expect("an assignment");
    let mut seen = Seen::new();
    let until = Instant::now() + PATIENCE;
    while left > 0 {
        assert!(Instant::now() < until, "{left} events cannot be read");
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message.expect("an event");
        let event: Value = serde_json::from_slice(message.payload().expect("a payload")).expect("JSON");
        let source = &event["source"];
        let offset = source["offset"].as_u64().expect("an offset");
        let partition = source["partition"].as_u64().expect("a partition");
        let code = event["code"].as_str().expect("a code").to_owned();
        assert_eq!(message.key(), Some(code.as_bytes()), "the key of an event is its code");
        *seen.entry((offset * PARTITIONS as u64 + partition, code)).or_default() += 1;
        left -= 1;
    }
    seen
}

fn to_topic(topic: &str) -> Vec<String> {
    ["--events", "kafka", "--events-kafka-topic", topic].map(str::to_owned).to_vec()
}

/// Stops in the middle and goes on: each event once, and what is committed has its events.
pub fn every_hit_arrives_once(broker: &Broker) {
    const MESSAGES: u64 = 400_000;
    let address = broker.address();
    broker.create("told", PARTITIONS);
    broker.create("told-events", PARTITIONS);
    let feeder = Feeder::new(&address, "lz4");
    feeder.send_numbers("told", PARTITIONS as u64, 0..MESSAGES);
    feeder.flush();
    let more = to_topic("told-events");
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let first = consumer(&address, "told", "told", &more);
    within(PATIENCE, "the middle of the stream", || (records([&first]) > 50_000).then_some(()));
    let before = terminate(first);
    let offsets = committed(&address, "told", "told", PARTITIONS);
    let committed = offsets.iter().flatten().map(|&o| o as u64).sum::<u64>();
    assert_eq!(committed, before, "what was counted is committed");
    let last = consumer(&address, "told", "told", &more);
    let counts = wait_for_counts(&[&last], MESSAGES - before, PATIENCE);
    let hits = counts.codes.values().sum::<u64>() as f64;
    within(PATIENCE, "as many events as hits", || {
        let events = last.scrape().value("errtally_events_total", &[("to", "kafka")])?;
        (events == hits).then_some(())
    });
    terminate(last);
    assert_eq!(read(broker, "told-events"), expected(MESSAGES));
    broker.delete("told");
    broker.delete("told-events");
}

/// A broker that goes and comes, and an instance that is killed: every event is there, some twice.
pub fn nothing_is_lost_when_it_crashes(broker: &Broker) {
    const MESSAGES: u64 = 600_000;
    let address = broker.address();
    broker.create("crash", PARTITIONS);
    broker.create("crash-events", PARTITIONS);
    let feeder = Feeder::new(&address, "lz4");
    feeder.send_numbers("crash", PARTITIONS as u64, 0..MESSAGES / 2);
    feeder.flush();
    let mut more = to_topic("crash-events");
    more.extend(["--kafka-properties", "session.timeout.ms=6000"].map(str::to_owned));
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let killed = consumer(&address, "crash", "crash", &more);
    within(PATIENCE, "the middle of the stream", || (records([&killed]) > 50_000).then_some(()));
    killed.signal(Signal::KILL);
    killed.wait();
    let last = consumer(&address, "crash", "crash", &more);
    within(PATIENCE, "it goes on", || (records([&last]) > 1_000).then_some(()));
    broker.stop();
    wait_for_ready(&last, 503, "");
    broker.start();
    feeder.send_numbers("crash", PARTITIONS as u64, MESSAGES / 2..MESSAGES);
    feeder.flush();
    wait_for_ready(&last, 200, "ready");
    within(PATIENCE, "all is committed", || {
        let offsets = committed(&address, "crash", "crash", PARTITIONS);
        (offsets.iter().flatten().sum::<i64>() == MESSAGES as i64).then_some(())
    });
    terminate(last);
    let seen = read(broker, "crash-events");
    let twice: u64 = seen.values().map(|n| n - 1).sum();
    measured("events told again after SIGKILL", twice as f32);
    assert_eq!(seen.into_keys().collect::<Vec<_>>(), expected(MESSAGES).into_keys().collect::<Vec<_>>());
    broker.delete("crash");
    broker.delete("crash-events");
}
