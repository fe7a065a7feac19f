//! The tallies of one thread between two commits: plain additions, no locks.

use std::collections::HashMap;

use crate::catalog::{Catalog, Category, CodeId, FamilyId, RowId};

/// Most different unknown codes of one record. A record of the default
/// largest size has room for fewer; the limit bounds what an endless record
/// can make us remember.
pub const MAX_UNKNOWN_PER_RECORD: usize = 131_072;

/// What was counted since the last commit.
#[derive(Debug, Default)]
pub struct Tally {
    /// Records that ended.
    pub records: u64,
    /// Their bytes, newlines included.
    pub bytes: u64,
    /// Those with at least one hit.
    pub matched: u64,
    /// Those with a hit that begin like JSON and do not parse.
    pub malformed: u64,
    /// Those longer than the limit.
    pub oversized: u64,
    /// Hits by row of the catalog.
    rows: Vec<u64>,
    /// The rows with hits, so that a commit need not look at all of them.
    touched: Vec<RowId>,
    /// By code, the record in which it was last seen.
    last_record: Vec<u64>,
    unknown: HashMap<Box<str>, UnknownTally>,
    /// Number of the present record, from 1; never reset, so that it tells
    /// records apart without clearing `last_record`.
    record: u64,
    unknown_in_record: usize,
}

/// The hits of one unknown code.
#[derive(Clone, Debug)]
pub struct UnknownTally {
    /// Its family, unless it was discovered.
    pub family: Option<FamilyId>,
    /// What its status says.
    pub category: Category,
    /// Hits.
    pub count: u64,
    last_record: u64,
}

impl Tally {
    /// For the codes and rows of `catalog`.
    pub fn new(catalog: &Catalog) -> Tally {
        Tally {
            rows: vec![0; catalog.rows().len()],
            last_record: vec![0; catalog.codes().len()],
            ..Tally::default()
        }
    }

    /// Begins a record with at least one hit.
    #[inline]
    pub fn begin_record(&mut self) {
        self.record += 1;
        self.unknown_in_record = 0;
    }

    /// Whether `code` is seen for the first time in this record.
    #[inline]
    pub fn first_in_record(&mut self, code: CodeId) -> bool {
        let last = &mut self.last_record[code.0 as usize];
        let first = *last != self.record;
        *last = self.record;
        first
    }

    /// Counts a hit of `row`.
    #[inline]
    pub fn hit(&mut self, row: RowId) {
        let count = &mut self.rows[row.0 as usize];
        if *count == 0 {
            self.touched.push(row);
        }
        *count += 1;
    }

    /// Counts an unknown code, once in this record.
    pub fn hit_unknown(&mut self, spelling: &str, family: Option<FamilyId>, category: Category) {
        if let Some(tally) = self.unknown.get_mut(spelling) {
            if tally.last_record != self.record {
                tally.last_record = self.record;
                tally.count += 1;
            }
            return;
        }
        if self.unknown_in_record < MAX_UNKNOWN_PER_RECORD {
            self.unknown_in_record += 1;
            let tally = UnknownTally { family, category, count: 1, last_record: self.record };
            self.unknown.insert(spelling.into(), tally);
        }
    }

    /// Hands the rows with hits and their counts to `each` and forgets them.
    pub fn drain_rows(&mut self, mut each: impl FnMut(RowId, u64)) {
        for row in self.touched.drain(..) {
            each(row, std::mem::take(&mut self.rows[row.0 as usize]));
        }
    }

    /// Hands the unknown codes to `each` and forgets them.
    pub fn drain_unknown(&mut self, mut each: impl FnMut(Box<str>, UnknownTally)) {
        for (spelling, tally) in self.unknown.drain() {
            each(spelling, tally);
        }
        // An endless record may have made it large.
        self.unknown.shrink_to(1024);
    }
}
