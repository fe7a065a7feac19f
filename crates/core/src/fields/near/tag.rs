//! Elements and attributes of XML, as far as values stand in them.

use super::keys::Keys;
use super::scan::{MAX_KEY, Pair, Scan, is_key};

/// Longest text of an element.
const MAX_TEXT: usize = 4096;

impl Scan {
    /// `<name attribute="x">`, or `<name>value`.
    pub(super) fn tag(&mut self, text: &[u8], at: usize, keys: &Keys) -> usize {
        let rest = &text[at + 1..text.len().min(at + 1 + MAX_KEY)];
        let length = rest.iter().take_while(|&&b| is_key(b) || b == b':').count();
        let name = &rest[..length];
        if !name.first().is_some_and(u8::is_ascii_alphabetic) {
            return at + 1;
        }
        let behind = at + 1 + length;
        if text.get(behind) == Some(&b'>') {
            let start = behind + 1;
            let end = element_end(text, start);
            let name = name.rsplit(|&b| b == b':').next().unwrap_or(name);
            if end > start
                && let Some((role, rank)) = keys.find(&[name])
            {
                let scope = self.scope();
                let escapes = self.scopes[scope as usize].escapes;
                self.begins(at, true);
                self.add(Pair {
                    role,
                    rank,
                    scope,
                    key: at as u32,
                    start: start as u32,
                    end: end as u32,
                    escapes,
                    tight: true,
                    quoted_key: false,
                    bracket: false,
                    child: None,
                });
            }
            return start;
        }
        let closed = memchr::memchr2(b'<', b'>', &text[behind..]).is_some_and(|i| text[behind + i] == b'>');
        if closed && text.get(behind) == Some(&b' ') {
            self.pending = None;
            self.open(b'<', at);
        }
        behind
    }
}

/// Where the text of an element ends: at its closing tag, else at the next sign. A text may hold a
/// `<` that was written as an entity.
fn element_end(text: &[u8], start: usize) -> usize {
    let reach = &text[start..text.len().min(start + MAX_TEXT)];
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'<', b'\\', &reach[from..]).map(|at| from + at) {
        match reach[at + 1..] {
            // Of this or of another element; or a backslash.
            [b'/', ..] => return start + at,
            [next, ..] if reach[at] == b'<' && !next.is_ascii_alphabetic() && next != b'!' => from = at + 1,
            _ => return start + at,
        }
    }
    start + reach.len()
}
