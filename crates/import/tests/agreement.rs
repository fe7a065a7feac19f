//! How often the rules agree with the people who judged the shipped catalog.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use errtally_import::{File, file, judge};

/// The services whose rows were judged before there were rules.
const FIRST: [&str; 5] = ["CCE", "CCI", "CS", "CSS", "ECS"];

fn catalog() -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the catalog") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "yaml") {
            let text = fs::read_to_string(&path).expect("a catalog file");
            files.push(file::parse(&text).expect("YAML").file);
        }
    }
    files
}

#[test]
fn rules_agree_with_people() {
    let mut services: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for file in catalog() {
        for row in &file.rows {
            let inside = file.families.iter().find_map(|f| f.status(&row.code).flatten());
            let statuses: Vec<u16> = row.http_status.or(inside).into_iter().collect();
            let agrees =
                judge::judge(&statuses, &row.message, "").is_some_and(|d| d.category == row.category);
            let counts = services.entry(file.service.clone()).or_default();
            counts.0 += 1;
            counts.1 += usize::from(agrees);
        }
    }
    for (service, (rows, agree)) in &services {
        println!("{service:14} {rows:5} rows, {:5.1} %", 100.0 * *agree as f64 / *rows as f64);
    }
    for service in FIRST {
        let (rows, agree) = services[service];
        assert!(agree * 100 >= rows * 80, "{service}: {agree} of {rows}");
    }
    let (rows, agree) = services.values().fold((0, 0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
    assert!(agree * 100 >= rows * 80, "{agree} of {rows}");
}
