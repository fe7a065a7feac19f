//! The values of a JSON text one by one, found without reading them: the
//! elements of an array, or values behind each other with or without line
//! breaks between.
//!
//! Only brackets and strings are looked at. Whether a value is JSON in every
//! other way is for the reader of records, as of every line.

use memchr::memchr2;
use thiserror::Error;

/// Why a text is not taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// It begins like something else.
    #[error("it begins with neither `[` nor `{{`: send lines as text/plain or application/x-ndjson")]
    Begins,
    /// Something stands where nothing may.
    #[error("byte {0} is not JSON there")]
    At(u64),
    /// A bracket is closed that is not open, or another one.
    #[error("the bracket at byte {0} closes none")]
    Bracket(u64),
    /// A line ends within a string, which it may not in JSON.
    #[error("the string at byte {0} is not closed on its line")]
    String(u64),
    /// Brackets stand deeper in each other than is read.
    #[error("brackets stand deeper than 1024 times in each other at byte {0}")]
    Deep(u64),
    /// It ends too early.
    #[error("it is cut off")]
    CutOff,
}

/// Brackets in each other, at most.
const DEEPEST: usize = 1024;

/// Where in the text we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before its first byte.
    Start,
    /// Where a value may begin; in an array, whether one must.
    Between { must: bool },
    /// Behind a value of an array.
    Behind,
    /// In a value with brackets, or in one that is a string.
    Within,
    /// In a number, `true` or the like.
    Bare,
    /// Behind the array.
    Over,
}

/// Takes a text apart as it comes.
#[derive(Debug)]
pub struct Elements {
    state: State,
    array: bool,
    /// The brackets that are open in the value, a bit each: 1 for `{`.
    open: [u64; DEEPEST / 64],
    depth: usize,
    /// Where the string began that is not closed.
    string: Option<u64>,
    escaped: bool,
    seen: u64,
}

impl Elements {
    /// At the beginning of a text.
    pub fn new() -> Elements {
        Elements {
            state: State::Start,
            array: false,
            open: [0; DEEPEST / 64],
            depth: 0,
            string: None,
            escaped: false,
            seen: 0,
        }
    }

