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
mod offsets;
mod properties;
mod status;
mod waiting;

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;

pub use client::check_together;
pub use properties::{canonical, check, check_names};
pub use status::{Counters, PartitionStatus, Status};

use crate::config::{Framing, KafkaSettings};
use crate::outbox::Outbox;
use crate::pipeline::Pipeline;
use crate::source::stop::{Ended, Stop};
use batch::Queue;
use context::Group;
use offsets::Offsets;
use waiting::Waiting;

/// Most messages of a batch: enough to make the lock of a commit and the call
/// for the batch cheap, few enough to stay in the cache.
const BATCH_MESSAGES: usize = 1_000;

/// How long the first message of a batch is waited for, before rebalances and
/// the wish to stop are looked at again.
const BATCH_WAIT: Duration = Duration::from_millis(100);

/// Most events that are served before messages are looked at again.
const EVENTS: usize = 1_000;

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
    stop: &Stop,
    status: &std::sync::Arc<Status>,
) -> anyhow::Result<Ended> {
    if settings.properties.iter().any(|(name, _)| name == "debug")
        && !tracing::enabled!(tracing::Level::DEBUG)
    {
        tracing::warn!(
            "kafka.properties has `debug`, whose lines are shown with log_level debug or trace only"
        );
    }
    let queue_slot = batch::Slot::default();
    let waiting = Waiting::new(pipeline.events().map(|events| events.sink()));
    let group = Group::new(settings, status.clone(), queue_slot.clone(), waiting.clone());
    let consumer = client::create(settings, group)?;
    let mut queue = Queue::new(consumer.client(), BATCH_MESSAGES).context("cannot make a queue")?;
    queue_slot.put(&queue);
    let topics: Vec<&str> = settings.topics.iter().map(String::as_str).collect();
    consumer.subscribe(&topics).context("cannot subscribe")?;

    let mut offsets = Offsets::default();
    let ended = loop {
        if stop.is_asked() {
            break Ok(Ended::Stopped);
        }
        serve(&consumer, status)?;
        if status.take_rebalanced() {
            offsets.forget();
        }
        if let Some(error) = status.fatal() {
            return Err(anyhow!("the consumer failed for good: {error}"));
        }
        queue.take(BATCH_WAIT, |message| {
            if let Some(error) = message.error() {
                status.error(&KafkaError::MessageConsumption(error));
                return;
            }
            match settings.framing {
                Framing::Message => pipeline.message(message.payload(), &message),
                Framing::Lines => pipeline.message_lines(message.payload(), &message),
            }
            offsets.counted(&message);
        });
        if !offsets.is_empty() {
            pipeline.commit();
            let taken = pipeline.events().map_or(0, |events| events.taken());
            waiting.push(taken, offsets.drain(status));
        }
        if let Some(failure) = pipeline.events().and_then(Outbox::failure) {
            break super::stdin::ended(failure);
        }
        waiting.store(&consumer);
    };

    // What has not arrived is not committed: its records are read again.
    let settled = match (&ended, pipeline.events()) {
        (Ok(Ended::Stopped), Some(events)) => events.settle(),
        _ => Ok(()),
    };
    waiting.store(&consumer);
    let inlet = Inlet { slot: queue_slot, queue };
    leave::leave(consumer, inlet, status, stop.until().unwrap_or_else(|| Instant::now() + LEAVE_WAIT));
    settled?;
    ended
}

/// The queue of messages and where the callbacks find it.
struct Inlet {
    slot: batch::Slot,
    queue: Queue,
}

impl Inlet {
    /// Takes no more messages. The client must be there still.
    fn close(self) {
        self.slot.clear();
        drop(self.queue);
    }
}

/// Serves rebalances, statistics, errors and log lines, one by one, until
/// there are none; messages come by the queue.
fn serve(consumer: &client::Client, status: &Status) -> anyhow::Result<()> {
    for _ in 0..EVENTS {
        let before = status.events();
        match consumer.poll(Duration::ZERO) {
            None => {}
            Some(Ok(_)) => return Err(anyhow!("a message came by the wrong queue; please report this")),
            // The error callback has told it already.
            Some(Err(error)) => tracing::debug!(%error, "poll"),
        }
        if status.events() == before {
            break;
        }
    }
    Ok(())
}
