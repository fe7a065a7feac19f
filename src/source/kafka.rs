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
mod batch;
mod client;
mod context;
mod leave;
mod member;
mod offsets;
mod properties;
mod status;
mod waiting;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;

pub use client::{check_together, is_pattern};
pub use properties::{canonical, check, check_names};
pub use status::{Counters, PartitionStatus, Status};

use crate::config::{Framing, KafkaSettings};
use crate::outbox::Outbox;
use crate::pipeline::Pipeline;
use crate::source::stop::{Ended, Stop};
use batch::Message;
use context::Group;
use member::Member;
use offsets::Offsets;
use waiting::Waiting;

/// How long the first message of a batch, or room for events, is waited for,
/// before rebalances and the wish to stop are looked at again.
const WAIT: Duration = Duration::from_millis(100);

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
    let group = Group::new(settings, status.clone(), slot.clone(), waiting.clone());
    let mut member = Member::new(settings, group, slot, status.clone())?;
    let topics: Vec<&str> = settings.topics.iter().map(String::as_str).collect();
    member.consumer().subscribe(&topics).context("cannot subscribe")?;

    let mut reading = Reading { framing: settings.framing, pipeline, offsets: Offsets::default(), status };
    let ended = loop {
        if stop.is_asked() {
            break Ok(Ended::Stopped);
        }
        if let Some(ended) = reading.round(&mut member, &waiting)? {
            break ended;
        }
    };

    // What has not arrived is not committed: its records are read again.
    let settled = match (&ended, reading.pipeline.events()) {
        (Ok(Ended::Stopped), Some(events)) => events.settle(),
        _ => Ok(()),
    };
    waiting.store(member.consumer());
    member.leave(stop.until().unwrap_or_else(|| Instant::now() + LEAVE_WAIT));
    settled?;
    ended
}

/// Messages on their way into the counts.
struct Reading<'r> {
    framing: Framing,
    pipeline: &'r mut Pipeline,
    offsets: Offsets,
    status: &'r Status,
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
        }
        if let Some(error) = self.status.fatal() {
            return Err(anyhow!("the consumer failed for good: {error}"));
        }
        if self.has_room(WAIT) {
            queue.take(WAIT, |message| {
                self.count(message);
                self.has_room(Duration::ZERO)
            });
        }
        if !self.offsets.is_empty() {
            self.pipeline.commit();
            let taken = self.pipeline.events().map_or(0, |events| events.taken());
            waiting.push(taken, self.offsets.drain(self.status));
        }
        if let Some(failure) = self.pipeline.events().and_then(Outbox::failure) {
            return Ok(Some(super::stdin::ended(failure)));
        }
        waiting.store(consumer);
        Ok(None)
    }

    fn count(&mut self, message: &Message<'_>) {
        if let Some(error) = message.error() {
            self.status.error(&KafkaError::MessageConsumption(error));
            return;
        }
        match self.framing {
            Framing::Message => self.pipeline.message(message.payload(), message),
            Framing::Lines => self.pipeline.message_lines(message.payload(), message),
        }
        self.offsets.counted(message);
    }

    fn has_room(&mut self, time: Duration) -> bool {
        self.pipeline.events().is_none_or(|events| events.has_room(time))
    }
}
