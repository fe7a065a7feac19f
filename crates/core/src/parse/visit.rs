//! What is shown of a record while it is read, and to whom.

use std::fmt::Write as _;

use simd_json::StaticNode;

/// A text of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// Its first byte.
    pub start: u32,
    /// The byte after it.
    pub end: u32,
    /// Whether there are escapes in it, all of them good ones.
    pub escaped: bool,
}

/// Is shown a record's values in their order. What it is shown of a record
/// that turns out not to parse it must forget.
pub trait Visit {
    /// Forgets what it was shown.
    fn forget(&mut self);
    /// An object or a list begins.
    fn open(&mut self, object: bool);
    /// The one that was opened last and is not yet closed ends.
    fn close(&mut self);
    /// A key of an object: its bytes as they stand there, and where.
    fn key(&mut self, raw: &[u8], key: Text);
    /// A text that is a value.
    fn text(&mut self, text: Text);
    /// Any other value.
    fn scalar(&mut self, value: StaticNode);
}

/// Whoever only asks whether a record parses.
impl Visit for () {
    fn forget(&mut self) {}
    fn open(&mut self, _: bool) {}
    fn close(&mut self) {}
    fn key(&mut self, _: &[u8], _: Text) {}
    fn text(&mut self, _: Text) {}
    fn scalar(&mut self, _: StaticNode) {}
}

/// Two at once.
impl<A: Visit, B: Visit> Visit for (A, B) {
    fn forget(&mut self) {
        self.0.forget();
        self.1.forget();
    }

    fn open(&mut self, object: bool) {
        self.0.open(object);
        self.1.open(object);
    }

    fn close(&mut self) {
        self.0.close();
        self.1.close();
    }

    fn key(&mut self, raw: &[u8], key: Text) {
        self.0.key(raw, key);
        self.1.key(raw, key);
    }

    fn text(&mut self, text: Text) {
        self.0.text(text);
        self.1.text(text);
    }

    fn scalar(&mut self, value: StaticNode) {
        self.0.scalar(value);
        self.1.scalar(value);
    }
}

impl Text {
    /// As it stands in `bytes`, escapes and all.
    #[inline]
    pub fn raw(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }

    /// What it means, in UTF-8: in `buffer` where it is not what it says.
    #[inline]
    pub fn meaning<'b>(self, bytes: &'b [u8], buffer: &'b mut String) -> &'b [u8] {
        let raw = self.raw(bytes);
        if !self.escaped {
            return raw;
        }
        buffer.clear();
        unescape(raw, buffer);
        buffer.as_bytes()
    }

    /// Appends what it means to `out`.
    #[inline]
    pub fn write(self, bytes: &[u8], out: &mut String) {
        let raw = self.raw(bytes);
        if self.escaped { unescape(raw, out) } else { out.push_str(plain(raw)) }
    }
}

/// The record has been found to be UTF-8, and quotes are characters.
#[inline]
fn plain(raw: &[u8]) -> &str {
    std::str::from_utf8(raw).unwrap_or_default()
}

/// `text` without one layer of escapes, as far as there are good ones.
pub fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    unescape(text.as_bytes(), &mut out);
    out
}

#[cold]
fn unescape(raw: &[u8], out: &mut String) {
    let mut rest = plain(raw);
    while let Some((head, tail)) = rest.split_once('\\') {
        out.push_str(head);
        let mut chars = tail.chars();
        match chars.next() {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let code = |text: &str| u32::from_str_radix(text.get(..4)?, 16).ok();
                let first = tail.get(1..).and_then(code);
                // What is no character by itself may be half of one.
                let second = tail.get(5..).and_then(|t| t.strip_prefix("\\u")).and_then(code);
                let pair = match (first, second) {
                    (Some(high @ 0xd800..0xdc00), Some(low @ 0xdc00..0xe000)) => {
                        char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                    }
                    _ => None,
                };
                out.push(pair.or(first.and_then(char::from_u32)).unwrap_or('\u{fffd}'));
                let length = match first {
                    None => 1,
                    Some(_) if pair.is_some() => 11,
                    Some(_) => 5,
                };
                chars = tail.get(length..).unwrap_or_default().chars();
            }
            other => out.extend(other),
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

/// Appends a value that is no text, list or object as a field shows it:
/// nothing for null.
pub fn write_scalar(value: StaticNode, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = match value {
        StaticNode::Bool(b) => write!(out, "{b}"),
        StaticNode::I64(n) => write!(out, "{n}"),
        StaticNode::U64(n) => write!(out, "{n}"),
        StaticNode::F64(n) => write!(out, "{n}"),
        StaticNode::Null => Ok(()),
    };
}
