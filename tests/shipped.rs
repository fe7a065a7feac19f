//! The files that are shipped: catalog, configuration and what deploys the program hold what they promise.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use errtally::config::KEYS;
use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;
use support::{root, run};

const CATEGORIES: [&str; 13] = [
    "quota",
    "throttling",
    "capacity",
    "authentication",
    "permission",
    "billing",
    "invalid_request",
    "not_found",
    "conflict",
    "state",
    "dependency",
    "timeout",
    "internal",
];

fn rows() -> Vec<Value> {
    let listing = run(["catalog", "list", "--format", "json"]).json();
    listing["codes"].as_array().expect("codes").clone()
}

fn text<'v>(row: &'v Value, field: &str) -> &'v str {
    row[field].as_str().expect("text")
}

#[test]
fn the_catalog_has_all_rows_of_its_documents() {
    let rows = rows();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        *counts.entry(text(row, "api_service")).or_default() += 1;
    }
    // What the page of the catalog says of each file.
    let page = std::fs::read_to_string(root().join("catalog/README.md")).expect("the page");
    let mut told = 0;
    for line in page.lines().filter(|l| l.starts_with("| `") && l.contains(".yaml`")) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let file = root().join("catalog").join(cells[0].trim_matches('`'));
        let content = std::fs::read_to_string(file).expect("a catalog file");
        let service = content.lines().find_map(|l| l.strip_prefix("service: ")).expect("a service");
        let has = counts.get(service).copied().unwrap_or(0);
        assert_eq!(cells[3].replace(',', ""), has.to_string(), "{service}");
        told += has;
    }
    assert_eq!(told, rows.len(), "the page has all services");
    let codes: BTreeSet<_> = rows.iter().map(|r| text(r, "code")).collect();
    let thousands = |n: usize| format!("{},{:03}", n / 1000, n % 1000);
    let readme = std::fs::read_to_string(root().join("README.md")).expect("the README");
    let numbers = format!("{} codes of {} services", thousands(codes.len()), counts.len());
    assert!(readme.contains(&numbers), "{numbers} in README.md");
    // A family without rows is there all the same: its codes are unknown codes of its service.
    let report = support::scan_json(b"DNS.0308\n", &[]);
    assert_eq!(
        (&report["unknown"][0]["code"], &report["unknown"][0]["api_service"]),
        (&"DNS.0308".into(), &"DNS".into())
    );
}

#[test]
fn the_files_hold_what_the_binary_does() {
    let place = root().join("catalog");
    let mut rows = 0;
    for file in yaml_files(&place) {
        let content = std::fs::read_to_string(&file).expect("a catalog file");
        rows += content.lines().filter(|l| l.trim_start().starts_with("- code:")).count();
    }
    assert_eq!(rows, self::rows().len());
    // Laid over itself the catalog stays what it is, row by row.
    let again = run(["catalog", "list", "--format", "json", "--catalog", &place.display().to_string()]);
    assert_eq!(again.json(), run(["catalog", "list", "--format", "json"]).json());
}

#[test]
fn every_row_keeps_the_limits() {
    for row in rows() {
        assert!(CATEGORIES.contains(&text(&row, "category")), "{row}");
        let action = text(&row, "action").chars().count();
        assert!((1..=80).contains(&action), "{action} characters: {row}");
        assert!(!text(&row, "message").trim().is_empty(), "{row}");
        assert!(row["retryable"].is_boolean(), "{row}");
        assert!(
            row["http_status"].is_null() || (100..600).contains(&row["http_status"].as_u64().unwrap_or(0)),
            "{row}"
        );
    }
}

#[test]
fn rows_of_one_code_differ_and_one_is_the_default() {
    let rows = rows();
    let mut by_code: BTreeMap<_, Vec<&Value>> = BTreeMap::new();
    for row in &rows {
        by_code.entry((text(row, "code"), text(row, "api_service"))).or_default().push(row);
    }
    let spelled: BTreeSet<_> = by_code.keys().map(|(code, _)| code).collect();
    let upper: BTreeSet<_> = by_code.keys().map(|(code, _)| code.to_uppercase()).collect();
    assert_eq!(upper.len(), spelled.len(), "no two codes differ in case alone");
    for ((code, _), rows) in by_code {
        let differ: BTreeSet<_> =
            rows.iter().map(|r| (r["http_status"].as_u64(), text(r, "message"))).collect();
        assert_eq!(differ.len(), rows.len(), "{code}");
        if rows.len() > 1 {
            assert_eq!(rows.iter().filter(|r| r["default"] == true).count(), 1, "{code}");
        }
    }
}

#[test]
fn a_status_inside_a_code_is_the_status_of_its_row() {
    for row in rows() {
        let code = text(&row, "code");
        let inside = match code.split_once('.') {
            Some(("CCE", digits)) => &digits[2..5],
            Some(("CCI", digits)) => &digits[3..6],
            _ => continue,
        };
        assert_eq!(row["http_status"].as_u64(), inside.parse().ok(), "{code}");
    }
}

#[test]
fn the_traps_of_the_documents_are_not_walked_into() {
    let rows = rows();
    let category =
        |code: &str| text(rows.iter().find(|r| r["code"] == code).expect("a row"), "category").to_owned();
    assert_eq!(category("Common.0024"), "throttling");
    assert_eq!(category("CCE.01429002"), "conflict");
    assert_eq!(category("CCE.01400007"), "quota");
    assert_ne!(category("Ecs.0302"), "quota", "its quota could not be read");
}

#[test]
fn the_configuration_file_sets_every_key_to_its_default() {
    let file = root().join("config/errtally.yaml");
    let name = file.display().to_string();
    run(["config", "check", "--config", &name]).ok();
    let with = run(["config", "show", "--config", &name]).ok();
    let without = run(["config", "show"]).ok();
    assert_eq!(with.lines().count(), KEYS.len());
    for (with, without) in with.lines().zip(without.lines()) {
        let (value, origin) = with.split_once(" # ").expect("an origin");
        let (default, _) = without.split_once(" # ").expect("an origin");
        assert_eq!(value.trim(), default.trim());
        assert!(origin.starts_with(&format!("{name}:")), "the file does not set it: {with}");
    }
    // In the order of `config show`, so that one can be read beside the other.
    let content = std::fs::read_to_string(&file).expect("the configuration file");
    let line_of = |name: &str| {
        // A dot is a mapping; its keys stand below it, two blanks further in.
        let mut place = 0;
        for (depth, part) in name.split('.').enumerate() {
            place += content[place..].find(&format!("\n{}{part}:", "  ".repeat(depth)))?;
        }
        Some(place)
    };
    let places: Vec<_> = KEYS.iter().map(|k| line_of(k.name)).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{places:?}");
}

#[test]
fn every_yaml_file_that_deploys_it_parses() {
    let place = root().join("deploy");
    let files = yaml_files(&place);
    assert!(!files.is_empty(), "nothing in {}", place.display());
    for file in files {
        let content = std::fs::read_to_string(&file).expect("a file");
        let documents = Yaml::load_from_str(&content).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert!(documents.iter().any(Yaml::is_mapping), "{}: nothing in it", file.display());
    }
}

/// The YAML files in `place` and all folders below it.
fn yaml_files(place: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(place).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(yaml_files(&path));
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            files.push(path);
        }
    }
    files.sort();
    files
}
