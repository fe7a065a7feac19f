//! What takes events: the daemon has the kinds of it.

use std::fmt;
use std::time::{Duration, Instant};

/// Where events go. Used by one thread.
pub trait Sink: Send {
    /// Takes whole events: `lines` holds `events` of them, each ended by a
    /// newline. Blocks while there is no room and while they cannot be
    /// written, until the time for stopping is over.
    ///
    /// # Errors
    /// When nobody reads any more, or it cannot go on. Nothing more is to be
    /// given to it then; [`Sink::settled`] still says what has arrived.
    fn take(&mut self, lines: &[u8], events: u64) -> Result<(), SinkError>;

    /// Whether there is room, after waiting for it for at most `time`. One that
    /// makes [`take`](Sink::take) wait instead always says so.
    fn room(&mut self, time: Duration) -> bool {
        let _ = time;
        true
    }

    /// How many of the events taken so far, counted from the first, have
    /// arrived with all before them, or were dropped.
    fn settled(&mut self) -> u64;

    /// Waits until all events taken are settled, until `deadline` or until
    /// the time for stopping is over. Whether they are.
    fn settle(&mut self, deadline: Option<Instant>) -> bool;
}

/// Why a sink takes no more.
#[derive(Debug)]
pub enum SinkError {
    /// Nobody reads any more.
    Closed,
    /// It cannot go on.
    Failed(anyhow::Error),
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SinkError::Closed => f.write_str("nobody reads the events any more"),
            SinkError::Failed(error) => write!(f, "{error:#}"),
        }
    }
}

impl std::error::Error for SinkError {}

/// `1 event was`, `2 events were`.
pub fn were(events: u64) -> String {
    if events == 1 { "1 event was".to_owned() } else { format!("{events} events were") }
}
