//! Events to a topic, through the library, against librdkafka's own mock of a cluster: acknowledged one by one, and
//! none given up.

#[path = "sinks/lines.rs"]
mod lines;
mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use errtally::sink::Sink;
use errtally::sink::settings::{EventKafkaSettings, EventSettings, EventsTo};
use lines::{Around, failed, lines};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::RDKafkaApiKey;
use rdkafka::types::RDKafkaRespErr::{
    RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
    RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
};
use rdkafka::{Offset, TopicPartitionList};
use support::{run, wait_for};

type Cluster = MockCluster<'static, DefaultProducerContext>;

fn cluster(brokers: i32, partitions: i32) -> Cluster {
    let cluster = MockCluster::new(brokers).expect("a mock cluster");
    cluster.create_topic("events", partitions, 1).expect("a topic");
    cluster
}

fn to(brokers: &str, properties: &[(&str, &str)]) -> (Box<dyn Sink>, Around) {
    let settings = EventSettings {
        to: EventsTo::Kafka,
        kafka: EventKafkaSettings {
            brokers: vec![brokers.to_owned()],
            topic: "events".to_owned(),
            properties: properties.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        },
        ..EventSettings::default()
    };
    let around = Around::new(EventsTo::Kafka);
    (around.open(&settings).expect("a producer"), around)
}

/// Messages of `events` until there are `count` of them: partition, key and payload.
fn messages(brokers: &str, partitions: i32, count: usize) -> Vec<(i32, String, String)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "reader")
        .create()
        .expect("a consumer");
    let mut all = TopicPartitionList::new();
    for partition in 0..partitions {
        all.add_partition_offset("events", partition, Offset::Beginning).expect("a partition");
    }
    consumer.assign(&all).expect("assigned");
    let mut found = Vec::new();
    let until = Instant::now() + support::DEADLINE;
    // A moment longer, for those that would be too many.
    let mut last = Instant::now();
    while found.len() < count || last.elapsed() < Duration::from_millis(300) {
        assert!(Instant::now() < until, "{} of {count} messages", found.len());
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) {
            let text =
                |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap_or_default().to_vec()).expect("text");
            found.push((message.partition(), text(message.key()), text(message.payload())));
            last = Instant::now();
        }
    }
    found
}

fn number(payload: &str) -> u64 {
    let event: serde_json::Value = serde_json::from_str(payload).expect("JSON");
    event["n"].as_u64().expect("a number")
}

/// The payloads of lines `0..count`, sorted, must be these messages.
#[track_caller]
fn assert_all(messages: &[(i32, String, String)], count: u64) {
    let mut numbers: Vec<_> = messages.iter().map(|(_, _, payload)| number(payload)).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(0..count), "all {count}, each once: {} came", numbers.len());
}

fn wait_until_settled(sink: &mut dyn Sink, count: u64) {
    wait_for(&format!("{count} acknowledgements"), || (sink.settled() == count).then_some(()));
}

#[test]
fn every_event_is_a_message_with_its_code_as_the_key() {
    const ALL: u64 = 5_000;
    let cluster = cluster(1, 4);
    let (mut sink, around) = to(&cluster.bootstrap_servers(), &[]);
    for from in (0..ALL).step_by(100) {
        sink.take(lines(from..from + 100).as_bytes(), 100).expect("it takes");
    }
    assert!(sink.settle(None));
    assert_eq!((sink.settled(), around.status.delivered()), (ALL, ALL));
    let messages = messages(&cluster.bootstrap_servers(), 4, ALL as usize);
    assert_all(&messages, ALL);
    let mut order: BTreeMap<&str, (i32, u64)> = BTreeMap::new();
    for (partition, key, payload) in &messages {
        let number = number(payload);
        assert!(*payload == lines(number..number + 1).trim_end(), "without the newline: {payload}");
        assert_eq!(*key, format!("Ecs.{:04}", number % 7));
        if let Some((home, before)) = order.insert(key, (*partition, number)) {
            assert_eq!(home, *partition, "one code, one partition");
            assert!(before < number, "those of one code are in order");
        }
    }
    assert_eq!(order.len(), 7);
    assert_eq!((around.status.to(), around.status.waiting()), ("kafka", None));
}

