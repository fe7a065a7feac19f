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
    let row_with =
        |status: u16| rows.clone().map(RowId).find(|&r| catalog.row(r).http_status == Some(status));
    let statuses = statuses(record, |s| row_with(s).is_some());
    if let Some((status, place)) = nearest(record, at, &statuses)
        && let Some(row) = row_with(status)
    {
        return (row, Evidence::Status(status, place));
    }
    let by_message = rows
        .clone()
        .map(RowId)
        .filter_map(|r| Some((template_bytes(&catalog.row(r).message, record)?, r)))
        // `max_by_key` takes the last of equals; the first in the catalog is meant.
        .rev()
        .max_by_key(|&(bytes, _)| bytes);
    match by_message {
        Some((_, row)) => (row, Evidence::Message),
        None => (catalog.default_of(rows), Evidence::Default),
    }
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
