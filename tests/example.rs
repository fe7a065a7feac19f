//! The example log gives what its expected file says, by either command.

mod support;

use serde_json::Value;
use support::daemon::Daemon;
use support::{root, run};

fn expected() -> Value {
    let text = std::fs::read(root().join("examples/cloud-api.expected.json")).expect("the expected file");
    serde_json::from_slice(&text).expect("the expected file is JSON")
}

/// The fields of `list` that the expected file speaks of.
fn narrowed(report: &Value, list: &str, fields: &[&str]) -> Vec<Value> {
    let hits = report[list].as_array().expect("a list");
    hits.iter()
        .map(|hit| Value::from_iter(fields.iter().map(|f| ((*f).to_owned(), hit[*f].clone()))))
        .collect()
}

#[test]
fn scan_finds_what_is_expected() {
    let expected = expected();
    let log = root().join("examples/cloud-api.log").display().to_string();
    let report = run(["scan", "--format", "json", &log]).json();
    for total in ["records", "bytes", "matched_records", "malformed_json_records"] {
        assert_eq!(report[total], expected[total], "{total}");
    }
    let known = ["code", "http_status", "count"];
    assert_eq!(narrowed(&report, "hits", &known), narrowed(&expected, "hits", &known));
    let fields: Vec<_> =
        expected["unknown"][0].as_object().expect("an object").keys().map(String::as_str).collect();
    assert!(fields.contains(&"code") && fields.contains(&"count"), "{fields:?}");
    assert_eq!(narrowed(&report, "unknown", &fields), narrowed(&expected, "unknown", &fields));
}

#[test]
fn run_counts_what_is_expected() {
    let expected = expected();
    let mut daemon = Daemon::start(&["--linger", "60s"]);
    daemon.write(std::fs::read(root().join("examples/cloud-api.log")).expect("the log"));
    daemon.close();
    let scrape = daemon.wait_for_end_of_input();
    for (metric, total) in [
        ("errtally_records_total", "records"),
        ("errtally_record_bytes_total", "bytes"),
        ("errtally_matched_records_total", "matched_records"),
        ("errtally_malformed_json_records_total", "malformed_json_records"),
    ] {
        assert_eq!(scrape.value(metric, &[("source", "stdin")]), expected[total].as_f64(), "{metric}");
    }
    let mut hits = 0.0;
    for hit in expected["hits"].as_array().expect("hits") {
        let status = hit["http_status"].as_u64().map_or(String::new(), |s| s.to_string());
        let labels = [("code", hit["code"].as_str().expect("a code")), ("http_status", &status)];
        let count = hit["count"].as_f64();
        assert_eq!(scrape.value("errtally_errors_total", &labels), count, "{hit}");
        hits += count.unwrap_or(0.0);
    }
    assert_eq!(scrape.sum("errtally_errors_total", &[]), hits, "nothing but what is expected");
    assert_eq!(scrape.sum("errtally_api_service_errors_total", &[]), hits);
    let mut unknown = 0.0;
    for code in expected["unknown"].as_array().expect("unknown codes") {
        let labels = [("code", code["code"].as_str().expect("a code"))];
        let count = code["count"].as_f64();
        assert_eq!(scrape.value("errtally_unknown_codes_total", &labels), count, "{code}");
        unknown += count.unwrap_or(0.0);
    }
    assert_eq!(scrape.sum("errtally_unknown_codes_total", &[]), unknown);
}
