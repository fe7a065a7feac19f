//! The consumer group: where it begins, who owns what, and how that moves.

use std::collections::BTreeSet;
use std::time::Duration;

use super::runner::measured;
use super::{Broker, PATIENCE};
use crate::feed::{
    Counts, Feeder, assigned, behind, committed, consumer, records, terminate, terminate_in_order,
    wait_for_counts, wait_for_ready, within,
};
use crate::support::daemon::Daemon;

const LAG: &str = "errtally_kafka_consumer_lag";

#[track_caller]
fn wait_until_assigned(daemons: &[&Daemon], wanted: &[u64]) {
    within(PATIENCE, &format!("{wanted:?} partitions"), || {
        let mut owned: Vec<u64> = daemons.iter().map(|d| assigned(d)).collect();
        owned.sort_unstable();
        (owned == wanted).then_some(())
    });
}

pub fn latest_and_earliest(broker: &Broker) {
    broker.create("start", 3);
    let feeder = Feeder::new(&broker.address(), "none");
    feeder.send_numbers("start", 3, 0..3000);
    feeder.flush();
    let earliest = consumer(&broker.address(), "start", "early", &[]);
    let latest = consumer(&broker.address(), "start", "late", &["--kafka-start", "latest"]);
    wait_until_assigned(&[&latest], &[3]);
    feeder.send_numbers("start", 3, 3000..5000);
    feeder.flush();
    assert_eq!(wait_for_counts(&[&earliest], 5000, PATIENCE), Counts::expected(0..5000));
    assert_eq!(wait_for_counts(&[&latest], 2000, PATIENCE), Counts::expected(3000..5000));
    // A group that is known goes on where it was, though nobody was there for a while.
    assert_eq!(terminate(latest), 2000);
    feeder.send_numbers("start", 3, 5000..6000);
    feeder.flush();
    let again = consumer(&broker.address(), "start", "late", &["--kafka-start", "latest"]);
    assert_eq!(wait_for_counts(&[&again], 1000, PATIENCE), Counts::expected(5000..6000));
    // Also where it has been assigned partitions and never got a message.
    broker.create("silent", 2);
    let latest = consumer(&broker.address(), "silent", "late-too", &["--kafka-start", "latest"]);
    wait_until_assigned(&[&latest], &[2]);
    assert_eq!(terminate(latest), 0);
    feeder.send_numbers("silent", 2, 0..1000);
    feeder.flush();
    let again = consumer(&broker.address(), "silent", "late-too", &["--kafka-start", "latest"]);
    assert_eq!(wait_for_counts(&[&again], 1000, PATIENCE), Counts::expected(0..1000));
}

pub fn patterns(broker: &Broker) {
    for topic in ["pattern-a", "pattern-b", "other-pattern-a"] {
        broker.create(topic, 2);
    }
    let feeder = Feeder::new(&broker.address(), "none");
    for topic in ["pattern-a", "pattern-b", "other-pattern-a"] {
        feeder.send_numbers(topic, 2, 0..500);
    }
    feeder.flush();
    let daemon = consumer(&broker.address(), "^pattern-.*", "pattern", &[]);
    wait_for_counts(&[&daemon], 1000, PATIENCE);
    // One that comes later is found.
    broker.create("pattern-c", 3);
    feeder.send_numbers("pattern-c", 3, 0..500);
    feeder.flush();
    let counts = wait_for_counts(&[&daemon], 1500, PATIENCE);
    assert_eq!(counts.codes, Counts::expected((0..1500).map(|i| i % 500)).codes);
    let topics = within(PATIENCE, "the lag of all", || {
        let scrape = daemon.scrape();
        let all: Vec<_> = scrape.of(LAG, &[]).map(|s| s.labels["topic"].clone()).collect();
        (all.len() == 7).then(|| all.into_iter().collect::<BTreeSet<_>>())
    });
    assert_eq!(topics, ["pattern-a", "pattern-b", "pattern-c"].map(str::to_owned).into());
}

