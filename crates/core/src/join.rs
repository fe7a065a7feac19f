//! One error, one record: lines that continue the line before them.
//!
//! The rules are in docs/joining.md. [`step`] has them, from line to line;
//! [`stretch`] applies them to a block, where lines stand that need a look;
//! [`mod@line`] says what a line looks like. In an input of a container runtime,
//! [`runtime`] reads its wrapping and [`containers`] joins what is in it.

pub mod containers;
pub mod line;
pub mod runtime;
pub mod step;
pub mod stretch;

use std::time::Duration;

use regex_lite::Regex;

/// How lines become records: settings that a reload may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinSettings {
    /// Whether any are joined.
    pub on: bool,
    /// What the first line of a record looks like; empty for no pattern.
    pub start: String,
    /// What a line looks like that continues a record; empty for no pattern.
    pub continuation: String,
    /// How long a record waits for a line that continues it.
    pub wait: Duration,
}

impl Default for JoinSettings {
    fn default() -> JoinSettings {
        JoinSettings {
            on: true,
            start: String::new(),
            continuation: String::new(),
            wait: Duration::from_secs(1),
        }
    }
}

/// The settings made ready.
#[derive(Debug)]
pub struct Rules {
    /// Whether any lines are joined.
    pub on: bool,
    /// The operator's own patterns.
    pub patterns: Patterns,
    /// Longest record that is joined, without its last newline.
    pub max_bytes: usize,
}

impl Rules {
    /// Of settings that were checked: a pattern that cannot be read is none.
    pub fn new(settings: &JoinSettings, max_bytes: usize) -> Rules {
        let pattern = |text: &str| Some(text).filter(|t| !t.is_empty()).and_then(|t| Regex::new(t).ok());
        let patterns =
            Patterns { start: pattern(&settings.start), continuation: pattern(&settings.continuation) };
        Rules { on: settings.on, patterns, max_bytes }
    }
}

/// The operator's own patterns.
#[derive(Debug, Default)]
pub struct Patterns {
    start: Option<Regex>,
    continuation: Option<Regex>,
}

impl Patterns {
    /// Whether there is one, so that each line must be looked at.
    pub fn any(&self) -> bool {
        self.start.is_some() || self.continuation.is_some()
    }

    /// Whether a line that begins so continues a record, where a pattern says.
    fn judge(&self, head: &[u8]) -> Option<bool> {
        if !self.any() {
            return None;
        }
        let text = String::from_utf8_lossy(head);
        let matches = |pattern: &Option<Regex>| pattern.as_ref().map(|p| p.is_match(&text));
        match (matches(&self.start), matches(&self.continuation)) {
            (Some(true), _) => Some(false),
            (_, Some(true)) => Some(true),
            (Some(false), None) => Some(true),
            _ => None,
        }
    }
}
