//! One thread's way from bytes to counts: framing, search, classifying,
//! counting. The only place that knows the order.
//!
//! Records without a place where a code may stand are never looked at one by
//! one: one sweep over the block counts newlines and finds the places.

mod blocks;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use memchr::memchr;

use crate::engine::Engine;
use crate::enrich::Plan;
use crate::fields::{Envelope, PeerName};
use crate::framing::{Block, LineBuffer};
use crate::join::containers::FIRST_LINES;
use crate::ledger::{Ledger, Source};
use crate::outbox::Outbox;
use crate::record::Reader;
use crate::turns::Turn;
use blocks::{At, Origin, Scratch, lines, message, window};
pub use turn::Head;

/// Lines that are held and do not end a record, from which on they are looked
/// at again only when an eighth more has come.
const MANY_HELD: usize = 64 << 10;

/// Reads records of one source into a ledger. One for each thread.
#[derive(Debug)]
pub struct Pipeline {
    ledger: Arc<Ledger>,
    source: Source,
    engine: Arc<Engine>,
    generation: u64,
    lines: LineBuffer,
    scratch: Scratch,
    reader: Reader,
    /// Where the bytes come from.
    origin: Origin,
    /// Bytes of the input before the next block.
    offset: u64,
    /// Lines of fewer bytes are not looked at again, unless nothing follows.
    retry: usize,
    turn: Option<Arc<Turn>>,
    /// Whether there is something that waits for the turn.
    held: bool,
}

impl Pipeline {
    /// A pipeline from `source` into `ledger` that only counts.
    pub fn new(ledger: Arc<Ledger>, source: Source) -> Pipeline {
        Pipeline::with_plan(ledger, source, Arc::new(Plan::nothing()), None)
    }

    /// A pipeline that also reads what `plan` says, with a way out for the
    /// events where it has any.
    pub fn with_plan(
        ledger: Arc<Ledger>,
        source: Source,
        plan: Arc<Plan>,
        events: Option<Outbox>,
    ) -> Pipeline {
        ledger.open(source);
        let (engine, generation) = ledger.engine();
        let lines = LineBuffer::new(engine.options().max_record_bytes);
        let reader = Reader::new(plan, engine.catalog(), events);
        Pipeline {
            ledger,
            source,
            engine,
            generation,
            lines,
            scratch: Scratch::default(),
            reader,
            origin: Origin::Stream,
            offset: 0,
            retry: 0,
            turn: None,
            held: false,
        }
    }

    /// Another one that counts for the same source and gives events to the same
    /// sink: for a record that is read in parts while others are counted.
    pub fn beside(&mut self) -> Pipeline {
        let plan = self.reader.plan().clone();
        let events = self.reader.events().map(|events| events.another());
        Pipeline::with_plan(self.ledger.clone(), self.source, plan, events)
    }

    /// For one of several threads that share an input: what it counts reaches
    /// the ledger as if one thread had read all, and where the order makes no
    /// difference without waiting. Its piece of the input ends with
    /// [`finish`](Pipeline::finish).
    pub fn in_turn(mut self, turn: Arc<Turn>) -> Pipeline {
        self.reader.leave_limits();
        self.turn = Some(turn);
        self
    }

    /// For an input whose first lines are known not to be wrapped by a
    /// container runtime.
    pub fn not_wrapped(mut self) -> Pipeline {
        self.scratch.first_lines = FIRST_LINES;
        self
    }

