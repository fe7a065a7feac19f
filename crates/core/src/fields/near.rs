//! What stands near a code in a record of any form, read leniently: JSON that
//! does not stand alone or does not parse, dumps of other languages, pairs,
//! XML, rows, prose.
//!
//! The strict way (JSON alone in the record) comes first, and this one fills
//! what it leaves. A record is made clean, looked through once by [`Scan`], and
//! each field is chosen among the pairs: those in the innermost scope around
//! the code, then further out.

mod choose;
mod clean;
mod ends;
mod head;
mod hints;
mod keys;
mod labels;
mod opening;
mod scan;
mod tag;
pub mod told;
mod usual;

use std::ops::Range;

use super::origin::{Origin, Rule};
use super::{Fields, Kept, Source, Values};
use crate::parse::marks::{Finder, Signs};
use clean::Clean;
pub(super) use hints::Hints;
pub(super) use keys::{Keys, Role};
use scan::{Form, Pair, Scan};

/// Longest word that is a value.
const MAX_TOKEN: usize = 512;

/// Longest text that is taken for a level.
const MAX_LEVEL: usize = 16;

/// What it takes, kept for the next record.
#[derive(Debug, Default)]
pub struct Near {
    clean: Clean,
    /// The last record was not clean.
    cleaned: bool,
    finder: Finder,
    /// The signs of the last record, or of its clean form.
    pub(super) signs: Signs,
    scan: Scan,
    /// The codes in the clean text.
    codes: Vec<Range<usize>>,
    /// A text without its escapes.
    buffer: String,
}

/// What is left to be read of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// A part of the record is JSON, which has been read.
    pub json: bool,
    /// The record begins with an object or a list.
    pub object: bool,
}

impl Near {
    /// Looks at `record` for the first time, and makes it clean; whether it was not.
    pub fn look(&mut self, record: &[u8]) -> bool {
        self.finder.signs(record, &mut self.signs);
        self.cleaned = clean::may_need(record, self.signs.kinds) && self.clean.run(record);
        if self.cleaned {
            self.finder.signs(self.clean.bytes(), &mut self.signs);
        }
        self.cleaned
    }

    /// The clean record.
    pub fn cleaned(&self) -> &[u8] {
        self.clean.bytes()
    }
}

impl Fields {
    /// Fills what `values` lack from `record`, or from its clean form.
    pub(super) fn near<'c>(
        &self,
        near: &mut Near,
        record: &[u8],
        cleaned: bool,
        codes: impl Iterator<Item = &'c Range<usize>>,
        wish: Wish,
        values: &mut Values,
    ) {
        let Near { clean, scan, codes: places, buffer, signs, .. } = near;
        let text = if cleaned { clean.bytes() } else { record };
        let extent = self.extent(values).filter(|_| !wish.object);
        let head = extent.map_or_else(Default::default, |extent| head::read(text, &self.zone, extent));
        if !self.needs_scan(text, signs, &head, wish, values) {
            // Nothing else says anything.
            if extent.is_some() {
                self.take_head(text, &head, 0, Rule::Head, values);
            }
            return;
        }
        let place = |code: &Range<usize>| {
            if cleaned { clean.forth(code.start)..clean.forth(code.end) } else { code.clone() }
        };
        places.clear();
        places.extend(codes.map(place));
        scan.run(text, &self.keys, &self.paths);
        let mut reading = Reading { fields: self, text, scan, codes: places, buffer, values, wish, head };
        if !wish.json {
            reading.paths();
        }
        reading.record();
        // Message and request of each code are asked for together.
        if self.roles.message.is_some() {
            reading.codes();
        }
    }

    /// What of a head can fill what `values` lack.
    fn extent(&self, values: &Values) -> Option<head::Extent> {
        let roles = &self.roles;
        let missing = |slot: Option<usize>| slot.is_some_and(|slot| values.get(slot).is_none());
        if roles.message.is_some() {
            return Some(head::Extent::Whole);
        }
        let time = roles.time.is_some() && values.time.is_none();
        let any = missing(roles.level) || time;
        any.then(|| head::Extent::Fields { trace: missing(roles.trace), time })
    }

    /// Level, time and trace from what the part of `text` that stands at `start` begins with.
    fn take_head(&self, text: &[u8], head: &head::Head, start: usize, rule: Rule, values: &mut Values) {
        let roles = &self.roles;
        if values.time.is_none() {
            values.time = head.time.map(|(moment, at)| (moment, Origin::at(rule, start + at)));
        }
        if let (Some(slot), Some((level, at))) = (roles.level, head.level) {
            values.set(slot, 0, Origin::at(rule, start + at), |out| out.push_str(level));
        }
        if let (Some(slot), Some(trace)) = (roles.trace, head.trace.as_ref()) {
            let origin = Origin::at(rule, start + trace.start);
            let trace = &text[start + trace.start..start + trace.end];
            values.set(slot, 0, origin, |out| decode(trace, 0, out));
        }
        values.next_place();
    }

    /// Whether what `values` lack may stand in a pair, or in the text that holds a code. Most lines
    /// of text say it before they begin.
    fn needs_scan(&self, text: &[u8], signs: &Signs, head: &head::Head, wish: Wish, values: &Values) -> bool {
        let roles = &self.roles;
        if roles.message.is_some() || wish.object {
            return true;
        }
        let missing = |slot: Option<usize>| slot.is_some_and(|slot| values.get(slot).is_none());
        let no_level = missing(roles.level);
        let no_time = roles.time.is_some() && values.time.is_none();
        let mut wanted = 0;
        for (is, role) in [
            // The requests of codes are told by events, which have messages.
            (missing(roles.trace), Role::Trace),
            (no_level, Role::Level),
            (no_time, Role::Time),
        ] {
            wanted |= if is { hints::bit(role) } else { 0 };
        }
        let path = !wish.json && self.missing(values) & self.others != 0;
        let may = self.hints.look(text, signs.places(), wanted, path);
        let inner = no_level && head.level.is_none() || no_time && head.time.is_none();
        may.roles != 0 || may.path || inner && memchr::memchr3(b'"', b'\'', b'`', text).is_some()
    }
}

