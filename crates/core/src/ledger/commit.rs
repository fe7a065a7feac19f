//! What a thread counted becomes part of the ledger.
//!
//! Counts add up in any order. What comes first matters where not everything is
//! told apart: unknown codes and combinations of labels, of which there may be
//! too many.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Books, Ledger, Source, Unknown};
use crate::classify::discovered_service;
use crate::count::{Tally, UnknownTally};
use crate::engine::Engine;
use crate::labels::OTHER;
use crate::labels::{NONE, OwnSets};

impl Ledger {
    /// Adds what `tally` holds, which was counted with `engine` and `sets`, and
    /// empties it. Where a reload has replaced that engine meanwhile, hits go
    /// to the same labels.
    pub fn commit(&self, source: Source, engine: &Arc<Engine>, sets: &mut OwnSets, tally: &mut Tally) {
        self.books().commit(source, engine, sets, tally);
    }

    /// As [`Ledger::commit`], before what other threads were given earlier is
    /// counted: only where it makes no difference, else nothing happens.
    /// Whether it did.
    pub fn commit_early(
        &self,
        source: Source,
        engine: &Arc<Engine>,
        sets: &mut OwnSets,
        tally: &mut Tally,
    ) -> bool {
        let mut books = self.books();
        let early = !sets.has_new() && !books.would_tell_apart(tally);
        if early {
            books.commit(source, engine, sets, tally);
        }
        early
    }
}

impl Books {
    /// Whether `tally` has a code that would take one of the places of unknown
    /// codes.
    fn would_tell_apart(&self, tally: &Tally) -> bool {
        self.unknown.len() < self.max_unknown_codes
            && tally.unknown().any(|spelling| !self.unknown_places.contains_key(spelling))
    }

    fn commit(&mut self, source: Source, engine: &Arc<Engine>, sets: &mut OwnSets, tally: &mut Tally) {
        let books = self;
        let counts = books.source(source);
        counts.records += std::mem::take(&mut tally.records);
        counts.bytes += std::mem::take(&mut tally.bytes);
        counts.malformed += std::mem::take(&mut tally.malformed);
        counts.oversized += std::mem::take(&mut tally.oversized);
        let matched = std::mem::take(&mut tally.matched);
        counts.matched += matched;
        if matched == 0 {
            return;
        }
        let now = now();
        tally.drain_rows(|row, hits, exemplar| {
            let series = books.account(engine, row).hits(NONE, hits, 0, now);
            if let Some((trace, request, when)) = exemplar {
                series.exemplar.get_or_insert_default().set(trace, request, when);
            }
        });
        books.labelling.share(sets);
        for (i, new) in tally.replaced.iter_mut().enumerate() {
            books.labelling.replace(sets, i, std::mem::take(new));
        }
        tally.drain_cells(|row, set, cell| {
            let (set, replaced) = sets.common(set);
            for i in crate::labels::each(replaced) {
                books.labelling.replaced[i] += cell.count + cell.late;
            }
            let series = books.account(engine, row).hits(set, cell.count, cell.late, now);
            if let Some((trace, request, when)) = cell.exemplar {
                series.exemplar.get_or_insert_default().set(trace, request, when);
            }
        });
        tally.drain_unknown(|spelling, unknown| books.add_unknown(engine, spelling, &unknown, now));
        books.labelling.warn_of_overflows();
        sets.follow(&books.labelling.sets);
    }

    fn add_unknown(&mut self, engine: &Engine, spelling: Box<str>, tally: &UnknownTally, now: f64) {
        let unknown = match self.unknown_places.get(&spelling) {
            Some(&at) => &mut self.unknown[at],
            None => {
                let service = tally.service.map(|s| engine.catalog().service(s).name.clone());
                let entry = |code: &str, api_service, category| Unknown {
                    code: code.to_owned(),
                    api_service,
                    category,
                    count: 0,
                    late: 0,
                    last_seen: 0.0,
                };
                if self.unknown.len() < self.max_unknown_codes {
                    let service = service.unwrap_or_else(|| discovered_service(&spelling));
                    let at = self.unknown.len();
                    self.unknown.push(entry(&spelling, service, tally.category));
                    self.unknown_places.insert(spelling, at);
                    &mut self.unknown[at]
                } else {
                    // A discovered service's name is the log's to choose: it
                    // would be one more label without a bound.
                    let service = service.unwrap_or_else(|| OTHER.to_owned());
                    // Not by what its records say: which of them is the first here depends on the commits.
                    let key = (service.clone(), tally.own_category);
                    self.other.entry(key).or_insert_with(|| entry(OTHER, service, tally.own_category))
                }
            }
        };
        unknown.count += tally.count;
        unknown.late += tally.late;
        if tally.count > 0 {
            unknown.last_seen = now;
        }
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}
