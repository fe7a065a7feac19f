//! What librdkafka calls back: rebalances, statistics, errors, commits.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, Statistics, TopicPartitionList};

use super::batch::Slot;
use super::status::Status;
use super::waiting::Waiting;
use crate::config::{KafkaSettings, Start};

/// How long the broker may take to tell offsets when partitions are assigned.
const ASK_WAIT: Duration = Duration::from_secs(5);

/// The callbacks' state.
pub(super) struct Group {
    start: Start,
    status: Arc<Status>,
    queue: Slot,
    waiting: Waiting,
}

impl Group {
    pub(super) fn new(settings: &KafkaSettings, status: Arc<Status>, queue: Slot, waiting: Waiting) -> Group {
        Group { start: settings.start, status, queue, waiting }
    }

    /// Fills in where reading begins.
    ///
    /// A partition without a committed offset belongs to a group that is new,
    /// and begins where the settings say, or to a topic that has grown or is
    /// new itself, and then begins at its start: what was written before the
    /// group noticed must not be lost. A topic has grown where the group has
    /// committed any offset of it, and so that this holds, where a new group
    /// begins is committed as well; it is new where this instance has been
    /// waiting for it, or has partitions already.
    ///
    /// Notes in `ends` where partitions end, as far as it had to ask.
    fn place(
        &self,
        consumer: &BaseConsumer<Group>,
        partitions: &mut TopicPartitionList,
        ends: &mut Vec<(String, i32, i64)>,
    ) -> KafkaResult<()> {
        let committed = consumer.committed_offsets(partitions.clone(), ASK_WAIT)?;
        let mut begin = TopicPartitionList::new();
        for element in committed.elements() {
            let (topic, partition) = (element.topic(), element.partition());
            let committed = if let Offset::Offset(offset) = element.offset() { Some(offset) } else { None };
            // What was counted here before the partition was lost, perhaps
            // without a commit because the broker was away, is not counted again.
            let counted = self.status.position(topic, partition).filter(|&p| committed.is_none_or(|c| c < p));
            let from = match (counted, committed) {
                (None, Some(committed)) => committed,
                _ => {
                    let (first, end) = consumer.fetch_watermarks(topic, partition, ASK_WAIT)?;
                    ends.push((topic.to_owned(), partition, end));
                    match (counted, committed) {
                        // Past the end: the topic was deleted and made again.
                        (Some(counted), _) if counted <= end => {
                            begin.add_partition_offset(topic, partition, Offset::Offset(counted))?;
                            counted
                        }
                        (_, Some(committed)) => committed,
                        _ => {
                            let from = self.first_offset(consumer, topic, first, end)?;
                            begin.add_partition_offset(topic, partition, Offset::Offset(from))?;
                            tracing::info!(
                                topic,
                                partition,
                                offset = from,
                                "begins without a committed offset"
                            );
                            from
                        }
                    }
                }
            };
            partitions.set_partition_offset(topic, partition, Offset::Offset(from))?;
        }
        if begin.count() > 0 {
            consumer.commit(&begin, rdkafka::consumer::CommitMode::Async)?;
        }
        Ok(())
    }

    /// Where a partition between `first` and `end` begins that has no
    /// committed offset.
    fn first_offset(
        &self,
        consumer: &BaseConsumer<Group>,
        topic: &str,
        first: i64,
        end: i64,
    ) -> KafkaResult<i64> {
        let from_start =
            self.start == Start::Earliest || self.status.came_later(topic) || group_knows(consumer, topic)?;
        Ok(if from_start { first } else { end })
    }
}

/// Whether the group has committed an offset of any partition of `topic`.
fn group_knows(consumer: &BaseConsumer<Group>, topic: &str) -> KafkaResult<bool> {
    let metadata = consumer.fetch_metadata(Some(topic), ASK_WAIT)?;
    let mut all = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(|t| t.partitions()) {
        all.add_partition(topic, partition.id());
    }
    let committed = consumer.committed_offsets(all, ASK_WAIT)?;
    Ok(committed.elements().iter().any(|e| matches!(e.offset(), Offset::Offset(_))))
}

impl ConsumerContext for Group {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Group>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        self.status.event();
        let cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let result = match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let mut ends = Vec::new();
                // What is not read any more needs no beginning, and the broker may be gone.
                if self.status.leaving().is_none()
                    && let Err(error) = self.place(consumer, partitions, &mut ends)
                {
                    // librdkafka then asks again by itself and falls back to its reset policy.
                    self.status.error(&error);
                }
                for element in partitions.elements() {
                    self.queue.forward(element.topic(), element.partition());
                }
                self.status.assigned(partitions.elements().iter().map(|e| {
                    let next = if let Offset::Offset(offset) = e.offset() { Some(offset) } else { None };
                    (e.topic().to_owned(), e.partition(), next)
                }));
                // So that the lag is known before the first statistics.
                self.status.ends(ends.into_iter());
                if cooperative {
                    consumer.incremental_assign(partitions)
                } else {
                    consumer.assign(partitions)
                }
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                // What was counted is stored, once its events have arrived; giving them up commits it.
                self.waiting.before_revoke(consumer, partitions, self.status.leaving());
                self.status
                    .revoked(partitions.elements().iter().map(|e| (e.topic().to_owned(), e.partition())));
                if cooperative { consumer.incremental_unassign(partitions) } else { consumer.unassign() }
            }
            other => {
                self.status.error(&KafkaError::Rebalance(other.into()));
                consumer.unassign()
            }
        };
        if let Err(error) = result {
            self.status.error(&error);
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        self.status.event();
        let elements = offsets.elements();
        let taken = elements.iter().filter(|e| e.error().is_ok()).filter_map(|e| match e.offset() {
            Offset::Offset(next) => Some((e.topic().to_owned(), e.partition(), next)),
            _ => None,
        });
        self.status.committed(result, taken);
    }
}

impl ClientContext for Group {
    fn stats(&self, statistics: Statistics) {
        self.status.event();
        let connected = statistics.brokers.values().any(|b| b.state == "UP");
        let ends = statistics.topics.values().flat_map(|topic| {
            topic
                .partitions
                .values()
                .map(|p| (topic.topic.clone(), p.partition, p.hi_offset.max(p.ls_offset)))
        });
        self.status.statistics(connected, ends);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.status.event();
        self.status.error_words(error.rdkafka_error_code(), reason);
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.status.event();
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(facility, "librdkafka: {message}");
            }
            // Its errors and warnings repeat what the error callback tells.
            _ => tracing::debug!(facility, "librdkafka: {message}"),
        }
    }
}
