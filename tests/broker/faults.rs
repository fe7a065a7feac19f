//! What is lost and what is counted twice when something ends that should not: nothing, and no more than is promised.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::runner::measured;
use super::{Broker, PATIENCE};
use crate::feed::{
    Counts, Feeder, behind, committed, consumer, records, records_in_log, terminate, wait_for_counts,
    wait_for_ready, within,
};

const PARTITIONS: i32 = 8;

fn sum(offsets: &[Option<i64>]) -> u64 {
    offsets.iter().flatten().map(|&o| o as u64).sum()
}

/// What has been counted is committed when it stops, neither more nor less, and others go on from there.
pub fn sigterm_in_the_middle(broker: &Broker) {
    const MESSAGES: u64 = 1_500_000;
    let address = broker.address();
    broker.create("term", PARTITIONS);
    let feeder = Feeder::new(&address, "lz4");
    feeder.send_numbers("term", PARTITIONS as u64, 0..MESSAGES);
    feeder.flush();
    let mut before = 0;
    for round in 0..3 {
        let daemon = consumer(&address, "term", "term", &[]);
        within(PATIENCE, "the middle of the stream", || (records([&daemon]) > 150_000).then_some(()));
        let since = Instant::now();
        let counted = terminate(daemon);
        measured(&format!("seconds from SIGTERM to the exit, round {round}"), since.elapsed().as_secs_f32());
        let offsets = committed(&address, "term", "term", PARTITIONS);
        assert_eq!(sum(&offsets), before + counted, "committed, and counted");
        before += counted;
    }
    assert!(before < MESSAGES, "each was stopped in the middle");
    let offsets = committed(&address, "term", "term", PARTITIONS);
    let last = consumer(&address, "term", "term", &[]);
    let counts = wait_for_counts(&[&last], MESSAGES - before, PATIENCE);
    assert_eq!(counts, Counts::expected(behind(&offsets, MESSAGES)));
    broker.delete("term");
}

/// The session of an instance that was killed must end before another gets its partitions; the broker allows no less.
const SHORT_SESSION: [&str; 2] = ["--kafka-properties", "session.timeout.ms=6000"];

/// What a killed instance has counted since its last commit is counted again by the next one. That is no more than what
/// it counts in one commit interval; twice what it counted in the busiest of the last is asserted, for the time that a commit takes
/// and for what is counted between looks.
pub fn sigkill_in_the_middle(broker: &Broker) {
    const MESSAGES: u64 = 2_400_000;
    const INTERVAL: Duration = Duration::from_secs(1);
    const FACTOR: u64 = 2;
    let address = broker.address();
    broker.create("kill", PARTITIONS);
    let feeder = Feeder::new(&address, "lz4");
    let mut before = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| feeder.send_over("kill", PARTITIONS as u64, 0..MESSAGES, Duration::from_secs(24)));
        for round in 0..2 {
            let daemon = consumer(&address, "kill", "kill", &SHORT_SESSION);
            within(PATIENCE, "the first count", || (records([&daemon]) > 0).then_some(()));
            let mut looks = vec![(Instant::now(), records([&daemon]))];
            // Shortly before a commit, when the most is at stake.
            let commits = || daemon.scrape().value("errtally_kafka_commits_total", &[]).expect("the metric");
            let (mut done, mut last) = (commits(), Instant::now());
            while looks[0].0.elapsed() < INTERVAL * 4 || last.elapsed() < INTERVAL * 9 / 10 {
                looks.push((Instant::now(), records([&daemon])));
                if commits() > done {
                    (done, last) = (commits(), Instant::now());
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            looks.push((Instant::now(), records([&daemon])));
            let (at, counted) = *looks.last().expect("there are looks");
            daemon.signal(Signal::KILL);
            let took = at.elapsed();
            daemon.wait();
            looks.retain(|(look, _)| at - *look <= INTERVAL * 5 / 2);
            let busiest = busiest(&looks, INTERVAL);
            let offsets = committed(&address, "kill", "kill", PARTITIONS);
            let acknowledged = sum(&offsets) - before;
            // What it counted after the last look is not known; it is what it counts in so short a time.
            let unseen =
                FACTOR * (busiest as f64 * took.as_secs_f64() / INTERVAL.as_secs_f64()) as u64 + 5000;
            assert!(
                acknowledged <= counted + unseen,
                "{acknowledged} are acknowledged and {counted} counted: some are lost"
            );
            let again = counted.saturating_sub(acknowledged);
            measured(
                &format!("counted again after SIGKILL, round {round}"),
                format!("{again}; {busiest} in the busiest interval of {INTERVAL:?}, {counted} in all"),
            );
            assert!(again <= FACTOR * busiest, "{again} counted again, {} are the bound", FACTOR * busiest);
            before = sum(&offsets);
        }
    });
    feeder.flush();
    assert!(before < MESSAGES, "each was killed in the middle");
    let offsets = committed(&address, "kill", "kill", PARTITIONS);
    let last = consumer(&address, "kill", "kill", &SHORT_SESSION);
    let counts = wait_for_counts(&[&last], MESSAGES - before, PATIENCE);
    assert_eq!(counts, Counts::expected(behind(&offsets, MESSAGES)));
    broker.delete("kill");
}

