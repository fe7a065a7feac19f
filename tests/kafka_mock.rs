//! The Kafka source against librdkafka's own mock of a cluster: no Java, part of every run of the tests.
//!
//! The mock keeps 5 MB of each partition, so that little is sent here. `kafka.rs` does the same, and more, to a real
//! broker.

mod feed;
mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use errtally::metrics::ALL;
use feed::{
    Counts, Feeder, assigned, behind, committed, records, records_in_log, terminate, wait_for_counts,
    wait_for_ready, within,
};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use support::daemon::Daemon;
use support::wait_for;

type Cluster = MockCluster<'static, DefaultProducerContext>;

const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster of one broker with a topic `logs`.
fn cluster(partitions: i32) -> (Cluster, String) {
    let cluster = MockCluster::new(1).expect("a mock cluster");
    cluster.create_topic("logs", partitions, 1).expect("a topic");
    let brokers = cluster.bootstrap_servers();
    (cluster, brokers)
}

/// A daemon as in [`feed::consumer`]. When a member leaves, the mock waits for the session to be over before it lets
/// another join, which a broker does not.
#[track_caller]
fn consumer(brokers: &str, topics: &str, group: &str, more: &[&str]) -> Daemon {
    let mut args = more.to_vec();
    for property in ["session.timeout.ms=4000", "heartbeat.interval.ms=500"] {
        args.extend(["--kafka-properties", property]);
    }
    feed::consumer(brokers, topics, group, &args)
}

#[test]
fn counts_are_exact_over_partitions_and_instances() {
    const MESSAGES: u64 = 40_000;
    let (_cluster, brokers) = cluster(6);
    let instances = [(); 2].map(|()| consumer(&brokers, "logs", "g", &[]));
    within(PATIENCE, "three partitions each", || instances.iter().all(|i| assigned(i) == 3).then_some(()));
    let feeder = Feeder::new(&brokers, "lz4");
    feeder.send_numbers("logs", 6, 0..MESSAGES);
    feeder.flush();
    let counts = wait_for_counts(&instances.each_ref(), MESSAGES, PATIENCE);
    assert_eq!(counts, Counts::expected(0..MESSAGES));
    assert!(instances.iter().all(|i| records([i]) == MESSAGES / 2), "each has counted its own partitions");
}

#[test]
fn metrics_of_the_consumer() {
    let (_cluster, brokers) = cluster(2);
    let feeder = Feeder::new(&brokers, "none");
    feeder.send_numbers("logs", 2, 0..500);
    feeder.flush();
    let daemon = consumer(&brokers, "logs", "g", &[]);
    wait_for_counts(&[&daemon], 500, PATIENCE);
    // Known, and fallen to zero, from the next statistics on; the first commit comes with its interval.
    let scrape = wait_for("lag and commits", || {
        let scrape = daemon.scrape();
        let known = scrape.of("errtally_kafka_consumer_lag", &[]).count() == 2;
        let commits = scrape.value("errtally_kafka_commits_total", &[]).expect("commits");
        (known && commits > 0.0).then_some(scrape)
    });
    for metric in ALL.iter().filter(|m| m.name.starts_with("errtally_kafka_")) {
        let labels: BTreeSet<_> = metric.labels.iter().copied().collect();
        let samples: Vec<_> = scrape.of(metric.name, &[]).collect();
        // An error has a series once there was one of its kind.
        assert!(!samples.is_empty() || metric.name == "errtally_kafka_errors_total", "{}", metric.name);
        for sample in samples {
            assert_eq!(
                sample.labels.keys().map(String::as_str).collect::<BTreeSet<_>>(),
                labels,
                "{sample:?}"
            );
        }
    }
    for name in ["errtally_kafka_consumer_lag", "errtally_kafka_consumer_lag_seconds"] {
        for partition in ["0", "1"] {
            let lag = scrape.value(name, &[("topic", "logs"), ("partition", partition)]);
            assert_eq!(lag, Some(0.0), "{name} of {partition}");
        }
    }
    assert_eq!(scrape.value("errtally_kafka_connected", &[]), Some(1.0));
    assert_eq!(scrape.value("errtally_kafka_assigned_partitions", &[]), Some(2.0));
    assert_eq!(scrape.value("errtally_kafka_commit_failures_total", &[]), Some(0.0));
    assert!(scrape.value("errtally_kafka_rebalances_total", &[]) >= Some(1.0));
    assert_eq!(scrape.value("errtally_records_total", &[("source", "kafka")]), Some(500.0));
    assert_eq!(scrape.of("errtally_records_total", &[]).count(), 1, "no other source");
}

