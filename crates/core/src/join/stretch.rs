//! Joining in a block of lines that stand as they were written.
//!
//! In most logs no line continues another, and none is looked at: every rule
//! but a pattern needs, within two lines, a line that begins with a blank or
//! with another byte that few lines begin with. The sweep finds the newlines
//! before those, see [`is_suspect`], and only around them lines are judged.

use std::ops::Range;

use memchr::{memchr, memrchr};

use super::Rules;
use super::line::Line;
use super::step::{Next, Open, Step, may_join, step};

/// Lines before a suspect one that it may join to each other or to itself.
const BEFORE: usize = 3;

/// Whether a line that begins with `byte` must be looked at: blanks, control
/// characters, `!`, `"`, `#` and all that is not ASCII.
#[inline]
pub fn is_suspect(byte: u8) -> bool {
    byte.cast_signed() < SUSPECT_BELOW
}

/// As signed bytes, those below it are suspects.
pub const SUSPECT_BELOW: i8 = 0x24;

/// A block of whole lines of which the first begins a record.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'b> {
    /// Its bytes.
    pub block: &'b [u8],
    /// Whether nothing that comes next belongs to it.
    pub closed: bool,
}

/// How far a run of lines came.
enum Ran {
    /// To here: what follows begins a record, and needs no look at what came
    /// before.
    Settled(usize),
    /// To the end, and the record that begins here may go on.
    Held(usize),
}

impl<'b> Lines<'b> {
    /// Writes the records of several lines over `joined`, ascending, with
    /// their last newline; gives the bytes that are sure, whatever comes next:
    /// those before the last record, where that may go on. `suspects` are the
    /// newlines before suspect lines.
    pub fn join(self, rules: &Rules, suspects: &[u32], joined: &mut Vec<Range<usize>>) -> usize {
        joined.clear();
        if rules.patterns.any() {
            return self.join_each(rules, |range, lines, _| {
                if lines > 1 {
                    joined.push(range);
                }
            });
        }
        let mut from = 0;
        let mut rest = suspects;
        while let Some(&newline) = rest.first() {
            let start = self.back(newline as usize + 1, from);
            match self.run(rules, start, Some(rest), &mut several(joined)) {
                Ran::Settled(at) => from = at,
                Ran::Held(at) => return at,
            }
            rest = &rest[rest.partition_point(|&s| (s as usize) < from)..];
        }
        if self.closed {
            return self.block.len();
        }
        let start = self.back(self.block.len(), from);
        match self.run(rules, start, None, &mut several(joined)) {
            Ran::Settled(at) | Ran::Held(at) => at,
        }
    }

    /// Hands each record, with the number of its lines and the rule that
    /// joined the last of them, to `each`; gives the bytes that are sure.
    pub fn join_each(self, rules: &Rules, mut each: impl FnMut(Range<usize>, usize, &'static str)) -> usize {
        match self.run(rules, 0, None, &mut each) {
            Ran::Settled(at) | Ran::Held(at) => at,
        }
    }

    /// The start of the line that is [`BEFORE`] lines before the one at `line`,
    /// at least `floor`.
    fn back(&self, line: usize, floor: usize) -> usize {
        let mut at = line;
        for _ in 0..BEFORE {
            if at <= floor {
                return floor;
            }
            at = memrchr(b'\n', &self.block[floor..at - 1]).map_or(floor, |i| floor + i + 1);
        }
        at
    }

    /// Judges lines from `start` on, where a record begins, to the end or to
    /// where none of the next is near one of `suspects`.
    fn run(
        &self,
        rules: &Rules,
        start: usize,
        suspects: Option<&[u32]>,
        each: &mut impl FnMut(Range<usize>, usize, &'static str),
    ) -> Ran {
        let mut ahead = Ahead::new(self.block, start, self.closed);
        let (mut record, mut lines, mut rule) = (start, 0, "");
        let mut open: Option<Open> = None;
        while let Some(here) = ahead.here.clone() {
            let line = Line::new(&self.block[here.clone()]);
            let mut judged = step(&rules.patterns, open, &line, ahead.next(0), ahead.next(1));
            if matches!(judged, Step::Join(..)) && here.end - record > rules.max_bytes {
                // What would make it too long begins another.
                judged = step(&rules.patterns, None, &line, ahead.next(0), ahead.next(1));
            }
            match judged {
                Step::Undecided => return Ran::Held(if lines == 0 { here.start } else { record }),
                Step::Join(now, why) => {
                    (open, rule) = (now, why);
                    lines += 1;
                }
                Step::New(now) => {
                    if lines > 0 {
                        each(record..here.start, lines, rule);
                    }
                    (record, lines, rule, open) = (here.start, 1, "", now);
                    if suspects.is_some_and(|s| here.start > start && ahead.is_clear(s, here.start)) {
                        return Ran::Settled(here.start);
                    }
                }
            }
            ahead.advance();
        }
        if self.closed || open.is_none() {
            if lines > 0 {
                each(record..self.block.len(), lines, rule);
            }
            return Ran::Settled(self.block.len());
        }
        Ran::Held(record)
    }
}

/// Keeps the records of several lines.
fn several(joined: &mut Vec<Range<usize>>) -> impl FnMut(Range<usize>, usize, &'static str) {
    |range, lines, _| {
        if lines > 1 {
            joined.push(range);
        }
    }
}

/// A line and the two behind it.
struct Ahead<'b> {
    block: &'b [u8],
    closed: bool,
    here: Option<Range<usize>>,
    next: [Option<Range<usize>>; 2],
}

impl<'b> Ahead<'b> {
    fn new(block: &'b [u8], start: usize, closed: bool) -> Ahead<'b> {
        let mut ahead = Ahead { block, closed, here: None, next: [None, None] };
        ahead.here = ahead.line(start);
        ahead.next[0] = ahead.here.clone().and_then(|l| ahead.line(l.end + 1));
        ahead.next[1] = ahead.next[0].clone().and_then(|l| ahead.line(l.end + 1));
        ahead
    }

    fn line(&self, start: usize) -> Option<Range<usize>> {
        let rest = self.block.get(start..).filter(|rest| !rest.is_empty())?;
        Some(start..memchr(b'\n', rest).map_or(self.block.len(), |i| start + i))
    }

    fn next(&self, ahead: usize) -> Next<'b> {
        match &self.next[ahead] {
            Some(line) => Next::Line(Line::new(&self.block[line.clone()])),
            None if self.closed => Next::End,
            None => Next::Unknown,
        }
    }

