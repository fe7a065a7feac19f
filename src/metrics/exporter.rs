//! What an exporter shows beside the counts, and the two formats that it writes.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;

use super::families::Families;
use super::rows::Rows;
use super::{collect, openmetrics, text};
use crate::config::CodeInfo;
use crate::http::{Connections, Readiness, Web};
use crate::source::follow::{self, Event};
use crate::source::input::Status;
use crate::source::stdin;
use errtally_core::catalog::Category;
use errtally_core::fields::time::Moment;
use errtally_core::labels::{NONE, SetId};
use errtally_core::ledger::{Ledger, Snapshot, Source};

/// Who has not scraped for so long is not waited for at a stop.
const LONGEST_INTERVAL: Duration = Duration::from_secs(300);

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
    pub(super) fn expired(&self, set: SetId, last_counted: f64) -> bool {
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
    /// What became of log lines.
    pub log: Arc<crate::log::Counters>,
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
    /// What is read.
    pub sources: Vec<(Source, Status)>,
}

/// How the metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The Prometheus text format 0.0.4.
    Text,
    /// OpenMetrics 1.0, with exemplars.
    OpenMetrics,
}

/// All metrics at one moment.
#[derive(Clone, Debug)]
pub struct Exposition {
    /// As they are sent.
    pub text: String,
    /// Where in it the catalog's words on codes stand: more than half of it,
    /// and the same until another code is seen.
    pub metadata: Range<usize>,
}

/// Turns the ledger into exposition text.
#[derive(Debug)]
pub struct Exporter {
    ledger: Arc<Ledger>,
    shown: Arc<ArcSwap<Shown>>,
    process: Option<Process>,
    /// Of the engine of the last snapshot.
    rows: Mutex<Option<Arc<Rows>>>,
    /// How long the last text was: the next is about as long.
    length: AtomicUsize,
    /// The records in the last exposition.
    seen: AtomicU64,
    /// When it was made; none before the first.
    last: Mutex<Option<Instant>>,
}

impl Exporter {
    /// An exporter of `ledger`, and of the `process` where it is a daemon.
    pub fn new(ledger: Arc<Ledger>, shown: Arc<ArcSwap<Shown>>, process: Option<Process>) -> Exporter {
        Exporter {
            ledger,
            shown,
            process,
            rows: Mutex::default(),
            length: AtomicUsize::new(0),
            seen: AtomicU64::new(0),
            last: Mutex::default(),
        }
    }

    /// Whether somebody scrapes now and then.
    pub fn is_scraped(&self) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| last.elapsed() <= LONGEST_INTERVAL)
    }

    /// Records in the last exposition.
    pub fn seen_records(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// All metrics, of one moment.
    pub fn exposition(&self, format: Format) -> Exposition {
        let last = self.length.load(Ordering::Relaxed);
        let mut text = String::with_capacity(last + last / 16);
        let mut metadata = 0..0;
        self.with_families(|families| {
            for family in &families.all {
                let start = text.len();
                match format {
                    Format::Text => text::write(family, &mut text),
                    Format::OpenMetrics => openmetrics::write(family, &mut text),
                }
                if family.metric.name == super::CODE_INFO.name {
                    metadata = start..text.len();
                }
            }
        });
        if format == Format::OpenMetrics {
            text.push_str(openmetrics::END);
        }
        self.length.store(text.len(), Ordering::Relaxed);
        Exposition { text, metadata }
    }

    /// The Prometheus text format 0.0.4.
    pub fn text(&self) -> String {
        self.exposition(Format::Text).text
    }

    /// OpenMetrics 1.0, with exemplars.
    pub fn openmetrics(&self) -> String {
        self.exposition(Format::OpenMetrics).text
    }

    /// Shows `to` everything, of one moment, in the order in which it is exposed.
    fn with_families(&self, to: impl FnOnce(&Families<'_>)) {
        let snapshot = self.ledger.snapshot();
        self.seen.store(snapshot.records(), Ordering::Relaxed);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        let rows = self.rows(&snapshot);
        #[cfg(feature = "kafka")]
        let consumer = self.process.as_ref().and_then(Process::kafka).map(super::kafka::Consumer::new);
        let mut families = Families::default();
        collect::ledger(&snapshot, &rows, &self.shown.load(), &mut families);
        if let Some(process) = &self.process {
            process.events(&mut families);
            #[cfg(feature = "kafka")]
            if let Some(consumer) = &consumer {
                consumer.collect(&mut families);
            }
            process.files(&mut families);
            super::receivers::collect(&process.sources, &mut families);
            process.state(&mut families);
            super::process::collect(&mut families);
        }
        families.sort();
        to(&families);
    }

    fn rows(&self, snapshot: &Snapshot) -> Arc<Rows> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        match &*rows {
            Some(rows) if rows.are_of(&snapshot.engine) => rows.clone(),
            _ => rows.insert(Arc::new(Rows::new(&snapshot.engine))).clone(),
        }
    }
}

