//! The counts without their labels: small enough to be copied every few
//! seconds, whatever the number of labels.

use std::sync::Arc;

use super::{About, Ledger, RowKey, Source, SourceCounts, Total, Unknown};
use crate::engine::Engine;

/// Counts of one moment, all of the same commits.
#[derive(Clone, Debug)]
pub struct Totals {
    /// The catalog that the rows belong to.
    pub engine: Arc<Engine>,
    /// By source, those that were opened.
    pub sources: Vec<(Source, SourceCounts)>,
    /// By row.
    pub rows: Vec<Total>,
    /// Unknown codes.
    pub unknown: Vec<Unknown>,
    /// Rows of earlier catalogs that the present one does not have.
    pub retired: Vec<(RowKey, Arc<About>, Total)>,
    /// The names of the configured labels.
    pub labels: Arc<[String]>,
    /// How many combinations of their values there are.
    pub label_sets: usize,
    /// By label, hits whose value was replaced.
    pub replaced: Vec<u64>,
}

impl Ledger {
    /// As [`Ledger::snapshot`], with the labels of each row added up.
    pub fn totals(&self) -> Totals {
        let books = self.books();
        let mut unknown = books.unknown.clone();
        unknown.extend(books.other.values().cloned());
        Totals {
            engine: books.engine.clone(),
            sources: books.sources.clone(),
            rows: books.rows.iter().map(|account| account.total()).collect(),
            unknown,
            retired: books
                .retired
                .iter()
                .map(|(key, r)| (key.clone(), r.about.clone(), r.account.total()))
                .collect(),
            labels: books.labelling.names.clone(),
            label_sets: books.labelling.sets.len() + books.labelling.former.len(),
            replaced: books.labelling.replaced.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::catalog::{Catalog, RowId};
    use crate::count::Tally;
    use crate::engine::Options;
    use crate::labels::OwnSets;

    fn median(mut work: impl FnMut()) -> Duration {
        let mut times: Vec<Duration> = (0..9)
            .map(|_| {
                let start = Instant::now();
                work();
                start.elapsed()
            })
            .collect();
        times.sort();
        times[4]
    }

    #[test]
    fn labels_cost_nothing() {
        let catalog = Arc::new(Catalog::embedded().expect("a catalog"));
        let engine = Arc::new(Engine::new(catalog, Options::default()));
        let ledger = Ledger::with_labels(engine.clone(), 100, &["team".to_owned()], 10_000);
        let mut sets = OwnSets::new(1, 10_000);
        let mut tally = Tally::new(engine.catalog(), 1);
        for team in 0..10_000 {
            let (set, _) = sets.own.number(std::iter::once(format!("t{team}").as_str()));
            for row in 0..20 {
                tally.begin_record();
                tally.hit_labelled(RowId(row), set, false, None);
            }
        }
        (tally.records, tally.matched) = (200_000, 200_000);
        ledger.commit(Source::STDIN, &engine, &mut sets, &mut tally);
        let (snapshot, totals) = (ledger.snapshot(), ledger.totals());
        for (account, total) in snapshot.rows.iter().zip(&totals.rows) {
            let all: u64 = account.all().map(|(_, series)| series.count).sum();
            assert_eq!((account.count(), total.count), (all, all));
            let last = account.all().map(|(_, series)| series.last_counted).fold(0.0, f64::max);
            assert_eq!(total.last_counted, last);
        }
        assert_eq!(totals.rows.iter().map(|t| t.count).sum::<u64>(), 200_000);
        let whole = median(|| drop(ledger.snapshot()));
        let sample = median(|| drop(ledger.totals()));
        println!("200,000 series: a snapshot {whole:?}, a sample {sample:?}");
        assert!(sample * 20 < whole, "a sample {sample:?}, a snapshot {whole:?}");
    }
}
