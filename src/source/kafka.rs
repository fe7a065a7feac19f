//! Kafka, as a member of a consumer group.
//!
//! One thread polls, counts and stores offsets, so that the order of these is
//! plain: an offset is stored only when the ledger has its record. librdkafka
//! commits stored offsets on an interval and before it gives up a partition.
//! At least once, and exactly once as long as nothing crashes.
//!
//! The group is managed through rdkafka's `BaseConsumer`; messages come in
//! batches from a queue of our own (`batch`), which is what keeps up with
//! the client library.

#[allow(unsafe_code)]
mod admin;
#[allow(unsafe_code)]
mod batch;
mod client;
mod context;
mod leave;
mod member;
mod offsets;
mod partitions;
mod probe;
mod properties;
mod start;
mod status;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

pub use client::{check_together, config, is_pattern};
pub use partitions::PartitionStatus;
pub use properties::{canonical, check, check_names};
pub use status::{Counters, Status};

use crate::kafka::{Framing, KafkaSettings};
use crate::source::stop::{Ended, Stop};
use admin::Place;
use batch::Message;
use context::Group;
use errtally_core::outbox::Outbox;
use errtally_core::pipeline::Pipeline;
use member::Member;
use offsets::Offsets;
use probe::Probe;
use start::Before;
use waiting::Waiting;

/// How long the first message of a batch, or room for events, is waited for,
/// before rebalances and the wish to stop are looked at again.
const WAIT: Duration = Duration::from_millis(100);

/// How long going to another offset may take.
const SEEK_WAIT: Duration = Duration::from_millis(500);

/// How long leaving may take where no stop was asked for.
const LEAVE_WAIT: Duration = Duration::from_secs(5);

/// Consumes until `stop` asks, or nobody reads the events any more.
///
/// # Errors
/// When the client cannot be made, or it fails for good, or events cannot be
/// handed over.
pub fn consume(
    settings: &KafkaSettings,
    pipeline: &mut Pipeline,
    stop: &Arc<Stop>,
    status: &Arc<Status>,
) -> anyhow::Result<Ended> {
    if settings.properties.iter().any(|(name, _)| name == "debug")
        && !tracing::enabled!(tracing::Level::DEBUG)
    {
        tracing::warn!(
            "kafka.properties has `debug`, whose lines are shown with log_level debug or trace only"
        );
    }
    let slot = batch::Slot::default();
    let waiting = Waiting::new(pipeline.events().map(|events| events.sink()));
    let group = Group::new(settings, status.clone(), stop.clone(), slot.clone(), waiting.clone());
    let mut member = Member::new(settings, group, slot, status.clone())?;
    let mut reading = Reading {
        framing: settings.framing,
        pipeline,
        status,
        offsets: Offsets::default(),
        probe: Probe::new(settings),
        handed: 0,
        passed: BTreeMap::new(),
    };
    let ended = if subscribe(settings, &member, stop, status)? {
        loop {
            if stop.is_asked() {
                break Ok(Ended::Stopped);
            }
            if let Some(ended) = reading.round(&mut member, &waiting)? {
                break ended;
            }
        }
    } else {
        Ok(Ended::Stopped)
    };

    // What has not arrived is not committed: its records are read again.
    let settled = match (&ended, reading.pipeline.events()) {
        (Ok(Ended::Stopped), Some(events)) => events.settle(),
        _ => Ok(()),
    };
    waiting.store(member.consumer());
    let until = stop.until().unwrap_or_else(|| Instant::now() + LEAVE_WAIT);
    let jumps = reading.offsets.take_jumps();
    reading.probe.finish(member.consumer(), status, jumps, until);
    // Its questions have to be gone before the client is.
    drop(reading);
    member.leave(until);
    settled?;
    ended
}

/// Joins the group once it is known what there was before. Whether it did
/// before `stop` asked.
fn subscribe(
    settings: &KafkaSettings,
    member: &Member,
    stop: &Stop,
    status: &Status,
) -> anyhow::Result<bool> {
    let consumer = member.consumer();
    while !stop.is_asked() {
        member.serve()?;
        match Before::ask(consumer, &settings.topics) {
            Ok(before) => {
                consumer.context().joins(before);
                let topics: Vec<&str> = settings.topics.iter().map(String::as_str).collect();
                consumer.subscribe(&topics).context("cannot subscribe")?;
                return Ok(true);
            }
            Err(error) => {
                if status.counters().connected {
                    status.error(&error);
                }
                std::thread::sleep(WAIT);
            }
        }
    }
    Ok(false)
}

