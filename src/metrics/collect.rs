//! A snapshot of the ledger as metric families, by way of a `prometheus`
//! collector.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric as Sample, MetricFamily, MetricType};
use prometheus::{Registry, TextEncoder};

use super::{Metric, openmetrics};
use crate::catalog::{Catalog, Category, RowId, status_label};
use crate::config::CodeInfo;
use crate::ledger::{Ledger, OTHER, RowKey, Snapshot, SourceCounts};

/// Which series exist before their first hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Categories whose codes are at 0 from the start.
    pub zero_init: Vec<Category>,
    /// Codes with metadata.
    pub code_info: CodeInfo,
}

/// How the last load of configuration and catalog went.
#[derive(Debug)]
pub struct Health {
    reload_successful: AtomicBool,
    /// Milliseconds since 1970.
    reload_success: AtomicU64,
}

impl Default for Health {
    fn default() -> Health {
        let health = Health { reload_successful: AtomicBool::new(true), reload_success: AtomicU64::new(0) };
        health.reloaded(true);
        health
    }
}

impl Health {
    /// Notes the end of a reload.
    pub fn reloaded(&self, successful: bool) {
        self.reload_successful.store(successful, Ordering::Relaxed);
        if successful {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
            self.reload_success.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

/// What is shown of the process beside the counts.
#[derive(Debug)]
pub struct Process {
    /// Loads of configuration and catalog.
    pub health: Arc<Health>,
    /// The consumer, where there is one.
    #[cfg(feature = "kafka")]
    pub kafka: Option<Arc<crate::source::kafka::Status>>,
}

/// Turns the ledger into exposition text.
#[derive(Debug)]
pub struct Exporter {
    registry: Registry,
}

impl Exporter {
    /// An exporter of `ledger`, and of the `process` where it is a daemon.
    pub fn new(ledger: Arc<Ledger>, shown: Arc<ArcSwap<Shown>>, process: Option<Process>) -> Exporter {
        let registry = Registry::new();
        registry
            .register(Box::new(LedgerCollector { ledger, shown, process }))
            // It fails on a name that is taken; the registry is new.
            .expect("one collector in an empty registry");
        Exporter { registry }
    }

    /// The Prometheus text format 0.0.4.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // It fails on families without samples, which `collect` leaves out.
        if let Err(error) = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut out) {
            tracing::error!(%error, "cannot write the metrics");
        }
        out
    }

    /// OpenMetrics 1.0.
    pub fn openmetrics(&self) -> String {
        openmetrics::encode(&self.registry.gather())
    }
}

struct LedgerCollector {
    ledger: Arc<Ledger>,
    shown: Arc<ArcSwap<Shown>>,
    process: Option<Process>,
}

impl Collector for LedgerCollector {
    fn desc(&self) -> Vec<&Desc> {
        // Unchecked on purpose: label values are known at collection only.
        Vec::new()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let snapshot = self.ledger.snapshot();
        let shown = self.shown.load();
        let mut out = Families::default();
        errors(&snapshot, &shown, &mut out);
        unknown(&snapshot, &mut out);
        metadata(&snapshot, &shown, &mut out);
        sources(&snapshot, &mut out);
        if let Some(process) = &self.process {
            #[cfg(feature = "kafka")]
            if let Some(status) = &process.kafka {
                super::kafka::collect(status, &mut out);
            }
            let health = &process.health;
            let successful = f64::from(u8::from(health.reload_successful.load(Ordering::Relaxed)));
            out.add(&super::RELOAD_SUCCESSFUL, &[], successful);
            let millis = health.reload_success.load(Ordering::Relaxed);
            out.add(&super::RELOAD_SUCCESS_TIMESTAMP, &[], millis as f64 / 1e3);
            out.add(&super::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1.0);
            super::process::collect(&mut out);
        }
        out.families
    }
}

/// Families in the making; samples of one metric come one after the other.
#[derive(Default)]
pub(super) struct Families {
    families: Vec<MetricFamily>,
}

impl Families {
    /// Adds a sample.
    pub(super) fn add(&mut self, metric: &Metric, labels: &[&str], value: f64) {
        debug_assert_eq!(metric.labels.len(), labels.len(), "{}", metric.name);
        if self.families.last().is_none_or(|f| f.name() != metric.name) {
            let mut family = MetricFamily::default();
            family.set_name(metric.name.to_owned());
            family.set_help(metric.help.to_owned());
            family.set_field_type(metric.kind);
            self.families.push(family);
        }
        let pairs = metric.labels.iter().zip(labels).map(|(name, value)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value((*value).to_owned());
            pair
        });
        let mut sample = Sample::from_label(pairs.collect());
        if metric.kind == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            sample.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            sample.set_gauge(gauge);
        }
        if let Some(family) = self.families.last_mut() {
            family.mut_metric().push(sample);
        }
    }
}

