//! Joining in an input that a container runtime has wrapped.
//!
//! Each line is looked at; messages of the journal that are lists of bytes are
//! made texts. What a line holds is joined within its stream, by
//! the rules of all lines, and what was cut is put together again; lines of
//! the other stream may stand in between.

use std::ops::Range;

use memchr::memchr;

use super::Rules;
use super::line::Line;
use super::runtime::{self, Form, Stream, Wrapped, journal};
use super::step::{Next, Open, Step, step};

/// Most lines of the other stream between two that belong together.
const MAX_BETWEEN: usize = 64;

/// Lines of an input by which it is known to be wrapped, and the bytes in which
/// they begin.
pub const FIRST_LINES: usize = 64;
/// See [`FIRST_LINES`].
pub const FIRST_BYTES: usize = 64 << 10;

/// Whether one of the first lines of an input is wrapped; `seen` lines and
/// `offset` bytes came before `bytes`.
pub fn recognise(bytes: &[u8], seen: usize, offset: u64) -> bool {
    let room = (FIRST_BYTES as u64).saturating_sub(offset) as usize;
    let mut at = 0;
    for _ in seen..FIRST_LINES {
        if at >= room || at >= bytes.len() {
            return false;
        }
        let end = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |i| at + i);
        if runtime::begins(&bytes[at..end]) {
            return true;
        }
        at = end + 1;
    }
    false
}

/// A record whose text is put together.
#[derive(Clone, Debug)]
pub struct Glued {
    /// Where its first line begins.
    pub start: usize,
    /// Its text, in [`Containers::text`].
    pub text: Range<usize>,
}

/// What a block was made of.
#[derive(Debug, Default)]
pub struct Containers {
    /// Records of several lines that stand as they were written.
    pub joined: Vec<Range<usize>>,
    /// Lines of records that are put together, ascending.
    pub skipped: Vec<Range<usize>>,
    /// These records, by their start.
    pub glued: Vec<Glued>,
    /// Their texts, one behind the other.
    pub text: Vec<u8>,
    /// All records.
    pub records: usize,
    physical: Vec<Physical>,
    logical: Vec<Logical>,
    groups: Vec<Group>,
}

/// A line as it stands.
#[derive(Debug)]
struct Physical {
    line: Range<usize>,
    wrapped: Option<Wrapped>,
    /// Changes where wrapped lines follow others, or others them.
    run: usize,
    /// The line that goes on with what this one begins.
    next: Option<usize>,
}

/// A line as it was written.
#[derive(Debug)]
struct Logical {
    first: usize,
    last: usize,
    /// It was cut, and its end may come.
    unfinished: bool,
}

/// A record: lines as they were written, of one stream.
#[derive(Debug)]
struct Group {
    first: usize,
    last: usize,
    /// Positions in `logical`.
    lines: Vec<usize>,
    rule: &'static str,
}

impl Containers {
    /// Finds the records of `block`, of which the first line begins one; gives
    /// the bytes that are sure, whatever comes next.
    pub fn join(&mut self, rules: &Rules, block: &[u8], closed: bool) -> usize {
        let most = 2 * rules.max_bytes;
        if block.len() <= most {
            return self.judge(rules, block, closed);
        }
        let whole = memchr::memrchr(b'\n', &block[..most]).map_or(0, |at| at + 1);
        if whole == 0 {
            return self.judge(rules, block, closed);
        }
        match self.judge(rules, &block[..whole], false) {
            // So much belongs to no record: it is cut here.
            0 => self.judge(rules, &block[..whole], true),
            done => done,
        }
    }

    fn judge(&mut self, rules: &Rules, block: &[u8], closed: bool) -> usize {
        self.read(rules, block);
        self.groups.clear();
        let mut held = block.len();
        for stream in [None, Some(Stream::Out), Some(Stream::Err)] {
            held = held.min(self.group(rules, block, closed, stream));
        }
        // A record that goes on behind the held ones is held as well.
        loop {
            let across = |g: &&Group| {
                let start = self.physical[g.first].line.start;
                start < held && self.physical[g.last].line.start >= held
            };
            match self.groups.iter().filter(across).map(|g| self.physical[g.first].line.start).min() {
                Some(start) => held = start,
                None => break,
            }
        }
        self.groups.retain(|g| self.physical[g.first].line.start < held);
        self.groups.sort_unstable_by_key(|g| g.first);
        self.put_together(block, held);
        held
    }

