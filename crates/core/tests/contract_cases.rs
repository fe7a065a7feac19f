//! Golden cases: what the documents promise, line by line, held against the reference classifier
//! and against the library, however the input is cut. The format is in `cases/README.md`.

mod reference;
mod subject;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use reference::{Catalog, Options};
use serde_json::{Value, json};
use subject::Subject;

/// Inputs up to this length are cut at every point, longer ones at this many.
const CUTS: usize = 200;

struct Case {
    name: String,
    options: Options,
    input: Vec<u8>,
    expected: Value,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn catalog() -> Catalog {
    let list = std::fs::read(folder().join("catalog.json")).expect("the catalog of the cases");
    Catalog::from_json(&serde_json::from_slice(&list).expect("the catalog is JSON"))
}

fn cases() -> Vec<Case> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a file of cases");
        // What stands before the first case is the file's comment.
        for case in text.split("\n## ").skip(1) {
            cases.push(parse(&file, case));
        }
    }
    cases
}

fn parse(file: &Path, text: &str) -> Case {
    let mut lines = text.lines();
    let title = lines.next().expect("a case has a name");
    let name = format!("{}: {title}", file.file_name().expect("a file").to_string_lossy());
    let mut options = Options::default();
    let mut inputs = Vec::new();
    let (mut hits, mut unknown) = (BTreeMap::new(), BTreeMap::new());
    let mut counters: BTreeMap<&str, usize> = BTreeMap::new();
    let mut none = false;
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number =
            |word: &str| word.parse::<usize>().unwrap_or_else(|_| panic!("{name}: `{word}` is no number"));
        let count = |nth: usize| words.get(nth).map_or(1, |word| number(word.trim_start_matches('x')));
        if line == "in:" || line.starts_with("in: ") {
            inputs.push(unescape(line.strip_prefix("in: ").unwrap_or_default()));
            continue;
        }
        match words[..] {
            [] => {}
            ["opt", ..] => {
                for option in &words[1..] {
                    match option.split_once('=') {
                        Some(("discovery", "off")) => options.discovery = false,
                        Some(("cap", bytes)) => options.max_record_bytes = number(bytes),
                        _ => panic!("{name}: what is `{option}`?"),
                    }
                }
            }
            ["=", code, status, service, category, ..] => {
                let status = (status != "-").then(|| number(status));
                let row = json!({"code": code, "api_service": service, "category": category,
                    "http_status": status, "count": count(5)});
                hits.insert((code, status), row);
            }
            ["?", code, service, category, ..] => {
                let row =
                    json!({"code": code, "api_service": service, "category": category, "count": count(4)});
                unknown.insert(code, row);
            }
            ["none"] => none = true,
            [counter @ ("matched" | "malformed" | "oversized"), n] => {
                counters.insert(counter, number(n));
            }
            _ => panic!("{name}: what is `{line}`?"),
        }
    }
    assert_eq!(none, hits.is_empty() && unknown.is_empty(), "{name}: expects hits or `none`");
    let input = inputs.join(&b'\n');
    let records = input.split_inclusive(|&byte| byte == b'\n').count();
    assert!(records < 2 || none || counters.contains_key("matched"), "{name}: `matched` is missing");
    let counter = |key: &str| counters.get(key).copied();
    let expected = json!({
        "records": records,
        "bytes": input.len(),
        "matched_records": counter("matched").unwrap_or(usize::from(!none)),
        "malformed_json_records": counter("malformed").unwrap_or(0),
        "oversized_records": counter("oversized").unwrap_or(0),
        "hits": hits.into_values().collect::<Vec<_>>(),
        "unknown": unknown.into_values().collect::<Vec<_>>(),
    });
    Case { name, options, input, expected }
}

/// Text with `‹hex›` and `‹hex*count›` resolved.
fn unescape(text: &str) -> Vec<u8> {
    let mut parts = text.split('‹');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (spelled, rest) = part.split_once('›').expect("‹ has a ›");
        let (hex, times) = spelled.split_once('*').unwrap_or((spelled, "1"));
        let decoded: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).expect("two hex digits"))
            .collect();
        bytes.extend(decoded.repeat(times.parse().expect("a count")));
        bytes.extend(rest.as_bytes());
    }
    bytes
}

/// Fails once, with every case that went wrong.
fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn difference(case: &Case, how: &str, got: &Value) -> String {
    let input = case.input[..case.input.len().min(200)].escape_ascii();
    format!("{} ({how})\n  input    {input}\n  expected {}\n  got      {got}", case.name, case.expected)
}

#[test]
fn the_cases_are_many_and_their_names_unique() {
    let cases = cases();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 300, "{} cases: is a file missing?", cases.len());
}

#[test]
fn the_reference_gives_what_the_documents_promise() {
    let catalog = catalog();
    let mut wrong = Vec::new();
    for case in cases() {
        let got = reference::classify(&catalog, case.options, &case.input);
        if got != case.expected {
            wrong.push(difference(&case, "reference", &got));
        }
    }
    report(&wrong);
}

#[test]
fn the_library_gives_what_the_documents_promise_however_the_input_is_cut() {
    let catalog = catalog();
    let mut subjects: BTreeMap<(bool, usize), Subject> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in cases() {
        let subject = subjects
            .entry((case.options.discovery, case.options.max_record_bytes))
            .or_insert_with(|| Subject::with_catalog(&catalog, case.options));
        let input = &case.input[..];
        let whole = subject.count([input]);
        if whole != case.expected {
            wrong.push(difference(&case, "whole", &whole));
            continue;
        }
        // Reads of one byte pass through every state that a read can end in.
        let bytewise = subject.count(input.chunks(1));
        if bytewise != case.expected {
            wrong.push(difference(&case, "byte by byte", &bytewise));
            continue;
        }
        let step = input.len().div_ceil(CUTS).max(1);
        for at in (0..=input.len()).step_by(step) {
            let cut = subject.count([&input[..at], &input[at..]]);
            if cut != case.expected {
                wrong.push(difference(&case, &format!("cut at {at}"), &cut));
                break;
            }
        }
    }
    report(&wrong);
}
