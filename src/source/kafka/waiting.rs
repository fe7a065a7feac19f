//! Offsets that wait for their events: one is stored only after the events of
//! its record, and of all before it, are acknowledged.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::context::Group;
use errtally_core::outbox::SharedSink;

/// How long a partition that is taken away waits for its events: well below
/// what a group grants its members.
const REVOKE_WAIT: Duration = Duration::from_secs(5);

/// Offsets in the order of their batches, each with the number of events that
/// had been handed over by then. Shared with the rebalance callback, which runs
/// on the same thread.
#[derive(Clone, Default)]
pub(super) struct Waiting {
    batches: Arc<Mutex<VecDeque<(u64, TopicPartitionList)>>>,
    sink: Option<SharedSink>,
}

impl Waiting {
    /// For the events of `sink`, where there are any.
    pub(super) fn new(sink: Option<SharedSink>) -> Waiting {
        Waiting { batches: Arc::default(), sink }
    }

    fn batches(&self) -> MutexGuard<'_, VecDeque<(u64, TopicPartitionList)>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the offsets of a batch, after `events` events.
    pub(super) fn push(&self, events: u64, offsets: TopicPartitionList) {
        let mut batches = self.batches();
        match batches.back_mut() {
            // Batches without events must not pile up while others wait.
            Some((before, waiting)) if *before == events => {
                for new in offsets.elements() {
                    // It fails on offsets that no message has.
                    let _ = match waiting.find_partition(new.topic(), new.partition()) {
                        Some(mut known) => known.set_offset(new.offset()),
                        None => waiting.add_partition_offset(new.topic(), new.partition(), new.offset()),
                    };
                }
            }
            _ => batches.push_back((events, offsets)),
        }
    }

    /// Stores the offsets whose events are acknowledged. Whether none is left.
    pub(super) fn store(&self, consumer: &BaseConsumer<Group>) -> bool {
        let mut batches = self.batches();
        if batches.is_empty() {
            return true;
        }
        let settled = self.sink.as_ref().map_or(u64::MAX, SharedSink::settled);
        while batches.front().is_some_and(|(events, _)| *events <= settled) {
            if let Some((_, offsets)) = batches.pop_front() {
                store(consumer, &offsets);
            }
        }
        batches.is_empty()
    }

    /// Waits for the events of what was counted, at most until `deadline`, and
    /// stores the offsets. Whether none is left.
    pub(super) fn settle(&self, consumer: &BaseConsumer<Group>, deadline: Option<Instant>) -> bool {
        if let Some(sink) = &self.sink {
            sink.settle(deadline);
        }
        self.store(consumer)
    }

    /// Before `partitions` are given up; what is not acknowledged in time,
    /// their next owner does again. Those that stay go on waiting.
    pub(super) fn before_revoke(
        &self,
        consumer: &BaseConsumer<Group>,
        partitions: &TopicPartitionList,
        until: Option<Instant>,
    ) {
        let soon = Instant::now() + REVOKE_WAIT;
        if self.settle(consumer, Some(until.map_or(soon, |until| until.min(soon)))) {
            return;
        }
        tracing::warn!(
            "partitions are revoked before the sink has their events: those records count again elsewhere"
        );
        for (_, offsets) in self.batches().iter_mut() {
            let mut staying = TopicPartitionList::new();
            for offset in offsets.elements() {
                if partitions.find_partition(offset.topic(), offset.partition()).is_none() {
                    // It fails on offsets that no message has.
                    let _ = staying.add_partition_offset(offset.topic(), offset.partition(), offset.offset());
                }
            }
            *offsets = staying;
        }
    }
}

fn store(consumer: &BaseConsumer<Group>, offsets: &TopicPartitionList) {
    if let Err(error) = consumer.store_offsets(offsets) {
        // A partition that was just taken away: its new owner counts from the last commit.
        tracing::debug!(%error, "offsets not stored");
        for ((topic, partition), offset) in offsets.to_topic_map() {
            let mut one = TopicPartitionList::new();
            if one.add_partition_offset(&topic, partition, offset).is_ok() {
                let _ = consumer.store_offsets(&one);
            }
        }
    }
}
