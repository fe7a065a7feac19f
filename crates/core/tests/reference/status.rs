//! Section 4, rule 1: the HTTP statuses that a record states, and the one that speaks of a code.

use super::bytes::{has, has_any_case, is_word, no_word_before, quote};

const FIELDS: [&str; 9] = [
    "http_status",
    "http_status_code",
    "status_code",
    "http_code",
    "response_code",
    "httpStatus",
    "httpStatusCode",
    "httpCode",
    "responseCode",
];

/// Each status with its reasons, in lower case.
const REASONS: [(u16, &str); 14] = [
    (400, "bad request"),
    (401, "unauthorized"),
    (401, "authentication failed"),
    (403, "forbidden"),
    (404, "not found"),
    (405, "method not allowed"),
    (408, "request timeout"),
    (409, "conflict"),
    (429, "too many requests"),
    (500, "internal server error"),
    (502, "bad gateway"),
    (503, "service unavailable"),
    (504, "gateway timeout"),
    (504, "gateway time-out"),
];

/// Section 5: the status of the failed call that a record states for the code at `code`.
pub fn of_failure(record: &[u8], code: usize) -> Option<u16> {
    let failures: Vec<u16> = (400..=599).collect();
    nearest(record, code, &failures)
}

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
        let mut leads = vec![code_field(record, at)];
        leads.extend(http(record, at));
        leads.extend(fields(record, at));
        leads.extend(named(record, at));
        for lead in leads.into_iter().flatten() {
            all.extend(number(record, lead));
        }
        // Of failures only.
        let failure = status_word(record, at).and_then(|i| number(record, i));
        all.extend(failure.filter(|&(_, status)| status >= 400));
        all.extend(got_instead(record, at));
        all.extend(in_brackets(record, at));
        all.extend(with_reason(record, at));
        all.extend(reason_alone(record, at));
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
    let i = skip_blanks_and_colours(record, at);
    if !record.get(i).is_some_and(|byte| allowed.contains(byte)) {
        return None;
    }
    let i = skip_blanks_and_colours(record, i + 1);
    Some(quote(record, i).map_or(i, |(_, after)| after))
}

/// `http_status` and its like, quoted or not, with `:` or `=`.
fn fields(record: &[u8], at: usize) -> Vec<Option<usize>> {
    if !no_word_before(record, at) {
        return Vec::new();
    }
    let keys = FIELDS.iter().filter(|key| has_any_case(record, at, key.as_bytes()));
    keys.map(|key| field_value(record, at + key.len())).collect()
}

/// From the end of a key, quoted or not, over `:` or `=` to where its value begins.
pub fn field_value(record: &[u8], end: usize) -> Option<usize> {
    let i = quote(record, end).map_or(end, |(_, after)| after);
    separator(record, i, b":=")
}

/// `code`, only where it is quoted on both sides and followed by a colon.
fn code_field(record: &[u8], at: usize) -> Option<usize> {
    between_quotes(record, at, b"code")
}

/// The word `status` and a gap; a number below 400 is that of something else.
fn status_word(record: &[u8], at: usize) -> Option<usize> {
    if !has_any_case(record, at, b"status") || !no_word_before(record, at) {
        return None;
    }
    gap(record, at + 6)
}

/// Blanks, at most 16, and runs of at most eight colours before and behind each.
fn skip_blanks_and_colours(record: &[u8], at: usize) -> usize {
    let mut i = skip_colours(record, at);
    for _ in 0..16 {
        if !matches!(record.get(i), Some(b' ' | b'\t')) {
            break;
        }
        i = skip_colours(record, i + 1);
    }
    i
}

fn skip_colours(record: &[u8], at: usize) -> usize {
    let mut i = at;
    for _ in 0..8 {
        if !has(record, i, b"\x1b[") {
            break;
        }
        let parameters = record[i + 2..].iter().take_while(|b| b.is_ascii_digit() || **b == b';').count();
        if parameters > 16 || record.get(i + 2 + parameters) != Some(&b'm') {
            break;
        }
        i += 2 + parameters + 1;
    }
    i
}

fn between_quotes(record: &[u8], at: usize, key: &[u8]) -> Option<usize> {
    if !has(record, at, key) || at == 0 {
        return None;
    }
    if record[at - 1] != b'"' && record[at - 1] != b'\'' {
        return None;
    }
    let (_, i) = quote(record, at + key.len())?;
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
fn http(record: &[u8], at: usize) -> Vec<Option<usize>> {
    if !has_any_case(record, at, b"http") || !no_word_before(record, at) {
        return Vec::new();
    }
    let mut i = at + 4;
    if has(record, i, b"/") {
        let version =
            record[i + 1..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
        if version == 0 || version > 8 {
            return Vec::new();
        }
        i += 1 + version;
    }
    let Some(i) = gap(record, i) else { return Vec::new() };
    if has_any_case(record, i, b"status") { vec![gap(record, i + 6)] } else { vec![Some(i)] }
}

/// `status code: 404`, `StatusCode=404`, `Response code : 404`, `response 404`.
fn named(record: &[u8], at: usize) -> Vec<Option<usize>> {
    if !no_word_before(record, at) {
        return Vec::new();
    }
    let leads = ["status code", "statuscode", "response code", "response status", "response"];
    let here = leads.iter().filter(|lead| has_any_case(record, at, lead.as_bytes()));
    here.map(|lead| gap(record, at + lead.len())).collect()
}

/// `error[404]`, `RESP: [404]`.
fn in_brackets(record: &[u8], at: usize) -> Option<(usize, u16)> {
    let lead = ["error[", "resp: ["].into_iter().find(|lead| has_any_case(record, at, lead.as_bytes()))?;
    if !no_word_before(record, at) {
        return None;
    }
    let (place, status) = number(record, at + lead.len())?;
    has(record, place + 3, b"]").then_some((place, status))
}

/// `404 Not Found`, `409 Client Error`.
fn with_reason(record: &[u8], at: usize) -> Option<(usize, u16)> {
    if !no_word_before(record, at) {
        return None;
    }
    let (place, status) = number(record, at)?;
    // A longer run of digits, seen from behind an escape, is no number of three.
    if at > 0 && record[at - 1].is_ascii_digit() {
        return None;
    }
    let colon = usize::from(has(record, place + 3, b":"));
    if !has(record, place + 3 + colon, b" ") {
        return None;
    }
    let says = |words: &str| has_any_case(record, place + 4 + colon, words.as_bytes());
    let class = match status {
        400..=499 => says("client error"),
        500..=599 => says("server error"),
        _ => false,
    };
    (class || REASONS.iter().any(|&(s, reason)| s == status && says(reason))).then_some((place, status))
}

/// `Bad request with: [`, `Resource not found: [`.
fn reason_alone(record: &[u8], at: usize) -> Option<(usize, u16)> {
    if !no_word_before(record, at) {
        return None;
    }
    let (status, reason) = REASONS.iter().find(|(_, reason)| has_any_case(record, at, reason.as_bytes()))?;
    let mut i = at + reason.len();
    if has_any_case(record, i, b" with") {
        i += 5;
    }
    has(record, i, b": [").then_some((at, *status))
}

/// `got 404 instead`.
fn got_instead(record: &[u8], at: usize) -> Option<(usize, u16)> {
    if !has_any_case(record, at, b"got ") || !no_word_before(record, at) {
        return None;
    }
    let (place, status) = number(record, at + 4)?;
    has_any_case(record, place + 3, b" instead").then_some((place, status))
}
