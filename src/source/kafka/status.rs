//! What is known of the group, for `/metrics` and `/readyz`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use crate::http::Readiness;

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
    readiness: Arc<Readiness>,
}

#[derive(Debug, Default)]
struct Inner {
    brokers: String,
    connected: bool,
    joined: bool,
    /// What librdkafka said of topics that were missing, each once.
    missing_topics: BTreeSet<String>,
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
    partitions: BTreeMap<(String, i32), Partition>,
    /// By partition, owned or not, the offset behind the last message that was
    /// counted here.
    positions: BTreeMap<(String, i32), i64>,
    /// By partition, what the broker has taken from here.
    committed: BTreeMap<(String, i32), i64>,
}

#[derive(Debug)]
struct Errors {
    count: u64,
    logged: Instant,
}

/// What is to be said where nothing but the absence of brokers is known.
const CLOSED: &str = "it may be that they close connections at once, as a listener with TLS or SASL does \
                      where security.protocol of kafka.properties is another";

/// How often an error of one kind is logged: brokers that are away give one
/// with every attempt.
const LOG_EVERY: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, Default)]
struct Partition {
    /// The offset of the next message to count; none before the first.
    next: Option<i64>,
    /// The offset behind the partition's last message.
    end: Option<i64>,
    /// When the last counted message was made, in milliseconds since 1970.
    timestamp: Option<i64>,
}

/// A partition that is owned now.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionStatus {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// Messages not yet counted; none while it is not known.
    pub lag: Option<u64>,
    /// Age of the last counted message while there are others behind it.
    pub lag_seconds: Option<f64>,
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
}

impl Status {
    /// Nothing is known yet.
    pub fn new(brokers: &str, readiness: Arc<Readiness>) -> Status {
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
            None
        });
    }

    /// The partitions that are owned now, with their lag.
    pub fn partitions(&self) -> Vec<PartitionStatus> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
        let inner = self.inner();
        let partitions = inner.partitions.iter().map(|((topic, partition), p)| {
            let lag = p.next.zip(p.end).map(|(next, end)| u64::try_from(end - next).unwrap_or(0));
            let behind = lag
                .zip(p.timestamp)
                .map(|(lag, millis)| if lag == 0 { 0.0 } else { (now - millis as f64 / 1e3).max(0.0) });
            PartitionStatus { topic: topic.clone(), partition: *partition, lag, lag_seconds: behind }
        });
        partitions.collect()
    }

    /// The counters.
    pub fn counters(&self) -> Counters {
        let inner = self.inner();
        Counters {
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

    /// Whether `topic`, of which no offset is committed, has come since this
    /// instance waits for its messages.
    pub(super) fn came_later(&self, topic: &str) -> bool {
        let inner = self.inner();
        // librdkafka names it between colons: `not available: TOPIC: Broker: ...`
        let named = format!(": {topic}:");
        inner.joined || inner.missing_topics.iter().any(|words| words.contains(&named))
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
                inner.missing_topics.insert(words.to_owned());
                words.clone_into(&mut inner.group_error);
            }
            Some(RDKafkaErrorCode::Fatal) => inner.fatal = Some(words.to_owned()),
            _ => words.clone_into(&mut inner.group_error),
        }
        self.tell(inner);
    }

    /// Notes what the statistics say.
    pub(super) fn statistics(&self, connected: bool, ends: impl Iterator<Item = (String, i32, i64)>) {
        let mut inner = self.inner();
        if connected {
            inner.connection_error.clear();
        }
        inner.connected = connected;
        self.tell(&inner);
        drop(inner);
        self.ends(ends);
    }

    /// Notes where partitions end; negative where it is not known.
    pub(super) fn ends(&self, ends: impl Iterator<Item = (String, i32, i64)>) {
        let mut inner = self.inner();
        for (topic, partition, end) in ends.filter(|&(_, _, end)| end >= 0) {
            if let Some(p) = inner.partitions.get_mut(&(topic, partition)) {
                p.end = Some(end);
            }
        }
    }

    /// Notes a counted message.
    pub(super) fn counted(&self, topic: &str, partition: i32, next: i64, timestamp: Option<i64>) {
        let mut inner = self.inner();
        let key = (topic.to_owned(), partition);
        if let Some(p) = inner.partitions.get_mut(&key) {
            p.next = Some(next);
            p.timestamp = timestamp;
            // What was counted is there, whatever the last statistics said.
            p.end = p.end.map(|end| end.max(next));
        }
        inner.positions.insert(key, next);
    }

    /// The offset behind the last message of a partition that was counted
    /// here, now or when it was owned before.
    pub(super) fn position(&self, topic: &str, partition: i32) -> Option<i64> {
        self.inner().positions.get(&(topic.to_owned(), partition)).copied()
    }

    /// Notes partitions that are owned from now on, with the offset where
    /// reading begins, where it is known.
    pub(super) fn assigned(&self, partitions: impl Iterator<Item = (String, i32, Option<i64>)>) {
        let mut inner = self.inner();
        for (topic, partition, next) in partitions {
            inner.partitions.insert((topic, partition), Partition { next, ..Partition::default() });
        }
        inner.rebalances += 1;
        inner.rebalanced = true;
        inner.joined = true;
        inner.connected = true;
        inner.connection_error.clear();
        inner.group_error.clear();
        self.tell(&inner);
    }

    /// Notes partitions that are owned no more.
    pub(super) fn revoked(&self, partitions: impl Iterator<Item = (String, i32)>) {
        let mut inner = self.inner();
        for key in partitions {
            inner.partitions.remove(&key);
            inner.given_up.insert(key);
        }
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
                    inner.committed.insert((topic, partition), next);
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
        let inner = self.inner();
        let counted = inner.partitions.keys().filter_map(|key| Some((key, *inner.positions.get(key)?)));
        let behind = counted.filter(|(key, next)| inner.committed.get(*key).is_none_or(|c| c < next));
        behind.map(|((topic, partition), next)| (topic.clone(), *partition, next)).collect()
    }

    /// Whether the broker has taken this offset, or a later one.
    pub(super) fn has_committed(&self, (topic, partition, next): &(String, i32, i64)) -> bool {
        self.inner().committed.get(&(topic.clone(), *partition)).is_some_and(|c| c >= next)
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
