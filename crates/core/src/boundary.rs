//! What may stand before and after a code: pure functions on bytes.

/// `[A-Za-z0-9_]`.
#[inline]
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Most bytes between `[` and the end of a terminal sequence.
const MAX_PARAMETERS: usize = 48;

/// Most bytes of a path that are looked at before a candidate.
const MAX_PATH: usize = 256;

/// Bytes before a candidate that decide about it: a path and what stands
/// before that; all else is shorter. A reader that cuts a record into windows
/// keeps at least this much before a candidate.
pub const LEFT_CONTEXT: usize = MAX_PATH + 2;

/// Most backslashes before a quote or behind a folder.
const MAX_SLASHES: usize = 16;

/// Most blanks that a line begins with before a key.
const MAX_INDENT: usize = 64;

/// Bytes after a candidate that decide about it: the quotes of a key and of its
/// value, all escaped, and the sign between them.
pub const RIGHT_CONTEXT: usize = 2 * (MAX_SLASHES + 1) + 4 + 1;

const _: () = assert!(LEFT_CONTEXT > MAX_PARAMETERS + 16);
const _: () = assert!(LEFT_CONTEXT > MAX_SLASHES + MAX_INDENT + 4);

/// Why a left boundary holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// The record starts here.
    Start,
    /// A byte that can be in no name.
    Separator,
    /// A dot that joins no name.
    LooseDot,
    /// The tail of an escape.
    Escape,
}

/// The left boundary of what starts at `at`, or `None` where a longer name
/// goes on to the left.
#[inline]
pub fn left(hay: &[u8], at: usize) -> Option<Left> {
    let Some(before) = at.checked_sub(1) else {
        return Some(Left::Start);
    };
    let byte = hay[before];
    if byte == b'.' {
        let joined = before > 0 && is_word(hay[before - 1]);
        return (!joined).then_some(Left::LooseDot);
    }
    if !is_word(byte) && byte != b'-' {
        return Some(Left::Separator);
    }
    escape_ends(hay, at).then_some(Left::Escape)
}

