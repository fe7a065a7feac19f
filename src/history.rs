//! The last fifteen minutes of every code: how many hits each step of five
//! seconds brought.
//!
//! Counters only say how many there were in all. This is fed with the ledger's
//! totals at every step; memory is for codes that were counted in the last
//! fifteen minutes only, and for 2,000 of them at most: 1.4 MiB.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use errtally_core::catalog::Category;
use errtally_core::ledger::{RowKey, SourceCounts, Total};

/// From one sample to the next.
pub const STEP: Duration = Duration::from_secs(5);

/// Steps that are kept: fifteen minutes.
const STEPS: usize = 180;

/// Steps of the last minute.
const MINUTE: usize = 12;

/// Bars of a sparkline.
pub const BARS: usize = 60;

/// Steps of one bar.
const STEPS_A_BAR: u64 = (STEPS / BARS) as u64;

/// Codes that are followed at the same time; further ones have totals only.
const MOST_SERIES: usize = 2000;

/// What tells series apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Whether a catalog has it.
    pub known: bool,
    /// The code.
    pub code: String,
    /// Its service.
    pub api_service: String,
    /// Its category.
    pub category: Category,
    /// Its status, or nothing.
    pub http_status: String,
}

impl From<RowKey> for Key {
    fn from(row: RowKey) -> Key {
        let RowKey { code, api_service, category, http_status } = row;
        Key { known: true, code, api_service, category, http_status }
    }
}

/// What the last minutes brought of one code.
#[derive(Clone, Debug, PartialEq)]
pub struct Recent {
    /// Hits of the last minute, to 65 seconds; none where too many codes are
    /// followed already.
    pub last_minute: Option<u64>,
    /// The same of fifteen minutes.
    pub last_15_minutes: Option<u64>,
    /// When it was first counted in this run, in seconds since 1970, at most a
    /// step too late; 0 for never.
    pub first_seen: f64,
    /// Hits of a quarter of a minute each, the present one last.
    pub bars: Vec<u64>,
}

/// What was read in the last minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flow {
    /// Records.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records with a code.
    pub matched: u64,
    /// How long that took, in seconds: a minute, less after the start.
    pub seconds: f64,
}

/// The last minutes.
#[derive(Debug)]
pub struct History {
    /// Steps that have ended.
    steps: u64,
    series: HashMap<Key, Series>,
    /// How many series have a ring.
    rings: usize,
    /// All sources at the end of the last steps, the newest last; at first,
    /// the start.
    flow: VecDeque<(Instant, SourceCounts)>,
}

#[derive(Debug)]
struct Series {
    first_seen: f64,
    /// The count when the last step ended.
    closed: u64,
    /// The newest count.
    open: u64,
    /// Hits by step, the newest at `steps - 1`.
    ring: Option<Box<[u32; STEPS]>>,
    /// Steps since the last hit.
    idle: usize,
    /// A hit found no room for a ring since it was last idle.
    unfollowed: bool,
}

impl History {
    /// Nothing was read before `start`.
    pub fn new(start: Instant) -> History {
        let flow = VecDeque::from([(start, SourceCounts::default())]);
        History { steps: 0, series: HashMap::new(), rings: 0, flow }
    }

    /// Ends a step, with the counts of now.
    pub fn step(&mut self, now: Instant, sources: SourceCounts, totals: impl Iterator<Item = (Key, Total)>) {
        for (key, total) in totals {
            self.note(key, total);
        }
        let place = (self.steps % STEPS as u64) as usize;
        for series in self.series.values_mut() {
            let hits = series.open - series.closed;
            series.closed = series.open;
            series.idle = if hits > 0 { 0 } else { series.idle.saturating_add(1) };
            if hits > 0 && series.ring.is_none() {
                series.unfollowed = self.rings >= MOST_SERIES;
                if !series.unfollowed {
                    series.ring = Some(Box::new([0; STEPS]));
                    self.rings += 1;
                }
            }
            if let Some(ring) = &mut series.ring {
                ring[place] = u32::try_from(hits).unwrap_or(u32::MAX);
            }
            if series.idle >= STEPS {
                self.rings -= usize::from(series.ring.take().is_some());
                series.unfollowed = false;
            }
        }
        self.steps += 1;
        self.flow.push_back((now, sources));
        if self.flow.len() > MINUTE + 1 {
            self.flow.pop_front();
        }
    }

    fn note(&mut self, key: Key, total: Total) {
        if total.count > 0 {
            let first_seen = total.last_counted;
            let new = Series { first_seen, closed: 0, open: 0, ring: None, idle: 0, unfollowed: false };
            let series = self.series.entry(key).or_insert(new);
            series.open = series.open.max(total.count);
        }
    }

