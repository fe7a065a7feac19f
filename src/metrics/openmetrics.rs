//! OpenMetrics 1.0 text, which the `prometheus` crate does not write.

use std::fmt::Write;

use prometheus::proto::{MetricFamily, MetricType};

/// Writes counters and gauges, the only kinds that errtally has.
pub(super) fn encode(families: &[MetricFamily]) -> String {
    let mut out = String::new();
    for family in families {
        let counter = family.get_field_type() == MetricType::COUNTER;
        // The family of a counter is named without the suffix of its samples.
        let name = if counter { family.name().trim_end_matches("_total") } else { family.name() };
        let kind = if counter { "counter" } else { "gauge" };
        let _ = writeln!(out, "# TYPE {name} {kind}");
        let _ = writeln!(out, "# HELP {name} {}", Escaped(family.help()));
        for sample in family.get_metric() {
            out.push_str(family.name());
            for (i, pair) in sample.get_label().iter().enumerate() {
                let _ = write!(
                    out,
                    "{}{}=\"{}\"",
                    if i == 0 { '{' } else { ',' },
                    pair.name(),
                    Escaped(pair.value())
                );
            }
            if !sample.get_label().is_empty() {
                out.push('}');
            }
            let value =
                if counter { sample.get_counter().get_value() } else { sample.get_gauge().get_value() };
            let _ = writeln!(out, " {value}");
        }
    }
    out.push_str("# EOF\n");
    out
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
