//! Section 4, rule 2: which row's literal message stands in the record.

use super::Row;

/// The row whose pieces all stand in the record; most bytes first, then catalog order.
pub fn best<'a>(rows: &[&'a Row], record: &[u8]) -> Option<&'a Row> {
    let mut best: Option<(usize, &Row)> = None;
    for row in rows {
        let pieces = pieces(&row.message);
        if !pieces.iter().any(|piece| piece.len() >= 8) || !all_in_order(&pieces, record) {
            continue;
        }
        let weight = pieces.iter().map(String::len).sum();
        if best.is_none_or(|(heaviest, _)| weight > heaviest) {
            best = Some((weight, row));
        }
    }
    best.map(|(_, row)| row)
}

/// The template cut at its placeholders.
pub fn pieces(template: &str) -> Vec<String> {
    let template = template.strip_suffix('.').unwrap_or(template);
    let mut pieces = vec![String::new()];
    let mut rest = template;
    while let Some(first) = rest.chars().next() {
        let before = template[..template.len() - rest.len()].bytes().last();
        let skip = placeholder(rest, before);
        if skip > 0 {
            pieces.push(String::new());
            rest = &rest[skip..];
        } else {
            pieces.last_mut().expect("never empty").push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    let trimmed = pieces.iter().map(|piece| piece.trim_matches(' ').to_owned());
    trimmed.filter(|piece| piece.chars().any(char::is_alphabetic)).collect()
}

/// The length of the placeholder at the start of `text`, behind `before`, or 0.
fn placeholder(text: &str, before: Option<u8>) -> usize {
    for fixed in ["[%s]", "%s", "%d"] {
        if text.starts_with(fixed) {
            return fixed.len();
        }
    }
    let name = |inner: &str| {
        inner.chars().take_while(|c| c.is_ascii_alphanumeric() || ['_', ' ', '/'].contains(c)).count()
    };
    if let Some(inner) = text.strip_prefix("%(") {
        let name = name(inner);
        let ends = [")s", ")d"].iter().any(|end| inner[name..].starts_with(end));
        return if name > 0 && ends { name + 4 } else { 0 };
    }
    for letter in ['x', 'X'] {
        let run = text.chars().take_while(|c| *c == letter).count();
        let apart = |byte: Option<u8>| byte.is_none_or(|b| !super::bytes::is_word(b));
        if run >= 2 && apart(before) && apart(text.as_bytes().get(run).copied()) {
            return run;
        }
    }
    let Some(inner) = text.strip_prefix('{') else {
        return 0;
    };
    let name = name(inner);
    if inner[name..].starts_with('}') { name + 2 } else { 0 }
}

/// Leftmost places serve: an earlier end never leaves less room for what follows.
fn all_in_order(pieces: &[String], record: &[u8]) -> bool {
    let mut from = 0;
    for piece in pieces {
        let piece = piece.as_bytes();
        let place = (from..record.len()).find(|&at| record[at..].starts_with(piece));
        match place {
            Some(at) => from = at + piece.len(),
            None => return false,
        }
    }
    true
}