    /// Takes what comes next: adds the bytes of values to `out`, and to `ends` where values end there.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>, ends: &mut Vec<usize>) -> Result<(), Broken> {
        while let Some(&byte) = bytes.first() {
            let taken = match self.state {
                State::Within if self.string.is_some() => self.in_string(bytes, out, ends)?,
                State::Within => self.within(bytes, out, ends)?,
                State::Bare => self.bare(bytes, out, ends),
                _ => {
                    self.outside(byte)?;
                    usize::from(!matches!(self.state, State::Within | State::Bare))
                }
            };
            self.seen += taken as u64;
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// The text has ended.
    ///
    /// # Errors
    /// When a value has not.
    pub fn end(&mut self, out: &[u8], ends: &mut Vec<usize>) -> Result<(), Broken> {
        if self.state == State::Bare {
            self.finish(out, ends);
        }
        match self.state {
            State::Over | State::Start => Ok(()),
            State::Between { .. } if !self.array => Ok(()),
            _ => Err(Broken::CutOff),
        }
    }

    /// A byte that is part of no value, or the first of one.
    fn outside(&mut self, byte: u8) -> Result<(), Broken> {
        let here = self.seen;
        self.state = match (self.state, byte) {
            (state, b' ' | b'\n' | b'\t' | b'\r') => state,
            (State::Start, b'[') => {
                self.array = true;
                State::Between { must: false }
            }
            (State::Start, b'{') => State::Within,
            (State::Start, _) => return Err(Broken::Begins),
            (State::Behind, b',') => State::Between { must: true },
            (State::Behind | State::Between { must: false }, b']') if self.array => State::Over,
            // Some write commas between the lines, too.
            (State::Between { .. }, b',') if !self.array => self.state,
            (State::Between { .. }, b'{' | b'[' | b'"') => State::Within,
            (State::Between { .. }, b'-' | b'0'..=b'9' | b'a'..=b'z') => State::Bare,
            _ => return Err(Broken::At(here)),
        };
        Ok(())
    }

    fn bare(&mut self, bytes: &[u8], out: &mut Vec<u8>, ends: &mut Vec<usize>) -> usize {
        let more = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let length = bytes.iter().position(|byte| !more(byte)).unwrap_or(bytes.len());
        out.extend_from_slice(&bytes[..length]);
        if length < bytes.len() {
            self.finish(out, ends);
        }
        length
    }

    /// The bytes up to the next string, or to the end of the value.
    fn within(&mut self, bytes: &[u8], out: &mut Vec<u8>, ends: &mut Vec<usize>) -> Result<usize, Broken> {
        for (at, &byte) in bytes.iter().enumerate() {
            let here = self.seen + at as u64;
            match byte {
                b'"' => {
                    self.string = Some(here);
                    out.extend_from_slice(&bytes[..=at]);
                    return Ok(at + 1);
                }
                b'{' | b'[' => {
                    let place = self.open.get_mut(self.depth / 64).ok_or(Broken::Deep(here))?;
                    let bit = 1 << (self.depth % 64);
                    *place = if byte == b'{' { *place | bit } else { *place & !bit };
                    self.depth += 1;
                }
                b'}' | b']' => {
                    self.depth = self.depth.checked_sub(1).ok_or(Broken::Bracket(here))?;
                    let brace = self.open[self.depth / 64] >> (self.depth % 64) & 1 == 1;
                    if brace != (byte == b'}') {
                        return Err(Broken::Bracket(here));
                    }
                    if self.depth == 0 {
                        out.extend_from_slice(&bytes[..=at]);
                        self.finish(out, ends);
                        return Ok(at + 1);
                    }
                }
                _ => {}
            }
        }
        out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// The bytes up to the end of the string.
    fn in_string(&mut self, bytes: &[u8], out: &mut Vec<u8>, ends: &mut Vec<usize>) -> Result<usize, Broken> {
        let mut at = 0;
        if std::mem::take(&mut self.escaped) {
            at = 1;
        }
        while let Some(next) = memchr2(b'"', b'\\', &bytes[at.min(bytes.len())..]) {
            at += next;
            self.check_line(&bytes[..at])?;
            if bytes[at] == b'"' {
                out.extend_from_slice(&bytes[..=at]);
                self.string = None;
                if self.depth == 0 {
                    self.finish(out, ends);
                }
                return Ok(at + 1);
            }
            at += 2;
        }
        self.check_line(bytes)?;
        self.escaped = at > bytes.len();
        out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// A string that a newline cuts off would make one record of all that follows.
    fn check_line(&self, bytes: &[u8]) -> Result<(), Broken> {
        match memchr::memchr(b'\n', bytes) {
            Some(_) => Err(Broken::String(self.string.unwrap_or(self.seen))),
            None => Ok(()),
        }
    }

    fn finish(&mut self, out: &[u8], ends: &mut Vec<usize>) {
        ends.push(out.len());
        self.state = if self.array { State::Behind } else { State::Between { must: false } };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of `text`, given in pieces.
    fn apart(text: &[u8], piece: usize) -> Result<Vec<String>, Broken> {
        let (mut out, mut ends) = (Vec::new(), Vec::new());
        let mut elements = Elements::new();
        for piece in text.chunks(piece) {
            elements.push(piece, &mut out, &mut ends)?;
        }
        elements.end(&out, &mut ends)?;
        assert_eq!(*ends.last().unwrap_or(&0), out.len());
        let starts = [0].into_iter().chain(ends.iter().copied());
        Ok(starts.zip(&ends).map(|(s, e)| String::from_utf8_lossy(&out[s..*e]).into_owned()).collect())
    }

    #[test]
    fn arrays_and_values_behind_each_other_however_they_are_cut() {
        let cases: [(&str, &[&str]); 16] = [
            ("", &[]),
            (" \n", &[]),
            ("[]", &[]),
            (" [ ] \n", &[]),
            ("[{}]", &["{}"]),
            ("[{\"a\":1},{\"b\":[1,{\"c\":\"]}\"}]}]", &["{\"a\":1}", "{\"b\":[1,{\"c\":\"]}\"}]}"]),
            ("[\"a\",1,-2.5e+3,true,null,[]]", &["\"a\"", "1", "-2.5e+3", "true", "null", "[]"]),
            ("[\n  {\n    \"a\": 1\n  },\n  2\n]\n", &["{\n    \"a\": 1\n  }", "2"]),
            ("[\"\\\"\",\"\\\\\",\"\\\\\\\"]\"]", &["\"\\\"\"", "\"\\\\\"", "\"\\\\\\\"]\""]),
            ("{\"a\":1}", &["{\"a\":1}"]),
            ("{\"a\":1}{\"b\":2}", &["{\"a\":1}", "{\"b\":2}"]),
            ("{\"a\":1}\n{\"b\":2}\r\n", &["{\"a\":1}", "{\"b\":2}"]),
            ("{\"a\":1},\n{\"b\":2}", &["{\"a\":1}", "{\"b\":2}"]),
            ("{\"log\":\"é}\\u007b\"}\n\n\"x\" 1", &["{\"log\":\"é}\\u007b\"}", "\"x\"", "1"]),
            ("{\"a\":1}\n[1,2]\n", &["{\"a\":1}", "[1,2]"]),
            ("[[1],[2]]", &["[1]", "[2]"]),
        ];
        for (text, values) in cases {
            for piece in [1, 2, 3, 1000] {
                assert_eq!(
                    apart(text.as_bytes(), piece).as_deref(),
                    Ok(&values.map_strings()[..]),
                    "{text:?} by {piece}"
                );
            }
        }
    }

    trait Strings {
        fn map_strings(&self) -> Vec<String>;
    }

    impl Strings for &[&str] {
        fn map_strings(&self) -> Vec<String> {
            self.iter().map(|s| (*s).to_owned()).collect()
        }
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        let deep = [b"[".repeat(1030), b"]".repeat(1030)].concat();
        let cases: [(&[u8], Broken); 14] = [
            (b"2026-01-01 ERROR", Broken::Begins),
            (b"\"text\"", Broken::Begins),
            (b"[{}", Broken::CutOff),
            (b"[{},", Broken::CutOff),
            (b"[1", Broken::CutOff),
            (b"{\"a\":", Broken::CutOff),
            (b"{\"a\":\"x", Broken::CutOff),
            (b"[1,]", Broken::At(3)),
            (b"[,1]", Broken::At(1)),
            (b"[1 2]", Broken::At(3)),
            (b"[1]x", Broken::At(3)),
            (b"[{]}]", Broken::Bracket(2)),
            (b"{\"a\":\"x\n{\"b\":1}\n", Broken::String(5)),
            (&deep, Broken::Deep(1025)),
        ];
        for (text, broken) in cases {
            for piece in [1, 2, 10_000] {
                assert_eq!(apart(text, piece), Err(broken), "{:?} by {piece}", String::from_utf8_lossy(text));
            }
        }
    }

    #[test]
    fn any_document_of_serde_json_comes_apart_into_its_elements() {
        let mut seed = 7_u64;
        let mut next = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for _ in 0..300 {
            let values: Vec<_> = (0..next(5)).map(|_| value(&mut next, 4)).collect();
            let pretty = serde_json::to_vec_pretty(&values).expect("JSON");
            let found = apart(&pretty, 1 + next(20) as usize).expect("an array");
            let read: Vec<serde_json::Value> =
                found.iter().map(|v| serde_json::from_str(v).expect("JSON")).collect();
            assert_eq!(read, values);
        }
    }

    fn value(next: &mut impl FnMut(u64) -> u64, depth: u64) -> serde_json::Value {
        let text = |next: &mut dyn FnMut(u64) -> u64| -> String {
            (0..next(6)).map(|_| ['"', '\\', '\n', '[', '}', 'é', 'a', '\u{1}'][next(8) as usize]).collect()
        };
        match next(if depth == 0 { 4 } else { 6 }) {
            0 => serde_json::Value::Null,
            1 => next(1000).into(),
            2 => (next(1000) as f64 / 7.0).into(),
            3 => text(next).into(),
            4 => (0..next(4)).map(|_| value(next, depth - 1)).collect::<Vec<_>>().into(),
            _ => {
                let pairs = (0..next(4)).map(|_| (text(next), value(next, depth - 1)));
                pairs.collect::<serde_json::Map<_, _>>().into()
            }
        }
    }
}
