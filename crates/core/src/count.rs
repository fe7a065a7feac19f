//! The tallies of one thread between two commits: plain additions, no locks.

use std::collections::HashMap;

use crate::catalog::{Catalog, Category, CodeId, RowId, ServiceId};
use crate::fields::time::Moment;
use crate::labels::{NONE, SetId};

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
    /// By label, hits whose value was replaced.
    pub replaced: Vec<u64>,
    /// Hits by row of the catalog, without labels and not late.
    rows: Vec<u64>,
    /// The place behind that of their exemplar in `kept`, 0 for none: few of thousands of rows have one.
    row_exemplars: Vec<u32>,
    kept: Vec<ExemplarTally>,
    /// The rows with hits, so that a commit need not look at all of them.
    touched: Vec<RowId>,
    /// By code, the record in which it was last seen.
    last_record: Vec<u64>,
    /// All other hits.
    cells: HashMap<(RowId, SetId), CellTally, foldhash::fast::RandomState>,
    /// What exemplars say, one behind the other.
    exemplars: String,
    unknown: HashMap<Box<str>, UnknownTally>,
    /// Number of the present record, from 1; never reset, so that it tells
    /// records apart without clearing `last_record`.
    record: u64,
    unknown_in_record: usize,
}

/// The hits of one unknown code.
#[derive(Clone, Debug)]
pub struct UnknownTally {
    /// Its service, where the catalog has that.
    pub service: Option<ServiceId>,
    /// What its status says.
    pub category: Category,
    /// The category that the code itself tells, whatever record it stands in.
    pub own_category: Category,
    /// Hits.
    pub count: u64,
    /// Hits of late records, which are not among them.
    pub late: u64,
    last_record: u64,
    /// How many others came before it.
    place: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct CellTally {
    count: u64,
    late: u64,
    exemplar: Option<ExemplarTally>,
}

/// Where an exemplar stands in the text of all, and its lengths.
#[derive(Clone, Copy, Debug)]
struct ExemplarTally {
    start: usize,
    trace: usize,
    request: usize,
    when: Moment,
}

/// Trace, request (either may be empty) and time of the newest hit that had
/// any.
pub type Ids<'t> = (&'t str, &'t str, Moment);

impl ExemplarTally {
    fn ids(self, text: &str) -> Ids<'_> {
        let middle = self.start + self.trace;
        (&text[self.start..middle], &text[middle..middle + self.request], self.when)
    }
}

/// What a row was counted with one combination of labels.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'t> {
    /// Hits.
    pub count: u64,
    /// Hits of late records, which are not among them.
    pub late: u64,
    /// How the newest hit can be found.
    pub exemplar: Option<Ids<'t>>,
}

impl Tally {
    /// For the codes and rows of `catalog`, and so many labels.
    pub fn new(catalog: &Catalog, labels: usize) -> Tally {
        Tally {
            replaced: vec![0; labels],
            rows: vec![0; catalog.rows().len()],
            row_exemplars: vec![0; catalog.rows().len()],
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

    /// Counts a hit of `row` with labels. `ids` are the trace and the request
    /// by which it can be found, where there are any.
    #[inline]
    pub fn hit_labelled(&mut self, row: RowId, set: SetId, late: bool, ids: Option<(&str, &str, Moment)>) {
        let exemplar = ids.map(|(trace, request, when)| {
            let start = self.exemplars.len();
            self.exemplars.push_str(trace);
            self.exemplars.push_str(request);
            ExemplarTally { start, trace: trace.len(), request: request.len(), when }
        });
        if set == NONE && !late {
            self.hit(row);
            if let Some(exemplar) = exemplar {
                let place = &mut self.row_exemplars[row.0 as usize];
                match *place {
                    0 => {
                        self.kept.push(exemplar);
                        // No more than there are rows.
                        *place = self.kept.len() as u32;
                    }
                    place => self.kept[place as usize - 1] = exemplar,
                }
            }
            return;
        }
        let cell = self.cells.entry((row, set)).or_default();
        if late {
            cell.late += 1;
        } else {
            cell.count += 1;
        }
        if exemplar.is_some() {
            cell.exemplar = exemplar;
        }
    }

    /// Whether an unknown code is seen for the first time in this record, and
    /// is to be counted.
    pub fn first_unknown(
        &mut self,
        spelling: &str,
        service: Option<ServiceId>,
        category: Category,
        own_category: Category,
    ) -> bool {
        if let Some(tally) = self.unknown.get_mut(spelling) {
            let first = tally.last_record != self.record;
            tally.last_record = self.record;
            return first;
        }
        let room = self.unknown_in_record < MAX_UNKNOWN_PER_RECORD;
        if room {
            self.unknown_in_record += 1;
            let (place, last_record) = (self.unknown.len(), self.record);
            let tally =
                UnknownTally { service, category, own_category, count: 0, late: 0, last_record, place };
            self.unknown.insert(spelling.into(), tally);
        }
        room
    }

    /// Whether the present record has brought up this unknown code.
    pub fn has_unknown(&self, spelling: &str) -> bool {
        self.unknown.get(spelling).is_some_and(|tally| tally.last_record == self.record)
    }

    /// Counts an unknown code that [`first_unknown`](Tally::first_unknown)
    /// knows.
    pub fn hit_unknown(&mut self, spelling: &str, late: bool) {
        if let Some(tally) = self.unknown.get_mut(spelling) {
            if late {
                tally.late += 1;
            } else {
                tally.count += 1;
            }
        }
    }

    /// The unknown codes.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.unknown.keys().map(|spelling| &**spelling)
    }

    /// How much there is that takes memory for each of its kind: unknown codes
    /// and combinations of a row and labels.
    pub fn weight(&self) -> usize {
        self.unknown.len() + self.cells.len()
    }

    /// Hands the rows with hits, their counts and exemplars to `each` and
    /// forgets them.
    pub fn drain_rows(&mut self, mut each: impl FnMut(RowId, u64, Option<Ids<'_>>)) {
        for row in self.touched.drain(..) {
            let place = std::mem::take(&mut self.row_exemplars[row.0 as usize]);
            let exemplar = place.checked_sub(1).map(|place| self.kept[place as usize].ids(&self.exemplars));
            each(row, std::mem::take(&mut self.rows[row.0 as usize]), exemplar);
        }
        self.kept.clear();
    }

    /// Hands all other hits to `each` and forgets them, and all exemplars.
    pub fn drain_cells(&mut self, mut each: impl FnMut(RowId, SetId, Cell<'_>)) {
        for ((row, set), cell) in self.cells.drain() {
            let exemplar = cell.exemplar.map(|e| e.ids(&self.exemplars));
            each(row, set, Cell { count: cell.count, late: cell.late, exemplar });
        }
        self.exemplars.clear();
    }

    /// Hands the unknown codes to `each`, in the order in which they were first
    /// seen, and forgets them: who tells only some of them apart takes the same
    /// ones each time.
    pub fn drain_unknown(&mut self, mut each: impl FnMut(Box<str>, UnknownTally)) {
        if self.unknown.is_empty() {
            return;
        }
        let mut all: Vec<_> = self.unknown.drain().collect();
        all.sort_unstable_by_key(|(_, tally)| tally.place);
        for (spelling, tally) in all {
            each(spelling, tally);
        }
        // An endless record may have made it large.
        self.unknown.shrink_to(1024);
    }
}
