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
    /// A key in quotes.
    pub quoted: bool,
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

const SLOTS: usize = 1024;

/// The roles of keys by their last letters.
#[derive(Clone, Debug)]
pub struct Hints(Box<[u8; SLOTS]>);

impl Default for Hints {
    fn default() -> Hints {
        Hints(Box::new([0; SLOTS]))
    }
}

impl Hints {
    /// Of all `keys`.
    pub fn new(keys: &Keys) -> Hints {
        let mut hints = Hints::default();
        for (key, role) in keys.all() {
            hints.0[slot(last(key.iter().rev().copied()).0)] |= bit(role);
        }
        hints
    }

    /// What `text` may have, as far as it is among the roles `wanted`.
    pub fn look(&self, text: &[u8], wanted: u8) -> May {
        let mut may = May::default();
        for at in memchr::memchr3_iter(b':', b'=', b'>', text) {
            let before = &text[..at];
            let blanks = before.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
            let key = &before[..at - blanks];
            let closing = |b: &&u8| matches!(b, b'"' | b'\'' | b'`' | b'\\' | b']' | b' ' | b'\t');
            let closed = key.iter().rev().take_while(closing).count();
            may.quoted |= closed > 0 && !key.ends_with(b"]");
            let (letters, at_sign) = last(key[..key.len() - closed].iter().rev().copied());
            // What stands behind it may be a part of the key.
            may.roles |= if at_sign { ALL } else { self.of(letters) };
            if may.quoted && may.roles & wanted == wanted {
                break;
            }
        }
        may.roles &= wanted;
        may
    }

    fn of(&self, letters: u32) -> u8 {
        // Keys of two letters, and of one, end with as many.
        self.0[slot(letters)] | self.0[slot(letters & 0xffff)] | self.0[slot(letters & 0xff)]
    }
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
    use crate::fields::paths::Paths;

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
            scan.run(text.as_bytes(), &keys, &Paths::new(&[]).expect("no paths"));
            let may = Hints::new(&keys).look(text.as_bytes(), ALL);
            for pair in &scan.pairs {
                prop_assert!(may.roles & bit(pair.role) == bit(pair.role), "{:?} in {text:?}", pair.role);
                prop_assert!(may.quoted || !pair.quoted_key, "a key in quotes in {text:?}");
            }
        }
    }

    #[test]
    fn ordinary_lines_have_none() {
        let line = b"2026-03-01 00:00:00.030 ERROR [w-36] c.e.Reporter: node failed: Error (Ecs.0011), code: 400 pod=o-3";
        let may = Hints::new(&keys()).look(line, ALL);
        assert_eq!(may, May::default());
        assert_eq!(Hints::new(&keys()).look(b"a request id : 7", ALL), May { roles: 1, quoted: false });
    }
}
