//! What nearly every place of a log is refused by: a look at the bytes around it.

use super::flexible::{Flexible, joint_before};

/// Bytes next to a `cod`, in any case. Other bytes make no key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around {
    /// Behind it.
    after: Bytes,
    /// Before it, where a key begins with it.
    first: Bytes,
    /// Letters before it, or before the joint in front of it.
    letters: Bytes,
}

/// A set of bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes([bool; 256]);

impl Default for Bytes {
    fn default() -> Bytes {
        Bytes([false; 256])
    }
}

impl Bytes {
    /// Adds a byte, a letter in both cases.
    pub(super) fn add(&mut self, byte: u8) {
        for byte in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
            self.0[usize::from(byte)] = true;
        }
    }

    #[inline]
    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte)]
    }
}

impl Around {
    pub(super) fn add(&mut self, key: &Flexible) {
        match key.words.get(key.anchor + 2) {
            Some(b' ') | None => (0..=255).for_each(|byte| self.after.add(byte)),
            Some(&byte) => self.after.add(byte),
        }
        match key.words[..key.anchor - 1] {
            // The tail of a quote or of a tag's opening; any other key only stands alone.
            [] if key.weak => b"\"'`27;<c".iter().for_each(|&byte| self.first.add(byte)),
            [] | [b' '] => (0..=255).for_each(|byte| self.first.add(byte)),
            [.., byte, b' '] | [.., byte] => self.letters.add(byte),
        }
    }

    /// Whether the `cod` whose `o` is at `place` may be of a key.
    #[inline]
    pub(super) fn allows(&self, hay: &[u8], place: usize) -> bool {
        if !hay.get(place + 2).is_some_and(|&byte| self.after.has(byte)) {
            return false;
        }
        let Some(before) = place.checked_sub(2) else { return true };
        if self.first.has(hay[before]) || self.letters.has(hay[before]) {
            return true;
        }
        let (end, _) = joint_before(hay, place - 1);
        end < place - 1 && end > 0 && self.letters.has(hay[end - 1])
    }
}

/// Whether what follows a key is written in an ordinary way, `":null`, `=0`, and too short for a
/// code: a look for most keys of a log, which lead to none.
#[inline]
pub(super) fn is_plain_and_short(behind: &[u8], least: usize) -> bool {
    let is_quote = |byte: u8| matches!(byte, b'"' | b'\'');
    // All of it is at hand but at the end of the input.
    let Some(bytes) = behind.first_chunk::<9>() else { return false };
    let mut at = usize::from(is_quote(bytes[0]));
    if !matches!(bytes[at], b':' | b'=') {
        return false;
    }
    at += 1 + usize::from(bytes[at + 1] == b' ');
    at += usize::from(is_quote(bytes[at]));
    let start = at;
    while at < bytes.len() && bytes[at].is_ascii_alphanumeric() {
        at += 1;
    }
    at > start
        && at - start < least
        && at < bytes.len()
        && matches!(bytes[at], b',' | b'}' | b'"' | b'\'' | b' ' | b'\n')
}
