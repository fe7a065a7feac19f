//! A sink that never makes anybody wait: what it has no room for is dropped,
//! and counted.
//!
//! A thread gives what is queued to the sink behind. Events that were dropped
//! count as settled in their place, so that whoever asks need not know.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, anyhow};

use super::{LOOK, Sink, SinkError, Status, Stopping, is_over};

/// Bytes of events that wait for the sink.
const QUEUE_BYTES: usize = 8 << 20;

/// A sink in front of another one.
#[derive(Debug)]
pub struct Dropping {
    shared: Arc<Shared>,
    status: Arc<Status>,
    stopping: Arc<Stopping>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<(Vec<u8>, u64)>,
    bytes: usize,
    /// Events not yet settled, in order: so many queued, then so many dropped.
    runs: VecDeque<(u64, u64)>,
    /// Of the queued events in `runs` and before, how many the sink behind
    /// has settled.
    behind: u64,
    settled: u64,
    taken: u64,
    ended: Option<SinkError>,
    closing: bool,
}

impl Dropping {
    /// In front of `sink`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(
        sink: Box<dyn Sink>,
        status: Arc<Status>,
        stopping: Arc<Stopping>,
    ) -> anyhow::Result<Dropping> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let (feeding, told) = (shared.clone(), status.clone());
        thread::Builder::new()
            .name("events".to_owned())
            .spawn(move || feeding.feed(sink, &told))
            .context("cannot start the thread for events")?;
        Ok(Dropping { shared, status, stopping })
    }
}

impl Drop for Dropping {
    fn drop(&mut self) {
        // The thread may be blocked; it ends by itself.
        self.shared.lock().closing = true;
        self.shared.changed.notify_all();
    }
}

impl Sink for Dropping {
    fn take(&mut self, lines: &[u8], events: u64) -> Result<(), SinkError> {
        let mut state = self.shared.lock();
        state.taken += events;
        match &state.ended {
            None => {}
            Some(SinkError::Closed) => return Err(SinkError::Closed),
            Some(SinkError::Failed(error)) => return Err(SinkError::Failed(anyhow!("{error:#}"))),
        }
        let room = (QUEUE_BYTES - state.bytes).min(lines.len());
        let end = memchr::memrchr(b'\n', &lines[..room]).map_or(0, |at| at + 1);
        let queued = if end == lines.len() {
            events
        } else {
            memchr::memchr_iter(b'\n', &lines[..end]).count() as u64
        };
        if queued > 0 {
            state.queue.push_back((lines[..end].to_vec(), queued));
            state.bytes += end;
            self.shared.changed.notify_all();
        }
        let dropped = events - queued;
        self.status.add_dropped(dropped);
        state.note(queued, dropped);
        Ok(())
    }

    fn settled(&mut self) -> u64 {
        self.shared.lock().settled
    }

    fn settle(&mut self, deadline: Option<Instant>) -> bool {
        let mut state = self.shared.lock();
        loop {
            if state.settled == state.taken {
                return true;
            }
            if state.ended.is_some() || is_over(deadline, &self.stopping) {
                return false;
            }
            state = self.shared.wait(state);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change, or a moment.
    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0
    }

    /// The thread.
    fn feed(&self, mut sink: Box<dyn Sink>, status: &Status) {
        loop {
            let next = {
                let mut state = self.lock();
                while state.queue.is_empty() && !state.closing && state.runs.is_empty() {
                    state = self.wait(state);
                }
                if state.closing {
                    return;
                }
                if state.queue.is_empty() {
                    // Only acknowledgements are missing.
                    state = self.wait(state);
                }
                let next = state.queue.pop_front();
                state.bytes -= next.as_ref().map_or(0, |(lines, _)| lines.len());
                next
            };
            let result = next.map_or(Ok(()), |(lines, events)| sink.take(&lines, events));
            let behind = sink.settled();
            let mut state = self.lock();
            state.arrived(behind);
            if let Err(error) = result {
                status.fail(error.to_string());
                state.ended = Some(error);
            } else if let Some(reason) = status.failed() {
                state.ended = Some(SinkError::Failed(anyhow!(reason)));
            }
            self.changed.notify_all();
            if state.ended.is_some() {
                return;
            }
        }
    }
}

impl State {
    /// Of the next events so many were queued and then so many dropped.
    fn note(&mut self, queued: u64, dropped: u64) {
        match self.runs.back_mut() {
            // What follows without a gap is one run.
            Some((run, 0)) => {
                *run += queued;
                if let Some((_, gap)) = self.runs.back_mut() {
                    *gap = dropped;
                }
            }
            Some((_, gap)) if queued == 0 => *gap += dropped,
            _ => self.runs.push_back((queued, dropped)),
        }
        self.arrived(self.behind);
    }

    /// The sink behind has settled so many events in all.
    fn arrived(&mut self, behind: u64) {
        let mut new = behind - self.behind;
        self.behind = behind;
        while let Some((run, gap)) = self.runs.front_mut() {
            let part = new.min(*run);
            *run -= part;
            new -= part;
            self.settled += part;
            if *run > 0 {
                break;
            }
            self.settled += *gap;
            self.runs.pop_front();
        }
    }
}
