//! Nobody takes the events of one of two instances, for longer than a member may go without a poll.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::runner::measured;
use super::{Broker, PATIENCE};
use crate::feed::{Feeder, assigned, records, terminate, wait_for_ready, within};
use crate::support::daemon::Daemon;

const PARTITIONS: i32 = 4;

/// Longer than `max.poll.interval.ms`, twice.
const BLOCKED: Duration = Duration::from_secs(25);

const PROPERTIES: [&str; 3] =
    ["max.poll.interval.ms=10000", "session.timeout.ms=6000", "heartbeat.interval.ms=2000"];

fn start(broker: &Broker) -> Daemon {
    let address = broker.address();
    let mut args = vec!["--source", "kafka", "--kafka-brokers", &address, "--kafka-topics", "blocked"];
    args.extend(["--kafka-group", "blocked", "--kafka-start", "earliest", "--events", "stdout"]);
    PROPERTIES.iter().for_each(|property| args.extend(["--kafka-properties", property]));
    Daemon::spawn_to(&args, Stdio::null(), Stdio::piped())
}

/// Reads the events of an instance to their end: partition and offset of each.
fn read(daemon: &mut Daemon, places: &mpsc::Sender<(u64, u64)>) -> std::thread::JoinHandle<()> {
    let (stdout, places) = (BufReader::new(daemon.stdout()), places.clone());
    std::thread::spawn(move || {
        for line in stdout.lines() {
            let event: serde_json::Value = serde_json::from_str(&line.expect("text")).expect("JSON");
            let number = |name: &str| event["source"][name].as_u64().expect("a number");
            places.send((number("partition"), number("offset"))).expect("somebody counts them");
        }
    })
}

/// No member is thrown out, the lag is right or absent at every scrape, nothing is counted twice, and `/readyz` says
/// what is waited for.
pub fn a_sink_longer_than_the_poll_interval(broker: &Broker) {
    const MESSAGES: u64 = 80_000;
    broker.create("blocked", PARTITIONS);
    let (mut stuck, mut other) = (start(broker), start(broker));
    within(PATIENCE, "two partitions each", || {
        (assigned(&stuck) == 2 && assigned(&other) == 2).then_some(())
    });
    let (told, places) = mpsc::channel();
    let reading = read(&mut other, &told);
    let feeder = Feeder::new(&broker.address(), "lz4");
    for i in 0..MESSAGES {
        feeder.send(
            "blocked",
            (i % PARTITIONS as u64) as i32,
            Some(b"{\"code\":\"Ecs.0043\",\"level\":\"error\"}"),
        );
    }
    feeder.flush();
    let words = wait_for_ready(&stuck, 503, "standard output");
    assert!(words.contains("nobody reads"), "{words}");
    within(PATIENCE, "the other's share", || (records([&other]) == MESSAGES / 2).then_some(()));
    let rebalances = |daemon: &Daemon| daemon.scrape().value("errtally_kafka_rebalances_total", &[]);
    let before = (rebalances(&stuck), rebalances(&other));
    let (since, mut scrapes, mut absent) = (Instant::now(), 0, 0);
    while since.elapsed() < BLOCKED {
        let scrape = stuck.scrape();
        let counted = scrape.sum("errtally_records_total", &[]);
        let lags: Vec<f64> = scrape.of("errtally_kafka_consumer_lag", &[]).map(|s| s.value).collect();
        match lags[..] {
            [one, two] => assert_eq!(one + two, MESSAGES as f64 / 2.0 - counted, "{lags:?}"),
            _ => absent += 1,
        }
        assert_eq!(stuck.get("/readyz").status, 503);
        scrapes += 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    measured("scrapes of a blocked instance, those without a lag", format!("{scrapes}, {absent}"));
    assert!(scrapes > 50 && absent * 10 < scrapes, "{absent} of {scrapes} without a lag");
    assert_eq!((rebalances(&stuck), rebalances(&other)), before, "nobody was thrown out");
    assert_eq!((assigned(&stuck), assigned(&other)), (2, 2));
    let reading_too = read(&mut stuck, &told);
    drop(told);
    within(PATIENCE, "all of it", || (records([&stuck, &other]) == MESSAGES).then_some(()));
    wait_for_ready(&stuck, 200, "");
    assert_eq!(terminate(stuck) + terminate(other), MESSAGES);
    [reading, reading_too].into_iter().for_each(|thread| thread.join().expect("the events"));
    let mut places: Vec<(u64, u64)> = places.iter().collect();
    places.sort_unstable();
    let all = (0..PARTITIONS as u64).flat_map(|p| (0..MESSAGES / PARTITIONS as u64).map(move |o| (p, o)));
    assert!(places.into_iter().eq(all), "each event once");
    broker.delete("blocked");
}
