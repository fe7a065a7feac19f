//! Fields in text: `key=value` pairs, and a JSON object behind a prefix.

use std::borrow::Cow;

/// A value as it stands in the text.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    bytes: &'t [u8],
    /// Whether backslashes escape what follows them.
    quoted: bool,
}

impl Value<'_> {
    pub fn write(self, out: &mut String) {
        let text: Cow<'_, str> = String::from_utf8_lossy(self.bytes);
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

/// Gives `each` the pairs of `text`.
pub(super) fn pairs<'t>(text: &'t [u8], mut each: impl FnMut(&'t [u8], Value<'t>)) {
    let mut from = 0;
    for equals in memchr::memchr_iter(b'=', text) {
        if equals < from {
            continue;
        }
        let key = text[from..equals].iter().rev().take_while(|&&b| is_key(b)).count();
        if key == 0 {
            continue;
        }
        let value = value(&text[equals + 1..]);
        // Nothing inside a quoted value is a pair of its own.
        from = equals + 1 + if value.quoted { value.bytes.len() } else { 0 };
        each(&text[equals - key..equals], value);
    }
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-/@".contains(&byte)
}

fn value(text: &[u8]) -> Value<'_> {
    if let [quote @ (b'"' | b'\''), rest @ ..] = text {
        let mut escaped = false;
        let end = rest.iter().position(|&b| {
            let ends = b == *quote && !escaped;
            escaped = b == b'\\' && !escaped;
            ends
        });
        if let Some(end) = end {
            return Value { bytes: &rest[..end], quoted: true };
        }
    }
    let ends = |b: &u8| b.is_ascii_whitespace() || b",;&)]}\"'<>".contains(b);
    let end = text.iter().position(ends).unwrap_or(text.len());
    Value { bytes: &text[..end], quoted: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        pairs(text.as_bytes(), |key, value| {
            let mut out = String::new();
            value.write(&mut out);
            found.push((String::from_utf8(key.to_vec()).expect("ASCII"), out));
        });
        found
    }

    fn some(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
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
