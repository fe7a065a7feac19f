//! Error codes in a cell: one or several, whole or damaged.

use std::collections::HashSet;

/// Longest code, in bytes.
const MAX_CODE_BYTES: usize = 80;

/// Most codes of one cell.
const MAX_CODES: usize = 200;

/// What a cell of codes holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    /// The codes.
    pub codes: Vec<String>,
    /// Whether they are not what stands there: what was repaired.
    pub repaired: bool,
    /// Statuses that stand with them.
    pub statuses: Vec<u16>,
    /// Text that stands behind a single one.
    pub text: String,
}

/// `text` with full-width characters as the narrow ones that they stand for.
pub fn narrow(text: &str) -> String {
    let one = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' | '\u{a0}' => ' ',
        c => c,
    };
    text.chars()
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}' | '\u{2060}'))
        .map(one)
        .collect()
}

/// Whether `text` is a code: a prefix with a separator and digits, a number, or a word.
pub fn is_code(text: &str) -> bool {
    is_structured(text) || is_number(text) || is_word(text)
}

/// `ABC.0001`, `ABC.M0001`, `ABC.01.400001`, `ABC-0001`, `ABC_DEF_0001`.
pub fn is_structured(text: &str) -> bool {
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let head = &text[..text.len() - digits];
    if !(2..=12).contains(&digits) || text.len() > MAX_CODE_BYTES {
        return false;
    }
    let separator = head.trim_end_matches(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit());
    let letters = &head[separator.len()..];
    let Some(prefix) = separator.strip_suffix(['.', '_', '-']) else { return false };
    // Digits in it: a module behind a dot, `01.400001`.
    let own = letters.len() <= 3 && letters.bytes().all(|b| b.is_ascii_uppercase());
    let parts = prefix.split(['.', '_', '-']);
    let starts = prefix.starts_with(|c: char| c.is_ascii_alphabetic());
    let whole = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric());
    own && starts
        && parts.clone().all(whole)
        && parts.skip(1).all(|p| p.starts_with(|c: char| c.is_ascii_alphabetic()) || p.len() <= 3)
}

