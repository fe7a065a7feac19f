//! The two formats as others write them: the `prometheus` crate the text, and
//! a writer for which speed is nothing OpenMetrics.

use std::fmt::Write;
use std::sync::Mutex;

use errtally_core::ledger::Exemplar;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{self, MetricType};
use prometheus::{Registry, TextEncoder};

use crate::collected::{Family, Sample};

/// The text format, by the crate: it sorts, escapes and writes.
pub fn text(families: Vec<Family>) -> String {
    struct Given(Mutex<Vec<proto::MetricFamily>>);
    impl Collector for Given {
        fn desc(&self) -> Vec<&Desc> {
            Vec::new()
        }
        fn collect(&self) -> Vec<proto::MetricFamily> {
            std::mem::take(&mut self.0.lock().expect("one thread"))
        }
    }
    let registry = Registry::new();
    let given = Given(Mutex::new(families.into_iter().map(proto).collect()));
    registry.register(Box::new(given)).expect("one collector in an empty registry");
    TextEncoder::new().encode_to_string(&registry.gather()).expect("text")
}

fn proto(family: Family) -> proto::MetricFamily {
    let mut made = proto::MetricFamily::default();
    made.set_name(family.metric.name.to_owned());
    made.set_help(family.metric.help.to_owned());
    made.set_field_type(family.metric.kind);
    for sample in family.samples {
        let pairs = sample.labels.into_iter().map(|(name, value)| {
            let mut pair = proto::LabelPair::default();
            pair.set_name(name);
            pair.set_value(value);
            pair
        });
        let mut metric = proto::Metric::from_label(pairs.collect());
        if family.metric.kind == proto::MetricType::COUNTER {
            let mut counter = proto::Counter::default();
            counter.set_value(sample.value);
            metric.set_counter(counter);
        } else {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(sample.value);
            metric.set_gauge(gauge);
        }
        made.mut_metric().push(metric);
    }
    made
}

/// OpenMetrics, character by character: the crate has no writer of it.
pub fn openmetrics(mut families: Vec<Family>) -> String {
    families.sort_by_key(|f| f.metric.name);
    let mut out = String::new();
    for family in &mut families {
        family.samples.sort_by(|a, b| {
            let (a, b) = (a.labels.iter(), b.labels.iter());
            a.map(|(_, value)| value).cmp(b.map(|(_, value)| value))
        });
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
