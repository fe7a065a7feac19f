//! Where what no quote ends does end, and what is around a place.

use super::scan::{Form, MAX_KEY, Pair, Scan, is_blank, is_key};

/// Pairs behind a value that may end it.
const MAX_NEXT: usize = 256;

impl Scan {
    /// Where the value of `pair` ends, which no quote ends: before the next
    /// pair that is one, with its scope, or with the line.
    pub fn text_end(&self, text: &[u8], pair: &Pair) -> usize {
        self.plain_end(text, pair.start as usize, pair.scope, pair.tight)
    }

    /// As [`text_end`](Scan::text_end), of text in `scope` from `start` on.
    pub fn plain_end(&self, text: &[u8], start: usize, scope: u32, tight: bool) -> usize {
        let around = &self.scopes[scope as usize];
        let map = matches!(around.form, Form::Bracket(_));
        let mut end = (around.end as usize).min(text.len());
        if start >= end {
            return start;
        }
        let first = self.starts.partition_point(|s| (s.at as usize) <= start);
        for next in self.starts[first..].iter().take(MAX_NEXT).take_while(|s| (s.at as usize) < end) {
            let at = next.at as usize;
            if at <= start {
                continue;
            }
            if next.scope == scope {
                let before = text[start..at].trim_ascii_end().last();
                let form = at > start && text[at - 1] == b'&';
                let parted = matches!(before, Some(b',' | b';' | b'|'));
                if next.known
                    || form
                    || parted && map
                    || map && tight && text[at - 1] == b' ' && goes_on(text, at)
                {
                    end = at;
                    break;
                }
            } else if next.known
                && let Some(inner) = self.child_of(scope, next.scope)
            {
                // An object with fields of its own.
                let inner = &self.scopes[inner as usize];
                if matches!(inner.form, Form::Bracket(_)) {
                    end = (inner.start as usize - 1).max(start);
                    break;
                }
            }
        }
        let line = line_end(&text[start..end]);
        start + trim(&text[start..start + line])
    }

    /// The scope directly in `outer` that `inner` is in.
    fn child_of(&self, outer: u32, inner: u32) -> Option<u32> {
        let mut at = inner;
        loop {
            let parent = self.scopes[at as usize].parent;
            if at == 0 {
                return None;
            }
            if parent == outer {
                return Some(at);
            }
            at = parent;
        }
    }

    /// The innermost scope around `at`.
    pub fn around(&self, at: usize) -> u32 {
        let last = self.scopes.partition_point(|s| s.start as usize <= at).saturating_sub(1);
        let mut scope = last as u32;
        // What has ended before is left for what is around it.
        while scope != 0 && (self.scopes[scope as usize].end as usize) <= at {
            scope = self.scopes[scope as usize].parent;
        }
        scope
    }
}

/// Whether the pair at `at` is one of a map as Go prints it: a value follows
/// its sign at once.
fn goes_on(text: &[u8], at: usize) -> bool {
    let key = text[at..].iter().take(MAX_KEY).take_while(|b| is_key(**b)).count();
    matches!(text[at + key..], [b':' | b'=', next, ..] if !is_blank(next))
}

/// The end of the line in text, also one that is written as an escape.
fn line_end(text: &[u8]) -> usize {
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'\n', b'\\', &text[from..]).map(|at| from + at) {
        if text[at] == b'\n' {
            return at;
        }
        let slashes = text[at..].iter().take_while(|&&b| b == b'\\').count();
        if matches!(text.get(at + slashes), Some(b'n' | b'r')) {
            return at;
        }
        from = (at + slashes).min(text.len());
    }
    text.len()
}

/// Without blanks, and signs that part pairs, at the end.
fn trim(text: &[u8]) -> usize {
    let ends = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b',' | b';' | b'|' | b'\\' | b'&');
    text.len() - text.iter().rev().take_while(|b| ends(b)).count()
}