/// One record being read.
struct Reading<'r> {
    fields: &'r Fields,
    text: &'r [u8],
    scan: &'r Scan,
    codes: &'r [Range<usize>],
    buffer: &'r mut String,
    values: &'r mut Values,
    wish: Wish,
    /// What a line of text begins with.
    head: head::Head,
}

impl Reading<'_> {
    /// What the configured paths lead to, as far as it stands there.
    fn paths(&mut self) {
        for pair in &self.scan.pairs {
            // In a line of text, `key=value` has been read already.
            let meant = !pair.bracket && (self.wish.object || pair.quoted_key);
            let Some((node, (from, to))) = pair.child.filter(|_| meant) else { continue };
            let name = &self.text[from as usize..to as usize];
            let Some(child) = self.fields.paths.child(node, name) else { continue };
            for &(slot, rank) in child.slots() {
                if !self.fields.roles.all().contains(&Some(slot)) {
                    let value = self.value(pair, pair.end == 0);
                    if pair.end == 0 && is_null(&self.text[value.clone()]) {
                        continue;
                    }
                    let origin = pair.origin(Rule::Path);
                    self.values.set(slot, rank, origin, |out| decode(&self.text[value], pair.escapes, out));
                }
            }
        }
        self.values.next_place();
    }

    /// Where the value of `pair` stands; a `token` ends with its word.
    fn value(&self, pair: &Pair, token: bool) -> Range<usize> {
        let start = pair.start as usize;
        if pair.end > 0 {
            return start..(pair.end as usize).max(start);
        }
        if token {
            let end = (self.scan.scopes[pair.scope as usize].end as usize).min(self.text.len());
            return start..start + token_length(&self.text[start..end.max(start)]);
        }
        start..self.scan.text_end(self.text, pair).max(start)
    }

    /// What the record says of itself: level, time and trace.
    fn record(&mut self) {
        let roles = &self.fields.roles;
        let missing =
            |values: &Values, slot: Option<usize>| slot.is_some_and(|slot| values.get(slot).is_none());
        let no_level = missing(self.values, roles.level);
        // A field that says something else says no time; a date alone may have been cut off its time.
        let said = roles.time.and_then(|slot| self.values.get(slot)).is_some_and(|text| !is_date(text));
        let no_time = roles.time.is_some() && self.values.time.is_none() && !said;
        let no_trace = missing(self.values, roles.trace);
        if no_level || roles.time.is_some() && self.values.time.is_none() {
            self.take_pairs(no_level, no_time, true);
            if !self.wish.object {
                self.fields.take_head(self.text, &self.head, 0, Rule::Head, self.values);
            }
            if !self.wish.json {
                self.take_pairs(no_level, no_time, false);
            }
            if let Some(text) = self.outer_text() {
                let extent = head::Extent::Fields { trace: true, time: true };
                let head = head::read(&self.text[text.clone()], &self.fields.zone, extent);
                self.fields.take_head(self.text, &head, text.start, Rule::TextHead, self.values);
            }
        }
        if no_trace {
            self.trace();
        }
    }

    /// Level and time from pairs of the record itself, or of what is in it
    /// around a code.
    fn take_pairs(&mut self, level: bool, time: bool, own: bool) {
        for at in 0..self.scan.pairs.len() {
            let pair = self.scan.pairs[at];
            if pair.bracket || self.is_own(&pair) != own || !own && !self.holds_code(pair.scope) {
                continue;
            }
            let rule = if own { Rule::Own } else { Rule::Around };
            match pair.role {
                Role::Level if level => self.set_level(&pair, rule),
                Role::Time if time => self.set_time(&pair, rule),
                Role::Type if level => {
                    let value = &self.text[self.value(&pair, true)];
                    if matches!(value, b"Warning" | b"Error") {
                        self.set_level(&pair, Rule::Type);
                    }
                }
                _ => {}
            }
        }
        self.values.next_place();
    }

    /// Whether a pair stands in the record itself, or in the object it begins with.
    fn is_own(&self, pair: &Pair) -> bool {
        let scope = &self.scan.scopes[pair.scope as usize];
        pair.scope == 0
            || scope.parent == 0
                && scope.form == Form::Bracket(b'}')
                && (self.wish.object || self.text[..scope.start as usize - 1].trim_ascii().is_empty())
    }

    fn holds_code(&self, scope: u32) -> bool {
        let scope = &self.scan.scopes[scope as usize];
        self.codes.iter().any(|code| scope.start as usize <= code.start && code.start < scope.end as usize)
    }

    fn set_level(&mut self, pair: &Pair, rule: Rule) {
        let Some(slot) = self.fields.roles.level else { return };
        let range = self.value(pair, true);
        let value = &self.text[range.clone()];
        // One that is cut off is not known.
        let whole = pair.end == 0 || range.end < self.text.len();
        let word = value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        if !whole || !word || is_null(value) {
            return;
        }
        let rank = if pair.role == Role::Type { u8::MAX } else { pair.rank };
        // `code: 7`, `level 3 support`: a level is a word or a small number.
        if value.len() <= MAX_LEVEL {
            self.values.set(slot, rank, pair.origin(rule), |out| decode(value, pair.escapes, out));
        }
    }

    fn set_time(&mut self, pair: &Pair, rule: Rule) {
        if self.values.time.is_some() {
            return;
        }
        let start = pair.start as usize;
        let end = if pair.end > 0 { pair.end as usize } else { self.text.len().min(start + 48) };
        self.buffer.clear();
        decode(&self.text[start..end.max(start)], pair.escapes, self.buffer);
        let moment = super::time::begins_as_value(self.buffer, &self.fields.zone);
        self.values.time = moment.map(|moment| (moment, pair.origin(rule)));
    }

    /// The outermost text that holds a code.
    fn outer_text(&self) -> Option<Range<usize>> {
        let mut scope = self.scan.around(self.codes.first()?.start);
        let mut outer = None;
        while scope != 0 {
            let at = &self.scan.scopes[scope as usize];
            if at.form == Form::Quoted {
                outer = Some(at.start as usize..at.end as usize);
            }
            scope = at.parent;
        }
        outer
    }

    fn trace(&mut self) {
        let Some(slot) = self.fields.roles.trace else { return };
        let Some(code) = self.codes.first() else { return };
        if let Some((pair, rule)) = self.nearest(Role::Trace, code.start) {
            let value = self.value(&pair, true);
            self.values
                .set(slot, pair.rank, pair.origin(rule), |out| decode(&self.text[value], pair.escapes, out));
        }
    }

    /// Message and request of each code.
    fn codes(&mut self) {
        let roles = &self.fields.roles;
        let strict = std::mem::take(&mut self.values.messages);
        let strict_requests = std::mem::take(&mut self.values.requests);
        for i in 0..self.codes.len() {
            let message =
                roles.message.and_then(|_| self.message(i).or_else(|| self.line_message(self.head.end)));
            let message = message.and_then(|text| {
                let kept = self.keep(text.range, text.escapes)?;
                if text.form && memchr::memchr(b' ', &self.values.text.as_bytes()[kept.clone()]).is_none() {
                    let blanks = self.values.text[kept.clone()].replace('+', " ");
                    self.values.text.replace_range(kept.clone(), &blanks);
                }
                Some(((kept, text.origin), text.source))
            });
            let strict = strict.get(i).cloned().flatten();
            self.values.messages.push(if self.codes.len() > 1 {
                message.or(strict)
            } else {
                strict.or(message)
            });
            let request = roles.request.and_then(|_| self.nearest(Role::Request, self.codes[i].start));
            let request: Option<Kept> = request.and_then(|(pair, rule)| {
                Some((self.keep(self.value(&pair, true), pair.escapes)?, pair.origin(rule)))
            });
            let request = request.or(strict_requests.get(i).cloned().flatten());
            let request = request.or_else(|| {
                roles.request?;
                let (range, rule) = self.said_request(self.codes[i].start)?;
                let origin = Origin::at(rule, range.start);
                Some((self.keep(range, 0)?, origin))
            });
            self.values.requests.push(request);
        }
    }

    /// The request in the head of a line, or in a sentence.
    fn said_request(&self, code: usize) -> Option<(Range<usize>, Rule)> {
        let head = self.head.request.clone().map(|range| (range, Rule::Head));
        head.or_else(|| Some((labels::find(self.text, labels::REQUEST, code)?, Rule::Sentence)))
    }

    /// Writes a text down; `None` where nothing is left of it.
    fn keep(&mut self, range: Range<usize>, escapes: u8) -> Option<Range<usize>> {
        let out = &mut self.values.text;
        let start = out.len();
        decode(&self.text[range], escapes, out);
        unwrap_box(out, start);
        let solid = out.trim_end().len().max(start);
        out.truncate(solid);
        super::text::tidy(&mut self.values.text, start);
        let out = &self.values.text;
        (out.len() > start).then_some(start..out.len())
    }
}

