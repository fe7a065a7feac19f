//! What both exposition formats have in common: escapes, labels, samples.

use memchr::{memchr2, memchr3};

use super::families::Family;
use super::number;
use errtally_core::ledger::Exemplar;

/// Writes each sample of `family`, on a line of its own; `exemplar` writes
/// what comes behind the value of those that have one.
pub(super) fn samples(family: &Family<'_>, exemplar: impl Fn(&Exemplar, &mut String), out: &mut String) {
    // What stands before each label value is the same in every line.
    let names = family.names().enumerate().map(|(i, name)| match i {
        0 => format!("{}{{{name}=\"", family.metric.name),
        _ => format!("\",{name}=\""),
    });
    let names: Vec<String> = names.collect();
    for sample in family.samples() {
        for (name, value) in names.iter().zip(sample.labels) {
            out.push_str(name);
            escaped(value, out);
        }
        out.push_str(if names.is_empty() { family.metric.name } else { "\"}" });
        out.push(' ');
        number::write(sample.value, out);
        if let Some(ids) = sample.exemplar {
            exemplar(ids, out);
        }
        out.push('\n');
    }
}

/// Writes `text` with backslash, newline and quote escaped.
pub(super) fn escaped(text: &str, out: &mut String) {
    escaped_at(text, |rest| memchr3(b'\\', b'\n', b'"', rest), out);
}

/// Writes `text` with backslash and newline escaped.
pub(super) fn escaped_but_quotes(text: &str, out: &mut String) {
    escaped_at(text, |rest| memchr2(b'\\', b'\n', rest), out);
}

#[inline]
fn escaped_at(mut text: &str, next: impl Fn(&[u8]) -> Option<usize>, out: &mut String) {
    while let Some(at) = next(text.as_bytes()) {
        out.push_str(&text[..at]);
        out.push_str(match text.as_bytes()[at] {
            b'\n' => "\\n",
            b'"' => "\\\"",
            _ => "\\\\",
        });
        text = &text[at + 1..];
    }
    out.push_str(text);
}
