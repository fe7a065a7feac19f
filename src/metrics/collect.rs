//! A snapshot of the ledger as metric families, by way of a `prometheus`
//! collector.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Registry, TextEncoder};

use super::families::Families;
use super::{Metric, openmetrics};
use crate::catalog::{Catalog, Category, RowId, status_label};
use crate::config::CodeInfo;
use crate::fields::time::Moment;
use crate::http::{Connections, Readiness, Web};
use crate::labels::{NONE, SetId};
use crate::ledger::{Account, Ledger, OTHER, RowKey, Series, Snapshot, SourceCounts};

/// Which series exist before their first hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Categories whose codes are at 0 from the start.
    pub zero_init: Vec<Category>,
    /// Codes with metadata.
    pub code_info: CodeInfo,
    /// How long a labelled series is shown that is not counted; zero for ever.
    pub label_expiry: Duration,
}

impl Shown {
    /// Whether a series with these labels is hidden, last counted then.
    fn expired(&self, set: SetId, last_counted: f64) -> bool {
        let expiry = self.label_expiry.as_secs_f64();
        set != NONE && expiry > 0.0 && Moment::now().0 as f64 / 1e6 - last_counted > expiry
    }
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

    /// Whether the last load succeeded, and when one last did, in seconds
    /// since 1970.
    pub fn last(&self) -> (bool, f64) {
        let millis = self.reload_success.load(Ordering::Relaxed);
        (self.reload_successful.load(Ordering::Relaxed), millis as f64 / 1e3)
    }
}

/// What is shown of the process beside the counts.
#[derive(Clone, Debug)]
pub struct Process {
    /// Loads of configuration and catalog.
    pub health: Arc<Health>,
    /// Where events go, where there are any.
    pub events: Option<Arc<crate::sink::Status>>,
    /// Whether records are read.
    pub readiness: Arc<Readiness>,
    /// Who is connected.
    pub connections: Arc<Connections>,
    /// TLS and authentication, which are read again by themselves.
    pub web: Arc<Web>,
    /// The consumer, where there is one.
    #[cfg(feature = "kafka")]
    pub kafka: Option<Arc<crate::source::kafka::Status>>,
}

/// Turns the ledger into exposition text.
#[derive(Debug)]
pub struct Exporter {
    registry: Registry,
    ledger: LedgerCollector,
}

impl Exporter {
    /// An exporter of `ledger`, and of the `process` where it is a daemon.
    pub fn new(ledger: Arc<Ledger>, shown: Arc<ArcSwap<Shown>>, process: Option<Process>) -> Exporter {
        let registry = Registry::new();
        let ledger = LedgerCollector { ledger, shown, process };
        registry
            .register(Box::new(ledger.clone()))
            // It fails on a name that is taken; the registry is new.
            .expect("one collector in an empty registry");
        Exporter { registry, ledger }
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

    /// OpenMetrics 1.0, with exemplars.
    pub fn openmetrics(&self) -> String {
        openmetrics::encode(&self.ledger.families().sorted())
    }
}

#[derive(Clone, Debug)]
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
        self.families().into_proto()
    }
}

impl LedgerCollector {
    fn families(&self) -> Families {
        let snapshot = self.ledger.snapshot();
        let shown = self.shown.load();
        let mut out = Families::default();
        errors(&snapshot, &shown, &mut out);
        unknown(&snapshot, &mut out);
        metadata(&snapshot, &shown, &mut out);
        label_sets(&snapshot, &mut out);
        sources(&snapshot, &mut out);
        if let Some(process) = &self.process {
            if let Some(events) = &process.events {
                out.add(&super::EVENTS, &[events.to()], events.delivered() as f64);
                out.add(&super::EVENTS_DROPPED, &[events.to()], events.dropped() as f64);
                out.add(&super::EVENT_WRITE_FAILURES, &[events.to()], events.failures() as f64);
            }
            #[cfg(feature = "kafka")]
            if let Some(status) = &process.kafka {
                super::kafka::collect(status, &mut out);
            }
            let truth = |is| f64::from(u8::from(is));
            let (successful, when) = process.health.last();
            out.add(&super::RELOAD_SUCCESSFUL, &[], truth(successful && !process.web.is_broken()));
            out.add(&super::RELOAD_SUCCESS_TIMESTAMP, &[], when);
            out.add(&super::READY, &[], truth(process.readiness.words().0));
            out.add(&super::HTTP_CONNECTIONS, &[], process.connections.count() as f64);
            out.add(&super::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1.0);
            super::process::collect(&mut out);
        }
        out
    }
}

