//! Whether a record is JSON, by simd-json with buffers that are kept.
//!
//! Only records with a hit come here, and only those that begin like JSON.

use simd_json::{Buffers, Tape};

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

/// Whether a record begins like JSON.
pub fn looks_like_json(record: &[u8]) -> bool {
    let first = record.iter().find(|&&b| b != b' ' && b != b'\t');
    matches!(first, Some(b'{' | b'['))
}

impl Parser {
    /// Whether `record` parses. The parser writes into its input, so it works
    /// on a copy.
    pub fn parses(&mut self, record: &[u8]) -> bool {
        self.scratch.clear();
        self.scratch.extend_from_slice(record);
        let mut tape = self.tape.take().unwrap_or_else(Tape::null).reset();
        let parsed = simd_json::fill_tape(&mut self.scratch, &mut self.buffers, &mut tape).is_ok();
        if record.len() > KEPT_BYTES {
            *self = Parser::default();
        } else {
            self.tape = Some(tape.reset());
        }
        parsed
    }
}
