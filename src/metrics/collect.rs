//! A snapshot of the ledger as metric families.

use std::collections::HashMap;

use super::CodeInfo;
use super::families::Families;
use super::rows::{Labels, Rows};
use super::{Metric, Shown};
use errtally_core::catalog::{Category, RowId};
use errtally_core::labels::OTHER;
use errtally_core::labels::{NONE, SetId};
use errtally_core::ledger::{Account, Retired, Snapshot, SourceCounts};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Adds all that is counted; `rows` are those of the snapshot's engine.
pub(super) fn ledger<'s>(snapshot: &'s Snapshot, rows: &'s Rows, shown: &Shown, out: &mut Families<'s>) {
    let catalog = snapshot.engine.catalog();
    let account = |row: RowId| &snapshot.rows[row.0 as usize];
    let is_shown =
        |&row: &RowId| account(row).is_counted() || shown.zero_init.contains(&catalog.row(row).category);
    let accounts: Vec<_> = rows
        .iter()
        .filter(is_shown)
        .map(|row| (Labels::of(catalog, row), account(row)))
        .chain(snapshot.retired.iter().map(|(key, retired)| (Labels::from(key), &retired.account)))
        .collect();
    errors(snapshot, shown, &accounts, out);
    by_service(snapshot, rows, shown, &accounts, out);
    late(snapshot, shown, &accounts, out);
    unknown(snapshot, out);
    metadata(snapshot, rows, shown, out);
    last_seen(snapshot, &accounts, out);
    label_sets(snapshot, out);
    sources(snapshot, out);
}

/// The rows that are counted or stand at zero, those of earlier catalogs too.
type Accounts<'s> = [(Labels<'s>, &'s Account)];

fn errors<'s>(snapshot: &'s Snapshot, shown: &Shown, accounts: &Accounts<'s>, out: &mut Families<'s>) {
    for &(key, account) in accounts {
        for (set, series) in account.all() {
            let zero = set == NONE && shown.zero_init.contains(&key.category);
            if (series.count > 0 && !shown.expired(set, series.last_counted)) || zero {
                let (more, exemplar) = (snapshot.more(set), series.exemplar.as_deref());
                out.add_with(&super::ERRORS, &key.values(), more, series.count as f64, exemplar);
            }
        }
    }
}

fn by_service<'s>(
    snapshot: &'s Snapshot,
    rows: &Rows,
    shown: &Shown,
    accounts: &Accounts<'s>,
    out: &mut Families<'s>,
) {
    let mut totals: Map<(&str, Category, SetId), (u64, f64)> = Map::default();
    for (service, category) in rows.pairs() {
        let service = &snapshot.engine.catalog().service(service).name;
        totals.insert((service, category, NONE), (0, 0.0));
    }
    for &(key, account) in accounts {
        for (set, series) in account.all() {
            let total = totals.entry((key.api_service, key.category, set)).or_default();
            total.0 += series.count;
            total.1 = total.1.max(series.last_counted);
        }
    }
    for ((service, category, set), (count, last_counted)) in totals {
        if set == NONE || (count > 0 && !shown.expired(set, last_counted)) {
            let labels = [service, category.as_str()];
            out.add_with(&super::API_SERVICE_ERRORS, &labels, snapshot.more(set), count as f64, None);
        }
    }
}

/// Late hits, of unknown codes too: they are not among the others.
fn late<'s>(snapshot: &'s Snapshot, shown: &Shown, accounts: &Accounts<'s>, out: &mut Families<'s>) {
    for &(key, account) in accounts.iter().filter(|(_, account)| account.late() > 0) {
        for (set, series) in account.all() {
            if series.late == 0 || shown.expired(set, series.last_late) {
                continue;
            }
            let more = snapshot.more(set);
            out.add_with(&super::LATE_ERRORS, &key.values(), more, series.late as f64, None);
        }
    }
    for u in snapshot.unknown.iter().filter(|u| u.late > 0) {
        let labels = [u.code.as_str(), &u.api_service, u.category.as_str(), ""];
        out.add_with(&super::LATE_ERRORS, &labels, snapshot.more(NONE), u.late as f64, None);
    }
}

fn unknown<'s>(snapshot: &'s Snapshot, out: &mut Families<'s>) {
    for u in snapshot.unknown.iter().filter(|u| u.count > 0) {
        out.add(&super::UNKNOWN_CODES, &[&u.code, &u.api_service, u.category.as_str()], u.count as f64);
    }
}

fn label_sets<'s>(snapshot: &'s Snapshot, out: &mut Families<'s>) {
    if snapshot.labels.is_empty() {
        return;
    }
    out.add(&super::LABEL_SETS, &[], snapshot.label_sets() as f64);
    for (label, &count) in snapshot.labels.iter().zip(&snapshot.replaced) {
        out.add(&super::LABEL_OVERFLOWS, &[label], count as f64);
    }
}

fn metadata<'s>(snapshot: &'s Snapshot, rows: &'s Rows, shown: &Shown, out: &mut Families<'s>) {
    let catalog = snapshot.engine.catalog();
    let mut add = |key: Labels<'s>, retryable: bool, message: &'s str, action: &'s str| {
        let [code, api_service, category, status] = key.values();
        let retryable = if retryable { "true" } else { "false" };
        let labels = [code, api_service, category, status, retryable, message, action];
        out.add(&super::CODE_INFO, &labels, 1.0);
    };
    for id in rows.iter() {
        // By row, not by code: a status that was never seen is no news.
        if shown.code_info == CodeInfo::All || snapshot.rows[id.0 as usize].is_counted() {
            let row = catalog.row(id);
            add(Labels::of(catalog, id), row.retryable, rows.message(catalog, id), &row.action);
        }
    }
    for (key, Retired { about, .. }) in &snapshot.retired {
        add(Labels::from(key), about.retryable, &about.readable, &about.action);
    }
}

/// Of a code the newest of its rows, whichever catalog had them, and of the
/// unknown code that it was before a reload.
fn last_seen<'s>(snapshot: &'s Snapshot, accounts: &Accounts<'s>, out: &mut Families<'s>) {
    let unknown = snapshot.unknown.iter().filter(|u| u.code != OTHER).map(|u| (u.code.as_str(), u.last_seen));
    let known = accounts.iter().map(|(key, account)| (key.code, account.total().last_counted));
    let mut newest: Map<&str, f64> = Map::default();
    for (code, when) in known.chain(unknown).filter(|&(_, when)| when > 0.0) {
        let newest = newest.entry(code).or_default();
        *newest = newest.max(when);
    }
    for (code, when) in newest {
        // Milliseconds are more than a scrape can tell apart.
        out.add(&super::CODE_LAST_SEEN, &[code], (when * 1e3).round() / 1e3);
    }
}

fn sources<'s>(snapshot: &'s Snapshot, out: &mut Families<'s>) {
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
