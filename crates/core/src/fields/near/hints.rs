//! A quick look whether a text may have a key that matters: at the last letters before each sign that
//! a key can stand before. Most lines have none, and need not be looked through.
//!
//! It never overlooks one: [`Keys::find`] asks for all letters of a key, this for its last three.

use super::keys::{Keys, Role};

/// What may be there, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct May {
    /// Keys of these roles.
    pub roles: u8,
    /// A key in quotes that a path ends with.
    pub path: bool,
}

/// The bit of a role; none of those that only messages ask about.
pub fn bit(role: Role) -> u8 {
    match role {
        Role::Request => 1,
        Role::Trace => 2,
        Role::Level | Role::Type => 4,
        Role::Time => 8,
        Role::Message | Role::Holder | Role::Other => 0,
    }
}

const ALL: u8 = 15;

/// The bit of a key that a path ends with.
const PATH: u8 = 16;

const SLOTS: usize = 1024;

/// What keys may be by their last letters.
#[derive(Clone, Debug)]
pub struct Hints {
    /// By the last three letters, or by all of those that have fewer.
    slots: Box<[u8; SLOTS]>,
    /// By the byte before a sign: all that may end with it.
    ends: Box<[u8; 256]>,
    /// Some have fewer than three letters.
    has_short: bool,
}

impl Default for Hints {
    fn default() -> Hints {
        let mut hints = Hints { slots: Box::new([0; SLOTS]), ends: Box::new([0; 256]), has_short: false };
        for byte in 0..=u8::MAX {
            // Behind these, and `@`, the key is yet to be found.
            if is_closing(byte) || matches!(byte, b'_' | b'-' | b'.' | b'@') {
                hints.ends[usize::from(byte)] = u8::MAX;
            }
        }
        hints
    }
}

impl Hints {
    /// Of all `keys`, and of the `names` that paths end with.
    pub fn new<'p>(keys: &Keys, names: impl Iterator<Item = &'p [u8]>) -> Hints {
        let mut hints = Hints::default();
        for (key, role) in keys.all() {
            hints.add(key, bit(role));
        }
        for name in names {
            // As it stands before a quote.
            let closed = name.iter().rev().take_while(|b| is_closing(**b)).count();
            let (letters, at_sign) = last(name[..name.len() - closed].iter().rev().copied());
            if !at_sign {
                hints.slots[slot(letters)] |= PATH;
                hints.has_short |= letters <= 0xffff;
            }
        }
        hints
    }

    fn add(&mut self, key: &[u8], bit: u8) {
        let (letters, at_sign) = last(key.iter().rev().copied());
        // Before a sign, an `@` as near as that says enough.
        if !at_sign {
            self.slots[slot(letters)] |= bit;
            self.has_short |= letters <= 0xffff;
        }
        for byte in 0..=u8::MAX {
            // One that ends with no letter may end with anything.
            if letters == 0 || u32::from(byte.to_ascii_lowercase()) == letters & 0xff {
                self.ends[usize::from(byte)] |= bit;
            }
        }
    }

    /// What `text`, whose signs stand at `signs`, may have, as far as it is among the roles `wanted`
    /// or, where a `path` is wanted, a key of one.
    pub fn look(&self, text: &[u8], signs: impl Iterator<Item = usize>, wanted: u8, path: bool) -> May {
        let wanted = wanted | if path { PATH } else { 0 };
        let mut found = 0;
        if wanted == 0 {
            return May::default();
        }
        // To the end, though all may be found: nearly always something is not.
        signs.for_each(|at| {
            let before = &text[..at];
            if before.last().is_some_and(|&end| self.ends[usize::from(end)] & wanted != 0) {
                found |= self.before(before) & wanted;
            }
        });
        May { roles: found & ALL, path: found & PATH != 0 }
    }

    /// What the key may be that stands before a sign.
    #[inline]
    fn before(&self, before: &[u8]) -> u8 {
        if let [.., a, b, c] = *before
            && [a, b, c].iter().all(u8::is_ascii_alphanumeric)
        {
            return self.of(u32::from_be_bytes([0, a | 0x20, b | 0x20, c | 0x20])) & !PATH;
        }
        let blanks = before.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let key = &before[..before.len() - blanks];
        let closed = key.iter().rev().take_while(|b| is_closing(**b)).count();
        // One in quotes, or in brackets, as it may be.
        let quoted = if closed > 0 { PATH } else { 0 };
        let (letters, at_sign) = last(key[..key.len() - closed].iter().rev().copied());
        // What stands behind it may be a part of the key.
        if at_sign { ALL | quoted } else { self.of(letters) & (ALL | quoted) }
    }

    #[inline]
    fn of(&self, letters: u32) -> u8 {
        let found = self.slots[slot(letters)];
        if !self.has_short {
            return found;
        }
        // Keys of two letters, and of one, end with as many.
        found | self.slots[slot(letters & 0xffff)] | self.slots[slot(letters & 0xff)]
    }
}

