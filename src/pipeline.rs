//! One thread's way from bytes to counts: framing, search, classifying,
//! counting. The only place that knows the order.
//!
//! Records without a place where a code may stand are never looked at one by
//! one: one sweep over the block counts newlines and finds the places.

use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memrchr};

use crate::boundary::{LEFT_CONTEXT, RIGHT_CONTEXT};
use crate::classify::doubt::Doubt;
use crate::classify::{self, MAX_CODE_BYTES, Sighting, discovery};
use crate::engine::Engine;
use crate::enrich::Plan;
use crate::event::Position;
use crate::fields::Envelope;
use crate::framing::{Block, LineBuffer, OVERLAP};
use crate::ledger::{Ledger, Source};
use crate::outbox::Outbox;
use crate::record::Reader;
use crate::turns::Turn;

/// Bytes before a place that judging it may read: a prefix or the head of a
/// key, and what stands before that.
const REACH_LEFT: usize = MAX_CODE_BYTES + LEFT_CONTEXT;

/// Bytes from a place on that judging it may read.
const REACH_RIGHT: usize = discovery::MAX_SPAN + MAX_CODE_BYTES + RIGHT_CONTEXT;

// In a window, a place is judged where all that it reaches is at hand: in
// this window if it stands REACH_RIGHT before its end, else in the next, where
// the overlap holds it with all that stands before it.
const _: () = assert!(OVERLAP >= REACH_LEFT + REACH_RIGHT);

/// Reads records of one source into a ledger. One for each thread.
#[derive(Debug)]
pub struct Pipeline {
    ledger: Arc<Ledger>,
    source: Source,
    engine: Arc<Engine>,
    generation: u64,
    lines: LineBuffer,
    places: Vec<u32>,
    reader: Reader,
    /// Bytes of the input before the next block.
    offset: u64,
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
        let places = Vec::new();
        Pipeline {
            ledger,
            source,
            engine,
            generation,
            lines,
            places,
            reader,
            offset: 0,
            turn: None,
            held: false,
        }
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

    /// Takes lines as bytes, cut anywhere. Whole lines are read where they
    /// are; only a line that a cut goes through is copied. When it returns,
    /// every record that is complete is counted, and the ledger has it.
    pub fn push(&mut self, mut bytes: &[u8]) {
        self.refresh();
        while !bytes.is_empty() {
            let whole = self.lines.bypass(bytes);
            if whole > 0 {
                lines(
                    &mut self.reader,
                    &self.engine,
                    &mut self.places,
                    &bytes[..whole],
                    At::Byte(self.offset),
                );
                self.offset += whole as u64;
                self.commit();
                bytes = &bytes[whole..];
                continue;
            }
            let rest = LineBuffer::rest_of_line(bytes);
            let space = self.space();
            let n = space.len().min(rest);
            space[..n].copy_from_slice(&bytes[..n]);
            bytes = &bytes[n..];
            self.filled(n);
        }
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
        self.drain(false);
    }

    /// Counts the last line, with a newline or without. More input may
    /// follow: it starts a new record.
    pub fn finish(&mut self) {
        self.drain(true);
        if self.held {
            self.hand_over();
        }
    }

    /// Counts one message as one record. It is in the ledger after the next
    /// [`commit`](Pipeline::commit).
    pub fn message(&mut self, payload: &[u8], envelope: &dyn Envelope) {
        self.follow();
        let at = At::Message(envelope);
        if payload.len() > self.engine.options().max_record_bytes {
            window(&mut self.reader, &self.engine, &mut self.places, payload, 0, true, at);
            self.reader.tally.bytes += payload.len() as u64;
        } else {
            message(&mut self.reader, &self.engine, &mut self.places, payload, envelope);
        }
    }

