//! A million messages on 8 partitions, counted exactly: by one instance, two and three, in each codec.

use std::time::Instant;

use super::runner::measured;
use super::{Broker, PATIENCE};
use crate::feed::{Counts, Feeder, assigned, consumer, wait_for_counts, within};

const MESSAGES: u64 = 1_000_000;
const PARTITIONS: u64 = 8;

pub fn one_instance_and_no_codec(broker: &Broker) {
    backlog(broker, "none");
}

pub fn gzip(broker: &Broker) {
    backlog(broker, "gzip");
}

pub fn snappy(broker: &Broker) {
    backlog(broker, "snappy");
}

pub fn lz4(broker: &Broker) {
    backlog(broker, "lz4");
}

pub fn zstd(broker: &Broker) {
    backlog(broker, "zstd");
}

/// What lies there is drained by one instance.
fn backlog(broker: &Broker, codec: &str) {
    let topic = format!("exact-{codec}");
    broker.create(&topic, PARTITIONS as i32);
    let since = Instant::now();
    let feeder = Feeder::new(&broker.address(), codec);
    feeder.send_numbers(&topic, PARTITIONS, 0..MESSAGES);
    feeder.flush();
    measured(&format!("seconds to produce 1,000,000 messages, {codec}"), since.elapsed().as_secs_f32());
    let daemon = consumer(&broker.address(), &topic, &topic, &[]);
    let since = Instant::now();
    let counts = wait_for_counts(&[&daemon], MESSAGES, PATIENCE);
    measured(
        &format!("seconds from start to 1,000,000 messages counted, {codec}"),
        since.elapsed().as_secs_f32(),
    );
    assert_eq!(counts, Counts::expected(0..MESSAGES));
    broker.delete(&topic);
}

/// What comes while all are there is shared by them.
pub fn two_instances_and_three(broker: &Broker) {
    for (instances, fair) in [(2, 4..=4), (3, 2..=3)] {
        let topic = format!("exact-{instances}");
        broker.create(&topic, PARTITIONS as i32);
        let daemons: Vec<_> =
            (0..instances).map(|_| consumer(&broker.address(), &topic, &topic, &[])).collect();
        within(PATIENCE, "a fair share for each", || {
            let owned: Vec<u64> = daemons.iter().map(assigned).collect();
            (owned.iter().sum::<u64>() == PARTITIONS && owned.iter().all(|n| fair.contains(n))).then_some(())
        });
        let since = Instant::now();
        let feeder = Feeder::new(&broker.address(), "lz4");
        feeder.send_numbers(&topic, PARTITIONS, 0..MESSAGES);
        feeder.flush();
        let daemons: Vec<_> = daemons.iter().collect();
        let counts = wait_for_counts(&daemons, MESSAGES, PATIENCE);
        let seconds = since.elapsed().as_secs_f32();
        measured(&format!("seconds to produce and count 1,000,000 messages, {instances} instances"), seconds);
        assert_eq!(counts, Counts::expected(0..MESSAGES));
        for daemon in daemons {
            let own = Counts::scraped([daemon]).records;
            assert!(fair.contains(&(own / (MESSAGES / PARTITIONS))), "{own} records of one instance");
        }
        broker.delete(&topic);
    }
}
