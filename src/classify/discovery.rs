//! Codes by the key before them, whether or not a catalog has their service.
//!
//! Read as text on purpose: JSON, JSON escaped to any depth, HTML, URLs, XML,
//! `key=value` and `key: value` differ only in what stands around the same words.

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
    places: Vec<u8>,
    /// What nearly every `cod` of a log fails at.
    around: Around,
}

/// Bytes next to a `cod`, in any case: a bit for each byte. Other bytes make no key.
#[derive(Clone, Copy, Debug, Default)]
struct Around {
    /// Behind it.
    after: Bytes,
    /// Before it, where a key begins with it.
    first: Bytes,
    /// Letters before it, or before the joint in front of it.
    letters: Bytes,
}

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Bytes([u128; 2]);

impl Bytes {
    /// Adds a byte, a letter in both cases.
    fn add(&mut self, byte: u8) {
        for byte in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
            self.0[usize::from(byte >> 7)] |= 1 << (byte & 127);
        }
    }

    #[inline]
    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 7)] >> (byte & 127) & 1 == 1
    }
}

impl Around {
    fn add(&mut self, key: &Flexible) {
        match key.words.get(key.anchor + 2) {
            Some(b' ') | None => (0..=255).for_each(|byte| self.after.add(byte)),
            Some(&byte) => self.after.add(byte),
        }
        match key.words[..key.anchor - 1] {
            // The tail of a quote or of a tag's opening; any other key only stands alone.
            [] if key.weak => b"\"'`27;<c".iter().for_each(|&byte| self.first.add(byte)),
            [] | [b' '] => (0..=255).for_each(|byte| self.first.add(byte)),
            [.., byte, b' '] | [.., byte] => self.letters.add(byte),
        }
    }

    /// Whether the `cod` whose `o` is at `place` may be of a key.
    #[inline]
    fn allows(&self, hay: &[u8], place: usize) -> bool {
        if !hay.get(place + 2).is_some_and(|&byte| self.after.has(byte)) {
            return false;
        }
        let Some(before) = place.checked_sub(2) else { return true };
        if self.first.has(hay[before]) || self.letters.has(hay[before]) {
            return true;
        }
        let (end, _) = joint_before(hay, place - 1);
        end < place - 1 && end > 0 && self.letters.has(hay[end - 1])
    }
}

