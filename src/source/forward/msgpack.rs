//! MessagePack as it stands on the wire: where a value ends, and a value as
//! JSON.
//!
//! A reader of its own, since a value of five bytes may announce four billion
//! others: nothing is set aside for what is announced, and the end of a value is
//! found by counting, however deep it is.

use thiserror::Error;

use crate::source::json;

/// Values in each other, at most.
const DEEPEST: usize = 64;

/// Why bytes are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// The one byte that means nothing.
    #[error("byte 0xc1 means nothing in MessagePack")]
    Unused,
    /// They end too early.
    #[error("a value is cut off")]
    CutOff,
    /// Values stand deeper in each other than is read.
    #[error("values stand deeper than {DEEPEST} times in each other")]
    TooDeep,
}

/// What a value begins with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Head {
    /// Nothing.
    Nil,
    /// Yes or no.
    Truth(bool),
    /// A whole number without a sign.
    Unsigned(u64),
    /// A negative whole number, or one that is written as if it were.
    Signed(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text of so many bytes, which follow.
    Text(usize),
    /// So many bytes, which follow.
    Binary(usize),
    /// So many values, which follow.
    Array(u32),
    /// So many pairs of values, which follow.
    Map(u32),
    /// Something of this type, of so many bytes, which follow.
    Extension(i8, usize),
}

impl Head {
    /// The bytes that follow and belong to it.
    pub fn bytes(self) -> usize {
        match self {
            Head::Text(length) | Head::Binary(length) | Head::Extension(_, length) => length,
            _ => 0,
        }
    }

    /// The values that follow and belong to it.
    fn values(self) -> u64 {
        match self {
            Head::Array(count) => count.into(),
            Head::Map(count) => 2 * u64::from(count),
            _ => 0,
        }
    }
}

/// What `bytes` begin with and how long that is; none where they are cut off.
///
/// # Errors
/// When that is no value.
pub fn head(bytes: &[u8]) -> Result<Option<(Head, usize)>, Broken> {
    Ok(read_head(bytes).transpose()?.map(|(head, rest)| (head, bytes.len() - rest.len())))
}

