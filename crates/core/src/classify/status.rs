//! The HTTP statuses that a record states, and the one that speaks of a code.
//!
//! They are looked for from the number backwards: three digits that are a
//! status somebody asks for are rare in a record, so that hardly anything is
//! read twice.

use crate::boundary::{escape_ends, is_word};

/// Least status of a call that failed.
const LEAST_FAILURE: u16 = 400;

/// The status of a failed call that `record` states for the code at `at`, and
/// where it stands.
pub fn stated(record: &[u8], at: usize) -> Option<(u16, usize)> {
    nearest(record, at, &statuses(record, |status| status >= LEAST_FAILURE))
}

/// Every status in `record` that `wanted` accepts and that stands in one of
/// the documented forms, with its offset, ascending.
pub(super) fn statuses(record: &[u8], wanted: impl Fn(u16) -> bool) -> Vec<(u16, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < record.len() {
        match record[at] {
            b'0'..=b'9' => {
                let run = record[at..].iter().take_while(|b| b.is_ascii_digit()).count();
                if run == 3
                    && let Some(status) = number(record, at)
                    && wanted(status)
                    && says_status(&record[..at], &record[at + 3..], status)
                {
                    found.push((status, at));
                }
                at += run;
            }
            b'[' => {
                if let Some((status, length)) = phrase_before(&record[..at])
                    && wanted(status)
                {
                    found.push((status, at - length));
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    found
}

/// The three digits at `at` as a status, where nothing goes on behind them.
fn number(record: &[u8], at: usize) -> Option<u16> {
    if !b"12345".contains(&record[at]) {
        return None;
    }
    let status = || record[at..at + 3].iter().fold(0, |n, &b| n * 10 + u16::from(b - b'0'));
    ends_number(record, at + 3).then(status)
}

/// Whether a number ends at `end`: no word byte and no `.digit` goes on with it.
fn ends_number(record: &[u8], end: usize) -> bool {
    match record.get(end) {
        Some(b'.') => !record.get(end + 1).is_some_and(u8::is_ascii_digit),
        next => !next.is_some_and(|&b| is_word(b)),
    }
}

/// Whether the digits between `head` and `tail` stand where a status does.
fn says_status(head: &[u8], tail: &[u8], status: u16) -> bool {
    is_field(head) || is_text(head, tail, status) || (starts_word(head) && has_reason(tail, status))
}

/// Keys of a status, in any case.
const KEYS: [&[u8]; 9] = [
    b"http_status",
    b"http_status_code",
    b"status_code",
    b"http_code",
    b"httpcode",
    b"httpstatus",
    b"httpstatuscode",
    b"responsecode",
    b"response_code",
];

/// Whether `head` ends with a status field's key, separator and quotes.
fn is_field(head: &[u8]) -> bool {
    let Some(Field { head, quoted, colon }) = field(head) else { return false };
    if KEYS.iter().any(|key| strip_word(head, key).is_some_and(starts_word)) {
        return true;
    }
    quoted && colon && matches!(head.strip_suffix(b"code"), Some([.., b'"' | b'\'']))
}

/// What stands before the number of a field.
struct Field<'h> {
    /// It ends with the key.
    head: &'h [u8],
    quoted: bool,
    colon: bool,
}

#[inline]
fn field(head: &[u8]) -> Option<Field<'_>> {
    let head = trim_blanks(trim_quote(head).0);
    let (colon, head) = match head {
        [head @ .., b':'] => (true, head),
        [head @ .., b'='] => (false, head),
        _ => return None,
    };
    let (head, quoted) = trim_quote(trim_blanks(head));
    Some(Field { head, quoted, colon })
}

/// The first number that is a level of a warning or worse, and where it stands:
/// of bunyan and pino (`level`), of the journal (`PRIORITY`), of OpenTelemetry
/// (`severityNumber`).
pub(super) fn level(record: &[u8]) -> Option<(u16, usize)> {
    let mut at = 0;
    while at < record.len() {
        let run = record[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if (1..=2).contains(&run)
            && ends_number(record, at + run)
            && let number = record[at..at + run].iter().fold(0, |n, &b| n * 10 + u16::from(b - b'0'))
            && let Some(Field { head, .. }) = field(&record[..at])
            && says_level(head, number)
        {
            return Some((number, at));
        }
        at += run.max(1);
    }
    None
}

fn says_level(head: &[u8], number: u16) -> bool {
    let is = |key: &[u8]| strip_word(head, key).is_some_and(starts_word);
    match number {
        0..=4 => is(b"priority") && head.ends_with(b"PRIORITY"),
        13..=24 => is(b"severitynumber") || is(b"severity_number"),
        40..=69 => is(b"level"),
        _ => false,
    }
}

/// Whether `head` ends with, and `tail` begins with, one of the phrases.
fn is_text(head: &[u8], tail: &[u8], status: u16) -> bool {
    if strip_word(head, b"got ").is_some_and(starts_word) {
        return tail.len() >= 8 && tail[..8].eq_ignore_ascii_case(b" instead");
    }
    if [&b"error["[..], b"resp: ["].iter().any(|word| strip_word(head, word).is_some_and(starts_word)) {
        return tail.first() == Some(&b']');
    }
    let Some(head) = trim_gap(head) else {
        return false;
    };
    let phrases = [&b"status code"[..], b"statuscode", b"response code", b"response status", b"response"];
    if let Some(head) = phrases.iter().find_map(|phrase| strip_word(head, phrase)) {
        return starts_word(head);
    }
    let head = match strip_word(head, b"status") {
        // Jobs have a status too, but not such a number.
        Some(head) if status >= LEAST_FAILURE && starts_word(head) => return true,
        Some(head) => match trim_gap(head) {
            Some(head) => head,
            None => return false,
        },
        None => head,
    };
    let version = head.iter().rev().take(8).take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let unversioned = match &head[..head.len() - version] {
        [head @ .., b'/'] if version > 0 => head,
        _ => head,
    };
    strip_word(unversioned, b"http").is_some_and(starts_word)
}

/// What HTTP calls its statuses, and what SDKs call them.
const REASONS: [(u16, &[&[u8]]); 12] = [
    (400, &[b"bad request"]),
    (401, &[b"unauthorized", b"authentication failed"]),
    (403, &[b"forbidden"]),
    (404, &[b"not found"]),
    (405, &[b"method not allowed"]),
    (408, &[b"request timeout"]),
    (409, &[b"conflict"]),
    (429, &[b"too many requests"]),
    (500, &[b"internal server error"]),
    (502, &[b"bad gateway"]),
    (503, &[b"service unavailable"]),
    (504, &[b"gateway timeout", b"gateway time-out"]),
];

/// Whether `tail` goes on with the reason of `status`: `404 Not Found`,
/// `409: Client Error`.
fn has_reason(tail: &[u8], status: u16) -> bool {
    let tail = tail.strip_prefix(b":").unwrap_or(tail);
    let Some(tail) = tail.strip_prefix(b" ") else { return false };
    let begins =
        |reason: &[u8]| tail.len() >= reason.len() && tail[..reason.len()].eq_ignore_ascii_case(reason);
    let class: &[u8] = if status < 500 { b"client error" } else { b"server error" };
    (status >= LEAST_FAILURE && begins(class))
        || REASONS.iter().any(|(s, reasons)| *s == status && reasons.iter().any(|r| begins(r)))
}

/// The status that the reason before a bracket is for, `Bad request with: [`
/// or `Resource not found: [`, and how far before the bracket it begins.
fn phrase_before(head: &[u8]) -> Option<(u16, usize)> {
    let rest = head.strip_suffix(b": ")?;
    let rest = strip_word(rest, b" with").unwrap_or(rest);
    REASONS.iter().find_map(|(status, reasons)| {
        let before = reasons.iter().find_map(|reason| strip_word(rest, reason))?;
        starts_word(before).then_some((*status, head.len() - before.len()))
    })
}

/// Whether a word may start after `head`.
fn starts_word(head: &[u8]) -> bool {
    !head.last().is_some_and(|&b| is_word(b)) || escape_ends(head, head.len())
}

fn strip_word<'h>(head: &'h [u8], word: &[u8]) -> Option<&'h [u8]> {
    let cut = head.len().checked_sub(word.len())?;
    head[cut..].eq_ignore_ascii_case(word).then_some(&head[..cut])
}

/// Without an ending quote and at most 16 backslashes before it.
fn trim_quote(head: &[u8]) -> (&[u8], bool) {
    match head {
        [head @ .., b'"' | b'\''] => {
            let slashes = head.iter().rev().take(16).take_while(|&&b| b == b'\\').count();
            (&head[..head.len() - slashes], true)
        }
        _ => (head, false),
    }
}

/// Without at most 16 blanks, and colours before, among and behind them.
fn trim_blanks(head: &[u8]) -> &[u8] {
    let mut head = trim_colours(head);
    for _ in 0..16 {
        let [before @ .., b' ' | b'\t'] = head else { break };
        head = trim_colours(before);
    }
    head
}

/// Without colours of a terminal at the end: ESC, `[`, at most 16 digits and
/// semicolons, `m`; eight at most.
fn trim_colours(mut head: &[u8]) -> &[u8] {
    for _ in 0..8 {
        let [before @ .., b'm'] = head else { break };
        let parameters =
            before.iter().rev().take(17).take_while(|b| b.is_ascii_digit() || **b == b';').count();
        let [before @ .., 0x1b, b'['] = &before[..before.len() - parameters] else { break };
        if parameters > 16 {
            break;
        }
        head = before;
    }
    head
}

/// Without 1 to 8 bytes of space, `:`, `=`, quotes and backslash at the end.
fn trim_gap(head: &[u8]) -> Option<&[u8]> {
    let gap = head.iter().rev().take(9).take_while(|b| b" :=\"'\\".contains(b)).count();
    (1..=8).contains(&gap).then(|| &head[..head.len() - gap])
}

/// Of `statuses`, the one whose object is nearest to the code at `at` from
/// the inside outward; among equals the nearest in bytes.
pub(super) fn nearest(record: &[u8], at: usize, statuses: &[(u16, usize)]) -> Option<(u16, usize)> {
    // Objects that must be left to get from the code to the status;
    // `usize::MAX` when one must be entered.
    let mut ranked: Vec<(usize, usize, bool, u16, usize)> = Vec::with_capacity(statuses.len());
    let split = statuses.partition_point(|&(_, place)| place < at);
    let mut rank = |status: u16, place: usize, entered: usize, left: usize, after: bool| {
        let level = if entered > 0 { usize::MAX } else { left };
        ranked.push((level, place.abs_diff(at), after, status, place));
    };

    let (mut entered, mut left) = (0usize, 0usize);
    let mut cursor = at;
    for &(status, place) in &statuses[split..] {
        for &byte in &record[cursor..place] {
            cross(byte, b'{', b'}', &mut entered, &mut left);
        }
        cursor = place;
        rank(status, place, entered, left, true);
    }
    let (mut entered, mut left) = (0usize, 0usize);
    let mut cursor = at;
    for &(status, place) in statuses[..split].iter().rev() {
        for &byte in record[place..cursor].iter().rev() {
            cross(byte, b'}', b'{', &mut entered, &mut left);
        }
        cursor = place;
        rank(status, place, entered, left, false);
    }
    ranked.into_iter().min().map(|(_, _, _, status, place)| (status, place))
}

/// Follows one byte away from the code: into objects and out of them.
fn cross(byte: u8, open: u8, close: u8, entered: &mut usize, left: &mut usize) {
    if byte == open {
        *entered += 1;
    } else if byte == close {
        match entered.checked_sub(1) {
            Some(fewer) => *entered = fewer,
            None => *left += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_the_object_of_the_code() {
        let record = br#"[{"code":"Ecs.0005","http_status":400},{"code":"Ecs.1000","x":"yyyyyyyy","http_status":404}]"#;
        let at = memchr::memmem::find(record, b"Ecs.1000").unwrap();
        let all = statuses(record, |s| s == 400 || s == 404);
        assert_eq!(all.len(), 2);
        assert_eq!(nearest(record, at, &all).unwrap().0, 404);
    }
}
