//! Lines that repeat others: each is told a few times within a minute; after
//! that they are counted, and the number is told when the minute is over.
//!
//! A flood of different lines is limited as well, by a bucket for all. Lines
//! of `debug` and `trace` are not limited: whoever asks for them wants all.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use tracing::Level;

use super::lines::Line;

/// How long a line is remembered.
const WINDOW: Duration = Duration::from_secs(60);

/// How often the same line is told in that time.
const MAX_SAME: u64 = 10;

/// Different lines that are told in that time.
const MAX_ALL: u64 = 1_000;

/// Whether a line is to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Tell,
    LeaveOut,
}

/// What was logged in the last minute.
#[derive(Default)]
pub(super) struct Repeats {
    hasher: RandomState,
    /// By the hash of the line; at most [`MAX_ALL`].
    seen: HashMap<u64, Seen>,
    /// Lines that were left out because there were too many different ones.
    others: Option<Seen>,
}

struct Seen {
    since: Instant,
    told: u64,
    left_out: u64,
    line: Option<Line>,
}

impl Seen {
    fn new(since: Instant) -> Seen {
        Seen { since, told: 0, left_out: 0, line: None }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= WINDOW
    }
}

impl Repeats {
    pub(super) fn judge(&mut self, line: &Line, now: Instant) -> Verdict {
        if line.level > Level::INFO {
            return Verdict::Tell;
        }
        if self.seen.len() as u64 >= MAX_ALL {
            self.seen.retain(|_, seen| !seen.is_over(now) || seen.left_out > 0);
        }
        let key = self.hasher.hash_one((line.level.as_str(), &line.message, &line.fields));
        let full = self.seen.len() as u64 >= MAX_ALL;
        let seen = match self.seen.get_mut(&key) {
            Some(seen) => seen,
            None if full => {
                self.others.get_or_insert_with(|| Seen::new(now)).left_out += 1;
                return Verdict::LeaveOut;
            }
            None => self.seen.entry(key).or_insert_with(|| Seen::new(now)),
        };
        if seen.is_over(now) && seen.left_out == 0 {
            *seen = Seen::new(now);
        }
        if seen.told < MAX_SAME {
            seen.told += 1;
            return Verdict::Tell;
        }
        seen.left_out += 1;
        seen.line.get_or_insert_with(|| line.clone());
        Verdict::LeaveOut
    }

    /// When the next number is to be told.
    pub(super) fn next(&self) -> Option<Instant> {
        let left_out = self.seen.values().chain(&self.others).filter(|seen| seen.left_out > 0);
        left_out.map(|seen| seen.since + WINDOW).min()
    }

    /// A line with a number that is to be told now, or because it is the end.
    pub(super) fn due(&mut self, now: Instant, end: bool) -> Option<Line> {
        let is_due = |seen: &Seen| seen.left_out > 0 && (end || seen.is_over(now));
        if let Some(others) = self.others.take_if(|others| is_due(others)) {
            let number = others.left_out;
            return Some(Line::warning(format!(
                "{number} further log lines were left out: too many in a minute"
            )));
        }
        let key = self.seen.iter().find(|(_, seen)| is_due(seen)).map(|(&key, _)| key)?;
        let seen = self.seen.remove(&key)?;
        let mut line = seen.line?;
        line.message.push_str(&format!(" (repeated {} times since)", seen.left_out));
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(text: &str) -> Line {
        Line::warning(text.to_owned())
    }

    #[test]
    fn the_same_line_is_told_a_few_times_then_with_a_number() {
        let (mut repeats, start) = (Repeats::default(), Instant::now());
        let told = (0..100).filter(|_| repeats.judge(&warning("a"), start) == Verdict::Tell).count();
        assert_eq!(told as u64, MAX_SAME);
        assert_eq!(repeats.judge(&warning("b"), start), Verdict::Tell, "another line is another");
        assert!(repeats.due(start, false).is_none(), "its minute is not over");
        assert_eq!(repeats.next(), Some(start + WINDOW));
        let later = start + WINDOW;
        let line = repeats.due(later, false).expect("a number");
        assert_eq!(line.message, "a (repeated 90 times since)");
        assert!(repeats.due(later, true).is_none() && repeats.next().is_none(), "told once");
        assert_eq!(repeats.judge(&warning("a"), later), Verdict::Tell);
    }

    #[test]
    fn a_flood_of_different_lines_is_bounded_in_number_and_memory() {
        let (mut repeats, start) = (Repeats::default(), Instant::now());
        let judge = |repeats: &mut Repeats, n: u64, at| repeats.judge(&warning(&n.to_string()), at);
        let told = (0..5_000).filter(|&n| judge(&mut repeats, n, start) == Verdict::Tell).count();
        assert_eq!((told as u64, repeats.seen.len() as u64), (MAX_ALL, MAX_ALL));
        let line = repeats.due(start, true).expect("a number");
        assert!(line.message.starts_with("4000 further log lines"), "{}", line.message);
        assert_eq!(judge(&mut repeats, 9_999, start + WINDOW), Verdict::Tell);
    }
}
