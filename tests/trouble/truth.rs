//! What was written, what events have told, and what of that is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// One record in so many has a code.
pub const CODED: u64 = 16;

pub const PARTITIONS: u64 = 4;

/// Shared by all.
pub struct Truth {
    topics: Mutex<BTreeMap<String, Topic>>,
    retired: Mutex<BTreeSet<String>>,
    problems: Mutex<Vec<String>>,
    incidents: Mutex<BTreeMap<&'static str, u64>>,
    since: Instant,
    /// Whether a topic is missing something: then more trouble would only hide it.
    pub failed: AtomicBool,
    pub written: AtomicU64,
    pub told: AtomicU64,
    pub doubled: AtomicU64,
    /// The most events in a second, and those of the present one.
    busiest: Mutex<(u64, Instant, u64)>,
    pub peak_memory: AtomicU64,
    /// By topic and partition, what expired before it was counted.
    gaps: Mutex<BTreeMap<(String, u64), Gap>>,
    /// By topic and partition, what the logs of instances say was skipped.
    skipped: Mutex<BTreeMap<(String, u64), u64>>,
    /// Topics and partitions that instances say they went on in elsewhere, with an unknown number of records missed.
    resets: Mutex<BTreeSet<(String, u64)>>,
    pub scrapes: AtomicU64,
    pub lags: AtomicU64,
}

/// What is missing of a partition whose records have expired.
struct Gap {
    /// At least so many records were not counted.
    records: u64,
    /// Offsets below this one had expired.
    expired: u64,
}

struct Topic {
    /// By partition, the offset below which records have expired, or may have.
    expired: Vec<u64>,
    /// By partition, how often each record with a code was told.
    seen: Vec<Vec<u8>>,
    /// Records of each partition, once all are written.
    records: Option<u64>,
    progress: Instant,
}

