//! The thread's side: takes what is queued, counts it, and answers for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::streams::Streams;
use super::{Buffers, Ends, Item, Unit, What};
use crate::sink::SinkError;
use crate::source::stdin::ended;
use crate::source::stop::Ended;
use errtally_core::outbox::Outbox;
use errtally_core::pipeline::Pipeline;

/// How long to wait before the next look whether events have arrived, and
/// whether their sink has room.
const LOOK: Duration = Duration::from_millis(5);

/// The longest wait: the events' sink may fail by itself.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Items that are counted between two looks at all that is due.
const ITEMS: usize = 64;

/// Counts what many senders give.
#[derive(Debug)]
pub struct Counter {
    items: Receiver<Item>,
    buffers: Arc<Buffers>,
    streams: Streams,
    /// Units whose events are on their way: with how many they have all arrived.
    unsettled: VecDeque<(u64, oneshot::Sender<()>)>,
}

impl Counter {
    pub(super) fn new(items: Receiver<Item>, buffers: Arc<Buffers>) -> Counter {
        Counter { items, buffers, streams: Streams::default(), unsettled: VecDeque::new() }
    }

    /// Counts until nobody gives any more, and hands over the events of it.
    ///
    /// # Errors
    /// When events cannot be handed over.
    pub fn run(mut self, pipeline: &mut Pipeline) -> anyhow::Result<Ended> {
        if let Some(failure) = self.until_all_have_left(pipeline) {
            return ended(failure);
        }
        self.streams.end_all(pipeline);
        if let Some(failure) = failure(pipeline) {
            return ended(failure);
        }
        if let Some(events) = pipeline.events() {
            events.settle()?;
        }
        self.answer(pipeline);
        Ok(Ended::Stopped)
    }

    /// Gives why events cannot be handed over any more, where that is so.
    fn until_all_have_left(&mut self, pipeline: &mut Pipeline) -> Option<SinkError> {
        loop {
            let now = Instant::now();
            let due = self.streams.due(pipeline).unwrap_or(now + LONGEST_WAIT);
            let look = if self.unsettled.is_empty() { LONGEST_WAIT } else { LOOK };
            let wait = due.min(now + look).saturating_duration_since(now);
            match self.items.recv_timeout(wait) {
                Ok(item) => {
                    let mut next = Some(item);
                    for _ in 0..ITEMS {
                        let Some(item) = next.take().or_else(|| self.items.try_recv().ok()) else { break };
                        if let Some(failure) = self.wait_for_room(pipeline) {
                            return Some(failure);
                        }
                        self.take(item, pipeline);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            self.streams.idle(pipeline, Instant::now());
            self.answer(pipeline);
            if let Some(failure) = failure(pipeline) {
                return Some(failure);
            }
        }
    }

    fn take(&mut self, item: Item, pipeline: &mut Pipeline) {
        let Item { what, room } = item;
        match what {
            What::Begin(id, peer, cut) => self.streams.begin(id, peer, cut),
            What::Lines(id, chunk) => {
                self.streams.lines(id, chunk.bytes(), pipeline);
                self.buffers.give_back(chunk.buffer);
            }
            What::Part(id, chunk, ends) => {
                self.streams.part(id, chunk.bytes(), ends == Ends::Yes, pipeline);
                self.buffers.give_back(chunk.buffer);
            }
            What::End(id) => self.streams.end(id, pipeline),
            What::Unit(unit, done) => {
                self.streams.suspend(pipeline);
                count(&unit, pipeline);
                if let Unit::Records { bytes, .. } = unit {
                    self.buffers.give_back(bytes);
                }
                let taken = pipeline.events().map_or(0, |events| events.taken());
                self.unsettled.push_back((taken, done));
            }
        }
        drop(room);
    }

    /// Waits while there is no room for events: what is queued waits, and so do
    /// those who give.
    fn wait_for_room(&mut self, pipeline: &mut Pipeline) -> Option<SinkError> {
        while pipeline.events().is_some_and(|events| !events.has_room(Duration::ZERO)) {
            self.answer(pipeline);
            thread::sleep(LOOK);
        }
        failure(pipeline)
    }

    /// Answers for the units whose events have arrived.
    fn answer(&mut self, pipeline: &mut Pipeline) {
        if self.unsettled.is_empty() {
            return;
        }
        let settled = pipeline.events().map_or(u64::MAX, |events| events.sink().settled());
        while self.unsettled.front().is_some_and(|(taken, _)| *taken <= settled) {
            if let Some((_, done)) = self.unsettled.pop_front() {
                // Whoever has left does not ask.
                let _ = done.send(());
            }
        }
    }
}

/// Counts a unit; the ledger has it then.
fn count(unit: &Unit, pipeline: &mut Pipeline) {
    match unit {
        Unit::Lines { bytes, peer } => pipeline.sent_lines(bytes, peer),
        Unit::Records { bytes, records } => {
            for (range, peer) in records {
                pipeline.sent(&bytes[range.clone()], peer);
            }
        }
    }
    pipeline.commit();
}

fn failure(pipeline: &mut Pipeline) -> Option<SinkError> {
    pipeline.events().and_then(Outbox::failure)
}