    /// Takes lines as bytes, cut anywhere. Whole lines are read where they
    /// are; only what a cut goes through is copied. When it returns, every
    /// record that is complete is counted, and the ledger has it; the last is
    /// where nothing can continue it.
    pub fn push(&mut self, bytes: &[u8]) {
        self.refresh();
        let mut at = 0;
        // Bytes before `at` that the buffer has of these.
        let mut copied = 0;
        while at < bytes.len() {
            let whole = self.lines.bypass(&bytes[at..]);
            if whole > 0 {
                let taken = self.lines_in_place(&bytes[at..at + whole]);
                at += taken;
                if taken > 0 {
                    continue;
                }
            }
            // The rest, or until a record ends.
            let mut held = self.lines.held();
            loop {
                let rest = LineBuffer::rest_of_line(&bytes[at..]);
                let space = self.space();
                let n = space.len().min(rest);
                space[..n].copy_from_slice(&bytes[at..at + n]);
                (at, copied, held) = (at + n, copied + n, held + n);
                self.filled(n);
                if at == bytes.len() || self.lines.held() < held {
                    break;
                }
            }
            if at < bytes.len() && !self.lines.in_window() && self.lines.held() <= copied {
                at -= self.lines.held();
                self.lines.clear();
                copied = 0;
            }
        }
    }

    /// Counts whole lines that come next where they are; gives the bytes that are done.
    fn lines_in_place(&mut self, block: &[u8]) -> usize {
        let at = At::offset(&self.origin, self.offset);
        let taken = lines(&mut self.reader, &self.engine, &mut self.scratch, block, false, at);
        if taken > 0 {
            self.offset += taken as u64;
            self.commit();
        }
        taken
    }

    /// Room for a read of the source, at least one byte.
    pub fn space(&mut self) -> &mut [u8] {
        self.lines.space()
    }

    /// Reads what was put into [`space`](Pipeline::space). When it returns,
    /// every record that is complete is counted, and the ledger has it.
    pub fn filled(&mut self, bytes: usize) {
        // It may have come while the source waited.
        self.refresh();
        self.lines.filled(bytes);
        self.drain(Until::More);
    }

    /// Counts the last line, with a newline or without. More input may
    /// follow: it starts a new record.
    pub fn finish(&mut self) {
        self.drain(Until::Ended);
        if self.held {
            self.hand_over();
        }
    }

    /// How long to wait for more input before [`idle`](Pipeline::idle), where
    /// a record is held that it may continue.
    pub fn wait(&self) -> Option<Duration> {
        (self.lines.held_lines() > 0).then_some(self.engine.options().join.wait)
    }

    /// Counts the records that are held: nothing has come for long.
    pub fn idle(&mut self) {
        self.drain(Until::Idle);
    }

    /// Counts one message as one record. It is in the ledger after the next
    /// [`commit`](Pipeline::commit).
    pub fn message(&mut self, payload: &[u8], envelope: &dyn Envelope) {
        self.unit(payload, At::Message(envelope));
    }

    /// As [`message`](Pipeline::message), of what `peer` has sent as one record.
    pub fn sent(&mut self, payload: &[u8], peer: &PeerName) {
        self.unit(payload, At::Peer(peer, None));
    }

    fn unit(&mut self, payload: &[u8], at: At<'_>) {
        self.follow();
        if payload.len() > self.engine.options().max_record_bytes {
            window(&mut self.reader, &self.engine, &mut self.scratch, payload, 0, true, at);
            self.reader.tally.bytes += payload.len() as u64;
        } else {
            message(&mut self.reader, &self.engine, &mut self.scratch, payload, at);
        }
    }

    /// Counts the lines of one message, each as a record or as a part of the
    /// one before; the last may lack its newline. They are in the ledger after
    /// the next [`commit`](Pipeline::commit).
    pub fn message_lines(&mut self, payload: &[u8], envelope: &dyn Envelope) {
        self.unit_lines(payload, At::Message(envelope));
    }

    /// As [`message_lines`](Pipeline::message_lines), of what `peer` has sent.
    pub fn sent_lines(&mut self, payload: &[u8], peer: &PeerName) {
        self.unit_lines(payload, At::Peer(peer, None));
    }

