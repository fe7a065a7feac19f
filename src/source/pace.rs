//! When to wait a little before the next read, so that it brings more.
//!
//! A program that writes line by line wakes its reader for each, and waking
//! costs many times what a line does. Between a trickle, where each read is
//! worth its while, and a flood, where reads are large by themselves, reading
//! every few milliseconds costs next to nothing and is as good.

use std::time::{Duration, Instant};

/// How long to wait.
pub(super) const PAUSE: Duration = Duration::from_millis(10);

/// Reads within a pause's length from which on waiting pays.
const MANY_READS: u32 = 8;

/// Bytes within it from which on reads are large by themselves.
const FLOOD_BYTES: usize = 128 << 10;

/// Bytes within it up to which nothing is gained.
const TRICKLE_BYTES: usize = 1 << 10;

/// Watches the reads of one input.
#[derive(Debug)]
pub(super) struct Pace {
    /// Since when the following are counted.
    since: Instant,
    reads: u32,
    bytes: usize,
    pausing: bool,
    flood_bytes: usize,
}

impl Pace {
    /// For an input that holds `room` bytes for its reader.
    pub fn new(now: Instant, room: usize) -> Pace {
        // The writer must not have to wait for us.
        Pace { since: now, reads: 0, bytes: 0, pausing: false, flood_bytes: FLOOD_BYTES.min(room / 2) }
    }

    /// Takes a read that brought `bytes`; whether to wait before the next.
    pub fn after(&mut self, bytes: usize, now: impl FnOnce() -> Instant) -> bool {
        if self.pausing {
            // Each read brings what came in one pause.
            self.pausing = (TRICKLE_BYTES..self.flood_bytes).contains(&bytes);
            if !self.pausing {
                self.since = now();
            }
            return self.pausing;
        }
        self.reads += 1;
        self.bytes += bytes;
        if self.bytes >= self.flood_bytes {
            (self.reads, self.bytes) = (0, 0);
            // A flood costs no look at the clock for each read.
            self.since = now();
        } else if self.reads >= MANY_READS {
            let now = now();
            self.pausing = now.duration_since(self.since) <= PAUSE;
            (self.since, self.reads, self.bytes) = (now, 0, 0);
        }
        self.pausing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of `count` reads are followed by a pause, each of `bytes` and
    /// `apart` after the one before or after the pause.
    fn pauses(pace: &mut Pace, count: u32, bytes: usize, apart: Duration, clock: &mut Instant) -> u32 {
        let mut paused = 0;
        for _ in 0..count {
            *clock += apart;
            paused += u32::from(pace.after(bytes, || *clock));
        }
        paused
    }

    const ROOM: usize = 1 << 20;

    #[test]
    fn waits_for_what_comes_line_by_line_and_quickly() {
        let mut clock = Instant::now();
        let mut pace = Pace::new(clock, ROOM);
        assert_eq!(pauses(&mut pace, 7, 290, Duration::from_micros(100), &mut clock), 0);
        assert_eq!(pauses(&mut pace, 1, 290, Duration::from_micros(100), &mut clock), 1);
        // What came in a pause.
        assert_eq!(pauses(&mut pace, 50, 29_000, PAUSE, &mut clock), 50);
        // It stops: the next line does not wait.
        assert_eq!(pauses(&mut pace, 3, 290, Duration::from_secs(1), &mut clock), 0);
    }

    #[test]
    fn waits_neither_for_a_trickle_nor_for_a_flood() {
        let mut clock = Instant::now();
        let mut pace = Pace::new(clock, ROOM);
        assert_eq!(pauses(&mut pace, 100, 290, Duration::from_millis(2), &mut clock), 0);
        assert_eq!(pauses(&mut pace, 1000, 64 << 10, Duration::from_micros(30), &mut clock), 0);
        // A burst after line by line.
        pauses(&mut pace, 8, 290, Duration::from_micros(100), &mut clock);
        assert_eq!(pauses(&mut pace, 100, 256 << 10, Duration::from_micros(100), &mut clock), 0);
        // A pipe that is full after each pause.
        let mut pace = Pace::new(clock, 64 << 10);
        pauses(&mut pace, 8, 290, Duration::from_micros(100), &mut clock);
        assert_eq!(pauses(&mut pace, 100, 64 << 10, PAUSE, &mut clock), 0);
    }
}
