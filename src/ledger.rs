//! All counts of the process, changed only by whole commits.
//!
//! A commit carries whole records, so that a snapshot, taken under the same
//! lock, never shows a record without its hits. The lock is taken once for a
//! block of input, not for a record.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::catalog::{Catalog, Category, RowId, status_label};
use crate::classify::discovered_service;
use crate::count::{Tally, UnknownTally};
use crate::engine::Engine;

/// Where records come from: the label `source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// Files named on the command line.
    File,
    /// Messages.
    Kafka,
}

impl Source {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Stdin => "stdin",
            Source::File => "file",
            Source::Kafka => "kafka",
        }
    }
}

/// The counts of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Records.
    pub records: u64,
    /// Bytes, newlines included.
    pub bytes: u64,
    /// Records with at least one hit, known or unknown.
    pub matched: u64,
    /// Matched records that begin like JSON and do not parse.
    pub malformed: u64,
    /// Records longer than the limit.
    pub oversized: u64,
}

/// The labels of a counter of known codes. Two rows with the same labels are
/// one series, in any catalog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// The code as the catalog spells it.
    pub code: String,
    /// The service.
    pub api_service: String,
    /// The category.
    pub category: Category,
    /// The status, empty where unknown.
    pub http_status: String,
}

impl RowKey {
    /// The labels of `row`.
    pub fn new(catalog: &Catalog, row: RowId) -> RowKey {
        let row = catalog.row(row);
        RowKey {
            code: catalog.code(row.code).spelling.clone(),
            api_service: catalog.service_of(row.code).name.clone(),
            category: row.category,
            http_status: status_label(row.http_status),
        }
    }
}

/// An unknown code's labels and counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// As it is reported; `other` past the limit.
    pub code: String,
    /// Its service.
    pub api_service: String,
    /// What its status says, else unknown.
    pub category: Category,
    /// Hits.
    pub count: u64,
    /// When it was last counted, in seconds since 1970.
    pub last_seen: f64,
}

/// The reserved spelling of unknown codes past the limit.
pub const OTHER: &str = "other";

/// Counts of one moment, all of the same commits.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The catalog that the positions below belong to.
    pub engine: Arc<Engine>,
    /// By source, those that were opened.
    pub sources: Vec<(Source, SourceCounts)>,
    /// Hits by row.
    pub rows: Vec<u64>,
    /// By code, when it was last counted, in seconds since 1970; 0 for never.
    pub last_seen: Vec<f64>,
    /// Unknown codes in the order in which they were first seen, then
    /// [`OTHER`] where there were more.
    pub unknown: Vec<Unknown>,
    /// Rows of earlier catalogs that the present one does not have.
    pub retired: Vec<(RowKey, u64)>,
}

/// The counts. Shared by the threads that read records and those that show
/// the counts.
#[derive(Debug)]
pub struct Ledger {
    books: Mutex<Books>,
    /// How many engines there were before the present one.
    generation: AtomicU64,
}

#[derive(Debug)]
struct Books {
    engine: Arc<Engine>,
    max_unknown_codes: usize,
    sources: Vec<(Source, SourceCounts)>,
    rows: Vec<u64>,
    last_seen: Vec<f64>,
    unknown: Vec<Unknown>,
    unknown_places: HashMap<Box<str>, usize>,
    /// Past the limit, by service and category: the labels stay few.
    other: BTreeMap<(String, Category), (u64, f64)>,
    retired: BTreeMap<RowKey, u64>,
}

impl Ledger {
    /// An empty ledger for the catalog of `engine`, with at most
    /// `max_unknown_codes` unknown codes told apart.
    pub fn new(engine: Arc<Engine>, max_unknown_codes: usize) -> Ledger {
        let (rows, codes) = (engine.catalog().rows().len(), engine.catalog().codes().len());
        Ledger {
            books: Mutex::new(Books {
                engine,
                max_unknown_codes,
                sources: Vec::new(),
                rows: vec![0; rows],
                last_seen: vec![0.0; codes],
                unknown: Vec::new(),
                unknown_places: HashMap::new(),
                other: BTreeMap::new(),
                retired: BTreeMap::new(),
            }),
            generation: AtomicU64::new(0),
        }
    }

    /// Changes when another engine is put in force: a look that costs nothing.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // Nothing inside panics half-way through a change.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine in force, and its generation.
    pub fn engine(&self) -> (Arc<Engine>, u64) {
        let books = self.books();
        (books.engine.clone(), self.generation())
    }

    /// Makes `source` appear in snapshots, at zero.
    pub fn open(&self, source: Source) {
        self.books().source(source);
    }

