//! A record as JSON: read by the module `plain` where its form is the ordinary
//! one, else by simd-json, with buffers that are kept.
//!
//! Only records with a hit come here, and only those that begin like JSON.

pub mod marks;
mod plain;
mod replay;
mod visit;

use simd_json::{Buffers, StaticNode, Tape};

use marks::{Finder, Marks};
pub use visit::{Text, Visit, unescaped, write_scalar};

/// A value that is no text, list or object.
pub type Scalar = StaticNode;

/// Buffers above this size are given back after the record that needed them:
/// a tape takes many times the bytes of its record.
const KEPT_BYTES: usize = 64 << 10;

/// Deepest nesting that is parsed.
const MAX_DEPTH: usize = 1024;

/// A JSON parser with its buffers.
pub struct Parser {
    finder: Finder,
    marks: Marks,
    /// What simd-json reads, and writes into.
    scratch: Vec<u8>,
    buffers: Buffers,
    tape: Option<Tape<'static>>,
}

impl Default for Parser {
    fn default() -> Parser {
        Parser {
            finder: Finder::default(),
            marks: Marks::default(),
            scratch: Vec::new(),
            buffers: Buffers::with_max_depth(4096, MAX_DEPTH),
            tape: Some(Tape::null()),
        }
    }
}

impl std::fmt::Debug for Parser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parser").field("scratch", &self.scratch.capacity()).finish_non_exhaustive()
    }
}

/// Whether a record begins like JSON: with an object, or with an array of
/// objects, arrays or strings. `[2026-11-03 ...]` is a line of text.
pub fn looks_like_json(record: &[u8]) -> bool {
    match trim_blanks(record) {
        [b'{', ..] => true,
        [b'[', rest @ ..] => matches!(trim_blanks(rest), [] | [b'{' | b'[' | b'"', ..]),
        _ => false,
    }
}

fn trim_blanks(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|&&b| b == b' ' || b == b'\t').count();
    &bytes[blanks..]
}

impl Parser {
    /// Whether `record` parses.
    pub fn parses(&mut self, record: &[u8]) -> bool {
        let parses = self.read(record, &mut ()).is_some();
        self.give_back(record.len());
        parses
    }

    /// Shows `visitor` what is in `record`; gives the bytes in which its texts
    /// stand: the record, or a copy of it where they have the same place.
    /// `None` where the record does not parse.
    #[inline]
    pub fn read<'p>(&'p mut self, record: &'p [u8], visitor: &mut impl Visit) -> Option<&'p [u8]> {
        let blanks = record.iter().rev().take_while(|b| b" \t\r\n".contains(b)).count();
        let solid = &record[..record.len() - blanks];
        self.finder.run(solid, &mut self.marks);
        if plain::read(solid, &self.marks, visitor).is_some() {
            return Some(record);
        }
        visitor.forget();
        self.decide(record, visitor)
    }

    /// Reads `record` by simd-json, in a copy.
    #[cold]
    fn decide<'p>(&'p mut self, record: &[u8], visitor: &mut impl Visit) -> Option<&'p [u8]> {
        self.scratch.clear();
        self.scratch.extend_from_slice(record);
        let start = self.scratch.as_ptr() as usize;
        let mut tape = self.tape.take().unwrap_or_else(Tape::null).reset();
        let parsed = simd_json::fill_tape(&mut self.scratch, &mut self.buffers, &mut tape).is_ok();
        if parsed {
            replay::show(&tape.0, start, visitor);
        }
        self.tape = Some(tape.reset());
        parsed.then_some(&self.scratch)
    }

    /// Gives back the memory that a record of so many bytes has taken, if that
    /// was much.
    pub fn give_back(&mut self, record_bytes: usize) {
        if record_bytes > KEPT_BYTES {
            *self = Parser::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts that are shown.
    #[derive(Default)]
    struct Texts(Vec<Text>);

    impl Visit for Texts {
        fn forget(&mut self) {
            self.0.clear();
        }
        fn open(&mut self, _: bool) {}
        fn close(&mut self) {}
        fn key(&mut self, _: &[u8], key: Text) {
            self.0.push(key);
        }
        fn text(&mut self, text: Text) {
            self.0.push(text);
        }
        fn scalar(&mut self, _: Scalar) {}
    }

    #[test]
    fn texts_have_the_same_place_whoever_reads_them() {
        let plain = br#" {"a\n\u00e9":"x","b\"":["\\\t","plain"],"long":"0123456789012345678901234567890123456789\nz"}"#;
        let odd = String::from_utf8_lossy(plain).replace(':', "\t:").into_bytes();
        let mut parser = Parser::default();
        for record in [plain.as_slice(), &odd] {
            let mut texts = Texts::default();
            let bytes = parser.read(record, &mut texts).expect("it parses").to_vec();
            assert_eq!(texts.0.len(), 7);
            let mut meanings = Vec::new();
            for text in &texts.0 {
                assert_eq!(record[text.start as usize - 1], b'"', "{text:?}");
                let meaning = text.meaning(&bytes, &mut String::new()).to_vec();
                meanings.push(String::from_utf8(meaning).expect("UTF-8"));
            }
            assert_eq!(meanings[..5], ["a\n\u{e9}", "x", "b\"", "\\\t", "plain"]);
        }
    }
}
