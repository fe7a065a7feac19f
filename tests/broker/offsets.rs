//! Offsets that are gone, topics that come, go and come again, and what is no record: nothing is lost, nothing is silent.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use rustix::process::Signal;

use super::{Broker, PATIENCE};
use crate::feed::{
    Feeder, assigned, consumer, records, terminate, terminate_in_order, wait_for_counts, wait_for_ready,
    within,
};
use crate::support::daemon::Daemon;

const LAG: &str = "errtally_kafka_consumer_lag";
const SKIPPED: &str = "errtally_kafka_skipped_records_total";
const RESETS: &str = "errtally_kafka_offset_resets_total";

const LATEST: [&str; 2] = ["--kafka-start", "latest"];

fn send(broker: &Broker, topic: &str, records: u64) {
    let feeder = Feeder::new(&broker.address(), "none");
    (0..records).for_each(|_| feeder.send(topic, 0, Some(b"Ecs.0043 busy")));
    feeder.flush();
}

fn told(daemon: &Daemon, topic: &str) -> (f64, f64) {
    let scrape = daemon.scrape();
    let of = [("topic", topic)];
    (scrape.sum(SKIPPED, &of), scrape.sum(RESETS, &of))
}

#[track_caller]
fn wait_for_lag(daemon: &Daemon, lag: f64) {
    within(PATIENCE, &format!("a lag of {lag}"), || {
        let scrape = daemon.scrape();
        let known: Vec<f64> = scrape.of(LAG, &[]).map(|s| s.value).collect();
        (!known.is_empty() && known.iter().sum::<f64>() == lag).then_some(())
    });
}

/// A known group whose offset has expired goes on with the oldest record kept, whatever `kafka.start` says.
pub fn an_offset_that_has_expired(broker: &Broker) {
    broker.create("expired", 1);
    let first = consumer(&broker.address(), "expired", "expired", &LATEST);
    within(PATIENCE, "the partition", || (assigned(&first) == 1).then_some(()));
    send(broker, "expired", 10);
    wait_for_counts(&[&first], 10, PATIENCE);
    assert_eq!(told(&first, "expired"), (0.0, 0.0));
    terminate_in_order(first);
    send(broker, "expired", 20);
    broker.delete_records("expired", 20);
    let again = consumer(&broker.address(), "expired", "expired", &LATEST);
    wait_for_counts(&[&again], 10, PATIENCE);
    assert_eq!(told(&again, "expired"), (10.0, 1.0));
    assert!(again.log().contains("skipped=10"), "{}", again.log());
    wait_for_lag(&again, 0.0);
    terminate_in_order(again);
    // As it is told to: from the end.
    send(broker, "expired", 20);
    broker.delete_records("expired", 40);
    let more = [&LATEST[..], &["--kafka-resume", "latest"]].concat();
    let last = consumer(&broker.address(), "expired", "expired", &more);
    within(PATIENCE, "what was passed over", || (told(&last, "expired") == (20.0, 1.0)).then_some(()));
    send(broker, "expired", 5);
    wait_for_counts(&[&last], 5, PATIENCE);
}

/// As above, under a running instance: it is frozen while its records expire.
pub fn records_that_expire_before_they_are_read(broker: &Broker) {
    broker.create("overtaken", 1);
    let daemon = consumer(&broker.address(), "overtaken", "overtaken", &LATEST);
    within(PATIENCE, "the partition", || (assigned(&daemon) == 1).then_some(()));
    send(broker, "overtaken", 10);
    wait_for_counts(&[&daemon], 10, PATIENCE);
    daemon.signal(Signal::STOP);
    send(broker, "overtaken", 30);
    broker.delete_records("overtaken", 30);
    daemon.signal(Signal::CONT);
    within(PATIENCE, "those that are kept", || (records([&daemon]) >= 20).then_some(()));
    let counted = records([&daemon]);
    within(PATIENCE, "what is told", || {
        let (skipped, resets) = told(&daemon, "overtaken");
        // A fetch that was under way may have had some of them.
        (skipped == (40 - counted) as f64 && (resets == 1.0 || skipped == 0.0)).then_some(())
    });
    wait_for_lag(&daemon, 0.0);
}

