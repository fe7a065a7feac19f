//! The reference: `docs/records.md`, sections 1 to 3, as slow and plain as they can be said.

use super::json::Json;
use super::subject::Envelope;

/// Texts of an object that are looked into.
const MOST_TEXTS: usize = 16;

/// Objects within each other that are looked through, the record's own among them.
const DEEPEST: usize = 4;

/// What a path of this rank has found.
type Found = Option<(usize, String)>;

/// The value of a field with these paths.
pub fn value(record: &[u8], paths: &[&str], envelope: Option<&Envelope>) -> Option<String> {
    let mut best = in_record(record, paths);
    for (rank, path) in paths.iter().enumerate() {
        let from = envelope.and_then(|e| match path.split_once(':') {
            None if *path == "@key" => e.key.clone(),
            Some(("@header", name)) => {
                e.headers.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone())
            }
            _ => None,
        });
        if let Some(text) = from.filter(|t| !t.is_empty())
            && best.as_ref().is_none_or(|(have, _)| rank < *have)
        {
            best = Some((rank, text));
        }
    }
    best.map(|(_, text)| text.replace('\0', "\u{fffd}"))
}

/// Whether a record begins like JSON.
pub fn claims(record: &[u8]) -> bool {
    let mut solid = record.iter().filter(|b| !b" \t".contains(b));
    match solid.next() {
        Some(b'{') => true,
        Some(b'[') => solid.next().is_none_or(|b| b"{[\"".contains(b)),
        _ => false,
    }
}

/// Where the object begins that a record without JSON at its start ends with.
pub fn body(record: &[u8]) -> Option<usize> {
    if claims(record) || record.trim_ascii_end().last() != Some(&b'}') {
        return None;
    }
    (0..record.len()).find(|&at| {
        let next = record[at + 1..].iter().find(|b| !b.is_ascii_whitespace());
        record[at] == b'{' && next.is_some_and(|b| b"\"}".contains(b))
    })
}

/// The document that is read of a record: itself, or what it ends with.
pub fn document(record: &[u8]) -> Option<Json> {
    if claims(record) { Json::parse(record) } else { Json::parse(&record[body(record)?..]) }
}

fn in_record(record: &[u8], paths: &[&str]) -> Found {
    match document(record) {
        Some(json) if claims(record) => in_object(&json, paths, 1),
        Some(json) => in_object(&json, paths, 1).or_else(|| in_text(record, paths)),
        None => in_text(record, paths),
    }
}

/// The first of these places: the object, then each of its texts in turn.
fn in_object(object: &Json, paths: &[&str], depth: usize) -> Found {
    let own = paths.iter().enumerate().find_map(|(rank, path)| {
        if path.starts_with("@key") || path.starts_with("@header:") {
            return None;
        }
        at_path(object, path, depth).map(|text| (rank, text))
    });
    if own.is_some() {
        return own;
    }
    let texts = object.members().iter().filter_map(|(_, value)| match value {
        Json::Text(text) if text.contains(['{', '=']) => Some(text),
        _ => None,
    });
    texts.take(MOST_TEXTS).find_map(|text| match inner(text, depth) {
        Some(json) => in_object(&json, paths, depth + 1),
        None => in_text(text.as_bytes(), paths),
    })
}

/// The object that a text holds.
fn inner(text: &str, depth: usize) -> Option<Json> {
    if depth == DEEPEST || !text.trim_start().starts_with('{') {
        return None;
    }
    Json::parse(text.as_bytes())
}

/// The value at a path: without texts on the way if there is one, else through them.
fn at_path(object: &Json, path: &str, depth: usize) -> Option<String> {
    let mut through = Vec::new();
    if let Some(text) = straight(object, path, &mut through) {
        return Some(text);
    }
    through.into_iter().find_map(|(text, rest)| at_path(&inner(&text, depth)?, rest, depth + 1))
}

/// The first value in the order of the members; `through` gets texts that the path leads to, with the rest of it.
fn straight<'p>(object: &Json, path: &'p str, through: &mut Vec<(String, &'p str)>) -> Option<String> {
    for (key, value) in object.members() {
        if key == path {
            match value {
                Json::Plain(text) | Json::Text(text) if !text.is_empty() => return Some(text.clone()),
                _ => {}
            }
        }
        if let Some(rest) = path.strip_prefix(key.as_str()).and_then(|r| r.strip_prefix('.')) {
            match value {
                Json::Object(_) => {
                    if let Some(text) = straight(value, rest, through) {
                        return Some(text);
                    }
                }
                Json::Text(text) => through.push((text.clone(), rest)),
                _ => {}
            }
        }
    }
    None
}

fn in_text(text: &[u8], paths: &[&str]) -> Found {
    let pairs = pairs(text);
    paths.iter().enumerate().find_map(|(rank, path)| {
        let found = pairs.iter().find(|(key, value)| key == path && !value.is_empty());
        found.map(|(_, value)| (rank, value.clone()))
    })
}

