//! What a source has refused, by kind.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counts of one source.
#[derive(Debug, Default)]
pub struct Refused(Mutex<BTreeMap<&'static str, u64>>);

impl Refused {
    /// With these kinds at zero, so that the first of each is seen to come.
    pub fn new(kinds: &[&'static str]) -> Refused {
        Refused(Mutex::new(kinds.iter().map(|kind| (*kind, 0)).collect()))
    }

    /// One more.
    pub fn add(&self, kind: &'static str) {
        self.add_many(kind, 1);
    }

    /// So many more.
    pub fn add_many(&self, kind: &'static str, count: u64) {
        if count > 0 {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += count;
        }
    }

    /// All kinds and how often.
    pub fn all(&self) -> Vec<(&'static str, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(kind, count)| (*kind, *count)).collect()
    }
}