/// A key whose words may be joined in any way.
#[derive(Clone, Debug)]
struct Flexible {
    /// In small letters; a blank is where words meet.
    words: Vec<u8>,
    /// Where the `o` of its `cod` is.
    anchor: usize,
    /// It is `code`, which stands for many things.
    weak: bool,
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
                    keys.flexible.push(Flexible { words, anchor: at + 1, weak });
                }
                None => keys.exact.push((name.to_ascii_lowercase(), place_in(name.as_bytes()))),
            }
        }
        if keys.any_with_cod() {
            keys.places.push(b'o');
        }
        keys.places.extend(keys.exact.iter().map(|(key, place)| key.as_bytes()[*place]));
        keys.places.sort_unstable();
        keys.places.dedup();
        keys.flexible.sort_by_key(|key| std::cmp::Reverse(key.words.len()));
        keys.flexible.iter().for_each(|key| keys.around.add(key));
        keys
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
        self.places.iter().any(|place| place.eq_ignore_ascii_case(&byte))
    }

    /// Whether a key may be at `place`: what nearly every place of a log fails at.
    #[inline]
    pub fn may_lead(&self, hay: &[u8], place: usize) -> bool {
        hay[place] | 0x20 == b'o' && self.around.allows(hay, place)
            || self
                .exact
                .iter()
                .any(|(key, in_key)| may_be_exact(key.as_bytes(), *in_key, hay, place).is_some())
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

impl Flexible {
    #[inline]
    fn find(&self, hay: &[u8], place: usize) -> Result<Found, Refusal> {
        // Of several keys nearly all end here.
        let fits = match self.words[..self.anchor - 1] {
            [] | [b' '] => true,
            [.., letter, b' '] => {
                place > 1
                    && (b"_-. ".contains(&hay[place - 2]) || hay[place - 2].eq_ignore_ascii_case(&letter))
            }
            [.., letter] => place > 1 && hay[place - 2].eq_ignore_ascii_case(&letter),
        };
        if !fits {
            return Err(Refusal::NoKey);
        }
        let mut prose = false;
        let mut end = place + 1;
        for &wanted in &self.words[self.anchor + 1..] {
            if wanted == b' ' {
                let (next, blank) = joint(hay, end);
                (end, prose) = (next, prose | blank);
            } else if hay.get(end).is_some_and(|b| b.eq_ignore_ascii_case(&wanted)) {
                end += 1;
            } else {
                return Err(Refusal::NoKey);
            }
        }
        let mut start = place;
        for &wanted in self.words[..self.anchor].iter().rev() {
            if wanted == b' ' {
                let (next, blank) = joint_before(hay, start);
                (start, prose) = (next, prose | blank);
            } else if start > 0 && hay[start - 1].eq_ignore_ascii_case(&wanted) {
                start -= 1;
            } else {
                return Err(Refusal::NoKey);
            }
        }
        if end - start > MAX_KEY {
            return Err(Refusal::NoKey);
        }
        stands_alone(hay, start)?;
        Ok(Found { start, end, prose, weak: self.weak })
    }
}

/// Where the key begins if its place is at `place` and its first byte fits.
#[inline]
fn may_be_exact(key: &[u8], in_key: usize, hay: &[u8], place: usize) -> Option<usize> {
    let start = place.checked_sub(in_key)?;
    let fits = |at: usize, wanted: u8| hay[at].eq_ignore_ascii_case(&wanted);
    (fits(place, key[in_key]) && fits(start, key[0])).then_some(start)
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

/// Where two words meet: nothing, or up to 16 backslashes and one of `_-. `.
/// Gives what follows, and whether it was a blank.
fn joint(hay: &[u8], at: usize) -> (usize, bool) {
    let slashes = hay[at..].iter().take(marks::MAX_SLASHES + 1).take_while(|&&b| b == b'\\').count();
    match hay.get(at + slashes) {
        Some(&byte @ (b'_' | b'-' | b'.' | b' ')) if slashes <= marks::MAX_SLASHES => {
            (at + slashes + 1, byte == b' ')
        }
        _ => (at, false),
    }
}

/// The same, backwards.
fn joint_before(hay: &[u8], at: usize) -> (usize, bool) {
    match hay[..at] {
        [.., byte @ (b'_' | b'-' | b'.' | b' ')] => {
            let slashes =
                hay[..at - 1].iter().rev().take(marks::MAX_SLASHES + 1).take_while(|&&b| b == b'\\').count();
            // One too many stays, and then the word before does not fit.
            (at - 1 - slashes.min(marks::MAX_SLASHES), byte == b' ')
        }
        _ => (at, false),
    }
}

/// The words of a name in small letters, joined by blanks.
fn words(name: &str) -> Vec<u8> {
    let mut words = Vec::new();
    let mut small = false;
    for byte in name.bytes() {
        if b"_-. ".contains(&byte) {
            words.push(b' ');
        } else {
            if small && byte.is_ascii_uppercase() {
                words.push(b' ');
            }
            words.push(byte.to_ascii_lowercase());
        }
        small = byte.is_ascii_lowercase();
    }
    words
}

/// From the end of a key to its value.
fn lead(hay: &[u8], key: &Found) -> Result<Lead, Refusal> {
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

/// What files end in that are numbered behind their ending.
const FILE_ENDINGS: [&[u8]; 18] = [
    b"log", b"txt", b"json", b"yaml", b"yml", b"xml", b"csv", b"gz", b"zip", b"tar", b"py", b"js", b"ts",
    b"go", b"java", b"conf", b"bak", b"pdf",
];

/// A letter first, a dot, three digits last, not too long; no success, version
/// or file.
pub fn has_shape(value: &[u8]) -> bool {
    value.len() <= MAX_CODE_BYTES
        && value.first().is_some_and(u8::is_ascii_alphabetic)
        && value.contains(&b'.')
        && value.len() >= 3
        && value[value.len() - 3..].iter().all(u8::is_ascii_digit)
        && !is_success(value)
        && !is_version(value)
        && !is_file(value)
}

/// Only zeros after the last letter.
fn is_success(value: &[u8]) -> bool {
    let tail = value.iter().rev().take_while(|b| !b.is_ascii_alphabetic());
    !tail.clone().any(|b| (b'1'..=b'9').contains(b)) && tail.clone().any(|b| *b == b'0')
}

fn is_version(value: &[u8]) -> bool {
    let parts = || value.split(|&b| b == b'.');
    let numbered = parts().filter(|p| p.last().is_some_and(u8::is_ascii_digit)).count();
    let first = parts().next().unwrap_or_default();
    numbered >= 3
        || (first.len() > 1
            && first[0].eq_ignore_ascii_case(&b'v')
            && first[1..].iter().all(u8::is_ascii_digit))
}

fn is_file(value: &[u8]) -> bool {
    let mut parts = value.rsplit(|&b| b == b'.');
    let (_, ending, name) = (parts.next(), parts.next(), parts.next());
    name.is_some() && ending.is_some_and(|ending| FILE_ENDINGS.contains(&ending))
}
