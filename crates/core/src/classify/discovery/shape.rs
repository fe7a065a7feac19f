//! The shape of a value that is a code of nobody's family.

use crate::classify::MAX_CODE_BYTES;

/// What files end in that are numbered behind their ending.
const FILE_ENDINGS: [&[u8]; 18] = [
    b"log", b"txt", b"json", b"yaml", b"yml", b"xml", b"csv", b"gz", b"zip", b"tar", b"py", b"js", b"ts",
    b"go", b"java", b"conf", b"bak", b"pdf",
];

/// Bytes of the shortest one.
pub(super) const MIN_SHAPE: usize = 5;

/// A letter first, a dot, three digits last, not too long; no success, version
/// or file.
pub fn has_shape(value: &[u8]) -> bool {
    value.len() <= MAX_CODE_BYTES
        && value.first().is_some_and(u8::is_ascii_alphabetic)
        && value.contains(&b'.')
        && value.len() >= 3
        && value[value.len() - 3..].iter().all(u8::is_ascii_digit)
        && !is_success(value)
        && !is_version(value)
        && !is_file(value)
}

/// Only zeros after the last letter.
fn is_success(value: &[u8]) -> bool {
    let tail = value.iter().rev().take_while(|b| !b.is_ascii_alphabetic());
    !tail.clone().any(|b| (b'1'..=b'9').contains(b)) && tail.clone().any(|b| *b == b'0')
}

fn is_version(value: &[u8]) -> bool {
    let parts = || value.split(|&b| b == b'.');
    let numbered = parts().filter(|p| p.last().is_some_and(u8::is_ascii_digit)).count();
    let first = parts().next().unwrap_or_default();
    numbered >= 3
        || (first.len() > 1
            && first[0].eq_ignore_ascii_case(&b'v')
            && first[1..].iter().all(u8::is_ascii_digit))
}

fn is_file(value: &[u8]) -> bool {
    let mut parts = value.rsplit(|&b| b == b'.');
    let (_, ending, name) = (parts.next(), parts.next(), parts.next());
    name.is_some() && ending.is_some_and(|ending| FILE_ENDINGS.contains(&ending))
}
