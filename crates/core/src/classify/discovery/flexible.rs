//! Keys with `cod` in them, whose words people write in many ways.

use super::{Found, MAX_KEY, Refusal, marks, stands_alone};

/// A key whose words may be joined in any way.
#[derive(Clone, Debug)]
pub(super) struct Flexible {
    /// In small letters; a blank is where words meet.
    pub(super) words: Vec<u8>,
    /// Where the `o` of its `cod` is.
    pub(super) anchor: usize,
    /// It is `code`, which stands for many things.
    pub(super) weak: bool,
    /// How nearly everybody writes it, and where the `o` is then.
    pub(super) usual: [(Vec<u8>, usize); 2],
}

impl Flexible {
    #[inline]
    pub(super) fn find(&self, hay: &[u8], place: usize) -> Result<Found, Refusal> {
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
        for (text, anchor) in &self.usual {
            if let Some(start) = place.checked_sub(*anchor)
                && hay[start..].starts_with(text)
            {
                stands_alone(hay, start)?;
                return Ok(Found { start, end: start + text.len(), prose: false, weak: self.weak });
            }
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

/// Where two words meet: nothing, or up to 16 backslashes and one of `_-. `.
/// Gives what follows, and whether it was a blank.
#[inline]
fn joint(hay: &[u8], at: usize) -> (usize, bool) {
    match hay.get(at) {
        Some(&byte @ (b'_' | b'-' | b'.' | b' ')) => return (at + 1, byte == b' '),
        Some(b'\\') => {}
        _ => return (at, false),
    }
    let slashes = hay[at..].iter().take(marks::MAX_SLASHES + 1).take_while(|&&b| b == b'\\').count();
    match hay.get(at + slashes) {
        Some(&byte @ (b'_' | b'-' | b'.' | b' ')) if slashes <= marks::MAX_SLASHES => {
            (at + slashes + 1, byte == b' ')
        }
        _ => (at, false),
    }
}

/// The same, backwards.
pub(super) fn joint_before(hay: &[u8], at: usize) -> (usize, bool) {
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

/// Words written `like_this` or `likeThis`, and where the byte at `anchor` is in that.
pub(super) fn usual(words: &[u8], anchor: usize, camel: bool) -> (Vec<u8>, usize) {
    let mut text = Vec::new();
    let mut place = 0;
    for (i, &byte) in words.iter().enumerate() {
        if i == anchor {
            place = text.len();
        }
        match byte {
            b' ' if camel => {}
            b' ' => text.push(b'_'),
            _ if camel && i > 0 && words[i - 1] == b' ' => text.push(byte.to_ascii_uppercase()),
            _ => text.push(byte),
        }
    }
    (text, place)
}

/// The words of a name in small letters, joined by blanks.
pub(super) fn words(name: &str) -> Vec<u8> {
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
