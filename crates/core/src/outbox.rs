//! Events on their way from a pipeline to a sink.

mod sink;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use sink::{Sink, SinkError, were};

/// Bytes of events that are gathered before the sink gets them. It gets what
/// there is at every commit; a record that alone makes more than this, as one
/// with a thousand codes may, does not pile up.
const GATHERED_BYTES: usize = 256 << 10;

/// How long one of several sources may keep the sink from the others while it
/// waits for its events.
const SETTLE_SLICE: Duration = Duration::from_millis(50);

/// The same while it waits for room, and how long it lets the others then.
const ROOM_SLICE: Duration = Duration::from_millis(5);
const LET_OTHERS: Duration = Duration::from_micros(100);

/// A sink that outboxes give events to and sources ask what has arrived.
#[derive(Clone)]
pub struct SharedSink(Arc<Mutex<Taking>>);

struct Taking {
    sink: Box<dyn Sink>,
    /// Events that were given to it, by whichever outbox.
    given: u64,
}

impl SharedSink {
    fn taking(&self) -> MutexGuard<'_, Taking> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Events, from the first on, that are acknowledged.
    pub fn settled(&self) -> u64 {
        self.taking().sink.settled()
    }

    /// Waits until all are acknowledged that were given so far, at most until
    /// `deadline`, or until the time to stop is over. Whether they are.
    pub fn settle(&self, deadline: Option<Instant>) -> bool {
        let given = self.taking().given;
        loop {
            let slice = Instant::now() + SETTLE_SLICE;
            let until = deadline.map_or(slice, |deadline| deadline.min(slice));
            let mut taking = self.taking();
            if taking.sink.settle(Some(until)) || taking.sink.settled() >= given {
                return true;
            }
            drop(taking);
            // Earlier than asked: it has failed, or the time to stop is over.
            if Instant::now() < until || deadline.is_some_and(|deadline| until >= deadline) {
                return false;
            }
        }
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
        Outbox::shared(SharedSink(Arc::new(Mutex::new(Taking { sink, given: 0 }))))
    }

    /// Another one to the sink of this one, for another pipeline.
    pub fn another(&self) -> Outbox {
        Outbox::shared(self.sink.clone())
    }

    fn shared(sink: SharedSink) -> Outbox {
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
        if self.events > 0 {
            self.gave = true;
            let mut taking = self.sink.taking();
            // Also what is refused: its records must never count as done.
            taking.given += self.events;
            self.taken = taking.given;
            if !self.failed
                && let Err(failure) = taking.sink.take(&self.lines, self.events)
            {
                self.failure = Some(failure);
                self.failed = true;
            }
        }
        self.lines.clear();
        self.events = 0;
    }

    /// Whether the sink has room, after waiting for it for at most `time`. A
    /// source that has other work meanwhile gives the pipeline nothing until
    /// it has.
    pub fn has_room(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        while self.gave && !self.failed {
            let left = until.saturating_duration_since(Instant::now());
            self.gave = !self.sink.taking().sink.room(left.min(ROOM_SLICE));
            if left.is_zero() {
                break;
            }
            if self.gave {
                // So that another thread that waits for the sink gets it.
                std::thread::sleep(LET_OTHERS);
            }
        }
        !self.gave || self.failed
    }

    /// Why the sink takes no more, told once.
    pub fn failure(&mut self) -> Option<SinkError> {
        self.failure.take()
    }

    /// How many events have to have [arrived](SharedSink::settled) for all of
    /// this outbox to have, up to the last [`flush`](Outbox::flush): those of
    /// others that were given before them count.
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
        let missing = self.taken.saturating_sub(self.sink.settled());
        Err(anyhow::anyhow!("{} not delivered within shutdown_timeout", were(missing)))
    }

    /// The sink.
    pub fn sink(&self) -> SharedSink {
        self.sink.clone()
    }
}