/// The partitions with a lag, after a look at its values.
fn partitions_with_lag(daemon: &Daemon) -> BTreeSet<String> {
    let scrape = daemon.scrape();
    for sample in scrape.samples.iter().filter(|s| s.name.starts_with(LAG)) {
        assert!(sample.value >= 0.0, "{sample:?}");
    }
    let partitions: BTreeSet<_> = scrape.of(LAG, &[]).map(|s| s.labels["partition"].clone()).collect();
    let owned = scrape.value("errtally_kafka_assigned_partitions", &[]).expect("the metric");
    assert!(partitions.len() as f64 <= owned, "{partitions:?} have a lag, {owned} are owned");
    partitions
}

pub fn lag_comes_falls_and_goes(broker: &Broker) {
    const MESSAGES: u64 = 2_000_000;
    broker.create("lag", 4);
    let feeder = Feeder::new(&broker.address(), "lz4");
    feeder.send_numbers("lag", 4, 0..MESSAGES);
    feeder.flush();
    let first = consumer(&broker.address(), "lag", "lag", &[]);
    let mut most = 0.0_f64;
    let mut oldest = 0.0_f64;
    within(PATIENCE, "a lag that falls to 0", || {
        partitions_with_lag(&first);
        let scrape = first.scrape();
        most = most.max(scrape.sum(LAG, &[]));
        oldest = oldest.max(scrape.sum("errtally_kafka_consumer_lag_seconds", &[]));
        let all_known = scrape.of(LAG, &[]).count() == 4;
        (all_known && scrape.sum(LAG, &[]) == 0.0).then_some(())
    });
    measured("most messages of lag seen while 2,000,000 drain", most);
    assert!(most > 0.0 && most <= MESSAGES as f64, "{most}");
    assert!(oldest > 0.0 && oldest < 4.0 * 120.0, "{oldest} s");
    assert_eq!(records([&first]), MESSAGES, "no lag, all counted");

    // Each partition has a lag at its owner and nowhere else.
    let all: BTreeSet<String> = (0..4).map(|p| p.to_string()).collect();
    let second = consumer(&broker.address(), "lag", "lag", &[]);
    within(PATIENCE, "two and two", || {
        let (a, b) = (partitions_with_lag(&first), partitions_with_lag(&second));
        (a.len() == 2 && b.len() == 2 && a.is_disjoint(&b) && &a | &b == all).then_some(())
    });
    // Known without a message: both are at the end.
    assert_eq!(second.scrape().sum(LAG, &[]), 0.0);
    assert_eq!(terminate(second), 0);
    within(PATIENCE, "all four", || (partitions_with_lag(&first) == all).then_some(()));
    broker.delete("lag");
}

pub fn static_membership(broker: &Broker) {
    broker.create("static", 4);
    let feeder = Feeder::new(&broker.address(), "none");
    let member = |name: &str| consumer(&broker.address(), "static", "static", &["--kafka-instance-id", name]);
    let (a, b) = (member("a"), member("b"));
    wait_until_assigned(&[&a, &b], &[2, 2]);
    feeder.send_numbers("static", 4, 0..4000);
    feeder.flush();
    wait_for_counts(&[&a, &b], 4000, PATIENCE);
    within(PATIENCE, "lag of both", || (partitions_with_lag(&b).len() == 2).then_some(()));
    let rebalances =
        |d: &Daemon| d.scrape().value("errtally_kafka_rebalances_total", &[]).expect("the metric");
    let (before, owned) = (rebalances(&a), partitions_with_lag(&b));
    let counted = terminate(b);
    feeder.send_numbers("static", 4, 4000..8000);
    feeder.flush();
    let b = member("b");
    within(PATIENCE, "all counted", || (records([&a, &b]) + counted == 8000).then_some(()));
    within(PATIENCE, "the same partitions", || (partitions_with_lag(&b) == owned).then_some(()));
    assert_eq!(rebalances(&a), before, "the restart of the other moved nothing");
    assert_eq!(records([&a]), 4000, "nor has it counted for the other");
}