#[test]
fn a_new_group_begins_where_it_is_told_to() {
    let (_cluster, brokers) = cluster(3);
    let feeder = Feeder::new(&brokers, "none");
    feeder.send_numbers("logs", 3, 0..600);
    feeder.flush();
    let earliest = consumer(&brokers, "logs", "early", &[]);
    let latest = consumer(&brokers, "logs", "late", &["--kafka-start", "latest"]);
    wait_for_ready(&latest, 200, "");
    within(PATIENCE, "three partitions", || (assigned(&latest) == 3).then_some(()));
    feeder.send_numbers("logs", 3, 600..1000);
    feeder.flush();
    assert_eq!(wait_for_counts(&[&earliest], 1000, PATIENCE), Counts::expected(0..1000));
    assert_eq!(wait_for_counts(&[&latest], 400, PATIENCE), Counts::expected(600..1000));
    // The start is for a new group. This one is known: it goes on where it was, whatever is set.
    assert_eq!(terminate(latest), 400);
    feeder.send_numbers("logs", 3, 1000..1300);
    feeder.flush();
    for start in ["latest", "earliest"] {
        let group = consumer(&brokers, "logs", "late", &["--kafka-start", start]);
        let (from, to) = if start == "latest" { (1000, 1300) } else { (1300, 1600) };
        if start == "earliest" {
            feeder.send_numbers("logs", 3, 1300..1600);
            feeder.flush();
        }
        assert_eq!(wait_for_counts(&[&group], to - from, PATIENCE), Counts::expected(from..to), "{start}");
        terminate(group);
    }
}

#[test]
fn a_second_instance_goes_on_where_a_stopped_one_was() {
    const MESSAGES: u64 = 60_000;
    let (_cluster, brokers) = cluster(4);
    let first = consumer(&brokers, "logs", "g", &[]);
    within(PATIENCE, "four partitions", || (assigned(&first) == 4).then_some(()));
    let feeder = Feeder::new(&brokers, "none");
    let counted = std::thread::scope(|scope| {
        scope.spawn(|| feeder.send_over("logs", 4, 0..MESSAGES, Duration::from_secs(2)));
        within(PATIENCE, "the middle of the stream", || (records([&first]) > MESSAGES / 4).then_some(()));
        terminate(first)
    });
    feeder.flush();
    assert!(counted < MESSAGES, "it was stopped in the middle");
    let offsets = committed(&brokers, "g", "logs", 4);
    assert_eq!(
        offsets.iter().flatten().sum::<i64>(),
        counted as i64,
        "all that is counted is committed, and no more"
    );
    let second = consumer(&brokers, "logs", "g", &[]);
    let counts = wait_for_counts(&[&second], MESSAGES - counted, PATIENCE);
    assert_eq!(counts, Counts::expected(behind(&offsets, MESSAGES)));
}