/// The most that was counted within `interval`.
fn busiest(looks: &[(Instant, u64)], interval: Duration) -> u64 {
    let ends = looks.iter().enumerate();
    let within = ends.map(|(i, (at, counted))| {
        let start = looks[..i].iter().find(|(from, _)| *at - *from <= interval);
        start.map_or(0, |(_, before)| counted - before)
    });
    within.max().unwrap_or(0)
}

pub fn a_topic_that_is_missing_at_the_start(broker: &Broker) {
    let address = broker.address();
    let daemon = consumer(&address, "later", "later", &[]);
    std::thread::sleep(Duration::from_secs(3));
    let words = wait_for_ready(&daemon, 503, "later");
    assert!(words.to_lowercase().contains("unknown topic"), "the reason: {words}");
    measured("/readyz without the topic", words.trim());
    assert_eq!(daemon.get("/healthz").status, 200);
    broker.create("later", 2);
    let since = Instant::now();
    let feeder = Feeder::new(&address, "none");
    feeder.send_numbers("later", 2, 0..1000);
    feeder.flush();
    assert_eq!(wait_for_counts(&[&daemon], 1000, PATIENCE), Counts::expected(0..1000));
    wait_for_ready(&daemon, 200, "");
    measured("seconds from the topic's creation to all counted", since.elapsed().as_secs_f32());
}

pub fn a_broker_that_is_missing_at_the_start(broker: &Broker) {
    let address = broker.address();
    broker.create("asleep", 2);
    let feeder = Feeder::new(&address, "none");
    feeder.send_numbers("asleep", 2, 0..1000);
    feeder.flush();
    drop(feeder);
    broker.stop();
    let daemon = consumer(&address, "asleep", "asleep", &[]);
    std::thread::sleep(Duration::from_secs(8));
    let words = wait_for_ready(&daemon, 503, &address);
    assert!(words.contains("refused"), "the reason: {words}");
    measured("/readyz without a broker", words.trim());
    let lines = daemon.log().lines().count();
    measured("lines in the log after 8 s without a broker", lines);
    assert!(lines <= 20, "the log is flooded:\n{}", daemon.log());
    broker.start();
    let since = Instant::now();
    assert_eq!(wait_for_counts(&[&daemon], 1000, PATIENCE), Counts::expected(0..1000));
    wait_for_ready(&daemon, 200, "");
    measured("seconds from the broker's first answer to all counted", since.elapsed().as_secs_f32());
}

/// It ends in time though nobody takes its last commit; what that held is counted again, and nothing is lost.
pub fn sigterm_without_a_broker(broker: &Broker) {
    let address = broker.address();
    broker.create("alone", 2);
    let feeder = Feeder::new(&address, "none");
    feeder.send_numbers("alone", 2, 0..5000);
    feeder.flush();
    drop(feeder);
    let daemon = consumer(&address, "alone", "alone", &SHORT_SESSION);
    wait_for_counts(&[&daemon], 5000, PATIENCE);
    broker.stop();
    wait_for_ready(&daemon, 503, &address);
    let since = Instant::now();
    assert_eq!(terminate(daemon), 5000);
    measured("seconds from SIGTERM to the exit without a broker", since.elapsed().as_secs_f32());
    assert!(since.elapsed() < Duration::from_secs(10), "shutdown_timeout");
    broker.start();
    let feeder = Feeder::new(&address, "none");
    feeder.send_numbers("alone", 2, 5000..6000);
    feeder.flush();
    let offsets = committed(&address, "alone", "alone", 2);
    let wanted = Counts::expected(behind(&offsets, 6000));
    assert!((1000..=6000).contains(&wanted.records), "{offsets:?}");
    let next = consumer(&address, "alone", "alone", &SHORT_SESSION);
    assert_eq!(wait_for_counts(&[&next], wanted.records, PATIENCE), wanted);
}

