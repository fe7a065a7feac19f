//! Metric families in the making, in the order in which they are exposed.

use prometheus::proto;

use super::Metric;
use crate::ledger::Exemplar;

/// Families; samples of one metric come one after the other.
#[derive(Default)]
pub(super) struct Families {
    pub families: Vec<Family>,
}

/// A metric with its samples.
pub(super) struct Family {
    pub metric: &'static Metric,
    pub samples: Vec<Sample>,
}

/// One series at one moment.
pub(super) struct Sample {
    /// Names and values.
    pub labels: Vec<(String, String)>,
    pub value: f64,
    pub exemplar: Option<Exemplar>,
}

impl Families {
    /// Adds a sample.
    pub fn add(&mut self, metric: &'static Metric, labels: &[&str], value: f64) {
        self.add_with(metric, labels, std::iter::empty(), value, None);
    }

    /// Adds a sample with labels beyond the metric's own, and an exemplar.
    pub fn add_with<'l>(
        &mut self,
        metric: &'static Metric,
        labels: &[&'l str],
        more: impl Iterator<Item = (&'l str, &'l str)>,
        value: f64,
        exemplar: Option<Exemplar>,
    ) {
        debug_assert_eq!(metric.labels.len(), labels.len(), "{}", metric.name);
        if self.families.last().is_none_or(|f| f.metric.name != metric.name) {
            self.families.push(Family { metric, samples: Vec::new() });
        }
        let own = metric.labels.iter().copied().zip(labels.iter().copied());
        let labels = own.chain(more).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if let Some(family) = self.families.last_mut() {
            family.samples.push(Sample { labels, value, exemplar });
        }
    }

    /// By name, and their samples by labels, as the `prometheus` crate sorts
    /// them: both formats in one order.
    pub fn sorted(mut self) -> Families {
        self.families.sort_by_key(|f| f.metric.name);
        for family in &mut self.families {
            family.samples.sort_by(|a, b| {
                let (a, b) = (a.labels.iter(), b.labels.iter());
                a.map(|(_, value)| value).cmp(b.map(|(_, value)| value))
            });
        }
        self
    }

    /// As the `prometheus` crate has them, which knows no exemplars.
    pub fn into_proto(self) -> Vec<proto::MetricFamily> {
        self.families.into_iter().map(Family::into_proto).collect()
    }
}

impl Family {
    fn into_proto(self) -> proto::MetricFamily {
        let mut family = proto::MetricFamily::default();
        family.set_name(self.metric.name.to_owned());
        family.set_help(self.metric.help.to_owned());
        family.set_field_type(self.metric.kind);
        for sample in self.samples {
            let pairs = sample.labels.into_iter().map(|(name, value)| {
                let mut pair = proto::LabelPair::default();
                pair.set_name(name);
                pair.set_value(value);
                pair
            });
            let mut metric = proto::Metric::from_label(pairs.collect());
            if self.metric.kind == proto::MetricType::COUNTER {
                let mut counter = proto::Counter::default();
                counter.set_value(sample.value);
                metric.set_counter(counter);
            } else {
                let mut gauge = proto::Gauge::default();
                gauge.set_value(sample.value);
                metric.set_gauge(gauge);
            }
            family.mut_metric().push(metric);
        }
        family
    }
}
