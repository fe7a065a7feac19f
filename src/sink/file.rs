//! A file, rotated by size.
//!
//! Every line stands whole in one file. Where a write fails in the middle of
//! a line, what stands of it is taken back, so that neither a wait nor a
//! rotation in between shows; where that is not possible, the rest follows.
//! What can pass is waited for: a full disk, a folder that is gone.
//!
//! An event has arrived when a crash of the machine would not lose it: the
//! file is synced. A thread does that for all that was written meanwhile, at
//! most every `SYNC_INTERVAL`, so that writing waits for no disk and a sync
//! serves many events. The same thread opens the file again on request, so
//! that nobody who asks waits for a writer.
//!
//! One process writes to a file: it is locked as long as it is open.

mod out;
mod sync;

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use super::{LOOK, Sink, SinkError, Status, Stopping, undelivered};
use crate::sink::settings::EventFileSettings;
use out::Out;
use sync::Shared;

/// How long is waited after the first failure, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How long events are gathered for one sync, where nobody waits for it.
const SYNC_INTERVAL: Duration = Duration::from_millis(250);

/// A sink that appends to a file.
#[derive(Debug)]
pub struct File {
    shared: Arc<Shared>,
    taken: u64,
    written: u64,
    status: Arc<Status>,
    stopping: Arc<Stopping>,
}

impl File {
    /// Opens the file, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be opened, or another process writes to it; the folder
    /// is not made.
    pub fn open(
        settings: &EventFileSettings,
        status: Arc<Status>,
        stopping: Arc<Stopping>,
    ) -> anyhow::Result<File> {
        let out = Out::open(settings).map_err(|e| {
            let path = settings.path.display();
            match e.kind() {
                io::ErrorKind::ResourceBusy => anyhow!(
                    "cannot write events to {path}: another process writes to it; give each errtally a file of its own in events.file.path"
                ),
                _ => anyhow!(
                    "cannot open the file of events {path}: {e}; make its folder, and let errtally write there"
                ),
            }
        })?;
        let shared = Arc::new(Shared::new(out, status.clone()));
        let syncing = shared.clone();
        thread::Builder::new()
            .name("events-sync".to_owned())
            .spawn(move || syncing.run())
            .context("cannot start the thread that syncs events")?;
        let reopened = shared.clone();
        status.on_reopen(move || reopened.ask_to_reopen());
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

impl Drop for File {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Sink for File {
    fn take(&mut self, lines: &[u8], events: u64) -> Result<(), SinkError> {
        if let Some(reason) = self.status.failed() {
            return Err(SinkError::Failed(anyhow!(reason)));
        }
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
                    self.status.unblock();
                    self.status.resume();
                }
                Err(reason) => {
                    self.status.block();
                    self.status.retry(&reason);
                    if self.stopping.expired() {
                        let done = &lines[..lines.len() - rest.len()];
                        let arrived = memchr::memchr_iter(b'\n', done).count() as u64;
                        self.written = before + arrived;
                        self.shared.wrote(self.written);
                        self.status.add_delivered(arrived);
                        return Err(undelivered(self.taken - self.written, &self.status));
                    }
                    self.back_off(&mut wait, requests);
                }
            }
        }
        self.written = before + events;
        self.shared.wrote(self.written);
        self.status.add_delivered(events);
        Ok(())
    }

    fn settled(&mut self) -> u64 {
        self.shared.synced()
    }

    fn settle(&mut self, deadline: Option<Instant>) -> bool {
        self.shared.sync_by(self.written, deadline, &self.stopping) && self.written == self.taken
    }
}

/// `what` failed at `path`, in words.
fn words(what: &str, path: &std::path::Path, error: &io::Error) -> String {
    format!("cannot {what} {}: {error}", path.display())
}

/// The lock of a file that is out of reach of a poisoned thread.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
