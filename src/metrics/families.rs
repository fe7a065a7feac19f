//! Metric families in the making, in the order in which they are exposed.
//!
//! They borrow all text from the snapshot: a scrape of some thousand series
//! copies it once, into the answer.

use std::sync::Arc;

use super::Metric;
use errtally_core::ledger::Exemplar;

/// Families; samples of one metric come one after the other.
#[derive(Default)]
pub(super) struct Families<'s> {
    /// By name, once sorted.
    pub all: Vec<Family<'s>>,
}

/// A metric with its samples.
pub(super) struct Family<'s> {
    /// Which.
    pub metric: &'static Metric,
    /// The names of labels beyond the metric's own.
    more: &'s [String],
    /// The label values of all samples, one sample's behind the other's: every
    /// sample has as many.
    values: Vec<&'s str>,
    samples: Vec<Place<'s>>,
}

/// A sample, with its label values by the position of the first.
struct Place<'s> {
    first: usize,
    value: f64,
    exemplar: Option<&'s Exemplar>,
}

/// One series at one moment.
pub(super) struct Sample<'f, 's> {
    /// In the order of the family's names.
    pub labels: &'f [&'s str],
    /// Its value.
    pub value: f64,
    /// One of the records.
    pub exemplar: Option<&'s Exemplar>,
}

impl<'s> Families<'s> {
    /// Adds a sample.
    pub fn add(&mut self, metric: &'static Metric, labels: &[&'s str], value: f64) {
        self.add_with(metric, labels, (&[], &[]), value, None);
    }

    /// Adds a sample with names and values of labels beyond the metric's own,
    /// the same names for all its samples, and an exemplar. Values that are
    /// missing at the end are empty.
    pub fn add_with(
        &mut self,
        metric: &'static Metric,
        labels: &[&'s str],
        more: (&'s [String], &'s [Arc<str>]),
        value: f64,
        exemplar: Option<&'s Exemplar>,
    ) {
        debug_assert_eq!(metric.labels.len(), labels.len(), "{}", metric.name);
        debug_assert!(more.0.len() >= more.1.len(), "{}", metric.name);
        if self.all.last().is_none_or(|f| f.metric.name != metric.name) {
            self.all.push(Family { metric, more: more.0, values: Vec::new(), samples: Vec::new() });
        }
        if let Some(family) = self.all.last_mut() {
            let first = family.values.len();
            family.values.extend_from_slice(labels);
            family.values.extend(more.1.iter().map(|value| &**value));
            family.values.resize(first + labels.len() + more.0.len(), "");
            family.samples.push(Place { first, value, exemplar });
        }
    }

    /// By name, and their samples by label values.
    pub fn sort(&mut self) {
        self.all.sort_by_key(|f| f.metric.name);
        for family in &mut self.all {
            let (labels, values) = (family.names().count(), &family.values);
            family.samples.sort_by(|a, b| {
                let (a, b) = (&values[a.first..], &values[b.first..]);
                a[..labels].cmp(&b[..labels])
            });
        }
    }
}

impl<'s> Family<'s> {
    /// The names of its labels.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.metric.labels.iter().copied().chain(self.more.iter().map(String::as_str))
    }

    /// Its samples.
    pub fn samples(&self) -> impl Iterator<Item = Sample<'_, 's>> {
        let labels = self.names().count();
        self.samples.iter().map(move |&Place { first, value, exemplar }| Sample {
            labels: &self.values[first..first + labels],
            value,
            exemplar,
        })
    }
}
