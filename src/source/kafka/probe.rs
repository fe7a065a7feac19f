//! Asks again and again where owned partitions end, which topics they are, and
//! whether what was jumped over is gone.
//!
//! Fetches tell where a partition ends only while there is room for messages;
//! and a broker that hangs tells nothing. So lag and readiness come from
//! answers, each with its time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{Duration, Instant};

use rdkafka::error::RDKafkaErrorCode;

use super::admin::{Answer, Edge, Place, Question};
use super::client::Client;
use super::offsets::UNKNOWN;
use super::status::Status;
use crate::kafka::{KafkaSettings, Start};

/// From one round of questions to the next.
const EVERY: Duration = Duration::from_secs(2);

/// From one question about what was jumped over to the next: topics with
/// transactions are full of small jumps.
const SOON: Duration = Duration::from_millis(200);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long the last answer may take, before the group is left.
const LAST: Duration = Duration::from_secs(1);

/// The questions.
pub(super) struct Probe {
    resume: Start,
    /// The end of what is read.
    end: Edge,
    next: Instant,
    /// When jumps may be asked about.
    soon: Instant,
    asked: Option<(Asked, Question)>,
    /// What topics are is asked aside: only the cluster's controller says it.
    topics: Option<Question>,
    /// Topics that are not there.
    gone: BTreeSet<String>,
    jumps: BTreeMap<Place, Range<i64>>,
    /// Those that are asked about: an answer says nothing of later ones.
    asked_jumps: BTreeMap<Place, Range<i64>>,
}

#[derive(Clone, Copy)]
enum Asked {
    Ends,
    Firsts,
}

impl Probe {
    /// Of a member with these settings.
    pub(super) fn new(settings: &KafkaSettings) -> Probe {
        let uncommitted = |(name, value): &(String, String)| {
            name == "isolation.level" && value.trim() == "read_uncommitted"
        };
        let end = if settings.properties.iter().any(uncommitted) { Edge::End } else { Edge::CommittedEnd };
        Probe {
            resume: settings.resume,
            end,
            next: Instant::now(),
            soon: Instant::now(),
            asked: None,
            topics: None,
            gone: BTreeSet::new(),
            jumps: BTreeMap::new(),
            asked_jumps: BTreeMap::new(),
        }
    }

    /// Takes answers and asks on; never waits. Gives the partitions of topics
    /// that were made again: they are to be read from their start.
    pub(super) fn look(
        &mut self,
        consumer: &Client,
        status: &Status,
        jumps: BTreeMap<Place, Range<i64>>,
    ) -> Vec<Place> {
        self.note(jumps, status);
        if Instant::now() >= self.next {
            self.next = Instant::now() + EVERY;
            self.ask(consumer, status);
            status.look();
        }
        if let Some(answer) = self.asked.as_ref().and_then(|(_, question)| question.poll(Duration::ZERO)) {
            self.take(consumer, status, answer);
        }
        if self.asked.is_none() && !self.jumps.is_empty() && Instant::now() >= self.soon {
            self.ask_firsts(consumer);
        }
        match self.topics.as_ref().and_then(|question| question.poll(Duration::ZERO)) {
            Some(answer) => self.identify(status, answer),
            None => Vec::new(),
        }
    }

    /// Before the group is left: tells what was jumped over and is gone, as
    /// long as a broker says so in time. Nobody could tell it later.
    pub(super) fn finish(
        &mut self,
        consumer: &Client,
        status: &Status,
        jumps: BTreeMap<Place, Range<i64>>,
        until: Instant,
    ) {
        self.note(jumps, status);
        self.ask_firsts(consumer);
        let time = LAST.min(until.saturating_duration_since(Instant::now()) / 4);
        if let Some(answer) = self.asked.as_ref().and_then(|(_, question)| question.poll(time)) {
            self.take(consumer, status, answer);
        }
        for ((topic, partition), jump) in std::mem::take(&mut self.jumps) {
            tracing::warn!(
                topic,
                partition,
                from = jump.start,
                to = jump.end,
                "kafka: offsets were passed over; no broker has said whether their records were gone"
            );
        }
    }

    /// Notes what was jumped over, until a broker has said whether it is gone.
    fn note(&mut self, jumps: BTreeMap<Place, Range<i64>>, status: &Status) {
        for (place, jump) in jumps {
            if jump.end < jump.start {
                status.skipped(&place, 0, "its log was cut off, or its topic made again", jump.end);
                status.moved(&place, jump.end);
                continue;
            }
            let length = |jump: &Range<i64>| jump.end - jump.start;
            let known = self.jumps.entry(place).or_insert_with(|| jump.clone());
            if length(known) < length(&jump) {
                *known = jump;
            }
        }
    }

