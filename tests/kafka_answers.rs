//! What a broker may answer: nothing ends the process but what librdkafka calls fatal, nothing makes it spin, and every
//! end is within its time.

mod feed;
mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use feed::{Counts, Feeder, assigned, records, terminate, wait_for_counts, wait_for_ready, within};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::RDKafkaApiKey;
use rdkafka::types::RDKafkaRespErr::{self, *};
use rustix::process::Signal;
use support::daemon::Daemon;
use support::{Raise, wait_for};

type Cluster = MockCluster<'static, DefaultProducerContext>;

const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster of one broker with a topic `logs` of two partitions, and 1,000 messages in it.
fn cluster() -> (Cluster, String, Feeder) {
    let cluster = MockCluster::new(1).expect("a mock cluster");
    cluster.create_topic("logs", 2, 1).expect("a topic");
    let brokers = cluster.bootstrap_servers();
    let feeder = Feeder::new(&brokers, "none");
    feeder.send_numbers("logs", 2, 0..1000);
    feeder.flush();
    (cluster, brokers, feeder)
}

#[track_caller]
fn consumer(brokers: &str, more: &[&str]) -> Daemon {
    let mut args = more.to_vec();
    for property in ["session.timeout.ms=4000", "heartbeat.interval.ms=500"] {
        args.extend(["--kafka-properties", property]);
    }
    feed::consumer(brokers, "logs", "g", &args)
}

/// Another instance with the same `kafka.instance_id` has joined: librdkafka can do nothing more. The process says so
/// and ends in its time, though the broker takes no commit and answers nothing any more.
#[test]
fn a_fatal_answer_ends_it_in_time() {
    for hangs in [false, true] {
        let (cluster, brokers, _feeder) = cluster();
        let daemon = consumer(&brokers, &["--kafka-instance-id", "one", "--kafka-commit-interval", "1h"]);
        wait_for_counts(&[&daemon], 1000, PATIENCE);
        cluster.request_errors(RDKafkaApiKey::OffsetCommit, &[RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID; 100]);
        cluster.request_errors(RDKafkaApiKey::Heartbeat, &[RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID; 100]);
        daemon.wait_for_log("failed for good: ");
        let since = Instant::now();
        if hangs {
            cluster.broker_round_trip_time(1, Duration::from_secs(60)).expect("it is slow");
        }
        let (status, log) = daemon.wait();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(since.elapsed() < Duration::from_secs(10), "{:?}: {log}", since.elapsed());
        assert!(log.contains("fenced by other") && log.contains("give each one of its own"), "{log}");
        assert!(log.contains("records=1000"), "the summary: {log}");
        assert!(!log.contains("panicked"), "{log}");
    }
}

/// What was counted since the last scrape may be committed, so that nobody counts it again: it can be scraped before
/// the process ends.
#[test]
fn a_fatal_answer_lets_the_last_counts_be_seen() {
    let (cluster, brokers, feeder) = cluster();
    let daemon = consumer(&brokers, &["--kafka-instance-id", "one", "--shutdown-timeout", "20s"]);
    wait_for_counts(&[&daemon], 1000, PATIENCE);
    feeder.send_numbers("logs", 2, 1000..1500);
    feeder.flush();
    within(PATIENCE, "the rest", || (daemon.get("/api/v1/codes").json()["records"] == 1500).then_some(()));
    cluster.request_errors(RDKafkaApiKey::Heartbeat, &[RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID; 100]);
    daemon.wait_for_log("waiting for a last scrape");
    assert!(daemon.log().contains("reading failed: "), "it is told at once: {}", daemon.log());
    assert_eq!(daemon.get("/readyz").status, 503);
    assert_eq!(records([&daemon]), 1500);
    let since = Instant::now();
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(since.elapsed() < Duration::from_secs(10) && !log.contains("nobody scraped"), "{log}");
}