/// Joins what the frame that Terraform draws around an error has cut at the width of the terminal.
fn unwrap_box(out: &mut String, start: usize) {
    const FRAME: &str = "\n│ ";
    if memchr::memmem::find(&out.as_bytes()[start..], FRAME.as_bytes()).is_some() {
        let joined = out[start..].replace(FRAME, " ");
        out.replace_range(start.., &joined);
    }
}

/// What languages write for no value.
fn is_null(value: &[u8]) -> bool {
    matches!(value, b"null" | b"nil" | b"None" | b"<nil>" | b"undefined")
}

/// `2026-04-01`, `2026/04/01`
fn is_date(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'/'))
}

/// `text` without the control sequences of terminals.
pub(super) fn without_colours(text: &str) -> String {
    clean::without_controls(text.as_bytes())
}

/// The length of the word that `text` begins with.
fn token_length(text: &[u8]) -> usize {
    let ends = |b: &u8| {
        b.is_ascii_whitespace()
            || matches!(
                b,
                b',' | b';' | b'&' | b')' | b']' | b'}' | b'"' | b'\'' | b'<' | b'>' | b'|' | b'\\' | b'`'
            )
    };
    let length = text.iter().take(MAX_TOKEN).position(ends).unwrap_or(text.len().min(MAX_TOKEN));
    length - text[..length].iter().rev().take_while(|&&b| b == b'.').count()
}

/// Appends `text`, which is escaped so many times, to `out`.
fn decode(text: &[u8], escapes: u8, out: &mut String) {
    let start = out.len();
    out.push_str(&String::from_utf8_lossy(text));
    for _ in 0..escapes {
        if memchr::memchr(b'\\', &out.as_bytes()[start..]).is_none() {
            break;
        }
        let once = crate::parse::unescaped(&out[start..]);
        out.replace_range(start.., &once);
    }
}
