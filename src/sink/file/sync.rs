//! What the writer and the thread that syncs share.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::out::Out;
use super::{SYNC_INTERVAL, lock};
use crate::sink::{LOOK, Status, Stopping, is_over};

/// The open file, and how far it is on the disk.
#[derive(Debug)]
pub(super) struct Shared {
    out: Mutex<Out>,
    /// The file is to be opened again before anything is written.
    asked: AtomicBool,
    /// How often that was asked for, to end a wait.
    pub(super) requests: AtomicU64,
    progress: Mutex<Progress>,
    changed: Condvar,
    status: Arc<Status>,
}

#[derive(Debug, Default)]
struct Progress {
    written: u64,
    synced: u64,
    /// Somebody waits for a sync.
    wanted: bool,
    closed: bool,
}

impl Shared {
    pub(super) fn new(out: Out, status: Arc<Status>) -> Shared {
        Shared {
            out: Mutex::new(out),
            asked: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            progress: Mutex::default(),
            changed: Condvar::new(),
            status,
        }
    }

    /// Writes one or more whole lines from the start of `lines`; how many
    /// bytes.
    pub(super) fn write(&self, lines: &[u8]) -> Result<usize, String> {
        let mut out = lock(&self.out);
        if self.asked.swap(false, Ordering::AcqRel) {
            out.reopen();
        }
        out.write(lines)
    }

    /// So many events are written in all.
    pub(super) fn wrote(&self, events: u64) {
        let mut progress = lock(&self.progress);
        let idle = progress.written == progress.synced;
        progress.written = events;
        drop(progress);
        // Else the thread is awake already.
        if idle {
            self.changed.notify_all();
        }
    }

    /// So many events are on the disk.
    pub(super) fn synced(&self) -> u64 {
        lock(&self.progress).synced
    }

    /// Waits until `events` are on the disk. Whether they are.
    pub(super) fn sync_by(&self, events: u64, deadline: Option<Instant>, stopping: &Stopping) -> bool {
        let mut progress = lock(&self.progress);
        loop {
            if progress.synced >= events {
                return true;
            }
            if self.status.failed().is_some() || is_over(deadline, stopping) {
                return false;
            }
            progress.wanted = true;
            self.changed.notify_all();
            progress = self.changed.wait_timeout(progress, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Asks for the file to be opened again, and does not wait for it.
    pub(super) fn ask_to_reopen(&self) {
        self.asked.store(true, Ordering::Release);
        self.requests.fetch_add(1, Ordering::Release);
        drop(lock(&self.progress));
        self.changed.notify_all();
    }

    /// Ends the thread, which may still be waiting for a disk, and lets others
    /// have the file.
    pub(super) fn close(&self) {
        lock(&self.out).close();
        lock(&self.progress).closed = true;
        self.changed.notify_all();
    }

    /// The thread.
    pub(super) fn run(&self) {
        while let Some(events) = self.next() {
            if self.asked.load(Ordering::Acquire) {
                let mut out = lock(&self.out);
                if self.asked.swap(false, Ordering::AcqRel) {
                    out.reopen();
                }
            }
            if events > self.synced()
                && let Err(error) = self.sync()
            {
                // What the kernel could not write is gone from its memory, too: it would say at the next
                // sync that all is well.
                let path = lock(&self.out).path();
                self.status.fail(format!(
                    "cannot sync {path}: {error}; events may be lost, and what is not committed is read again at \
                     the next start"
                ));
                self.changed.notify_all();
                return;
            }
            lock(&self.progress).synced = events;
            self.changed.notify_all();
        }
    }

    /// Waits for something to do; how many events are written. None at the
    /// end.
    fn next(&self) -> Option<u64> {
        let mut progress = lock(&self.progress);
        let mut since: Option<Instant> = None;
        loop {
            if progress.closed {
                return None;
            }
            let behind = progress.written > progress.synced;
            let now = Instant::now();
            let since = *since.get_or_insert(now);
            let left = SYNC_INTERVAL.saturating_sub(now - since);
            if self.asked.load(Ordering::Acquire) || (behind && (progress.wanted || left.is_zero())) {
                progress.wanted = false;
                return Some(progress.written);
            }
            let time = if behind { left } else { Duration::MAX };
            progress = self.changed.wait_timeout(progress, time).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Brings to the disk what is written. Writing goes on meanwhile.
    fn sync(&self) -> io::Result<()> {
        let unsynced = lock(&self.out).unsynced()?;
        unsynced.sync()
    }
}