#[test]
fn an_event_is_settled_only_with_all_before_it() {
    let cluster = cluster(2, 2);
    cluster.partition_leader("events", 0, Some(1)).expect("a leader");
    cluster.partition_leader("events", 1, Some(2)).expect("a leader");
    let (mut sink, around) = to(&cluster.bootstrap_servers(), &[]);
    sink.take(lines(0..50).as_bytes(), 50).expect("it takes");
    assert!(sink.settle(None), "both leaders are known");
    cluster.broker_round_trip_time(2, Duration::from_secs(2)).expect("slow");
    sink.take(lines(50..150).as_bytes(), 100).expect("it takes");
    let fast = wait_for("the acknowledgements of one partition", || {
        let delivered = around.status.delivered();
        (delivered > 60).then_some(delivered)
    });
    let settled = sink.settled();
    assert!(fast < 150 && settled < fast, "{settled} settled of {fast}: those between are not");
    assert!(sink.settle(None));
    assert_eq!((sink.settled(), around.status.delivered()), (150, 150));
    cluster.broker_round_trip_time(2, Duration::ZERO).expect("fast");
    assert_all(&messages(&cluster.bootstrap_servers(), 2, 150), 150);
}

#[test]
fn a_broker_that_goes_and_comes_back_costs_no_event() {
    let cluster = cluster(1, 4);
    let (mut sink, around) = to(&cluster.bootstrap_servers(), &[]);
    sink.take(lines(0..500).as_bytes(), 500).expect("it takes");
    assert!(sink.settle(None));
    cluster.broker_down(1).expect("it goes down");
    sink.take(lines(500..1000).as_bytes(), 500).expect("it takes: there is room");
    // At first it may be told that the broker is down, and by the next attempt why.
    wait_for("a reason", || {
        around.status.waiting().filter(|w| w.starts_with("events: Kafka: ") && w.contains("onnect"))
    });
    // The reason may be the address's, before any attempt at an event has failed.
    wait_for("a failure", || (around.status.failures() > 0).then_some(()));
    assert!(!sink.settle(Some(Instant::now() + Duration::from_millis(100))));
    assert_eq!(sink.settled(), 500);
    cluster.broker_up(1).expect("it comes back");
    // Nobody gives further events or asks, and they arrive all the same.
    wait_for("all of it", || (around.status.delivered() == 1000).then_some(()));
    assert_eq!(around.status.waiting(), None);
    wait_until_settled(&mut *sink, 1000);
    assert_all(&messages(&cluster.bootstrap_servers(), 4, 1000), 1000);
}

#[test]
fn with_the_broker_away_so_much_is_held_and_no_more() {
    let cluster = cluster(1, 4);
    let (mut sink, around) = to(&cluster.bootstrap_servers(), &[]);
    cluster.broker_down(1).expect("it goes down");
    const SOME: u64 = 1000;
    let bytes = lines(0..SOME).len() as u64;
    // Twice the room.
    let takes = (16 << 20) / bytes;
    let taken = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        let _ends = around.ends_if_the_test_fails();
        let taking = scope.spawn(|| {
            for n in 0..takes {
                sink.take(lines(n * SOME..(n + 1) * SOME).as_bytes(), SOME).expect("it takes");
                taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            assert!(sink.settle(None));
        });
        let taken = || taken.load(std::sync::atomic::Ordering::Relaxed) * bytes;
        wait_for("the queue to be full", || (taken() > 7 << 20).then_some(()));
        wait_for("a reason", || around.status.waiting());
        std::thread::sleep(Duration::from_secs(1));
        assert!(taken() < 9 << 20 && !taking.is_finished(), "{} bytes", taken());
        cluster.broker_up(1).expect("it comes back");
        taking.join().expect("all is taken and arrives");
    });
    assert_eq!(around.status.delivered(), takes * SOME);
    assert_eq!(around.status.waiting(), None);
}

#[test]
fn a_topic_that_does_not_exist_is_waited_for() {
    let cluster = MockCluster::new(1).expect("a mock cluster");
    let (mut sink, around) = to(
        &cluster.bootstrap_servers(),
        &[("topic.metadata.propagation.max.ms", "100"), ("topic.metadata.refresh.interval.ms", "300")],
    );
    sink.take(lines(0..20).as_bytes(), 20).expect("it takes");
    let waiting = wait_for("a reason", || around.status.waiting());
    assert!(waiting.contains("`events`") && waiting.to_lowercase().contains("unknown topic"), "{waiting}");
    std::thread::scope(|scope| {
        let _ends = around.ends_if_the_test_fails();
        let taking = scope.spawn(|| sink.take(lines(20..40).as_bytes(), 20).expect("it takes"));
        wait_for("some attempts", || (around.status.failures() >= 3).then_some(()));
        assert_eq!(around.status.delivered(), 0);
        cluster.create_topic("events", 2, 1).expect("a topic");
        taking.join().expect("it goes on");
    });
    wait_for("all of it", || (around.status.delivered() == 40).then_some(()));
    assert!(sink.settle(None));
    assert_all(&messages(&cluster.bootstrap_servers(), 2, 40), 40);
    assert_eq!(around.status.waiting(), None);
}

