//! All counts of the process, changed only by whole commits.
//!
//! A commit carries whole records, so that a snapshot, taken under the same
//! lock, never shows a record without its hits. The lock is taken once for a
//! block of input, not for a record.

mod account;
mod commit;
mod labelling;
mod reload;
mod row;
mod totals;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::catalog::{Catalog, Category, RowId, status_label};
use crate::engine::Engine;
use crate::labels::{SetId, SetValues};
pub use account::{Account, Exemplar, Series, Total};
use labelling::Labelling;
pub use row::{About, Retired, Row};
pub use totals::Totals;

/// Where records come from: a name, the value of the label `source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(&'static str);

impl Source {
    /// Standard input, where nobody has named it otherwise.
    pub const STDIN: Source = Source("stdin");
    /// Files.
    pub const FILE: Source = Source("file");
    /// Messages.
    pub const KAFKA: Source = Source("kafka");

    /// The source of this name. The name is kept as long as the process lives: there is one for each
    /// source of the settings, which are read once.
    pub fn named(name: &str) -> Source {
        let known = [Source::STDIN, Source::FILE, Source::KAFKA];
        let same = known.into_iter().find(|source| source.0 == name);
        same.unwrap_or_else(|| Source(Box::leak(name.to_owned().into_boxed_str())))
    }

    /// The label value.
    pub fn as_str(self) -> &'static str {
        self.0
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
            code: catalog.code(row.code).spelling.to_string(),
            api_service: catalog.service_of(row).name.clone(),
            category: row.category,
            http_status: status_label(row.http_status),
        }
    }
}

impl RowKey {
    /// As values, in the order of the metrics' labels.
    pub fn labels(&self) -> [&str; 4] {
        [&self.code, &self.api_service, self.category.as_str(), &self.http_status]
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
    /// Hits of late records, which are not among them.
    pub late: u64,
    /// When it was last counted, in seconds since 1970, late hits aside; 0
    /// for never.
    pub last_seen: f64,
}

/// Counts of one moment, all of the same commits.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The catalog that the positions below belong to.
    pub engine: Arc<Engine>,
    /// By source, those that were opened.
    pub sources: Vec<(Source, SourceCounts)>,
    /// Counts by row.
    pub rows: Vec<Account>,
    /// The names of the configured labels, then those of earlier ones.
    pub labels: Arc<[String]>,
    /// The values of each combination of the configured labels.
    pub sets: Vec<SetValues>,
    /// Those of combinations that a reload left behind.
    pub former: Vec<SetValues>,
    /// By label, hits whose value was replaced by [`OTHER`](crate::labels::OTHER).
    pub replaced: Vec<u64>,
    /// Unknown codes in the order in which they were first seen, then
    /// [`OTHER`](crate::labels::OTHER) where there were more.
    pub unknown: Vec<Unknown>,
    /// Rows of earlier catalogs that the present one does not have.
    pub retired: Vec<(RowKey, Retired)>,
}

impl Snapshot {
    /// Records of all sources.
    pub fn records(&self) -> u64 {
        self.sources.iter().map(|(_, counts)| counts.records).sum()
    }

    /// All names, and the values that `set` has of the first of them: what
    /// [`labels_of`](Self::labels_of) puts together.
    pub fn more(&self, set: SetId) -> (&[String], &[Arc<str>]) {
        let values = set.as_former().map_or_else(|| &self.sets[set.0 as usize], |at| &self.former[at]);
        (&self.labels, values)
    }

    /// How many combinations of labels there are.
    pub fn label_sets(&self) -> usize {
        self.sets.len() - 1 + self.former.len()
    }

    /// Names and values of the configured labels, as `set` has them.
    pub fn labels_of(&self, set: SetId) -> impl Iterator<Item = (&str, &str)> {
        let (names, values) = self.more(set);
        names.iter().map(String::as_str).zip(values.iter().map(|v| &**v))
    }
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
    rows: Vec<Account>,
    labelling: Labelling,
    unknown: Vec<Unknown>,
    unknown_places: HashMap<Box<str>, usize>,
    /// Past the limit, by service and category: the labels stay few. Their
    /// code is [`OTHER`](crate::labels::OTHER).
    other: BTreeMap<(String, Category), Unknown>,
    retired: BTreeMap<RowKey, Retired>,
}

impl Ledger {
    /// An empty ledger for the catalog of `engine`, with at most
    /// `max_unknown_codes` unknown codes told apart.
    pub fn new(engine: Arc<Engine>, max_unknown_codes: usize) -> Ledger {
        Ledger::with_labels(engine, max_unknown_codes, &[], 0)
    }

    /// As [`Ledger::new`], with labels of these names and at most
    /// `max_label_sets` combinations of their values.
    pub fn with_labels(
        engine: Arc<Engine>,
        max_unknown_codes: usize,
        labels: &[String],
        max_label_sets: usize,
    ) -> Ledger {
        let rows = engine.catalog().rows().len();
        Ledger {
            books: Mutex::new(Books {
                engine,
                max_unknown_codes,
                sources: Vec::new(),
                rows: vec![Account::default(); rows],
                labelling: Labelling::new(labels, max_label_sets),
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

    /// All counts of this moment.
    pub fn snapshot(&self) -> Snapshot {
        let books = self.books();
        let mut unknown = books.unknown.clone();
        unknown.extend(books.other.values().cloned());
        Snapshot {
            engine: books.engine.clone(),
            sources: books.sources.clone(),
            rows: books.rows.clone(),
            labels: books.labelling.names.clone(),
            sets: books.labelling.sets.values().to_vec(),
            former: books.labelling.former.clone(),
            replaced: books.labelling.replaced.clone(),
            unknown,
            retired: books.retired.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
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

    /// The account of a row of `engine`, whichever is in force.
    fn account(&mut self, engine: &Arc<Engine>, row: RowId) -> &mut Account {
        if Arc::ptr_eq(engine, &self.engine) {
            return &mut self.rows[row.0 as usize];
        }
        let catalog = engine.catalog();
        self.by_key(RowKey::new(catalog, row), || Arc::new(About::new(catalog, row)))
    }

    /// The account of the row with these labels, in the present catalog or
    /// retired.
    fn by_key(&mut self, key: RowKey, about: impl FnOnce() -> Arc<About>) -> &mut Account {
        let catalog = self.engine.catalog();
        let code = catalog.find(&key.code).filter(|&c| catalog.code(c).spelling == key.code);
        let row = code
            .and_then(|c| catalog.code(c).rows.clone().map(RowId).find(|&r| RowKey::new(catalog, r) == key));
        match row {
            Some(row) => &mut self.rows[row.0 as usize],
            None => {
                let new = || Retired { about: about(), account: Account::default() };
                &mut self.retired.entry(key).or_insert_with(new).account
            }
        }
    }
}