fn errors(snapshot: &Snapshot, shown: &Shown, out: &mut Families) {
    let catalog = snapshot.engine.catalog();
    let mut by_service: BTreeMap<(String, Category), u64> = BTreeMap::new();
    for (i, &count) in snapshot.rows.iter().enumerate() {
        let id = RowId(i as u32);
        let row = catalog.row(id);
        let service = &catalog.service_of(row.code).name;
        *by_service.entry((service.clone(), row.category)).or_default() += count;
        if count > 0 || shown.zero_init.contains(&row.category) {
            let status = status_label(row.http_status);
            let labels = [catalog.code(row.code).spelling.as_str(), service, row.category.as_str(), &status];
            out.add(&super::ERRORS, &labels, count as f64);
        }
    }
    for (key, count) in &snapshot.retired {
        let RowKey { code, api_service, category, http_status } = key;
        out.add(&super::ERRORS, &[code, api_service, category.as_str(), http_status], *count as f64);
        *by_service.entry((api_service.clone(), *category)).or_default() += count;
    }
    for ((service, category), count) in by_service {
        out.add(&super::API_SERVICE_ERRORS, &[&service, category.as_str()], count as f64);
    }
}

fn unknown(snapshot: &Snapshot, out: &mut Families) {
    for u in &snapshot.unknown {
        out.add(&super::UNKNOWN_CODES, &[&u.code, &u.api_service, u.category.as_str()], u.count as f64);
    }
}

fn metadata(snapshot: &Snapshot, shown: &Shown, out: &mut Families) {
    let catalog: &Catalog = snapshot.engine.catalog();
    for (i, row) in catalog.rows().iter().enumerate() {
        // By row, not by code: a status that was never seen is no news.
        if shown.code_info == CodeInfo::All || snapshot.rows[i] > 0 {
            let status = status_label(row.http_status);
            let labels = [
                catalog.code(row.code).spelling.as_str(),
                &catalog.service_of(row.code).name,
                row.category.as_str(),
                &status,
                if row.retryable { "true" } else { "false" },
                &row.message,
                &row.action,
            ];
            out.add(&super::CODE_INFO, &labels, 1.0);
        }
    }
    let known = catalog.codes().iter().zip(&snapshot.last_seen).map(|(c, &t)| (c.spelling.as_str(), t));
    let unknown = snapshot.unknown.iter().filter(|u| u.code != OTHER).map(|u| (u.code.as_str(), u.last_seen));
    // A code that a reload made known was an unknown one before.
    let mut seen: BTreeMap<&str, f64> = BTreeMap::new();
    for (code, when) in known.chain(unknown).filter(|&(_, when)| when > 0.0) {
        let latest = seen.entry(code).or_default();
        *latest = latest.max(when);
    }
    for (code, when) in seen {
        // Milliseconds are more than a scrape can tell apart.
        out.add(&super::CODE_LAST_SEEN, &[code], (when * 1e3).round() / 1e3);
    }
}

fn sources(snapshot: &Snapshot, out: &mut Families) {
    type Field = fn(&SourceCounts) -> u64;
    let metrics: [(&Metric, Field); 5] = [
        (&super::RECORDS, |c| c.records),
        (&super::RECORD_BYTES, |c| c.bytes),
        (&super::MATCHED_RECORDS, |c| c.matched),
        (&super::MALFORMED_JSON_RECORDS, |c| c.malformed),
        (&super::OVERSIZED_RECORDS, |c| c.oversized),
    ];
    for (metric, field) in metrics {
        for (source, counts) in &snapshot.sources {
            out.add(metric, &[source.as_str()], field(counts) as f64);
        }
    }
}
