//! Byte questions that several rules ask: word bytes, escape tails, quotes, spaces.

use serde_json::Value;

/// `[A-Za-z0-9_]`.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether the text before a position ends in the tail of an escape: of a string, of a URL, or a
/// terminal colour.
pub fn ends_in_escape(before: &[u8]) -> bool {
    let n = before.len();
    // \n \t \r \b \f
    if n >= 2 && before[n - 2] == b'\\' && b"ntrbf".contains(&before[n - 1]) {
        return true;
    }
    // \u and four hex digits
    if n >= 6 && &before[n - 6..n - 4] == b"\\u" && all_hex(&before[n - 4..]) {
        return true;
    }
    // % and two hex digits
    if n >= 3 && before[n - 3] == b'%' && all_hex(&before[n - 2..]) {
        return true;
    }
    ends_in_colour(before)
}

/// The escape byte in one of its spellings, `[`, at most 16 digits and semicolons, `m`.
fn ends_in_colour(before: &[u8]) -> bool {
    let Some(mut rest) = before.strip_suffix(b"m") else {
        return false;
    };
    let mut parameters = 0;
    while let Some((&last, head)) = rest.split_last() {
        if !(last.is_ascii_digit() || last == b';') {
            break;
        }
        parameters += 1;
        rest = head;
    }
    if parameters > 16 {
        return false;
    }
    let Some(rest) = rest.strip_suffix(b"[") else {
        return false;
    };
    // The letters `u`, `x` and `e` are as written; only the hex digits may be of either case.
    let spellings: [&[u8]; 7] = [b"\x1b", b"\\u001b", b"\\u001B", b"\\x1b", b"\\x1B", b"\\033", b"\\e"];
    spellings.iter().any(|spelling| rest.ends_with(spelling))
}

fn all_hex(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_hexdigit)
}

/// Whether no word byte stands before `at`; the tail of an escape is none.
pub fn no_word_before(record: &[u8], at: usize) -> bool {
    at == 0 || !is_word(record[at - 1]) || ends_in_escape(&record[..at])
}

/// A quote at `at`: up to 16 backslashes and `"` or `'`. Gives the quote and what follows it.
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
