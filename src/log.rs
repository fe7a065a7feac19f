//! The log on standard error, which never stops or ends anything.
//!
//! Whoever logs puts a line into a bounded queue and goes on; a thread of its
//! own writes. A line that finds no room, or that cannot be written because
//! the disk is full or the reader is gone, is dropped and counted. The same
//! line again and again is told a few times, then with a number
//! (`repeats`).

mod lines;
mod queue;
mod repeats;
pub mod stderr;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;

pub use lines::Format;

use lines::{AtomicLevel, Subscriber};
use queue::Queue;

/// How long the end of the process waits for lines that are not yet written.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// What became of lines that nobody will read.
#[derive(Debug, Default)]
pub struct Counters {
    dropped: AtomicU64,
    suppressed: AtomicU64,
    level: AtomicLevel,
}

impl Counters {
    /// Logs from `level` on, from now on.
    pub fn set_level(&self, level: tracing::Level) {
        self.level.set(level);
        tracing::callsite::rebuild_interest_cache();
    }

    /// Lines that could not be written, or found no room.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Lines that were the same as others just before; their number was told.
    pub fn suppressed(&self) -> u64 {
        self.suppressed.load(Ordering::Relaxed)
    }
}

/// The log of the process. When it is dropped, what waits is written, for a
/// second at most.
pub struct Log {
    queue: Arc<Queue>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

impl Log {
    /// Starts the thread, and takes what the program logs from `level` on.
    ///
    /// # Errors
    /// When there is no thread to be had, or there is a log already.
    pub fn start(level: tracing::Level, format: Format) -> anyhow::Result<Log> {
        let queue = Queue::start(format).context("cannot start the thread of the log")?;
        let log = Log { queue: queue.clone() };
        queue.counters.level.set(level);
        tracing::subscriber::set_global_default(Subscriber::new(queue)).context("cannot set the log up")?;
        Ok(log)
    }

    /// What became of lines that nobody will read.
    pub fn counters(&self) -> Arc<Counters> {
        self.queue.counters.clone()
    }

    /// Writes text that is no log line, such as the summary, behind the lines
    /// before it; without its colours where they are not wanted.
    pub fn write(&self, text: &str) {
        let text = if stderr::has_colours() {
            text.to_owned()
        } else {
            anstream::adapter::strip_str(text).to_string()
        };
        self.queue.push(text.into_bytes());
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.queue.finish(LAST_WAIT);
    }
}
