//! Section 2: keys and the codes behind them.

use super::bytes::{has, has_any_case, no_word_before, terminal};
use super::find::{Found, fits, of_family};
use super::{Catalog, Family};

/// Words that may be joined in any way, and then those that stand as they are.
const FLEXIBLE: [&[&str]; 3] = [&["error", "code"], &["err", "code"], &["code"]];
const EXACT: [&str; 1] = ["error_id"];

/// A key that starts at `at`, and after it a code.
pub fn code(catalog: &Catalog, record: &[u8], at: usize, too_long: bool) -> Option<Found> {
    for words in FLEXIBLE {
        if let Some((end, prose)) = flexible(record, at, words)
            && no_word_before(record, at)
        {
            let weak = words == ["code"];
            if let Some((start, end)) = value(record, at, end, prose, weak)
                && let Some(code) = of_value(catalog, record, start, end, weak, too_long)
            {
                return Some(code);
            }
        }
    }
    for key in EXACT {
        if has_any_case(record, at, key.as_bytes())
            && no_word_before(record, at)
            && let Some((start, end)) = value(record, at, at + key.len(), false, false)
        {
            return of_value(catalog, record, start, end, false, too_long);
        }
    }
    None
}

/// The end of the words, and whether a blank joins any.
fn flexible(record: &[u8], at: usize, words: &[&str]) -> Option<(usize, bool)> {
    let mut end = at;
    let mut prose = false;
    for (i, word) in words.iter().enumerate() {
        if i > 0 {
            let mut joint = end;
            while has(record, joint, b"\\") {
                joint += 1;
            }
            if joint - end <= 16 && record.get(joint).is_some_and(|byte| b"_-. ".contains(byte)) {
                prose |= record[joint] == b' ';
                end = joint + 1;
            }
        }
        if !has_any_case(record, end, word.as_bytes()) {
            return None;
        }
        end += word.len();
    }
    (end - at <= 96).then_some((end, prose))
}

/// Steps 2 to 5: where the value is.
fn value(record: &[u8], key: usize, key_end: usize, prose: bool, weak: bool) -> Option<(usize, usize)> {
    let quoted_key = quote_before(record, key);
    if weak && !quoted_key {
        return if tag_before(record, key) { in_tag(record, key_end) } else { None };
    }
    let mut i = noise(record, key_end);
    let closing = quote(record, i);
    if weak && (closing.is_none() || i != key_end) {
        return None;
    }
    i = noise(record, closing.map_or(i, |(_, end)| end));
    if let Some(end) = sign(record, i) {
        i = end;
    } else if angle(record, key_end, b">", b"gt;", b"u003e").is_some() {
        return in_tag(record, key_end);
    } else if !(prose && closing.is_none() && i > key_end) {
        return None;
    }
    i = noise(record, i);
    let opening = quote(record, i);
    if weak && opening.is_none() {
        return None;
    }
    let start = noise(record, opening.map_or(i, |(_, end)| end));
    let mut end = run(record, start)?;
    match opening {
        Some((mark, _)) => {
            let (other, _) = quote(record, noise(record, end))?;
            if other != mark {
                return None;
            }
        }
        None => {
            while end > start && b".-".contains(&record[end - 1]) {
                end -= 1;
            }
        }
    }
    (end > start).then_some((start, end))
}

fn in_tag(record: &[u8], key_end: usize) -> Option<(usize, usize)> {
    let start = noise(record, angle(record, key_end, b">", b"gt;", b"u003e")?);
    let end = run(record, start)?;
    angle(record, noise(record, end), b"<", b"lt;", b"u003c")?;
    (end > start).then_some((start, end))
}

fn run(record: &[u8], start: usize) -> Option<usize> {
    let mut end = start;
    while record.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte)) {
        end += 1;
    }
    (end - start <= 160).then_some(end)
}

/// What follows the noise at `at`: whole pieces of it, 64 bytes at most.
fn noise(record: &[u8], at: usize) -> usize {
    let mut end = at;
    loop {
        let next = if has(record, end, b" ") || has(record, end, b"\t") {
            end + 1
        } else if has(record, end, b"%20") {
            end + 3
        } else if let Some(next) = terminal(record, end) {
            next
        } else {
            return end;
        };
        if next - at > 64 {
            return end;
        }
        end = next;
    }
}

/// A quote in one of its forms, and what follows it.
fn quote(record: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut i = at;
    while has(record, i, b"\\") {
        i += 1;
    }
    if i - at <= 16 {
        for mark in [b'"', b'\'', b'`'] {
            if has(record, i, &[mark]) {
                return Some((mark, i + 1));
            }
        }
        if i > at && has(record, i, b"u0022") {
            return Some((b'"', i + 5));
        }
        if i > at && has(record, i, b"u0027") {
            return Some((b'\'', i + 5));
        }
    }
    if has(record, at, b"&") {
        let i = amps(record, at + 1);
        for (name, mark) in NAMES {
            if has(record, i, name) {
                return Some((mark, i + name.len()));
            }
        }
    }
    let mut i = at;
    loop {
        let (digits, end) = percent(record, i)?;
        i = end;
        if i - at > 64 {
            return None;
        }
        match digits.as_str() {
            "22" => return Some((b'"', i)),
            "27" => return Some((b'\'', i)),
            "5C" => {}
            _ => return None,
        }
    }
}

const NAMES: [(&[u8], u8); 6] = [
    (b"quot;", b'"'),
    (b"apos;", b'\''),
    (b"#34;", b'"'),
    (b"#39;", b'\''),
    (b"#x22;", b'"'),
    (b"#x27;", b'\''),
];