/// Messages on their way into the counts.
struct Reading<'r> {
    framing: Framing,
    pipeline: &'r mut Pipeline,
    status: &'r Status,
    offsets: Offsets,
    probe: Probe,
    /// Messages and errors that the queue has handed out.
    handed: u64,
    /// By partition, the offset that is fetched next, and how many the queue
    /// must have handed out until all before it is counted.
    passed: BTreeMap<Place, (i64, u64)>,
}

impl Reading<'_> {
    /// Serves what waits and counts a batch, if there is one and its events
    /// have room. Says how it ended, once it has.
    ///
    /// While events have no room nothing is counted, but the group is served
    /// as ever: a member that does not poll is thrown out.
    fn round(
        &mut self,
        member: &mut Member,
        waiting: &Waiting,
    ) -> anyhow::Result<Option<anyhow::Result<Ended>>> {
        member.serve()?;
        let (consumer, queue) = member.parts();
        let queue = queue.context("the queue is gone")?;
        if let Some(given_up) = self.status.take_rebalanced() {
            // Their next owner reads them.
            queue.retain(|message| !given_up.contains(&(message.topic().into_owned(), message.partition())));
            self.offsets.forget();
            self.passed.clear();
        }
        self.note_fetched(queue.held());
        if let Some(told) = self.status.fatal() {
            // What came of it may be told before it is.
            let error = consumer.client().fatal_error().map_or(told, |(_, words)| words);
            return Err(anyhow!(
                "the consumer failed for good: {error}; where another instance has the same kafka.instance_id, \
                 give each one of its own"
            ));
        }
        if self.has_room(WAIT) {
            queue.take(WAIT, |message| {
                self.count(message);
                self.has_room(Duration::ZERO)
            });
        }
        self.pass();
        if !self.offsets.is_empty() {
            self.pipeline.commit();
            let taken = self.pipeline.events().map_or(0, |events| events.taken());
            waiting.push(taken, self.offsets.drain(self.status));
        }
        if let Some(failure) = self.pipeline.events().and_then(Outbox::failure) {
            return Ok(Some(super::stdin::ended(failure)));
        }
        waiting.store(consumer);
        let made_again = self.probe.look(consumer, self.status, self.offsets.take_jumps());
        if !made_again.is_empty() {
            queue
                .retain(|message| !made_again.contains(&(message.topic().into_owned(), message.partition())));
            self.offsets.forget();
            self.passed.clear();
            begin_again(consumer, self.status, made_again);
        }
        Ok(None)
    }

    /// What librdkafka has fetched ends behind records that are to be counted:
    /// transactions end with a mark, and aborted records are left out.
    fn note_fetched(&mut self, held: u64) {
        for fetched in self.status.take_fetched() {
            let due = self.handed + held + fetched.queued;
            let is_behind = self.status.next(&fetched.place).is_some_and(|next| next < fetched.next);
            if is_behind && !self.passed.contains_key(&fetched.place) {
                self.passed.insert(fetched.place, (fetched.next, due));
            }
        }
    }

    /// Moves past what is no record, where all before it is counted.
    fn pass(&mut self) {
        if self.passed.is_empty() {
            return;
        }
        let handed = self.handed;
        let due = |&(_, &(_, due)): &(_, &(_, _))| due <= handed;
        let passed: Vec<_> =
            self.passed.iter().filter(due).map(|(place, &(next, _))| (place.clone(), next)).collect();
        for (place, next) in passed {
            self.passed.remove(&place);
            self.offsets.passed(&place, next, self.status);
        }
    }

    fn count(&mut self, message: &Message<'_>) {
        self.handed += 1;
        if let Some(error) = message.error() {
            self.status.error(&KafkaError::MessageConsumption(error));
            return;
        }
        match self.framing {
            Framing::Message => self.pipeline.message(message.payload(), message),
            Framing::Lines => self.pipeline.message_lines(message.payload(), message),
        }
        self.offsets.counted(message, self.status);
    }

    fn has_room(&mut self, time: Duration) -> bool {
        self.pipeline.events().is_none_or(|events| events.has_room(time))
    }
}

/// Reads partitions from their start, whose topic is another one than before.
fn begin_again(consumer: &client::Client, status: &Status, places: Vec<Place>) {
    let mut begin = TopicPartitionList::new();
    for place in &places {
        status.skipped(place, 0, "its topic was deleted and made again", 0);
        // It fails on offsets that no message has.
        let _ = begin.add_partition_offset(&place.0, place.1, Offset::Beginning);
        status.moved(place, 0);
    }
    // Where it fails, the partition is about to be assigned again, and begins then.
    if let Err(error) = consumer.seek_partitions(begin, SEEK_WAIT) {
        tracing::debug!(%error, "seek");
    }
}
