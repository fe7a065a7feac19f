//! Sections 1, 2 and 5: the codes of a record, each once, at the place where it first stands.

use super::bytes::{ends_in_escape, has, has_any_case, is_word};
use super::{Catalog, Family, Row, doubt, keys};

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
pub fn codes(catalog: &Catalog, discovery: bool, record: &[u8], too_long: bool) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    let mut doubt = doubt::Doubt::new(record);
    for at in 0..record.len() {
        for family in &catalog.families {
            if let Some(code) = candidate(catalog, family, record, at, too_long, &mut doubt) {
                all.push(code);
            }
        }
        if discovery && let Some(code) = keys::code(catalog, record, at, too_long) {
            all.push(code);
        }
    }
    all.sort_by_key(|code| code.position);
    let mut seen = std::collections::HashSet::new();
    all.retain(|code| seen.insert(code.code.clone()));
    all
}

/// A candidate of `family` that starts at `at` and stands alone.
fn candidate(
    catalog: &Catalog,
    family: &Family,
    record: &[u8],
    at: usize,
    too_long: bool,
    doubt: &mut doubt::Doubt<'_>,
) -> Option<Found> {
    if family.prefix.is_empty() {
        return None;
    }
    let end = fits(family, record, at)?;
    if !left_boundary(record, at)
        || !right_boundary(record, end)
        || in_path(record, at)
        || in_host(record, at, end)
        || names_a_text(record, at, end)
    {
        return None;
    }
    let code = of_family(catalog, family, record, at, end, too_long)?;
    if family.everyday && record.get(end) != Some(&b':') {
        let rows = catalog.rows_of(&code.code);
        if too_long || !doubt.settled_by(&rows) {
            return None;
        }
    }
    Some(code)
}

/// What a family's code from `start` to `end` is, unless it says success.
pub fn of_family(
    catalog: &Catalog,
    family: &Family,
    record: &[u8],
    start: usize,
    end: usize,
    too_long: bool,
) -> Option<Found> {
    let stem = family.prefix.len() + family.separator.len();
    let number = &record[start + stem..end];
    let slots = slots(&family.grammar);
    let spelled: String = slots
        .iter()
        .zip(number)
        .map(|(slot, &byte)| match slot {
            Slot::Digit | Slot::Status => char::from(byte),
            Slot::Fixed(fixed) => char::from(*fixed),
        })
        .collect();
    let code = format!("{}{}{spelled}", family.prefix, family.separator);
    let digits = |only_status: bool| -> String {
        let wanted = |slot: &Slot| *slot == Slot::Status || (!only_status && *slot == Slot::Digit);
        slots.iter().zip(number).filter(|(slot, _)| wanted(slot)).map(|(_, &b)| char::from(b)).collect()
    };
    if digits(false).bytes().all(|b| b == b'0') && catalog.rows_of(&code).is_empty() {
        return None;
    }
    // A grammar has three `S` or none.
    let status = digits(true).parse().ok();
    let named = named_service(catalog, record, start, &|service| {
        family.service == *service || family.shared.contains(service)
    });
    let service = named.filter(|_| !family.shared.is_empty() && !too_long_for_hosts(too_long));
    Some(Found {
        code,
        service: service.unwrap_or_else(|| family.service.clone()),
        category: inferred_category(status).to_owned(),
        position: start,
        status_in_code: status,
    })
}

/// Of an overlong record only a window is at hand, so its hosts decide nothing.
fn too_long_for_hosts(too_long: bool) -> bool {
    too_long
}

/// What a slot of a grammar takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Digit,
    Status,
    Fixed(u8),
}

fn slots(grammar: &str) -> Vec<Slot> {
    // What stands between the first and second quote, the third and fourth, is fixed.
    let parts = grammar.split('\'').enumerate();
    let slot = |quoted: bool, byte: u8| match byte {
        _ if quoted => Slot::Fixed(byte),
        b'S' => Slot::Status,
        b'.' => Slot::Fixed(b'.'),
        _ => Slot::Digit,
    };
    parts.flat_map(|(i, part)| part.bytes().map(move |byte| slot(i % 2 == 1, byte))).collect()
}

/// Prefix in any case, separator, what fits the grammar: gives the end.
pub fn fits(family: &Family, text: &[u8], at: usize) -> Option<usize> {
    let separator = at + family.prefix.len();
    if !has_any_case(text, at, family.prefix.as_bytes()) || !has(text, separator, family.separator.as_bytes())
    {
        return None;
    }
    let start = separator + family.separator.len();
    let slots = slots(&family.grammar);
    let number = text.get(start..start + slots.len())?;
    let fit = |(&byte, slot): (&u8, &Slot)| match slot {
        Slot::Fixed(fixed) => byte.eq_ignore_ascii_case(fixed),
        _ => byte.is_ascii_digit(),
    };
    number.iter().zip(&slots).all(fit).then_some(start + slots.len())
}

fn left_boundary(record: &[u8], at: usize) -> bool {
    if at == 0 {
        return true;
    }
    match record[at - 1] {
        b'.' => at == 1 || !is_word(record[at - 2]),
        byte if is_word(byte) || byte == b'-' => ends_in_escape(&record[..at]),
        _ => true,
    }
}

