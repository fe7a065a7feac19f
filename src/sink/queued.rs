//! A sink that never blocks whoever gives it events: a thread of its own
//! writes them, and waits.
//!
//! It is for a source that has other work while the sink waits, such as a
//! member of a Kafka group that must be polled. Nothing is dropped. The source
//! asks for [room](Sink::room) and gives no more while there is none, which
//! bounds what is held: `QUEUE_BYTES` and what the source gives at once.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use super::{LOOK, Sink, SinkError, Status, Stopping, is_over};

/// Bytes of queued events from which there is no room.
const QUEUE_BYTES: usize = 1 << 20;

/// A sink in front of another one.
#[derive(Debug)]
pub struct Queued {
    shared: Arc<Shared>,
    taken: u64,
    status: Arc<Status>,
    stopping: Arc<Stopping>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<(Vec<u8>, u64)>,
    /// Bytes in the queue and in the hands of the thread.
    bytes: usize,
    taken: u64,
    settled: u64,
    ended: Option<SinkError>,
    closing: bool,
}

impl Queued {
    /// In front of `sink`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(sink: Box<dyn Sink>, status: Arc<Status>, stopping: Arc<Stopping>) -> anyhow::Result<Queued> {
        let shared = Arc::<Shared>::default();
        let (feeding, told) = (shared.clone(), status.clone());
        thread::Builder::new()
            .name("events".to_owned())
            .spawn(move || feeding.feed(sink, &told))
            .context("cannot start the thread for events")?;
        Ok(Queued { shared, taken: 0, status, stopping })
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        // The thread may be blocked; it ends by itself.
        self.shared.lock().closing = true;
        self.shared.changed.notify_all();
    }
}

impl Sink for Queued {
    fn take(&mut self, lines: &[u8], events: u64) -> Result<(), SinkError> {
        let mut state = self.shared.lock();
        self.taken += events;
        state.taken = self.taken;
        match &state.ended {
            None => {}
            Some(SinkError::Closed) => return Err(SinkError::Closed),
            Some(SinkError::Failed(error)) => return Err(SinkError::Failed(anyhow!("{error:#}"))),
        }
        state.bytes += lines.len();
        state.queue.push_back((lines.to_vec(), events));
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }

    fn room(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.shared.lock();
        // A sink that has ended takes no more; the next `take` says why.
        while state.bytes >= QUEUE_BYTES && state.ended.is_none() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.shared.wait(state, left);
        }
        true
    }

    fn settled(&mut self) -> u64 {
        self.shared.lock().settled
    }

    fn settle(&mut self, deadline: Option<Instant>) -> bool {
        let mut state = self.shared.lock();
        loop {
            if state.settled >= state.taken {
                return true;
            }
            if state.ended.is_some() || self.status.failed().is_some() || is_over(deadline, &self.stopping) {
                return false;
            }
            state = self.shared.wait(state, LOOK);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change, or for `time`.
    fn wait<'s>(&self, state: MutexGuard<'s, State>, time: Duration) -> MutexGuard<'s, State> {
        self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Waits for events. None when there are none: some that were written may
    /// be acknowledged meanwhile, which only the sink knows.
    fn next(&self) -> Next {
        let mut state = self.lock();
        loop {
            if state.closing {
                return Next::Close;
            }
            if let Some((lines, events)) = state.queue.pop_front() {
                return Next::Write(lines, events);
            }
            if state.settled < state.taken {
                drop(self.wait(state, LOOK));
                return Next::Look;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The thread.
    fn feed(&self, mut sink: Box<dyn Sink>, status: &Status) {
        loop {
            let (result, bytes) = match self.next() {
                Next::Close => return,
                Next::Look => (Ok(()), 0),
                Next::Write(lines, events) => (sink.take(&lines, events), lines.len()),
            };
            let settled = sink.settled();
            let mut state = self.lock();
            state.bytes -= bytes;
            state.settled = settled;
            if let Err(error) = result {
                status.fail(error.to_string());
                state.ended = Some(error);
            } else if let Some(reason) = status.failed() {
                state.ended = Some(SinkError::Failed(anyhow!(reason)));
            }
            let ended = state.ended.is_some();
            drop(state);
            self.changed.notify_all();
            if ended {
                return;
            }
        }
    }
}

/// What the thread does next.
enum Next {
    Write(Vec<u8>, u64),
    Look,
    Close,
}
