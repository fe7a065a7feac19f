//! What was found, most frequent first: the content of `scan`'s reports.
//!
//! # Format
//!
//! As JSON, `{"records", "bytes", "matched_records",
//! "malformed_json_records", "oversized_records", "hits", "unknown"}`. A hit
//! is `{"code", "api_service", "category", "http_status", "retryable",
//! "message", "action", "count"}`, with `http_status` a number or null. An
//! unknown code is `{"code", "api_service", "category", "count"}`; its
//! category is inferred from the status inside the code, else `unknown`. Where
//! records came late, they are not in `count` but in a member `late_count`. A
//! hit has `"retired": true` where a reload took its row out of the catalog:
//! its counts stay, with what the catalog said of it.

use std::cmp::Reverse;

use serde::Serialize;

use crate::catalog::{Catalog, Category};
use crate::ledger::{Account, Row, Snapshot};

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Records read.
    pub records: u64,
    /// Bytes read, newlines included.
    pub bytes: u64,
    /// Records with at least one hit.
    pub matched_records: u64,
    /// Matched records that begin like JSON and do not parse.
    pub malformed_json_records: u64,
    /// Records longer than `max_record_bytes`.
    pub oversized_records: u64,
    /// Known codes.
    pub hits: Vec<Hit>,
    /// Unknown codes.
    pub unknown: Vec<UnknownHit>,
}

/// A known code, or one row of it, with what the catalog knows.
#[derive(Clone, Debug, Serialize)]
pub struct Hit {
    /// As the catalog spells it.
    pub code: String,
    /// Its service.
    pub api_service: String,
    /// Why the call failed.
    pub category: Category,
    /// The HTTP status, where known.
    pub http_status: Option<u16>,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// The API's message.
    pub message: String,
    /// What to do.
    pub action: String,
    /// Records with it.
    pub count: u64,
    /// Late records with it, which are not among them.
    #[serde(skip_serializing_if = "is_zero")]
    pub late_count: u64,
    /// Whether the catalog lacks it since a reload.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

/// A code that the catalog does not have.
#[derive(Clone, Debug, Serialize)]
pub struct UnknownHit {
    /// As reported.
    pub code: String,
    /// Its service.
    pub api_service: String,
    /// Inferred, or unknown.
    pub category: Category,
    /// Records with it.
    pub count: u64,
    /// Late records with it, which are not among them.
    #[serde(skip_serializing_if = "is_zero")]
    pub late_count: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Report {
    /// The report of a snapshot, all sources together.
    pub fn new(snapshot: &Snapshot) -> Report {
        let total = |field: fn(&crate::ledger::SourceCounts) -> u64| {
            snapshot.sources.iter().map(|(_, c)| field(c)).sum()
        };
        let hit = |(row, account): (Row<'_>, &Account)| Hit {
            code: row.code.to_owned(),
            api_service: row.api_service.to_owned(),
            category: row.category,
            http_status: row.http_status,
            retryable: row.retryable,
            message: row.message.to_owned(),
            action: row.action.to_owned(),
            count: account.count(),
            late_count: account.late(),
            retired: row.retired,
        };
        let mut hits: Vec<Hit> = snapshot.counted().map(hit).collect();
        hits.sort_by(|a, b| {
            let rank = |h: &Hit| (Reverse(h.count), h.code.clone(), h.http_status, h.category);
            rank(a).cmp(&rank(b))
        });
        let mut unknown: Vec<UnknownHit> = snapshot
            .unknown
            .iter()
            .map(|u| UnknownHit {
                code: u.code.clone(),
                api_service: u.api_service.clone(),
                category: u.category,
                count: u.count,
                late_count: u.late,
            })
            .collect();
        unknown.sort_by(|a, b| {
            (Reverse(a.count), &a.code, &a.api_service).cmp(&(Reverse(b.count), &b.code, &b.api_service))
        });
        Report {
            records: total(|c| c.records),
            bytes: total(|c| c.bytes),
            matched_records: total(|c| c.matched),
            malformed_json_records: total(|c| c.malformed),
            oversized_records: total(|c| c.oversized),
            hits,
            unknown,
        }
    }
}

/// The content of `catalog list --format json` and `/api/v1/catalog`.
///
/// # Format
///
/// `{"services": [{"service", "full_name", "source", "families":
/// [{"prefix", "separator", "grammar"}]}], "codes": [{"code", "api_service",
/// "http_status", "message", "category", "retryable", "action",
/// "default"}]}`; a code with several rows stands once for each.
#[derive(Clone, Debug, Serialize)]
pub struct CatalogListing {
    /// All services.
    pub services: Vec<ListedService>,
    /// All rows.
    pub codes: Vec<ListedCode>,
}

/// A service of the listing.
#[derive(Clone, Debug, Serialize)]
pub struct ListedService {
    /// The label value.
    pub service: String,
    /// Its full name.
    pub full_name: String,
    /// The document.
    pub source: String,
    /// Its families.
    pub families: Vec<ListedFamily>,
}

/// A family of the listing.
#[derive(Clone, Debug, Serialize)]
pub struct ListedFamily {
    /// As the service spells it; empty for numbers alone.
    pub prefix: String,
    /// `.`, `_`, `-` or empty.
    pub separator: &'static str,
    /// Such as `MMSSSNNN`.
    pub grammar: String,
}

/// A row of the listing.
#[derive(Clone, Debug, Serialize)]
pub struct ListedCode {
    /// The code.
    pub code: String,
    /// Its service.
    pub api_service: String,
    /// Documented, or read from the code.
    pub http_status: Option<u16>,
    /// The API's message.
    pub message: String,
    /// Why the call failed.
    pub category: Category,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// What to do.
    pub action: String,
    /// Meant where nothing in the record decides.
    pub default: bool,
    /// A draft that nobody has judged.
    pub review: bool,
}

impl CatalogListing {
    /// All of `catalog`.
    pub fn new(catalog: &Catalog) -> CatalogListing {
        CatalogListing::of(catalog, &catalog.rows().iter().collect::<Vec<_>>())
    }

    /// These rows of `catalog`, and their services; all services where all rows are.
    pub fn of(catalog: &Catalog, rows: &[&crate::catalog::Row]) -> CatalogListing {
        let services = catalog.services().iter().enumerate().map(|(i, service)| ListedService {
            service: service.name.clone(),
            full_name: service.full_name.clone(),
            source: service.source.clone(),
            families: catalog
                .families()
                .iter()
                .filter(|f| f.service.0 as usize == i)
                .map(|f| ListedFamily {
                    prefix: f.prefix.clone(),
                    separator: f.separator,
                    grammar: f.grammar.to_string(),
                })
                .collect(),
        });
        let all = rows.len() == catalog.rows().len();
        let services = services
            .enumerate()
            .filter(|(i, _)| all || rows.iter().any(|row| row.service.0 as usize == *i))
            .map(|(_, service)| service);
        let codes = rows.iter().map(|row| ListedCode {
            code: catalog.code(row.code).spelling.to_string(),
            api_service: catalog.service_of(row).name.clone(),
            http_status: row.http_status,
            message: row.message.to_string(),
            category: row.category,
            retryable: row.retryable,
            action: row.action.to_string(),
            default: row.default,
            review: row.review,
        });
        CatalogListing { services: services.collect(), codes: codes.collect() }
    }
}