    /// Asks where partitions begin that were jumped in.
    fn ask_firsts(&mut self, consumer: &Client) {
        self.soon = Instant::now() + SOON;
        self.asked_jumps = self.jumps.clone();
        let jumped = self.jumps.keys().cloned().collect();
        self.asked = offsets(consumer, jumped, Edge::First, Asked::Firsts);
    }

    fn ask(&mut self, consumer: &Client, status: &Status) {
        if self.topics.is_none() {
            let topics: BTreeSet<String> = status.places().into_iter().map(|(topic, _)| topic).collect();
            let topics: Vec<String> = topics.into_iter().collect();
            self.topics =
                if topics.is_empty() { None } else { Question::topics(consumer, &topics, PATIENCE) };
        }
        if self.asked.is_none() {
            let mut places = status.places();
            places.retain(|(topic, _)| !self.gone.contains(topic));
            self.asked = offsets(consumer, places, self.end, Asked::Ends);
        }
    }

    /// Takes offsets.
    fn take(&mut self, consumer: &Client, status: &Status, answer: Answer) {
        let asked = self.asked.take().map(|(asked, _)| asked);
        // A broker that does not answer is silent; the rest is told by others.
        let Answer::Offsets(offsets_of) = answer else { return };
        if let Some(Asked::Ends) = asked {
            offsets_of.into_iter().for_each(|(place, end)| status.answered(&place, end));
            self.ask_firsts(consumer);
            return;
        }
        for (place, first) in offsets_of {
            match first {
                Ok(first) if self.jumps.get(&place) == self.asked_jumps.get(&place) => {
                    if let Some(jump) = self.jumps.remove(&place) {
                        self.judge(&place, &jump, first, status);
                    }
                }
                // There is nobody left to ask.
                Err(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                    self.jumps.remove(&place);
                }
                // It is asked again.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Takes what topics are; gives the partitions of those that are others
    /// than before.
    fn identify(&mut self, status: &Status, answer: Answer) -> Vec<Place> {
        self.topics = None;
        let Answer::Topics(topics) = answer else { return Vec::new() };
        let mut made_again = Vec::new();
        self.gone.clear();
        let places = status.places();
        for (topic, id) in topics {
            let its = places.iter().filter(|(name, _)| *name == topic);
            match id {
                Ok(id) if status.identify(&topic, id) => made_again.extend(its.cloned()),
                Ok(_) => {}
                Err(code) => {
                    its.for_each(|place| status.answered(place, Err(code)));
                    self.gone.insert(topic);
                }
            }
        }
        made_again
    }

    /// Whether the records between two that followed each other were gone.
    fn judge(&self, place: &Place, jump: &Range<i64>, first: i64, status: &Status) {
        if jump.start == UNKNOWN {
            // At an offset that was committed, or where librdkafka began for want of one.
            if first >= jump.end {
                status.skipped(
                    place,
                    0,
                    "it began with the oldest record kept; there may have been others",
                    jump.end,
                );
            }
            return;
        }
        if first <= jump.start {
            return;
        }
        let kept = if self.resume == Start::Latest { jump.end } else { first.min(jump.end) };
        let records = u64::try_from(kept - jump.start).unwrap_or(0);
        status.skipped(place, records, "records were gone before they were read", jump.end);
    }
}

fn offsets(consumer: &Client, places: Vec<Place>, edge: Edge, asked: Asked) -> Option<(Asked, Question)> {
    if places.is_empty() {
        return None;
    }
    Question::offsets(consumer, &places, edge, PATIENCE).map(|question| (asked, question))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::health::Readiness;

    /// Resets and skipped records that a jump is told as, where the oldest record kept has this offset.
    fn told(jump: Range<i64>, first: i64) -> (u64, u64) {
        let status = Status::new("broker", Arc::new(Readiness::new(None)).of("kafka"));
        let place = ("logs".to_owned(), 0);
        Probe::new(&crate::kafka::KafkaSettings::default()).judge(&place, &jump, first, &status);
        let counters = status.counters();
        (counters.resets.iter().map(|r| r.1).sum(), counters.skipped.iter().map(|s| s.1).sum())
    }

    #[test]
    fn what_is_gone_is_told_and_what_is_no_record_is_not() {
        assert_eq!(told(10..30, 0), (0, 0), "a mark, or compacted away");
        assert_eq!(told(10..30, 30), (1, 20));
        assert_eq!(told(10..30, 25), (1, 15), "the rest is no record");
        assert_eq!(told(UNKNOWN..30, 0), (0, 0), "it began at the group's offset");
        assert_eq!(told(UNKNOWN..30, 30), (1, 0), "how many is not known, and it is told all the same");
    }
}
