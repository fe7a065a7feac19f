//! A block of input to counts: which of its lines are records, where codes
//! may stand in them, and what is there.

use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memchr_iter, memrchr};

use crate::boundary::{LEFT_CONTEXT, RIGHT_CONTEXT};
use crate::classify::doubt::Doubt;
use crate::classify::{self, MAX_CODE_BYTES, Sighting, What, discovery};
use crate::engine::Engine;
use crate::event::Position;
use crate::fields::{Envelope, FileName, PeerName};
use crate::framing::OVERLAP;
use crate::join::containers::{Containers, FIRST_LINES, recognise};
use crate::join::line::HEAD_BYTES;
use crate::join::runtime::journal;
use crate::join::stretch::Lines;
use crate::record::Reader;

/// Bytes before a place that judging it may read: a prefix or the head of a
/// key, and what stands before that.
const REACH_LEFT: usize = MAX_CODE_BYTES + LEFT_CONTEXT;

/// Bytes from a place on that judging it may read.
const REACH_RIGHT: usize = discovery::MAX_SPAN + MAX_CODE_BYTES + RIGHT_CONTEXT;

// In a window, a place is judged where all that it reaches is at hand: in
// this window if it stands REACH_RIGHT before its end, else in the next, where
// the overlap holds it with all that stands before it.
const _: () = assert!(OVERLAP >= REACH_LEFT + REACH_RIGHT);

/// Where the bytes of a pipeline come from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// One stream.
    Stream,
    /// A file, of several.
    File(Arc<FileName>),
    /// A peer, of several.
    Peer(Arc<PeerName>),
}

/// Where a block stands.
#[derive(Clone, Copy)]
pub(super) enum At<'e> {
    /// In a stream, so many bytes from its start.
    Byte(u64),
    /// In a file, so many bytes from its start.
    File(&'e FileName, u64),
    /// In a message.
    Message(&'e dyn Envelope),
    /// In what a peer sends, so many bytes from its start where that is a stream.
    Peer(&'e PeerName, Option<u64>),
}

impl<'e> At<'e> {
    /// So many bytes into what comes from `origin`.
    pub(super) fn offset(origin: &'e Origin, offset: u64) -> At<'e> {
        match origin {
            Origin::Stream => At::Byte(offset),
            Origin::File(file) => At::File(file, offset),
            Origin::Peer(peer) => At::Peer(peer, Some(offset)),
        }
    }

    /// Of the record that is `start` bytes into the block.
    fn record(self, start: usize) -> Position<'e> {
        match self {
            At::Byte(offset) => Position::Byte(offset + start as u64),
            At::File(file, offset) => Position::File(file, offset + start as u64),
            At::Message(envelope) => Position::Message(envelope),
            At::Peer(peer, offset) => Position::Peer(peer, offset.map(|offset| offset + start as u64)),
        }
    }
}

/// Memory that a block needs and the next one uses again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// What the sweep found.
    places: Vec<u32>,
    /// The newlines among it.
    suspects: Vec<u32>,
    /// Records of several lines.
    joined: Vec<Range<usize>>,
    /// Lines at the start of the input that may show that it is wrapped.
    pub(super) first_lines: usize,
    /// Whether the input is known to be wrapped by a container runtime.
    pub(super) wrapped: bool,
    /// What is in its lines.
    containers: Containers,
    /// The places in a text that is put together.
    glued_places: Vec<u32>,
}

impl Scratch {
    /// Whether the input is known to be wrapped, now that `block` has come.
    fn is_wrapped(&mut self, block: &[u8], at: At<'_>) -> bool {
        if !self.wrapped && self.first_lines < FIRST_LINES {
            let offset = match at {
                At::Byte(offset) | At::File(_, offset) | At::Peer(_, Some(offset)) => offset,
                At::Message(_) | At::Peer(_, None) => 0,
            };
            self.wrapped = recognise(block, self.first_lines, offset);
        }
        self.wrapped
    }
}

/// Counts whole lines, of which the first begins a record; gives the bytes
/// that are done, all where the lines are `closed`.
pub(super) fn lines(
    reader: &mut Reader,
    engine: &Engine,
    scratch: &mut Scratch,
    block: &[u8],
    closed: bool,
    at: At<'_>,
) -> usize {
    let wrapped = engine.joining().on && scratch.is_wrapped(block, at);
    let newlines = engine.sweep().run(block, &mut scratch.places);
    let Scratch { places, suspects, joined, first_lines, containers, glued_places, .. } = scratch;
    let mut done = block.len();
    let unended = |done: usize| usize::from(done > 0 && block[done - 1] != b'\n');
    let mut records = newlines + unended(done);
    joined.clear();
    let (mut skipped, mut glued) = (Rest(&[]), Rest(&[]));
    let mut text: &[u8] = &[];
    if wrapped {
        done = containers.join(engine.joining(), block, closed);
        records = containers.records;
        std::mem::swap(joined, &mut containers.joined);
        (skipped, glued) = (Rest(&containers.skipped), Rest(&containers.glued));
        text = &containers.text;
    } else if engine.joining().on {
        suspects.clear();
        suspects.extend(places.iter().filter(|&&p| block[p as usize] == b'\n'));
        done = Lines { block, closed }.join(engine.joining(), suspects, joined);
        let held = memchr_iter(b'\n', &block[done..]).count();
        records = newlines - held + unended(done);
        *first_lines = first_lines.saturating_add(records);
        records -= joined.iter().map(|r| inner_newlines(&block[r.clone()])).sum::<usize>();
    }
    let block = &block[..done];
    reader.tally.records += records as u64;
    reader.tally.bytes += done as u64;
    reader.begin_block();

    let mut joined = Rest(joined.as_slice());
    let mut record = 0..0;
    let mut doubt = Doubt::default();
    // The last code. What a key leads to stands at a place of its own as well, which need not
    // be judged again where that cannot be another's.
    let mut found = 0..0;
    let mut inside = 0;
    let seamless = engine.rules().families.are_seamless();
    for place in places.iter().map(|&p| p as usize).take_while(|&p| p < done) {
        if place < inside || block[place] == b'\n' {
            continue;
        }
        let Some(key) = engine.rules().may_be_at(block, place) else { continue };
        if skipped.from(|line| line.end > place).is_some_and(|line| line.start <= place) {
            continue;
        }
        classify::at_likely_place(engine.catalog(), engine.rules(), block, place, key, |sighting| {
            if found == (sighting.start..sighting.end) {
                return;
            }
            let here = if sighting.start < record.end {
                record.clone()
            } else {
                match joined.from(|several| several.end > sighting.start) {
                    Some(several) if several.start <= sighting.start => {
                        without_newline(block, several.clone())
                    }
                    _ => line_around(block, record.end, &sighting),
                }
            };
            let within_it = || within(sighting, here.start);
            if sighting.doubtful
                && !doubt.allows(engine.catalog(), &block[here.clone()], here.start, &within_it())
            {
                return;
            }
            if here != record {
                if !record.is_empty() {
                    reader.end(engine, &block[record.clone()], at.record(record.start));
                }
                while let Some(one) = glued.next_if(|one| one.start < here.start) {
                    whole(reader, engine, glued_places, &text[one.text.clone()], at.record(one.start));
                }
                record = here;
                reader.begin();
            }
            found = sighting.start..sighting.end;
            if seamless && sighting.what != What::Discovered {
                inside = sighting.end;
            }
            reader.hit(engine, &block[record.clone()], within(sighting, record.start));
        });
    }
    if !record.is_empty() {
        reader.end(engine, &block[record.clone()], at.record(record.start));
    }
    while let Some(one) = glued.next_if(|_| true) {
        whole(reader, engine, glued_places, &text[one.text.clone()], at.record(one.start));
    }
    done
}

/// What is left of an ascending list.
struct Rest<'l, T>(&'l [T]);