/// Nothing is committed before the end, where the broker does not take it.
const NO_COMMIT: [&str; 6] =
    ["--kafka-commit-interval", "1h", "--shutdown-timeout", "4s", SHORT_SESSION[0], SHORT_SESSION[1]];

pub fn sigterm_while_the_broker_hangs(broker: &Broker) {
    ends_without_its_commit(broker, "hangs", || broker.signal(Signal::STOP), || broker.signal(Signal::CONT));
}

pub fn sigterm_as_the_broker_dies(broker: &Broker) {
    ends_without_its_commit(broker, "dies", || broker.kill(), || broker.start());
}

/// It ends in time and says what that means; then it is so, and nothing is lost.
fn ends_without_its_commit(broker: &Broker, topic: &str, fail: impl Fn(), mend: impl Fn()) {
    let address = broker.address();
    broker.create(topic, 2);
    let feeder = Feeder::new(&address, "none");
    feeder.send_numbers(topic, 2, 0..5000);
    feeder.flush();
    let daemon = consumer(&address, topic, topic, &NO_COMMIT);
    wait_for_counts(&[&daemon], 5000, PATIENCE);
    fail();
    let since = Instant::now();
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    let took = since.elapsed();
    mend();
    measured(&format!("seconds from SIGTERM to the exit, the broker {topic}"), took.as_secs_f32());
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(took < Duration::from_secs(4), "shutdown_timeout: {took:?}");
    assert!(log.contains("records since the last commit are counted again"), "{log}");
    assert_eq!(records_in_log(&log), 5000);
    // A broker that wakes up finds the commit it was sent, and may take it.
    feeder.send_numbers(topic, 2, 5000..6000);
    feeder.flush();
    let next = consumer(&address, topic, topic, &SHORT_SESSION);
    let counts = within(PATIENCE, "what is not committed", || {
        let (offsets, counts) = (committed(&address, topic, topic, 2), Counts::scraped([&next]));
        (sum(&offsets) == 6000).then_some(counts)
    });
    assert!([1000, 6000].contains(&counts.records), "{counts:?}");
    assert_eq!(counts, Counts::expected(6000 - counts.records..6000));
}

pub fn a_broker_that_is_gone_for_20_seconds(broker: &Broker) {
    const MESSAGES: u64 = 300_000;
    let address = broker.address();
    broker.create("gone", PARTITIONS);
    let feeder = Feeder::new(&address, "lz4");
    let daemon = consumer(&address, "gone", "gone", &[]);
    std::thread::scope(|scope| {
        scope.spawn(|| feeder.send_over("gone", PARTITIONS as u64, 0..MESSAGES, Duration::from_secs(30)));
        within(PATIENCE, "the stream", || (records([&daemon]) > MESSAGES / 20).then_some(()));
        broker.stop();
        let words = wait_for_ready(&daemon, 503, &address);
        measured("/readyz when the broker has gone", words.trim());
        std::thread::sleep(Duration::from_secs(20));
        assert_eq!(daemon.get("/healthz").status, 200);
        broker.start();
    });
    let since = Instant::now();
    feeder.flush();
    within(PATIENCE, "all messages", || (records([&daemon]) >= MESSAGES).then_some(()));
    wait_for_ready(&daemon, 200, "");
    measured("seconds from the last message sent to all counted", since.elapsed().as_secs_f32());
    std::thread::sleep(Duration::from_secs(3));
    let counts = Counts::scraped([&daemon]);
    let again = counts.records - MESSAGES;
    measured("messages counted twice after 20 s without a broker", again);
    // Where the group lost its member: what is counted in an interval of a second, twice.
    assert!(again <= 2 * MESSAGES / 30, "{again} counted again");
    for (code, wanted) in Counts::expected(0..MESSAGES).codes {
        assert!(counts.codes[&code] >= wanted, "{code}: {} of {wanted}", counts.codes[&code]);
    }
    assert!(daemon.log().lines().count() <= 60, "the log is flooded:\n{}", daemon.log());
    terminate(daemon);
    assert_eq!(
        behind(&committed(&address, "gone", "gone", PARTITIONS), MESSAGES).count(),
        0,
        "not acknowledged"
    );
    broker.delete("gone");
}
