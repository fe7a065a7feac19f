//! Fields in text: `key=value` pairs, and a JSON object behind a prefix.

use std::borrow::Cow;

/// A value as it stands in the text.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    /// What is between the quotes, or all that follows the equals sign.
    bytes: &'t [u8],
    /// Whether backslashes escape what follows them.
    quoted: bool,
}

impl Value<'_> {
    pub fn write(self, out: &mut String) {
        let bytes = if self.quoted { self.bytes } else { unquoted(self.bytes) };
        let text = std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
        if !self.quoted || !text.contains('\\') {
            out.push_str(&text);
            return;
        }
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => out.extend(chars.next().map(unescaped)),
                c => out.push(c),
            }
        }
    }
}

/// Longest text that is looked at without a call.
const SHORT: usize = 64;

/// Makes what stands in `out` from `start` on fit to be shown.
#[inline]
pub(super) fn tidy(out: &mut String, start: usize) {
    let written = &out.as_bytes()[start..];
    let is_odd = if written.len() <= SHORT {
        is_short_and_odd(written)
    } else {
        memchr::memchr2(0, 0x1b, written).is_some()
    };
    if is_odd {
        let plain = super::near::without_colours(&out[start..]);
        // At a NUL, Prometheus gives up the whole scrape.
        out.replace_range(start.., &plain.replace('\0', "\u{fffd}"));
    }
}

/// Whether a NUL or an escape character is among a few bytes.
#[inline]
fn is_short_and_odd(bytes: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // The highest bit of a byte that is 0, and perhaps of one behind it.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (steps, rest) = bytes.as_chunks::<8>();
    let odd = steps.iter().fold(0, |odd, step| {
        let word = u64::from_le_bytes(*step);
        odd | zeros(word) | zeros(word ^ (0x1b * ONES))
    });
    odd != 0 || rest.iter().any(|&b| b == 0 || b == 0x1b)
}

/// The last bytes of the key that ends `before`, four at most.
#[inline]
pub(super) fn last_of_key(before: &[u8]) -> u32 {
    let mut last = 0;
    for (i, &byte) in before.iter().rev().take(4).enumerate() {
        if !is(byte, KEY) {
            break;
        }
        last |= u32::from(byte) << (8 * i);
    }
    last
}

/// What the value ends before that `text` begins with.
fn unquoted(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&b| is(b, ENDS)).unwrap_or(text.len());
    &text[..end]
}

/// Of a byte, in [`BYTES`]: it can be in a key.
const KEY: u8 = 1;

/// It ends a value without quotes.
const ENDS: u8 = 2;

/// What each byte can be: a look in a table, since every byte of many records
/// is asked about.
const BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut b = 0;
    while b < 128 {
        let byte = b as u8;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/' | b'@') {
            bytes[b] |= KEY;
        }
        if byte.is_ascii_whitespace()
            || matches!(byte, b',' | b';' | b'&' | b')' | b']' | b'}' | b'"' | b'\'' | b'<' | b'>')
        {
            bytes[b] |= ENDS;
        }
        b += 1;
    }
    bytes
};

#[inline]
fn is(byte: u8, what: u8) -> bool {
    BYTES[usize::from(byte)] & what != 0
}

/// What `c` behind a backslash stands for.
fn unescaped(c: char) -> char {
    match c {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        c => c,
    }
}

/// Where the JSON object begins that a record ends with, behind whatever a
/// shipper or a logger puts before it.
pub(super) fn json_body(record: &[u8]) -> Option<usize> {
    let record = record.trim_ascii_end();
    if record.last() != Some(&b'}') {
        return None;
    }
    memchr::memchr_iter(b'{', record)
        .find(|&at| matches!(record[at + 1..].trim_ascii_start(), [b'"' | b'}', ..]))
}

/// Gives `each` the pairs of `text`, whose equals signs stand at `signs`, with the places of these:
/// all whose key may be one of those that `may_end` what stands before a sign.
#[inline]
pub(super) fn pairs<'t>(
    text: &'t [u8],
    signs: impl Iterator<Item = usize>,
    may_end: impl Fn(&[u8]) -> bool,
    mut each: impl FnMut(usize, &'t [u8], Value<'t>),
) {
    let mut from = 0;
    signs.for_each(|equals| {
        if equals < from || !text[from..equals].last().is_some_and(|&b| is(b, KEY)) {
            return;
        }
        let before = &text[from..equals];
        from = equals + 1;
        let matters = may_end(before);
        if !matters && !matches!(text.get(from), Some(b'"' | b'\'')) {
            return;
        }
        let value = value(&text[from..]);
        // Nothing inside a quoted value is a pair of its own.
        from += if value.quoted { value.bytes.len() } else { 0 };
        if matters {
            let key = before.iter().rev().take_while(|&&b| is(b, KEY)).count();
            each(equals, &before[before.len() - key..], value);
        }
    });
}

fn value(text: &[u8]) -> Value<'_> {
    if let [quote @ (b'"' | b'\''), rest @ ..] = text
        && let Some(end) = closing(rest, *quote)
    {
        return Value { bytes: &rest[..end], quoted: true };
    }
    Value { bytes: text, quoted: false }
}

/// Where `quote` stands first in `text` without a backslash that escapes it.
fn closing(text: &[u8], quote: u8) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(quote, b'\\', text.get(from..)?)?;
        if text[at] == quote {
            return Some(at);
        }
        from = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let signs = memchr::memchr_iter(b'=', text.as_bytes());
        pairs(
            text.as_bytes(),
            signs,
            |_| true,
            |_, key, value| {
                let mut out = String::new();
                value.write(&mut out);
                found.push((String::from_utf8(key.to_vec()).expect("ASCII"), out));
            },
        );
        found
    }

    fn some(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    #[test]
    fn what_is_odd_is_found_at_every_place() {
        for length in 0..40 {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    assert_eq!(is_short_and_odd(&bytes), byte == 0 || byte == 0x1b, "{byte} {at} {length}");
                }
            }
        }
    }

    #[test]
    fn reads_pairs() {
        assert_eq!(
            all(r#"time=2026 level=error msg="a \"b\" x=1 c" app=web, (id=7) ?q=1&r=2"#),
            some(&[
                ("time", "2026"),
                ("level", "error"),
                ("msg", "a \"b\" x=1 c"),
                ("app", "web"),
                ("id", "7"),
                ("q", "1"),
                ("r", "2")
            ])
        );
        assert_eq!(all(r#"a="open b=2"#), some(&[("a", ""), ("b", "2")]));
        assert_eq!(all("= =x a=b=c k8s.io/app=y"), some(&[("a", "b=c"), ("b", "c"), ("k8s.io/app", "y")]));
    }

    #[test]
    fn finds_the_object_behind_a_prefix() {
        assert_eq!(json_body(b"2026-11-03T08:00:04Z stdout F {\"a\":1}\r"), Some(30));
        assert_eq!(json_body(b"x {y} { \"a\":{}}"), Some(6));
        assert_eq!(json_body(b"x {\"a\":1} y"), None);
        assert_eq!(json_body(b""), None);
    }
}