fn read_head(bytes: &[u8]) -> Option<Result<(Head, &[u8]), Broken>> {
    fn array<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
        bytes.split_first_chunk().map(|(array, rest)| (*array, rest))
    }
    fn length<const N: usize>(bytes: &[u8]) -> Option<(u32, &[u8])> {
        let (array, rest) = array::<N>(bytes)?;
        Some((array.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)), rest))
    }
    fn number<const N: usize>(bytes: &[u8]) -> Option<(u64, &[u8])> {
        let (array, rest) = array::<N>(bytes)?;
        Some((array.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)), rest))
    }
    fn extension(found: Option<(u32, &[u8])>) -> Option<(Head, &[u8])> {
        let (length, rest) = found?;
        let (&kind, rest) = rest.split_first()?;
        Some((Head::Extension(kind as i8, length as usize), rest))
    }
    let (&first, bytes) = bytes.split_first()?;
    let sized =
        |found: Option<(u32, _)>, head: fn(usize) -> Head| found.map(|(n, rest)| (head(n as usize), rest));
    let counted = |found: Option<(u32, _)>, head: fn(u32) -> Head| found.map(|(n, rest)| (head(n), rest));
    let found = match first {
        0x00..=0x7f => Some((Head::Unsigned(first.into()), bytes)),
        0x80..=0x8f => Some((Head::Map((first & 0xf).into()), bytes)),
        0x90..=0x9f => Some((Head::Array((first & 0xf).into()), bytes)),
        0xa0..=0xbf => Some((Head::Text((first & 0x1f).into()), bytes)),
        0xc0 => Some((Head::Nil, bytes)),
        0xc1 => return Some(Err(Broken::Unused)),
        0xc2 | 0xc3 => Some((Head::Truth(first == 0xc3), bytes)),
        0xc4 => sized(length::<1>(bytes), Head::Binary),
        0xc5 => sized(length::<2>(bytes), Head::Binary),
        0xc6 => sized(length::<4>(bytes), Head::Binary),
        0xc7 => extension(length::<1>(bytes)),
        0xc8 => extension(length::<2>(bytes)),
        0xc9 => extension(length::<4>(bytes)),
        0xca => array(bytes).map(|(b, rest)| (Head::Float(f32::from_be_bytes(b).into()), rest)),
        0xcb => array(bytes).map(|(b, rest)| (Head::Float(f64::from_be_bytes(b)), rest)),
        0xcc => number::<1>(bytes).map(|(n, rest)| (Head::Unsigned(n), rest)),
        0xcd => number::<2>(bytes).map(|(n, rest)| (Head::Unsigned(n), rest)),
        0xce => number::<4>(bytes).map(|(n, rest)| (Head::Unsigned(n), rest)),
        0xcf => number::<8>(bytes).map(|(n, rest)| (Head::Unsigned(n), rest)),
        0xd0 => array(bytes).map(|(b, rest)| (Head::Signed(i8::from_be_bytes(b).into()), rest)),
        0xd1 => array(bytes).map(|(b, rest)| (Head::Signed(i16::from_be_bytes(b).into()), rest)),
        0xd2 => array(bytes).map(|(b, rest)| (Head::Signed(i32::from_be_bytes(b).into()), rest)),
        0xd3 => array(bytes).map(|(b, rest)| (Head::Signed(i64::from_be_bytes(b)), rest)),
        0xd4..=0xd8 => extension(Some((1 << (first - 0xd4), bytes))),
        0xd9 => sized(length::<1>(bytes), Head::Text),
        0xda => sized(length::<2>(bytes), Head::Text),
        0xdb => sized(length::<4>(bytes), Head::Text),
        0xdc => counted(length::<2>(bytes), Head::Array),
        0xdd => counted(length::<4>(bytes), Head::Array),
        0xde => counted(length::<2>(bytes), Head::Map),
        0xdf => counted(length::<4>(bytes), Head::Map),
        0xe0..=0xff => Some((Head::Signed((first as i8).into()), bytes)),
    };
    found.map(Ok)
}

/// Looks for the end of a value that comes in pieces, each byte once.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    at: usize,
    values: u64,
}

impl Search {
    /// At the beginning of a value.
    pub fn new() -> Search {
        Search { at: 0, values: 1 }
    }

    /// The length of the value that `bytes` begin with; none where they end before.
    ///
    /// # Errors
    /// When it is no value.
    pub fn end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Broken> {
        while self.values > 0 {
            let Some(rest) = bytes.get(self.at..) else { return Ok(None) };
            let Some((head, length)) = head(rest)? else { return Ok(None) };
            self.at = self.at.saturating_add(length).saturating_add(head.bytes());
            // Each announced value is a byte at least: no sum of them overflows before they have come.
            self.values = self.values.saturating_add(head.values()) - 1;
        }
        Ok((self.at <= bytes.len()).then_some(self.at))
    }

    /// The bytes that are needed at least.
    pub fn needed(&self) -> usize {
        self.at
    }
}

/// Values, read one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Values<'v>(pub &'v [u8]);

impl<'v> Values<'v> {
    /// The head of the next value.
    ///
    /// # Errors
    /// When there is none.
    pub fn head(&mut self) -> Result<Head, Broken> {
        let (found, length) = head(self.0)?.ok_or(Broken::CutOff)?;
        self.0 = &self.0[length..];
        Ok(found)
    }