/// As above, and it is stopped at once: what was skipped is told before it ends, since nobody could tell it later.
pub fn records_that_expire_before_a_stop(broker: &Broker) {
    broker.create("hasty", 1);
    let daemon = consumer(&broker.address(), "hasty", "hasty", &LATEST);
    within(PATIENCE, "the partition", || (assigned(&daemon) == 1).then_some(()));
    send(broker, "hasty", 10);
    wait_for_counts(&[&daemon], 10, PATIENCE);
    daemon.signal(Signal::STOP);
    send(broker, "hasty", 30);
    broker.delete_records("hasty", 30);
    daemon.signal(Signal::CONT);
    within(PATIENCE, "those that are kept", || (records([&daemon]) >= 20).then_some(()));
    let counted = records([&daemon]);
    daemon.signal(Signal::INT);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(counted == 40 || log.contains(&format!("skipped={}", 40 - counted)), "{counted} counted: {log}");
}

/// As above, of a partition that the group has never read, since no instance ran: how many there were is not known, and
/// it is told all the same.
pub fn records_that_expire_while_no_instance_runs(broker: &Broker) {
    broker.create("absent-a", 1);
    let start = || consumer(&broker.address(), "^absent-.*", "absent", &LATEST);
    let daemon = start();
    within(PATIENCE, "the partition", || (assigned(&daemon) == 1).then_some(()));
    send(broker, "absent-a", 10);
    wait_for_counts(&[&daemon], 10, PATIENCE);
    terminate_in_order(daemon);
    broker.create("absent-b", 1);
    send(broker, "absent-b", 20);
    broker.delete_records("absent-b", 15);
    let daemon = start();
    wait_for_counts(&[&daemon], 5, PATIENCE);
    assert_eq!(told(&daemon, "absent-b"), (0.0, 1.0));
    assert!(daemon.log().contains("the group has no offset of it"), "{}", daemon.log());
}

/// Marks of transactions and aborted records are passed, also where nothing else comes.
pub fn transactions(broker: &Broker) {
    broker.create("transactions", 1);
    let daemon = consumer(&broker.address(), "transactions", "transactions", &[]);
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.address())
        .set("transactional.id", "transactions")
        .create()
        .expect("a producer");
    producer.init_transactions(PATIENCE).expect("transactions");
    for round in 0..6 {
        producer.begin_transaction().expect("a transaction");
        for _ in 0..5 {
            producer.send(BaseRecord::<(), _>::to("transactions").payload("Ecs.0043")).expect("it is sent");
        }
        producer.flush(PATIENCE).expect("it arrives");
        match round % 2 {
            0 => producer.commit_transaction(PATIENCE).expect("committed"),
            _ => producer.abort_transaction(PATIENCE).expect("aborted"),
        }
    }
    wait_for_counts(&[&daemon], 15, PATIENCE);
    wait_for_lag(&daemon, 0.0);
    std::thread::sleep(Duration::from_secs(5));
    wait_for_lag(&daemon, 0.0);
    assert_eq!(daemon.scrape().sum("errtally_kafka_consumer_lag_seconds", &[]), 0.0);
    assert_eq!(told(&daemon, "transactions"), (0.0, 0.0), "nothing was there to be skipped");
    assert_eq!(terminate(daemon), 15);
    // What was passed is committed too.
    let committed = crate::feed::committed(&broker.address(), "transactions", "transactions", 1);
    assert_eq!(committed, [Some(36)]);
}

/// What compaction has taken out of a topic is no loss: it is neither counted nor told as skipped.
pub fn a_compacted_topic(broker: &Broker) {
    const SENT: u64 = 1000;
    broker.create_with(
        "compacted",
        &[
            ("cleanup.policy", "compact"),
            ("min.cleanable.dirty.ratio", "0.001"),
            ("segment.ms", "100"),
            ("max.compaction.lag.ms", "200"),
        ],
    );
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", broker.address()).create().expect("a producer");
    let send = |keys: std::ops::Range<u64>, each: u64| {
        for i in 0..each {
            for key in keys.clone() {
                let (key, payload) = (format!("k{key}"), format!("Ecs.0043 {i}"));
                let record = BaseRecord::to("compacted").key(&key).payload(&payload);
                producer.send(record).expect("it is sent");
            }
            producer.flush(PATIENCE).expect("it arrives");
        }
    };
    send(0..20, SENT / 20);
    let kept = || {
        // The segment that is written to is never compacted.
        std::thread::sleep(Duration::from_millis(300));
        send(20..21, 1);
        read_all(broker, "compacted")
    };
    let before = within(2 * PATIENCE, "compaction", || Some(kept()).filter(|kept| *kept < SENT / 2));
    let daemon = consumer(&broker.address(), "compacted", "compacted", &[]);
    wait_for_lag(&daemon, 0.0);
    let counted = records([&daemon]);
    // It may have gone on meanwhile.
    let after = read_all(broker, "compacted");
    assert!((after..=before).contains(&counted), "{counted} counted, {before} kept before, {after} after");
    assert_eq!(told(&daemon, "compacted"), (0.0, 0.0), "{}", daemon.log());
    super::runner::measured("kept of 1,000 records by compaction", counted);
    wait_for_ready(&daemon, 200, "");
    assert_eq!(terminate(daemon), counted);
}

