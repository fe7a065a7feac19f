//! What a sink tells the rest of the program: counters, what it waits for.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::sink::settings::EventsTo;

type Reopener = Box<dyn Fn() + Send + Sync>;

/// Shared by a sink, the daemon and the exporter.
pub struct Status {
    to: EventsTo,
    delivered: AtomicU64,
    dropped: AtomicU64,
    failures: AtomicU64,
    undeliverable: AtomicU64,
    /// When the present wait for room began.
    blocked: Mutex<Option<Instant>>,
    is_blocked: AtomicBool,
    /// Waits that are over, in microseconds.
    waited: AtomicU64,
    waiting: Mutex<Option<String>>,
    failed: Mutex<Option<String>>,
    reopener: Mutex<Option<Reopener>>,
}

impl Status {
    /// Of a sink that is yet to be opened.
    pub fn new(to: EventsTo) -> Status {
        Status {
            to,
            delivered: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            undeliverable: AtomicU64::new(0),
            blocked: Mutex::new(None),
            is_blocked: AtomicBool::new(false),
            waited: AtomicU64::new(0),
            waiting: Mutex::new(None),
            failed: Mutex::new(None),
            reopener: Mutex::new(None),
        }
    }

    /// `stdout`, `file` or `kafka`.
    pub fn to(&self) -> &'static str {
        self.to.as_str()
    }

    /// Events that have arrived: written to the file or to standard output,
    /// acknowledged by Kafka.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Events that were dropped because there was no room for them.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Attempts to write that failed, and were or will be made again.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Events that the other side will never take, and that are left out.
    pub fn undeliverable(&self) -> u64 {
        self.undeliverable.load(Ordering::Relaxed)
    }

    /// How long events have waited for the sink in all, the present wait
    /// included.
    pub fn waited(&self) -> Duration {
        let blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = blocked.map_or(Duration::ZERO, |since| since.elapsed());
        Duration::from_micros(self.waited.load(Ordering::Relaxed)) + now
    }

    /// Events wait, until [`Status::unblock`].
    pub(super) fn block(&self) {
        if !self.is_blocked.swap(true, Ordering::Relaxed) {
            *self.blocked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// They go on. Costs next to nothing where they did not wait.
    pub(super) fn unblock(&self) {
        if self.is_blocked.load(Ordering::Relaxed) {
            let mut blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
            let time = blocked.take().map_or(Duration::ZERO, |since| since.elapsed());
            self.waited.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
            self.is_blocked.store(false, Ordering::Relaxed);
        }
    }

    pub(super) fn add_undeliverable(&self, events: u64) {
        self.undeliverable.fetch_add(events, Ordering::Relaxed);
    }

    /// What the sink waits for, in words.
    pub fn waiting(&self) -> Option<String> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the sink takes no more events, where it has found out by itself:
    /// the next event would be told.
    pub fn failed(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens a file again that was renamed meanwhile. Does nothing for other
    /// sinks.
    pub fn reopen(&self) {
        if let Some(reopen) = &*self.reopener.lock().unwrap_or_else(PoisonError::into_inner) {
            reopen();
        }
    }

    pub(super) fn on_reopen(&self, reopen: impl Fn() + Send + Sync + 'static) {
        *self.reopener.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(reopen));
    }

    pub(super) fn add_delivered(&self, events: u64) {
        self.delivered.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn add_dropped(&self, events: u64) {
        self.dropped.fetch_add(events, Ordering::Relaxed);
    }

    /// An attempt failed, for this reason; the next will be made.
    pub(super) fn retry(&self, reason: &str) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.wait(reason);
    }

    /// It goes on when the other side does. Logged once until
    /// [`Status::resume`].
    pub(super) fn wait(&self, reason: &str) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_none() {
            warn!("events: {reason}; waiting");
        }
        if waiting.as_deref().and_then(|w| w.strip_prefix("events: ")) != Some(reason) {
            *waiting = Some(format!("events: {reason}"));
        }
    }

    /// It went on.
    pub(super) fn resume(&self) {
        if self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            info!("events are written again");
        }
    }

    /// It will not go on; the first reason stays.
    pub(super) fn fail(&self, reason: String) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status")
            .field("to", &self.to())
            .field("delivered", &self.delivered())
            .field("dropped", &self.dropped())
            .field("failures", &self.failures())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
