//! What fails right now: the state of the process, its codes by present rate,
//! its services, in one document for the page and for `/api/v1/live`.
//!
//! `docs/live.md` has the document's members; `live/document.rs` are its
//! types, `live/words.rs` its headline.

mod document;
mod words;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::health::Readiness;
use crate::history::{BARS, History, Key, STEP};
use crate::metrics::Process;
pub use document::*;
use errtally_core::catalog::{Category, template};
use errtally_core::labels::OTHER;
use errtally_core::ledger::{Ledger, SourceCounts, Total, Totals, Unknown};

/// Codes that the document lists; it says how many more there are.
const MOST_CODES: usize = 500;

/// Makes documents.
#[derive(Debug)]
pub struct Live {
    ledger: Arc<Ledger>,
    readiness: Arc<Readiness>,
    process: Process,
    history: Mutex<History>,
    start: Instant,
    started: f64,
}

impl Live {
    /// Of a process that starts now.
    pub fn new(ledger: Arc<Ledger>, readiness: Arc<Readiness>, process: Process) -> Live {
        let start = Instant::now();
        let history = Mutex::new(History::new(start));
        Live { ledger, readiness, process, history, start, started: now() }
    }

    /// Takes a sample every [`STEP`], without end.
    pub async fn sample(self: Arc<Live>) {
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + STEP, STEP);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.step(Instant::now());
        }
    }

    fn step(&self, now: Instant) {
        let totals = self.ledger.totals();
        let rows = totals.counted().map(|(row, total)| (row.key().into(), total));
        let unknown = totals.unknown.iter().map(|u| (unknown_key(u), unknown_total(u)));
        self.history().step(now, sum(&totals), rows.chain(unknown));
    }

    fn history(&self) -> std::sync::MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present state.
    pub fn document(&self) -> Document {
        let totals = self.ledger.totals();
        let present = Instant::now();
        let counts = sum(&totals);
        let mut history = self.history();
        let flow = history.flow(present, counts);
        let mut codes = self.codes(&totals, &mut history);
        drop(history);
        let services = services(&totals, &codes);
        let hits_last_minute = codes.iter().filter_map(|c| c.last_minute).sum();
        let hits: u64 = codes.iter().map(|c| c.count).sum();
        let mut bars = vec![0; BARS];
        for code in &codes {
            add(&mut bars, &code.bars);
        }
        codes.sort_by(|a, b| {
            let rank = |c: &Code| (Reverse(c.last_minute), Reverse(c.count));
            (rank(a), &a.code, a.http_status).cmp(&(rank(b), &b.code, b.http_status))
        });
        let unknown_codes = codes.iter().filter(|c| !c.known && c.count > 0).count();
        let codes_left_out = codes.len().saturating_sub(MOST_CODES);
        codes.truncate(MOST_CODES);
        let (ready, state) = self.readiness.words();
        // The first moment tells nothing of a rate.
        let seconds = flow.seconds.max(1.0);
        let records = Records {
            total: counts.records,
            bytes: counts.bytes,
            matched: counts.matched,
            malformed_json: counts.malformed,
            oversized: counts.oversized,
            last_minute: flow.records,
            matched_last_minute: flow.matched,
            per_second: rounded(flow.records as f64 / seconds),
            bytes_per_second: rounded(flow.bytes as f64 / seconds),
        };
        let headline =
            words::headline(self.readiness.get(), ready, &state, &records, &codes, hits_last_minute);
        let (successful, last_success) = self.process.health.last();
        Document {
            version: env!("CARGO_PKG_VERSION"),
            time: rounded(now()),
            started: rounded(self.started),
            uptime_seconds: rounded(present.duration_since(self.start).as_secs_f64()),
            ready,
            state,
            headline,
            records,
            hits: Hits { total: hits, last_minute: hits_last_minute, bars },
            bar_seconds: STEP.as_secs() * 3,
            codes,
            codes_left_out,
            unknown_codes,
            services,
            labels: labels(&totals),
            events: self.process.events.as_deref().map(|e| Events {
                to: e.to(),
                delivered: e.delivered(),
                dropped: e.dropped(),
                write_failures: e.failures(),
                waiting: e.waiting(),
            }),
            kafka: self.kafka(),
            reload: Reload { successful, last_success: rounded(last_success) },
        }
    }

    fn codes(&self, totals: &Totals, history: &mut History) -> Vec<Code> {
        let mut codes = Vec::new();
        for (row, total) in totals.counted() {
            let mut code = code(row.key().into(), total, history);
            code.http_status = row.http_status;
            code.retryable = Some(row.retryable);
            code.message = template::readable(row.message).into_owned();
            row.action.clone_into(&mut code.action);
            code.retired = row.retired;
            codes.push(code);
        }
        for u in &totals.unknown {
            let mut code = code(unknown_key(u), unknown_total(u), history);
            code.action = if u.code == OTHER {
                "Raise max_unknown_codes, or add their service to a catalog".to_owned()
            } else {
                "In no catalog: look it up at its service, and add it with --catalog".to_owned()
            };
            codes.push(code);
        }
        codes
    }

    #[cfg(not(feature = "kafka"))]
    fn kafka(&self) -> Option<Kafka> {
        None
    }

    #[cfg(feature = "kafka")]
    fn kafka(&self) -> Option<Kafka> {
        let status = self.process.kafka()?;
        let (partitions, counters) = (status.partitions(), status.counters());
        let lags = partitions.iter().filter_map(|p| p.lag);
        let seconds = partitions.iter().filter_map(|p| p.lag_seconds).reduce(f64::max);
        Some(Kafka {
            connected: counters.connected,
            partitions: partitions.len(),
            lag: (partitions.iter().any(|p| p.lag.is_some())).then(|| lags.sum()),
            lag_seconds: seconds.map(rounded),
            rebalances: counters.rebalances,
            commits: counters.commits,
            commit_failures: counters.commit_failures,
            errors: counters.errors.iter().map(|(_, n)| n).sum(),
        })
    }
}

