//! One thread's way from bytes to counts: framing, search, classifying,
//! counting. The only place that knows the order.
//!
//! Records without a place where a code may stand are never looked at one by
//! one: one sweep over the block counts newlines and finds the places.

use std::sync::Arc;

use memchr::{memchr, memrchr};

use crate::boundary::{LEFT_CONTEXT, RIGHT_CONTEXT};
use crate::classify::{self, MAX_CODE_BYTES, Sighting, What, discovery, evidence};
use crate::count::Tally;
use crate::engine::Engine;
use crate::framing::{Block, LineBuffer, OVERLAP};
use crate::ledger::{Ledger, Source};
use crate::parse::{Parser, looks_like_json};

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
    reader: Reader,
}

/// What is needed while a record is looked at.
#[derive(Debug)]
struct Reader {
    tally: Tally,
    parser: Parser,
    spelling: String,
    places: Vec<u32>,
    /// Whether the overlong line had a hit.
    matched: bool,
}

impl Pipeline {
    /// A pipeline from `source` into `ledger`.
    pub fn new(ledger: Arc<Ledger>, source: Source) -> Pipeline {
        ledger.open(source);
        let (engine, generation) = ledger.engine();
        let lines = LineBuffer::new(engine.options().max_record_bytes);
        let reader = Reader {
            tally: Tally::new(engine.catalog()),
            parser: Parser::default(),
            spelling: String::new(),
            places: Vec::new(),
            matched: false,
        };
        Pipeline { ledger, source, engine, generation, lines, reader }
    }

