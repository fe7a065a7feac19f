//! Codes by the key before them, whether or not a catalog has their service.
//!
//! Read as text on purpose: JSON, JSON escaped to any depth, HTML, URLs, XML,
//! `key=value` and `key: value` differ only in what stands around the same words.

mod around;
mod flexible;
mod shape;

use self::around::{Around, Bytes, is_plain_and_short};
use self::flexible::{Flexible, usual, words};
use self::shape::MIN_SHAPE;
pub use self::shape::has_shape;
use super::MAX_CODE_BYTES;
use super::marks::{self, blanks_and_colours, quote};
use crate::boundary::{escape_ends, is_word};

/// Longest key in a record, joints with their backslashes included.
const MAX_KEY: usize = 96;

/// Longest key in the settings.
pub const MAX_KEY_NAME: usize = 64;

/// Least bytes of a key, which the sweep looks for.
pub const MIN_KEY_NAME: usize = 3;

/// Longest run of value bytes that is looked at: a code, and dots and hyphens
/// that do not belong to it.
const MAX_VALUE_RUN: usize = MAX_CODE_BYTES + 32;

/// Bytes from the first of a key to the last that decides about its value, at
/// most.
pub const MAX_SPAN: usize =
    MAX_KEY + 3 * (2 * marks::MAX_NOISE + marks::MAX_QUOTE) + marks::MAX_SIGN + MAX_VALUE_RUN + 1;

/// The keys of the settings.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Those with `cod` in them, the longest first.
    flexible: Vec<Flexible>,
    /// The others, in small letters, each with its place.
    exact: Vec<(String, usize)>,
    /// Bytes that may stand at a place of theirs.
    places: Bytes,
    /// What nearly every `cod` of a log fails at.
    around: Around,
    /// All with `cod` end in `code`.
    end_in_code: bool,
    /// Bytes of the shortest value that may be a code.
    least_value: usize,
    /// A key without `cod` has an `o` at its place.
    exact_at_o: bool,
    /// A key that begins with `cod` counts only in quotes, and its value too.
    only_quoted: bool,
}

/// What a key leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// The first byte of the key.
    pub key: usize,
    /// The first byte of the value.
    pub start: usize,
    /// The byte after it.
    pub end: usize,
    /// The key is `code`.
    pub weak: bool,
}

/// Why a key leads to no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not one of the keys.
    NoKey,
    /// The key is part of a longer name, or `code` stands bare.
    KeyBoundary,
    /// No `:` or `=` after the key.
    Separator,
    /// The value has not the shape of a code.
    Shape,
    /// The value goes on after what looks like a code.
    ValueGoesOn,
}

/// A key as it stands in a record.
struct Found {
    start: usize,
    end: usize,
    /// A blank joins its words.
    prose: bool,
    weak: bool,
}

impl Keys {
    /// `names` as they stand in the settings; none where discovery is off.
    pub fn new(names: &[String]) -> Keys {
        let mut keys = Keys::default();
        for name in names {
            let words = words(name);
            match words.windows(3).position(|w| w == b"cod") {
                Some(at) => {
                    let weak = words == b"code";
                    let usual = [usual(&words, at + 1, false), usual(&words, at + 1, true)];
                    keys.flexible.push(Flexible { words, anchor: at + 1, weak, usual });
                }
                None => keys.exact.push((name.to_ascii_lowercase(), place_in(name.as_bytes()))),
            }
        }
        if keys.any_with_cod() {
            keys.places.add(b'o');
        }
        keys.exact.iter().for_each(|(key, place)| keys.places.add(key.as_bytes()[*place]));
        keys.flexible.sort_by_key(|key| std::cmp::Reverse(key.words.len()));
        // `error_code` is `errorcode` too, and stands before it.
        let mut seen = Vec::new();
        keys.flexible.retain(|key| {
            let letters: Vec<u8> = key.words.iter().copied().filter(|&b| b != b' ').collect();
            let new = !seen.contains(&letters);
            seen.push(letters);
            new
        });
        keys.flexible.iter().for_each(|key| keys.around.add(key));
        keys.exact_at_o = keys.exact.iter().any(|(key, place)| key.as_bytes()[*place] == b'o');
        keys.only_quoted = !keys.exact_at_o && keys.flexible.iter().all(|key| key.anchor > 1 || key.weak);
        keys.end_in_code = keys.flexible.iter().all(|key| key.words[key.anchor - 1..] == *b"code");
        keys
    }

