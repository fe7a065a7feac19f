//! A record without what only terminals, browsers and addresses need: control
//! sequences, NULs, percent and HTML escapes, Markdown's `\\_`.
//!
//! Most records need nothing of it and are read where they stand.

use crate::parse::marks::{BACKSLASH, BRACE, CONTROL, ESCAPE, NUL};

/// A record as it is meant, and how its places are led back to the record.
#[derive(Debug, Default)]
pub struct Clean {
    bytes: Vec<u8>,
    /// From this place on, in the clean text, the record's place is that much
    /// further on; ascending.
    shifts: Vec<(u32, u32)>,
    other: Vec<u8>,
}

/// Most passes: an address may be escaped within an address.
const MAX_PASSES: usize = 3;

/// Percent signs of an address that are looked at before it is taken for text.
const MAX_LOOKS: usize = 64;

/// Longest control sequence of a terminal, its title included.
const MAX_CONTROL: usize = 256;

impl Clean {
    /// Whether `record` was changed; [`bytes`](Clean::bytes) has it then.
    pub fn run(&mut self, record: &[u8]) -> bool {
        if !needs(record) {
            return false;
        }
        self.shifts.clear();
        self.bytes.clear();
        self.bytes.extend_from_slice(record);
        let mut any = false;
        for _ in 0..MAX_PASSES {
            if !self.pass() {
                break;
            }
            any = true;
            if !needs(&self.bytes) {
                break;
            }
        }
        any
    }

    /// The clean text.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The place in the clean text of what stands at `place` in the record.
    pub fn forth(&self, place: usize) -> usize {
        let i = self.shifts.partition_point(|&(from, by)| (from + by) as usize <= place);
        place.saturating_sub(i.checked_sub(1).map_or(0, |i| self.shifts[i].1 as usize))
    }

    /// The place in the record of what stands at `place` in the clean text.
    pub fn back(&self, place: usize) -> usize {
        let i = self.shifts.partition_point(|&(from, _)| from as usize <= place);
        place + i.checked_sub(1).map_or(0, |i| self.shifts[i].1 as usize)
    }

    /// Resolves one layer of escapes; whether there was any.
    fn pass(&mut self) -> bool {
        let from = std::mem::take(&mut self.bytes);
        let old = std::mem::take(&mut self.shifts);
        let mut out = std::mem::take(&mut self.other);
        out.clear();
        let mut shifts: Vec<(u32, u32)> = Vec::new();
        // Shifts of the earlier pass that begin before `at`.
        let mut passed = 0;
        let mut at = 0;
        // An address goes on up to here; up to there is none.
        let (mut address_end, mut no_address) = (0, 0);
        let doubled = has_doubled_quotes(&from);
        while at < from.len() {
            let plain = |&b: &u8| !(is_special(b) || b == b'+' && at < address_end || doubled && b == b'"');
            let run = from[at..].iter().take_while(|b| plain(b)).count();
            while let Some(&(place, by)) = old.get(passed).filter(|&&(place, _)| place as usize <= at + run) {
                let here = (out.len() + (place as usize).saturating_sub(at)) as u32;
                shift(&mut shifts, here, place + by);
                passed += 1;
            }
            out.extend_from_slice(&from[at..at + run]);
            at += run;
            if at == from.len() {
                break;
            }
            if from[at] == b'%' && at >= address_end && at >= no_address {
                let (end, holds) = address(&from, at);
                *(if holds { &mut address_end } else { &mut no_address }) = end;
            }
            let (length, meant) = if doubled && from[at..].starts_with(b"\"\"") {
                (2, Meant::of(b'"'))
            } else {
                escape(&from[at..], at < address_end)
            };
            out.extend_from_slice(meant.slice());
            at += length;
            if usize::from(meant.1) != length {
                while old.get(passed).is_some_and(|&(place, _)| place as usize <= at) {
                    passed += 1;
                }
                let by = passed.checked_sub(1).map_or(0, |i| old[i].1);
                shift(&mut shifts, out.len() as u32, at as u32 + by);
            }
        }
        let changed = out.len() != from.len() || out != from;
        (self.bytes, self.shifts, self.other) = (out, shifts, from);
        changed
    }
}

