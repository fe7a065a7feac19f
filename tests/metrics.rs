//! What a scrape holds: names, labels and values that dashboards and alerts depend on.

mod support;

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use errtally::metrics::{ALL, API_SERVICE_ERRORS, ERRORS, LATE_ERRORS};
use prometheus::proto::MetricType;
use serde_json::Value;
use support::daemon::Daemon;
use support::exposition::Scrape;
use support::{Folder, finish_with, has_tool, root, run};

/// Known codes, an unknown one of a family, a discovered one, a malformed record: every metric has a sample then.
const EVERYTHING: &str = "Ecs.0114 CCE.01400007\nEcs.0114\nCCE.09404999\nerror_code=DLI.0003\n\
                          {\"code\":\"Ecs.1000\",}\nnothing\n\n";

fn fed(input: &str, args: &[&str]) -> (Daemon, Scrape) {
    let mut daemon = Daemon::start(args);
    daemon.write(input);
    let scrape = daemon.wait_for_records(input.matches('\n').count() as u64);
    (daemon, scrape)
}

fn rows() -> Vec<Value> {
    run(["catalog", "list", "--format", "json"]).json()["codes"].as_array().expect("codes").clone()
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

#[test]
fn a_scrape_has_all_metrics_and_no_others() {
    let folder = Folder::new();
    let file = folder.path().join("events.jsonl").display().to_string();
    let args = ["--labels", "app=app", "--late-after", "1h", "--events", "file", "--events-file-path", &file];
    let late = "time=2001-01-01T00:00:00Z Ecs.0114\n";
    let (_daemon, scrape) = fed(&format!("{EVERYTHING}{late}"), &args);
    // Those of certificates are there with certificates; `web/tls.rs` holds them to it.
    // Those of files, sockets and Kafka with these sources: `follow/`, `sockets/` and `kafka_mock.rs` hold them to it.
    let others = [
        "errtally_kafka_",
        "errtally_certificate_",
        "errtally_file",
        "errtally_position",
        "errtally_source_",
    ];
    let kafka = |name: &str| others.iter().any(|other| name.starts_with(other));
    assert!(ALL.iter().any(|m| kafka(m.name)));
    let names: BTreeSet<_> = ALL.iter().map(|m| m.name).filter(|n| !kafka(n)).collect();
    assert_eq!(scrape.names(), names);
    assert!(scrape.types.keys().all(|n| !kafka(n)), "{:?}", scrape.types);
    for metric in ALL.iter().filter(|m| !kafka(m.name)) {
        let kind = if metric.kind == MetricType::COUNTER { "counter" } else { "gauge" };
        assert_eq!(scrape.types.get(metric.name).map(String::as_str), Some(kind), "{}", metric.name);
        assert_eq!(scrape.help.get(metric.name).map(String::as_str), Some(metric.help), "{}", metric.name);
        let labelled = [ERRORS, API_SERVICE_ERRORS, LATE_ERRORS].contains(metric);
        let configured = labelled.then_some("app");
        let labels: BTreeSet<_> = metric.labels.iter().copied().chain(configured).collect();
        for sample in scrape.of(metric.name, &[]) {
            let have: BTreeSet<_> = sample.labels.keys().map(String::as_str).collect();
            assert_eq!(have, labels, "{}", metric.name);
        }
    }
}

#[test]
fn the_readme_lists_the_same_metrics() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("the README");
    let mut listed = BTreeSet::new();
    for row in readme.lines().filter(|l| l.starts_with("| `errtally_") || l.starts_with("| `process_")) {
        let first = row.split('|').nth(1).expect("a cell");
        for name in first.split('`').skip(1).step_by(2) {
            assert!(listed.insert(name), "{name} stands there twice");
        }
    }
    assert_eq!(listed, ALL.iter().map(|m| m.name).collect());
}

