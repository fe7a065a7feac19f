//! A record that is JSON in the ordinary form, read for a fraction of what a
//! general parser takes for it.
//!
//! Most of what a general parser does is of no use for a log line: its texts
//! are looked at where they stand, few have escapes, and their quotes show
//! where they end. So there is one pass for the quotes, 64 bytes at a time
//! ([`Marks`]), and one over what stands between the texts.
//!
//! What is out of the ordinary is a *doubt*, and simd-json decides then:
//! line breaks and tabs between values, numbers with exponents or many
//! digits, surrogate escapes, deep nesting, and whatever is no JSON. A
//! property test holds that what is read here is what simd-json reads.

use simd_json::StaticNode;

use super::marks::Marks;
use super::visit::{Text, Visit};

/// Deepest nesting without a doubt: one bit each in a word.
const MAX_DEPTH: u32 = 32;

/// Most digits of a whole number: it fits a signed word.
const MAX_WHOLE_DIGITS: usize = 18;

/// Most digits of a fraction: its digits and the power of ten are exact, and
/// the one division rounds as it should.
const MAX_FRACTION_DIGITS: usize = 15;

/// Powers of ten that a double holds exactly.
const POWERS: [f64; MAX_FRACTION_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Shows `visitor` what is in `record`, of which `marks` knows everything.
/// `None` for a doubt; what was shown then is of no meaning.
pub(super) fn read(record: &[u8], marks: &Marks, visitor: &mut impl Visit) -> Option<()> {
    let ordinary = !marks.control
        && (!marks.high || std::str::from_utf8(record).is_ok())
        && marks.escapes.iter().all(|&at| is_escape(&record[at as usize + 1..]));
    if !ordinary {
        return None;
    }
    let texts = marks.quotes().as_chunks().0;
    if marks.escapes.is_empty() {
        return document(record, texts, |_| false, visitor);
    }
    let mut escapes = marks.escapes.iter().peekable();
    let escaped = |end| {
        let mut any = false;
        while escapes.next_if(|&&at| at < end).is_some() {
            any = true;
        }
        any
    };
    document(record, texts, escaped, visitor)
}

/// Whether what follows a backslash makes an escape with it, of one character.
fn is_escape(rest: &[u8]) -> bool {
    match rest {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => true,
        [b'u', digits @ ..] => digits
            .get(..4)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            // Halves of a surrogate pair begin with `d8` to `df`.
            .is_some_and(|digits| !(digits[0] | 0x20 == b'd' && digits[1] >= b'8')),
        _ => false,
    }
}

/// Reads all of `bytes`, in which the first and last quotes of the texts stand
/// at `texts`. `escaped` says of each text, by its end and in their order,
/// whether it has escapes.
#[inline]
fn document(
    bytes: &[u8],
    texts: &[[u32; 2]],
    mut escaped: impl FnMut(u32) -> bool,
    visitor: &mut impl Visit,
) -> Option<()> {
    // All that is read stands before `at`, and all texts that stand before it
    // are read: a quote at `at` is the first of the next text.
    let mut at = 0;
    let mut texts = texts.iter();
    // What is open, the innermost in the lowest bit: 1 for objects.
    let mut objects = 0u32;
    let mut depth = 0;
    loop {
        // A value begins here, or a member with its key.
        if objects & 1 == 1 {
            if solid(bytes, &mut at)? != b'"' {
                return None;
            }
            let &[quote, end] = texts.next()?;
            debug_assert_eq!(quote as usize, at);
            let key = Text { start: quote + 1, end, escaped: escaped(end) };
            visitor.key(raw(bytes, key), key);
            at = end as usize + 1;
            if solid(bytes, &mut at)? != b':' {
                return None;
            }
            at += 1;
        }
        let byte = solid(bytes, &mut at)?;
        match byte {
            b'"' => {
                let &[quote, end] = texts.next()?;
                debug_assert_eq!(quote as usize, at);
                let text = Text { start: quote + 1, end, escaped: escaped(end) };
                visitor.text(text);
                at = end as usize + 1;
            }
            b'{' | b'[' => {
                if depth == MAX_DEPTH {
                    return None;
                }
                visitor.open(byte == b'{');
                at += 1;
                // Either bracket's partner is the byte two after it.
                if solid(bytes, &mut at)? == byte + 2 {
                    visitor.close();
                    at += 1;
                } else {
                    objects = objects << 1 | u32::from(byte == b'{');
                    depth += 1;
                    continue;
                }
            }
            _ => {
                let (value, length) = scalar(&bytes[at..])?;
                visitor.scalar(value);
                at += length;
            }
        }
        // A value has ended here.
        loop {
            if depth == 0 {
                return (at == bytes.len()).then_some(());
            }
            let byte = solid(bytes, &mut at)?;
            at += 1;
            if byte == b',' {
                break;
            }
            if byte != if objects & 1 == 1 { b'}' } else { b']' } {
                return None;
            }
            visitor.close();
            objects >>= 1;
            depth -= 1;
        }
    }
}

/// The byte at `at`, which moves behind blanks.
#[inline(always)]
fn solid(bytes: &[u8], at: &mut usize) -> Option<u8> {
    let byte = *bytes.get(*at)?;
    if byte != b' ' {
        return Some(byte);
    }
    *at = behind_blanks(bytes, *at);
    bytes.get(*at).copied()
}

/// Most writers put none.
#[cold]
fn behind_blanks(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..].iter().take_while(|&&byte| byte == b' ').count()
}

