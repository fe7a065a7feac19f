//! The rows of a catalog in the order in which they are exposed, made once for
//! an engine and not at each scrape.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use errtally_core::catalog::template::readable;
use errtally_core::catalog::{Catalog, Category, RowId, ServiceId, status_text};
use errtally_core::engine::Engine;
use errtally_core::ledger::RowKey;

/// All rows that have counters of their own.
#[derive(Debug)]
pub(super) struct Rows {
    /// Does not keep it: it may be gone before the next scrape.
    engine: Weak<Engine>,
    /// What comes in order is sorted for the cost of a look.
    order: Vec<RowId>,
    /// The pairs of service and category that the catalog has.
    pairs: Vec<(ServiceId, Category)>,
    /// The messages for people, of rows whose message has placeholders.
    messages: HashMap<RowId, Box<str>>,
}

/// The labels of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labels<'s> {
    pub code: &'s str,
    pub api_service: &'s str,
    pub category: Category,
    pub http_status: &'s str,
}

impl<'s> Labels<'s> {
    /// Those of `row` of `catalog`.
    pub fn of(catalog: &'s Catalog, row: RowId) -> Labels<'s> {
        let row = catalog.row(row);
        Labels {
            code: &catalog.code(row.code).spelling,
            api_service: &catalog.service_of(row).name,
            category: row.category,
            http_status: row.http_status.map_or("", status_text),
        }
    }

    /// As values, in the order of the metrics' labels.
    pub fn values(&self) -> [&'s str; 4] {
        [self.code, self.api_service, self.category.as_str(), self.http_status]
    }
}

impl<'s> From<&'s RowKey> for Labels<'s> {
    fn from(key: &'s RowKey) -> Labels<'s> {
        let RowKey { code, api_service, category, http_status } = key;
        Labels { code, api_service, category: *category, http_status }
    }
}

impl Rows {
    /// Those of the catalog of `engine`.
    pub fn new(engine: &Arc<Engine>) -> Rows {
        let catalog = engine.catalog();
        let ids = (0..catalog.rows().len()).map(|i| RowId(i as u32));
        let mut order: Vec<_> = ids.filter(|&id| catalog.series(id) == id).collect();
        order.sort_by_key(|&id| Labels::of(catalog, id).values());
        let mut pairs: Vec<_> = catalog.rows().iter().map(|row| (row.service, row.category)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let with_placeholders = order.iter().filter_map(|&id| match readable(&catalog.row(id).message) {
            std::borrow::Cow::Owned(text) => Some((id, text.into())),
            std::borrow::Cow::Borrowed(_) => None,
        });
        let messages = with_placeholders.collect();
        Rows { engine: Arc::downgrade(engine), order, pairs, messages }
    }

    /// Whether `engine` is the one that they were made for.
    pub fn are_of(&self, engine: &Arc<Engine>) -> bool {
        // While it is held weakly no other is put in its place.
        std::ptr::eq(self.engine.as_ptr(), Arc::as_ptr(engine))
    }

    /// The message of `row` of `catalog`, where its values stand as `…`.
    pub fn message<'s>(&'s self, catalog: &'s Catalog, row: RowId) -> &'s str {
        self.messages.get(&row).map_or(&catalog.row(row).message, |message| message)
    }

    /// The rows.
    pub fn iter(&self) -> impl Iterator<Item = RowId> {
        self.order.iter().copied()
    }

    /// The pairs of service and category that there are series of from the start.
    pub fn pairs(&self) -> impl Iterator<Item = (ServiceId, Category)> {
        self.pairs.iter().copied()
    }
}