#[test]
fn labels_keep_to_the_promise() {
    let (_daemon, scrape) = fed(EVERYTHING, &["--code-info", "all"]);
    let promised: &[(&str, &[&str])] = &[
        ("errtally_errors_total", &["code", "api_service", "category", "http_status"]),
        ("errtally_api_service_errors_total", &["api_service", "category"]),
        ("errtally_unknown_codes_total", &["code", "api_service", "category"]),
        (
            "errtally_code_info",
            &["code", "api_service", "category", "http_status", "retryable", "message", "action"],
        ),
        ("errtally_code_last_seen_timestamp_seconds", &["code"]),
        ("errtally_records_total", &["source"]),
        ("errtally_record_bytes_total", &["source"]),
        ("errtally_matched_records_total", &["source"]),
        ("errtally_malformed_json_records_total", &["source"]),
        ("errtally_oversized_records_total", &["source"]),
        ("errtally_config_last_reload_successful", &[]),
        ("errtally_config_last_reload_success_timestamp_seconds", &[]),
    ];
    for (name, labels) in promised {
        let samples: Vec<_> = scrape.of(name, &[]).collect();
        assert!(!samples.is_empty(), "{name}");
        for sample in samples {
            let have: BTreeSet<_> = sample.labels.keys().map(String::as_str).collect();
            assert_eq!(have, labels.iter().copied().collect(), "{name}");
        }
    }
    // Service discovery puts labels of these names on every target.
    for sample in &scrape.samples {
        for taken in ["service", "region", "env", "cluster", "type", "zone", "job", "instance"] {
            assert!(!sample.labels.contains_key(taken), "{taken} of {}", sample.name);
        }
    }
}

#[test]
fn series_of_zero_init_exist_from_the_start_and_no_others() {
    for (flags, categories) in [
        (&[][..], &["quota", "throttling"][..]),
        (&["--zero-init", "billing"], &["billing"]),
        (&["--zero-init", ""], &[]),
    ] {
        let scrape = Daemon::start(flags).scrape();
        let at_zero: BTreeSet<_> = scrape
            .of("errtally_errors_total", &[])
            .inspect(|s| assert_eq!(s.value, 0.0))
            .map(|s| (s.labels["code"].clone(), s.labels["http_status"].clone()))
            .collect();
        let rows = rows();
        let wanted: BTreeSet<_> = rows
            .iter()
            .filter(|r| categories.contains(&r["category"].as_str().expect("a category")))
            .map(|r| {
                let status = r["http_status"].as_u64().map_or(String::new(), |s| s.to_string());
                (r["code"].as_str().expect("a code").to_owned(), status)
            })
            .collect();
        assert_eq!(at_zero, wanted, "{flags:?}");
    }
}

#[test]
fn every_pair_of_service_and_category_exists_at_zero() {
    let scrape = Daemon::start(&[]).scrape();
    let pairs: BTreeSet<_> = scrape
        .of("errtally_api_service_errors_total", &[])
        .inspect(|s| assert_eq!(s.value, 0.0))
        .map(|s| (s.labels["api_service"].clone(), s.labels["category"].clone()))
        .collect();
    let text = |r: &Value, f: &str| r[f].as_str().expect("text").to_owned();
    assert_eq!(pairs, rows().iter().map(|r| (text(r, "api_service"), text(r, "category"))).collect());
}

#[test]
fn counters_reconcile_on_a_known_input() {
    let long = format!("{} CSS.0015", "x".repeat(2000));
    let lines = [
        "Ecs.0114 ecs.0114 and CCE.01400007",
        "{\"code\":\"Ecs.0114\"}",
        "{\"code\":\"Ecs.0114\",}",
        "error_code=DLI.0003 CCE.09404999",
        long.as_str(),
        "nothing {",
        "",
        "\r",
    ];
    let input: String = lines.iter().map(|l| format!("{l}\n")).collect();
    let (_daemon, scrape) = fed(&input, &["--max-record-bytes", "1KiB"]);
    let source = |name: &str| scrape.value(name, &[("source", "stdin")]);
    assert_eq!(source("errtally_records_total"), Some(8.0));
    assert_eq!(source("errtally_record_bytes_total"), Some(input.len() as f64));
    assert_eq!(source("errtally_matched_records_total"), Some(5.0));
    assert_eq!(source("errtally_malformed_json_records_total"), Some(1.0));
    assert_eq!(source("errtally_oversized_records_total"), Some(1.0));
    let errors = |code: &str| scrape.value("errtally_errors_total", &[("code", code)]);
    assert_eq!(errors("Ecs.0114"), Some(3.0));
    assert_eq!(errors("CCE.01400007"), Some(1.0));
    assert_eq!(errors("CSS.0015"), Some(1.0));
    assert_eq!(scrape.sum("errtally_errors_total", &[]), 5.0);
    let unknown = |code: &str, service: &str, category: &str| {
        let labels = [("code", code), ("api_service", service), ("category", category)];
        scrape.value("errtally_unknown_codes_total", &labels)
    };
    assert_eq!(unknown("DLI.0003", "DLI", "unknown"), Some(1.0));
    assert_eq!(unknown("CCE.09404999", "CCE", "not_found"), Some(1.0));
    assert_eq!(scrape.sum("errtally_unknown_codes_total", &[]), 2.0);
    // The same hits, whichever way they are added up.
    for sample in scrape.of("errtally_api_service_errors_total", &[]) {
        let labels: Vec<_> = sample.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(sample.value, scrape.sum("errtally_errors_total", &labels), "{labels:?}");
    }
    assert_eq!(scrape.sum("errtally_api_service_errors_total", &[]), 5.0);
}

