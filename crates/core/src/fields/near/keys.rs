//! What a key near a code stands for, however it is spelled.

use std::collections::HashMap;

use super::super::Roles;
use super::super::paths::Wanted;

/// What the value of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The message of an error.
    Message,
    /// The request.
    Request,
    /// The trace.
    Trace,
    /// The level.
    Level,
    /// The time.
    Time,
    /// `type`, which is a level in events of Kubernetes.
    Type,
    /// An error as text: its message, where it holds the code.
    Holder,
    /// A status or a code: no part of a message before it.
    Other,
}

/// Longest key, in its normal spelling.
const MAX_KEY: usize = 40;

/// Longest key whose `@` is a part of it: `@l`, `@tr`.
const SHORT: usize = 3;

/// The keys that matter, in lower case and without what joins words.
#[derive(Debug, Default)]
pub struct Keys(HashMap<Box<[u8]>, (Role, u8), foldhash::fast::RandomState>);

impl Keys {
    /// The last keys of the paths of the fields that have a role.
    pub fn new(wanted: &[Wanted], roles: &Roles) -> Keys {
        let mut keys = Keys::default();
        for (slot, role) in [
            (roles.message, Role::Message),
            (roles.request, Role::Request),
            (roles.trace, Role::Trace),
            (roles.level, Role::Level),
            (roles.time, Role::Time),
        ] {
            let paths = slot.map_or(&[][..], |slot| &wanted[slot].paths);
            for (rank, path) in paths.iter().enumerate() {
                keys.add(path, role, rank as u8);
            }
        }
        for (names, role) in OTHERS {
            for name in *names {
                keys.add(name, *role, 0);
            }
        }
        keys
    }

    /// All of them, in their normal spelling.
    pub(super) fn all(&self) -> impl Iterator<Item = (&[u8], Role)> {
        self.0.iter().map(|(key, (role, _))| (&**key, *role))
    }

    pub(super) fn add(&mut self, name: &str, role: Role, rank: u8) {
        let mut buffer = [0; MAX_KEY];
        if let Some(length) = normal(&[name.as_bytes()], &mut buffer) {
            self.0.entry(buffer[..length].into()).or_insert((role, rank));
        }
    }

    /// What the key of these words stands for.
    pub fn find(&self, words: &[&[u8]]) -> Option<(Role, u8)> {
        let mut buffer = [0; MAX_KEY];
        let length = normal(words, &mut buffer)?;
        self.0.get(&buffer[..length]).copied()
    }
}

/// Keys that are nobody's field.
const OTHERS: &[(&[&str], Role)] = &[
    (&["type"], Role::Type),
    (
        &[
            "error",
            "err",
            "exception",
            "reason",
            "detail",
            "details",
            "cause",
            "stack",
            "exc_info",
            "summary",
        ],
        Role::Holder,
    ),
    (
        &[
            "code",
            "error_code",
            "err_code",
            "error_id",
            "status",
            "status_code",
            "http_status",
            "http_code",
            "http_status_code",
            "response_code",
            "error_type",
            "host_id",
            "job_id",
            "encoded_authorization_message",
            "broker",
        ],
        Role::Other,
    ),
];

/// Writes the letters and digits of `words` in lower case; the length, or
/// `None` where there are too many or none.
fn normal(words: &[&[u8]], out: &mut [u8; MAX_KEY]) -> Option<usize> {
    let mut length = 0;
    // The keys of Serilog are nothing without it.
    let short = words.iter().map(|word| word.len()).sum::<usize>() <= SHORT;
    for &byte in words.iter().flat_map(|word| word.iter()) {
        if matches!(byte, b'_' | b'-' | b'.' | b' ') || byte == b'@' && !short {
            continue;
        }
        *out.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    (length > 0).then_some(length)
}
