//! What became of each event: acknowledged, come back, or never to pass.
//!
//! Acknowledgements of different partitions come in any order; what counts is
//! how many have arrived with all before them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;

use crate::sink::Status;

/// rdkafka tells each error of a producer twice in a row.
const TWICE: Duration = Duration::from_millis(5);

/// Shared by the sink, its thread and librdkafka's callbacks.
#[derive(Debug)]
pub(super) struct Reports {
    topic: String,
    status: Arc<Status>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    taken: u64,
    /// Events acknowledged with all before them.
    settled: u64,
    /// Which of those behind are acknowledged; the first is not.
    behind: VecDeque<bool>,
    /// Those that came back, by their number.
    returned: BTreeMap<u64, Vec<u8>>,
    /// The last error, and when; nothing was acknowledged since.
    trouble: Option<(String, Instant)>,
}

impl Reports {
    pub(super) fn new(topic: &str, status: Arc<Status>) -> Reports {
        Reports { topic: topic.to_owned(), status, state: Mutex::default(), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many events were taken in all.
    pub(super) fn taken(&self, events: u64) {
        let mut state = self.lock();
        state.taken = events;
        // The broker went away while there was nothing to send.
        if let Some((reason, _)) = &state.trouble {
            self.status.wait(reason);
        }
    }

    pub(super) fn settled(&self) -> u64 {
        self.lock().settled
    }

    /// Waits until something changes, or for `time`.
    pub(super) fn wait(&self, time: Duration) {
        let state = self.lock();
        drop(self.changed.wait_timeout(state, time));
    }

    pub(super) fn has_returned(&self) -> bool {
        !self.lock().returned.is_empty()
    }

    /// Gives those that came back to `send`, in order, until it refuses one.
    pub(super) fn resend(&self, send: impl Fn(u64, &[u8]) -> Result<(), RDKafkaErrorCode>) {
        let mut state = self.lock();
        while let Some(entry) = state.returned.first_entry() {
            match send(*entry.key(), entry.get()) {
                Ok(()) => drop(entry.remove()),
                Err(RDKafkaErrorCode::QueueFull) => break,
                Err(code) => {
                    drop(state);
                    self.refused(code);
                    return;
                }
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// An event did not pass.
    pub(super) fn refused(&self, code: RDKafkaErrorCode) {
        if is_hopeless(code) {
            let remedy = match code {
                RDKafkaErrorCode::InvalidRecord => "look at the settings of the topic",
                _ => {
                    "raise max.message.bytes of the topic, or lower events.max_record_bytes and, \
                     in events.kafka.properties, batch.size"
                }
            };
            self.fatal(&format!("topic `{}` does not take an event: {code}; {remedy}", self.topic));
        } else {
            self.trouble(&format!("topic `{}`: {code}", self.topic));
        }
    }

    /// It will not go on.
    pub(super) fn fatal(&self, reason: &str) {
        self.status.fail(reason.to_owned());
        self.changed.notify_all();
    }

    fn acknowledged(&self, number: u64) {
        let mut state = self.lock();
        let Some(at) = number.checked_sub(state.settled).and_then(|at| usize::try_from(at).ok()) else {
            return;
        };
        if state.behind.len() <= at {
            state.behind.resize(at + 1, false);
        }
        state.behind[at] = true;
        while state.behind.front() == Some(&true) {
            state.behind.pop_front();
            state.settled += 1;
        }
        state.trouble = None;
        self.status.add_delivered(1);
        self.status.resume();
        drop(state);
        self.changed.notify_all();
    }

    fn came_back(&self, number: u64, code: RDKafkaErrorCode, event: Vec<u8>) {
        if matches!(code, RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) {
            // The producer is going away.
            return;
        }
        if code != RDKafkaErrorCode::Fatal {
            self.lock().returned.insert(number, event);
            self.refused(code);
        }
    }

    fn trouble(&self, reason: &str) {
        let mut state = self.lock();
        let now = Instant::now();
        if state.trouble.as_ref().is_some_and(|(last, at)| last == reason && now - *at < TWICE) {
            return;
        }
        state.trouble = Some((reason.to_owned(), now));
        // With nothing to send there is nothing to wait for.
        if state.settled < state.taken {
            self.status.retry(reason);
        }
    }
}

/// Whether an event that was refused so would be refused again and again.
pub(super) fn is_hopeless(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::{InvalidRecord, MessageBatchTooLarge, MessageSizeTooLarge};
    matches!(code, MessageSizeTooLarge | MessageBatchTooLarge | InvalidRecord)
}

/// librdkafka's callbacks, on the thread that polls.
pub(super) struct Callbacks(Arc<Reports>);

impl Callbacks {
    pub(super) fn new(reports: Arc<Reports>) -> Callbacks {
        Callbacks(reports)
    }
}

impl ProducerContext for Callbacks {
    /// The event's number.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        match result {
            Ok(_) => self.0.acknowledged(number as u64),
            Err((error, message)) => {
                let event = message.payload().unwrap_or_default().to_vec();
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
                self.0.came_back(number as u64, code, event);
            }
        }
    }
}

impl ClientContext for Callbacks {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "librdkafka, for events: {reason}");
        match error.rdkafka_error_code() {
            // The thread that polls asks for the reason.
            Some(RDKafkaErrorCode::Fatal) => {}
            // It follows the reason why the last one went, which says more.
            Some(RDKafkaErrorCode::AllBrokersDown) if self.0.lock().trouble.is_some() => {}
            _ => self.0.trouble(&format!("Kafka: {reason}")),
        }
    }

    fn stats_raw(&self, _: &[u8]) {}

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(facility, "librdkafka, for events: {message}");
            }
            // The error callback tells its errors.
            _ => tracing::debug!(facility, "librdkafka, for events: {message}"),
        }
    }
}