    /// Counts the lines of one message, each as a record; the last may lack
    /// its newline. They are in the ledger after the next
    /// [`commit`](Pipeline::commit).
    pub fn message_lines(&mut self, payload: &[u8], envelope: &dyn Envelope) {
        self.follow();
        let at = At::Message(envelope);
        let limit = self.engine.options().max_record_bytes;
        if payload.len() <= limit {
            lines(&mut self.reader, &self.engine, &mut self.places, payload, at);
            return;
        }
        for line in payload.split_inclusive(|&b| b == b'\n') {
            let record = line.strip_suffix(b"\n").unwrap_or(line);
            if record.len() > limit {
                window(&mut self.reader, &self.engine, &mut self.places, record, 0, true, at);
                self.reader.tally.bytes += line.len() as u64;
            } else {
                lines(&mut self.reader, &self.engine, &mut self.places, line, at);
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

    fn drain(&mut self, ended: bool) {
        self.refresh();
        while let Some(block) = self.lines.next(ended) {
            // Within an overlong line nothing is committed: its record is not yet counted.
            let between_records = match block {
                Block::Lines(bytes) => {
                    lines(&mut self.reader, &self.engine, &mut self.places, bytes, At::Byte(self.offset));
                    self.offset += bytes.len() as u64;
                    true
                }
                Block::Window { bytes, seen, last, newline } => {
                    let at = At::Byte(self.offset - seen as u64);
                    window(&mut self.reader, &self.engine, &mut self.places, bytes, seen, last, at);
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

/// Where a block stands.
#[derive(Clone, Copy)]
enum At<'e> {
    /// In a stream, so many bytes from its start.
    Byte(u64),
    /// In a message.
    Message(&'e dyn Envelope),
}

impl<'e> At<'e> {
    /// Of the record that is `start` bytes into the block.
    fn record(self, start: usize) -> Position<'e> {
        match self {
            At::Byte(offset) => Position::Byte(offset + start as u64),
            At::Message(envelope) => Position::Message(envelope),
        }
    }
}

/// Counts whole lines.
fn lines(reader: &mut Reader, engine: &Engine, places: &mut Vec<u32>, block: &[u8], at: At<'_>) {
    let newlines = engine.sweep().run(block, places);
    let unended = usize::from(block.last().is_some_and(|&b| b != b'\n'));
    reader.tally.records += (newlines + unended) as u64;
    reader.tally.bytes += block.len() as u64;
    reader.begin_block();

    let mut record = 0..0;
    let mut doubt = Doubt::default();
    for place in places.iter().map(|&p| p as usize) {
        classify::at_place(engine.catalog(), engine.rules(), block, place, |sighting| {
            let whole = around(block, &record, &sighting);
            let within_it = || within(sighting, whole.start);
            if sighting.doubtful
                && !doubt.allows(engine.catalog(), &block[whole.clone()], whole.start, &within_it())
            {
                return;
            }
            if whole != record {
                if !record.is_empty() {
                    reader.end(engine, &block[record.clone()], at.record(record.start));
                }
                record = whole;
                reader.begin();
            }
            reader.hit(engine, &block[record.clone()], within(sighting, record.start));
        });
    }
    if !record.is_empty() {
        reader.end(engine, &block[record.clone()], at.record(record.start));
    }
}

/// The record in `block` that `sighting` stands in: the last one, or one
/// behind it.
#[inline]
fn around(block: &[u8], last: &Range<usize>, sighting: &Sighting) -> Range<usize> {
    if sighting.start < last.end {
        return last.clone();
    }
    let start = memrchr(b'\n', &block[last.end..sighting.start]).map_or(last.end, |i| last.end + i + 1);
    let end = memchr(b'\n', &block[sighting.end..]).map_or(block.len(), |i| sighting.end + i);
    start..end
}

/// Counts one record, whatever bytes are in it.
fn message(
    reader: &mut Reader,
    engine: &Engine,
    places: &mut Vec<u32>,
    record: &[u8],
    envelope: &dyn Envelope,
) {
    engine.sweep().run(record, places);
    reader.tally.records += 1;
    reader.tally.bytes += record.len() as u64;
    let mut matched = false;
    let mut doubt = Doubt::default();
    for place in places.iter().map(|&p| p as usize) {
        classify::at_place(engine.catalog(), engine.rules(), record, place, |sighting| {
            if sighting.doubtful && !doubt.allows(engine.catalog(), record, 0, &sighting) {
                return;
            }
            if !matched {
                matched = true;
                reader.begin_block();
                reader.begin();
            }
            reader.hit(engine, record, sighting);
        });
    }
    if matched {
        reader.end(engine, record, Position::Message(envelope));
    }
}

/// Counts a window of an overlong line.
fn window(
    reader: &mut Reader,
    engine: &Engine,
    places: &mut Vec<u32>,
    bytes: &[u8],
    seen: usize,
    last: bool,
    at: At<'_>,
) {
    if seen == 0 {
        reader.begin_overlong(at.record(0));
    }
    let from = seen.saturating_sub(REACH_RIGHT);
    let to = if last { bytes.len() } else { bytes.len().saturating_sub(REACH_RIGHT) };
    engine.sweep().run(bytes, places);
    for place in places.iter().map(|&p| p as usize).filter(|p| (from..to).contains(p)) {
        classify::at_place(engine.catalog(), engine.rules(), bytes, place, |sighting| {
            // What a whole record would say is not at hand.
            if sighting.doubtful {
                return;
            }
            reader.hit_overlong(engine, bytes, sighting, at.record(0));
        });
    }
    if last {
        reader.end_overlong();
    }
}

/// A sighting in a block as one in its record, which starts at `start`.
fn within(sighting: Sighting, start: usize) -> Sighting {
    Sighting { start: sighting.start - start, end: sighting.end - start, ..sighting }
}
