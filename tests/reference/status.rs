//! Section 4, rule 1: the HTTP statuses that a record states, and the one that speaks of a code.

use super::bytes::{has, has_any_case, is_word, no_word_before, quote, skip_blanks};

const FIELDS: [&[u8]; 4] = [b"http_status", b"status_code", b"http_code", b"httpStatusCode"];

/// The status out of `wanted` that is closest to the code at `code`: by object first, then in bytes.
pub fn nearest(record: &[u8], code: usize, wanted: &[u16]) -> Option<u16> {
    let around_code = enclosing_objects(record, code);
    let mut best = None;
    for (at, status) in stated(record) {
        if !wanted.contains(&status) {
            continue;
        }
        // A status belongs to the innermost object around it. Outermost is first in both lists.
        let object = enclosing_objects(record, at).last().copied();
        let rank = match object.and_then(|object| around_code.iter().rposition(|&o| o == object)) {
            Some(place) => around_code.len() - 1 - place,
            None => usize::MAX,
        };
        let key = (rank, at.abs_diff(code), at > code);
        if best.is_none_or(|(least, _)| key < least) {
            best = Some((key, status));
        }
    }
    best.map(|(_, status)| status)
}

/// The record itself, the outermost object.
const RECORD: usize = usize::MAX;

/// Where the objects around `at` open, from the outside inward. A closing brace without an opening
/// one closes an object that began before the record; an object that is never closed reaches to the
/// end.
fn enclosing_objects(record: &[u8], at: usize) -> Vec<usize> {
    let mut open = vec![RECORD];
    // Objects from before the record get names that no position has.
    open.extend((0..unopened(record)).map(|i| RECORD - 1 - i));
    for (i, byte) in record[..at].iter().enumerate() {
        match byte {
            b'{' => open.push(i),
            b'}' => {
                open.pop();
            }
            _ => {}
        }
    }
    open
}

/// Closing braces without an opening one.
fn unopened(record: &[u8]) -> usize {
    let (mut depth, mut unopened) = (0usize, 0usize);
    for byte in record {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => unopened += 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    unopened
}

/// Every stated status and the place of its first digit.
pub fn stated(record: &[u8]) -> Vec<(usize, u16)> {
    let mut all = Vec::new();
    for at in 0..record.len() {
        for end_of_lead in
            [field(record, at), code_field(record, at), http(record, at), status_code(record, at)]
        {
            if let Some((place, status)) = end_of_lead.and_then(|i| number(record, i)) {
                all.push((place, status));
            }
        }
        all.extend(got_instead(record, at));
    }
    all
}

/// Three digits 100-599, no word byte and no `.digit` behind them.
fn number(record: &[u8], at: usize) -> Option<(usize, u16)> {
    let digits = record.get(at..at + 3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let status = digits.iter().fold(0, |n, digit| n * 10 + u16::from(digit - b'0'));
    let stands_alone = match record.get(at + 3) {
        None => true,
        Some(b'.') => !record.get(at + 4).is_some_and(u8::is_ascii_digit),
        Some(&byte) => !is_word(byte),
    };
    ((100..=599).contains(&status) && stands_alone).then_some((at, status))
}

/// Separator with spaces, then an optional quote.
fn separator(record: &[u8], at: usize, allowed: &[u8]) -> Option<usize> {
    let i = skip_blanks(record, at);
    if !record.get(i).is_some_and(|byte| allowed.contains(byte)) {
        return None;
    }
    let i = skip_blanks(record, i + 1);
    Some(quote(record, i).map_or(i, |(_, after)| after))
}

/// `http_status` and its like, quoted or not, with `:` or `=`.
fn field(record: &[u8], at: usize) -> Option<usize> {
    let key = FIELDS.iter().find(|key| has(record, at, key))?;
    if !no_word_before(record, at) {
        return None;
    }
    let i = at + key.len();
    let i = quote(record, i).map_or(i, |(_, after)| after);
    separator(record, i, b":=")
}

/// `code`, only where it is quoted on both sides and followed by a colon.
fn code_field(record: &[u8], at: usize) -> Option<usize> {
    if !has(record, at, b"code") || at == 0 {
        return None;
    }
    if record[at - 1] != b'"' && record[at - 1] != b'\'' {
        return None;
    }
    let (_, i) = quote(record, at + 4)?;
    separator(record, i, b":")
}

/// 1 to 8 bytes out of space, `:`, `=`, quotes and backslash.
fn gap(record: &[u8], at: usize) -> Option<usize> {
    let mut i = at;
    while i < record.len() && b" :=\"'\\".contains(&record[i]) {
        i += 1;
    }
    (1..=8).contains(&(i - at)).then_some(i)
}

/// `HTTP 404`, `HTTP/1.1" 404`, `HTTP status: 404`.
fn http(record: &[u8], at: usize) -> Option<usize> {
    if !has_any_case(record, at, b"http") || !no_word_before(record, at) {
        return None;
    }
    let mut i = at + 4;
    if has(record, i, b"/") {
        let version =
            record[i + 1..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
        if version == 0 {
            return None;
        }
        i += 1 + version;
    }
    let i = gap(record, i)?;
    if has_any_case(record, i, b"status") { gap(record, i + 6) } else { Some(i) }
}

/// `status code: 404`, `StatusCode=404`.
fn status_code(record: &[u8], at: usize) -> Option<usize> {
    if !no_word_before(record, at) {
        return None;
    }
    let lead =
        [&b"status code"[..], b"statuscode"].into_iter().find(|lead| has_any_case(record, at, lead))?;
    gap(record, at + lead.len())
}

/// `got 404 instead`.
fn got_instead(record: &[u8], at: usize) -> Option<(usize, u16)> {
    if !has_any_case(record, at, b"got ") || !no_word_before(record, at) {
        return None;
    }
    let (place, status) = number(record, at + 4)?;
    has_any_case(record, place + 3, b" instead").then_some((place, status))
}