impl Process {
    fn stdin(&self) -> Option<&stdin::Status> {
        self.sources.iter().find_map(|(_, status)| match status {
            Status::Stdin(status) => Some(&**status),
            _ => None,
        })
    }

    fn followed(&self) -> Option<&follow::Status> {
        self.sources.iter().find_map(|(_, status)| match status {
            Status::Files(status) => Some(&**status),
            _ => None,
        })
    }

    /// The consumer, where there is one.
    #[cfg(feature = "kafka")]
    pub fn kafka(&self) -> Option<&crate::source::kafka::Status> {
        self.sources.iter().find_map(|(_, status)| match status {
            Status::Kafka(status) => Some(&**status),
            _ => None,
        })
    }

    fn events(&self, out: &mut Families<'_>) {
        if let Some(events) = &self.events {
            out.add(&super::EVENTS, &[events.to()], events.delivered() as f64);
            out.add(&super::EVENTS_DROPPED, &[events.to()], events.dropped() as f64);
            out.add(&super::EVENT_WRITE_FAILURES, &[events.to()], events.failures() as f64);
            out.add(&super::EVENTS_UNDELIVERABLE, &[events.to()], events.undeliverable() as f64);
            out.add(&super::EVENTS_WAITING_SECONDS, &[events.to()], events.waited().as_secs_f64());
        }
    }

    fn files(&self, out: &mut Families<'_>) {
        let Some(files) = self.followed() else { return };
        let gauges = files.gauges();
        out.add(&super::FILES_FOLLOWED, &[], gauges.followed as f64);
        out.add(&super::FILES_OPEN, &[], gauges.open as f64);
        out.add(&super::FILES_UNREAD_BYTES, &[], gauges.unread as f64);
        let counters = [
            (&super::FILE_ROTATIONS, Event::Rotated),
            (&super::FILE_TRUNCATIONS, Event::Truncated),
            (&super::FILES_VANISHED, Event::Vanished),
            (&super::FILE_READ_ERRORS, Event::Unreadable),
            (&super::POSITION_WRITE_FAILURES, Event::Unwritten),
        ];
        for (metric, event) in counters {
            out.add(metric, &[], files.count(event) as f64);
        }
        if let Some(when) = files.written() {
            out.add(&super::POSITIONS_WRITTEN, &[], when);
        }
    }

    fn state(&self, out: &mut Families<'_>) {
        let truth = |is| f64::from(u8::from(is));
        let (successful, when) = self.health.last();
        out.add(&super::RELOAD_SUCCESSFUL, &[], truth(successful && !self.web.is_broken()));
        out.add(&super::RELOAD_SUCCESS_TIMESTAMP, &[], when);
        let undecoded = self.stdin().map_or(0, stdin::Status::undecoded)
            + self.followed().map_or(0, |files| files.count(Event::Undecoded))
            + super::receivers::undecoded(&self.sources);
        out.add(&super::UNDECODED_INPUTS, &[], undecoded as f64);
        for (what, end) in self.web.expiries() {
            out.add(&super::CERTIFICATE_EXPIRY, &[what], end as f64);
        }
        out.add(&super::LOG_LINES_DROPPED, &[], self.log.dropped() as f64);
        out.add(&super::LOG_LINES_SUPPRESSED, &[], self.log.suppressed() as f64);
        out.add(&super::READY, &[], truth(self.readiness.words().0));
        out.add(&super::HTTP_CONNECTIONS, &[], self.connections.count() as f64);
        out.add(&super::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1.0);
    }
}