/// The pairs of a text.
pub fn pairs(text: &[u8]) -> Vec<(String, String)> {
    let is_key = |b: u8| b.is_ascii_alphanumeric() || b"_.-/@".contains(&b);
    let ends = |b: u8| b.is_ascii_whitespace() || b",;&)]}\"'<>".contains(&b);
    let (mut pairs, mut floor, mut at) = (Vec::new(), 0, 0);
    while at < text.len() {
        let mut start = at;
        while text[at] == b'=' && start > floor && is_key(text[start - 1]) {
            start -= 1;
        }
        at += 1;
        if start == at - 1 || text[at - 1] != b'=' {
            continue;
        }
        let key = String::from_utf8_lossy(&text[start..at - 1]).into_owned();
        let quote = text.get(at).copied().filter(|q| b"\"'".contains(q));
        if let Some((value, end)) = quote.and_then(|q| quoted(text, at + 1, q)) {
            pairs.push((key, value));
            at = end;
        } else {
            let end = (at..text.len()).find(|&i| ends(text[i])).unwrap_or(text.len());
            pairs.push((key, String::from_utf8_lossy(&text[at..end]).into_owned()));
        }
        floor = at;
    }
    pairs
}

/// A quoted value from `start` on, and where its closing quote stands.
fn quoted(text: &[u8], start: usize, quote: u8) -> Option<(String, usize)> {
    let (mut value, mut at) = (Vec::new(), start);
    while at < text.len() {
        match text[at] {
            b'\\' if at + 1 < text.len() => {
                at += 1;
                value.push(match text[at] {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => other,
                });
            }
            b if b == quote => return Some((String::from_utf8_lossy(&value).into_owned(), at)),
            b => value.push(b),
        }
        at += 1;
    }
    None
}

/// The record's own message of a code, under the best of `keys`.
pub fn message(record: &[u8], code: &str, keys: &[&str]) -> Option<String> {
    let Some(json) = document(record) else {
        return in_text(record, keys).map(|(_, text)| text.replace('\0', "\u{fffd}"));
    };
    if let Some(body) = body(record)
        && String::from_utf8_lossy(&record[..body]).contains(code)
    {
        return None;
    }
    let mut chain = Vec::new();
    if !holders(&json, code, 1, &mut chain) {
        return None;
    }
    // Outward from the innermost object that holds the code.
    chain.iter().rev().find_map(|object: &Json| {
        keys.iter().find_map(|key| {
            object.members().iter().find_map(|(name, value)| match value {
                Json::Text(text) if name == key && !text.is_empty() => Some(text.clone()),
                _ => None,
            })
        })
    })
}

/// Whether a record is JSON alone and the code stands in a text of its own: what objects say is all there is.
pub fn alone(record: &[u8], code: &str) -> bool {
    claims(record) && document(record).is_some_and(|json| own_text(&json, code, 1) == Some(true))
}

/// Whether the first text that holds the code is the code; nothing where none holds it.
fn own_text(value: &Json, code: &str, depth: usize) -> Option<bool> {
    match value {
        Json::Null | Json::Plain(_) => None,
        Json::Text(text) if !text.contains(code) => None,
        Json::Text(text) => match inner(text, depth) {
            Some(json) => Some(own_text(&json, code, depth + 1) == Some(true)),
            None => Some(text == code),
        },
        Json::List(items) => items.iter().find_map(|item| own_text(item, code, depth)),
        Json::Object(members) => members.iter().find_map(|(_, value)| own_text(value, code, depth)),
    }
}

/// The objects from the outermost to the innermost that hold the first text with the code.
fn holders(value: &Json, code: &str, depth: usize, chain: &mut Vec<Json>) -> bool {
    match value {
        Json::Null | Json::Plain(_) => false,
        Json::Text(text) => {
            let holds = text.contains(code);
            if holds && let Some(json) = inner(text, depth) {
                holders(&json, code, depth + 1, chain);
            }
            holds
        }
        Json::List(items) => items.iter().any(|item| holders(item, code, depth, chain)),
        Json::Object(members) => {
            let length = chain.len();
            chain.push(value.clone());
            let holds = members.iter().any(|(_, value)| holders(value, code, depth, chain));
            if !holds {
                chain.truncate(length);
            }
            holds
        }
    }
}

/// A level under its normal name.
pub fn level(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "trace" | "debug" | "info" | "warn" | "error" | "fatal" => lower,
        "warning" | "40" => "warn".to_owned(),
        "err" | "50" => "error".to_owned(),
        "critical" | "60" => "fatal".to_owned(),
        "0" | "1" | "2" => "fatal".to_owned(),
        "3" => "error".to_owned(),
        "4" => "warn".to_owned(),
        "5" | "6" => "info".to_owned(),
        "7" => "debug".to_owned(),
        number if number.len() == 2 && number.bytes().all(|b| b.is_ascii_digit()) => {
            match number.as_bytes()[0] {
                b'1' => "trace".to_owned(),
                b'2' => "debug".to_owned(),
                b'3' => "info".to_owned(),
                b'4' => "warn".to_owned(),
                b'5' => "error".to_owned(),
                b'6' => "fatal".to_owned(),
                _ => text.to_owned(),
            }
        }
        "10" => "trace".to_owned(),
        "20" => "debug".to_owned(),
        "30" => "info".to_owned(),
        _ => text.to_owned(),
    }
}
