//! Which messages are counted: by partition, the offset behind the last one.
//!
//! One thread takes messages in the order of their partition and counts each
//! before it takes the next, so that the last one's offset covers all before
//! it. Nothing is stored past a message that is not counted.

use std::collections::BTreeMap;
use std::ops::Range;

use rdkafka::{Offset, TopicPartitionList};

use super::admin::Place;
use super::batch::Message;
use super::status::Status;

/// The start of a jump of which only the end is known.
pub(super) const UNKNOWN: i64 = -1;

/// The partitions that messages came from since the last rebalance.
#[derive(Default)]
pub(super) struct Offsets {
    partitions: Vec<Partition>,
    /// Partitions whose offsets did not follow each other, with the largest
    /// step. Most often what lies between is no record, or was compacted away.
    jumps: BTreeMap<Place, Range<i64>>,
    /// Partitions without a message yet, with the offset that was passed.
    alone: BTreeMap<Place, i64>,
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
    pub(super) fn counted(&mut self, message: &Message<'_>, status: &Status) {
        let (topic_key, partition) = (message.topic_key(), message.partition());
        let is_this = |p: &Partition| p.topic_key == topic_key && p.partition == partition;
        if !self.partitions.get(self.last).is_some_and(is_this) {
            self.last = self.partitions.iter().position(is_this).unwrap_or_else(|| {
                let topic = message.topic().into_owned();
                let place = (topic.clone(), partition);
                let next = status.next(&place).unwrap_or_else(|| {
                    // Brokers did not tell in time where it should begin.
                    if message.offset() > 0 {
                        self.jumps.insert(place, UNKNOWN..message.offset());
                    }
                    message.offset()
                });
                self.partitions.push(Partition {
                    topic_key,
                    topic,
                    partition,
                    next,
                    timestamp: None,
                    changed: false,
                });
                self.partitions.len() - 1
            });
        }
        let this = &mut self.partitions[self.last];
        if this.next != message.offset() {
            jump(&mut self.jumps, this, message.offset());
        }
        this.next = message.offset() + 1;
        this.timestamp = message.timestamp();
        this.changed = true;
        self.changed = true;
    }

    /// Notes that all records of a partition before `next` are counted: what
    /// lies between was none.
    pub(super) fn passed(&mut self, place: &Place, next: i64, status: &Status) {
        let is_this = |p: &Partition| p.topic == place.0 && p.partition == place.1;
        let at = self.partitions.iter().position(is_this);
        match at.map(|at| &mut self.partitions[at]) {
            Some(this) if this.next < next => {
                jump(&mut self.jumps, this, next);
                (this.next, this.changed, self.changed) = (next, true, true);
            }
            Some(_) => {}
            // Without a message yet, and so without the key of its topic.
            None if status.next(place).is_some_and(|known| known < next) => {
                let known = status.next(place).unwrap_or(next);
                self.jumps.insert(place.clone(), known..next);
                self.alone.insert(place.clone(), next);
                self.changed = true;
            }
            None => {}
        }
    }

    /// The jumps since the last call.
    pub(super) fn take_jumps(&mut self) -> BTreeMap<Place, Range<i64>> {
        std::mem::take(&mut self.jumps)
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
        for ((topic, partition), next) in std::mem::take(&mut self.alone) {
            status.counted(&topic, partition, next, None);
            let _ = list.add_partition_offset(&topic, partition, Offset::Offset(next));
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

#[cold]
fn jump(jumps: &mut BTreeMap<Place, Range<i64>>, from: &Partition, to: i64) {
    let step = |range: &Range<i64>| range.end.abs_diff(range.start);
    let new = from.next..to;
    let known = jumps.entry((from.topic.clone(), from.partition)).or_insert_with(|| new.clone());
    // A step back is one whatever else there was.
    let is_back = known.end < known.start;
    if !is_back && (new.end < new.start || step(&new) > step(known)) {
        *known = new;
    }
}
