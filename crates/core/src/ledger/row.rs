//! A row as it is shown: one of the present catalog, or one of an earlier
//! catalog whose counts stay.

use std::sync::Arc;

use super::{Account, RowKey, Snapshot, Total, Totals};
use crate::catalog::{Catalog, Category, RowId, template};

/// A row that the present catalog does not have, with what its own said.
#[derive(Clone, Debug)]
pub struct Retired {
    /// What its catalog said of it.
    pub about: Arc<About>,
    /// Its counts.
    pub account: Account,
}

/// What a catalog says of a row beside its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The full name of the service.
    pub full_name: String,
    /// The status, where it has one.
    pub http_status: Option<u16>,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// The API's message.
    pub message: String,
    /// The same for people.
    pub readable: String,
    /// What to do.
    pub action: String,
}

impl About {
    /// What `catalog` says of `row`.
    pub(super) fn new(catalog: &Catalog, row: RowId) -> About {
        let view = Row::of(catalog, row);
        About {
            full_name: view.full_name.to_owned(),
            http_status: view.http_status,
            retryable: view.retryable,
            message: view.message.to_owned(),
            readable: template::readable(view.message).into_owned(),
            action: view.action.to_owned(),
        }
    }
}

/// A row with all that is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    /// The code.
    pub code: &'r str,
    /// Its service.
    pub api_service: &'r str,
    /// The full name of the service.
    pub full_name: &'r str,
    /// Why the call failed.
    pub category: Category,
    /// The status, where it has one.
    pub http_status: Option<u16>,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// The API's message.
    pub message: &'r str,
    /// What to do.
    pub action: &'r str,
    /// Whether the present catalog lacks it.
    pub retired: bool,
}

impl<'r> Row<'r> {
    fn of(catalog: &'r Catalog, id: RowId) -> Row<'r> {
        let row = catalog.row(id);
        let service = catalog.service_of(row);
        Row {
            code: &catalog.code(row.code).spelling,
            api_service: &service.name,
            full_name: &service.full_name,
            category: row.category,
            http_status: row.http_status,
            retryable: row.retryable,
            message: &row.message,
            action: &row.action,
            retired: false,
        }
    }

    fn of_retired(key: &'r RowKey, about: &'r About) -> Row<'r> {
        Row {
            code: &key.code,
            api_service: &key.api_service,
            full_name: &about.full_name,
            category: key.category,
            http_status: about.http_status,
            retryable: about.retryable,
            message: &about.message,
            action: &about.action,
            retired: true,
        }
    }

    /// Its labels.
    pub fn key(&self) -> RowKey {
        RowKey {
            code: self.code.to_owned(),
            api_service: self.api_service.to_owned(),
            category: self.category,
            http_status: crate::catalog::status_label(self.http_status),
        }
    }
}

impl Snapshot {
    /// Every row that was counted, in this catalog or an earlier one: the
    /// truth that all views show.
    pub fn counted(&self) -> impl Iterator<Item = (Row<'_>, &Account)> {
        let catalog = self.engine.catalog();
        let present = self.rows.iter().enumerate().filter(|(_, account)| account.is_counted());
        let present = present.map(|(i, account)| (Row::of(catalog, RowId(i as u32)), account));
        present.chain(self.retired.iter().map(|(key, r)| (Row::of_retired(key, &r.about), &r.account)))
    }
}

impl Totals {
    /// As [`Snapshot::counted`].
    pub fn counted(&self) -> impl Iterator<Item = (Row<'_>, Total)> {
        let catalog = self.engine.catalog();
        let present = self.rows.iter().enumerate().filter(|(_, total)| total.count > 0 || total.late > 0);
        let present = present.map(|(i, &total)| (Row::of(catalog, RowId(i as u32)), total));
        present.chain(self.retired.iter().map(|(key, about, total)| (Row::of_retired(key, about), *total)))
    }
}