/// A number alone, longer than a status.
fn is_number(text: &str) -> bool {
    (3..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// `AccessDenied`, `InvalidParameter.NotFound`, `ORA00942`.
fn is_word(text: &str) -> bool {
    text.len() <= MAX_CODE_BYTES
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// Whether a cell begins with a code that no status and no plain word looks like.
pub fn holds_code(text: &str) -> bool {
    let text = joined(&narrow(text));
    text.split(is_between).any(|p| {
        let p = p.trim_matches(|c: char| ".:()[]".contains(c));
        is_structured(p) || (is_number(p) && p.len() > 3) || is_compact(p)
    })
}

/// `E1101`, `AADSTS50034`: letters and at least two digits.
fn is_compact(text: &str) -> bool {
    let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = &text[letters..];
    letters > 0 && digits.len() >= 3 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// A code and the text behind it, where both stand in one cell.
pub fn with_text(text: &str) -> Option<(&str, &str)> {
    let end = text.find([' ', ':', '：', '(', '（', '\t', ',', '，'])?;
    let (code, rest) = text.split_at(end);
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || ":：-–—,，".contains(c));
    let is_text = rest.split_whitespace().count() >= 2 || rest.chars().filter(|c| !c.is_ascii()).count() >= 2;
    ((is_structured(code) || is_compact(code)) && is_text && !holds_code(rest)).then_some((code, rest))
}

/// Several words as one: `MaxMessageLength`.
fn is_camel(text: &str) -> bool {
    let capitals = text.bytes().filter(u8::is_ascii_uppercase).count();
    let letters = text.bytes().all(|b| b.is_ascii_alphabetic());
    letters && text.starts_with(|c: char| c.is_ascii_uppercase()) && (2..text.len()).contains(&capitals)
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || ",;/|、，；\\".contains(c)
}

/// Blanks around the separator before digits taken away: `DCS. 4855`.
fn joined(text: &str) -> String {
    let chars: Vec<char> = text.trim().chars().collect();
    let mut out = String::with_capacity(text.len());
    for (i, &c) in chars.iter().enumerate() {
        if c.is_whitespace() {
            let before = chars[..i].iter().rfind(|c| !c.is_whitespace());
            let mut rest = chars[i..].iter().filter(|c| !c.is_whitespace());
            let (next, then) = (rest.next(), rest.next());
            let digit = |c: Option<&char>| c.is_some_and(char::is_ascii_digit);
            let behind = before == Some(&'.') && digit(next) || before == Some(&'_') && digit(next);
            let ahead = before.is_some_and(char::is_ascii_alphabetic) && next == Some(&'.') && digit(then);
            if behind || ahead {
                continue;
            }
        }
        out.push(c);
    }
    out
}

/// The codes of a cell; nothing where it holds none. `forms` are forms of codes
/// that the table has elsewhere; `may_have_text` where no other cell of the row
/// has a message.
pub fn of(text: &str, forms: &HashSet<String>, may_have_text: bool) -> Option<Codes> {
    let clean = joined(&narrow(text));
    if !clean.contains(is_between)
        && !is_structured(&clean)
        && let Some(code) = glued(&clean, forms)
    {
        return Some(Codes { codes: vec![code], repaired: true, ..Codes::default() });
    }
    if let Some(codes) = listed(&clean) {
        let repaired = codes.len() == 1 && codes[0] != text;
        return Some(Codes { codes, repaired, ..Codes::default() });
    }
    if may_have_text && let Some((code, rest)) = with_text(text) {
        return Some(Codes { codes: vec![code.to_owned()], text: rest.to_owned(), ..Codes::default() });
    }
    beside(&clean)
}

/// Codes alone, with something between them.
fn listed(text: &str) -> Option<Vec<String>> {
    let mut parts: Vec<String> = Vec::new();
    for part in text.split(is_between) {
        let part = part.trim_end_matches(['.', ':']).trim_matches(|c: char| "`'\"".contains(c));
        if part.is_empty() || (!parts.is_empty() && matches!(part, "or" | "and" | "和" | "或" | "&")) {
            continue;
        }
        parts.push(part.to_owned());
        if parts.len() > MAX_CODES {
            return None;
        }
    }
    let digits = |p: &String| p.bytes().all(|b| b.is_ascii_digit());
    if parts.len() > 1 {
        let whole: String = text.split_whitespace().collect();
        let torn = !text.contains(|c: char| ",;/|、，；".contains(c)) && parts[1..].iter().all(digits);
        let stem = parts[0].trim_end_matches(|c: char| c.is_ascii_digit());
        if torn && stem.len() < parts[0].len() && !digits(&parts[0]) && is_code(&whole) {
            // `DBS.2000 12`.
            return Some(vec![whole]);
        }
        if !digits(&parts[0]) && is_structured(&parts[0]) {
            // `CCE.01429002/003`.
            let (first, own) = (parts[0].clone(), parts[0].len() - stem.len());
            for part in &mut parts[1..] {
                if digits(part) && part.len() <= own {
                    *part = format!("{}{part}", &first[..first.len() - part.len()]);
                }
            }
        }
        if let [first, second] = &parts[..]
            && !text.contains(|c: char| ",;/|、，；".contains(c))
            && is_camel(first)
            && second.starts_with(|c: char| c.is_ascii_uppercase())
            && second.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            // `MaxMessageLength Exceeded`: a long name that a narrow column has broken.
            return Some(vec![whole]);
        }
        // Words side by side are prose.
        if !parts.iter().all(|p| p.bytes().any(|b| b.is_ascii_digit())) {
            let words = text.contains(|c: char| ",;/|、，；".contains(c))
                && parts.iter().all(|p| p.len() > 3 && is_word(p));
            return (words && !text.contains(' ')).then_some(parts);
        }
    }
    let mut seen = HashSet::new();
    parts.retain(|p| seen.insert(p.clone()));
    (!parts.is_empty() && parts.iter().all(|p| is_code(p))).then_some(parts)
}

/// The last of several codes without anything between them, of a form that is
/// known: what a replacement gone wrong leaves behind.
fn glued(text: &str, forms: &HashSet<String>) -> Option<String> {
    let bytes = text.as_bytes();
    let starts =
        (1..bytes.len()).filter(|&i| bytes[i - 1].is_ascii_digit() && bytes[i].is_ascii_alphabetic());
    starts
        .map(|at| &text[at..])
        .find(|rest| is_structured(rest) && forms.contains(&form(rest)))
        .map(str::to_owned)
}

/// Codes with statuses and a few words beside them: `HTTP 404 (ABC.0001)`.
fn beside(text: &str) -> Option<Codes> {
    let mut found = Codes { repaired: true, ..Codes::default() };
    let mut words = 0;
    for part in text.split(|c: char| is_between(c) || "()[]{}<>:".contains(c)).filter(|p| !p.is_empty()) {
        let part = part.trim_end_matches('.');
        if is_structured(part) {
            if !found.codes.iter().any(|c| c == part) {
                found.codes.push(part.to_owned());
            }
        } else {
            let statuses = crate::statuses::of(part);
            words += usize::from(statuses.is_empty() && !part.is_empty());
            found.statuses.extend(statuses);
        }
    }
    (!found.codes.is_empty() && words <= 3 && found.codes.len() <= MAX_CODES).then_some(found)
}

/// A code with each digit as `N`.
pub fn form(code: &str) -> String {
    code.chars().map(|c| if c.is_ascii_digit() { 'N' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Option<Vec<String>> {
        of(text, &HashSet::from(["SVC_X_NNNNNNN".to_owned()]), false).map(|c| c.codes)
    }

    #[test]
    fn cells_of_codes() {
        for (text, found) in [
            ("Ecs.0114", &["Ecs.0114"][..]),
            ("CCI.01.400101", &["CCI.01.400101"]),
            ("DRS.M05006", &["DRS.M05006"]),
            ("SVCSTG.S2I.4000115", &["SVCSTG.S2I.4000115"]),
            ("ORA-00942", &["ORA-00942"]),
            ("DCS. 4855", &["DCS.4855"]),
            ("DCS .4855", &["DCS.4855"]),
            ("DBS.2000 12", &["DBS.200012"]),
            ("ＡＰＩＧ．0101", &["APIG.0101"]),
            ("APIG.0101.", &["APIG.0101"]),
            ("A.0001/A.0002", &["A.0001", "A.0002"]),
            ("A.0001 A.0002, A.0003", &["A.0001", "A.0002", "A.0003"]),
            ("A.0001 or A.0002", &["A.0001", "A.0002"]),
            ("CCE.01429002/003", &["CCE.01429002", "CCE.01429003"]),
            ("1101", &["1101"]),
            ("111500032", &["111500032"]),
            ("AccessDenied", &["AccessDenied"]),
            ("MaxMessageLength Exceeded", &["MaxMessageLengthExceeded"]),
            ("ABC.02001ABC.02001SVC_X_4000115", &["SVC_X_4000115"]),
            ("HTTP 404 (ABC.0001)", &["ABC.0001"]),
            ("`ABC.0001`", &["ABC.0001"]),
        ] {
            let found: Vec<String> = found.iter().map(|f| (*f).to_owned()).collect();
            assert_eq!(codes(text), Some(found), "{text}");
        }
        for text in ["", "-", "If other codes cannot be rectified, ask.", "Public errors", "a.b c.d"] {
            assert_eq!(codes(text), None, "{text}");
        }
    }

    #[test]
    fn a_code_and_its_message_in_one_cell() {
        let found = of("ABC.0001: the name is wrong", &HashSet::new(), true).expect("a code");
        assert_eq!((found.codes[0].as_str(), found.text.as_str()), ("ABC.0001", "the name is wrong"));
        assert_eq!(of("ABC.0001 (404)", &HashSet::new(), false).expect("a code").statuses, [404]);
    }
}
