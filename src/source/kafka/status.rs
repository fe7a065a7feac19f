//! What is known of the group, for `/metrics` and `/readyz`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use super::admin::{Place, TopicId};
use super::partitions::{PartitionStatus, Partitions, Reading};
use crate::health::SourceReadiness;

/// Errors that tell why there is no connection.
const CONNECTION: [RDKafkaErrorCode; 6] = [
    RDKafkaErrorCode::BrokerTransportFailure,
    RDKafkaErrorCode::Resolve,
    RDKafkaErrorCode::Authentication,
    RDKafkaErrorCode::SaslAuthenticationFailed,
    RDKafkaErrorCode::SSL,
    RDKafkaErrorCode::OperationTimedOut,
];

/// State and counters of the consumer, shared by its callbacks and the
/// exporter.
#[derive(Debug)]
pub struct Status {
    inner: Mutex<Inner>,
    events: AtomicU64,
    readiness: SourceReadiness,
}

#[derive(Debug, Default)]
struct Inner {
    brokers: String,
    connected: bool,
    joined: bool,
    rebalanced: bool,
    /// Partitions that were given up since it was last asked.
    given_up: BTreeSet<(String, i32)>,
    leaving: Option<Instant>,
    /// Why no broker is connected, in librdkafka's words.
    connection_error: String,
    /// What else went wrong since the last assignment.
    group_error: String,
    fatal: Option<String>,
    rebalances: u64,
    commits: u64,
    commit_failures: u64,
    errors: BTreeMap<String, Errors>,
    partitions: Partitions,
    /// Since when this instance has owned nothing, once it has joined.
    idle: Option<Instant>,
    /// What the last statistics said, until somebody takes it.
    fetched: Vec<Fetched>,
}

#[derive(Debug)]
struct Errors {
    count: u64,
    logged: Instant,
}

/// What is to be said where nothing but the absence of brokers is known.
const CLOSED: &str = "it may be that they close connections at once, as a listener with TLS or SASL does \
                      where security.protocol of kafka.properties is another";

/// How long an instance may own nothing before that is told.
const IDLE: Duration = Duration::from_secs(10);

/// What an instance without a partition says of itself.
const NOTHING: &str = "no partition is read: the group has more instances than partitions; this one takes over \
                       when another stops";

/// How often an error of one kind is logged: brokers that are away give one
/// with every attempt.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// What librdkafka had fetched of a partition when it made its statistics.
#[derive(Debug)]
pub(super) struct Fetched {
    pub place: Place,
    /// The offset that is fetched next: all before it is in the queue, was
    /// taken from it, or is no record.
    pub next: i64,
    /// The offset behind the last record, as far as fetches have told.
    pub end: i64,
    /// What the queue held, of all partitions.
    pub queued: u64,
}

/// Counters of one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Counters {
    /// A broker is connected.
    pub connected: bool,
    /// Assignments and revocations.
    pub rebalances: u64,
    /// Commits that the broker took.
    pub commits: u64,
    /// Commits that it did not take.
    pub commit_failures: u64,
    /// Errors by kind.
    pub errors: Vec<(String, u64)>,
    /// By topic: records that were gone before they were counted.
    pub skipped: Vec<(String, u64)>,
    /// By topic: offsets that a broker did not have any more.
    pub resets: Vec<(String, u64)>,
}

impl Status {
    /// Nothing is known yet.
    pub fn new(brokers: &str, readiness: SourceReadiness) -> Status {
        let inner = Inner { brokers: brokers.to_owned(), ..Inner::default() };
        let status = Status { inner: Mutex::new(inner), events: AtomicU64::new(0), readiness };
        status.tell(&status.inner());
        status
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says in words what is waited for.
    fn tell(&self, inner: &Inner) {
        let because = |error: &str| if error.is_empty() { String::new() } else { format!(": {error}") };
        self.readiness.waiting(if !inner.connected {
            Some(format!("waiting for a connection to {}{}", inner.brokers, because(&inner.connection_error)))
        } else if !inner.joined {
            Some(format!("waiting for the group to assign partitions{}", because(&inner.group_error)))
        } else {
            match inner.partitions.reading() {
                Reading::Some => None,
                // A rebalance takes partitions away before it gives others.
                Reading::None if inner.idle.is_none_or(|since| since.elapsed() < IDLE) => None,
                Reading::None if inner.group_error.is_empty() => Some(NOTHING.to_owned()),
                Reading::None => Some(format!("no partition is read{}", because(&inner.group_error))),
                Reading::Silent(time) => Some(format!(
                    "nothing is read: {} has not answered for {} s",
                    inner.brokers,
                    time.as_secs()
                )),
                Reading::Refused(topic, code) => {
                    Some(format!("nothing is read: the brokers say of topic `{topic}`: {code}"))
                }
            }
        });
    }

    /// Looks again at what may have become old.
    pub(super) fn look(&self) {
        self.tell(&self.inner());
    }

    /// The partitions that are owned now, with their lag.
    pub fn partitions(&self) -> Vec<PartitionStatus> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
        self.inner().partitions.shown(now)
    }