#[test]
fn a_broker_that_goes_down_and_comes_back() {
    let (cluster, brokers) = cluster(2);
    let feeder = Feeder::new(&brokers, "none");
    feeder.send_numbers("logs", 2, 0..1000);
    feeder.flush();
    let daemon = consumer(&brokers, "logs", "g", &[]);
    wait_for_counts(&[&daemon], 1000, PATIENCE);
    wait_for_ready(&daemon, 200, "");
    cluster.broker_down(1).expect("it goes down");
    let words = wait_for_ready(&daemon, 503, &format!("waiting for a connection to {brokers}"));
    assert!(words.contains("onnect"), "the reason: {words}");
    let scrape = wait_for("an error", || {
        let scrape = daemon.scrape();
        (scrape.sum("errtally_kafka_errors_total", &[]) >= 1.0).then_some(scrape)
    });
    assert_eq!(scrape.value("errtally_kafka_connected", &[]), Some(0.0));
    assert_eq!(daemon.get("/healthz").status, 200, "it is alive all the same");
    cluster.broker_up(1).expect("it comes back");
    // The first one waits a minute for an answer that the mock has forgotten.
    let feeder = Feeder::new(&brokers, "none");
    feeder.send_numbers("logs", 2, 1000..2000);
    feeder.flush();
    assert_eq!(wait_for_counts(&[&daemon], 2000, PATIENCE), Counts::expected(0..2000));
    wait_for_ready(&daemon, 200, "");
    assert_eq!(daemon.scrape().value("errtally_kafka_connected", &[]), Some(1.0));
    assert_eq!(terminate(daemon), 2000);
}

#[test]
fn nobody_listens_at_the_start() {
    // Taken and given back: nobody is there.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let daemon = consumer(&format!("127.0.0.1:{port}"), "logs", "g", &[]);
    let words = wait_for_ready(&daemon, 503, "refused");
    // Long enough for some attempts: the reason stays, and the log is not flooded with it.
    std::thread::sleep(Duration::from_secs(3));
    let later = wait_for_ready(&daemon, 503, "waiting for a connection");
    assert!(later.contains("refused"), "the reason is still told: {later}");
    let lines = daemon.log().lines().count();
    assert!(lines <= 10, "{lines} lines in 3 s:\n{}", daemon.log());
    assert!(words.contains(&format!("127.0.0.1:{port}")), "it names the broker: {words}");
    let scrape = daemon.scrape();
    assert_eq!(scrape.value("errtally_kafka_connected", &[]), Some(0.0));
    assert_eq!(scrape.of("errtally_kafka_consumer_lag", &[]).count(), 0);
    assert_eq!(terminate(daemon), 0, "it stops at once all the same");
}

#[test]
fn a_topic_that_comes_later() {
    let (cluster, brokers) = cluster(1);
    // From its start all the same: the group was waiting for it.
    let daemon = consumer(&brokers, "later", "g", &["--kafka-start", "latest"]);
    let words = wait_for_ready(&daemon, 503, "later");
    assert!(words.to_lowercase().contains("unknown topic"), "the reason: {words}");
    cluster.create_topic("later", 2, 1).expect("a topic");
    let feeder = Feeder::new(&brokers, "none");
    feeder.send_numbers("later", 2, 0..300);
    feeder.flush();
    assert_eq!(wait_for_counts(&[&daemon], 300, PATIENCE), Counts::expected(0..300));
    wait_for_ready(&daemon, 200, "");
}

#[test]
fn a_broker_that_does_not_answer_when_it_stops() {
    let (cluster, brokers) = cluster(2);
    let feeder = Feeder::new(&brokers, "none");
    feeder.send_numbers("logs", 2, 0..1000);
    feeder.flush();
    // Nothing is committed but what is where it begins.
    let daemon =
        consumer(&brokers, "logs", "g", &["--kafka-commit-interval", "1h", "--shutdown-timeout", "4s"]);
    wait_for_counts(&[&daemon], 1000, PATIENCE);
    cluster.broker_round_trip_time(1, Duration::from_secs(60)).expect("it is slow");
    let since = Instant::now();
    daemon.signal(rustix::process::Signal::TERM);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
    assert!(log.contains("does not answer; records since the last commit are counted again"), "{log}");
    assert_eq!(records_in_log(&log), 1000);
}