impl<'l, T> Rest<'l, T> {
    /// The first of which this holds, as it does of all behind it.
    fn from(&mut self, holds: impl Fn(&T) -> bool) -> Option<&'l T> {
        while let [first, rest @ ..] = self.0 {
            if holds(first) {
                return Some(first);
            }
            self.0 = rest;
        }
        None
    }

    fn next_if(&mut self, holds: impl Fn(&T) -> bool) -> Option<&'l T> {
        let (first, rest) = self.0.split_first().filter(|(first, _)| holds(first))?;
        self.0 = rest;
        Some(first)
    }
}

/// The line that a sighting stands in, which begins at `floor` or later.
fn line_around(block: &[u8], floor: usize, sighting: &Sighting) -> Range<usize> {
    let start = memrchr(b'\n', &block[floor..sighting.start]).map_or(floor, |i| floor + i + 1);
    let end = memchr(b'\n', &block[sighting.end..]).map_or(block.len(), |i| sighting.end + i);
    start..end
}

fn without_newline(block: &[u8], range: Range<usize>) -> Range<usize> {
    let newline = usize::from(block[range.clone()].last() == Some(&b'\n'));
    range.start..range.end - newline
}

/// Newlines within a record of several lines: one less than it has lines.
fn inner_newlines(record: &[u8]) -> usize {
    let newlines = memchr_iter(b'\n', record).count();
    newlines - usize::from(record.last() == Some(&b'\n'))
}

/// Counts one record, whatever bytes are in it.
pub(super) fn message(
    reader: &mut Reader,
    engine: &Engine,
    scratch: &mut Scratch,
    record: &[u8],
    at: At<'_>,
) {
    reader.tally.records += 1;
    reader.tally.bytes += record.len() as u64;
    let text = journal::decoded_alone(record);
    let record = text.as_deref().unwrap_or(record);
    whole(reader, engine, &mut scratch.places, record, at.record(0));
}

/// Counts the hits of one record.
fn whole(reader: &mut Reader, engine: &Engine, places: &mut Vec<u32>, record: &[u8], position: Position<'_>) {
    engine.sweep().run(record, places);
    let mut matched = false;
    let mut doubt = Doubt::default();
    for place in places.iter().map(|&p| p as usize).filter(|&p| record[p] != b'\n') {
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
        reader.end(engine, record, position);
    }
}

/// Counts a window of an overlong line.
pub(super) fn window(
    reader: &mut Reader,
    engine: &Engine,
    scratch: &mut Scratch,
    bytes: &[u8],
    seen: usize,
    last: bool,
    at: At<'_>,
) {
    if seen == 0 {
        scratch.is_wrapped(&bytes[..bytes.len().min(HEAD_BYTES)], at);
        scratch.first_lines = scratch.first_lines.saturating_add(1);
        reader.begin_overlong(at.record(0));
    }
    let from = seen.saturating_sub(REACH_RIGHT);
    let to = if last { bytes.len() } else { bytes.len().saturating_sub(REACH_RIGHT) };
    let places = &mut scratch.places;
    engine.sweep().run(bytes, places);
    for place in places.iter().map(|&p| p as usize).filter(|p| (from..to).contains(p)) {
        if bytes[place] == b'\n' {
            continue;
        }
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
