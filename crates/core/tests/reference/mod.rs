//! The reference classifier: the rules of `docs/matching.md` in the slowest, plainest form.
//!
//! It exists to disagree with the library. It shares no code with it, searches with nested loops,
//! one byte at a time, and takes its catalog as plain data, so that a mistake in the fast path's
//! search, windows or buffering has no counterpart here.

// Each test binary compiles this module for itself and uses a different part of it.
#![allow(dead_code)]

pub mod bytes;
mod doubt;
mod find;
pub mod join;
mod json;
mod keys;
mod message;
mod status;

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// One record yields at most this many different unknown codes.
const MAX_UNKNOWN_PER_RECORD: usize = 131_072;

/// For so many unknown codes of a record its statuses are asked.
const MAX_STATUSES: usize = 16;

/// A prefix, a separator and the shape of what follows.
#[derive(Clone, Debug, Default)]
pub struct Family {
    pub prefix: String,
    /// `.`, `_`, `-` or nothing.
    pub separator: String,
    /// `N`, `M` and `S` for digits, a dot for itself, letters in single quotes for themselves.
    pub grammar: String,
    /// The owner.
    pub service: String,
    /// Who else has codes of it.
    pub shared: Vec<String>,
    pub everyday: bool,
}

/// One documented meaning of a code.
#[derive(Clone, Debug)]
pub struct Row {
    pub code: String,
    pub service: String,
    pub http_status: Option<u16>,
    pub message: String,
    pub category: String,
    pub is_default: bool,
}

/// Everything the classifier knows, in catalog order.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub families: Vec<Family>,
    pub rows: Vec<Row>,
    /// Services and the first labels of their hosts.
    pub hosts: Vec<(String, Vec<String>)>,
}

/// The settings that change what is counted.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub discovery: bool,
    pub max_record_bytes: usize,
    /// Whether lines that continue another belong to its record.
    pub join: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { discovery: true, max_record_bytes: 1 << 20, join: false }
    }
}

impl Catalog {
    /// Reads `cases/catalog.json`: the services with their families, and the rows.
    pub fn from_json(list: &Value) -> Self {
        let text = |v: &Value, key: &str| v[key].as_str().unwrap_or_default().to_owned();
        let mut catalog = Self::default();
        for service in list["services"].as_array().expect("`services` is a list") {
            let name = service["service"].as_str().expect("a service has a name");
            for family in service["families"].as_array().expect("`families` is a list") {
                catalog.families.push(Family {
                    prefix: text(family, "prefix"),
                    separator: family["separator"].as_str().unwrap_or(".").to_owned(),
                    grammar: text(family, "grammar"),
                    service: name.to_owned(),
                    shared: Vec::new(),
                    everyday: family["everyday"].as_bool().unwrap_or(false),
                });
            }
        }
        for row in list["codes"].as_array().expect("`codes` is a list") {
            catalog.rows.push(Row {
                code: text(row, "code"),
                service: text(row, "api_service"),
                http_status: bytes::status_of_json(&row["http_status"]),
                message: text(row, "message"),
                category: text(row, "category"),
                is_default: row["default"].as_bool().unwrap_or(false),
            });
        }
        assert!(!catalog.families.is_empty(), "a catalog without families tests nothing");
        catalog
    }

    fn rows_of(&self, code: &str) -> Vec<&Row> {
        self.rows.iter().filter(|row| row.code == code).collect()
    }
}

/// Classifies a whole input and reports it as `scan --format json` does, counts only, sorted by
/// code, status, service and category so that two reports can be compared.
pub fn classify(catalog: &Catalog, options: Options, input: &[u8]) -> Value {
    let mut records: Vec<&[u8]> = input.split(|&byte| byte == b'\n').collect();
    // What follows the last newline is a record only when there is something.
    if records.last().is_some_and(|last| last.is_empty()) {
        records.pop();
    }

    let joined: Vec<join::Record> =
        if options.join { join::records(input, options.max_record_bytes) } else { Vec::new() };
    if options.join {
        records = joined.iter().map(|record| &record.text[..]).collect();
    }

    let (mut matched, mut malformed, mut oversized) = (0u64, 0u64, 0u64);
    // By all of their labels: rows that have these in common are one counter.
    let mut hits: BTreeMap<(String, Option<u16>, String, String), u64> = BTreeMap::new();
    let mut unknown: BTreeMap<String, (String, String, u64)> = BTreeMap::new();

    for record in &records {
        let too_long = record.len() > options.max_record_bytes;
        let found = find::codes(catalog, options.discovery, record, too_long);

        oversized += u64::from(too_long);
        matched += u64::from(!found.is_empty());
        if !found.is_empty() && !too_long && json::claims_to_be_json(record) && !json::parses(record) {
            malformed += 1;
        }

        let mut unknown_here = 0;
        for code in found {
            let rows = catalog.rows_of(&code.code);
            if rows.is_empty() {
                unknown_here += 1;
                if unknown_here <= MAX_UNKNOWN_PER_RECORD {
                    let stated = if too_long || unknown_here > MAX_STATUSES {
                        None
                    } else {
                        status::of_failure(record, code.position)
                    };
                    let category = find::inferred_category(stated.or(code.status_in_code)).to_owned();
                    let entry = unknown.entry(code.code).or_insert((code.service, category, 0));
                    entry.2 += 1;
                }
                continue;
            }
            let rows = if too_long { rows } else { find::rows_of_host(catalog, rows, record, code.position) };
            let row = resolve(&rows, record, code.position, too_long);
            let status = row.http_status.or(code.status_in_code);
            let labels = (row.code.clone(), status, row.service.clone(), row.category.clone());
            *hits.entry(labels).or_default() += 1;
        }
    }

    let hits: Vec<Value> = hits
        .into_iter()
        .map(|((code, status, service, category), count)| {
            json!({"code": code, "api_service": service, "category": category, "http_status": status, "count": count})
        })
        .collect();
    let unknown: Vec<Value> = unknown
        .into_iter()
        .map(|(code, (service, category, count))| {
            json!({"code": code, "api_service": service, "category": category, "count": count})
        })
        .collect();
    json!({
        "records": records.len(),
        "bytes": input.len(),
        "matched_records": matched,
        "malformed_json_records": malformed,
        "oversized_records": oversized,
        "hits": hits,
        "unknown": unknown,
    })
}

/// Section 4: status evidence, then the literal message, then the row marked as default. A record
/// over the limit is read in windows and gets no evidence.
fn resolve<'a>(rows: &[&'a Row], record: &[u8], position: usize, too_long: bool) -> &'a Row {
    if let [only] = rows {
        return only;
    }
    if !too_long {
        let wanted: Vec<u16> = rows.iter().filter_map(|row| row.http_status).collect();
        if let Some(status) = status::nearest(record, position, &wanted) {
            let with: Vec<_> = rows.iter().copied().filter(|row| row.http_status == Some(status)).collect();
            return match &with[..] {
                [only] => only,
                several => message::best(several, record).unwrap_or_else(|| default(several)),
            };
        }
        if let Some(row) = message::best(rows, record) {
            return row;
        }
    }
    default(rows)
}

/// The default of the first service.
fn default<'a>(rows: &[&'a Row]) -> &'a Row {
    let mut mine = rows.iter().filter(|row| row.service == rows[0].service);
    mine.find(|row| row.is_default).unwrap_or(&rows[0])
}
