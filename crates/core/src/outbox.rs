//! Events on their way from a pipeline to a sink.

mod sink;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use sink::{Sink, SinkError, were};

/// Bytes of events that are gathered before the sink gets them. It gets what
/// there is at every commit; a record that alone makes more than this, as one
/// with a thousand codes may, does not pile up.
const GATHERED_BYTES: usize = 256 << 10;

/// A sink that the outbox gives events to and a source asks what has arrived.
#[derive(Clone)]
pub struct SharedSink(Arc<Mutex<Box<dyn Sink>>>);

impl SharedSink {
    fn sink(&self) -> MutexGuard<'_, Box<dyn Sink>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Events, from the first on, that are acknowledged.
    pub fn settled(&self) -> u64 {
        self.sink().settled()
    }

    /// Waits until all are acknowledged, at most until `deadline`, or until
    /// the time to stop is over. Whether they are.
    pub fn settle(&self, deadline: Option<Instant>) -> bool {
        self.sink().settle(deadline)
    }
}

/// Gathers events; what a sink refuses ends the run.
pub struct Outbox {
    lines: Vec<u8>,
    events: u64,
    taken: u64,
    sink: SharedSink,
    failure: Option<SinkError>,
    /// Nothing more is to be given to the sink.
    failed: bool,
    /// The sink was given something since it last had room.
    gave: bool,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox")
            .field("events", &self.events)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

impl Outbox {
    /// To `sink`.
    pub fn new(sink: Box<dyn Sink>) -> Outbox {
        let sink = SharedSink(Arc::new(Mutex::new(sink)));
        Outbox { lines: Vec::new(), events: 0, taken: 0, sink, failure: None, failed: false, gave: true }
    }

    /// Adds the event that `write` writes as a line.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.lines);
        self.events += 1;
        if self.lines.len() >= GATHERED_BYTES {
            self.flush();
        }
    }

    /// Forgets what is gathered.
    pub fn forget(&mut self) {
        self.lines.clear();
        self.events = 0;
    }

    /// Hands over what was gathered. Waits while the sink has no room.
    pub fn flush(&mut self) {
        // Also what is refused: its records must never count as done.
        self.taken += self.events;
        self.gave |= self.events > 0;
        if self.events > 0
            && !self.failed
            && let Err(failure) = self.sink.sink().take(&self.lines, self.events)
        {
            self.failure = Some(failure);
            self.failed = true;
        }
        self.lines.clear();
        self.events = 0;
    }

    /// Whether the sink has room, after waiting for it for at most `time`. A
    /// source that has other work meanwhile gives the pipeline nothing until
    /// it has.
    pub fn has_room(&mut self, time: Duration) -> bool {
        if self.gave && !self.failed {
            self.gave = !self.sink.sink().room(time);
        }
        !self.gave || self.failed
    }

    /// Why the sink takes no more, told once.
    pub fn failure(&mut self) -> Option<SinkError> {
        self.failure.take()
    }

    /// Events so far, up to the last [`flush`](Outbox::flush).
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Waits until all events have arrived, or the time to stop is over.
    ///
    /// # Errors
    /// When some have not, with their number.
    pub fn settle(&self) -> anyhow::Result<()> {
        if self.sink.settle(None) {
            return Ok(());
        }
        let missing = self.taken - self.sink.settled();
        Err(anyhow::anyhow!("{} not delivered within shutdown_timeout", were(missing)))
    }

    /// The sink.
    pub fn sink(&self) -> SharedSink {
        self.sink.clone()
    }
}
