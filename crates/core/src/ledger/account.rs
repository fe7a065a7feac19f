//! The counts of one row of the catalog: a series for each combination of
//! labels.

use std::collections::HashMap;

use crate::fields::time::Moment;
use crate::labels::{NONE, SetId};

/// The counts of one row.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Over all of the following, kept up with every hit.
    total: Total,
    /// With labels that are all empty: the only ones where none are
    /// configured.
    pub plain: Series,
    /// With others; nowhere, where there are none: a catalog has thousands of rows.
    labelled: Option<Box<Labelled>>,
}

type Labelled = HashMap<SetId, Series, foldhash::fast::RandomState>;

/// The counts of one row, all labels together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    /// Hits.
    pub count: u64,
    /// Hits of late records, which are not among them.
    pub late: u64,
    /// When it was last counted, in seconds since 1970, late hits aside; 0
    /// for never.
    pub last_counted: f64,
}

/// The counts of one row with one combination of labels.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Hits.
    pub count: u64,
    /// Hits of late records, which are not among them.
    pub late: u64,
    /// When it was last counted, in seconds since 1970, late hits aside; 0
    /// for never.
    pub last_counted: f64,
    /// The same of late hits.
    pub last_late: f64,
    /// The newest.
    pub exemplar: Option<Box<Exemplar>>,
}

/// By what one of the counted records can be found again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exemplar {
    /// The trace; may be empty.
    pub trace_id: String,
    /// The request; may be empty.
    pub request_id: String,
    /// When it was counted.
    pub when: Moment,
}

impl Exemplar {
    /// Replaces it, in the memory that it has.
    pub(super) fn set(&mut self, trace: &str, request: &str, when: Moment) {
        self.trace_id.clear();
        self.trace_id.push_str(trace);
        self.request_id.clear();
        self.request_id.push_str(request);
        self.when = when;
    }
}

impl Account {
    fn series(&mut self, set: SetId) -> &mut Series {
        if set == NONE {
            return &mut self.plain;
        }
        self.labelled.get_or_insert_default().entry(set).or_default()
    }

    /// Counts hits with labels `set` at `now`; gives their series.
    pub(super) fn hits(&mut self, set: SetId, count: u64, late: u64, now: f64) -> &mut Series {
        self.total.count += count;
        self.total.late += late;
        if count > 0 {
            self.total.last_counted = now;
        }
        let series = self.series(set);
        series.count += count;
        series.late += late;
        if count > 0 {
            series.last_counted = now;
        }
        if late > 0 {
            series.last_late = now;
        }
        series
    }

    /// All labels together, without a look at each.
    pub fn total(&self) -> Total {
        self.total
    }

    /// All series.
    pub fn all(&self) -> impl Iterator<Item = (SetId, &Series)> {
        let labelled = self.labelled.iter().flat_map(|labelled| labelled.iter());
        std::iter::once((NONE, &self.plain)).chain(labelled.map(|(&set, series)| (set, series)))
    }

    /// Hits with any labels.
    pub fn count(&self) -> u64 {
        self.total.count
    }

    /// Whether it has any hit, late ones too.
    pub fn is_counted(&self) -> bool {
        self.total.count > 0 || self.total.late > 0
    }

    /// Late hits with any labels.
    pub fn late(&self) -> u64 {
        self.total.late
    }

    /// Gives combinations the numbers that they have now; a series without one
    /// goes, and its count stays in the total.
    pub(super) fn renumber(&mut self, numbers: &HashMap<SetId, SetId>) {
        for (set, series) in self.labelled.take().into_iter().flat_map(|labelled| *labelled) {
            if let Some(&set) = numbers.get(&set) {
                self.series(set).add(series);
            }
        }
    }

    /// Takes the exemplars away.
    pub(super) fn forget_exemplars(&mut self) {
        let labelled = self.labelled.iter_mut().flat_map(|labelled| labelled.values_mut());
        for series in std::iter::once(&mut self.plain).chain(labelled) {
            series.exemplar = None;
        }
    }

    pub(super) fn add(&mut self, other: Account) {
        let Account { total, plain, labelled } = other;
        self.total.count += total.count;
        self.total.late += total.late;
        self.total.last_counted = self.total.last_counted.max(total.last_counted);
        self.plain.add(plain);
        for (set, series) in labelled.into_iter().flat_map(|labelled| *labelled) {
            self.series(set).add(series);
        }
    }
}

impl Series {
    fn add(&mut self, other: Series) {
        self.count += other.count;
        self.late += other.late;
        self.last_counted = self.last_counted.max(other.last_counted);
        self.last_late = self.last_late.max(other.last_late);
        if other.exemplar.is_some() {
            self.exemplar = other.exemplar;
        }
    }
}
