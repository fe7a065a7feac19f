//! What may stand before and after a code: pure functions on bytes.

/// `[A-Za-z0-9_]`.
#[inline]
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Longest run that decides a left boundary: `\u001b[` with 16 digits and
/// `m`. A reader that cuts a record into windows keeps at least this much
/// before a candidate.
pub const LEFT_CONTEXT: usize = 24;

/// Bytes after a candidate that decide its right boundary.
pub const RIGHT_CONTEXT: usize = 2;

/// Why a left boundary holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// The record starts here.
    Start,
    /// A byte that can be in no name.
    Separator,
    /// A dot that joins no name.
    LooseDot,
    /// The tail of an escape.
    Escape,
}

/// The left boundary of what starts at `at`, or `None` where a longer name
/// goes on to the left.
#[inline]
pub fn left(hay: &[u8], at: usize) -> Option<Left> {
    let Some(before) = at.checked_sub(1) else {
        return Some(Left::Start);
    };
    let byte = hay[before];
    if byte == b'.' {
        let joined = before > 0 && is_word(hay[before - 1]);
        return (!joined).then_some(Left::LooseDot);
    }
    if !is_word(byte) && byte != b'-' {
        return Some(Left::Separator);
    }
    escape_ends(hay, at).then_some(Left::Escape)
}

/// Whether the bytes before `at` end an escape: of a string (`\n`,
/// `\u003c`), of a URL (`%3D`), of a terminal (`ESC[31m`).
pub fn escape_ends(hay: &[u8], at: usize) -> bool {
    let head = &hay[..at];
    match head {
        [.., b'\\', b'n' | b't' | b'r' | b'b' | b'f'] => true,
        [.., b'\\', b'u', a, b, c, d] if [a, b, c, d].iter().all(|x| x.is_ascii_hexdigit()) => true,
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [parameters @ .., b'm'] => colour_starts(parameters),
        _ => false,
    }
}

/// Whether `head` ends with the start of a colour sequence and its
/// parameters: `ESC[1;31`.
fn colour_starts(head: &[u8]) -> bool {
    let parameters = head.iter().rev().take(17).take_while(|b| b.is_ascii_digit() || **b == b';').count();
    if parameters > 16 {
        return false;
    }
    matches!(
        &head[..head.len() - parameters],
        [.., 0x1b, b'[']
            | [.., b'\\', b'e', b'[']
            | [.., b'\\', b'0', b'3', b'3', b'[']
            | [.., b'\\', b'x', b'1', b'b' | b'B', b'[']
            | [.., b'\\', b'u', b'0', b'0', b'1', b'b' | b'B', b'[']
    )
}

/// Whether a code may end just before `at`.
#[inline]
pub fn right(hay: &[u8], at: usize) -> bool {
    match hay.get(at) {
        None => true,
        Some(b'.') => !hay.get(at + 1).is_some_and(u8::is_ascii_digit),
        Some(&byte) => !is_word(byte),
    }
}
