//! Where reading begins.
//!
//! `kafka.start` is for a group that is new: for the partitions that were
//! there when it began. A group that is known goes on where it was; where that
//! is not possible, because the records are gone or nothing was committed, it
//! goes on with the oldest record kept, or as `kafka.resume` says. What came
//! after the group began is read from its start: nothing is lost before it is
//! noticed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::admin::{Answer, Edge, Place, Question};
use super::context::Group;
use super::status::Status;
use crate::kafka::Start;
use crate::source::stop::Stop;

/// How long brokers may take in all to tell what is needed to begin.
const ASK_WAIT: Duration = Duration::from_secs(5);

/// How long one blocking call may take, so that a stop is noticed.
const CALL_WAIT: Duration = Duration::from_millis(500);

/// How long is waited for what topics are, once the rest is known.
const IDENTITY_WAIT: Duration = Duration::from_secs(1);

/// How often an answer is looked for.
const POLL: Duration = Duration::from_millis(50);

/// What there was before this instance joined the group.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// The group had committed an offset.
    pub known: bool,
    /// The partitions of each topic.
    pub topics: BTreeMap<String, i32>,
}

impl Before {
    /// Asks the brokers. None where they have not answered in time, to be
    /// asked again.
    pub(super) fn ask(consumer: &BaseConsumer<Group>, topics: &[String]) -> KafkaResult<Before> {
        let mut before = Before::default();
        if topics.iter().any(|topic| topic.starts_with('^')) {
            before.add(consumer, None)?;
        }
        for topic in topics.iter().filter(|topic| !topic.starts_with('^')) {
            before.add(consumer, Some(topic))?;
        }
        let mut all = TopicPartitionList::new();
        for (topic, partitions) in &before.topics {
            for partition in 0..*partitions {
                all.add_partition(topic, partition);
            }
        }
        if all.count() > 0 {
            let committed = consumer.committed_offsets(all, CALL_WAIT)?;
            before.known = committed.elements().iter().any(|e| matches!(e.offset(), Offset::Offset(_)));
        }
        Ok(before)
    }

    fn add(&mut self, consumer: &BaseConsumer<Group>, topic: Option<&str>) -> KafkaResult<()> {
        let metadata = consumer.fetch_metadata(topic, CALL_WAIT)?;
        let there = metadata.topics().iter().filter(|t| t.error().is_none() && !t.name().starts_with("__"));
        self.topics.extend(there.map(|t| (t.name().to_owned(), t.partitions().len() as i32)));
        Ok(())
    }

    fn had(&self, (topic, partition): &Place) -> bool {
        self.topics.get(topic).is_some_and(|partitions| partition < partitions)
    }
}

/// What decides where partitions begin.
pub(super) struct Rules<'r> {
    pub start: Start,
    pub resume: Start,
    pub before: &'r Before,
    pub status: &'r Status,
    pub stop: &'r Stop,
}

/// What is known of a partition.
struct Known {
    place: Place,
    committed: Option<i64>,
    first: i64,
    end: i64,
    recreated: bool,
}

/// Where one begins, and whether the group must be told.
struct Begin {
    at: i64,
    commit: bool,
}

