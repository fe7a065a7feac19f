//! What is known of the files, for `/metrics` and `/readyz`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::health::SourceReadiness;

/// State and counters of the files that are followed, shared by the thread that
/// reads and the exporter.
#[derive(Debug)]
pub struct Status {
    readiness: SourceReadiness,
    gauges: [AtomicU64; 3],
    counters: [AtomicU64; 6],
    /// When positions were last written, in milliseconds since 1970; 0 for never.
    written: AtomicU64,
}

/// What happens to files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A file has gone from its path, which may lead to another one.
    Rotated,
    /// A file was cut and is read from its beginning again.
    Truncated,
    /// A file has gone before it was read to its end.
    Vanished,
    /// A file begins like data that is to be decoded.
    Undecoded,
    /// A file could not be opened or read.
    Unreadable,
    /// Positions could not be written.
    Unwritten,
}

/// The state at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Files that are followed.
    pub followed: u64,
    /// Those that are open.
    pub open: u64,
    /// Bytes that are there and not yet counted.
    pub unread: u64,
}

impl Status {
    /// Nothing is known yet.
    pub fn new(readiness: SourceReadiness) -> Status {
        readiness.waiting(Some("looking for files for the first time".to_owned()));
        Status {
            readiness,
            gauges: Default::default(),
            counters: Default::default(),
            written: AtomicU64::new(0),
        }
    }

    /// Says what is waited for; none while files are read, or none is there.
    pub(super) fn waiting(&self, reason: Option<String>) {
        self.readiness.waiting(reason);
    }

    /// Counts an event.
    pub(super) fn add(&self, event: Event) {
        self.counters[event as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often it has happened.
    pub fn count(&self, event: Event) -> u64 {
        self.counters[event as usize].load(Ordering::Relaxed)
    }

    /// Sets the state.
    pub(super) fn set(&self, gauges: Gauges) {
        for (at, value) in self.gauges.iter().zip([gauges.followed, gauges.open, gauges.unread]) {
            at.store(value, Ordering::Relaxed);
        }
    }

    /// The state.
    pub fn gauges(&self) -> Gauges {
        let [followed, open, unread] = [0, 1, 2].map(|at| self.gauges[at].load(Ordering::Relaxed));
        Gauges { followed, open, unread }
    }

    /// Notes an attempt to write positions.
    pub(super) fn positions_written(&self, successful: bool) {
        if successful {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
            self.written.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
        } else {
            self.add(Event::Unwritten);
        }
    }

    /// When positions were last written, in seconds since 1970; none before
    /// the first time.
    pub fn written(&self) -> Option<f64> {
        let millis = self.written.load(Ordering::Relaxed);
        (millis > 0).then_some(millis as f64 / 1e3)
    }
}