fn right_boundary(record: &[u8], end: usize) -> bool {
    match record.get(end) {
        None => true,
        Some(b'.') => !record.get(end + 1).is_some_and(|&byte| is_word(byte)),
        Some(&byte) => !is_word(byte),
    }
}

fn in_path(record: &[u8], at: usize) -> bool {
    let mut start = at;
    while start > 0
        && at - start < 256
        && (record[start - 1].is_ascii_alphanumeric() || b"_.~%+@/-".contains(&record[start - 1]))
    {
        start -= 1;
    }
    let head = &record[..at];
    let slashes = head.iter().rev().take_while(|&&byte| byte == b'\\').count();
    if (1..=16).contains(&slashes) {
        let before = head[..at - slashes].last();
        return before.is_some_and(|&byte| is_word(byte) || b".-:".contains(&byte));
    }
    if at >= 5 && has_any_case(record, at - 5, b"file:") {
        return at == 5 || !is_word(record[at - 6]);
    }
    let run = &record[start..at];
    if run.last() != Some(&b'/') {
        return false;
    }
    let slashes = run.iter().filter(|&&byte| byte == b'/').count();
    let absolute =
        run[0] == b'/' || run.starts_with(b"./") || run.starts_with(b"../") || run.starts_with(b"~/");
    let opened = start == 0 || b" \t\r\"'`=:([<,>".contains(&record[start - 1]);
    slashes >= 2 || (absolute && (opened || run.len() == 256))
}

fn in_host(record: &[u8], at: usize, end: usize) -> bool {
    if at >= 2 && record[at - 1] == b'@' && is_word(record[at - 2]) {
        return true;
    }
    if record.get(end) != Some(&b':') || record[at..end].iter().any(u8::is_ascii_uppercase) {
        return false;
    }
    let mut i = end + 1;
    while record.get(i).is_some_and(u8::is_ascii_digit) {
        i += 1;
    }
    let digits = i - end - 1;
    let port = (2..=5).contains(&digits) && !record.get(i).is_some_and(|&byte| is_word(byte));
    let version = record.get(i) == Some(&b'.') && record.get(i + 1).is_some_and(u8::is_ascii_digit);
    port || digits == 1 && version
}

/// A key with a text as its value, or what a line of `name=text` begins with.
fn names_a_text(record: &[u8], at: usize, end: usize) -> bool {
    let mut line = at;
    while line > 0 && at - line < 64 && matches!(record[line - 1], b' ' | b'\t') {
        line -= 1;
    }
    let mut sign = end;
    while sign - end < 8 && matches!(record.get(sign), Some(b' ' | b'\t')) {
        sign += 1;
    }
    let begins_line = line == 0 || record[line - 1] == b'\n';
    if begins_line && has(record, sign, b"=") && !has(record, sign, b"==") && !has(record, sign, b"=>") {
        return true;
    }
    (0..=16).any(|depth| {
        [b'"', b'\''].into_iter().any(|mark| {
            let quote = [&b"\\".repeat(depth)[..], &[mark]].concat();
            let Some(open) = at.checked_sub(quote.len()) else { return false };
            let signs = [":", ": ", " :", " : ", "=>", "=> ", " =>", " => "];
            let value = signs
                .iter()
                .any(|sign| has(record, end, &[&quote[..], sign.as_bytes(), &quote[..]].concat()));
            let mut start = open;
            while start > 0 && open - start < 64 && matches!(record[start - 1], b' ' | b'\t') {
                start -= 1;
            }
            let before = &record[..start];
            let opens = before.last().is_none_or(|byte| b"{[,\n".contains(byte)) || before.ends_with(b"\\n");
            // No more backslashes than the others have.
            has(record, open, &quote) && !record[..open].ends_with(b"\\") && value && opens
        })
    })
}

/// Section 5: what the status in the code implies.
pub fn inferred_category(status: Option<u16>) -> &'static str {
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

/// Of rows of several services those of the one whose host is named, if any is.
pub fn rows_of_host<'a>(catalog: &Catalog, rows: Vec<&'a Row>, record: &[u8], at: usize) -> Vec<&'a Row> {
    if rows.iter().all(|row| row.service == rows[0].service) {
        return rows;
    }
    let has_rows = |service: &String| rows.iter().any(|row| row.service == *service);
    match named_service(catalog, record, at, &has_rows) {
        Some(service) => rows.into_iter().filter(|row| row.service == service).collect(),
        None => rows,
    }
}

fn named_service(
    catalog: &Catalog,
    record: &[u8],
    at: usize,
    wanted: &dyn Fn(&String) -> bool,
) -> Option<String> {
    let mut best: Option<((usize, bool), String)> = None;
    for start in 3..=record.len() {
        if &record[start - 3..start] != b"://" {
            continue;
        }
        let label: String = record[start..]
            .iter()
            .take(64)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
            .map(|&byte| char::from(byte).to_ascii_lowercase())
            .collect();
        for (service, hosts) in &catalog.hosts {
            let key = (start.abs_diff(at), start > at);
            if wanted(service)
                && hosts.contains(&label)
                && best.as_ref().is_none_or(|(least, _)| key < *least)
            {
                best = Some((key, service.clone()));
            }
        }
    }
    best.map(|(_, service)| service)
}
