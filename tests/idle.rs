//! What errtally takes where nothing happens: next to nothing of a processor.

mod feed;
mod support;

use std::process::Stdio;
use std::time::{Duration, Instant};

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use support::daemon::Daemon;

/// How long is measured.
const TIME: Duration = Duration::from_secs(20);

/// Parts of a core that an idle process may take. The promise is 0.002 of one that is built for release; here it is
/// not, and it shares a busy machine.
const MOST: f64 = 0.004;

/// As [`MOST`], for a member of a group: statistics every second, and questions to the brokers every two.
const MOST_OF_A_MEMBER: f64 = 0.02;

fn cluster() -> (MockCluster<'static, DefaultProducerContext>, String) {
    let cluster = MockCluster::new(1).expect("a mock cluster");
    cluster.create_topic("logs", 4, 1).expect("a topic");
    cluster.create_topic("events", 4, 1).expect("a topic");
    let brokers = cluster.bootstrap_servers();
    (cluster, brokers)
}

/// Time that all threads of a process have had a processor.
fn busy(daemon: &Daemon) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", daemon.pid())).expect("procfs");
    let nanoseconds = tasks.filter_map(|task| {
        let path = task.ok()?.path().join("schedstat");
        std::fs::read_to_string(path).ok()?.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// The part of a core that it takes while nothing happens.
fn share(daemon: &Daemon) -> f64 {
    // What it does once is done by then.
    std::thread::sleep(Duration::from_secs(3));
    let (before, since) = (busy(daemon), Instant::now());
    std::thread::sleep(TIME);
    let share = (busy(daemon) - before).as_secs_f64() / since.elapsed().as_secs_f64();
    println!("measured: {:.3} % of a core", share * 100.0);
    share
}

#[test]
fn events_to_kafka_cost_nothing_while_there_are_none() {
    let (_cluster, brokers) = cluster();
    let args = ["--events", "kafka", "--events-kafka-topic", "events", "--events-kafka-brokers", &brokers];
    let mut daemon = Daemon::spawn_to(&args, Stdio::piped(), Stdio::null());
    daemon.write("Ecs.0114\n");
    support::wait_for("the event", || {
        (daemon.scrape().sum("errtally_events_total", &[]) == 1.0).then_some(())
    });
    let share = share(&daemon);
    assert!(share < MOST, "{:.3} % of a core", share * 100.0);
}

#[test]
fn a_silent_topic_costs_little() {
    let (_cluster, brokers) = cluster();
    let daemon = feed::consumer(&brokers, "logs", "g", &[]);
    feed::wait_for_ready(&daemon, 200, "");
    let share = share(&daemon);
    assert!(share < MOST_OF_A_MEMBER, "{:.3} % of a core", share * 100.0);
}

#[test]
fn a_silent_input_costs_nothing() {
    let daemon = Daemon::start(&[]);
    let share = share(&daemon);
    assert!(share < MOST, "{:.3} % of a core", share * 100.0);
}
