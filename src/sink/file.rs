//! A file, rotated by size.
//!
//! Every line stands whole in one file. Where a write fails in the middle of
//! a line, what stands of it is taken back, so that neither a wait nor a
//! rotation in between shows; where that is not possible, the rest follows.
//! What can pass is waited for: a full disk, a folder that is gone.

mod out;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::{LOOK, Sink, SinkError, Status, Stopping, undelivered};
use crate::config::EventFileSettings;
use out::Out;

/// How long is waited after the first failure, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How long a request to reopen waits for a write that is under way; after
/// that it is left to the writer.
const REOPEN_WAIT: Duration = Duration::from_secs(1);

/// A sink that appends to a file.
#[derive(Debug)]
pub struct File {
    shared: Arc<Shared>,
    taken: u64,
    written: u64,
    status: Arc<Status>,
    stopping: Arc<Stopping>,
}

/// What the writer and whoever asks to reopen both use.
#[derive(Debug)]
struct Shared {
    out: Mutex<Out>,
    /// The writer is to reopen the file before it writes.
    asked: AtomicBool,
    /// How often it was asked to reopen, to end a wait.
    requests: AtomicU64,
}

impl File {
    /// Opens the file, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be opened; the folder is not made.
    pub fn open(
        settings: &EventFileSettings,
        status: Arc<Status>,
        stopping: Arc<Stopping>,
    ) -> anyhow::Result<File> {
        let out = Out::open(settings).map_err(|e| {
            let path = settings.path.display();
            anyhow!(
                "cannot open the file of events {path}: {e}; make its folder, and let errtally write there"
            )
        })?;
        let shared =
            Arc::new(Shared { out: Mutex::new(out), asked: false.into(), requests: AtomicU64::new(0) });
        let reopened = shared.clone();
        status.on_reopen(move || reopened.reopen());
        Ok(File { shared, taken: 0, written: 0, status, stopping })
    }

    /// Waits before the next attempt, but not longer than until a request to
    /// reopen, which is likely to mend it.
    fn back_off(&self, time: &mut Duration, requests: u64) {
        let until = Instant::now() + *time;
        *time = (*time * 2).min(BACKOFF.1);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let asked = self.shared.requests.load(Ordering::Acquire) != requests;
            if left.is_zero() || asked || self.stopping.expired() {
                return;
            }
            sleep(left.min(LOOK));
        }
    }
}

impl Sink for File {
    fn take(&mut self, lines: &[u8], events: u64) -> Result<(), SinkError> {
        let before = self.written;
        self.taken += events;
        let mut rest = lines;
        let mut wait = BACKOFF.0;
        while !rest.is_empty() {
            let requests = self.shared.requests.load(Ordering::Acquire);
            match self.shared.write(rest) {
                Ok(n) => {
                    rest = &rest[n..];
                    wait = BACKOFF.0;
                    self.status.resume();
                }
                Err(reason) => {
                    self.status.retry(&reason);
                    if self.stopping.expired() {
                        let done = &lines[..lines.len() - rest.len()];
                        let arrived = memchr::memchr_iter(b'\n', done).count() as u64;
                        self.written = before + arrived;
                        self.status.add_delivered(arrived);
                        return Err(undelivered(self.taken - self.written, &self.status));
                    }
                    self.back_off(&mut wait, requests);
                }
            }
        }
        self.written = before + events;
        self.status.add_delivered(events);
        Ok(())
    }

    fn settled(&mut self) -> u64 {
        self.written
    }

    fn settle(&mut self, _: Option<Instant>) -> bool {
        self.written == self.taken
    }
}

impl Shared {
    /// Writes one or more whole lines from the start of `lines`; how many
    /// bytes.
    fn write(&self, lines: &[u8]) -> Result<usize, String> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if self.asked.swap(false, Ordering::AcqRel) {
            out.reopen();
        }
        out.write(lines)
    }

    fn reopen(&self) {
        self.asked.store(true, Ordering::Release);
        self.requests.fetch_add(1, Ordering::Release);
        let until = Instant::now() + REOPEN_WAIT;
        loop {
            let out = match self.out.try_lock() {
                Ok(out) => Some(out),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            };
            if let Some(mut out) = out {
                if self.asked.swap(false, Ordering::AcqRel) {
                    out.reopen();
                }
                return;
            }
            if Instant::now() >= until {
                return;
            }
            sleep(Duration::from_millis(1));
        }
    }
}

/// `what` failed at `path`, in words.
fn words(what: &str, path: &std::path::Path, error: &io::Error) -> String {
    format!("cannot {what} {}: {error}", path.display())
}
