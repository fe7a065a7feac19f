//! What stands before all else in some lines: the priority of syslog, the client of an access log, the
//! marks of build servers.

use super::head::MAX_BYTES;
use crate::fields::level;

/// `<34>` and `<165>1 ` of syslog, `<3>` of sd-daemon: its level and where that stands, and where the line goes on.
pub fn priority(line: &[u8]) -> (Option<(&'static str, usize)>, usize) {
    let blanks = line.iter().take_while(|&&b| b == b' ').count();
    let [b'<', rest @ ..] = &line[blanks..] else { return (None, blanks) };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if !(1..=3).contains(&digits) || rest.get(digits) != Some(&b'>') {
        return (None, 0);
    }
    let number = rest[..digits].iter().fold(0usize, |n, b| n * 10 + usize::from(b - b'0'));
    let end = blanks + digits + 2;
    let end = if line[end..].starts_with(b"1 ") { end + 2 } else { end };
    (Some((level::syslog(number % 8), blanks)), end)
}

/// The bytes of host, identity and user of an access log, which a time in brackets follows:
/// `203.0.113.9 - alice [12/Jun/2026:09:00:12 +0800]`.
pub fn access(line: &[u8]) -> usize {
    let mut at = 0;
    for _ in 0..3 {
        let Some(length) = blank(&line[at..]).filter(|&length| length > 0) else { return 0 };
        at += length + 1;
    }
    match line[at..] {
        [b'[', a, b, b'/', ..] if a.is_ascii_digit() && b.is_ascii_digit() => at,
        _ => 0,
    }
}

/// Where the first blank stands, if it does among the first bytes.
fn blank(text: &[u8]) -> Option<usize> {
    let text = &text[..text.len().min(MAX_BYTES)];
    let (steps, rest) = text.as_chunks::<8>();
    for (i, step) in steps.iter().enumerate() {
        // The lowest bit that is set belongs to the first byte that is a blank.
        let other = u64::from_le_bytes(*step) ^ u64::from_ne_bytes([b' '; 8]);
        let none = other.wrapping_sub(0x0101_0101_0101_0101) & !other & 0x8080_8080_8080_8080;
        if none != 0 {
            return Some(8 * i + none.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|&b| b == b' ').map(|at| 8 * steps.len() + at)
}

/// The level of what build servers make notes of (`::error file=main.tf::`, `##[warning]`,
/// `##vso[task.logissue type=error;...]`), and where it is.
pub fn annotation(line: &[u8]) -> Option<(&'static str, usize)> {
    [&b"::"[..], b"##[", b"##vso[task.logissue type="].iter().find_map(|start| {
        let rest = line.strip_prefix(*start)?;
        let word = rest.iter().take(16).take_while(|b| b.is_ascii_lowercase()).count();
        let ends = matches!(rest.get(word), Some(b' ' | b':' | b']' | b';'));
        let level = level::named(&rest[..word]).filter(|_| ends && word > 2)?;
        Some((level, start.len()))
    })
}
