//! Which of a code's rows a record means: by an HTTP status in the record,
//! by the row's literal message, by the catalog's default.

use super::owner;
use super::status::{nearest, statuses};
use crate::catalog::{Catalog, CodeId, RowId, template};

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The code has one row.
    OnlyRow,
    /// This status, whose first digit stands at this offset of the record.
    Status(u16, usize),
    /// The row's message stands in the record.
    Message,
    /// Nothing; the catalog's default.
    Default,
}

/// The row that `record` means by `code`, which stands first at `at`.
#[inline]
pub fn resolve(catalog: &Catalog, code: CodeId, record: &[u8], at: usize) -> (RowId, Evidence) {
    match catalog.only_row(code) {
        Some(row) => (row, Evidence::OnlyRow),
        None => decide(catalog, code, record, at),
    }
}

/// As [`resolve`], for a code with several rows.
fn decide(catalog: &Catalog, code: CodeId, record: &[u8], at: usize) -> (RowId, Evidence) {
    let rows = owner::rows(catalog, code, record, at);
    let of = |row: u32| catalog.row(RowId(row));
    let first = of(rows.start);
    let by_all_messages = || match by_message(catalog, rows.clone(), record) {
        Some(row) => (row, Evidence::Message),
        None => (catalog.default_of(rows.clone()), Evidence::Default),
    };
    // Most codes of several services are documented alike: then no status decides, nor a message.
    if rows.clone().all(|row| of(row).http_status == first.http_status) {
        return match rows.clone().all(|row| of(row).message == first.message) {
            true => (RowId(rows.start), Evidence::Default),
            false => by_all_messages(),
        };
    }
    let with = |status: u16| rows.clone().filter(move |&row| of(row).http_status == Some(status));
    let statuses = statuses(record, |s| with(s).next().is_some());
    let Some((status, place)) = nearest(record, at, &statuses) else { return by_all_messages() };
    let several = with(status).nth(1).is_some();
    let by_message = several.then(|| by_message(catalog, with(status), record)).flatten();
    let row = by_message.unwrap_or_else(|| catalog.default_of(with(status)));
    (row, Evidence::Status(status, place))
}

/// The row whose literal message stands in the record: of several the longest, of equals the first.
fn by_message(catalog: &Catalog, rows: impl DoubleEndedIterator<Item = u32>, record: &[u8]) -> Option<RowId> {
    let found = rows.map(RowId).filter_map(|r| Some((template_bytes(&catalog.row(r).message, record)?, r)));
    // `max_by_key` takes the last of equals.
    found.rev().max_by_key(|&(bytes, _)| bytes).map(|(_, row)| row)
}

/// The bytes of the template's pieces when they all stand in `record` in
/// their order.
pub(super) fn template_bytes(message: &str, record: &[u8]) -> Option<usize> {
    let pieces = template::pieces(message);
    if !pieces.iter().any(|p| p.len() >= 8) {
        return None;
    }
    let mut rest = record;
    for piece in &pieces {
        let at = memchr::memmem::find(rest, piece.as_bytes())?;
        rest = &rest[at + piece.len()..];
    }
    Some(pieces.iter().map(|p| p.len()).sum())
}