/// What may stand between a key and its sign.
fn is_closing(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b']' | b' ' | b'\t')
}

/// The last three letters of a key, whose bytes come from its end, the last in the lowest byte;
/// whether there is an `@` among them.
fn last(bytes: impl Iterator<Item = u8>) -> (u32, bool) {
    let (mut letters, mut count) = (0, 0);
    for byte in bytes {
        match byte {
            b'_' | b'-' | b'.' | b' ' => {}
            b'@' => return (letters, true),
            _ if byte.is_ascii_alphanumeric() => {
                letters |= u32::from(byte.to_ascii_lowercase()) << (8 * count);
                count += 1;
                if count == 3 {
                    break;
                }
            }
            _ => break,
        }
    }
    (letters, false)
}

fn slot(letters: u32) -> usize {
    (letters.wrapping_mul(0x9e37_79b1) >> 22) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scan::Scan;
    use super::*;
    use crate::fields::paths::{Paths, Wanted};

    fn keys() -> Keys {
        let mut keys = Keys::default();
        for (name, role) in [
            ("request_id", Role::Request),
            ("x-request-id", Role::Request),
            ("traceparent", Role::Trace),
            ("@tr", Role::Trace),
            ("level", Role::Level),
            ("@l", Role::Level),
            ("ts", Role::Time),
            ("time", Role::Time),
            ("type", Role::Type),
        ] {
            keys.add(name, role, 0);
        }
        keys
    }

    fn signs(text: &[u8]) -> impl Iterator<Item = usize> {
        memchr::memchr3_iter(b':', b'=', b'>', text)
    }

    proptest! {
        #[test]
        fn no_pair_is_overlooked(
            words in prop::collection::vec(
                prop::sample::select(vec![
                    "request_id", "Request ID", "X-Request-Id", "requestid", "TRACEPARENT", "@tr", "level", "@l", "ts",
                    "log.level", "time", "type", "x", "a.b", ":", "=", "=>", ":=", " ", "\"", "'", "`", "\\\"", "<", ">",
                    "</", "[", "]", "{", "}", "(", ",", ";", "é", "1", "/", "$", "-", "_", "\\n", "\n",
                ]),
                0..14,
            )
        ) {
            let (text, keys, mut scan) = (words.concat(), keys(), Scan::default());
            let names = ["a.b", "x", "[", "\"", "é", "@l", "x.level"];
            let wanted = names.map(|name| Wanted { name: name.to_owned(), paths: vec![name.to_owned()] });
            let paths = Paths::new(&wanted).expect("good paths");
            scan.run(text.as_bytes(), &keys, &paths);
            let hints = Hints::new(&keys, paths.ends(u64::MAX));
            let may = hints.look(text.as_bytes(), signs(text.as_bytes()), ALL, true);
            for pair in &scan.pairs {
                prop_assert!(may.roles & bit(pair.role) == bit(pair.role), "{:?} in {text:?}", pair.role);
                prop_assert!(may.path || !pair.quoted_key || pair.child.is_none(), "a path in {text:?}");
            }
        }
    }

    #[test]
    fn ordinary_lines_have_none() {
        let line = b"2026-03-01 00:00:00.030 ERROR [w-36] c.e.Reporter: node failed: Error (Ecs.0011), code: 400 pod=o-3";
        let hints = Hints::new(&keys(), [&b"namespace"[..]].into_iter());
        assert_eq!(hints.look(line, signs(line), ALL, true), May::default());
        let line = b"a request id : 7, \"namespace\": 1";
        assert_eq!(hints.look(line, signs(line), ALL, true), May { roles: 1, path: true });
        assert_eq!(hints.look(line, signs(line), ALL & !1, false), May::default());
    }
}
