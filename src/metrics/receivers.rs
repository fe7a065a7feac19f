//! What sources that others send to have taken and refused.

use super::Metric;
use super::families::Families;
use crate::source::input::Status;
use crate::source::intake::{Refusal, Status as Receiver};
use errtally_core::ledger::Source;

/// Adds all of it.
pub(super) fn collect(sources: &[(Source, Status)], out: &mut Families<'_>) {
    type Value = fn(&Receiver) -> u64;
    let all: [(&'static Metric, Value); 3] = [
        (&super::SOURCE_CONNECTIONS, |s| s.open()),
        (&super::SOURCE_ACCEPTED, |s| s.accepted()),
        (&super::SOURCE_RECEIVED_BYTES, |s| s.received()),
    ];
    for (metric, value) in all {
        for (source, status) in receivers(sources) {
            out.add(metric, &[source], value(status) as f64);
        }
    }
    for (source, status) in receivers(sources) {
        for refusal in Refusal::ALL {
            out.add(&super::SOURCE_REFUSALS, &[source, refusal.as_str()], status.refused(refusal) as f64);
        }
    }
    for (source, status) in receivers(sources) {
        if let Some(dropped) = status.dropped() {
            out.add(&super::SOURCE_DROPPED_DATAGRAMS, &[source], dropped as f64);
        }
    }
}

/// Connections that begin like data that is to be decoded.
pub(super) fn undecoded(sources: &[(Source, Status)]) -> u64 {
    receivers(sources).map(|(_, status)| status.undecoded()).sum()
}

fn receivers(sources: &[(Source, Status)]) -> impl Iterator<Item = (&'static str, &Receiver)> {
    sources.iter().filter_map(|(source, status)| match status {
        Status::Receiver(status) => Some((source.as_str(), &**status)),
        _ => None,
    })
}