    /// The same, where no code of a family is shorter than `shortest` bytes.
    pub fn with_shortest_code(self, shortest: usize) -> Keys {
        Keys { least_value: shortest.min(MIN_SHAPE), ..self }
    }

    /// Whether any holds `cod`.
    pub fn any_with_cod(&self) -> bool {
        !self.flexible.is_empty()
    }

    /// Those that stand in records as they are spelled here, in any case.
    pub fn exact(&self) -> impl Iterator<Item = &str> {
        self.exact.iter().map(|(key, _)| key.as_str())
    }

    /// Whether a key's place may be at such a byte.
    #[inline]
    pub fn may_be_at(&self, byte: u8) -> bool {
        self.places.has(byte)
    }

    /// Whether a key may be at `place`: what nearly every place of a log fails at.
    #[inline]
    pub fn may_lead(&self, hay: &[u8], place: usize) -> bool {
        self.places.has(hay[place]) && !self.is_plain_number(hay, place) && self.may_be_key(hay, place)
    }

    /// Whether it is the `code` of `"code":200`, which many logs have in each line.
    #[inline]
    fn is_plain_number(&self, hay: &[u8], place: usize) -> bool {
        self.only_quoted
            && place > 1
            && hay.get(place - 2..place + 6).is_some_and(|text| {
                text[0] == b'"'
                    && text[2] | 0x20 == b'o'
                    && text[4..7] == *b"e\":"
                    && text[7].is_ascii_digit()
            })
    }

    fn may_be_key(&self, hay: &[u8], place: usize) -> bool {
        let middle = hay[place] | 0x20;
        middle == b'o' && self.may_be_flexible(hay, place)
            || (middle != b'o' || self.exact_at_o)
                && self
                    .exact
                    .iter()
                    .any(|(key, in_key)| may_be_exact(key.as_bytes(), *in_key, hay, place).is_some())
    }

    #[inline]
    fn may_be_flexible(&self, hay: &[u8], place: usize) -> bool {
        self.around.allows(hay, place)
            && !(self.end_in_code && is_plain_and_short(&hay[place + 3..], self.least_value))
    }

    /// What the key at `place` leads to. A key's place is the `o` of its `cod`;
    /// of one without, the `_` of its `r_i`, or its last byte but one.
    ///
    /// # Errors
    /// The first rule that refuses it, of several keys that of the longest.
    #[inline]
    pub fn lead(&self, hay: &[u8], place: usize) -> Result<Lead, Refusal> {
        let mut refusal = Refusal::NoKey;
        if hay[place] | 0x20 == b'o' {
            for key in &self.flexible {
                match key.find(hay, place).and_then(|found| lead(hay, &found)) {
                    Ok(lead) => return Ok(lead),
                    Err(Refusal::NoKey) => {}
                    Err(why) if refusal == Refusal::NoKey => refusal = why,
                    Err(_) => {}
                }
            }
        }
        for (key, in_key) in &self.exact {
            match find_exact(key.as_bytes(), *in_key, hay, place).and_then(|found| lead(hay, &found)) {
                Ok(lead) => return Ok(lead),
                Err(Refusal::NoKey) => {}
                Err(why) if refusal == Refusal::NoKey => refusal = why,
                Err(_) => {}
            }
        }
        Err(refusal)
    }
}

/// Where the key begins if its place is at `place` and a byte before that fits.
#[inline]
fn may_be_exact(key: &[u8], in_key: usize, hay: &[u8], place: usize) -> Option<usize> {
    let start = place.checked_sub(in_key)?;
    let fits = |at: usize, wanted: u8| hay[at].eq_ignore_ascii_case(&wanted);
    // The letters before the place tell most words apart.
    let before = in_key.min(3);
    (fits(place, key[in_key]) && fits(place - before, key[in_key - before])).then_some(start)
}

fn find_exact(key: &[u8], in_key: usize, hay: &[u8], place: usize) -> Result<Found, Refusal> {
    let start = may_be_exact(key, in_key, hay, place).ok_or(Refusal::NoKey)?;
    let end = start + key.len();
    if !hay.get(start..end).is_some_and(|text| text.eq_ignore_ascii_case(key)) {
        return Err(Refusal::NoKey);
    }
    stands_alone(hay, start)?;
    Ok(Found { start, end, prose: false, weak: false })
}

