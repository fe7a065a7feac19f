//! OpenMetrics 1.0 text, with exemplars.

use std::fmt::Write;

use prometheus::proto::MetricType;

use super::families::Family;
use super::writing::{escaped, samples};
use errtally_core::ledger::Exemplar;

/// What comes last.
pub(super) const END: &str = "# EOF\n";

/// Writes a counter or gauge, the only kinds that errtally has.
pub(super) fn write(family: &Family<'_>, out: &mut String) {
    let counter = family.metric.kind == MetricType::COUNTER;
    // The family of a counter is named without the suffix of its samples.
    let name = family.metric.name;
    let name = if counter { name.trim_end_matches("_total") } else { name };
    out.extend(["# TYPE ", name, if counter { " counter" } else { " gauge" }, "\n# HELP ", name, " "]);
    escaped(family.metric.help, out);
    out.push('\n');
    samples(family, write_exemplar, out);
}

/// One hit, by its trace and request.
fn write_exemplar(exemplar: &Exemplar, out: &mut String) {
    let Exemplar { trace_id, request_id, when } = exemplar;
    let labels = [("trace_id", trace_id), ("request_id", request_id)];
    out.push_str(" # ");
    for (i, (name, id)) in labels.into_iter().filter(|(_, id)| !id.is_empty()).enumerate() {
        out.extend([if i == 0 { "{" } else { "," }, name, "=\""]);
        escaped(id, out);
        out.push('"');
    }
    // Writing to a string cannot fail.
    let _ = write!(out, "}} 1 {}.{:06}", when.0.div_euclid(1_000_000), when.0.rem_euclid(1_000_000));
}
