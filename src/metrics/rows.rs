//! The rows of a catalog by their labels, made once for an engine and not at
//! each scrape.

use std::sync::{Arc, Weak};

use crate::catalog::RowId;
use crate::engine::Engine;
use crate::ledger::RowKey;

/// All rows with their labels, in the order in which they are exposed.
#[derive(Debug)]
pub(super) struct Rows {
    /// Does not keep it: it may be gone before the next scrape.
    engine: Weak<Engine>,
    rows: Vec<(RowId, RowKey)>,
}

impl Rows {
    /// Those of the catalog of `engine`.
    pub fn new(engine: &Arc<Engine>) -> Rows {
        let catalog = engine.catalog();
        let ids = (0..catalog.rows().len()).map(|i| RowId(i as u32));
        let mut rows: Vec<_> = ids.map(|id| (id, RowKey::new(catalog, id))).collect();
        // What comes in order is sorted for the cost of a look.
        rows.sort_by(|(_, a), (_, b)| a.labels().cmp(&b.labels()));
        Rows { engine: Arc::downgrade(engine), rows }
    }

    /// Whether `engine` is the one that they were made for.
    pub fn are_of(&self, engine: &Arc<Engine>) -> bool {
        // While it is held weakly no other is put in its place.
        std::ptr::eq(self.engine.as_ptr(), Arc::as_ptr(engine))
    }

    /// Position in the catalog, and labels.
    pub fn iter(&self) -> impl Iterator<Item = (RowId, &RowKey)> {
        self.rows.iter().map(|(id, key)| (*id, key))
    }
}
