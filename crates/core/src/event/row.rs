//! What is the same in all events of a row of the catalog.

use super::{MAX_MESSAGE_BYTES, cut, head, quoted};
use crate::catalog::template::{self, Template};
use crate::catalog::{Catalog, RowId};
use crate::event::EventPlan;

/// Ready to be copied into them.
#[derive(Clone, Debug)]
pub(super) struct RowText {
    pub(super) selected: bool,
    /// From `"code"` to `"known"`; the status, which the record may say otherwise, stands here.
    pub(super) head: Box<[u8]>,
    pub(super) status: std::ops::Range<usize>,
    pub(super) message: Box<[u8]>,
    /// Where the message has placeholders: what to look for in the record.
    pub(super) template: Option<Template>,
    pub(super) action: Box<[u8]>,
}

impl RowText {
    pub(super) fn new(plan: &EventPlan, catalog: &Catalog, row: RowId) -> RowText {
        let row = catalog.row(row);
        let (code, service) = (&catalog.code(row.code).spelling, &catalog.service_of(row).name);
        let documented = row.http_status.map_or_else(|| "null".to_owned(), |s| s.to_string());
        let (head, status) = head(code, service, row.category, &documented, &row.retryable.to_string(), true);
        RowText {
            selected: plan.only.selects(code, service, row.category),
            head,
            status,
            message: quoted(&cut(&template::readable(&row.message), MAX_MESSAGE_BYTES)),
            template: Template::new(&row.message),
            action: quoted(&cut(&row.action, MAX_MESSAGE_BYTES)),
        }
    }
}
