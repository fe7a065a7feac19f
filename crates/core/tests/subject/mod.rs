//! The library under test, driven through its public API and reported in the reference's shape.

// Each test binary compiles this module for itself and uses a different part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use errtally_core::catalog::{Catalog, CatalogFile};
use errtally_core::engine::{Engine, Options};
use errtally_core::join::JoinSettings;
use errtally_core::ledger::{Ledger, Source};
use errtally_core::pipeline::Pipeline;
use errtally_core::report::Report;
use errtally_core::sweep::Sweep;
use serde_json::{Value, json};

use crate::reference;

/// Engines with one catalog and one set of options: with the search that this processor has, and
/// with the one of processors that lack it.
pub struct Subject {
    engine: Arc<Engine>,
    portable: Arc<Engine>,
}

impl Subject {
    /// With the catalog that is built in.
    pub fn embedded(options: reference::Options) -> Self {
        Self::new(Catalog::embedded().expect("the built-in catalog loads"), options)
    }

    /// With a catalog of the test's own, which goes through YAML files as an operator's would.
    pub fn with_catalog(catalog: &reference::Catalog, options: reference::Options) -> Self {
        let files = to_yaml(catalog).into_iter().map(|(service, text)| {
            Ok(CatalogFile { path: format!("{service}.yaml").into(), argument: 0, text })
        });
        let loaded = Catalog::load(files, false);
        Self::new(loaded.unwrap_or_else(|problems| panic!("{problems}")), options)
    }

    fn new(catalog: Catalog, options: reference::Options) -> Self {
        let join = JoinSettings { on: options.join, ..JoinSettings::default() };
        let options = Options {
            discovery: options.discovery,
            max_record_bytes: options.max_record_bytes,
            join,
            ..Options::default()
        };
        let catalog = Arc::new(catalog);
        let literal = Sweep::literal(&catalog, &options.keys());
        let portable = Engine::with_sweep(catalog.clone(), options.clone(), literal);
        Self { engine: Arc::new(Engine::new(catalog, options)), portable: Arc::new(portable) }
    }

    /// Counts one input that arrives in these reads; both engines must agree.
    pub fn count<'a>(&self, reads: impl IntoIterator<Item = &'a [u8]>) -> Value {
        let reads: Vec<&[u8]> = reads.into_iter().collect();
        let counts = Self::count_with(&self.engine, &reads);
        assert_eq!(counts, Self::count_with(&self.portable, &reads), "the searches disagree");
        counts
    }

    fn count_with(engine: &Arc<Engine>, reads: &[&[u8]]) -> Value {
        let ledger = Arc::new(Ledger::new(engine.clone(), 1_000_000));
        let mut pipeline = Pipeline::new(ledger.clone(), Source::STDIN);
        for read in reads {
            pipeline.push(read);
        }
        pipeline.finish();
        let report = Report::new(&ledger.snapshot());
        comparable(&serde_json::to_value(&report).expect("a report is JSON"))
    }
}

/// The built-in catalog as plain data.
pub fn embedded_catalog() -> reference::Catalog {
    let catalog = Catalog::embedded().expect("the built-in catalog loads");
    let families = catalog.families().iter().map(|family| reference::Family {
        prefix: family.prefix.clone(),
        separator: family.separator.to_owned(),
        grammar: family.grammar.to_string(),
        service: catalog.service(family.service).name.clone(),
        shared: family.shared.iter().map(|s| catalog.service(*s).name.clone()).collect(),
        everyday: family.everyday,
    });
    let hosts = catalog.services().iter().map(|s| (s.name.clone(), s.hosts.clone())).collect();
    let rows = catalog.rows().iter().map(|row| reference::Row {
        code: catalog.code(row.code).spelling.to_string(),
        service: catalog.service_of(row).name.clone(),
        http_status: row.http_status,
        message: row.message.to_string(),
        category: row.category.as_str().to_owned(),
        is_default: row.default,
    });
    reference::Catalog { families: families.collect(), rows: rows.collect(), hosts }
}

/// A report cut down to what the reference states, in the reference's order.
pub fn comparable(report: &Value) -> Value {
    let rows = |list: &str, with_status: bool| -> Vec<Value> {
        let mut rows = BTreeMap::new();
        for row in report[list].as_array().expect("a list of rows") {
            let mut slim = json!({
                "code": row["code"], "api_service": row["api_service"],
                "category": row["category"], "count": row["count"],
            });
            let text = |key: &str| row[key].as_str().expect("a text").to_owned();
            let mut key = (text("code"), None, String::new(), String::new());
            if with_status {
                let status = reference::bytes::status_of_json(&row["http_status"]);
                key = (text("code"), status, text("api_service"), text("category"));
                slim["http_status"] = json!(status);
            }
            assert!(rows.insert(key, slim).is_none(), "a row is reported twice: {report}");
        }
        rows.into_values().collect()
    };
    json!({
        "records": report["records"],
        "bytes": report["bytes"],
        "matched_records": report["matched_records"],
        "malformed_json_records": report["malformed_json_records"],
        "oversized_records": report["oversized_records"],
        "hits": rows("hits", true),
        "unknown": rows("unknown", false),
    })
}

/// One catalog file per service.
fn to_yaml(catalog: &reference::Catalog) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let quoted = |text: &str| serde_json::to_string(text).expect("a string");
    for family in &catalog.families {
        let file = files.entry(family.service.clone()).or_insert_with(|| {
            let name = quoted(&family.service);
            format!("service: {name}\nfull_name: {name}\nsource: \"made for the tests\"\nfamilies:\n")
        });
        let prefix = if family.prefix.is_empty() {
            String::new()
        } else {
            let separator = if family.separator.is_empty() { "none" } else { &family.separator };
            format!("prefix: {}, separator: {}, ", quoted(&family.prefix), quoted(separator))
        };
        let everyday = family.everyday;
        writeln!(file, "  - {{{prefix}grammar: {}, everyday: {everyday}}}", quoted(&family.grammar)).unwrap();
    }
    for (service, file) in &mut files {
        let mut rows = catalog.rows.iter().filter(|row| row.service == *service).peekable();
        file.push_str(if rows.peek().is_some() { "codes:\n" } else { "codes: []\n" });
        for row in rows {
            writeln!(file, "  - code: {}", quoted(&row.code)).unwrap();
            if let Some(status) = row.http_status {
                writeln!(file, "    http_status: {status}").unwrap();
            }
            writeln!(file, "    message: {}", quoted(&row.message)).unwrap();
            writeln!(file, "    category: {}", row.category).unwrap();
            writeln!(file, "    retryable: false\n    action: \"Read the message and correct the call\"")
                .unwrap();
            if row.is_default {
                file.push_str("    default: true\n");
            }
        }
    }
    files
}
