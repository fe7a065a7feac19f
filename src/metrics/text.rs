//! The Prometheus text format 0.0.4, which has no exemplars.

use prometheus::proto::MetricType;

use super::families::Family;
use super::writing::{escaped_but_quotes, samples};

/// Writes a counter or gauge, the only kinds that errtally has.
pub(super) fn write(family: &Family<'_>, out: &mut String) {
    let name = family.metric.name;
    let kind = if family.metric.kind == MetricType::COUNTER { "counter" } else { "gauge" };
    out.extend(["# HELP ", name, " "]);
    escaped_but_quotes(family.metric.help, out);
    out.extend(["\n# TYPE ", name, " ", kind, "\n"]);
    samples(family, |_, _| {}, out);
}