/// How many records a topic of one partition has now.
fn read_all(broker: &Broker, topic: &str) -> u64 {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.address())
        .set("group.id", "reads-all")
        .set("enable.partition.eof", "true")
        .create()
        .expect("a consumer");
    let mut all = TopicPartitionList::new();
    all.add_partition_offset(topic, 0, Offset::Beginning).expect("an offset");
    consumer.assign(&all).expect("assigned");
    let mut read = 0;
    loop {
        match consumer.poll(PATIENCE).expect("an answer") {
            Ok(_) => read += 1,
            Err(KafkaError::PartitionEOF(_)) => return read,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The first topic of a pattern, and one that is made while no instance runs, are read from their start.
pub fn topics_of_a_pattern(broker: &Broker) {
    let start = || consumer(&broker.address(), "^come-.*", "come", &LATEST);
    let daemon = start();
    std::thread::sleep(Duration::from_secs(3));
    broker.create("come-a", 1);
    send(broker, "come-a", 10);
    wait_for_counts(&[&daemon], 10, PATIENCE);
    wait_for_ready(&daemon, 200, "");
    terminate_in_order(daemon);
    broker.create("come-b", 1);
    send(broker, "come-b", 7);
    let daemon = start();
    wait_for_counts(&[&daemon], 7, PATIENCE);
    broker.delete("come-a");
    broker.delete("come-b");
}

/// A topic that is deleted and made again is read from its start, and that is told; while it is gone, nobody is ready.
pub fn a_topic_that_is_made_again(broker: &Broker) {
    broker.create("again-a", 1);
    let daemon = consumer(&broker.address(), "again-a", "again-a", &LATEST);
    within(PATIENCE, "the partition", || (assigned(&daemon) == 1).then_some(()));
    send(broker, "again-a", 10);
    wait_for_counts(&[&daemon], 10, PATIENCE);
    broker.delete("again-a");
    let words = wait_for_ready(&daemon, 503, "");
    super::runner::measured("/readyz with the topic deleted", words.trim());
    broker.create("again-a", 1);
    // More than there were: the old offset is within it.
    send(broker, "again-a", 25);
    within(PATIENCE, "all of the new topic", || (records([&daemon]) >= 35).then_some(()));
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(records([&daemon]), 35, "{}", daemon.log());
    assert!(told(&daemon, "again-a").1 >= 1.0, "{}", daemon.log());
    wait_for_ready(&daemon, 200, "");
}

/// A broker that hangs is noticed: the lag is absent, not what it was, and nobody is ready until it answers again.
pub fn a_broker_that_hangs(broker: &Broker) {
    broker.create("hangs-on", 2);
    let daemon = consumer(&broker.address(), "hangs-on", "hangs-on", &[]);
    send(broker, "hangs-on", 100);
    wait_for_counts(&[&daemon], 100, PATIENCE);
    wait_for_lag(&daemon, 0.0);
    broker.signal(Signal::STOP);
    let words = wait_for_ready(&daemon, 503, "has not answered");
    super::runner::measured("/readyz with a broker that hangs", words.trim());
    // Longer than a question waits for its answer.
    let since = std::time::Instant::now();
    while since.elapsed() < Duration::from_secs(12) {
        let scrape = daemon.scrape();
        assert_eq!(scrape.of(LAG, &[]).count(), 0);
        assert_eq!(scrape.sum("errtally_kafka_partition_healthy", &[]), 0.0);
        assert_eq!(daemon.get("/readyz").status, 503);
        std::thread::sleep(Duration::from_millis(200));
    }
    broker.signal(Signal::CONT);
    // Its controller has given it up meanwhile, and clients come back at intervals that grow.
    within(2 * PATIENCE, "readiness", || (daemon.get("/readyz").status == 200).then_some(()));
    wait_for_lag(&daemon, 0.0);
}

impl Broker {
    /// Deletes the records of partition 0 before an offset, as their expiry would.
    #[track_caller]
    pub fn delete_records(&self, topic: &str, before: i64) {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(topic, 0, Offset::Offset(before)).expect("an offset");
        self.admin(async |admin, options| admin.delete_records(&offsets, options).await);
    }
}