fn amps(record: &[u8], mut at: usize) -> usize {
    for _ in 0..4 {
        if has(record, at, b"amp;") {
            at += 4;
        }
    }
    at
}

/// `%`, up to eight `25`, two more bytes, in upper case, and what follows.
fn percent(record: &[u8], at: usize) -> Option<(String, usize)> {
    if !has(record, at, b"%") {
        return None;
    }
    let mut i = at + 1;
    for _ in 0..8 {
        if has(record, i, b"25") {
            i += 2;
        }
    }
    let digits = record.get(i..i + 2)?;
    Some((String::from_utf8_lossy(digits).to_ascii_uppercase(), i + 2))
}

/// Whether a quote ends right before `at`.
fn quote_before(record: &[u8], at: usize) -> bool {
    let before = &record[..at];
    let ends = |text: &[u8]| before.ends_with(text);
    let entity = |name: &[u8]| ends(&[b"&", name].concat()) || ends(&[b"&amp;", name].concat());
    let percent = |digits: &[u8]| (0..=8).any(|n| ends(&[&b"%"[..], &b"25".repeat(n), digits].concat()));
    [&b"\""[..], b"'", b"`", b"\\u0022", b"\\u0027"].into_iter().any(ends)
        || NAMES.iter().any(|(name, _)| entity(name))
        || percent(b"22")
        || percent(b"27")
}

fn tag_before(record: &[u8], at: usize) -> bool {
    [&b"<"[..], b"&lt;", b"amp;lt;", b"\\u003c"]
        .iter()
        .any(|text| at >= text.len() && record[at - text.len()..at].eq_ignore_ascii_case(text))
}

fn sign(record: &[u8], at: usize) -> Option<usize> {
    if has(record, at, b"=>") {
        return Some(at + 2);
    }
    if has(record, at, b"=") || has(record, at, b":") {
        return Some(at + 1);
    }
    let (digits, end) = percent(record, at)?;
    (digits == "3A" || digits == "3D").then_some(end)
}

/// `<` or `>` itself, as an entity or as an escape.
fn angle(record: &[u8], at: usize, sign: &[u8], entity: &[u8], escape: &[u8]) -> Option<usize> {
    if has(record, at, sign) {
        return Some(at + 1);
    }
    if has(record, at, b"&") {
        let i = amps(record, at + 1);
        return has(record, i, entity).then_some(i + entity.len());
    }
    let mut i = at;
    while has(record, i, b"\\") {
        i += 1;
    }
    let fits = i > at && i - at <= 16 && has_any_case(record, i, escape);
    fits.then_some(i + escape.len())
}

/// What a value is.
fn of_value(
    catalog: &Catalog,
    record: &[u8],
    start: usize,
    end: usize,
    weak: bool,
    too_long: bool,
) -> Option<Found> {
    let value = &record[start..end];
    let whole = |family: &&Family| fits(family, value, 0) == Some(value.len());
    for family in catalog.families.iter().filter(whole) {
        if !(family.prefix.is_empty() && weak) {
            return of_family(catalog, family, record, start, end, too_long);
        }
    }
    if !has_shape_of_code(value) {
        return None;
    }
    let stem = |family: &Family| format!("{}{}", family.prefix, family.separator);
    let begun = catalog
        .families
        .iter()
        .filter(|f| !f.prefix.is_empty() && !f.separator.is_empty())
        .filter(|f| value.len() > stem(f).len() && has_any_case(value, 0, stem(f).as_bytes()));
    // The first of the longest.
    let begun = begun.fold(None, |best: Option<&Family>, family| match best {
        Some(best) if stem(best).len() >= stem(family).len() => Some(best),
        _ => Some(family),
    });
    let text = String::from_utf8_lossy(value).to_ascii_uppercase();
    let (code, service) = match begun {
        Some(family) => {
            let stem = stem(family);
            (format!("{stem}{}", &text[stem.len()..]), family.service.clone())
        }
        None => {
            let parts: Vec<&str> = text.split('.').collect();
            let service = parts[..parts.len() - 1].iter().find(|part| part.len() > 1);
            (text.clone(), service.copied().unwrap_or(parts[0]).to_owned())
        }
    };
    Some(Found { code, service, category: "unknown".to_owned(), position: start, status_in_code: None })
}

fn has_shape_of_code(value: &[u8]) -> bool {
    let shape = value.len() <= 128
        && value.first().is_some_and(u8::is_ascii_alphabetic)
        && value.contains(&b'.')
        && value.len() >= 3
        && value[value.len() - 3..].iter().all(u8::is_ascii_digit);
    if !shape {
        return false;
    }
    let text = String::from_utf8_lossy(value);
    let parts: Vec<&str> = text.split('.').collect();
    let after_letters = text.rsplit(|c: char| c.is_ascii_alphabetic()).next().unwrap_or_default();
    let success = after_letters.chars().filter(char::is_ascii_digit).all(|digit| digit == '0');
    let numbered = parts.iter().filter(|part| part.ends_with(|c: char| c.is_ascii_digit())).count();
    let v = parts[0].len() > 1
        && parts[0].to_ascii_lowercase().starts_with('v')
        && parts[0][1..].chars().all(|c| c.is_ascii_digit());
    const FILES: &str = "log txt json yaml yml xml csv gz zip tar py js ts go java conf bak pdf";
    let file = parts.len() >= 3 && FILES.split(' ').any(|ending| ending == parts[parts.len() - 2]);
    !success && numbered < 3 && !v && !file
}
