//! A topic, with an acknowledgement for every event.
//!
//! librdkafka is told never to give an event up. What it hands back all the
//! same, because the topic does not exist or may not be written to, is sent
//! again until somebody mends it; only an event that can never pass, since it
//! is too large for the topic by itself, is left out and counted.
//!
//! A thread of its own polls for acknowledgements and sends again, so that
//! this goes on while the thread that gives events is busy elsewhere. It also
//! makes another producer where librdkafka says that one has failed for good.

mod client;
mod reports;
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use arc_swap::ArcSwap;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer as _, PurgeConfig};

pub use client::{check, check_together, config};

use super::{LOOK, Sink, SinkError, Status, Stopping, is_over, undelivered};
use crate::kafka::KafkaSettings;
use crate::sink::settings::EventKafkaSettings;
use client::Producer;
use reports::Reports;

/// How long is waited before an event is sent again.
const RESEND: Duration = Duration::from_millis(500);

/// How often it is looked for errors and log lines while no event is on its
/// way.
const IDLE: Duration = Duration::from_secs(1);

/// More of them than come in that time; a poll hands over one.
const NEWS: usize = 100;

/// How long an unusable producer may take to hand back what it holds.
const HAND_BACK: Duration = Duration::from_secs(5);

/// From one producer that failed to the next: at first, and at most.
const RENEW: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// A sink that writes to a topic.
pub struct Kafka {
    producer: Arc<ArcSwap<Producer>>,
    reports: Arc<Reports>,
    topic: String,
    taken: u64,
    status: Arc<Status>,
    stopping: Arc<Stopping>,
    closing: Arc<AtomicBool>,
    poller: Option<JoinHandle<()>>,
}

impl Kafka {
    /// A producer of events. No broker need be there yet.
    ///
    /// # Errors
    /// When librdkafka refuses the properties, or has no resources.
    pub fn open(
        settings: &EventKafkaSettings,
        source: &KafkaSettings,
        status: Arc<Status>,
        stopping: Arc<Stopping>,
    ) -> anyhow::Result<Kafka> {
        let reports = Arc::new(Reports::new(&settings.topic, status.clone()));
        let producer = client::create(settings, source, reports.clone())?;
        let producer = Arc::new(ArcSwap::from_pointee(producer));
        let closing = Arc::new(AtomicBool::new(false));
        let polling = Polling {
            producer: producer.clone(),
            reports: reports.clone(),
            settings: (settings.clone(), source.clone()),
            closing: closing.clone(),
            pause: RENEW.0,
        };
        let poller = thread::Builder::new()
            .name("events-kafka".to_owned())
            .spawn(move || polling.run())
            .context("cannot start the thread for acknowledgements")?;
        let (topic, poller) = (settings.topic.clone(), Some(poller));
        Ok(Kafka { producer, reports, topic, taken: 0, status, stopping, closing, poller })
    }

    /// Gives one event to librdkafka, when it has room.
    fn send(&self, event: &[u8], number: u64) -> Result<(), Stopped> {
        let mut next = Instant::now();
        loop {
            if let Some(reason) = self.status.failed() {
                return Err(Stopped::Failed(reason));
            }
            if self.stopping.expired() {
                return Err(Stopped::Expired);
            }
            if Instant::now() >= next {
                let produce = || produce(&self.producer.load(), &self.topic, event, number);
                match self.reports.send(number, event, produce) {
                    Ok(true) => break,
                    Ok(false) | Err(RDKafkaErrorCode::QueueFull) => {}
                    Err(code) => {
                        self.reports.refused(code);
                        next = Instant::now() + RESEND;
                    }
                }
            }
            self.status.block();
            self.reports.wait(LOOK);
        }
        self.status.unblock();
        Ok(())
    }
}

/// Why an event was not sent.
enum Stopped {
    Expired,
    Failed(String),
}

/// What the thread works with.
struct Polling {
    producer: Arc<ArcSwap<Producer>>,
    reports: Arc<Reports>,
    settings: (EventKafkaSettings, KafkaSettings),
    closing: Arc<AtomicBool>,
    /// Before the next producer is made, should this one fail.
    pause: Duration,
}