    /// Takes lines as bytes, cut anywhere. Whole lines are read where they
    /// are; only a line that a cut goes through is copied. When it returns,
    /// every record that is complete is counted, and the ledger has it.
    pub fn push(&mut self, mut bytes: &[u8]) {
        self.refresh();
        while !bytes.is_empty() {
            let whole = self.lines.bypass(bytes);
            if whole > 0 {
                self.reader.lines(&self.engine, &bytes[..whole]);
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
        self.lines.filled(bytes);
        self.drain(false);
    }

    /// Counts the last line, with a newline or without. More input may
    /// follow: it starts a new record.
    pub fn finish(&mut self) {
        self.drain(true);
    }

    /// Counts one message as one record. It is in the ledger after the next
    /// [`commit`](Pipeline::commit).
    pub fn message(&mut self, payload: &[u8]) {
        if payload.len() > self.engine.options().max_record_bytes {
            self.reader.window(&self.engine, payload, 0, true);
            self.reader.tally.bytes += payload.len() as u64;
        } else {
            self.reader.message(&self.engine, payload);
        }
    }

    /// Counts the lines of one message, each as a record; the last may lack
    /// its newline. They are in the ledger after the next
    /// [`commit`](Pipeline::commit).
    pub fn message_lines(&mut self, payload: &[u8]) {
        let limit = self.engine.options().max_record_bytes;
        if payload.len() <= limit {
            self.reader.lines(&self.engine, payload);
            return;
        }
        for line in payload.split_inclusive(|&b| b == b'\n') {
            let record = line.strip_suffix(b"\n").unwrap_or(line);
            if record.len() > limit {
                self.reader.window(&self.engine, record, 0, true);
                self.reader.tally.bytes += line.len() as u64;
            } else {
                self.reader.lines(&self.engine, line);
            }
        }
    }

    /// Goes on with the engine in force, from the next record on.
    fn refresh(&mut self) {
        if self.ledger.generation() != self.generation && !self.lines.in_window() {
            (self.engine, self.generation) = self.ledger.engine();
            self.reader.tally = Tally::new(self.engine.catalog());
            self.lines.set_limit(self.engine.options().max_record_bytes);
        }
    }

    fn drain(&mut self, ended: bool) {
        self.refresh();
        while let Some(block) = self.lines.next(ended) {
            // Within an overlong line nothing is committed: its record is not yet counted.
            let between_records = match block {
                Block::Lines(bytes) => {
                    self.reader.lines(&self.engine, bytes);
                    true
                }
                Block::Window { bytes, seen, last, newline } => {
                    self.reader.window(&self.engine, bytes, seen, last);
                    self.reader.tally.bytes += (bytes.len() - seen) as u64 + u64::from(newline);
                    last
                }
            };
            if between_records {
                self.commit();
            }
        }
    }

    /// Hands what was counted to the ledger, as one, and goes on with the
    /// engine in force.
    pub fn commit(&mut self) {
        self.ledger.commit(self.source, &self.engine, &mut self.reader.tally);
        self.refresh();
    }
}

impl Reader {
    /// Counts whole lines.
    fn lines(&mut self, engine: &Engine, block: &[u8]) {
        let mut places = std::mem::take(&mut self.places);
        let newlines = engine.sweep().run(block, &mut places);
        let unended = usize::from(block.last().is_some_and(|&b| b != b'\n'));
        self.tally.records += (newlines + unended) as u64;
        self.tally.bytes += block.len() as u64;

        let mut record = 0..0;
        for place in places.iter().map(|&p| p as usize) {
            classify::at_place(engine.catalog(), engine.families(), block, place, |sighting| {
                if sighting.start >= record.end {
                    self.end_record(&block[record.clone()]);
                    let start = memrchr(b'\n', &block[record.end..sighting.start])
                        .map_or(record.end, |i| record.end + i + 1);
                    let end = memchr(b'\n', &block[sighting.end..]).map_or(block.len(), |i| sighting.end + i);
                    record = start..end;
                    self.tally.begin_record();
                }
                self.hit(engine, &block[record.clone()], sighting, record.start);
            });
        }
        self.places = places;
        self.end_record(&block[record]);
    }

    /// Counts one record, whatever bytes are in it.
    fn message(&mut self, engine: &Engine, record: &[u8]) {
        let mut places = std::mem::take(&mut self.places);
        engine.sweep().run(record, &mut places);
        self.tally.records += 1;
        self.tally.bytes += record.len() as u64;
        let mut matched = false;
        for place in places.iter().map(|&p| p as usize) {
            classify::at_place(engine.catalog(), engine.families(), record, place, |sighting| {
                if !matched {
                    matched = true;
                    self.tally.begin_record();
                }
                self.hit(engine, record, sighting, 0);
            });
        }
        self.places = places;
        if matched {
            self.end_record(record);
        }
    }

    /// Ends a record with hits; an empty slice stands for none.
    fn end_record(&mut self, record: &[u8]) {
        if record.is_empty() {
            return;
        }
        self.tally.matched += 1;
        if looks_like_json(record) && !self.parser.parses(record) {
            self.tally.malformed += 1;
        }
    }

    /// Counts a sighting in `record`, which starts at `offset` of the bytes
    /// that the sighting is placed in.
    fn hit(&mut self, engine: &Engine, record: &[u8], sighting: Sighting, offset: usize) {
        let catalog = engine.catalog();
        match sighting.what {
            What::Known(code) => {
                if self.tally.first_in_record(code) {
                    let (row, _) = evidence::resolve(catalog, code, record, sighting.start - offset);
                    self.tally.hit(row);
                }
            }
            What::Unlisted(..) | What::Discovered => {
                let at_record =
                    Sighting { start: sighting.start - offset, end: sighting.end - offset, ..sighting };
                self.unknown(engine, record, at_record);
            }
        }
    }

    fn unknown(&mut self, engine: &Engine, bytes: &[u8], sighting: Sighting) {
        let (family, status) = match sighting.what {
            What::Unlisted(family, status) => (Some(family), status),
            _ => (None, None),
        };
        classify::spell(engine.catalog(), bytes, &sighting, &mut self.spelling);
        self.tally.hit_unknown(&self.spelling, family, classify::inferred_category(status));
    }

    /// Counts a window of an overlong line.
    fn window(&mut self, engine: &Engine, bytes: &[u8], seen: usize, last: bool) {
        if seen == 0 {
            self.matched = false;
            self.tally.begin_record();
        }
        let from = seen.saturating_sub(REACH_RIGHT);
        let to = if last { bytes.len() } else { bytes.len().saturating_sub(REACH_RIGHT) };
        let mut places = std::mem::take(&mut self.places);
        engine.sweep().run(bytes, &mut places);
        for place in places.iter().map(|&p| p as usize).filter(|p| (from..to).contains(p)) {
            self.sightings_in_window(engine, bytes, place);
        }
        self.places = places;
        if last {
            self.tally.records += 1;
            self.tally.oversized += 1;
            self.tally.matched += u64::from(self.matched);
        }
    }

    fn sightings_in_window(&mut self, engine: &Engine, bytes: &[u8], place: usize) {
        let catalog = engine.catalog();
        classify::at_place(catalog, engine.families(), bytes, place, |sighting| {
            self.matched = true;
            match sighting.what {
                What::Known(code) => {
                    if self.tally.first_in_record(code) {
                        // What decides among rows may lie in no window: the default, whatever the reads.
                        self.tally.hit(catalog.default_row(code));
                    }
                }
                What::Unlisted(..) | What::Discovered => self.unknown(engine, bytes, sighting),
            }
        });
    }
}