#[test]
fn unknown_codes_past_the_limit_are_other() {
    let lines: String = (0..7).map(|i| format!("error_code=Svc{i}.001 Ecs.900{i}\n")).collect();
    for (limit, own) in [("3", 3), ("0", 0), ("14", 14)] {
        let (_daemon, scrape) = fed(&lines.repeat(2), &["--max-unknown-codes", limit]);
        let name = "errtally_unknown_codes_total";
        let codes: BTreeSet<_> = scrape.of(name, &[]).map(|s| s.labels["code"].as_str()).collect();
        assert_eq!(codes.iter().filter(|c| **c != "other").count(), own, "{codes:?}");
        assert_eq!(codes.contains("other"), own < 14, "{codes:?}");
        assert_eq!(scrape.sum(name, &[]), 28.0, "none is lost");
        assert_eq!(scrape.sum(name, &[("code", "other")]), 28.0 - 2.0 * own as f64);
        // The log must not choose the labels of what is past the limit.
        for sample in scrape.of(name, &[("code", "other")]) {
            assert!(["ECS", "other"].contains(&sample.labels["api_service"].as_str()), "{sample:?}");
        }
        let seen = scrape.of("errtally_code_last_seen_timestamp_seconds", &[]).count();
        assert_eq!(seen, own, "`other` is no code that was seen");
    }
}

#[test]
fn a_hundred_unknown_codes_by_default() {
    let lines: String = (1..=150).map(|i| format!("error_code=Svc.{i:03}\n")).collect();
    let (_daemon, scrape) = fed(&lines, &[]);
    let name = "errtally_unknown_codes_total";
    assert_eq!(scrape.of(name, &[]).count(), 101);
    assert_eq!(scrape.value(name, &[("code", "other")]), Some(50.0));
}

#[test]
fn metadata_of_codes_seen_or_of_all() {
    let (_daemon, scrape) = fed("Ecs.1000\nEcs.0114\n", &[]);
    let seen: Vec<_> = scrape.of("errtally_code_info", &[]).collect();
    assert!(seen.iter().all(|s| s.value == 1.0));
    let codes: Vec<_> =
        seen.iter().map(|s| (s.labels["code"].as_str(), s.labels["http_status"].as_str())).collect();
    assert_eq!(codes, [("Ecs.0114", "404"), ("Ecs.1000", "400")]);
    let labels = &seen[0].labels;
    assert_eq!((labels["retryable"].as_str(), labels["category"].as_str()), ("false", "not_found"));
    assert_eq!(labels["message"], "Instance[…] could not be found.", "without the placeholder of a document");
    let row = rows().into_iter().find(|r| r["code"] == "Ecs.0114").expect("a row");
    assert_eq!(row["action"], labels["action"].as_str());

    assert_eq!(Daemon::start(&[]).scrape().of("errtally_code_info", &[]).count(), 0);
    let all = Daemon::start(&["--code-info", "all"]).scrape();
    // Joined on these labels in PromQL, so they must tell the series apart.
    let keys = ["code", "api_service", "category", "http_status"];
    let documented: BTreeSet<_> =
        rows().iter().map(|row| keys.map(|key| row[key].to_string().trim_matches('"').to_owned())).collect();
    assert_eq!(all.of("errtally_code_info", &[]).count(), documented.len());
    let distinct: BTreeSet<_> =
        all.of("errtally_code_info", &[]).map(|s| keys.map(|k| s.labels[k].as_str())).collect();
    assert_eq!(distinct.len(), documented.len());
}

