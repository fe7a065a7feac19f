//! OpenMetrics 1.0 text, which the `prometheus` crate does not write.

use std::fmt::Write;

use prometheus::proto::MetricType;

use super::families::{Families, Sample};
use crate::ledger::Exemplar;

/// Writes counters and gauges, the only kinds that errtally has.
pub(super) fn encode(families: &Families) -> String {
    let mut out = String::new();
    for family in &families.families {
        let counter = family.metric.kind == MetricType::COUNTER;
        // The family of a counter is named without the suffix of its samples.
        let sample_name = family.metric.name;
        let name = if counter { sample_name.trim_end_matches("_total") } else { sample_name };
        let kind = if counter { "counter" } else { "gauge" };
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(out, "# TYPE {name} {kind}");
        let _ = writeln!(out, "# HELP {name} {}", Escaped(family.metric.help));
        for Sample { labels, value, exemplar } in &family.samples {
            out.push_str(sample_name);
            if !labels.is_empty() {
                write_labels(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())), &mut out);
            }
            let _ = write!(out, " {value}");
            if let Some(exemplar) = exemplar {
                write_exemplar(exemplar, &mut out);
            }
            out.push('\n');
        }
    }
    out.push_str("# EOF\n");
    out
}

fn write_labels<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>, out: &mut String) {
    for (i, (name, value)) in labels.enumerate() {
        let opening = if i == 0 { '{' } else { ',' };
        let _ = write!(out, "{opening}{name}=\"{}\"", Escaped(value));
    }
    out.push('}');
}

/// One hit, by its trace and request.
fn write_exemplar(exemplar: &Exemplar, out: &mut String) {
    let Exemplar { trace_id, request_id, when } = exemplar;
    let labels = [("trace_id", trace_id.as_str()), ("request_id", request_id.as_str())];
    out.push_str(" # ");
    write_labels(labels.into_iter().filter(|(_, id)| !id.is_empty()), out);
    let _ = write!(out, " 1 {}.{:06}", when.0.div_euclid(1_000_000), when.0.rem_euclid(1_000_000));
}

/// Text with backslash, newline and quote escaped.
struct Escaped<'t>(&'t str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '"' => f.write_str("\\\"")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
