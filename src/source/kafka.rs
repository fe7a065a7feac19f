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
mod offsets;
mod properties;
mod status;
mod waiting;

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

pub use client::check_together;
pub use properties::{canonical, check, check_names};
pub use status::{PartitionStatus, Status};

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

/// How long the last commit is tried when stopping.
const COMMIT_WAIT: Duration = Duration::from_secs(5);

/// Consumes until `stop` asks.
///
/// # Errors
/// When the client cannot be made, or it fails for good.
pub fn consume(
    settings: &KafkaSettings,
    pipeline: &mut Pipeline,
    stop: &Stop,
    status: &std::sync::Arc<Status>,
) -> anyhow::Result<Ended> {
    let queue_slot = batch::Slot::default();
    let waiting = Waiting::new(pipeline.events().map(|events| events.sink()));
    let group = Group::new(settings, status.clone(), queue_slot.clone(), waiting.clone());
    let consumer = client::create(settings, group)?;
    let mut queue = Queue::new(consumer.client(), BATCH_MESSAGES).context("cannot make a queue")?;
    queue_slot.put(&queue);
    let topics: Vec<&str> = settings.topics.iter().map(String::as_str).collect();
    consumer.subscribe(&topics).context("cannot subscribe")?;

    let mut offsets = Offsets::default();
    while !stop.is_asked() {
        // Rebalances, statistics, errors; messages come by the queue.
        match consumer.poll(Duration::ZERO) {
            None => {}
            Some(Ok(_)) => return Err(anyhow!("a message came by the wrong queue; please report this")),
            // The error callback has told it already.
            Some(Err(error)) => tracing::debug!(%error, "poll"),
        }
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
            waiting.store(&consumer);
            commit(&consumer);
            return super::stdin::ended(failure);
        }
        waiting.store(&consumer);
    }

    // What has not arrived is not committed: its records are read again.
    let settled = pipeline.events().map_or(Ok(()), |events| events.settle());
    waiting.store(&consumer);

    let connected = status.counters().connected;
    if connected {
        commit(&consumer);
    } else {
        tracing::warn!("no broker to commit to: what was counted since the last commit is counted again");
    }
    queue_slot.clear();
    drop(queue);
    if connected {
        consumer.unsubscribe();
    } else {
        // Closing waits for an answer of the group that will not come; the
        // group finds out by its session timeout.
        std::mem::forget(consumer);
    }
    settled.map(|()| Ended::Stopped)
}

/// Commits what was counted, so that nobody counts it again. In the middle of
/// a rebalance the broker refuses; then the rebalance is gone along with, and
/// the commit tried again.
fn commit(consumer: &client::Client) {
    use RDKafkaErrorCode::{IllegalGeneration, NoOffset, RebalanceInProgress, UnknownMemberId};
    let until = Instant::now() + COMMIT_WAIT;
    loop {
        match consumer.commit_consumer_state(CommitMode::Sync) {
            Ok(()) | Err(KafkaError::ConsumerCommit(NoOffset)) => return,
            Err(KafkaError::ConsumerCommit(IllegalGeneration | RebalanceInProgress | UnknownMemberId))
                if Instant::now() < until =>
            {
                let _ = consumer.poll(BATCH_WAIT);
            }
            Err(error) => {
                tracing::warn!(%error, "the last offsets could not be committed: their records are counted again");
                return;
            }
        }
    }
}