/// Whether the bytes before `at` end an escape: of a string (`\n`,
/// `\u003c`), of a URL (`%3D`), of Markdown (`\_`), of a terminal (`ESC[31m`).
pub fn escape_ends(hay: &[u8], at: usize) -> bool {
    let head = &hay[..at];
    match head {
        [.., b'\\', b'n' | b't' | b'r' | b'b' | b'f' | b'_' | b'-'] => true,
        [.., b'\\', b'u', a, b, c, d] if [a, b, c, d].iter().all(|x| x.is_ascii_hexdigit()) => true,
        [.., b'\\', b'x', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [head @ .., a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() && percent_ends(head) => true,
        _ => terminal_ends(head),
    }
}

/// Most times that a percent sign may have been escaped again.
pub const MAX_PERCENT_DEPTH: usize = 8;

/// Whether `head` ends with `%` and any number of `25`.
fn percent_ends(mut head: &[u8]) -> bool {
    for _ in 0..=MAX_PERCENT_DEPTH {
        match head {
            [.., b'%'] => return true,
            [rest @ .., b'2', b'5'] => head = rest,
            _ => return false,
        }
    }
    false
}

/// How ESC is written.
const ESCAPES: [&[u8]; 9] =
    [b"\x1b", b"\\u001b", b"\\u{1b}", b"\\x1b", b"\\033", b"\\e", b"#033", b"^[", b"%1b"];

/// Whether `head` ends with a terminal sequence.
fn terminal_ends(head: &[u8]) -> bool {
    let Some((&last, head)) = head.split_last() else { return false };
    if last.is_ascii_alphanumeric() && head.strip_suffix(b"(").is_some_and(escape_byte_ends) {
        return true;
    }
    if !(0x40..=0x7e).contains(&last) {
        return false;
    }
    let parameters =
        head.iter().rev().take(MAX_PARAMETERS + 1).take_while(|b| (0x20..=0x3f).contains(*b)).count();
    parameters <= MAX_PARAMETERS
        && head[..head.len() - parameters].strip_suffix(b"[").is_some_and(escape_byte_ends)
}

fn escape_byte_ends(head: &[u8]) -> bool {
    let ends = |e: &[u8]| head.len() >= e.len() && head[head.len() - e.len()..].eq_ignore_ascii_case(e);
    ESCAPES.iter().any(|e| ends(e))
}

/// The length of the terminal sequence at `at`, or 0.
pub fn terminal(hay: &[u8], at: usize) -> usize {
    let rest = &hay[at.min(hay.len())..];
    let starts = |e: &&&[u8]| rest.len() >= e.len() && rest[..e.len()].eq_ignore_ascii_case(e);
    let Some(escape) = ESCAPES.iter().find(starts) else { return 0 };
    match &rest[escape.len()..] {
        [b'[', parameters @ ..] => {
            let length =
                parameters.iter().take(MAX_PARAMETERS + 1).take_while(|b| (0x20..=0x3f).contains(*b)).count();
            let ends = parameters.get(length).is_some_and(|b| (0x40..=0x7e).contains(b));
            if length <= MAX_PARAMETERS && ends { escape.len() + 1 + length + 1 } else { 0 }
        }
        [b'(', set, ..] if set.is_ascii_alphanumeric() => escape.len() + 2,
        _ => 0,
    }
}

/// Whether a code may end just before `at`.
#[inline]
pub fn right(hay: &[u8], at: usize) -> bool {
    match hay.get(at) {
        None => true,
        Some(b'.') => !hay.get(at + 1).is_some_and(|&b| is_word(b)),
        Some(&byte) => !is_word(byte),
    }
}

/// Whether what starts at `at` stands in a path.
#[inline]
pub fn in_path(hay: &[u8], at: usize) -> bool {
    let head = &hay[..at];
    match head.last() {
        Some(b'/') => path_ends(head),
        Some(b'\\') => folder_ends(head),
        Some(b':') => scheme_ends(head),
        _ => false,
    }
}

/// `C:\logs\`, `..\\`: what stands before the backslashes is no quote.
#[cold]
fn folder_ends(head: &[u8]) -> bool {
    let slashes = head.iter().rev().take_while(|&&b| b == b'\\').count();
    let before = head[..head.len() - slashes.min(MAX_SLASHES + 1)].last();
    slashes <= MAX_SLASHES && before.is_some_and(|&b| is_word(b) || matches!(b, b'.' | b':' | b'-'))
}

/// `file:`
fn scheme_ends(head: &[u8]) -> bool {
    let Some(start) = head.len().checked_sub(5) else { return false };
    head[start..].eq_ignore_ascii_case(b"file:") && !head[..start].last().is_some_and(|&b| is_word(b))
}

fn path_ends(head: &[u8]) -> bool {
    let in_run = |b: &&u8| b.is_ascii_alphanumeric() || b"_.~%+@/-".contains(b);
    let run = head.iter().rev().take(MAX_PATH).take_while(in_run).count();
    let (before, run) = head.split_at(head.len() - run);
    if run.iter().filter(|&&b| b == b'/').count() >= 2 {
        return true;
    }
    let absolute = [&b"/"[..], b"./", b"../", b"~/"].iter().any(|start| run.starts_with(start));
    let opens = |b: &u8| b" \t\n\r\"'`=:([<,>".contains(b);
    absolute && (run.len() == MAX_PATH || before.last().is_none_or(opens))
}

/// Whether what stands from `start` to `end` names a text of a catalog of texts:
/// a key whose value is a text between quotes, or what a line of `name=text`
/// begins with.
#[inline]
pub fn is_entry(hay: &[u8], start: usize, end: usize) -> bool {
    match hay.get(end) {
        Some(b'"' | b'\'' | b'\\') => is_quoted_entry(hay, start, end),
        Some(b'=' | b' ' | b'\t') => is_line_entry(hay, start, end),
        _ => false,
    }
}

/// `{"CODE":"`, `, 'CODE' => '`.
fn is_quoted_entry(hay: &[u8], start: usize, end: usize) -> bool {
    let slashes = |bytes: &[u8]| bytes.iter().take(MAX_SLASHES + 1).take_while(|&&b| b == b'\\').count();
    let depth = slashes(&hay[end..]);
    let Some(&mark @ (b'"' | b'\'')) = hay.get(end + depth) else { return false };
    // What most codes between quotes fail at comes first: they are values.
    let blank = |at: usize| at + usize::from(hay.get(at) == Some(&b' '));
    let sign = blank(end + depth + 1);
    let value = match hay.get(sign..) {
        Some([b'=', b'>', ..]) => blank(sign + 2),
        Some([b':', ..]) => blank(sign + 1),
        _ => return false,
    };
    let [head @ .., before] = &hay[..start] else { return false };
    let own = head.iter().rev().take(MAX_SLASHES + 1).take_while(|&&b| b == b'\\').count();
    if *before != mark || own != depth || depth > MAX_SLASHES || !opens_entry(&head[..head.len() - own]) {
        return false;
    }
    slashes(&hay[value.min(hay.len())..]) == depth && hay.get(value + depth) == Some(&mark)
}

/// Whether a key may begin behind `head`: a brace, a comma, a line.
fn opens_entry(head: &[u8]) -> bool {
    match without_blanks(head) {
        [.., b'{' | b',' | b'[' | b'\n'] | [] => true,
        head => head.ends_with(b"\\n"),
    }
}

/// `CODE=text` where a line begins.
fn is_line_entry(hay: &[u8], start: usize, end: usize) -> bool {
    let blanks = hay[end..].iter().take(8).take_while(|b| is_blank(**b)).count();
    matches!(hay[end + blanks..], [b'=', ref rest @ ..] if !matches!(rest, [b'=' | b'>', ..]))
        && matches!(without_blanks(&hay[..start]), [] | [.., b'\n'])
}

fn without_blanks(head: &[u8]) -> &[u8] {
    let blanks = head.iter().rev().take(MAX_INDENT).take_while(|b| is_blank(**b)).count();
    &head[..head.len() - blanks]
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Whether `start..end` is part of a host or an address: in small letters with
/// a port or a version, or behind `@`.
#[inline]
pub fn in_host(hay: &[u8], start: usize, end: usize) -> bool {
    let behind_at = matches!(hay[..start], [.., before, b'@'] if is_word(before));
    behind_at || (hay.get(end) == Some(&b':') && has_port(hay, start, end))
}

fn has_port(hay: &[u8], start: usize, end: usize) -> bool {
    let digits = hay[end + 1..].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
    let behind = &hay[end + 1 + digits..];
    let port = (2..=5).contains(&digits) && !behind.first().is_some_and(|&b| is_word(b));
    // `as.1234:1.0.0` is an artefact.
    let version = digits == 1 && matches!(behind, [b'.', digit, ..] if digit.is_ascii_digit());
    (port || version) && !hay[start..end].iter().any(u8::is_ascii_uppercase)
}