    /// The bytes that belong to a head.
    ///
    /// # Errors
    /// When they are cut off.
    pub fn take(&mut self, length: usize) -> Result<&'v [u8], Broken> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Broken::CutOff)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next value as it stands.
    ///
    /// # Errors
    /// When there is none.
    pub fn value(&mut self) -> Result<&'v [u8], Broken> {
        let length = Search::new().end(self.0)?.ok_or(Broken::CutOff)?;
        self.take(length)
    }

    /// The next value, where it is a text or bytes.
    ///
    /// # Errors
    /// When there is none.
    pub fn text(&mut self) -> Result<Option<&'v [u8]>, Broken> {
        let value = self.value()?;
        let mut inner = Values(value);
        match inner.head()? {
            Head::Text(length) | Head::Binary(length) => inner.take(length).map(Some),
            _ => Ok(None),
        }
    }

    /// Writes the next value as JSON.
    ///
    /// # Errors
    /// When there is none, or it is too deep.
    pub fn write(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        self.write_at(out, DEEPEST)
    }

    fn write_at(&mut self, out: &mut Vec<u8>, depth: usize) -> Result<(), Broken> {
        let head = self.head()?;
        let inner = || depth.checked_sub(1).ok_or(Broken::TooDeep);
        match head {
            Head::Nil => out.extend_from_slice(b"null"),
            Head::Truth(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
            Head::Unsigned(number) => json::integer(number, out),
            Head::Signed(number) => json::integer(number, out),
            Head::Float(number) => json::float(number, out),
            // Old senders know no other bytes than texts, and new ones send texts as bytes.
            Head::Text(length) | Head::Binary(length) => json::string(self.take(length)?, out),
            Head::Extension(kind, length) => match event_time(kind, self.take(length)?) {
                Some(nanoseconds) => json::integer(nanoseconds, out),
                None => out.extend_from_slice(b"null"),
            },
            Head::Array(count) => {
                let depth = inner()?;
                out.push(b'[');
                for at in 0..count {
                    if at > 0 {
                        out.push(b',');
                    }
                    self.write_at(out, depth)?;
                }
                out.push(b']');
            }
            Head::Map(count) => {
                let depth = inner()?;
                out.push(b'{');
                for at in 0..count {
                    if at > 0 {
                        out.push(b',');
                    }
                    self.pair(out, depth)?;
                }
                out.push(b'}');
            }
        }
        Ok(())
    }

    /// Writes a pair of a map.
    ///
    /// # Errors
    /// When there is none, or it is too deep.
    pub fn write_pair(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        self.pair(out, DEEPEST)
    }

    fn pair(&mut self, out: &mut Vec<u8>, depth: usize) -> Result<(), Broken> {
        let start = out.len();
        self.write_at(out, depth)?;
        if out.get(start) != Some(&b'"') {
            // A key that is no text becomes one.
            let key = out.split_off(start);
            json::string(&key, out);
        }
        out.push(b':');
        self.write_at(out, depth)
    }
}