    /// Reads the lines, and follows those that were cut.
    fn read(&mut self, rules: &Rules, block: &[u8]) {
        self.physical.clear();
        self.logical.clear();
        let mut open: [Option<usize>; 2] = [None, None];
        let (mut at, mut run) = (0, 0);
        while at < block.len() {
            let end = memchr(b'\n', &block[at..]).map_or(block.len(), |i| at + i);
            let wrapped = runtime::read(&block[at..end]);
            let here = self.physical.len();
            if self.physical.last().is_some_and(|p| p.wrapped.is_some() != wrapped.is_some()) {
                run += 1;
                open = [None, None];
            }
            let mut continues = None;
            if let Some(w) = &wrapped {
                let slot = &mut open[w.stream as usize];
                continues = slot.take().filter(|&line: &usize| {
                    let logical: &Logical = &self.logical[line];
                    let before = &self.physical[logical.last];
                    here - logical.last <= MAX_BETWEEN
                        && before.wrapped.as_ref().is_some_and(|b| b.form == w.form)
                        && end - self.physical[logical.first].line.start <= rules.max_bytes
                });
                if w.partial {
                    *slot = Some(continues.unwrap_or(self.logical.len()));
                }
            }
            let unfinished = wrapped.as_ref().is_some_and(|w| w.partial);
            match continues {
                Some(line) => {
                    let last = std::mem::replace(&mut self.logical[line].last, here);
                    self.physical[last].next = Some(here);
                    self.logical[line].unfinished = unfinished;
                }
                None => self.logical.push(Logical { first: here, last: here, unfinished }),
            }
            self.physical.push(Physical { line: at..end, wrapped, run, next: None });
            at = end + 1;
        }
    }

    fn stream(&self, line: &Logical) -> Option<Stream> {
        self.physical[line.first].wrapped.as_ref().map(|w| w.stream)
    }

    /// Whether nothing can continue what ends with the line `last`.
    fn is_over(&self, last: usize, closed: bool) -> bool {
        let end = self.physical.len();
        closed
            || self.physical[end - 1].run != self.physical[last].run
            || self.physical[last].wrapped.is_some() && end - last > MAX_BETWEEN
    }

    /// What was written, to be judged.
    fn line<'l>(&self, block: &'l [u8], logical: &Logical, head: &'l mut Vec<u8>) -> Line<'l> {
        let physical = &self.physical[logical.first];
        let bytes = &block[physical.line.clone()];
        let Some(wrapped) = &physical.wrapped else { return Line::new(bytes) };
        let (form, content) = (wrapped.form, wrapped.content.clone());
        if physical.next.is_none() {
            return runtime::judged(form, &bytes[content], head);
        }
        let mut whole = Vec::new();
        let mut at = Some(logical.first);
        while let Some(physical) = at.map(|at| &self.physical[at]) {
            whole.extend_from_slice(content_of(block, physical));
            at = physical.next;
        }
        runtime::judged(form, &whole, head)
    }

    /// Makes records of the lines of one stream; gives where the one begins
    /// that may go on, or the end.
    fn group(&mut self, rules: &Rules, block: &[u8], closed: bool, stream: Option<Stream>) -> usize {
        let lines: Vec<usize> =
            (0..self.logical.len()).filter(|&i| self.stream(&self.logical[i]) == stream).collect();
        let mut heads = [Vec::new(), Vec::new(), Vec::new()];
        let mut group: Option<(Group, Option<Open>)> = None;
        for (at, &i) in lines.iter().enumerate() {
            let logical = &self.logical[i];
            let (first, last) = (logical.first, logical.last);
            let [own, second, third] = &mut heads;
            let next = self.next(block, &lines, at, closed, second);
            let after = match next {
                Next::Line(_) => self.next(block, &lines, at + 1, closed, third),
                other => other,
            };
            let span = |g: &Group| self.physical[last].line.end - self.physical[g.first].line.start;
            let open = group.as_ref().and_then(|(g, open)| {
                let near = first - g.last <= MAX_BETWEEN
                    && self.physical[g.last].run == self.physical[first].run
                    && span(g) <= rules.max_bytes;
                open.filter(|_| near)
            });
            let undecided = logical.unfinished && !self.is_over(last, closed);
            let judged = if undecided {
                Step::Undecided
            } else {
                step(&rules.patterns, open, &self.line(block, logical, own), next, after)
            };
            match judged {
                Step::Undecided => {
                    let start = match (&group, open) {
                        (Some((g, _)), Some(_)) => g.first,
                        _ => {
                            self.groups.extend(group.take().map(|(g, _)| g));
                            first
                        }
                    };
                    return self.physical[start].line.start;
                }
                Step::Join(open, rule) => {
                    if let Some((group, now)) = &mut group {
                        group.lines.push(i);
                        group.last = group.last.max(last);
                        (group.rule, *now) = (rule, open);
                    }
                }
                Step::New(open) => {
                    self.groups.extend(group.take().map(|(g, _)| g));
                    group = Some((Group { first, last, lines: vec![i], rule: "" }, open));
                }
            }
        }
        let Some((group, open)) = group else { return block.len() };
        if open.is_some() && !self.is_over(group.last, closed) {
            return self.physical[group.first].line.start;
        }
        self.groups.push(group);
        block.len()
    }

