//! Byte questions that several rules ask: word bytes, escape tails, quotes, spaces.

use serde_json::Value;

/// `[A-Za-z0-9_]`.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether the text before a position ends in the tail of an escape: of a string, of Markdown, of
/// a URL, or of a terminal.
pub fn ends_in_escape(before: &[u8]) -> bool {
    let n = before.len();
    // \n \t \r \b \f and Markdown's \_ \-
    if n >= 2 && before[n - 2] == b'\\' && b"ntrbf_-".contains(&before[n - 1]) {
        return true;
    }
    // \u and four hex digits
    if n >= 6 && &before[n - 6..n - 4] == b"\\u" && all_hex(&before[n - 4..]) {
        return true;
    }
    // \x and two hex digits
    if n >= 4 && &before[n - 4..n - 2] == b"\\x" && all_hex(&before[n - 2..]) {
        return true;
    }
    if n >= 3 && all_hex(&before[n - 2..]) {
        let percent = |depth: usize| [&b"%"[..], &b"25".repeat(depth)].concat();
        if (0..=8).any(|depth| before[..n - 2].ends_with(&percent(depth))) {
            return true;
        }
    }
    // A terminal sequence that ends here; none is longer than 64 bytes.
    (n.saturating_sub(64)..n).any(|start| terminal(before, start) == Some(n))
}

/// The end of the terminal sequence at `at`.
pub fn terminal(record: &[u8], at: usize) -> Option<usize> {
    const ESC: [&[u8]; 9] =
        [b"\x1b", b"\\u001b", b"\\u{1b}", b"\\x1b", b"\\033", b"\\e", b"#033", b"^[", b"%1b"];
    let escape = ESC.iter().find(|escape| has_any_case(record, at, escape))?;
    let mut i = at + escape.len();
    if has(record, i, b"(") {
        return record.get(i + 1).is_some_and(u8::is_ascii_alphanumeric).then_some(i + 2);
    }
    if !has(record, i, b"[") {
        return None;
    }
    i += 1;
    let from = i;
    while record.get(i).is_some_and(|byte| (0x20..0x40).contains(byte)) {
        i += 1;
    }
    let ends = record.get(i).is_some_and(|byte| (0x40..0x7f).contains(byte));
    (i - from <= 48 && ends).then_some(i + 1)
}

fn all_hex(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_hexdigit)
}

/// Whether no word byte stands before `at`; the tail of an escape is none.
pub fn no_word_before(record: &[u8], at: usize) -> bool {
    at == 0 || !is_word(record[at - 1]) || ends_in_escape(&record[..at])
}

/// A plain or backslashed quote at `at`, as status fields have it. Gives the quote and what follows it.
pub fn quote(record: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut i = at;
    while i < record.len() && record[i] == b'\\' {
        i += 1;
    }
    if i - at > 16 {
        return None;
    }
    match record.get(i) {
        Some(&q @ (b'"' | b'\'')) => Some((q, i + 1)),
        _ => None,
    }
}

/// What follows up to 16 spaces and tabs at `at`. A seventeenth stays where it is, and then the
/// next step of a rule does not fit.
pub fn skip_blanks(record: &[u8], at: usize) -> usize {
    let mut i = at;
    while i < record.len() && i - at < 16 && (record[i] == b' ' || record[i] == b'\t') {
        i += 1;
    }
    i
}

/// Whether `word` stands at `at`, in exactly this case.
pub fn has(record: &[u8], at: usize, word: &[u8]) -> bool {
    record.len() >= at + word.len() && &record[at..at + word.len()] == word
}

/// Whether `word` stands at `at`, in any ASCII case.
pub fn has_any_case(record: &[u8], at: usize, word: &[u8]) -> bool {
    record.len() >= at + word.len() && record[at..at + word.len()].eq_ignore_ascii_case(word)
}

/// A status as reports and catalogs write it: a number, a numeric string, or nothing.
pub fn status_of_json(value: &Value) -> Option<u16> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|n| u16::try_from(n).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