/// What is not computed where nobody looks at it.
#[inline(always)]
fn raw(bytes: &[u8], text: Text) -> &[u8] {
    bytes.get(text.start as usize..text.end as usize).unwrap_or_default()
}

/// The number, truth value or null that `bytes` begin with, and its length.
/// What follows it is the caller's business.
fn scalar(bytes: &[u8]) -> Option<(StaticNode, usize)> {
    match bytes {
        [b't', b'r', b'u', b'e', ..] => Some((StaticNode::Bool(true), 4)),
        [b'f', b'a', b'l', b's', b'e', ..] => Some((StaticNode::Bool(false), 5)),
        [b'n', b'u', b'l', b'l', ..] => Some((StaticNode::Null, 4)),
        _ => number(bytes),
    }
}

/// The number that `bytes` begin with, and its length.
fn number(bytes: &[u8]) -> Option<(StaticNode, usize)> {
    let negative = bytes.first() == Some(&b'-');
    let first = usize::from(negative);
    let mut at = first;
    let mut value = 0u64;
    let mut digits = |at: &mut usize| {
        let from = *at;
        while let Some(digit) = bytes.get(*at).map(|b| b.wrapping_sub(b'0')).filter(|&d| d <= 9) {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            *at += 1;
        }
        (*at - from, value)
    };
    let (whole, value) = digits(&mut at);
    if whole == 0 || whole > MAX_WHOLE_DIGITS || (whole > 1 && bytes[first] == b'0') {
        return None;
    }
    let number = match bytes.get(at) {
        Some(b'.') => {
            at += 1;
            let (fraction, value) = digits(&mut at);
            if fraction == 0
                || whole + fraction > MAX_FRACTION_DIGITS
                || matches!(bytes.get(at), Some(b'e' | b'E'))
            {
                return None;
            }
            let size = value as f64 / POWERS[fraction];
            StaticNode::F64(if negative { -size } else { size })
        }
        Some(b'e' | b'E') => return None,
        _ if negative => StaticNode::I64(-value.cast_signed()),
        _ => StaticNode::U64(value),
    };
    Some((number, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::marks::Finder;

    #[test]
    fn ordinary_records_leave_no_doubt() {
        for record in [
            r#"{"ts":"2026-03-01T00:00:00.013Z","level":"error","error":{"code":"Ecs.0907","http_status":400}}"#,
            r#"{"a": 1.5, "b": [true, false, null, -3], "c": {}, "d": [ ], "e": "\"\u00e9\n"}"#,
            r#"["Fehler：CSS.0015，", 697.0, 0]"#,
        ] {
            let mut marks = Marks::default();
            Finder::default().run(record.as_bytes(), &mut marks);
            assert!(read(record.as_bytes(), &marks, &mut ()).is_some(), "{record}");
        }
    }
}