impl Rules<'_> {
    /// Fills in where reading begins, and notes where partitions end.
    pub(super) fn place(
        &self,
        consumer: &BaseConsumer<Group>,
        partitions: &mut TopicPartitionList,
    ) -> KafkaResult<Vec<(Place, i64)>> {
        let until = Instant::now() + ASK_WAIT;
        let mut commit = TopicPartitionList::new();
        let known = self.ask(consumer, partitions, until)?;
        for known in &known {
            let begin = self.begin(known);
            let (topic, partition) = &known.place;
            partitions.set_partition_offset(topic, *partition, Offset::Offset(begin.at))?;
            if begin.commit {
                commit.add_partition_offset(topic, *partition, Offset::Offset(begin.at))?;
            }
        }
        if commit.count() > 0 {
            consumer.commit(&commit, CommitMode::Async)?;
        }
        Ok(known.into_iter().map(|k| (k.place, k.end)).collect())
    }

    fn ask(
        &self,
        consumer: &BaseConsumer<Group>,
        partitions: &TopicPartitionList,
        until: Instant,
    ) -> KafkaResult<Vec<Known>> {
        let places: Vec<Place> =
            partitions.elements().iter().map(|e| (e.topic().to_owned(), e.partition())).collect();
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let mut topics: Vec<String> = places.iter().map(|(topic, _)| topic.clone()).collect();
        topics.dedup();
        // Asked together: the answers come together.
        let identity = Question::topics(consumer, &topics, ASK_WAIT);
        let edges = [Edge::First, Edge::End].map(|edge| Question::offsets(consumer, &places, edge, ASK_WAIT));
        let committed = self.committed(consumer, partitions, until)?;
        let [mut firsts, mut ends] = [BTreeMap::new(), BTreeMap::new()];
        for (question, offsets) in edges.into_iter().zip([&mut firsts, &mut ends]) {
            let question = question.ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::Fail))?;
            if let Answer::Offsets(found) = self.answer(&question, until)? {
                for (place, offset) in found {
                    offsets.insert(place, offset.map_err(KafkaError::OffsetFetch)?);
                }
            }
        }
        // Only the controller says what topics are; it may be another broker, and away.
        let soon = until.min(Instant::now() + IDENTITY_WAIT);
        let found = identity.map(|question| self.answer(&question, soon));
        let mut recreated = Vec::new();
        if let Some(Ok(Answer::Topics(found))) = found {
            for (topic, id) in found {
                if id.is_ok_and(|id| self.status.identify(&topic, id)) {
                    recreated.push(topic);
                }
            }
        }
        let known = places.into_iter().map(|place| {
            let at = |offsets: &BTreeMap<Place, i64>| {
                offsets.get(&place).copied().ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::NoOffset))
            };
            let (first, end) = (at(&firsts)?, at(&ends)?);
            let recreated = recreated.contains(&place.0);
            Ok(Known { committed: committed.get(&place).copied(), first, end, recreated, place })
        });
        known.collect()
    }

    fn committed(
        &self,
        consumer: &BaseConsumer<Group>,
        partitions: &TopicPartitionList,
        until: Instant,
    ) -> KafkaResult<BTreeMap<Place, i64>> {
        loop {
            match consumer.committed_offsets(partitions.clone(), CALL_WAIT) {
                Ok(committed) => {
                    let offsets = committed.elements();
                    let offsets = offsets.iter().filter_map(|e| match e.offset() {
                        Offset::Offset(at) => Some(((e.topic().to_owned(), e.partition()), at)),
                        _ => None,
                    });
                    return Ok(offsets.collect());
                }
                Err(error) if self.stop.is_asked() || Instant::now() >= until => return Err(error),
                Err(_) => {}
            }
        }
    }

    fn answer(&self, question: &Question, until: Instant) -> KafkaResult<Answer> {
        while !self.stop.is_asked() && Instant::now() < until {
            match question.poll(POLL) {
                Some(Answer::None(code)) => return Err(KafkaError::OffsetFetch(code)),
                Some(answer) => return Ok(answer),
                None => {}
            }
        }
        Err(KafkaError::OffsetFetch(RDKafkaErrorCode::OperationTimedOut))
    }

    fn begin(&self, known: &Known) -> Begin {
        let Known { place, committed, first, end, recreated } = known;
        let (first, end) = (*first, *end);
        // What was counted here before the partition was lost, perhaps without
        // a commit because the broker was away, is not counted again.
        let counted = self.status.position(place);
        let resumed = if self.resume == Start::Earliest { first } else { end };
        let (topic, partition) = place;
        if *recreated {
            self.status.skipped(place, 0, "the topic was deleted and made again", first);
            return Begin { at: first, commit: true };
        }
        match counted.max(*committed) {
            Some(at) if at < first => {
                let records = u64::try_from(resumed - at).unwrap_or(0);
                self.status.skipped(
                    place,
                    records,
                    "the records behind the group's offset are gone",
                    resumed,
                );
                Begin { at: resumed, commit: true }
            }
            // What follows the end of a log that was cut off is not known; a
            // topic that was made again is new as a whole.
            Some(at) if at > end => {
                let at = if counted.is_some() { end } else { first };
                self.status.skipped(place, 0, "the group's offset is past the end", at);
                Begin { at, commit: true }
            }
            // What was counted may have events that have not arrived: their
            // offsets are stored when they have.
            Some(at) => Begin { at, commit: false },
            None => {
                let was_there = self.before.had(place);
                let at = match (was_there, self.before.known) {
                    (true, false) if self.start == Start::Latest => end,
                    (true, false) => first,
                    (true, true) => resumed,
                    (false, _) => first,
                };
                if was_there && self.before.known && first > 0 {
                    self.status.skipped(place, 0, "the group has no offset of it", at);
                } else if !was_there && first > 0 {
                    // A new partition begins with 0.
                    let records = u64::try_from(first).unwrap_or(0);
                    self.status.skipped(place, records, "records of a new partition were gone", at);
                } else {
                    tracing::info!(topic, partition, offset = at, "begins without a committed offset");
                }
                Begin { at, commit: true }
            }
        }
    }
}