/// From `here` on, what stands in the clean text stands at `place` in the
/// record.
fn shift(shifts: &mut Vec<(u32, u32)>, here: u32, place: u32) {
    shifts.push((here, place.saturating_sub(here)));
}

/// `text` without the control sequences of terminals.
pub(super) fn without_controls(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(next) = memchr::memchr(0x1b, &text[at..]).map(|next| at + next) {
        out.extend_from_slice(&text[at..next]);
        at = (next + control(&text[next..], 1)).min(text.len());
    }
    out.extend_from_slice(&text[at..]);
    String::from_utf8_lossy(&out).into_owned()
}

/// What an escape means, four bytes at most.
struct Meant([u8; 4], u8);

impl Meant {
    fn none() -> Meant {
        Meant([0; 4], 0)
    }
    fn one(byte: u8) -> Meant {
        Meant([byte, 0, 0, 0], 1)
    }
    /// A quote is one of a text within a text.
    fn of(byte: u8) -> Meant {
        if byte == b'"' { Meant::two([b'\\', byte]) } else { Meant::one(byte) }
    }
    fn two(bytes: [u8; 2]) -> Meant {
        Meant([bytes[0], bytes[1], 0, 0], 2)
    }
    fn slice(&self) -> &[u8] {
        &self.0[..usize::from(self.1)]
    }
}

fn is_special(byte: u8) -> bool {
    matches!(byte, 0 | 0x1b | 0xef | b'%' | b'&' | b'\\' | 0xc2)
}

