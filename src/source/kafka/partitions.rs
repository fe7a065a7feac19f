//! What is known of partitions: those that are owned, how far each is counted
//! and where it ends, and what was skipped.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::error::RDKafkaErrorCode;

use super::admin::{Place, TopicId};

/// How old the last answer about a partition may be: what is known of it then
/// is not shown as if it held now.
const STALE: Duration = Duration::from_secs(10);

/// Partitions of this instance, now and before.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    owned: BTreeMap<Place, Owned>,
    /// By partition, owned or not, the offset behind the last record that was
    /// counted here.
    positions: BTreeMap<Place, i64>,
    /// By partition, what the broker has taken from here.
    committed: BTreeMap<Place, i64>,
    /// What topics were, when they were last asked for.
    topics: BTreeMap<String, TopicId>,
    /// By topic; it stays when no partition is owned any more.
    gaps: BTreeMap<String, Gaps>,
}

/// A partition that is owned now.
#[derive(Clone, Debug)]
struct Owned {
    /// The offset of the next record to count; none while it is not known.
    next: Option<i64>,
    /// The offset behind the partition's last record.
    end: Option<i64>,
    /// When the last counted record was made, in milliseconds since 1970.
    timestamp: Option<i64>,
    /// When a broker last said where it ends.
    answered: Option<Instant>,
    /// What a broker said instead.
    error: Option<RDKafkaErrorCode>,
    since: Instant,
    /// When the first record since the assignment was counted, by librdkafka's
    /// clock.
    read: Option<i64>,
}

/// What happened to a topic's offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gaps {
    /// Records that were gone before they were counted.
    pub skipped: u64,
    /// Offsets that a broker did not have any more.
    pub resets: u64,
}

/// A partition as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionStatus {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// Records not yet counted; none while it is not known.
    pub lag: Option<u64>,
    /// Age of the last counted record while there are others behind it.
    pub lag_seconds: Option<f64>,
    /// Whether a broker answers for it.
    pub healthy: bool,
}

/// Whether owned partitions can be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Nothing is owned.
    None,
    /// At least one can, or it is too early to tell.
    Some,
    /// No broker has answered for so long.
    Silent(Duration),
    /// What a broker says, of this topic.
    Refused(String, RDKafkaErrorCode),
}

impl Partitions {
    /// All that are owned, as they are shown at `now`, in seconds since 1970.
    pub(super) fn shown(&self, now: f64) -> Vec<PartitionStatus> {
        let shown = self.owned.iter().map(|((topic, partition), p)| {
            let healthy = p.is_fresh();
            let lag = p.next.zip(p.end).filter(|_| healthy);
            let lag = lag.map(|(next, end)| u64::try_from(end - next).unwrap_or(0));
            let lag_seconds = lag
                .zip(p.timestamp)
                .map(|(lag, millis)| if lag == 0 { 0.0 } else { (now - millis as f64 / 1e3).max(0.0) });
            PartitionStatus { topic: topic.clone(), partition: *partition, lag, lag_seconds, healthy }
        });
        shown.collect()
    }

    /// By topic, what was skipped; topics that are owned too, where nothing was.
    pub(super) fn gaps(&self) -> Vec<(String, Gaps)> {
        let mut gaps = self.gaps.clone();
        for (topic, _) in self.owned.keys() {
            if !gaps.contains_key(topic) {
                gaps.insert(topic.clone(), Gaps::default());
            }
        }
        gaps.into_iter().collect()
    }

    /// The partitions that are owned.
    pub(super) fn places(&self) -> Vec<Place> {
        self.owned.keys().cloned().collect()
    }

    /// Whether what is owned can be read.
    pub(super) fn reading(&self) -> Reading {
        let Some((_, p)) = self.owned.first_key_value() else { return Reading::None };
        if self.owned.values().any(|p| p.is_fresh() || p.since.elapsed() < STALE) {
            return Reading::Some;
        }
        if let Some((place, code)) = self.owned.iter().find_map(|(place, p)| Some((place, p.error?))) {
            return Reading::Refused(place.0.clone(), code);
        }
        Reading::Silent(p.answered.unwrap_or(p.since).elapsed())
    }

    /// Notes one that is owned from now on, with the offset where reading
    /// begins.
    pub(super) fn assigned(&mut self, place: Place, next: Option<i64>) {
        let since = Instant::now();
        let owned =
            Owned { next, end: None, timestamp: None, answered: None, error: None, since, read: None };
        self.owned.insert(place, owned);
    }

