//! A record as JSON, by simd-json with buffers that are kept.
//!
//! Only records with a hit come here, and only those that begin like JSON.

use simd_json::{Buffers, Node, Tape};

/// Buffers above this size are given back after the record that needed them:
/// a tape takes many times the bytes of its record.
const KEPT_BYTES: usize = 64 << 10;

/// Deepest nesting that is parsed.
const MAX_DEPTH: usize = 1024;

/// A JSON parser with its buffers.
pub struct Parser {
    scratch: Vec<u8>,
    buffers: Buffers,
    tape: Option<Tape<'static>>,
}

impl Default for Parser {
    fn default() -> Parser {
        Parser {
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

/// A record that parses.
pub struct Document<'d, 'r> {
    /// Its nodes, the root first.
    pub nodes: &'d [Node<'r>],
    /// The address of its first byte.
    start: usize,
}

impl Document<'_, '_> {
    /// Where in the record a text of one of its nodes begins: simd-json
    /// unescapes a text in its place.
    pub fn offset(&self, text: &str) -> usize {
        (text.as_ptr() as usize).wrapping_sub(self.start)
    }
}

impl Parser {
    /// Whether `record` parses.
    pub fn parses(&mut self, record: &[u8]) -> bool {
        self.with(record, |document| document.is_some())
    }

    /// What `then` makes of `record`; `None` where it does not parse. The
    /// parser writes into its input, so it works on a copy.
    pub fn with<R>(&mut self, record: &[u8], then: impl FnOnce(Option<Document<'_, '_>>) -> R) -> R {
        self.scratch.clear();
        self.scratch.extend_from_slice(record);
        let start = self.scratch.as_ptr() as usize;
        let mut tape = self.tape.take().unwrap_or_else(Tape::null).reset();
        let parsed = simd_json::fill_tape(&mut self.scratch, &mut self.buffers, &mut tape).is_ok();
        let result = then(parsed.then_some(Document { nodes: &tape.0, start }));
        if record.len() > KEPT_BYTES {
            *self = Parser::default();
        } else {
            self.tape = Some(tape.reset());
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_where_a_text_began() {
        let record = br#" {"a\n\u00e9":"x","b\"":["\\\t","plain"],"long":"0123456789012345678901234567890123456789\nz"}"#;
        let mut parser = Parser::default();
        parser.with(record, |document| {
            let document = document.expect("it parses");
            let mut texts = 0;
            for node in document.nodes {
                if let Node::String(text) = node {
                    let at = document.offset(text);
                    assert_eq!(record[at - 1], b'"', "{text}");
                    let escaped = record[at..].iter().position(|&b| b == b'\\' || b == b'"');
                    let same = escaped.unwrap_or(0).min(text.len());
                    assert_eq!(&record[at..at + same], &text.as_bytes()[..same]);
                    texts += 1;
                }
            }
            assert_eq!(texts, 7);
        });
    }
}