#[test]
fn times_are_when_it_happened() {
    let before = now();
    let (mut daemon, first) = fed("Ecs.0114\nerror_code=DLI.0003\n", &[]);
    let after = now();
    let seen =
        |scrape: &Scrape, code| scrape.value("errtally_code_last_seen_timestamp_seconds", &[("code", code)]);
    for code in ["Ecs.0114", "DLI.0003"] {
        let at = seen(&first, code).expect("it was seen");
        // Clocks are read in milliseconds and rounded.
        assert!((before - 0.01..after + 0.01).contains(&at), "{code}: {before} {at} {after}");
    }
    assert_eq!(seen(&first, "CSS.0015"), None);
    let loaded = first.value("errtally_config_last_reload_success_timestamp_seconds", &[]).expect("a time");
    assert!((before - 0.01..after + 0.01).contains(&loaded));
    assert_eq!(first.value("errtally_config_last_reload_successful", &[]), Some(1.0));
    daemon.write("Ecs.0114\n");
    let second = daemon.wait_for_records(3);
    assert!(seen(&second, "Ecs.0114") > seen(&first, "Ecs.0114"));
    assert_eq!(seen(&second, "DLI.0003"), seen(&first, "DLI.0003"));
}

#[test]
fn the_process_tells_about_itself() {
    let scrape = Daemon::start(&[]).scrape();
    let value = |name: &str| scrape.value(name, &[]).unwrap_or_else(|| panic!("{name}"));
    // The kernel counts from the start of the machine, in ticks.
    assert!((now() - value("process_start_time_seconds")).abs() < 60.0);
    assert!((1.0..1024.0).contains(&value("process_open_fds")));
    assert!(value("process_max_fds") >= value("process_open_fds"));
    assert!((1e6..1e9).contains(&value("process_resident_memory_bytes")));
    assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
    assert!((0.0..60.0).contains(&value("process_cpu_seconds_total")));
    assert_eq!(scrape.value("errtally_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), Some(1.0));
}

#[test]
fn every_scrape_is_of_one_moment_and_none_goes_back() {
    let mut daemon = Daemon::start(&["--linger", "60s"]);
    let address = daemon.address();
    std::thread::scope(|scope| {
        let scraper = scope.spawn(move || {
            let mut last = Scrape::default();
            let mut moments = BTreeSet::new();
            loop {
                let answer = support::http::ask(address, "GET", "/metrics", &[]).expect("an answer");
                let scrape = Scrape::parse(answer.text());
                let records = scrape.sum("errtally_records_total", &[]);
                for code in ["Ecs.0114", "CSS.0015"] {
                    let hits = scrape.sum("errtally_errors_total", &[("code", code)]);
                    assert_eq!(hits, records, "each record holds {code} once");
                }
                assert_eq!(scrape.sum("errtally_matched_records_total", &[]), records);
                assert_eq!(scrape.sum("errtally_record_bytes_total", &[]), records * 18.0);
                for sample in last.samples.iter().filter(|s| s.name.ends_with("_total")) {
                    let labels: Vec<_> =
                        sample.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
                    let next = scrape.value(&sample.name, &labels);
                    assert!(next >= Some(sample.value), "{sample:?} became {next:?}");
                }
                last = scrape;
                moments.insert(records as u64);
                if records == 100_000.0 {
                    return moments.len();
                }
            }
        });
        for _ in 0..1000 {
            daemon.write("Ecs.0114 CSS.0015\n".repeat(100));
        }
        let moments = scraper.join().expect("every scrape is sound");
        assert!(moments > 1, "a single scrape shows nothing");
    });
}

#[test]
fn promtool_has_nothing_to_say() {
    if !has_tool("promtool") {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "promtool must be there in CI");
        println!("SKIPPED: no promtool here");
        return;
    }
    let fresh = Daemon::start(&[]);
    let (busy, _) = fed(EVERYTHING, &["--code-info", "all", "--max-unknown-codes", "1"]);
    for (state, daemon) in [("fresh", fresh), ("busy", busy)] {
        let mut promtool = Command::new("promtool");
        let checked = finish_with(promtool.args(["check", "metrics"]), &daemon.get("/metrics").body);
        assert_eq!(
            (checked.status, checked.stdout.as_str(), checked.stderr.as_str()),
            (Some(0), "", ""),
            "{state}"
        );
    }
}
