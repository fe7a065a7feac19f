//! Messages whose codes are known by their number, and what counting them must give.
//!
//! Message `i` goes to partition `i % partitions`, so that its offset there is `i / partitions`: from committed
//! offsets alone it follows which messages are counted and which are not.

// Every test program includes all of this and uses a part.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};

use crate::support::Raise;
use crate::support::daemon::Daemon;
use crate::support::exposition::Scrape;

/// The codes of message `i`: known ones, two at once, one without a catalog, mostly none.
pub fn codes_of(i: u64) -> &'static [&'static str] {
    match i % 100 {
        0 | 17 | 34 | 51 | 68 => &["Ecs.0114"],
        9 | 59 => &["CCE.01400007"],
        23 => &["Ecs.0005", "CSS.0015"],
        77 => &["DLI.0003"],
        _ => &[],
    }
}

/// Writes message `i`, about 290 bytes.
pub fn write_text(i: u64, out: &mut String) {
    out.clear();
    let _ = write!(
        out,
        "{{\"time\":\"2026-03-01T12:{:02}:{:02}.{:03}Z\",\"level\":\"info\",\"logger\":\"controller.reconcile\",\
         \"request\":\"{:016x}\",\"node\":\"worker-{:04}\",\"message\":\"",
        i / 60_000 % 60,
        i / 1000 % 60,
        i % 1000,
        i.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        i % 2000,
    );
    match codes_of(i) {
        [] => out.push_str("the desired state was reached, nothing is to be done for this object"),
        ["DLI.0003"] => out.push_str("the call failed: error_code=DLI.0003, it is tried again in a minute"),
        [one] => {
            let _ = write!(out, "the call failed: {one}, it is tried again in a minute");
        }
        several => {
            let _ = write!(out, "the call failed: {}, it is tried again", several.join(" after "));
        }
    }
    out.push_str("\",\"object\":\"default/workload-of-the-test\",\"attempt\":1,\"duration_ms\":1843}");
}

/// Counts of messages, expected or scraped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub records: u64,
    pub bytes: u64,
    pub matched: u64,
    pub codes: BTreeMap<String, u64>,
}

impl Counts {
    /// What counting each of these messages once gives.
    pub fn expected(numbers: impl Iterator<Item = u64>) -> Counts {
        let mut counts = Counts::default();
        let mut text = String::new();
        let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
        for i in numbers {
            write_text(i, &mut text);
            counts.records += 1;
            counts.bytes += text.len() as u64;
            counts.matched += u64::from(!codes_of(i).is_empty());
            for code in codes_of(i) {
                *codes.entry(code).or_default() += 1;
            }
        }
        counts.codes = codes.into_iter().map(|(code, n)| (code.to_owned(), n)).collect();
        counts
    }

    /// What all of these instances have counted, each scraped once.
    #[track_caller]
    pub fn scraped<'d>(daemons: impl IntoIterator<Item = &'d Daemon>) -> Counts {
        let mut counts = Counts::default();
        for daemon in daemons {
            counts.add(&daemon.scrape());
        }
        counts
    }

    /// Adds a scrape.
    pub fn add(&mut self, scrape: &Scrape) {
        let source = [("source", "kafka")];
        self.records += scrape.sum("errtally_records_total", &source) as u64;
        self.bytes += scrape.sum("errtally_record_bytes_total", &source) as u64;
        self.matched += scrape.sum("errtally_matched_records_total", &source) as u64;
        for name in ["errtally_errors_total", "errtally_unknown_codes_total"] {
            for sample in scrape.of(name, &[]).filter(|s| s.value > 0.0) {
                *self.codes.entry(sample.labels["code"].clone()).or_default() += sample.value as u64;
            }
        }
    }
}

/// Records that all of these instances have counted.
#[track_caller]
pub fn records<'d>(daemons: impl IntoIterator<Item = &'d Daemon>) -> u64 {
    daemons.into_iter().map(|d| d.scrape().sum("errtally_records_total", &[]) as u64).sum()
}

/// The number of records that a stopped instance says it has counted.
#[track_caller]
pub fn records_in_log(log: &str) -> u64 {
    let (_, rest) = log.rsplit_once("records=").unwrap_or_else(|| panic!("no count in the log:\n{log}"));
    rest.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number")
}