/// What a commit is refused with is tried again until the time is over, and no longer.
#[test]
fn a_commit_that_is_refused_again_and_again_ends_in_time() {
    for error in [
        RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
        RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
        RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
        RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
    ] {
        let (cluster, brokers, _feeder) = cluster();
        let daemon = consumer(&brokers, &["--kafka-commit-interval", "1h", "--shutdown-timeout", "4s"]);
        wait_for_counts(&[&daemon], 1000, PATIENCE);
        for key in [RDKafkaApiKey::OffsetCommit, RDKafkaApiKey::LeaveGroup, RDKafkaApiKey::Heartbeat] {
            cluster.request_errors(key, &[error; 10_000]);
        }
        let since = Instant::now();
        daemon.signal(Signal::TERM);
        let (status, log) = daemon.wait();
        assert_eq!(status.code(), Some(0), "{error:?}: {log}");
        assert!(since.elapsed() < Duration::from_secs(5), "{error:?}: {:?}: {log}", since.elapsed());
        assert!(log.contains("records since the last commit are counted again"), "{error:?}: {log}");
        assert!(log.lines().count() < 40, "{error:?}: {log}");
    }
}

/// Errors that brokers give, also where they should not.
const ERRORS: [RDKafkaRespErr; 16] = [
    RD_KAFKA_RESP_ERR_UNKNOWN,
    RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,
    RD_KAFKA_RESP_ERR_INVALID_MSG,
    RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
    RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
    RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
    RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
    RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
    RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
    RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
    RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
    RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
    RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION,
    RD_KAFKA_RESP_ERR_INVALID_REQUEST,
    RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
    RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
];

/// Clock ticks of a process: a hundredth of a second each.
fn ticks(daemon: &Daemon) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", daemon.pid())).expect("procfs");
    let (_, rest) = stat.rsplit_once(')').expect("a name in parentheses");
    let fields: Vec<u64> = rest.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // utime and stime, the state in front of them being no number: fields 14 and 15 of proc(5).
    fields[10] + fields[11]
}