#[test]
fn what_librdkafka_says_of_its_work() {
    let (_cluster, brokers) = cluster(2);
    let feeder = Feeder::new(&brokers, "none");
    feeder.send_numbers("logs", 2, 0..1000);
    feeder.flush();
    let debug = ["--kafka-properties", "debug=cgrp,topic"];
    let told = consumer(&brokers, "logs", "told", &[&debug[..], &["--log-level", "debug"]].concat());
    assert_eq!(wait_for_counts(&[&told], 1000, PATIENCE), Counts::expected(0..1000));
    told.wait_for_log("DEBUG librdkafka: ");
    told.wait_for_log("facility=\"CGRPJOINSTATE\"");
    // Its lines come by the same queue as everything else, and hold nothing up.
    assert_eq!(terminate(told), 1000);
    let silent = consumer(&brokers, "logs", "silent", &debug);
    assert_eq!(wait_for_counts(&[&silent], 1000, PATIENCE), Counts::expected(0..1000));
    let log = silent.log();
    assert!(!log.contains("librdkafka: ") && log.contains("log_level debug or trace"), "{log}");
}

/// A sink that waits for longer than a member may go without a poll: the member stays, and nothing is counted twice.
#[test]
fn a_sink_that_waits_keeps_nobody_from_polling() {
    const MESSAGES: u64 = 16_000;
    let (_cluster, brokers) = cluster(2);
    let mut more = vec!["--events", "stdout", "--kafka-start", "earliest"];
    for property in ["max.poll.interval.ms=10000", "session.timeout.ms=4000", "heartbeat.interval.ms=500"] {
        more.extend(["--kafka-properties", property]);
    }
    let mut args = vec!["--source", "kafka", "--kafka-brokers", &brokers, "--kafka-topics", "logs"];
    args.extend(&more);
    let mut daemon = Daemon::spawn_to(&args, std::process::Stdio::null(), std::process::Stdio::piped());
    let feeder = Feeder::new(&brokers, "none");
    for i in 0..MESSAGES {
        feeder.send(
            "logs",
            (i % 2) as i32,
            Some(b"{\"code\":\"Ecs.0043\",\"message\":\"the instance is busy\"}"),
        );
    }
    feeder.flush();
    let words = wait_for_ready(&daemon, 503, "standard output");
    assert!(words.contains("nobody reads"), "{words}");
    let rebalances = |daemon: &Daemon| daemon.scrape().value("errtally_kafka_rebalances_total", &[]);
    let before = (rebalances(&daemon), records([&daemon]));
    assert!(before.1 < MESSAGES, "it waits in the middle");
    std::thread::sleep(Duration::from_secs(13));
    assert_eq!((rebalances(&daemon), records([&daemon])), before, "still the same member");
    assert_eq!(assigned(&daemon), 2);
    assert!(!daemon.log().contains("max.poll"), "{}", daemon.log());
    let stdout = daemon.stdout();
    let reader = std::thread::spawn(move || {
        use std::io::BufRead;
        let lines = std::io::BufReader::new(stdout).lines().map(|line| line.expect("text"));
        lines.filter(|line| !line.is_empty()).collect::<Vec<String>>()
    });
    assert_eq!(wait_for_counts(&[&daemon], MESSAGES, PATIENCE).matched, MESSAGES);
    wait_for_ready(&daemon, 200, "");
    terminate(daemon);
    let events = reader.join().expect("the reader");
    let places: BTreeSet<String> = events
        .iter()
        .map(|event| {
            let event: serde_json::Value = serde_json::from_str(event).expect("JSON");
            event["source"].to_string()
        })
        .collect();
    assert_eq!((events.len() as u64, places.len() as u64), (MESSAGES, MESSAGES), "each once");
}