fn errors(snapshot: &Snapshot, shown: &Shown, out: &mut Families) {
    let accounts = accounts(snapshot);
    for (key, account) in &accounts {
        let labels = key.labels();
        for (set, series) in sorted(account) {
            let zero = set == NONE && shown.zero_init.contains(&key.category);
            if (series.count > 0 && !shown.expired(set, series.last_counted)) || zero {
                let exemplar = series.exemplar.clone();
                let more = snapshot.labels_of(set);
                out.add_with(&super::ERRORS, &labels, more, series.count as f64, exemplar);
            }
        }
    }
    let mut by_service: BTreeMap<(&str, Category, SetId), (u64, f64)> = BTreeMap::new();
    for (key, account) in &accounts {
        for (set, series) in account.all() {
            let total = by_service.entry((&key.api_service, key.category, set)).or_default();
            total.0 += series.count;
            total.1 = total.1.max(series.last_counted);
        }
    }
    for ((service, category, set), (count, last_counted)) in by_service {
        if set == NONE || (count > 0 && !shown.expired(set, last_counted)) {
            let more = snapshot.labels_of(set);
            let labels = [service, category.as_str()];
            out.add_with(&super::API_SERVICE_ERRORS, &labels, more, count as f64, None);
        }
    }
    late(snapshot, shown, &accounts, out);
}

/// Late hits, of unknown codes too: they are not among the others.
fn late(snapshot: &Snapshot, shown: &Shown, accounts: &[(RowKey, &Account)], out: &mut Families) {
    for (key, account) in accounts {
        for (set, series) in sorted(account) {
            if series.late == 0 || shown.expired(set, series.last_late) {
                continue;
            }
            let more = snapshot.labels_of(set);
            out.add_with(&super::LATE_ERRORS, &key.labels(), more, series.late as f64, None);
        }
    }
    for u in snapshot.unknown.iter().filter(|u| u.late > 0) {
        let labels = [u.code.as_str(), &u.api_service, u.category.as_str(), ""];
        out.add_with(&super::LATE_ERRORS, &labels, snapshot.labels_of(NONE), u.late as f64, None);
    }
}

/// All rows, those of earlier catalogs too.
fn accounts(snapshot: &Snapshot) -> Vec<(RowKey, &Account)> {
    let catalog = snapshot.engine.catalog();
    let present = snapshot.rows.iter().enumerate();
    let present = present.map(|(i, account)| (RowKey::new(catalog, RowId(i as u32)), account));
    present.chain(snapshot.retired.iter().map(|(key, account)| (key.clone(), account))).collect()
}

fn sorted(account: &Account) -> Vec<(SetId, &Series)> {
    let mut all: Vec<_> = account.all().collect();
    all.sort_unstable_by_key(|&(set, _)| set);
    all
}

fn unknown(snapshot: &Snapshot, out: &mut Families) {
    for u in snapshot.unknown.iter().filter(|u| u.count > 0) {
        out.add(&super::UNKNOWN_CODES, &[&u.code, &u.api_service, u.category.as_str()], u.count as f64);
    }
}

fn label_sets(snapshot: &Snapshot, out: &mut Families) {
    if snapshot.labels.is_empty() {
        return;
    }
    out.add(&super::LABEL_SETS, &[], (snapshot.sets.len() - 1) as f64);
    for (label, &count) in snapshot.labels.iter().zip(&snapshot.replaced) {
        out.add(&super::LABEL_OVERFLOWS, &[label], count as f64);
    }
}

fn metadata(snapshot: &Snapshot, shown: &Shown, out: &mut Families) {
    let catalog: &Catalog = snapshot.engine.catalog();
    for (i, row) in catalog.rows().iter().enumerate() {
        // By row, not by code: a status that was never seen is no news.
        if shown.code_info == CodeInfo::All || snapshot.rows[i].count() > 0 || snapshot.rows[i].late() > 0 {
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
    let metrics: [(&'static Metric, Field); 5] = [
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