    /// The line of the stream that comes behind the one at `at`.
    fn next<'l>(
        &self,
        block: &'l [u8],
        lines: &[usize],
        at: usize,
        closed: bool,
        head: &'l mut Vec<u8>,
    ) -> Next<'l> {
        let here = self.logical[lines[at]].last;
        let Some(&i) = lines.get(at + 1) else {
            return if self.is_over(here, closed) { Next::End } else { Next::Unknown };
        };
        let next = &self.logical[i];
        if next.first.saturating_sub(here) > MAX_BETWEEN
            || self.physical[next.first].run != self.physical[here].run
        {
            Next::End
        } else if next.unfinished && !self.is_over(next.last, closed) {
            Next::Unknown
        } else {
            Next::Line(self.line(block, next, head))
        }
    }

    fn put_together(&mut self, block: &[u8], held: usize) {
        self.joined.clear();
        self.skipped.clear();
        self.glued.clear();
        self.text.clear();
        self.records = self.groups.len();
        for group in &self.groups {
            let first = &self.physical[group.first];
            if group.lines.len() == 1 && first.next.is_none() {
                let line = first.line.clone();
                if first.wrapped.is_none()
                    && let Some(text) = journal::decoded(&block[line.clone()])
                {
                    let start = self.text.len();
                    self.text.extend_from_slice(&text);
                    self.glued.push(Glued { start: line.start, text: start..self.text.len() });
                    self.skipped.push(line.start..line.end + 1);
                }
                continue;
            }
            let Some(wrapped) = &first.wrapped else {
                let end = self.physical[group.last].line.end;
                self.joined.push(first.line.start..(end + 1).min(held));
                continue;
            };
            let start = self.text.len();
            let line = &block[first.line.clone()];
            self.text.extend_from_slice(&line[..wrapped.content.start]);
            for (n, &i) in group.lines.iter().enumerate() {
                if n > 0 && wrapped.form == Form::Cri {
                    self.text.push(b'\n');
                }
                let mut at = Some(self.logical[i].first);
                while let Some(physical) = at.map(|at| &self.physical[at]) {
                    self.text.extend_from_slice(content_of(block, physical));
                    self.skipped.push(physical.line.start..physical.line.end + 1);
                    at = physical.next;
                }
            }
            self.text.extend_from_slice(&line[wrapped.content.end..]);
            self.glued.push(Glued { start: first.line.start, text: start..self.text.len() });
        }
        self.skipped.sort_unstable_by_key(|line| line.start);
    }

    /// All records of `block`, which was joined, for people.
    pub fn told(&self, block: &[u8]) -> Vec<Told> {
        let told = self.groups.iter().map(|g| {
            let start = self.physical[g.first].line.start;
            let joined = self.joined.iter().find(|range| range.start == start);
            let text = match self.glued.iter().find(|glued| glued.start == start) {
                Some(glued) => &self.text[glued.text.clone()],
                None => &block[joined.unwrap_or(&self.physical[g.first].line).clone()],
            };
            let lines = g.lines.iter().map(|&i| self.pieces(&self.logical[i]).count()).sum();
            let rule = if g.rule.is_empty() { "the runtime has cut it" } else { g.rule };
            Told { first: g.first + 1, lines, rule, text: text.to_vec() }
        });
        told.collect()
    }

    /// The lines that a written line was cut into.
    fn pieces(&self, logical: &Logical) -> impl Iterator<Item = &Physical> {
        let first = self.physical.get(logical.first);
        std::iter::successors(first, |physical| physical.next.map(|next| &self.physical[next]))
    }
}

/// A record, for people.
#[derive(Debug)]
pub struct Told {
    /// Its first line, from 1.
    pub first: usize,
    /// How many lines it has.
    pub lines: usize,
    /// The rule that joined the last of them.
    pub rule: &'static str,
    /// What it says.
    pub text: Vec<u8>,
}

fn content_of<'b>(block: &'b [u8], physical: &Physical) -> &'b [u8] {
    let line = &block[physical.line.clone()];
    physical.wrapped.as_ref().map_or(line, |w| &line[w.content.clone()])
}