    /// What the last minutes brought of `key`, which is at `total` now.
    pub fn recent(&mut self, key: Key, total: Total) -> Recent {
        self.note(key.clone(), total);
        let mut bars = vec![0; BARS];
        let Some(series) = self.series.get(&key) else {
            return Recent { last_minute: Some(0), last_15_minutes: Some(0), first_seen: 0.0, bars };
        };
        if series.unfollowed {
            return Recent { last_minute: None, last_15_minutes: None, first_seen: series.first_seen, bars };
        }
        let now = series.open - series.closed;
        let (mut minute, mut quarter) = (now, now);
        let newest = self.steps / STEPS_A_BAR;
        bars[BARS - 1] += now;
        if let Some(ring) = &series.ring {
            for back in 1..=(STEPS as u64).min(self.steps) {
                let step = self.steps - back;
                let hits = u64::from(ring[(step % STEPS as u64) as usize]);
                quarter += hits;
                minute += if back <= MINUTE as u64 { hits } else { 0 };
                let bar = (newest - step / STEPS_A_BAR) as usize;
                if bar < BARS {
                    bars[BARS - 1 - bar] += hits;
                }
            }
        }
        let first_seen = series.first_seen;
        Recent { last_minute: Some(minute), last_15_minutes: Some(quarter), first_seen, bars }
    }

    /// What was read in the last minute, where all sources are at `sources`
    /// now.
    pub fn flow(&self, now: Instant, sources: SourceCounts) -> Flow {
        let Some((then, before)) = self.flow.front() else { return Flow::default() };
        Flow {
            records: sources.records - before.records,
            bytes: sources.bytes - before.bytes,
            matched: sources.matched - before.matched,
            seconds: now.duration_since(*then).as_secs_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: &str) -> Key {
        Key {
            known: true,
            code: code.to_owned(),
            api_service: "S".to_owned(),
            category: Category::Quota,
            http_status: String::new(),
        }
    }

    fn at(count: u64) -> Total {
        Total { count, late: 0, last_counted: count as f64 }
    }

    fn step(history: &mut History, totals: &[(&str, u64)]) {
        let totals = totals.iter().map(|&(code, count)| (key(code), at(count)));
        history.step(Instant::now(), SourceCounts::default(), totals);
    }

    #[test]
    fn hits_leave_the_minute_and_then_the_quarter_of_an_hour() {
        let mut history = History::new(Instant::now());
        let seen = |history: &mut History, count| {
            let recent = history.recent(key("A.1"), at(count));
            (recent.last_minute.unwrap(), recent.last_15_minutes.unwrap(), recent.bars.iter().sum::<u64>())
        };
        assert_eq!(seen(&mut history, 0), (0, 0, 0));
        assert_eq!(seen(&mut history, 7), (7, 7, 7), "before any step ends");
        step(&mut history, &[("A.1", 7)]);
        for _ in 0..11 {
            assert_eq!(seen(&mut history, 7), (7, 7, 7));
            step(&mut history, &[("A.1", 7)]);
        }
        assert_eq!(seen(&mut history, 9), (9, 9, 9), "two more, which no step has yet");
        step(&mut history, &[("A.1", 9)]);
        assert_eq!(seen(&mut history, 9), (2, 9, 9));
        for _ in 13..180 {
            step(&mut history, &[("A.1", 9)]);
        }
        assert_eq!(seen(&mut history, 9).1, 9);
        step(&mut history, &[("A.1", 9)]);
        assert_eq!(seen(&mut history, 9).1, 2);
        for _ in 0..20 {
            step(&mut history, &[("A.1", 9)]);
        }
        assert_eq!(seen(&mut history, 9), (0, 0, 0));
        assert_eq!(history.rings, 0, "what is idle takes no memory");
        assert_eq!(history.recent(key("A.1"), at(9)).first_seen, 7.0);
    }

    #[test]
    fn bars_stand_still_and_move_by_one() {
        let mut history = History::new(Instant::now());
        let mut count = 0;
        let mut before = vec![0; BARS];
        for i in 0..600u64 {
            count += i % 5;
            step(&mut history, &[("A.1", count)]);
            let bars = history.recent(key("A.1"), at(count)).bars;
            if history.steps.is_multiple_of(STEPS_A_BAR) {
                assert_eq!(bars[..BARS - 2], before[1..BARS - 1], "{i}: a new bar");
            } else {
                assert_eq!(bars[..BARS - 1], before[..BARS - 1], "{i}: only the last one grows");
            }
            before = bars;
        }
    }

    #[test]
    fn memory_is_for_so_many_codes_and_no_more() {
        let mut history = History::new(Instant::now());
        let names: Vec<String> = (0..MOST_SERIES + 10).map(|i| format!("A.{i}")).collect();
        let all: Vec<(&str, u64)> = names.iter().map(|n| (n.as_str(), 3)).collect();
        step(&mut history, &all);
        assert_eq!(history.rings, MOST_SERIES);
        let unfollowed = names.iter().filter(|n| history.recent(key(n), at(3)).last_minute.is_none()).count();
        assert_eq!(unfollowed, 10);
        for _ in 0..STEPS {
            step(&mut history, &all);
        }
        assert_eq!(history.rings, 0);
        assert_eq!(history.recent(key(&names[0]), at(3)).last_minute, Some(0));
    }
}