    /// The counters.
    pub fn counters(&self) -> Counters {
        let inner = self.inner();
        let gaps = inner.partitions.gaps();
        Counters {
            skipped: gaps.iter().map(|(topic, gaps)| (topic.clone(), gaps.skipped)).collect(),
            resets: gaps.iter().map(|(topic, gaps)| (topic.clone(), gaps.resets)).collect(),
            connected: inner.connected,
            rebalances: inner.rebalances,
            commits: inner.commits,
            commit_failures: inner.commit_failures,
            errors: inner.errors.iter().map(|(k, e)| (k.clone(), e.count)).collect(),
        }
    }

    /// The partitions that were given up since it was last asked, if there was
    /// a rebalance.
    pub(super) fn take_rebalanced(&self) -> Option<BTreeSet<(String, i32)>> {
        let mut inner = self.inner();
        std::mem::take(&mut inner.rebalanced).then(|| std::mem::take(&mut inner.given_up))
    }

    /// The error after which nothing more will come.
    pub(super) fn fatal(&self) -> Option<String> {
        self.inner().fatal.clone()
    }

    /// Counts an error and keeps its words.
    pub(super) fn error(&self, error: &KafkaError) {
        self.error_words(error.rdkafka_error_code(), &error.to_string());
    }

    /// As [`Status::error`], in librdkafka's words.
    pub(super) fn error_words(&self, code: Option<RDKafkaErrorCode>, words: &str) {
        let kind = code.map_or_else(|| "Other".to_owned(), |c| format!("{c:?}"));
        let mut inner = self.inner();
        let inner = &mut *inner;
        // The kinds are a closed set; so are the series.
        let now = Instant::now();
        match inner.errors.entry(kind) {
            Entry::Vacant(entry) => {
                tracing::warn!(kind = entry.key(), "kafka: {words}");
                entry.insert(Errors { count: 1, logged: now });
            }
            Entry::Occupied(mut entry) => {
                entry.get_mut().count += 1;
                if now.duration_since(entry.get().logged) >= LOG_EVERY {
                    tracing::warn!(kind = entry.key(), count = entry.get().count, "kafka: {words}");
                    entry.get_mut().logged = now;
                }
            }
        }
        match code {
            // It only says that there were other errors before it.
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                inner.connected = false;
                // A connection that is closed before the first answer is no error to librdkafka.
                if inner.connection_error.is_empty() {
                    inner.connection_error = format!("{words}; {CLOSED}");
                }
            }
            Some(code) if CONNECTION.contains(&code) => words.clone_into(&mut inner.connection_error),
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                words.clone_into(&mut inner.group_error);
            }
            Some(RDKafkaErrorCode::Fatal) => inner.fatal = Some(words.to_owned()),
            _ => words.clone_into(&mut inner.group_error),
        }
        self.tell(inner);
    }

    /// Notes what the statistics say.
    pub(super) fn statistics(&self, connected: bool, at: i64, mut fetched: Vec<Fetched>) {
        let mut inner = self.inner();
        if connected {
            inner.connection_error.clear();
        }
        inner.connected = connected;
        for f in &fetched {
            inner.partitions.fetched(&f.place, f.end);
        }
        fetched.retain(|f| inner.partitions.is_of_now(&f.place, at));
        inner.fetched = fetched;
        self.tell(&inner);
    }

    /// What the last statistics said, once.
    pub(super) fn take_fetched(&self) -> Vec<Fetched> {
        std::mem::take(&mut self.inner().fetched)
    }

    /// Notes where a partition ends, or what brokers said instead.
    pub(super) fn answered(&self, place: &Place, end: Result<i64, RDKafkaErrorCode>) {
        self.inner().partitions.answered(place, end);
    }

    /// Notes how far a partition is counted.
    pub(super) fn counted(&self, topic: &str, partition: i32, next: i64, timestamp: Option<i64>) {
        self.inner().partitions.counted((topic.to_owned(), partition), next, timestamp);
    }

    /// Notes that a partition is read from `next` on.
    pub(super) fn moved(&self, place: &Place, next: i64) {
        self.inner().partitions.moved(place, next, None);
    }

    /// The offset of the next record of an owned partition.
    pub(super) fn next(&self, place: &Place) -> Option<i64> {
        self.inner().partitions.next(place)
    }

    /// The offset behind the last record of a partition that was counted here,
    /// now or when it was owned before.
    pub(super) fn position(&self, place: &Place) -> Option<i64> {
        self.inner().partitions.position(place)
    }

    /// The partitions that are owned.
    pub(super) fn places(&self) -> Vec<Place> {
        self.inner().partitions.places()
    }

    /// Notes what a topic is. Whether it was another one before: then nothing
    /// of it was counted yet.
    pub(super) fn identify(&self, topic: &str, id: TopicId) -> bool {
        let mut inner = self.inner();
        let is_new = inner.partitions.identify(topic, id);
        if is_new {
            inner.partitions.forget(topic);
        }
        is_new
    }

    /// Tells and counts that a partition goes on at `at`, and `records` before
    /// it are skipped.
    pub(super) fn skipped(&self, (topic, partition): &Place, records: u64, why: &str, at: i64) {
        tracing::warn!(
            topic,
            partition,
            offset = at,
            skipped = records,
            "kafka: {why}; goes on at this offset"
        );
        self.inner().partitions.skipped(topic, records);
    }

    /// Notes partitions that are owned from now on, with the offset where
    /// reading begins, where it is known.
    pub(super) fn assigned(&self, partitions: impl Iterator<Item = (String, i32, Option<i64>)>) {
        let mut inner = self.inner();
        for (topic, partition, next) in partitions {
            inner.partitions.assigned((topic, partition), next);
        }
        inner.rebalances += 1;
        inner.rebalanced = true;
        inner.joined = true;
        inner.connected = true;
        inner.connection_error.clear();
        if !inner.owns_nothing() {
            inner.group_error.clear();
        }
        self.tell(&inner);
    }

    /// Notes partitions that are owned no more.
    pub(super) fn revoked(&self, partitions: impl Iterator<Item = (String, i32)>) {
        let mut inner = self.inner();
        for key in partitions {
            inner.partitions.revoked(&key);
            inner.given_up.insert(key);
        }
        inner.owns_nothing();
        inner.rebalances += 1;
        inner.rebalanced = true;
    }

    /// Notes the answer to a commit, with the offsets that were taken.
    pub(super) fn committed(
        &self,
        result: KafkaResult<()>,
        offsets: impl Iterator<Item = (String, i32, i64)>,
    ) {
        match result {
            Ok(()) => {
                let mut inner = self.inner();
                inner.commits += 1;
                for (topic, partition, next) in offsets {
                    inner.partitions.committed((topic, partition), next);
                }
            }
            Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            Err(error) => {
                self.inner().commit_failures += 1;
                self.error(&error);
            }
        }
    }

    /// The offsets behind counted messages of owned partitions that the broker
    /// has not taken from here.
    pub(super) fn uncommitted(&self) -> Vec<(String, i32, i64)> {
        self.inner().partitions.uncommitted()
    }

    /// Whether the broker has taken this offset, or a later one.
    pub(super) fn has_committed(&self, offset: &(String, i32, i64)) -> bool {
        self.inner().partitions.has_committed(offset)
    }

    /// Notes that the group is being left, until then.
    pub(super) fn leave(&self, until: Instant) {
        self.inner().leaving = Some(until);
    }

    /// By when the group must have been left, where it is being left.
    pub(super) fn leaving(&self) -> Option<Instant> {
        self.inner().leaving
    }

    /// Notes that a callback was called.
    pub(super) fn event(&self) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    /// How many callbacks were called.
    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }
}

impl Inner {
    /// Whether no partition is owned; remembers since when.
    fn owns_nothing(&mut self) -> bool {
        let nothing = self.partitions.reading() == Reading::None;
        self.idle = nothing.then(|| self.idle.unwrap_or_else(Instant::now));
        nothing
    }
}