/// Errors while it starts: it comes to count all the same.
#[test]
fn errors_at_the_start_are_outlived() {
    for key in [
        RDKafkaApiKey::Metadata,
        RDKafkaApiKey::FindCoordinator,
        RDKafkaApiKey::JoinGroup,
        RDKafkaApiKey::SyncGroup,
        RDKafkaApiKey::OffsetFetch,
        RDKafkaApiKey::ListOffsets,
    ] {
        let (cluster, brokers, feeder) = cluster();
        cluster.request_errors(key, &ERRORS);
        let daemon = consumer(&brokers, &[]);
        // Longer than the answers last, so that what comes late is seen.
        let until = Instant::now() + Duration::from_secs(8);
        while Instant::now() < until && records([&daemon]) < 1000 {
            assert_eq!(daemon.get("/healthz").status, 200, "{key:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
        let (before, since) = (ticks(&daemon), Instant::now());
        std::thread::sleep(Duration::from_secs(1));
        let share = (ticks(&daemon) - before) as f64 / (100.0 * since.elapsed().as_secs_f64());
        println!("{key:?}: {share:.2} of a core, {} lines logged", daemon.log().lines().count());
        assert!(share < 0.5, "{key:?}: it spins with {share:.2} of a core");
        cluster.clear_request_errors(key);
        feeder.send_numbers("logs", 2, 1000..1200);
        feeder.flush();
        assert_eq!(wait_for_counts(&[&daemon], 1200, PATIENCE), Counts::expected(0..1200), "{key:?}");
        wait_for_ready(&daemon, 200, "");
        assert!(daemon.log().lines().count() < 60, "{key:?}: {}", daemon.log());
        terminate(daemon);
    }
}

/// Errors while it runs: nothing is lost, nothing ends.
#[test]
fn errors_while_it_runs_are_outlived() {
    for key in [
        RDKafkaApiKey::Fetch,
        RDKafkaApiKey::Heartbeat,
        RDKafkaApiKey::OffsetCommit,
        RDKafkaApiKey::ListOffsets,
        RDKafkaApiKey::Metadata,
    ] {
        let (cluster, brokers, feeder) = cluster();
        let daemon = consumer(&brokers, &[]);
        wait_for_counts(&[&daemon], 1000, PATIENCE);
        cluster.request_errors(key, &ERRORS);
        feeder.send_numbers("logs", 2, 1000..2000);
        feeder.flush();
        within(PATIENCE, "the next thousand", || (records([&daemon]) >= 2000).then_some(()));
        std::thread::sleep(Duration::from_secs(3));
        let counted = records([&daemon]);
        // An offset that the broker calls out of range is read again from the oldest record kept, and that is told.
        let resets = daemon.scrape().sum("errtally_kafka_offset_resets_total", &[]);
        assert!(counted == 2000 || resets > 0.0, "{key:?}: {counted} counted, {resets} resets");
        println!("{key:?}: {counted} counted, {resets} resets, {} lines", daemon.log().lines().count());
        assert_eq!(daemon.get("/healthz").status, 200, "{key:?}");
        assert_eq!(assigned(&daemon), 2, "{key:?}");
        assert!(daemon.log().lines().count() < 60, "{key:?}: {}", daemon.log());
        cluster.clear_request_errors(key);
        terminate(daemon);
    }
}

/// What answers at the brokers' address without being one.
enum Impostor {
    /// Closes each connection at once.
    Closes,
    /// Reads, and says nothing.
    Silent,
    /// Says this to everybody, again and again.
    Says(&'static [u8]),
}

/// Something else at the brokers' address: it is waited for, with a reason, in bounded memory and without spinning.
#[test]
fn what_is_no_broker_is_waited_for() {
    // A length of 2 GiB, and one of -1, before anything else.
    let impostors = [
        ("closes", Impostor::Closes),
        ("silent", Impostor::Silent),
        ("http", Impostor::Says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")),
        ("huge", Impostor::Says(b"\x7f\xff\xff\xff\0\0\0\x01\0\0\0\0\0\0\0\0")),
        ("negative", Impostor::Says(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")),
        ("zeros", Impostor::Says(&[0; 4096])),
        // The length of an answer to the first question, and then what is none.
        ("garbage", Impostor::Says(b"\0\0\0\x20\0\0\0\x01\0\0\x7f\xff\xff\xff\xff\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19")),
    ];
    for (name, impostor) in impostors {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let over = Arc::new(AtomicBool::new(false));
        std::thread::scope(|scope| {
            let (ended, impostor) = (over.clone(), &impostor);
            scope.spawn(move || impersonate(&listener, impostor, &ended));
            let _raise = Raise(&over);
            let daemon = consumer(&address, &["--shutdown-timeout", "4s"]);
            let words = wait_for_ready(&daemon, 503, "waiting for a connection");
            assert!(words.contains(&address), "{name}: {words}");
            std::thread::sleep(Duration::from_secs(2));
            let (before, since) = (ticks(&daemon), Instant::now());
            std::thread::sleep(Duration::from_secs(2));
            let share = (ticks(&daemon) - before) as f64 / (100.0 * since.elapsed().as_secs_f64());
            let memory = daemon.peak_memory() >> 20;
            let words = daemon.get("/readyz").text().trim().to_owned();
            println!("{name}: {share:.2} of a core, {memory} MiB, {words}");
            assert!(share < 0.5, "{name}: it spins with {share:.2} of a core");
            assert!(memory < 96, "{name}: {memory} MiB");
            assert!(daemon.log().lines().count() < 40, "{name}: {}", daemon.log());
            let since = Instant::now();
            assert_eq!(terminate(daemon), 0, "{name}");
            assert!(since.elapsed() < Duration::from_secs(5), "{name}: {:?}", since.elapsed());
        });
    }
}

/// Answers until `over`.
fn impersonate(listener: &TcpListener, impostor: &Impostor, over: &AtomicBool) {
    listener.set_nonblocking(true).expect("it does not wait");
    let mut open = Vec::new();
    while !over.load(Ordering::Relaxed) {
        if let Ok((connection, _)) = listener.accept() {
            connection.set_nonblocking(true).expect("it does not wait");
            if !matches!(impostor, Impostor::Closes) {
                open.push(connection);
            }
        }
        open.retain_mut(|connection| {
            let mut question = [0; 4096];
            match (connection.read(&mut question), impostor) {
                (Ok(0), _) => false,
                (Ok(_), Impostor::Says(words)) => connection.write_all(words).is_ok(),
                _ => true,
            }
        });
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A broker's records may be what they like: those that a codec cannot unpack, or that are damaged, are told and do not
/// end it.
#[test]
fn a_topic_that_is_refused_says_so_and_comes_back() {
    let (cluster, brokers, _feeder) = cluster();
    cluster.topic_error("logs", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED).expect("it refuses");
    let daemon = consumer(&brokers, &[]);
    let words = wait_for_ready(&daemon, 503, "uthoriz");
    println!("{words}");
    cluster.topic_error("logs", RD_KAFKA_RESP_ERR_NO_ERROR).expect("it allows");
    wait_for("the topic", || (records([&daemon]) == 1000).then_some(()));
    wait_for_ready(&daemon, 200, "");
    terminate(daemon);
}
