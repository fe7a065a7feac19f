//! When each file is looked at, and whose turn it is to be read.
//!
//! A look is one `stat`. Files that grow are looked at four times a second,
//! others ever less often, and the more files there are the less often each:
//! looks never cost more than so many a second, spread over the time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use super::file::Followed;
use super::identity::Inode;

/// How soon a file is looked at again that grows.
const LEAST: Duration = Duration::from_millis(250);

/// How soon at the latest, where there are not too many.
const MOST: Duration = Duration::from_secs(1);

/// Looks a second at idle files, at most.
const LOOKS: u32 = 2000;

/// Files by the time of their next look, and those that have something to read.
#[derive(Debug, Default)]
pub struct Schedule {
    due: BinaryHeap<Reverse<(Instant, Inode)>>,
    ready: VecDeque<Inode>,
}

impl Schedule {
    /// `file`, one of `files`, is looked at again soon where it was `active`,
    /// else later than the last time; in any case by `latest`.
    pub fn later(
        &mut self,
        file: &mut Followed,
        active: bool,
        files: usize,
        latest: Option<Instant>,
        now: Instant,
    ) {
        let most = MOST.max(Duration::from_secs(1) * u32::try_from(files).unwrap_or(u32::MAX) / LOOKS);
        file.interval = if active { LEAST } else { (file.interval * 2).clamp(LEAST, most) };
        let due = now + file.interval;
        self.at(file, latest.map_or(due, |latest| due.min(latest)));
    }

    /// `file`, which is new, is looked at within the longest interval: those
    /// that come together do not stay together.
    pub fn spread(&mut self, file: &mut Followed, now: Instant) {
        file.interval = MOST;
        let share = (file.inode.number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as u32;
        self.at(file, now + MOST * share / 1024);
    }

    fn at(&mut self, file: &mut Followed, due: Instant) {
        file.due = due;
        self.due.push(Reverse((due, file.inode)));
    }

    /// `file` has something to read.
    pub fn ready(&mut self, file: &mut Followed) {
        if !file.queued {
            file.queued = true;
            self.ready.push_back(file.inode);
        }
    }

    /// A file whose look is due, and when it was.
    pub fn next_look(&mut self, now: Instant) -> Option<(Instant, Inode)> {
        let Reverse((due, inode)) = *self.due.peek()?;
        if due > now {
            return None;
        }
        self.due.pop();
        Some((due, inode))
    }

    /// The file whose turn it is.
    pub fn next_turn(&mut self) -> Option<Inode> {
        self.ready.pop_front()
    }

    /// Whether a file waits for its turn.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// When the next look is due.
    pub fn until(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((due, _))| *due)
    }
}
