//! What became of each event: acknowledged, come back, or never to pass.
//!
//! Acknowledgements of different partitions come in any order; what counts is
//! how many have arrived with all before them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;
use tracing::warn;

use super::window::Window;
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
    /// What is on its way.
    window: Window,
    /// It was told that an event can never pass.
    told: bool,
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
        self.changed.notify_all();
    }

    /// Waits until an event is on its way, `over` is set and told by
    /// [`wake`](Reports::wake), or for `time`. Whether one is.
    pub(super) fn wait_for_events(&self, time: Duration, over: &AtomicBool) -> bool {
        let is_idle = |state: &mut State| {
            state.settled == state.taken && state.returned.is_empty() && !over.load(Ordering::Acquire)
        };
        let waited = self.changed.wait_timeout_while(self.lock(), time, is_idle);
        !is_idle(&mut waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Wakes who waits.
    pub(super) fn wake(&self) {
        // With the lock, so that nobody is between a look and a wait.
        let _state = self.lock();
        self.changed.notify_all();
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

    /// Whether less is sent at once than could be.
    pub(super) fn is_held_back(&self) -> bool {
        self.lock().window.is_narrow()
    }

    /// Sends an event by `send`, unless others must go or arrive first. Those
    /// that came back are older, and they must not become more and more.
    pub(super) fn send(
        &self,
        number: u64,
        event: &[u8],
        send: impl FnOnce() -> Result<(), RDKafkaErrorCode>,
    ) -> Result<bool, RDKafkaErrorCode> {
        let mut state = self.lock();
        if !state.returned.is_empty() || !state.window.has_room(event.len()) {
            return Ok(false);
        }
        match state.send(event, send) {
            Err(code) if is_hopeless(code) => {
                self.give_up(&mut state, number, code, event.len());
                Ok(true)
            }
            result => result.map(|()| true),
        }
    }

    /// Gives those that came back to `send`, in order, until it refuses one or
    /// others must arrive first.
    pub(super) fn resend(&self, send: impl Fn(u64, &[u8]) -> Result<(), RDKafkaErrorCode>) {
        let mut state = self.lock();
        while let Some((number, event)) = state.returned.pop_first() {
            if !state.window.has_room(event.len()) {
                state.returned.insert(number, event);
                break;
            }
            match state.send(&event, || send(number, &event)) {
                Ok(()) => {}
                Err(code) if is_hopeless(code) => self.give_up(&mut state, number, code, event.len()),
                Err(code) => {
                    state.returned.insert(number, event);
                    drop(state);
                    if code != RDKafkaErrorCode::QueueFull {
                        self.refused(code);
                    }
                    return;
                }
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// An event did not pass, and will be sent again.
    pub(super) fn refused(&self, code: RDKafkaErrorCode) {
        self.trouble(&format!("topic `{}`: {code}", self.topic));
    }

    /// An event was refused that would be refused for ever: it is left out.
    fn give_up(&self, state: &mut State, number: u64, code: RDKafkaErrorCode, bytes: usize) {
        self.status.add_undeliverable(1);
        if !std::mem::replace(&mut state.told, true) {
            let remedy = if code == RDKafkaErrorCode::InvalidRecord {
                "look at the settings of the topic"
            } else {
                "raise max.message.bytes of the topic, or lower events.max_record_bytes"
            };
            warn!(
                bytes,
                "events: topic `{}` does not take an event: {code}; it is left out, and so are others like it, \
                 which errtally_events_undeliverable_total counts; {remedy}",
                self.topic
            );
        }
        state.settle(number);
    }

    /// The producer has failed for good; another takes its place.
    pub(super) fn renew(&self, reason: &str) {
        self.trouble(reason);
    }

    /// Whether nothing was acknowledged since the last error.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.lock().trouble.is_some()
    }

    fn acknowledged(&self, number: u64, bytes: usize) {
        let mut state = self.lock();
        state.window.arrived(bytes);
        state.settle(number);
        state.trouble = None;
        self.status.add_delivered(1);
        self.status.resume();
        drop(state);
        self.changed.notify_all();
    }

    fn came_back(&self, number: u64, code: RDKafkaErrorCode, event: Vec<u8>) {
        match code {
            // The producer has failed, and the thread that polls tells why, or it is going away.
            RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight | RDKafkaErrorCode::Fatal => {
                let mut state = self.lock();
                state.window.returned(event.len());
                state.returned.insert(number, event);
            }
            code if is_hopeless(code) => {
                let mut state = self.lock();
                if state.window.refused(event.len()) {
                    self.give_up(&mut state, number, code, event.len());
                } else {
                    state.returned.insert(number, event);
                }
                drop(state);
                self.changed.notify_all();
            }
            code => {
                let mut state = self.lock();
                state.window.returned(event.len());
                state.returned.insert(number, event);
                drop(state);
                self.refused(code);
            }
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

impl State {
    fn send(
        &mut self,
        event: &[u8],
        send: impl FnOnce() -> Result<(), RDKafkaErrorCode>,
    ) -> Result<(), RDKafkaErrorCode> {
        self.window.sent(event.len());
        send().inspect_err(|_| self.window.unsent(event.len()))
    }

    /// Nothing more will be heard of this event.
    fn settle(&mut self, number: u64) {
        let Some(at) = number.checked_sub(self.settled).and_then(|at| usize::try_from(at).ok()) else {
            return;
        };
        if self.behind.len() <= at {
            self.behind.resize(at + 1, false);
        }
        self.behind[at] = true;
        while self.behind.front() == Some(&true) {
            self.behind.pop_front();
            self.settled += 1;
        }
    }
}

/// Whether an event that was refused so, alone, would be refused again and
/// again.
fn is_hopeless(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::{
        InvalidMessageSize, InvalidRecord, InvalidTimestamp, MessageBatchTooLarge, MessageSizeTooLarge,
    };
    matches!(
        code,
        MessageSizeTooLarge | MessageBatchTooLarge | InvalidMessageSize | InvalidRecord | InvalidTimestamp
    )
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
            Ok(message) => self.0.acknowledged(number as u64, message.payload_len()),
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
            // The thread that polls asks for the reason, and goes on with another producer.
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
