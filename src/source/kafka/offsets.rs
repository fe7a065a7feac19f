//! Which messages are counted: by partition, the offset behind the last one.
//!
//! One thread takes messages in the order of their partition and counts each
//! before it takes the next, so that the last one's offset covers all before
//! it. Nothing is stored past a message that is not counted.

use rdkafka::{Offset, TopicPartitionList};

use super::batch::Message;
use super::status::Status;

/// The partitions that messages came from since the last rebalance.
#[derive(Default)]
pub(super) struct Offsets {
    partitions: Vec<Partition>,
    /// The one of the last message: the next is nearly always of the same.
    last: usize,
    changed: bool,
}

struct Partition {
    topic_key: usize,
    topic: String,
    partition: i32,
    /// The offset of the next message.
    next: i64,
    timestamp: Option<i64>,
    changed: bool,
}

impl Offsets {
    /// Notes a counted message.
    #[inline]
    pub(super) fn counted(&mut self, message: &Message<'_>) {
        let (topic_key, partition) = (message.topic_key(), message.partition());
        let is_this = |p: &Partition| p.topic_key == topic_key && p.partition == partition;
        if !self.partitions.get(self.last).is_some_and(is_this) {
            self.last = self.partitions.iter().position(is_this).unwrap_or_else(|| {
                self.partitions.push(Partition {
                    topic_key,
                    topic: message.topic().into_owned(),
                    partition,
                    next: 0,
                    timestamp: None,
                    changed: false,
                });
                self.partitions.len() - 1
            });
        }
        let this = &mut self.partitions[self.last];
        this.next = message.offset() + 1;
        this.timestamp = message.timestamp();
        this.changed = true;
        self.changed = true;
    }

    /// Whether nothing was counted since the last [`drain`](Offsets::drain).
    pub(super) fn is_empty(&self) -> bool {
        !self.changed
    }

    /// What is to be stored, also told to `status`.
    pub(super) fn drain(&mut self, status: &Status) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(self.partitions.len());
        for p in self.partitions.iter_mut().filter(|p| p.changed) {
            p.changed = false;
            status.counted(&p.topic, p.partition, p.next, p.timestamp);
            // It fails on offsets that no message has.
            let _ = list.add_partition_offset(&p.topic, p.partition, Offset::Offset(p.next));
        }
        self.changed = false;
        list
    }

    /// Forgets everything: topics are told apart by addresses that a rebalance
    /// may give to others.
    pub(super) fn forget(&mut self) {
        *self = Offsets::default();
    }
}