/// Where the place of an exact key is, in the key.
pub fn place_in(key: &[u8]) -> usize {
    key.windows(3).position(|w| w.eq_ignore_ascii_case(b"r_i")).unwrap_or(key.len() - 3) + 1
}

fn stands_alone(hay: &[u8], start: usize) -> Result<(), Refusal> {
    let alone = start == 0 || !is_word(hay[start - 1]) || escape_ends(hay, start);
    if alone { Ok(()) } else { Err(Refusal::KeyBoundary) }
}

/// From the end of a key to its value.
fn lead(hay: &[u8], key: &Found) -> Result<Lead, Refusal> {
    if let Some((start, end)) = plain_value(hay, key) {
        return Ok(Lead { key: key.start, start, end, weak: key.weak });
    }
    if key.weak && !marks::quote_ends(hay, key.start) {
        return if marks::tag_opens_before(hay, key.start) {
            tag(hay, key)
        } else {
            Err(Refusal::KeyBoundary)
        };
    }
    let at = blanks_and_colours(hay, key.end);
    let closed = quote(hay, at);
    if key.weak && closed.is_none_or(|_| at != key.end) {
        return Err(Refusal::KeyBoundary);
    }
    let at = blanks_and_colours(hay, closed.map_or(at, |(_, end)| end));
    let at = match marks::sign(hay, at) {
        Some(end) => end,
        None if marks::tag_ends(hay, key.end).is_some() => return tag(hay, key),
        None if key.prose && closed.is_none() && at > key.end => at,
        None => return Err(Refusal::Separator),
    };
    let at = blanks_and_colours(hay, at);
    let opened = quote(hay, at);
    if key.weak && opened.is_none() {
        return Err(Refusal::KeyBoundary);
    }
    let start = blanks_and_colours(hay, opened.map_or(at, |(_, end)| end));
    let mut end = start + run(hay, start)?;
    if let Some((mark, _)) = opened {
        if quote(hay, blanks_and_colours(hay, end)).is_none_or(|(m, _)| m != mark) {
            return Err(Refusal::ValueGoesOn);
        }
    } else {
        while end > start && matches!(hay[end - 1], b'.' | b'-') {
            end -= 1;
        }
    }
    if end == start { Err(Refusal::Shape) } else { Ok(Lead { key: key.start, start, end, weak: key.weak }) }
}

/// The value where it is written in the most ordinary ways: `":"X"`, `": "X"`, `=X`, `: X`. What
/// it does not see is left to the rules for all ways.
fn plain_value(hay: &[u8], key: &Found) -> Option<(usize, usize)> {
    let mark = |at: usize| hay.get(at).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    let closed = mark(key.end).is_some();
    let sign = key.end + usize::from(closed);
    if !matches!(hay.get(sign..sign + 2)?, [b':', _] | [b'=', b'!'..=b'=' | b'?'..]) {
        return None;
    }
    let at = sign + 1 + usize::from(hay[sign + 1] == b' ');
    let opened = mark(at);
    if key.weak && !(closed && opened.is_some() && key.start.checked_sub(1).and_then(mark).is_some()) {
        return None;
    }
    let start = at + usize::from(opened.is_some());
    let mut end = start + run(hay, start).ok()?;
    if opened.is_some() {
        if mark(end) != opened {
            return None;
        }
    } else {
        while end > start && matches!(hay[end - 1], b'.' | b'-') {
            end -= 1;
        }
    }
    (end > start).then_some((start, end))
}

/// A value between two tags.
fn tag(hay: &[u8], key: &Found) -> Result<Lead, Refusal> {
    let at = marks::tag_ends(hay, key.end).ok_or(Refusal::Separator)?;
    let start = blanks_and_colours(hay, at);
    let end = start + run(hay, start)?;
    if end == start {
        return Err(Refusal::Shape);
    }
    if !marks::tag_opens(hay, blanks_and_colours(hay, end)) {
        return Err(Refusal::ValueGoesOn);
    }
    Ok(Lead { key: key.start, start, end, weak: key.weak })
}

fn run(hay: &[u8], start: usize) -> Result<usize, Refusal> {
    let bytes = hay[start..].iter().take(MAX_VALUE_RUN + 1);
    let run = bytes.take_while(|&&b| is_word(b) || b == b'.' || b == b'-').count();
    if run > MAX_VALUE_RUN { Err(Refusal::Shape) } else { Ok(run) }
}