/// As [`needs`], of a record that has bytes of these `kinds`.
#[inline]
pub fn may_need(record: &[u8], kinds: u8) -> bool {
    kinds & (NUL | CONTROL) != 0
        || record.starts_with(BOM)
        || kinds & BRACE != 0 && has_doubled_quotes(record)
        || kinds & ESCAPE != 0 && (has_percent(record) || has_entity(record))
        || kinds & BACKSLASH != 0 && has_backslash(record)
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// A quick look whether anything is to be resolved.
fn needs(record: &[u8]) -> bool {
    memchr::memchr2(0, 0x1b, record).is_some() || may_need(record, ESCAPE | BRACE | BACKSLASH)
}

fn has_entity(record: &[u8]) -> bool {
    memchr::memchr(b'&', record).is_some_and(|at| memchr::memchr(b';', &record[at..]).is_some())
}

fn has_backslash(record: &[u8]) -> bool {
    memchr::memchr_iter(b'\\', record)
        .any(|at| matches!(record[at + 1..], [b'u' | b'x' | b'0' | b'e', ..] | [b'_', ..]))
}

/// Whether an object stands in a field of CSV, each of its quotes twice.
fn has_doubled_quotes(record: &[u8]) -> bool {
    memchr::memchr_iter(b'{', record).any(|at| record[at + 1..].starts_with(b"\"\""))
}

fn has_percent(record: &[u8]) -> bool {
    memchr::memchr_iter(b'%', record)
        .any(|at| matches!(record[at + 1..], [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

/// The end of the run of bytes that an address may have, from the percent sign
/// at `at` on, and whether it holds JSON or a pair.
fn address(bytes: &[u8], at: usize) -> (usize, bool) {
    let ends = |&b: &u8| b <= b' ' || matches!(b, b'"' | b'\'' | b'<' | b'>');
    let end = bytes[at..].iter().position(ends).map_or(bytes.len(), |run| at + run);
    let run = &bytes[at..end];
    let holds = memchr::memchr_iter(b'%', run).take(MAX_LOOKS).any(|i| match run[i + 1..] {
        [a, b, ..] => {
            matches!(&[a, b.to_ascii_uppercase()], b"22" | b"7B" | b"7b" | b"3D" | b"3d" | b"27" | b"25")
        }
        _ => false,
    });
    // A form has pairs, joined so.
    (end, holds || memchr::memchr(b'&', run).is_some())
}

/// The length of the escape that `rest` begins with and what it means; one
/// byte that means itself where it is none.
fn escape(rest: &[u8], address: bool) -> (usize, Meant) {
    let itself = (1, Meant::one(rest[0]));
    match *rest {
        [0, ..] => (1, Meant::none()),
        [0x1b, ..] => (control(rest, 1), Meant::none()),
        [0xef, 0xbb, 0xbf, ..] => (3, Meant::none()),
        // The one-byte form of the sequence's introducer.
        [0xc2, 0x9b, ..] => (parameters(rest, 2), Meant::none()),
        [b'+', ..] if address => (1, Meant::one(b' ')),
        [b'%', a, b, ..] if address => match (hex(a), hex(b)) {
            (Some(a), Some(b)) => (3, Meant::of(a << 4 | b)),
            _ => itself,
        },
        [b'&', ..] => entity(rest).unwrap_or(itself),
        [b'\\', ..] => backslash(rest).unwrap_or(itself),
        _ => itself,
    }
}

/// The length of a control sequence whose introducer has so many bytes.
fn control(rest: &[u8], introducer: usize) -> usize {
    match rest.get(introducer) {
        Some(b'[') => parameters(rest, introducer + 1),
        // A title or a link ends with BEL or ESC and a backslash.
        Some(b']') => {
            let body = &rest[introducer + 1..rest.len().min(introducer + 1 + MAX_CONTROL)];
            match body.iter().position(|&b| b == 7 || b == 0x1b) {
                Some(at) if body[at] == 7 => introducer + 1 + at + 1,
                Some(at) if body.get(at + 1) == Some(&b'\\') => introducer + 1 + at + 2,
                _ => introducer,
            }
        }
        Some(b'(' | b')') => (introducer + 2).min(rest.len()),
        _ => introducer,
    }
}

/// The end of parameters and the letter behind them.
fn parameters(rest: &[u8], from: usize) -> usize {
    let count = rest[from..].iter().take(MAX_CONTROL).take_while(|b| (0x20..=0x3f).contains(*b)).count();
    match rest.get(from + count) {
        Some(0x40..=0x7e) => from + count + 1,
        _ => from,
    }
}

fn entity(rest: &[u8]) -> Option<(usize, Meant)> {
    let semicolon = rest.iter().take(10).position(|&b| b == b';')?;
    let byte = match &rest[1..semicolon] {
        b"quot" => b'"',
        b"amp" => b'&',
        b"lt" => b'<',
        b"gt" => b'>',
        b"apos" => b'\'',
        b"nbsp" => b' ',
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16)?,
        [b'#', digits @ ..] => number(digits, 10)?,
        _ => return None,
    };
    Some((semicolon + 1, Meant::of(byte)))
}

fn number(digits: &[u8], radix: u32) -> Option<u8> {
    let number = u8::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()?;
    (0x20..0x7f).contains(&number).then_some(number)
}

/// An escaped control sequence, a character by its number, Markdown.
fn backslash(rest: &[u8]) -> Option<(usize, Meant)> {
    let slashes = rest.iter().take(16).take_while(|&&b| b == b'\\').count();
    let tail = &rest[slashes..];
    let escaped = match tail {
        [b'u', digits @ ..] => Some((5, character(digits.get(..4)?)?)),
        [b'x', b'1', b'b' | b'B', ..] => Some((3, 0x1b)),
        [b'0', b'3', b'3', ..] => Some((3, 0x1b)),
        [b'e', b'[', ..] => Some((1, 0x1b)),
        [b'x', digits @ ..] => Some((3, character(digits.get(..2)?)?)),
        _ => None,
    };
    if let Some((length, character)) = escaped {
        let length = slashes + length;
        return match character {
            0x1b => Some((control(rest, length), Meant::none())),
            0 => Some((length, Meant::none())),
            // A quote by its number is one that was escaped.
            b'"' | b'\'' if slashes == 1 => Some((length, Meant::two([b'\\', character]))),
            b'<' | b'>' | b'&' | b'=' | b'+' => Some((length, Meant::one(character))),
            _ => None,
        };
    }
    let marked = slashes == 1 && matches!(tail, [b'_', ..]);
    marked.then(|| (2, Meant::one(tail[0])))
}

fn character(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok().filter(|t| t.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(text, 16).ok().and_then(|n| u8::try_from(n).ok())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|d| d as u8)
}