    /// Notes one that is owned no more.
    pub(super) fn revoked(&mut self, place: &Place) {
        self.owned.remove(place);
    }

    /// Notes where one ends, from an answer to a question.
    pub(super) fn answered(&mut self, place: &Place, end: Result<i64, RDKafkaErrorCode>) {
        let Some(p) = self.owned.get_mut(place) else { return };
        match end {
            Ok(end) => {
                p.answered = Some(Instant::now());
                p.error = None;
                // What was counted is there, also where it was written since the question.
                p.end = Some(p.next.map_or(end, |next| end.max(next)));
            }
            Err(code) => {
                p.answered = None;
                p.error = Some(code);
            }
        }
    }

    /// Notes where one ends, as far as messages have told.
    pub(super) fn fetched(&mut self, place: &Place, end: i64) {
        if let Some(p) = self.owned.get_mut(place)
            && end >= 0
        {
            p.end = Some(p.end.map_or(end, |known| known.max(end)));
        }
    }

    /// Notes how far one is counted.
    pub(super) fn counted(&mut self, place: Place, next: i64, timestamp: Option<i64>) {
        if let Some(p) = self.owned.get_mut(&place) {
            p.next = Some(next);
            p.timestamp = timestamp.or(p.timestamp);
            p.read.get_or_insert_with(clock);
            p.end = p.end.map(|end| end.max(next));
        }
        self.positions.insert(place, next);
    }

    /// Notes that one is read from `next` on, forward or back.
    pub(super) fn moved(&mut self, place: &Place, next: i64, end: Option<i64>) {
        if let Some(p) = self.owned.get_mut(place) {
            p.next = Some(next);
            p.end = end;
            p.read = None;
        }
        self.positions.insert(place.clone(), next);
    }

    /// Whether statistics of this time say how far this partition is fetched.
    /// Those that were made before a record came say how far it was fetched
    /// when it was assigned before, or before its topic was made again.
    pub(super) fn is_of_now(&self, place: &Place, statistics: i64) -> bool {
        self.owned.get(place).and_then(|p| p.read).is_some_and(|read| read < statistics)
    }

    /// The offset of the next record of an owned partition.
    pub(super) fn next(&self, place: &Place) -> Option<i64> {
        self.owned.get(place).and_then(|p| p.next)
    }

    /// The offset behind the last record of a partition that was counted here,
    /// now or when it was owned before.
    pub(super) fn position(&self, place: &Place) -> Option<i64> {
        self.positions.get(place).copied()
    }

    /// Notes what a topic is. Whether it was another one before.
    pub(super) fn identify(&mut self, topic: &str, id: TopicId) -> bool {
        let before = self.topics.insert(topic.to_owned(), id);
        before.is_some_and(|before| before != id && before != (0, 0) && id != (0, 0))
    }

    /// Forgets how far a topic was counted: it is another one now.
    pub(super) fn forget(&mut self, topic: &str) {
        self.positions.retain(|(name, _), _| name != topic);
        self.committed.retain(|(name, _), _| name != topic);
    }

    /// Notes a reset of an offset and the records that were skipped by it.
    pub(super) fn skipped(&mut self, topic: &str, records: u64) {
        let gaps = self.gaps.entry(topic.to_owned()).or_default();
        gaps.resets += 1;
        gaps.skipped += records;
    }

    /// Notes an offset that the broker has taken.
    pub(super) fn committed(&mut self, place: Place, next: i64) {
        self.committed.insert(place, next);
    }

    /// The offsets behind counted records of owned partitions that the broker
    /// has not taken from here.
    pub(super) fn uncommitted(&self) -> Vec<(String, i32, i64)> {
        let counted = self.owned.keys().filter_map(|key| Some((key, *self.positions.get(key)?)));
        let behind = counted.filter(|(key, next)| self.committed.get(*key).is_none_or(|c| c < next));
        behind.map(|((topic, partition), next)| (topic.clone(), *partition, next)).collect()
    }

    /// Whether the broker has taken this offset, or a later one.
    pub(super) fn has_committed(&self, (topic, partition, next): &(String, i32, i64)) -> bool {
        self.committed.get(&(topic.clone(), *partition)).is_some_and(|c| c >= next)
    }
}

impl Owned {
    fn is_fresh(&self) -> bool {
        self.answered.is_some_and(|at| at.elapsed() < STALE)
    }
}

/// librdkafka's clock, in microseconds.
fn clock() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}