pub fn more_instances_than_partitions(broker: &Broker) {
    broker.create("spare", 2);
    let daemons = [(); 3].map(|()| consumer(&broker.address(), "spare", "spare", &[]));
    wait_until_assigned(&daemons.each_ref(), &[0, 1, 1]);
    // The one without work is a member like the others, and would take over; it reads nothing, and says so.
    let (with, without): (Vec<&Daemon>, Vec<&Daemon>) = daemons.iter().partition(|d| assigned(d) > 0);
    wait_for_ready(without[0], 503, "more instances than partitions");
    with.iter().for_each(|daemon| drop(wait_for_ready(daemon, 200, "")));
    let feeder = Feeder::new(&broker.address(), "none");
    feeder.send_numbers("spare", 2, 0..1000);
    feeder.flush();
    assert_eq!(wait_for_counts(&daemons.each_ref(), 1000, PATIENCE), Counts::expected(0..1000));
    // It leaves the group like the others too: nobody waits for its session, of 45 s, to be over.
    let mut daemons = Vec::from(daemons);
    daemons.sort_by_key(assigned);
    let last = daemons.pop().expect("three");
    for daemon in daemons {
        terminate_in_order(daemon);
    }
    within(Duration::from_secs(20), "both partitions", || (assigned(&last) == 2).then_some(()));
}

/// What is written to a new partition before anybody notices it is counted too, whatever `kafka.start` says.
pub fn a_topic_that_grows(broker: &Broker) {
    let feeder = Feeder::new(&broker.address(), "none");
    for start in ["latest", "earliest"] {
        let topic = format!("grows-{start}");
        broker.create(&topic, 2);
        let daemons =
            [(); 2].map(|()| consumer(&broker.address(), &topic, &topic, &["--kafka-start", start]));
        wait_until_assigned(&daemons.each_ref(), &[1, 1]);
        feeder.send_numbers(&topic, 2, 0..2000);
        feeder.flush();
        wait_for_counts(&daemons.each_ref(), 2000, PATIENCE);
        broker.grow(&topic, 6);
        // A producer that knows the new partitions at once.
        Feeder::new(&broker.address(), "none").send_to(&topic, 2..6, 2000..6000);
        let counts = wait_for_counts(&daemons.each_ref(), 6000, PATIENCE);
        assert_eq!(counts, Counts::expected(0..6000), "{start}");
        wait_until_assigned(&daemons.each_ref(), &[3, 3]);
    }
}

/// Instances come and go while messages flow; those that go are asked to.
pub fn a_storm_of_rebalances(broker: &Broker) {
    const MESSAGES: u64 = 600_000;
    broker.create("storm", 6);
    let feeder = Feeder::new(&broker.address(), "lz4");
    let mut gone = Vec::new();
    let mut live: Vec<Daemon> = Vec::new();
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| feeder.send_over("storm", 6, 0..MESSAGES, Duration::from_secs(24)));
        for round in 0.. {
            if sender.is_finished() {
                break;
            }
            // Up to four, and no rhythm that a rebalance could fall into.
            if live.len() < 2 || (live.len() < 4 && round % 3 != 2) {
                live.push(consumer(&broker.address(), "storm", "storm", &[]));
            } else {
                gone.push(terminate_in_order(live.remove(round % 2)));
            }
            std::thread::sleep(Duration::from_millis(700 + 300 * (round as u64 % 4)));
        }
    });
    feeder.flush();
    let before: u64 = gone.iter().sum();
    within(PATIENCE, "all messages", || (before + records(&live) >= MESSAGES).then_some(()));
    std::thread::sleep(Duration::from_secs(2));
    let all = before + records(&live);
    measured("instances that came and went", format!("{} and {}", live.len() + gone.len(), gone.len()));
    measured("messages counted twice in the storm", all as i64 - MESSAGES as i64);
    gone.extend(live.into_iter().map(terminate_in_order));
    assert_eq!(gone.iter().sum::<u64>(), all);
    assert_eq!(
        behind(&committed(&broker.address(), "storm", "storm", 6), MESSAGES).count(),
        0,
        "not acknowledged"
    );
    assert_eq!(all, MESSAGES, "each is counted once");
    broker.delete("storm");
}