impl Polling {
    fn run(mut self) {
        let mut next = Instant::now();
        while !self.closing.load(Ordering::Acquire) {
            let producer = self.producer.load_full();
            // rdkafka's poll spins through the last millisecond of its time, which is 2 % of a core
            // where it is called again and again.
            if self.reports.wait_for_events(IDLE, &self.closing) {
                producer.poll(LOOK);
            } else {
                (0..NEWS).for_each(|_| producer.poll(Duration::ZERO));
            }
            if let Some((code, reason)) = producer.client().fatal_error() {
                self.renew(&producer, &format!("the producer cannot go on: {code}: {reason}"));
                continue;
            }
            // What was refused for the company it was in goes at once.
            if self.reports.has_returned() && (self.reports.is_held_back() || Instant::now() >= next) {
                next = Instant::now() + RESEND;
                let topic = &self.settings.0.topic;
                self.reports.resend(|number, event| produce(&producer, topic, event, number));
            }
            if !self.reports.is_in_trouble() {
                self.pause = RENEW.0;
            }
        }
    }

    /// Puts another producer in the place of one that has failed for good: its events come back,
    /// and are sent by the new one. Those that had arrived unacknowledged are there twice then.
    fn renew(&mut self, failed: &Producer, reason: &str) {
        self.reports.renew(reason);
        failed.purge(PurgeConfig::default().queue().inflight());
        let until = Instant::now() + HAND_BACK;
        while failed.in_flight_count() > 0 && Instant::now() < until {
            failed.poll(LOOK);
        }
        let until = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(RENEW.1);
        while Instant::now() < until && !self.closing.load(Ordering::Acquire) {
            failed.poll(LOOK);
        }
        let (settings, source) = &self.settings;
        match client::create(settings, source, self.reports.clone()) {
            Ok(producer) => self.producer.store(Arc::new(producer)),
            // The settings made one at the start: no memory, no threads. The failed one tells it again.
            Err(error) => self.reports.renew(&format!("{error:#}")),
        }
    }
}

fn produce(producer: &Producer, topic: &str, event: &[u8], number: u64) -> Result<(), RDKafkaErrorCode> {
    let record = BaseRecord::with_opaque_to(topic, number as usize).payload(event);
    let key = key_of(event);
    let record = if key.is_empty() { record } else { record.key(key) };
    producer.send(record).map_err(|(error, _)| match error {
        KafkaError::MessageProduction(code) => code,
        _ => RDKafkaErrorCode::InvalidArgument,
    })
}

impl Sink for Kafka {
    fn take(&mut self, lines: &[u8], events: u64) -> Result<(), SinkError> {
        let first = self.taken;
        self.taken += events;
        self.reports.taken(self.taken);
        for (number, line) in (first..).zip(lines.split_inclusive(|b| *b == b'\n')) {
            let event = line.strip_suffix(b"\n").unwrap_or(line);
            self.send(event, number).map_err(|stopped| match stopped {
                Stopped::Expired => undelivered(self.taken - self.reports.settled(), &self.status),
                Stopped::Failed(reason) => SinkError::Failed(anyhow!("events: {reason}")),
            })?;
        }
        Ok(())
    }

    fn settled(&mut self) -> u64 {
        self.reports.settled()
    }

    fn settle(&mut self, deadline: Option<Instant>) -> bool {
        while self.reports.settled() < self.taken {
            if self.status.failed().is_some() || is_over(deadline, &self.stopping) {
                return false;
            }
            self.reports.wait(LOOK);
        }
        true
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        self.reports.wake();
        if let Some(poller) = self.poller.take() {
            let _ = poller.join();
        }
    }
}

/// The value of the member `code`, by which events are spread over the
/// partitions: those of one code stay in order.
fn key_of(event: &[u8]) -> &[u8] {
    const MEMBER: &[u8] = b"\"code\":\"";
    let Some(at) = memchr::memmem::find(event, MEMBER) else { return b"" };
    let value = &event[at + MEMBER.len()..];
    &value[..memchr::memchr(b'"', value).unwrap_or(0)]
}
