//! What librdkafka calls back: rebalances, statistics, errors, commits.

use std::sync::{Arc, OnceLock};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, Statistics, TopicPartitionList};

use super::admin::Place;
use super::batch::Slot;
use super::start::{Before, Rules};
use super::status::{Fetched, Status};
use super::waiting::Waiting;
use crate::kafka::{KafkaSettings, Start};
use crate::source::stop::Stop;

/// The callbacks' state.
pub(super) struct Group {
    start: Start,
    resume: Start,
    before: OnceLock<Before>,
    status: Arc<Status>,
    stop: Arc<Stop>,
    queue: Slot,
    waiting: Waiting,
}

impl Group {
    pub(super) fn new(
        settings: &KafkaSettings,
        status: Arc<Status>,
        stop: Arc<Stop>,
        queue: Slot,
        waiting: Waiting,
    ) -> Group {
        let (start, resume) = (settings.start, settings.resume);
        Group { start, resume, before: OnceLock::new(), status, stop, queue, waiting }
    }

    /// Notes what there was before this instance joins.
    pub(super) fn joins(&self, before: Before) {
        let _ = self.before.set(before);
    }

    /// Fills in where reading begins; notes where partitions end.
    fn place(
        &self,
        consumer: &BaseConsumer<Group>,
        partitions: &mut TopicPartitionList,
    ) -> KafkaResult<Vec<(Place, i64)>> {
        let rules = Rules {
            start: self.start,
            resume: self.resume,
            before: self.before.get_or_init(Before::default),
            status: &self.status,
            stop: &self.stop,
        };
        rules.place(consumer, partitions)
    }
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
                // What is not read any more needs no beginning, and the broker may be gone.
                let is_over = self.status.leaving().is_some() || self.stop.is_asked();
                let placed = if is_over { Ok(Vec::new()) } else { self.place(consumer, partitions) };
                let ends = placed.unwrap_or_else(|error| {
                    // librdkafka then asks again by itself and falls back to its reset policy.
                    self.status.error(&error);
                    Vec::new()
                });
                for element in partitions.elements() {
                    self.queue.forward(element.topic(), element.partition());
                }
                self.status.assigned(partitions.elements().iter().map(|e| {
                    let next = if let Offset::Offset(offset) = e.offset() { Some(offset) } else { None };
                    (e.topic().to_owned(), e.partition(), next)
                }));
                // So that the lag is known before the first statistics.
                for (place, end) in ends {
                    self.status.answered(&place, Ok(end));
                }
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
        let fetched = statistics.topics.values().flat_map(|topic| {
            topic.partitions.values().map(|p| Fetched {
                place: (topic.topic.clone(), p.partition),
                next: p.next_offset,
                // Of a reader of committed records, the last stable offset.
                end: if p.ls_offset >= 0 { p.ls_offset } else { p.hi_offset },
                queued: u64::try_from(p.fetchq_cnt).unwrap_or(0),
            })
        });
        self.status.statistics(connected, statistics.ts, fetched.collect());
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
