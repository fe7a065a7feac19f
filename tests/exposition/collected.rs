//! What a snapshot of the ledger is as metric families, the plain way: every
//! text copied, every map sorted.

use std::collections::BTreeMap;

use errtally::metrics::CodeInfo;
use errtally::metrics::{self, Metric, Shown};
use errtally_core::catalog::template::readable;
use errtally_core::catalog::{Catalog, Category, RowId, status_label};
use errtally_core::fields::time::Moment;
use errtally_core::labels::OTHER;
use errtally_core::labels::{NONE, SetId};
use errtally_core::ledger::{Account, Exemplar, RowKey, Series, Snapshot, SourceCounts};

/// A metric with its samples.
pub struct Family {
    pub metric: &'static Metric,
    pub samples: Vec<Sample>,
}

/// One series at one moment.
pub struct Sample {
    pub labels: Vec<(String, String)>,
    pub value: f64,
    pub exemplar: Option<Exemplar>,
}

/// Families in the order in which they were added to.
#[derive(Default)]
struct Families(Vec<Family>);

impl Families {
    fn add(&mut self, metric: &'static Metric, labels: &[&str], value: f64) {
        self.add_with(metric, labels, std::iter::empty(), value, None);
    }

    fn add_with<'l>(
        &mut self,
        metric: &'static Metric,
        labels: &[&'l str],
        more: impl Iterator<Item = (&'l str, &'l str)>,
        value: f64,
        exemplar: Option<Exemplar>,
    ) {
        if self.0.last().is_none_or(|f| f.metric.name != metric.name) {
            self.0.push(Family { metric, samples: Vec::new() });
        }
        let own = metric.labels.iter().copied().zip(labels.iter().copied());
        let labels = own.chain(more).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.0.last_mut().expect("a family").samples.push(Sample { labels, value, exemplar });
    }
}

/// All families of `snapshot`, in no order.
pub fn families(snapshot: &Snapshot, shown: &Shown) -> Vec<Family> {
    let mut out = Families::default();
    errors(snapshot, shown, &mut out);
    unknown(snapshot, &mut out);
    metadata(snapshot, shown, &mut out);
    label_sets(snapshot, &mut out);
    sources(snapshot, &mut out);
    out.0
}

fn expired(shown: &Shown, set: SetId, last_counted: f64) -> bool {
    let expiry = shown.label_expiry.as_secs_f64();
    set != NONE && expiry > 0.0 && Moment::now().0 as f64 / 1e6 - last_counted > expiry
}