    fn advance(&mut self) {
        self.here = self.next[0].take();
        self.next[0] = self.next[1].take();
        self.next[1] = self.next[0].clone().and_then(|l| self.line(l.end + 1));
    }

    /// Whether the first suspect newline from `start` on comes after the two
    /// lines behind.
    fn is_clear(&self, suspects: &[u32], start: usize) -> bool {
        let Some(&next) = suspects[suspects.partition_point(|&s| (s as usize) < start)..].first() else {
            return true;
        };
        self.next[1].as_ref().is_some_and(|line| next as usize >= line.end)
    }
}

/// Where a search for a line that begins a record in any case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Here is one.
    Found(usize),
    /// Not before here; more must come first.
    After(usize),
}

/// The first line of `bytes`, which begin with a line, that begins a record
/// whatever stands before. `ended` where nothing comes behind.
pub fn first_start(rules: &Rules, bytes: &[u8], ended: bool) -> Start {
    if !rules.on {
        return Start::Found(0);
    }
    let mut at = 0;
    loop {
        let Some(end) = line_end(bytes, at, ended) else {
            // A line that is too long is a record, whatever stands around it.
            let overlong = bytes.len().saturating_sub(at) > rules.max_bytes;
            let at = at.min(bytes.len());
            return if overlong || ended { Start::Found(at) } else { Start::After(at) };
        };
        if end - at > rules.max_bytes {
            return Start::Found(at);
        }
        let (next, second) = ahead(rules, bytes, end + 1, ended);
        let (after, _) = second.map_or((next, None), |from| ahead(rules, bytes, from, ended));
        let line = Line::new(&bytes[at..end]);
        match may_join(&rules.patterns, &line, next, after) {
            Step::New(_) if !is_asked_for(&line, next) => return Start::Found(at),
            Step::Undecided => return Start::After(at),
            Step::New(_) | Step::Join(..) => at = end + 1,
        }
    }
}

/// Whether `line` or the one behind it may decide about lines before it: then
/// who reads those must see it.
fn is_asked_for(line: &Line<'_>, next: Next<'_>) -> bool {
    line.is_empty()
        || line.is_indented()
        || line.is_goroutine()
        || matches!(next, Next::Line(next) if next.is_tabbed())
}

/// The end of the line at `at`, where it is known.
fn line_end(bytes: &[u8], at: usize, ended: bool) -> Option<usize> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    match memchr(b'\n', rest) {
        Some(i) => Some(at + i),
        None => ended.then_some(bytes.len()),
    }
}

/// The line at `at` as one that is looked ahead to, and where the next begins.
fn ahead<'b>(rules: &Rules, bytes: &'b [u8], at: usize, ended: bool) -> (Next<'b>, Option<usize>) {
    match line_end(bytes, at, ended) {
        Some(end) if end - at > rules.max_bytes => (Next::End, None),
        Some(end) => (Next::Line(Line::new(&bytes[at..end])), Some(end + 1)),
        None if ended || bytes.len().saturating_sub(at) > rules.max_bytes => (Next::End, None),
        None => (Next::Unknown, None),
    }
}
