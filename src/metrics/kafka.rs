//! The consumer's state as metrics; only partitions that are owned now, and a
//! lag only where it is known.

use super::families::Families;
use crate::source::kafka::{Counters, PartitionStatus, Status};

/// What a consumer told at one moment.
pub(super) struct Consumer {
    /// Each with its number as a label.
    partitions: Vec<(PartitionStatus, String)>,
    counters: Counters,
}

impl Consumer {
    /// What `status` knows now.
    pub fn new(status: &Status) -> Consumer {
        let partitions = status.partitions().into_iter();
        let partitions = partitions.map(|p| {
            let number = p.partition.to_string();
            (p, number)
        });
        Consumer { partitions: partitions.collect(), counters: status.counters() }
    }

    /// Adds all of it.
    pub fn collect<'s>(&'s self, out: &mut Families<'s>) {
        let Consumer { partitions, counters } = self;
        for (p, number) in partitions {
            if let Some(lag) = p.lag {
                out.add(&super::KAFKA_LAG, &[&p.topic, number], lag as f64);
            }
        }
        for (p, number) in partitions {
            if let Some(seconds) = p.lag_seconds {
                out.add(&super::KAFKA_LAG_SECONDS, &[&p.topic, number], seconds);
            }
        }
        for (p, number) in partitions {
            out.add(&super::KAFKA_PARTITION_HEALTHY, &[&p.topic, number], f64::from(u8::from(p.healthy)));
        }
        for (topic, count) in &counters.skipped {
            out.add(&super::KAFKA_SKIPPED, &[topic], *count as f64);
        }
        for (topic, count) in &counters.resets {
            out.add(&super::KAFKA_RESETS, &[topic], *count as f64);
        }
        out.add(&super::KAFKA_CONNECTED, &[], f64::from(u8::from(counters.connected)));
        out.add(&super::KAFKA_ASSIGNED, &[], partitions.len() as f64);
        out.add(&super::KAFKA_REBALANCES, &[], counters.rebalances as f64);
        out.add(&super::KAFKA_COMMITS, &[], counters.commits as f64);
        out.add(&super::KAFKA_COMMIT_FAILURES, &[], counters.commit_failures as f64);
        for (kind, count) in &counters.errors {
            out.add(&super::KAFKA_ERRORS, &[kind], *count as f64);
        }
    }
}