/// The nanoseconds since 1970 of Fluentd's time, an extension of type 0.
pub fn event_time(kind: i8, bytes: &[u8]) -> Option<u64> {
    let (&[a, b, c, d, e, f, g, h], 0) = (bytes, kind) else { return None };
    let seconds = u64::from(u32::from_be_bytes([a, b, c, d]));
    Some(seconds * 1_000_000_000 + u64::from(u32::from_be_bytes([e, f, g, h])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> Result<String, Broken> {
        let mut out = Vec::new();
        let mut values = Values(bytes);
        values.write(&mut out)?;
        assert!(values.0.is_empty());
        Ok(String::from_utf8(out).expect("UTF-8"))
    }

    #[test]
    fn every_form_of_a_value() {
        let text_300 = [&[0xda, 1, 44][..], &[b'a'; 300]].concat();
        let wanted_300 = format!("\"{}\"", "a".repeat(300));
        let cases: [(&[u8], &str); 34] = [
            (&[0x00], "0"),
            (&[0x7f], "127"),
            (&[0xff], "-1"),
            (&[0xe0], "-32"),
            (&[0xcc, 0xff], "255"),
            (&[0xcd, 1, 0], "256"),
            (&[0xce, 0xff, 0xff, 0xff, 0xff], "4294967295"),
            (&[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "18446744073709551615"),
            (&[0xd0, 0x80], "-128"),
            (&[0xd1, 0x80, 0], "-32768"),
            (&[0xd2, 0x80, 0, 0, 0], "-2147483648"),
            (&[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], "-9223372036854775808"),
            (&[0xca, 0x3f, 0xc0, 0, 0], "1.5"),
            (&[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], "1.5"),
            (&[0xc0], "null"),
            (&[0xc2], "false"),
            (&[0xc3], "true"),
            (&[0xa2, b'h', b'i'], "\"hi\""),
            (&[0xd9, 2, b'"', b'\n'], "\"\\\"\\n\""),
            (&text_300, &wanted_300),
            (&[0xdb, 0, 0, 0, 1, b'x'], "\"x\""),
            (&[0xc4, 1, 0xff], "\"\u{fffd}\""),
            (&[0xc5, 0, 1, b'x'], "\"x\""),
            (&[0xc6, 0, 0, 0, 1, b'x'], "\"x\""),
            (&[0xd7, 0, 0, 0, 0, 2, 0, 0, 0, 5], "2000000005"),
            (&[0xc7, 8, 0, 0, 0, 0, 2, 0, 0, 0, 5], "2000000005"),
            (&[0xd4, 7, 1], "null"),
            (&[0x90], "[]"),
            (&[0x93, 1, 0xa1, b'x', 0xc0], "[1,\"x\",null]"),
            (&[0xdc, 0, 1, 0x80], "[{}]"),
            (&[0xdd, 0, 0, 0, 1, 1], "[1]"),
            (&[0x82, 0xa1, b'a', 1, 2, 0x91, 3], "{\"a\":1,\"2\":[3]}"),
            (&[0xde, 0, 1, 0x91, 0xa1, b'"', 1], "{\"[\\\"\\\\\\\"\\\"]\":1}"),
            (&[0xdf, 0, 0, 0, 1, 0xc0, 0xc3], "{\"null\":true}"),
        ];
        for (bytes, text) in cases {
            assert_eq!(written(bytes).as_deref(), Ok(text), "{bytes:x?}");
            serde_json::from_str::<serde_json::Value>(text).expect("JSON");
            for length in 0..bytes.len() {
                let cut = &bytes[..length];
                assert_eq!(written(cut), Err(Broken::CutOff), "{cut:x?}");
                assert_eq!(Search::new().end(cut), Ok(None), "{cut:x?}");
            }
            // In pieces, with something behind it.
            let mut longer = bytes.to_vec();
            longer.extend([0xc1; 9]);
            let mut search = Search::new();
            let found = (0..=longer.len()).find_map(|length| search.end(&longer[..length]).expect("a value"));
            assert_eq!(found, Some(bytes.len()), "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_announced_costs_nothing() {
        for bytes in [
            &[0xdd, 0xff, 0xff, 0xff, 0xff, 0xdf, 0xff, 0xff, 0xff, 0xff][..],
            &[0xdb, 0x7f, 0xff, 0xff, 0xff, b'x'],
            &[0xc9, 0xff, 0xff, 0xff, 0xff, 0, 1],
        ] {
            assert_eq!(written(bytes), Err(Broken::CutOff));
            assert_eq!(Search::new().end(bytes), Ok(None));
        }
        let mut search = Search::new();
        assert_eq!(search.end(&[0xdb, 0x7f, 0xff, 0xff, 0xff]), Ok(None));
        assert_eq!(search.needed(), 0x8000_0004);
        assert_eq!(written(&[0xc1]), Err(Broken::Unused));
        assert_eq!(written(&[0x92, 1, 0xc1]), Err(Broken::Unused));
        // A million lists in each other.
        let deep = [vec![0x91; 1_000_000], vec![0xc0]].concat();
        assert_eq!(written(&deep), Err(Broken::TooDeep));
        assert_eq!(Search::new().end(&deep), Ok(Some(1_000_001)));
    }
}
