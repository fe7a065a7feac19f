//! Which service a code means whose family several share: the one whose host
//! the record names next to it, else the family's owner.

use std::ops::Range;

use super::What;
use crate::catalog::{Catalog, CodeId, FamilyId, MAX_HOST_LABEL, RowId, ServiceId};

/// The service of an unlisted code of `family` that stands at `at`.
pub fn of_family(catalog: &Catalog, family: FamilyId, record: &[u8], at: usize) -> ServiceId {
    let family = catalog.family(family);
    if family.shared.is_empty() {
        return family.service;
    }
    named(catalog, record, at, |service| service == family.service || family.shared.contains(&service))
        .map_or(family.service, |(service, _)| service)
}

/// Of what stands at `at`, which of several services it belongs to and where
/// the host stands that says so; nothing where only one could be meant.
pub fn told(catalog: &Catalog, what: What, record: &[u8], at: usize) -> Option<Owner> {
    let of = |wanted: &dyn Fn(ServiceId) -> bool| named(catalog, record, at, wanted);
    match what {
        What::Known(code) => {
            let rows = catalog.code(code).rows.clone();
            let service_of = |row: u32| catalog.row(RowId(row)).service;
            let mut others = rows.clone().map(service_of).filter(|&s| s != service_of(rows.start));
            others.next()?;
            let wanted = |service| rows.clone().any(|row| service_of(row) == service);
            Some(match of(&wanted) {
                Some((service, host)) => Owner::Host(service, host),
                None => Owner::Rows,
            })
        }
        What::Unlisted(family, _) => {
            let family = catalog.family(family);
            let wanted = |service| service == family.service || family.shared.contains(&service);
            (!family.shared.is_empty()).then(|| match of(&wanted) {
                Some((service, host)) => Owner::Host(service, host),
                None => Owner::Family(family.service),
            })
        }
        What::Discovered => None,
    }
}

/// Which of several services is meant, and why.
#[derive(Clone, Copy, Debug)]
pub enum Owner {
    /// The one whose host stands here.
    Host(ServiceId, usize),
    /// The one that the family belongs to: no host stands in the record.
    Family(ServiceId),
    /// Whichever row the record means: no host stands in it.
    Rows,
}

/// The rows of `code` that may be meant where it stands at `at`: those of the
/// service that the record names, where it names one.
pub fn rows(catalog: &Catalog, code: CodeId, record: &[u8], at: usize) -> Range<u32> {
    let all = catalog.code(code).rows.clone();
    let service_of = |row: u32| catalog.row(RowId(row)).service;
    let first = service_of(all.start);
    if all.clone().all(|row| service_of(row) == first) {
        return all;
    }
    // A service's rows are neighbours.
    match named(catalog, record, at, |service| all.clone().any(|row| service_of(row) == service)) {
        Some((service, _)) => {
            let mine = || all.clone().filter(|&row| service_of(row) == service);
            let start = mine().next().unwrap_or(all.start);
            start..start + mine().count() as u32
        }
        None => all,
    }
}

/// The service among the `wanted` whose host stands nearest to `at`, the one
/// before it on a tie, and where that is.
fn named(
    catalog: &Catalog,
    record: &[u8],
    at: usize,
    wanted: impl Fn(ServiceId) -> bool,
) -> Option<(ServiceId, usize)> {
    let mut nearest: Option<((usize, bool), (ServiceId, usize))> = None;
    for slashes in memchr::memmem::find_iter(record, b"://") {
        let start = slashes + 3;
        let label = record[start..].iter().take(MAX_HOST_LABEL);
        let label = label.take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
        let host = &record[start..start + label];
        if let Some(&service) = catalog.services_at(host).iter().find(|service| wanted(**service)) {
            let distance = (start.abs_diff(at), start > at);
            if nearest.is_none_or(|(least, _)| distance < least) {
                nearest = Some((distance, (service, start)));
            }
        }
    }
    nearest.map(|(_, found)| found)
}
