//! The rows of a catalog by their labels, made once for an engine and not at
//! each scrape.

use std::sync::{Arc, Weak};

use crate::catalog::RowId;
use crate::catalog::template::readable;
use crate::engine::Engine;
use crate::ledger::RowKey;

/// All rows with their labels, in the order in which they are exposed.
#[derive(Debug)]
pub(super) struct Rows {
    /// Does not keep it: it may be gone before the next scrape.
    engine: Weak<Engine>,
    rows: Vec<(RowId, RowKey)>,
    /// By position in the catalog, the message for people.
    messages: Vec<Box<str>>,
}

impl Rows {
    /// Those of the catalog of `engine`.
    pub fn new(engine: &Arc<Engine>) -> Rows {
        let catalog = engine.catalog();
        let ids = (0..catalog.rows().len()).map(|i| RowId(i as u32));
        let mut rows: Vec<_> = ids.map(|id| (id, RowKey::new(catalog, id))).collect();
        // What comes in order is sorted for the cost of a look.
        rows.sort_by(|(_, a), (_, b)| a.labels().cmp(&b.labels()));
        let messages = catalog.rows().iter().map(|row| readable(&row.message).into()).collect();
        Rows { engine: Arc::downgrade(engine), rows, messages }
    }

    /// Whether `engine` is the one that they were made for.
    pub fn are_of(&self, engine: &Arc<Engine>) -> bool {
        // While it is held weakly no other is put in its place.
        std::ptr::eq(self.engine.as_ptr(), Arc::as_ptr(engine))
    }

    /// The message of `row`, where its values stand as `…`.
    pub fn message(&self, row: RowId) -> &str {
        &self.messages[row.0 as usize]
    }

    /// Position in the catalog, and labels.
    pub fn iter(&self) -> impl Iterator<Item = (RowId, &RowKey)> {
        self.rows.iter().map(|(id, key)| (*id, key))
    }
}
