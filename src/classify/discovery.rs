//! Codes of services without a catalog, found by the key before them.
//!
//! Read as text on purpose: JSON, JSON escaped to any depth, `key=value` and
//! `key: value` differ only in the quotes around the same words.

use super::MAX_CODE_BYTES;
use crate::boundary::{escape_ends, is_word};

/// The keys, exactly so spelled, each with its last `r` at the same place as
/// in the word that begins it.
const AFTER_FOUR: [&[u8]; 4] = [b"error_code", b"errorCode", b"ErrorCode", b"error_id"];
const AFTER_TWO: [&[u8]; 2] = [b"err_code", b"errCode"];

/// Most backslashes before a quote, and most blanks around a separator.
const MAX_RUN: usize = 16;

/// Longest run of value bytes that is looked at: a code, and dots and hyphens
/// that do not belong to it.
const MAX_VALUE_RUN: usize = MAX_CODE_BYTES + 32;

/// Bytes from the first of a key to the last of its value, at most: key,
/// quote, blanks, `=>`, blanks, quote, value, closing quote.
pub const MAX_SPAN: usize = 10 + 17 + 16 + 2 + 16 + 17 + MAX_VALUE_RUN + 1 + 17;

/// Why a key leads to no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not one of the keys.
    NoKey,
    /// The key is part of a longer name.
    KeyBoundary,
    /// No `:` or `=` after the key.
    Separator,
    /// The value has not the shape of a code.
    Shape,
    /// The value goes on after what looks like a code.
    ValueGoesOn,
}

/// Where the value of the key whose last `r` stands at `place` begins and
/// ends, when it has the shape of a code.
///
/// # Errors
/// The first rule that refuses it.
pub fn value(hay: &[u8], place: usize) -> Result<(usize, usize), Refusal> {
    let key = key_end(hay, place)?;
    let at = quote(hay, key).map_or(key, |(_, end)| end);
    let at = blanks(hay, at);
    let at = match hay.get(at) {
        Some(b':') => at + 1,
        Some(b'=') => at + 1 + usize::from(hay.get(at + 1) == Some(&b'>')),
        _ => return Err(Refusal::Separator),
    };
    let at = blanks(hay, at);
    let opened = quote(hay, at);
    let start = opened.map_or(at, |(_, end)| end);
    let run = hay[start..]
        .iter()
        .take(MAX_VALUE_RUN + 1)
        .take_while(|&&b| is_word(b) || b == b'.' || b == b'-')
        .count();
    if run > MAX_VALUE_RUN {
        return Err(Refusal::Shape);
    }
    let mut end = start + run;
    if let Some((mark, _)) = opened {
        if quote(hay, end).is_none_or(|(m, _)| m != mark) {
            return Err(Refusal::ValueGoesOn);
        }
    } else {
        while end > start && matches!(hay[end - 1], b'.' | b'-') {
            end -= 1;
        }
    }
    if has_shape(&hay[start..end]) { Ok((start, end)) } else { Err(Refusal::Shape) }
}

/// The end of the key whose last `r` stands at `place`.
fn key_end(hay: &[u8], place: usize) -> Result<usize, Refusal> {
    // Nearly every `r_` or `rC` of a log ends here.
    if !matches!(hay[place..], [b'r', b'_', b'c' | b'i', ..] | [b'r', b'C', b'o', ..]) {
        return Err(Refusal::NoKey);
    }
    // `error` or `err`: how far before its last `r` a key begins.
    let (start, keys): (usize, &[&[u8]]) = match hay[..place] {
        [.., b'o'] => (place.wrapping_sub(4), &AFTER_FOUR),
        [.., b'r'] => (place.wrapping_sub(2), &AFTER_TWO),
        _ => return Err(Refusal::NoKey),
    };
    let rest = hay.get(start..).ok_or(Refusal::NoKey)?;
    let key = keys.iter().find(|key| rest.starts_with(key)).ok_or(Refusal::NoKey)?;
    let stands_alone = start == 0 || !is_word(hay[start - 1]) || escape_ends(hay, start);
    if stands_alone { Ok(start + key.len()) } else { Err(Refusal::KeyBoundary) }
}

/// The quote at `at`: its mark and the byte after it, backslashes before it
/// included.
fn quote(hay: &[u8], at: usize) -> Option<(u8, usize)> {
    let slashes = hay[at..].iter().take(MAX_RUN + 1).take_while(|&&b| b == b'\\').count();
    if slashes > MAX_RUN {
        return None;
    }
    match hay.get(at + slashes) {
        Some(&mark @ (b'"' | b'\'')) => Some((mark, at + slashes + 1)),
        _ => None,
    }
}

fn blanks(hay: &[u8], at: usize) -> usize {
    at + hay[at..].iter().take(MAX_RUN).take_while(|&&b| b == b' ' || b == b'\t').count()
}

/// A letter first, a dot, three digits last, not too long.
pub fn has_shape(value: &[u8]) -> bool {
    value.len() <= MAX_CODE_BYTES
        && value.first().is_some_and(u8::is_ascii_alphabetic)
        && value.contains(&b'.')
        && value.len() >= 3
        && value[value.len() - 3..].iter().all(u8::is_ascii_digit)
}
