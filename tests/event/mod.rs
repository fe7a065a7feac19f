//! Events as a program reads them: lines of JSON that the schema allows.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

use crate::support::exposition::Scrape;
use crate::support::root;

/// How often each code occurs.
pub type Codes = BTreeMap<String, u64>;

fn schema() -> &'static Validator {
    static SCHEMA: OnceLock<Validator> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let text = std::fs::read(root().join("docs/event.schema.json")).expect("the schema");
        let schema = serde_json::from_slice(&text).expect("the schema is JSON");
        jsonschema::meta::validate(&schema).expect("the schema is a schema");
        jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&schema)
            .expect("the schema compiles")
    })
}

/// Why the schema refuses `event`; nothing where it allows it.
pub fn refusals(event: &Value) -> Vec<String> {
    schema().iter_errors(event).map(|e| e.to_string()).collect()
}

/// All lines of `text`, each a whole event that the schema allows.
#[track_caller]
pub fn parse(text: &[u8]) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with(b"\n"), "the last line is whole");
    let lines = text.split(|&b| b == b'\n').filter(|line| !line.is_empty());
    let events: Vec<Value> = lines
        .map(|line| {
            let shown = String::from_utf8_lossy(line);
            let event = serde_json::from_slice(line).unwrap_or_else(|e| panic!("a torn line: {e}: {shown}"));
            let refusals = refusals(&event);
            assert!(refusals.is_empty(), "the schema refuses {shown}:\n{}", refusals.join("\n"));
            event
        })
        .collect();
    assert_eq!(events.len(), text.iter().filter(|&&b| b == b'\n').count(), "no line is empty");
    events
}

/// Counts the codes of `events`.
pub fn codes<'e>(events: impl IntoIterator<Item = &'e Value>) -> Codes {
    let mut codes = Codes::new();
    for event in events {
        *codes.entry(event["code"].as_str().expect("a code").to_owned()).or_default() += 1;
    }
    codes
}

/// The codes that a scrape counts, late ones too.
pub fn counted(scrape: &Scrape) -> Codes {
    let mut codes = Codes::new();
    for name in ["errtally_errors_total", "errtally_unknown_codes_total", "errtally_late_errors_total"] {
        for sample in scrape.of(name, &[]).filter(|s| s.value > 0.0) {
            *codes.entry(sample.labels["code"].clone()).or_default() += sample.value as u64;
        }
    }
    codes
}