/// Waits until these instances have counted `wanted` records, and gives their counts. More is an error,
/// and so is one that comes shortly afterwards.
#[track_caller]
pub fn wait_for_counts(daemons: &[&Daemon], wanted: u64, patience: Duration) -> Counts {
    within(patience, &format!("{wanted} records"), || {
        let counted = records(daemons.iter().copied());
        assert!(counted <= wanted, "{counted} records, where {wanted} were produced");
        (counted == wanted).then_some(())
    });
    // A message that comes twice may come late.
    std::thread::sleep(Duration::from_millis(300));
    let counts = Counts::scraped(daemons.iter().copied());
    assert_eq!(counts.records, wanted, "a message was counted again");
    counts
}

/// As [`crate::support::wait_for`], with a deadline of the caller's.
#[track_caller]
pub fn within<T>(patience: Duration, what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + patience;
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(Instant::now() < until, "waited {patience:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The offsets that `group` has committed, by partition.
#[track_caller]
pub fn committed(brokers: &str, group: &str, topic: &str, partitions: i32) -> Vec<Option<i64>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .create()
        .expect("a consumer");
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(topic, 0, partitions - 1);
    let told = consumer.committed_offsets(asked, Duration::from_secs(20)).expect("committed offsets");
    let mut offsets = vec![None; partitions as usize];
    for element in told.elements() {
        if let Offset::Offset(offset) = element.offset() {
            offsets[element.partition() as usize] = Some(offset);
        }
    }
    offsets
}

/// The numbers below `messages` that lie behind these offsets: what is still to be counted.
pub fn behind(offsets: &[Option<i64>], messages: u64) -> impl Iterator<Item = u64> {
    let first: Vec<u64> = offsets.iter().map(|o| o.map_or(0, |o| o as u64)).collect();
    (0..messages).filter(move |i| i / first.len() as u64 >= first[(i % first.len() as u64) as usize])
}

/// A daemon that reads these topics from their beginning, unless `more` says otherwise.
#[track_caller]
pub fn consumer(brokers: &str, topics: &str, group: &str, more: &[&str]) -> Daemon {
    let mut args = vec!["--source", "kafka", "--kafka-brokers", brokers, "--kafka-topics", topics];
    args.extend(["--kafka-group", group]);
    if !more.contains(&"--kafka-start") {
        args.extend(["--kafka-start", "earliest"]);
    }
    args.extend(more);
    Daemon::spawn(&args, std::process::Stdio::null(), &[])
}

/// Waits until `/readyz` has this status and these words, and gives all of what it says.
#[track_caller]
pub fn wait_for_ready(daemon: &Daemon, status: u16, words: &str) -> String {
    let mut last = String::new();
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until {
        let answer = daemon.get("/readyz");
        last = format!("{} {}", answer.status, answer.text());
        if answer.status == status && answer.text().contains(words) {
            return last;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited for {status} `{words}`, /readyz says {last}\n{}", daemon.log());
}

/// The partitions that an instance owns.
#[track_caller]
pub fn assigned(daemon: &Daemon) -> u64 {
    daemon.scrape().value("errtally_kafka_assigned_partitions", &[]).expect("the metric") as u64
}

/// Stops an instance by SIGTERM; gives the records that it has counted.
#[track_caller]
pub fn terminate(daemon: Daemon) -> u64 {
    terminate_with_log(daemon).0
}

/// As [`terminate`], where a broker is there: everything is committed, and the group is left.
#[track_caller]
pub fn terminate_in_order(daemon: Daemon) -> u64 {
    let (records, log) = terminate_with_log(daemon);
    assert!(!log.contains("not committed") && !log.contains("not left"), "{log}");
    records
}

#[track_caller]
fn terminate_with_log(daemon: Daemon) -> (u64, String) {
    daemon.signal(rustix::process::Signal::TERM);
    let (ended, address) = (AtomicBool::new(false), daemon.address());
    let (status, log) = std::thread::scope(|scope| {
        // Whoever has scraped goes on, and sees the last counts: nobody waits for him in vain.
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                let _ = crate::support::http::ask(address, "GET", "/metrics", &[]);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let _raise = Raise(&ended);
        daemon.wait()
    });
    assert_eq!(status.code(), Some(0), "{log}");
    (records_in_log(&log), log)
}

/// Counts what the broker took and refused.
#[derive(Clone, Default)]
struct Outcomes(Arc<[AtomicU64; 2]>);

impl ClientContext for Outcomes {
    // A broker that is stopped on purpose is no news.
    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ProducerContext for Outcomes {
    type DeliveryOpaque = ();
    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        self.0[usize::from(result.is_err())].fetch_add(1, Ordering::Relaxed);
    }
}

/// A producer.
pub struct Feeder {
    producer: BaseProducer<Outcomes>,
    outcomes: Outcomes,
    sent: AtomicU64,
}

impl Feeder {
    pub fn new(brokers: &str, codec: &str) -> Feeder {
        let outcomes = Outcomes::default();
        let producer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("compression.type", codec)
            // What is repeated after a broken connection must not be there twice.
            .set("enable.idempotence", "true")
            .set("linger.ms", "10")
            .set("batch.size", "1000000")
            .set("message.max.bytes", "2162688")
            .set("queue.buffering.max.messages", "200000")
            .set("queue.buffering.max.kbytes", "131072")
            .set("message.timeout.ms", "120000")
            .set("reconnect.backoff.max.ms", "1000")
            .create_with_context(outcomes.clone())
            .expect("a producer");
        Feeder { producer, outcomes, sent: AtomicU64::new(0) }
    }

    /// Sends one message; waits where the queue is full.
    pub fn send(&self, topic: &str, partition: i32, payload: Option<&[u8]>) {
        self.send_with(topic, partition, payload, None, None);
    }

    /// As [`Feeder::send`], with a key and headers.
    pub fn send_with(
        &self,
        topic: &str,
        partition: i32,
        payload: Option<&[u8]>,
        key: Option<&[u8]>,
        headers: Option<OwnedHeaders>,
    ) {
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).partition(partition);
        record.payload = payload;
        record.key = key;
        record.headers = headers;
        loop {
            record = match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    self.producer.poll(Duration::from_millis(10));
                    back
                }
                Err((error, _)) => panic!("not sent: {error}"),
            };
        }
        if self.sent.fetch_add(1, Ordering::Relaxed).is_multiple_of(1000) {
            self.producer.poll(Duration::ZERO);
        }
    }

    /// Sends the messages with these numbers.
    pub fn send_numbers(&self, topic: &str, partitions: u64, numbers: Range<u64>) {
        let mut text = String::new();
        for i in numbers {
            write_text(i, &mut text);
            self.send(topic, (i % partitions) as i32, Some(text.as_bytes()));
        }
    }

    /// Sends the messages with these numbers to some partitions in turn, and waits until the broker has them.
    #[track_caller]
    pub fn send_to(&self, topic: &str, partitions: Range<i32>, numbers: Range<u64>) {
        let mut text = String::new();
        for (i, partition) in numbers.zip(partitions.cycle()) {
            write_text(i, &mut text);
            self.send(topic, partition, Some(text.as_bytes()));
        }
        self.flush();
    }

    /// As [`Feeder::send_numbers`], spread over `time`, in steps of 20 ms.
    pub fn send_over(&self, topic: &str, partitions: u64, numbers: Range<u64>, time: Duration) {
        let (started, step) = (Instant::now(), Duration::from_millis(20));
        let (steps, all) = ((time.as_millis() / step.as_millis()).max(1) as u64, numbers.end - numbers.start);
        for n in 0..steps {
            let (from, to) = (numbers.start + all * n / steps, numbers.start + all * (n + 1) / steps);
            self.send_numbers(topic, partitions, from..to);
            self.producer.poll(Duration::ZERO);
            std::thread::sleep((started + step * (n as u32 + 1)).saturating_duration_since(Instant::now()));
        }
    }

    /// Waits until the broker has all.
    #[track_caller]
    pub fn flush(&self) {
        self.producer.flush(Duration::from_secs(120)).expect("all is sent");
        let [taken, refused] = [0, 1].map(|i| self.outcomes.0[i].load(Ordering::Relaxed));
        assert_eq!((taken, refused), (self.sent.load(Ordering::Relaxed), 0), "taken, refused by the broker");
    }
}