/// A reload holds for the next record, though nothing was counted in between.
#[test]
fn a_reload_holds_from_the_next_record_on() {
    let (_cluster, brokers) = cluster(1);
    let folder = tempfile::tempdir().expect("a folder");
    let catalog = folder.path().join("mine.yaml");
    let write = |action: &str| {
        let text = format!(
            "service: MINE\nfull_name: Mine\nsource: none\nfamilies:\n  - {{prefix: MINE, grammar: NNNN}}\ncodes:\n{action}"
        );
        std::fs::write(&catalog, text).expect("it is written");
    };
    write(
        "  - {code: MINE.0001, http_status: 400, message: a, category: quota, retryable: false, action: Ask.}\n",
    );
    let path = catalog.display().to_string();
    let daemon = consumer(&brokers, "logs", "g", &["--catalog", &path]);
    let feeder = Feeder::new(&brokers, "none");
    feeder.send("logs", 0, Some(b"MINE.0001 MINE.0002"));
    feeder.flush();
    daemon.wait_for_records(1);
    assert_eq!(daemon.scrape().sum("errtally_unknown_codes_total", &[("code", "MINE.0002")]), 1.0);
    write(
        "  - {code: MINE.0001, http_status: 400, message: a, category: quota, retryable: false, action: Ask.}\n  \
         - {code: MINE.0002, http_status: 400, message: b, category: quota, retryable: false, action: Ask.}\n",
    );
    daemon.signal(rustix::process::Signal::HUP);
    daemon.wait_for_log("reloaded");
    feeder.send("logs", 0, Some(b"MINE.0002"));
    feeder.flush();
    let scrape = daemon.wait_for_records(2);
    assert_eq!(scrape.sum("errtally_unknown_codes_total", &[("code", "MINE.0002")]), 1.0, "not again");
    assert_eq!(scrape.sum("errtally_errors_total", &[("code", "MINE.0002")]), 1.0);
}

/// Entries of the journal come as `journalctl --output=json` writes them: what is no plain text is a list of bytes.
#[test]
fn messages_that_the_journal_has_as_bytes_are_read() {
    let (_cluster, brokers) = cluster(1);
    let args =
        ["--source", "kafka", "--kafka-brokers", &brokers, "--kafka-topics", "logs", "--events", "stdout"];
    let more = ["--kafka-start", "earliest", "--join-lines", "off"];
    let args = [&args[..], &more].concat();
    let mut daemon = Daemon::spawn_to(&args, std::process::Stdio::null(), std::process::Stdio::piped());
    let bytes = |text: &str| text.bytes().map(|b| b.to_string()).collect::<Vec<_>>().join(",");
    let entry = |message: &str| {
        format!(r#"{{"PRIORITY":"3","__REALTIME_TIMESTAMP":"1767323045000000","MESSAGE":{message}}}"#)
    };
    let feeder = Feeder::new(&brokers, "none");
    for text in [
        entry(&format!("[{}]", bytes("\x1b[31mfailed\x1b[0m Ecs.0114"))),
        entry(&format!("[228,32,{}]", bytes("CSS.0015: no disk is left"))),
        entry(r#""failed Ecs.0043""#),
        // Another program's list of numbers is no text.
        format!(r#"{{"level":"error","MESSAGE":[{}]}}"#, bytes("Ecs.0005")),
    ] {
        feeder.send("logs", 0, Some(text.as_bytes()));
    }
    feeder.flush();
    let counts = wait_for_counts(&[&daemon], 4, PATIENCE);
    let codes: Vec<(&str, u64)> = counts.codes.iter().map(|(code, n)| (code.as_str(), *n)).collect();
    assert_eq!(codes, [("CSS.0015", 1), ("Ecs.0043", 1), ("Ecs.0114", 1)]);
    let stdout = daemon.stdout();
    terminate(daemon);
    use std::io::BufRead;
    let events: Vec<serde_json::Value> = std::io::BufReader::new(stdout)
        .lines()
        .map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"))
        .collect();
    assert_eq!(events.len(), 3);
    for (offset, event) in events.iter().enumerate() {
        assert_eq!(event["level"], "error", "{event}");
        assert_eq!(event["time"], "2026-01-02T03:04:05Z", "{event}");
        assert_eq!(event["source"]["offset"], offset, "{event}");
    }
    assert_eq!(events[1]["message"], "no disk is left");
}