impl Default for Truth {
    fn default() -> Truth {
        Truth {
            topics: Mutex::default(),
            retired: Mutex::default(),
            problems: Mutex::default(),
            incidents: Mutex::default(),
            since: Instant::now(),
            failed: AtomicBool::new(false),
            written: AtomicU64::new(0),
            told: AtomicU64::new(0),
            doubled: AtomicU64::new(0),
            busiest: Mutex::new((0, Instant::now(), 0)),
            peak_memory: AtomicU64::new(0),
            gaps: Mutex::default(),
            skipped: Mutex::default(),
            resets: Mutex::default(),
            scrapes: AtomicU64::new(0),
            lags: AtomicU64::new(0),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a topic lacks.
#[derive(Debug)]
pub enum Drained {
    Yes,
    /// So many events are missing, and none came for so long.
    Not(u64, std::time::Duration),
}

impl Truth {
    pub fn say(&self, words: &str) {
        println!("{:7.1} s  {words}", self.since.elapsed().as_secs_f64());
    }

    /// Something that may double events, or that took place.
    pub fn incident(&self, kind: &'static str) {
        *lock(&self.incidents).entry(kind).or_default() += 1;
    }

    pub fn problem(&self, words: String) {
        self.say(&format!("PROBLEM: {words}"));
        lock(&self.problems).push(words);
    }

    pub fn begin(&self, topic: &str) {
        let seen = vec![Vec::new(); PARTITIONS as usize];
        let expired = vec![0; PARTITIONS as usize];
        let new = Topic { expired, seen, records: None, progress: Instant::now() };
        lock(&self.topics).insert(topic.to_owned(), new);
    }

    /// The topics that there are.
    pub fn topics(&self) -> Vec<String> {
        lock(&self.topics).keys().cloned().collect()
    }

    /// Records of a partition below `before` expire, or may: what of them is missing must be told.
    pub fn expires(&self, topic: &str, partition: u64, before: u64) {
        if let Some(topic) = lock(&self.topics).get_mut(topic) {
            let expired = &mut topic.expired[partition as usize];
            *expired = before.max(*expired);
        }
    }

    /// The log of an instance that has ended: what it says that it skipped.
    pub fn read_log(&self, log: &str) {
        let mut skipped = lock(&self.skipped);
        for line in log.lines().filter(|line| line.contains("goes on at this offset")) {
            let field = |name: &str| {
                let rest = line.split_once(&format!(" {name}="))?.1;
                rest.split_whitespace().next().map(|value| value.trim_matches('"'))
            };
            let number = |name: &str| field(name).and_then(|value| value.parse::<u64>().ok());
            match (field("topic"), number("partition"), number("skipped")) {
                (Some(topic), Some(partition), Some(0)) => {
                    lock(&self.resets).insert((topic.to_owned(), partition));
                }
                (Some(topic), Some(partition), Some(records)) => {
                    *skipped.entry((topic.to_owned(), partition)).or_default() += records;
                }
                _ => self.problem(format!("a line that cannot be read: {line}")),
            }
        }
    }

    /// All of a topic is written: so many records in each partition.
    pub fn all_written(&self, topic: &str, records: u64) {
        if let Some(topic) = lock(&self.topics).get_mut(topic) {
            topic.records = Some(records);
            topic.progress = Instant::now();
        }
    }

    /// A topic is drained and deleted; an instance that was frozen may still tell what it had of it.
    pub fn retire(&self, topic: &str) {
        let removed = lock(&self.topics).remove(topic);
        if let Some(removed) = removed {
            for (partition, seen) in removed.seen.iter().enumerate() {
                let expired = removed.expired[partition];
                let places = expired.div_ceil(CODED) as usize;
                let missing = (0..places).filter(|at| seen.get(*at).is_none_or(|n| *n == 0)).count() as u64;
                // Between two records with a code are others that were not counted either.
                let records = missing.saturating_sub(1) * CODED + missing.min(1);
                if expired > 0 {
                    lock(&self.gaps).insert((topic.to_owned(), partition as u64), Gap { records, expired });
                }
            }
        }
        lock(&self.retired).insert(topic.to_owned());
    }

    /// An event of the record at this place.
    pub fn event(&self, topic: &str, partition: u64, offset: u64) {
        let now = Instant::now();
        self.told.fetch_add(1, Ordering::Relaxed);
        {
            let mut busiest = lock(&self.busiest);
            if now.duration_since(busiest.1).as_secs() >= 1 {
                *busiest = (busiest.0.max(busiest.2), now, 0);
            }
            busiest.2 += 1;
        }
        let mut topics = lock(&self.topics);
        let Some(topic) = topics.get_mut(topic) else {
            drop(topics);
            if lock(&self.retired).contains(topic) {
                self.doubled.fetch_add(1, Ordering::Relaxed);
            } else {
                self.problem(format!("an event of {topic}, which nobody wrote"));
            }
            return;
        };
        if !offset.is_multiple_of(CODED) {
            drop(topics);
            self.problem(format!("an event of a record without a code, at {offset}"));
            return;
        }
        topic.progress = now;
        let seen = &mut topic.seen[partition as usize];
        let at = (offset / CODED) as usize;
        if seen.len() <= at {
            seen.resize(at + 1, 0);
        }
        if seen[at] > 0 {
            self.doubled.fetch_add(1, Ordering::Relaxed);
        }
        seen[at] = seen[at].saturating_add(1);
    }

    /// Whether each event of a topic has come.
    pub fn drained(&self, topic: &str) -> Drained {
        let topics = lock(&self.topics);
        let Some(topic) = topics.get(topic) else { return Drained::Yes };
        let Some(records) = topic.records else { return Drained::Not(u64::MAX, topic.progress.elapsed()) };
        let wanted = records.div_ceil(CODED) as usize;
        let missing = |(seen, expired): (&Vec<u8>, &u64)| {
            let from = (expired.div_ceil(CODED) as usize).min(wanted);
            (from..wanted).filter(|at| seen.get(*at).is_none_or(|n| *n == 0)).count()
        };
        match topic.seen.iter().zip(&topic.expired).map(missing).sum::<usize>() as u64 {
            0 => Drained::Yes,
            n => Drained::Not(n, topic.progress.elapsed()),
        }
    }

    /// The places of some events that are missing.
    pub fn missing(&self, topic: &str) -> String {
        let topics = lock(&self.topics);
        let Some(topic) = topics.get(topic) else { return String::new() };
        let wanted = topic.records.unwrap_or(0).div_ceil(CODED) as usize;
        let ranges = topic.seen.iter().enumerate().map(|(partition, seen)| {
            let at: Vec<usize> = (0..wanted).filter(|at| seen.get(*at).is_none_or(|n| *n == 0)).collect();
            match (at.first(), at.last()) {
                (Some(first), Some(last)) => format!(
                    "{} of partition {partition}, offsets {} to {}; ",
                    at.len(),
                    *first as u64 * CODED,
                    *last as u64 * CODED
                ),
                _ => String::new(),
            }
        });
        ranges.collect()
    }

    /// Tells what was found. Whether that is nothing.
    pub fn report(&self) -> bool {
        let number = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let busiest = {
            let busiest = lock(&self.busiest);
            busiest.0.max(busiest.2)
        };
        let incidents = lock(&self.incidents).clone();
        // What may be counted again at each: a second's, the commit interval, twice for the time that a commit
        // takes; and what waits for a sink that is blocked, a mebibyte in the queue and one in the pipe.
        let doubling: u64 = incidents.iter().filter(|(kind, _)| kind.contains('*')).map(|(_, n)| n).sum();
        let bound = doubling * (2 * busiest + 2 * (1 << 20) / 200);
        println!("\nafter {} s:", self.since.elapsed().as_secs());
        incidents.iter().for_each(|(kind, n)| println!("  {n:5} x {kind}"));
        println!("  records written: {}", number(&self.written));
        println!("  events: {}, the most in a second {busiest}", number(&self.told));
        println!(
            "  told more than once: {}, the bound {bound} ({doubling} incidents marked *)",
            number(&self.doubled)
        );
        println!(
            "  most memory of an instance: {:.1} MiB",
            number(&self.peak_memory) as f64 / f64::from(1 << 20)
        );
        println!(
            "  scrapes: {}, lags compared with the truth: {}",
            number(&self.scrapes),
            number(&self.lags)
        );
        self.report_gaps();
        if number(&self.doubled) > bound {
            self.problem("more events were told twice than the bound allows".to_owned());
        }
        let problems = lock(&self.problems);
        println!("  problems: {}", problems.len());
        problems.iter().take(50).for_each(|p| println!("    {p}"));
        problems.is_empty()
    }

    /// Whether each record that is missing was told of, and nothing else was.
    fn report_gaps(&self) {
        let (gaps, skipped) = (lock(&self.gaps), lock(&self.skipped));
        let missing: u64 = gaps.values().map(|gap| gap.records).sum();
        let told: u64 = skipped.values().sum();
        println!("  records that expired uncounted: at least {missing}; told as skipped: {told}");
        for (place, gap) in gaps.iter() {
            let told = skipped.get(place).copied().unwrap_or(0);
            // Where the group had no offset, how many there were is not known to anybody but this test.
            let reset = lock(&self.resets).contains(place);
            if told < gap.records && !reset {
                self.problem(format!(
                    "{} partition {} lacks at least {} records that expired (below {}), told are {told}",
                    place.0, place.1, gap.records, gap.expired
                ));
            }
        }
        for (place, told) in skipped.iter().filter(|(_, told)| **told > 0) {
            let expired = gaps.get(place).map_or(0, |gap| gap.expired);
            if expired == 0 {
                self.problem(format!("{} of {place:?} are told as skipped, and nothing had expired", told));
            }
        }
    }

    /// The most records that a partition of an active topic may hold; none for others.
    pub fn records_of(&self, topic: &str) -> Option<u64> {
        lock(&self.topics).get(topic).map(|t| t.records.unwrap_or(u64::MAX))
    }

    pub fn active(&self) -> usize {
        lock(&self.topics).len()
    }
}