    /// Adds what `tally` holds, which was counted with `engine`, and empties
    /// it. Where a reload has replaced that engine meanwhile, hits go to the
    /// same labels.
    pub fn commit(&self, source: Source, engine: &Arc<Engine>, tally: &mut Tally) {
        let mut books = self.books();
        let books = &mut *books;
        let counts = books.source(source);
        counts.records += std::mem::take(&mut tally.records);
        counts.bytes += std::mem::take(&mut tally.bytes);
        counts.malformed += std::mem::take(&mut tally.malformed);
        counts.oversized += std::mem::take(&mut tally.oversized);
        let matched = std::mem::take(&mut tally.matched);
        counts.matched += matched;
        let current = Arc::ptr_eq(engine, &books.engine);
        if matched > 0 {
            let now = now();
            tally.drain_rows(|row, hits| {
                if current {
                    books.rows[row.0 as usize] += hits;
                    books.last_seen[engine.catalog().row(row).code.0 as usize] = now;
                } else {
                    books.add_by_key(RowKey::new(engine.catalog(), row), hits, now);
                }
            });
            tally.drain_unknown(|spelling, unknown| books.add_unknown(engine, spelling, &unknown, now));
        }
    }

    /// Puts `engine` in force. Counts keep their values: they move with their
    /// labels, and those whose labels are gone stay as they are.
    pub fn replace(&self, engine: Arc<Engine>, max_unknown_codes: usize) {
        let mut books = self.books();
        self.generation.fetch_add(1, Ordering::AcqRel);
        let old = std::mem::replace(&mut books.engine, engine);
        books.max_unknown_codes = max_unknown_codes;
        let rows = books.engine.catalog().rows().len();
        let codes = books.engine.catalog().codes().len();
        let counts = std::mem::replace(&mut books.rows, vec![0; rows]);
        let seen = std::mem::replace(&mut books.last_seen, vec![0.0; codes]);
        for (i, hits) in counts.into_iter().enumerate().filter(|&(_, hits)| hits > 0) {
            let row = RowId(i as u32);
            let when = seen[old.catalog().row(row).code.0 as usize];
            books.add_by_key(RowKey::new(old.catalog(), row), hits, when);
        }
        for (key, hits) in std::mem::take(&mut books.retired) {
            books.add_by_key(key, hits, 0.0);
        }
    }

    /// All counts of this moment.
    pub fn snapshot(&self) -> Snapshot {
        let books = self.books();
        let mut unknown = books.unknown.clone();
        unknown.extend(books.other.iter().map(|((service, category), &(count, last_seen))| Unknown {
            code: OTHER.to_owned(),
            api_service: service.clone(),
            category: *category,
            count,
            last_seen,
        }));
        Snapshot {
            engine: books.engine.clone(),
            sources: books.sources.clone(),
            rows: books.rows.clone(),
            last_seen: books.last_seen.clone(),
            unknown,
            retired: books.retired.iter().map(|(k, &v)| (k.clone(), v)).collect(),
        }
    }
}

impl Books {
    fn source(&mut self, source: Source) -> &mut SourceCounts {
        let at = self.sources.iter().position(|(s, _)| *s == source).unwrap_or_else(|| {
            self.sources.push((source, SourceCounts::default()));
            self.sources.len() - 1
        });
        &mut self.sources[at].1
    }

    /// Adds to the row with these labels, in the present catalog or retired.
    fn add_by_key(&mut self, key: RowKey, hits: u64, when: f64) {
        let catalog = self.engine.catalog();
        let code = catalog.find(&key.code).filter(|&c| catalog.code(c).spelling == key.code);
        let row = code
            .and_then(|c| catalog.code(c).rows.clone().map(RowId).find(|&r| RowKey::new(catalog, r) == key));
        if let Some(code) = code {
            let seen = &mut self.last_seen[code.0 as usize];
            *seen = seen.max(when);
        }
        match row {
            Some(row) => self.rows[row.0 as usize] += hits,
            None => *self.retired.entry(key).or_default() += hits,
        }
    }

    fn add_unknown(&mut self, engine: &Engine, spelling: Box<str>, tally: &UnknownTally, now: f64) {
        if let Some(&at) = self.unknown_places.get(&spelling) {
            self.unknown[at].count += tally.count;
            self.unknown[at].last_seen = now;
            return;
        }
        let family = tally.family.map(|f| {
            let catalog = engine.catalog();
            catalog.service(catalog.family(f).service).name.clone()
        });
        if self.unknown.len() < self.max_unknown_codes {
            self.unknown.push(Unknown {
                code: spelling.to_string(),
                api_service: family.unwrap_or_else(|| discovered_service(&spelling)),
                category: tally.category,
                count: tally.count,
                last_seen: now,
            });
            self.unknown_places.insert(spelling, self.unknown.len() - 1);
        } else {
            // A discovered service's name is the log's to choose: it would be
            // one more label without a bound.
            let service = family.unwrap_or_else(|| OTHER.to_owned());
            let other = self.other.entry((service, tally.category)).or_default();
            other.0 += tally.count;
            other.1 = now;
        }
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}