fn unknown_key(u: &Unknown) -> Key {
    Key {
        known: false,
        code: u.code.clone(),
        api_service: u.api_service.clone(),
        category: u.category,
        http_status: String::new(),
    }
}

fn unknown_total(u: &Unknown) -> Total {
    Total { count: u.count, late: u.late, last_counted: u.last_seen }
}

/// A code with its counts; what the catalog knows is yet to be added.
fn code(key: Key, total: Total, history: &mut History) -> Code {
    let recent = history.recent(key.clone(), total);
    let blank = Code::blank();
    let kind = if key.known { "known" } else { "unknown" };
    Code {
        id: format!("{} {} {} {} {kind}", key.code, key.api_service, key.category.as_str(), key.http_status),
        known: key.known,
        code: key.code,
        api_service: key.api_service,
        category: key.category,
        count: total.count,
        late_count: total.late,
        last_minute: recent.last_minute,
        last_15_minutes: recent.last_15_minutes,
        first_seen: rounded(recent.first_seen),
        last_seen: rounded(total.last_counted),
        bars: recent.bars,
        ..blank
    }
}

fn services(totals: &Totals, codes: &[Code]) -> Vec<Service> {
    let retired = totals.retired.iter().map(|(key, about, _)| (key.api_service.as_str(), &*about.full_name));
    let present = totals.engine.catalog().services().iter().map(|s| (s.name.as_str(), &*s.full_name));
    let full: BTreeMap<&str, &str> = retired.chain(present).collect();
    let mut by_name: BTreeMap<&str, (Service, BTreeMap<Category, CategoryCount>)> = BTreeMap::new();
    for code in codes {
        let name = code.api_service.as_str();
        let new = || Service {
            api_service: name.to_owned(),
            full_name: full.get(name).copied().unwrap_or_default().to_owned(),
            bars: vec![0; BARS],
            ..Service::blank()
        };
        let (service, categories) = by_name.entry(name).or_insert_with(|| (new(), BTreeMap::new()));
        let recent = code.last_minute.unwrap_or(0);
        service.count += code.count;
        service.last_minute += recent;
        service.last_15_minutes += code.last_15_minutes.unwrap_or(0);
        add(&mut service.bars, &code.bars);
        let new = CategoryCount { category: code.category, count: 0, last_minute: 0 };
        let category = categories.entry(code.category).or_insert(new);
        category.count += code.count;
        category.last_minute += recent;
    }
    let mut services: Vec<Service> = Vec::with_capacity(by_name.len());
    for (mut service, categories) in by_name.into_values() {
        service.categories = categories.into_values().collect();
        service.categories.sort_by_key(|c| (Reverse(c.last_minute), Reverse(c.count)));
        services.push(service);
    }
    services.sort_by(|a, b| {
        let rank = |s: &Service| (Reverse(s.last_minute), Reverse(s.count));
        (rank(a), &a.api_service).cmp(&(rank(b), &b.api_service))
    });
    services
}

fn labels(totals: &Totals) -> Option<Labels> {
    if totals.labels.is_empty() {
        return None;
    }
    let all = totals.labels.iter().zip(&totals.replaced);
    Some(Labels {
        sets: totals.label_sets,
        overflows: totals.replaced.iter().sum(),
        overflowing: all.filter(|&(_, &n)| n > 0).map(|(name, _)| name.clone()).collect(),
    })
}

fn sum(totals: &Totals) -> SourceCounts {
    totals.sources.iter().fold(SourceCounts::default(), |sum, (_, c)| SourceCounts {
        records: sum.records + c.records,
        bytes: sum.bytes + c.bytes,
        matched: sum.matched + c.matched,
        malformed: sum.malformed + c.malformed,
        oversized: sum.oversized + c.oversized,
    })
}

fn add(sum: &mut [u64], bars: &[u64]) {
    for (sum, bar) in sum.iter_mut().zip(bars) {
        *sum += bar;
    }
}

/// Milliseconds are more than anybody reads.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}
