//! Sections 1 and 2: the codes of a record, each once, at the place where it first stands.

use super::bytes::{ends_in_escape, has, has_any_case, is_word, no_word_before, quote, skip_blanks};
use super::{Catalog, Family};

const KEYS: [&[u8]; 6] = [b"error_code", b"errorCode", b"ErrorCode", b"errCode", b"err_code", b"error_id"];

/// A code in a record. Service and category are those it has if the catalog does not know it.
pub struct Found {
    pub code: String,
    pub service: String,
    pub category: String,
    /// First byte of its first occurrence.
    pub position: usize,
    /// The status that the family's grammar reads from the digits.
    pub status_in_code: Option<u16>,
}

/// All different codes of a record, in the order in which they first stand in it.
pub fn codes(catalog: &Catalog, discovery: bool, record: &[u8]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut add = |code: Found| {
        if seen.insert(code.code.clone()) {
            found.push(code);
        }
    };
    for at in 0..record.len() {
        for family in &catalog.families {
            if let Some(code) = candidate(family, record, at) {
                add(code);
            }
        }
        if discovery && let Some(code) = discovered(catalog, record, at) {
            add(code);
        }
    }
    found.sort_by_key(|code| code.position);
    found
}

/// A candidate of `family` that starts at `at` and stands alone.
fn candidate(family: &Family, record: &[u8], at: usize) -> Option<Found> {
    let digits = fits(family, record, at)?;
    let end = at + family.prefix.len() + 1 + digits.len();
    if !left_boundary(record, at) || !right_boundary(record, end) {
        return None;
    }
    let digits = String::from_utf8(digits.to_vec()).expect("digits and dots");
    let status = status_in(family, &digits);
    Some(Found {
        code: format!("{}.{digits}", family.prefix),
        service: family.service.clone(),
        category: inferred_category(status).to_owned(),
        position: at,
        status_in_code: status,
    })
}

/// Prefix in any case, dot, digits of the grammar: gives the digits.
fn fits<'a>(family: &Family, text: &'a [u8], at: usize) -> Option<&'a [u8]> {
    if !has_any_case(text, at, family.prefix.as_bytes()) || !has(text, at + family.prefix.len(), b".") {
        return None;
    }
    let start = at + family.prefix.len() + 1;
    let digits = text.get(start..start + family.grammar.len())?;
    let fit = |(&byte, rule): (&u8, u8)| {
        if rule == b'.' { byte == b'.' } else { byte.is_ascii_digit() }
    };
    digits.iter().zip(family.grammar.bytes()).all(fit).then_some(digits)
}

fn left_boundary(record: &[u8], at: usize) -> bool {
    if at == 0 {
        return true;
    }
    match record[at - 1] {
        b'.' => at == 1 || !is_word(record[at - 2]),
        b'-' => false,
        byte if is_word(byte) => ends_in_escape(&record[..at]),
        _ => true,
    }
}

fn right_boundary(record: &[u8], end: usize) -> bool {
    match record.get(end) {
        None => true,
        Some(b'.') => !record.get(end + 1).is_some_and(u8::is_ascii_digit),
        Some(&byte) => !is_word(byte),
    }
}

fn status_in(family: &Family, digits: &str) -> Option<u16> {
    let status: String = digits
        .chars()
        .zip(family.grammar.chars())
        .filter(|(_, rule)| *rule == 'S')
        .map(|(digit, _)| digit)
        .collect();
    // A grammar has three `S` or none.
    status.parse().ok()
}

/// Section 5: what the status in the code implies.
fn inferred_category(status: Option<u16>) -> &'static str {
    match status {
        Some(401) => "authentication",
        Some(403) => "permission",
        Some(404) => "not_found",
        Some(409) => "conflict",
        Some(429) => "throttling",
        Some(400..=499) => "invalid_request",
        Some(500..=599) => "internal",
        _ => "unknown",
    }
}

/// Section 2: a key that starts at `at`, and after it a value with the shape of a code.
fn discovered(catalog: &Catalog, record: &[u8], at: usize) -> Option<Found> {
    // No key is the beginning of another, so at most one stands here.
    let key = KEYS.iter().find(|key| has(record, at, key))?;
    if !no_word_before(record, at) {
        return None;
    }
    let mut i = at + key.len();
    if let Some((_, after)) = quote(record, i) {
        i = after;
    }
    i = skip_blanks(record, i);
    if has(record, i, b"=>") {
        i += 2;
    } else if has(record, i, b":") || has(record, i, b"=") {
        i += 1;
    } else {
        return None;
    }
    i = skip_blanks(record, i);
    let opening = quote(record, i);
    if let Some((_, after)) = opening {
        i = after;
    }
    let start = i;
    while i < record.len() && (record[i].is_ascii_alphanumeric() || b"_.-".contains(&record[i])) {
        i += 1;
    }
    if i - start > 160 {
        return None;
    }
    if let Some((q, _)) = opening {
        if quote(record, i).map(|(closing, _)| closing) != Some(q) {
            return None;
        }
    } else {
        while i > start && (record[i - 1] == b'.' || record[i - 1] == b'-') {
            i -= 1;
        }
    }
    let value = &record[start..i];
    if !has_shape_of_code(value) || belongs_to_family(catalog, value) {
        return None;
    }
    let code = String::from_utf8(value.to_vec()).expect("letters, digits and punctuation");
    let service = code.split('.').next().unwrap_or_default().to_ascii_uppercase();
    Some(Found { code, service, category: "unknown".to_owned(), position: start, status_in_code: None })
}

fn has_shape_of_code(value: &[u8]) -> bool {
    value.len() <= 128
        && value.first().is_some_and(u8::is_ascii_alphabetic)
        && value.contains(&b'.')
        && value.len() >= 3
        && value[value.len() - 3..].iter().all(u8::is_ascii_digit)
}

fn belongs_to_family(catalog: &Catalog, value: &[u8]) -> bool {
    let whole = |family: &Family| {
        fits(family, value, 0).is_some_and(|digits| family.prefix.len() + 1 + digits.len() == value.len())
    };
    catalog.families.iter().any(whole)
}