    fn unit_lines(&mut self, payload: &[u8], at: At<'_>) {
        self.follow();
        let limit = self.engine.options().max_record_bytes;
        (self.scratch.first_lines, self.scratch.wrapped) = (0, false);
        let mut from = 0;
        let mut end = 0;
        while end < payload.len() {
            let start = end;
            let length = memchr(b'\n', &payload[start..]).unwrap_or(payload.len() - start);
            end = (start + length + 1).min(payload.len());
            let overlong = length > limit;
            let before = if overlong { start } else { end };
            if before > from && (overlong || end == payload.len()) {
                let block = &payload[from..before];
                lines(&mut self.reader, &self.engine, &mut self.scratch, block, true, at);
                from = before;
            }
            if overlong {
                let record = &payload[start..start + length];
                window(&mut self.reader, &self.engine, &mut self.scratch, record, 0, true, at);
                self.reader.tally.bytes += (end - start) as u64;
                from = end;
            }
        }
    }

    /// Goes on with the engine in force in the middle of a batch of messages:
    /// what was counted with another is handed over first.
    fn follow(&mut self) {
        if self.ledger.generation() != self.generation {
            self.commit();
        }
    }

    /// Goes on with the engine in force, from the next record on.
    fn refresh(&mut self) {
        if self.ledger.generation() != self.generation && !self.lines.in_window() && !self.held {
            (self.engine, self.generation) = self.ledger.engine();
            self.reader.use_engine(&self.engine);
            self.lines.set_limit(self.engine.options().max_record_bytes);
        }
    }

    fn drain(&mut self, until: Until) {
        self.refresh();
        while let Some(block) = self.lines.next(until == Until::Ended) {
            // Within an overlong line nothing is committed: its record is not yet counted.
            let between_records = match block {
                Block::Lines { bytes, closed } => {
                    let closed = closed || until == Until::Idle;
                    if bytes.len() < self.retry && !closed {
                        return;
                    }
                    let at = At::offset(&self.origin, self.offset);
                    let taken = lines(&mut self.reader, &self.engine, &mut self.scratch, bytes, closed, at);
                    if taken == 0 {
                        self.retry = if bytes.len() > MANY_HELD { bytes.len() + bytes.len() / 8 } else { 0 };
                        return;
                    }
                    self.retry = 0;
                    self.lines.take(taken);
                    self.offset += taken as u64;
                    true
                }
                Block::Window { bytes, seen, last, newline } => {
                    let at = At::offset(&self.origin, self.offset - seen as u64);
                    window(&mut self.reader, &self.engine, &mut self.scratch, bytes, seen, last, at);
                    let fresh = (bytes.len() - seen) as u64 + u64::from(newline);
                    self.reader.tally.bytes += fresh;
                    self.offset += fresh;
                    last
                }
            };
            if between_records {
                self.commit();
            }
        }
    }

    /// The engine in force for the next record.
    pub fn engine(&self) -> Arc<Engine> {
        self.engine.clone()
    }

    /// Hands what was counted to the ledger, as one, and events to their sink,
    /// and goes on with the engine in force. One of several threads holds it
    /// until its piece of the input ends, as far as there is room.
    pub fn commit(&mut self) {
        self.held = self.turn.is_some() && !self.reader.is_full();
        if !self.held {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let Reader { sets, tally, .. } = &mut self.reader;
        let early = self.turn.as_ref().is_some_and(|turn| {
            let early = !turn.has_come() && self.ledger.commit_early(self.source, &self.engine, sets, tally);
            if !early {
                turn.wait();
            }
            early
        });
        if !early {
            self.ledger.commit(self.source, &self.engine, sets, tally);
        }
        self.held = false;
        if self.turn.is_some() && self.reader.is_full() {
            self.reader.leave_limits();
        }
        if let Some(events) = self.reader.events() {
            events.flush();
        }
        self.refresh();
    }

    /// The events' way out, where there is one.
    pub fn events(&mut self) -> Option<&mut Outbox> {
        self.reader.events()
    }
}

/// Up to where the buffer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// To the last record that nothing continues: more may come.
    More,
    /// To the last whole line: no more came for long.
    Idle,
    /// To the end.
    Ended,
}