#[test]
fn events_that_come_back_are_sent_again() {
    let cluster = cluster(1, 1);
    let (mut sink, around) = to(&cluster.bootstrap_servers(), &[]);
    cluster.request_errors(RDKafkaApiKey::Produce, &[RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; 3]);
    sink.take(lines(0..100).as_bytes(), 100).expect("it takes");
    // A failed attempt each, and nobody asks.
    let waiting = wait_for("a reason", || around.status.waiting());
    assert!(waiting.contains("`events`") && waiting.contains("uthoriz"), "{waiting}");
    wait_for("all of it", || (around.status.delivered() == 100).then_some(()));
    assert!(sink.settle(None));
    assert_eq!((around.status.waiting(), around.status.failed()), (None, None));
    assert_all(&messages(&cluster.bootstrap_servers(), 1, 100), 100);
}

#[test]
fn a_producer_that_has_failed_for_good_is_replaced() {
    const EVENTS: u64 = 500;
    let cluster = cluster(1, 2);
    // What librdkafka cannot go on from: it says so once, and takes no more events.
    cluster
        .request_errors(RDKafkaApiKey::InitProducerId, &[RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED; 2]);
    let (mut sink, around) = to(&cluster.bootstrap_servers(), &[]);
    let status = around.status.clone();
    let told = std::thread::spawn(move || {
        wait_for("the reason", || status.waiting().filter(|w| w.contains("cannot go on")))
    });
    sink.take(lines(0..EVENTS).as_bytes(), EVENTS).expect("it takes");
    let told = told.join().expect("it is told");
    assert!(told.contains("ClusterAuthorizationFailed") || told.contains("not authorized"), "{told}");
    wait_until_settled(&mut *sink, EVENTS);
    assert_eq!(around.status.failed(), None);
    assert_eq!(around.status.waiting(), None);
    assert_eq!(around.status.delivered(), EVENTS);
    let messages = messages(&cluster.bootstrap_servers(), 2, EVENTS as usize);
    assert_all(&messages, EVENTS);
}

#[test]
fn an_event_that_can_never_pass_is_left_out_and_the_others_go_on() {
    let cluster = cluster(1, 1);
    let (mut sink, around) = to(&cluster.bootstrap_servers(), &[]);
    cluster.request_errors(RDKafkaApiKey::Produce, &[RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]);
    sink.take(lines(100..101).as_bytes(), 1).expect("it takes");
    assert!(sink.settle(None), "it does not wait for ever");
    assert_eq!((sink.settled(), around.status.undeliverable(), around.status.delivered()), (1, 1, 0));
    sink.take(lines(0..50).as_bytes(), 50).expect("it goes on");
    assert!(sink.settle(None));
    assert_eq!((around.status.undeliverable(), around.status.delivered()), (1, 50));
    // By librdkafka itself, before it is sent.
    let huge = format!("{{\"code\":\"Ecs.0114\",\"record\":\"{}\"}}\n", "x".repeat(1_100_000));
    sink.take(format!("{huge}{}", lines(50..60)).as_bytes(), 11).expect("it goes on");
    assert!(sink.settle(None));
    assert_eq!((sink.settled(), around.status.undeliverable(), around.status.delivered()), (62, 2, 60));
    assert_eq!((around.status.waiting(), around.status.failed()), (None, None));
    assert_all(&messages(&cluster.bootstrap_servers(), 1, 60), 60);
}

#[test]
fn a_batch_that_is_too_large_costs_none_of_its_events() {
    let cluster = cluster(1, 1);
    let (mut sink, around) = to(&cluster.bootstrap_servers(), &[("linger.ms", "100")]);
    cluster.request_errors(RDKafkaApiKey::Produce, &[RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE; 2]);
    sink.take(lines(0..1000).as_bytes(), 1000).expect("it takes");
    assert!(sink.settle(None));
    assert_eq!((around.status.undeliverable(), around.status.delivered()), (0, 1000));
    assert_all(&messages(&cluster.bootstrap_servers(), 1, 1000), 1000);
}

