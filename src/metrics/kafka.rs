//! The consumer's state as metrics; only partitions that are owned now, and a
//! lag only where it is known.

use super::families::Families;
use crate::source::kafka::Status;

/// Adds what `status` knows.
pub(super) fn collect(status: &Status, out: &mut Families) {
    let partitions = status.partitions();
    for p in &partitions {
        if let Some(lag) = p.lag {
            out.add(&super::KAFKA_LAG, &[&p.topic, &p.partition.to_string()], lag as f64);
        }
    }
    for p in &partitions {
        if let Some(seconds) = p.lag_seconds {
            out.add(&super::KAFKA_LAG_SECONDS, &[&p.topic, &p.partition.to_string()], seconds);
        }
    }
    let counters = status.counters();
    out.add(&super::KAFKA_CONNECTED, &[], f64::from(u8::from(counters.connected)));
    out.add(&super::KAFKA_ASSIGNED, &[], partitions.len() as f64);
    out.add(&super::KAFKA_REBALANCES, &[], counters.rebalances as f64);
    out.add(&super::KAFKA_COMMITS, &[], counters.commits as f64);
    out.add(&super::KAFKA_COMMIT_FAILURES, &[], counters.commit_failures as f64);
    for (kind, count) in &counters.errors {
        out.add(&super::KAFKA_ERRORS, &[kind], *count as f64);
    }
}