fn errors(snapshot: &Snapshot, shown: &Shown, out: &mut Families) {
    let accounts = accounts(snapshot);
    for (key, account) in &accounts {
        let labels = key.labels();
        for (set, series) in sorted(account) {
            let zero = set == NONE && shown.zero_init.contains(&key.category);
            if (series.count > 0 && !expired(shown, set, series.last_counted)) || zero {
                let exemplar = series.exemplar.as_deref().cloned();
                let more = snapshot.labels_of(set);
                out.add_with(&metrics::ERRORS, &labels, more, series.count as f64, exemplar);
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
        if set == NONE || (count > 0 && !expired(shown, set, last_counted)) {
            let more = snapshot.labels_of(set);
            let labels = [service, category.as_str()];
            out.add_with(&metrics::API_SERVICE_ERRORS, &labels, more, count as f64, None);
        }
    }
    late(snapshot, shown, &accounts, out);
}

/// Late hits, of unknown codes too: they are not among the others.
fn late(snapshot: &Snapshot, shown: &Shown, accounts: &[(RowKey, &Account)], out: &mut Families) {
    for (key, account) in accounts {
        for (set, series) in sorted(account) {
            if series.late == 0 || expired(shown, set, series.last_late) {
                continue;
            }
            let more = snapshot.labels_of(set);
            out.add_with(&metrics::LATE_ERRORS, &key.labels(), more, series.late as f64, None);
        }
    }
    for u in snapshot.unknown.iter().filter(|u| u.late > 0) {
        let labels = [u.code.as_str(), &u.api_service, u.category.as_str(), ""];
        out.add_with(&metrics::LATE_ERRORS, &labels, snapshot.labels_of(NONE), u.late as f64, None);
    }
}

/// All rows, those of earlier catalogs too.
fn accounts(snapshot: &Snapshot) -> Vec<(RowKey, &Account)> {
    let catalog = snapshot.engine.catalog();
    let present = snapshot.rows.iter().enumerate().filter(|(i, _)| is_first(catalog, *i));
    let present = present.map(|(i, account)| (RowKey::new(catalog, RowId(i as u32)), account));
    present.chain(snapshot.retired.iter().map(|(key, retired)| (key.clone(), &retired.account))).collect()
}

/// Whether no row before this one has the same labels.
fn is_first(catalog: &Catalog, row: usize) -> bool {
    let key = |i: usize| RowKey::new(catalog, RowId(i as u32));
    let code = catalog.code(catalog.rows()[row].code);
    (code.rows.start as usize..row).all(|before| key(before) != key(row))
}

fn sorted(account: &Account) -> Vec<(SetId, &Series)> {
    let mut all: Vec<_> = account.all().collect();
    all.sort_unstable_by_key(|&(set, _)| set);
    all
}

fn unknown(snapshot: &Snapshot, out: &mut Families) {
    for u in snapshot.unknown.iter().filter(|u| u.count > 0) {
        out.add(&metrics::UNKNOWN_CODES, &[&u.code, &u.api_service, u.category.as_str()], u.count as f64);
    }
}

fn label_sets(snapshot: &Snapshot, out: &mut Families) {
    if snapshot.labels.is_empty() {
        return;
    }
    out.add(&metrics::LABEL_SETS, &[], (snapshot.sets.len() - 1) as f64);
    for (label, &count) in snapshot.labels.iter().zip(&snapshot.replaced) {
        out.add(&metrics::LABEL_OVERFLOWS, &[label], count as f64);
    }
}

fn metadata(snapshot: &Snapshot, shown: &Shown, out: &mut Families) {
    let catalog = snapshot.engine.catalog();
    for (i, row) in catalog.rows().iter().enumerate().filter(|(i, _)| is_first(catalog, *i)) {
        // By row, not by code: a status that was never seen is no news.
        if shown.code_info == CodeInfo::All || snapshot.rows[i].count() > 0 || snapshot.rows[i].late() > 0 {
            let status = status_label(row.http_status);
            let labels = [
                &*catalog.code(row.code).spelling,
                &catalog.service_of(row).name,
                row.category.as_str(),
                &status,
                if row.retryable { "true" } else { "false" },
                &readable(&row.message),
                &row.action,
            ];
            out.add(&metrics::CODE_INFO, &labels, 1.0);
        }
    }
    for (key, retired) in &snapshot.retired {
        let about = &retired.about;
        let [code, api_service, category, status] = key.labels();
        let retryable = if about.retryable { "true" } else { "false" };
        let labels = [code, api_service, category, status, retryable, &about.readable, &about.action];
        out.add(&metrics::CODE_INFO, &labels, 1.0);
    }
    let present = catalog.rows().iter().zip(&snapshot.rows);
    let present = present.map(|(row, account)| (&*catalog.code(row.code).spelling, account));
    let retired = snapshot.retired.iter().map(|(key, retired)| (key.code.as_str(), &retired.account));
    let series = |account: &Account| account.all().map(|(_, s)| s.last_counted).fold(0.0, f64::max);
    let known = present.chain(retired).map(|(code, account)| (code, series(account)));
    let unknown = snapshot.unknown.iter().filter(|u| u.code != OTHER).map(|u| (u.code.as_str(), u.last_seen));
    // A code that a reload made known was an unknown one before.
    let mut seen: BTreeMap<&str, f64> = BTreeMap::new();
    for (code, when) in known.chain(unknown).filter(|&(_, when)| when > 0.0) {
        let latest = seen.entry(code).or_default();
        *latest = latest.max(when);
    }
    for (code, when) in seen {
        // Milliseconds are more than a scrape can tell apart.
        out.add(&metrics::CODE_LAST_SEEN, &[code], (when * 1e3).round() / 1e3);
    }
}

fn sources(snapshot: &Snapshot, out: &mut Families) {
    type Field = fn(&SourceCounts) -> u64;
    let metrics: [(&'static Metric, Field); 5] = [
        (&metrics::RECORDS, |c| c.records),
        (&metrics::RECORD_BYTES, |c| c.bytes),
        (&metrics::MATCHED_RECORDS, |c| c.matched),
        (&metrics::MALFORMED_JSON_RECORDS, |c| c.malformed),
        (&metrics::OVERSIZED_RECORDS, |c| c.oversized),
    ];
    for (metric, field) in metrics {
        for (source, counts) in &snapshot.sources {
            out.add(metric, &[source.as_str()], field(counts) as f64);
        }
    }
}
