//! Which of a code's rows a record means: by an HTTP status in the record,
//! by the row's literal message, by the catalog's default.
//!
//! Statuses are looked for from the number backwards: three digits that are
//! one of the code's statuses are rare in a record, so that hardly anything
//! is read twice.

use super::owner;
use crate::boundary::{escape_ends, is_word};
use crate::catalog::{Catalog, CodeId, RowId, template};

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The code has one row.
    OnlyRow,
    /// This status, whose first digit stands at this offset of the record.
    Status(u16, usize),
    /// The row's message stands in the record.
    Message,
    /// Nothing; the catalog's default.
    Default,
}

/// The row that `record` means by `code`, which stands first at `at`.
#[inline]
pub fn resolve(catalog: &Catalog, code: CodeId, record: &[u8], at: usize) -> (RowId, Evidence) {
    match catalog.only_row(code) {
        Some(row) => (row, Evidence::OnlyRow),
        None => decide(catalog, code, record, at),
    }
}

/// As [`resolve`], for a code with several rows.
fn decide(catalog: &Catalog, code: CodeId, record: &[u8], at: usize) -> (RowId, Evidence) {
    let rows = owner::rows(catalog, code, record, at);
    let row_with =
        |status: u16| rows.clone().map(RowId).find(|&r| catalog.row(r).http_status == Some(status));
    let statuses = statuses(record, |s| row_with(s).is_some());
    if let Some((status, place)) = nearest(record, at, &statuses)
        && let Some(row) = row_with(status)
    {
        return (row, Evidence::Status(status, place));
    }
    let by_message = rows
        .clone()
        .map(RowId)
        .filter_map(|r| Some((template_bytes(&catalog.row(r).message, record)?, r)))
        // `max_by_key` takes the last of equals; the first in the catalog is meant.
        .rev()
        .max_by_key(|&(bytes, _)| bytes);
    match by_message {
        Some((_, row)) => (row, Evidence::Message),
        None => (catalog.default_of(rows), Evidence::Default),
    }
}

/// Every status in `record` that `wanted` accepts and that stands in one of
/// the documented forms, with its offset, ascending.
pub(super) fn statuses(record: &[u8], wanted: impl Fn(u16) -> bool) -> Vec<(u16, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < record.len() {
        if !record[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let run = record[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if run == 3 && b"12345".contains(&record[at]) {
            let status = record[at..at + 3].iter().fold(0, |n, &b| n * 10 + u16::from(b - b'0'));
            let ends = match record.get(at + 3) {
                Some(b'.') => !record.get(at + 4).is_some_and(u8::is_ascii_digit),
                next => !next.is_some_and(|&b| is_word(b)),
            };
            if ends
                && wanted(status)
                && (is_field(&record[..at]) || is_text(&record[..at], &record[at + 3..]))
            {
                found.push((status, at));
            }
        }
        at += run;
    }
    found
}

/// Whether `head` ends with a status field's key, separator and quotes.
fn is_field(head: &[u8]) -> bool {
    let head = trim_blanks(trim_quote(head).0);
    let (colon, head) = match head {
        [head @ .., b':'] => (true, head),
        [head @ .., b'='] => (false, head),
        _ => return false,
    };
    let (head, quoted) = trim_quote(trim_blanks(head));
    let keys: &[&str] = &["http_status", "status_code", "http_code", "httpStatusCode"];
    let named = keys.iter().any(|key| head.strip_suffix(key.as_bytes()).is_some_and(starts_word));
    named || (quoted && colon && matches!(head.strip_suffix(b"code"), Some([.., b'"' | b'\''])))
}

/// Whether `head` ends with, and `tail` begins with, one of the phrases.
fn is_text(head: &[u8], tail: &[u8]) -> bool {
    if strip_word(head, b"got ").is_some_and(starts_word) {
        return tail.len() >= 8 && tail[..8].eq_ignore_ascii_case(b" instead");
    }
    let Some(head) = trim_gap(head) else {
        return false;
    };
    if let Some(head) = strip_word(head, b"status code").or_else(|| strip_word(head, b"statuscode")) {
        return starts_word(head);
    }
    let head = match strip_word(head, b"status") {
        Some(head) => match trim_gap(head) {
            Some(head) => head,
            None => return false,
        },
        None => head,
    };
    let version = head.iter().rev().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let unversioned = match &head[..head.len() - version] {
        [head @ .., b'/'] if version > 0 => head,
        _ => head,
    };
    strip_word(unversioned, b"http").is_some_and(starts_word)
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

fn trim_blanks(head: &[u8]) -> &[u8] {
    let blanks = head.iter().rev().take(16).take_while(|&&b| b == b' ' || b == b'\t').count();
    &head[..head.len() - blanks]
}

/// Without 1 to 8 bytes of space, `:`, `=`, quotes and backslash at the end.
fn trim_gap(head: &[u8]) -> Option<&[u8]> {
    let gap = head.iter().rev().take(9).take_while(|b| b" :=\"'\\".contains(b)).count();
    (1..=8).contains(&gap).then(|| &head[..head.len() - gap])
}

/// Of `statuses`, the one whose object is nearest to the code at `at` from
/// the inside outward; among equals the nearest in bytes.
fn nearest(record: &[u8], at: usize, statuses: &[(u16, usize)]) -> Option<(u16, usize)> {
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

/// The bytes of the template's pieces when they all stand in `record` in
/// their order.
pub(super) fn template_bytes(message: &str, record: &[u8]) -> Option<usize> {
    let pieces = template::pieces(message);
    if !pieces.iter().any(|p| p.len() >= 8) {
        return None;
    }
    let mut rest = record;
    for piece in &pieces {
        let at = memchr::memmem::find(rest, piece.as_bytes())?;
        rest = &rest[at + piece.len()..];
    }
    Some(pieces.iter().map(|p| p.len()).sum())
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