#[test]
fn a_stop_without_a_broker_tells_how_many_are_lost() {
    // Taken and given back: nobody is there.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let (mut sink, around) = to(&format!("127.0.0.1:{port}"), &[]);
    sink.take(lines(0..30).as_bytes(), 30).expect("it takes: there is room");
    wait_for("a reason", || around.status.waiting().filter(|w| w.contains("refused")));
    around.ask_to_stop(Duration::from_millis(300));
    let began = Instant::now();
    assert!(!sink.settle(None));
    assert!(began.elapsed() >= Duration::from_millis(200), "it has tried until then");
    let said = failed(sink.take(lines(30..40).as_bytes(), 10));
    assert!(said.contains("40 events were not delivered") && said.contains("refused"), "{said}");
    drop(sink);
}

#[test]
fn a_broker_that_goes_while_there_is_nothing_to_send_is_no_matter() {
    let cluster = cluster(1, 1);
    let (mut sink, around) = to(&cluster.bootstrap_servers(), &[]);
    sink.take(lines(0..1).as_bytes(), 1).expect("it takes");
    assert!(sink.settle(None));
    cluster.broker_down(1).expect("it goes down");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!((around.status.waiting(), around.status.failures()), (None, 0));
    cluster.broker_up(1).expect("it comes back");
    sink.take(lines(1..2).as_bytes(), 1).expect("it takes");
    assert!(sink.settle(None));
    assert_eq!(around.status.waiting(), None);
}

/// What each of these does to the promises is why it is refused; the words are for who wrote it.
const REFUSED: [(&str, &str, &str); 15] = [
    ("bootstrap.servers", "a:9092", "events.kafka.brokers"),
    ("metadata.broker.list", "a:9092", "events.kafka.brokers"),
    ("acks", "1", "must stay all"),
    ("request.required.acks", "0", "must stay all"),
    ("enable.idempotence", "false", "must stay true"),
    ("message.timeout.ms", "1000", "given up"),
    ("delivery.timeout.ms", "1000", "given up"),
    ("retries", "1", "given up"),
    ("message.send.max.retries", "1", "given up"),
    ("queue.buffering.max.kbytes", "1000000", "memory"),
    ("queue.buffering.max.messages", "0", "memory"),
    ("queuing.strategy", "lifo", "order"),
    ("delivery.report.only.error", "true", "acknowledgements"),
    ("enable.gapless.guarantee", "true", "sent again"),
    ("transactional.id", "t", "transactions"),
];

#[test]
fn properties_that_would_break_a_promise_are_refused() {
    for (name, value, why) in REFUSED {
        let property = format!("{name}={value}");
        let said = run(["config", "check", "--events-kafka-properties", &property]).failed(2);
        assert!(said.contains(name) && said.contains(why), "{said}");
    }
    for wrong in ["linger.m=1", "linger.ms=soon", "", "=1", "linger.ms"] {
        let said = run(["config", "check", "--events-kafka-properties", wrong]).failed(2);
        assert!(said.contains("--events-kafka-properties"), "`{wrong}`: {said}");
    }
    run(["config", "check", "--events-kafka-properties", "compression.codec=zstd"]).ok();
}

#[test]
fn properties_of_the_source_reach_its_brokers_but_break_no_promise() {
    let cluster = cluster(1, 1);
    let mut source = errtally::config::Settings::default().kafka;
    source.brokers = vec![cluster.bootstrap_servers()];
    for (name, value) in
        [("acks", "0"), ("message.timeout.ms", "1"), ("fetch.min.bytes", "2"), ("client.id", "me")]
    {
        source.properties.push((name.to_owned(), value.to_owned()));
    }
    let settings = EventSettings {
        to: EventsTo::Kafka,
        kafka: EventKafkaSettings { topic: "events".to_owned(), ..EventKafkaSettings::default() },
        ..EventSettings::default()
    };
    let around = Around::new(EventsTo::Kafka);
    cluster.broker_round_trip_time(1, Duration::from_millis(200)).expect("slow");
    let mut sink =
        errtally::sink::open(&settings, &source, false, around.status.clone(), around.stopping.clone())
            .expect("a producer");
    sink.take(lines(0..10).as_bytes(), 10).expect("it takes");
    assert!(sink.settle(None), "they would have timed out: {:?}", around.status);
    assert_eq!(around.status.failures(), 0);
    assert_all(&messages(&cluster.bootstrap_servers(), 1, 10), 10);
}
