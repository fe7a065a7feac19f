//! What Prometheus itself makes of labels and exemplars.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::daemon::Daemon;
use crate::support::http::ask;
use crate::support::{Folder, finish_with, has_tool, wait_for};

/// Whether `tool` is here; in CI it must be.
fn here(tool: &str) -> bool {
    let here = has_tool(tool);
    assert!(here || std::env::var("CI").as_deref() != Ok("true"), "{tool} must be there in CI");
    if !here {
        println!("SKIPPED: no {tool} here");
    }
    here
}

/// Ends a child with it.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

/// Labels, traces and requests with everything in them that a format may stumble over.
const HARD: &str = r#"{"app":"web","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","request_id":"r-1","code":"Ecs.0114"}
{"app":"a\"b\\c\nd\re\u0000f\u2028g\u{7f}","trace_id":"q\"b\\c\nd\re\u0001f\u2028","code":"CSS.0015"}
{"app":"é{}=,# x","trace_id":"é # {a=\"b\"} 1 2","request_id":"req=1","code":"CCE.01400007"}
{"app":"nul","trace_id":"nul\u0000in it","request_id":"r-4","code":"Ecs.0005"}
"#;

fn hard() -> String {
    HARD.replace("\\u{7f}", "\\u007f")
}

#[test]
fn promtool_passes_labels() {
    if !here("promtool") {
        return;
    }
    let mut daemon =
        Daemon::start(&["--labels", "app=app", "--labels", "level=@level", "--max-label-sets", "3"]);
    daemon.write(hard());
    daemon.wait_for_records(4);
    let checked =
        finish_with(Command::new("promtool").args(["check", "metrics"]), &daemon.get("/metrics").body);
    assert_eq!((checked.status, checked.stdout.as_str(), checked.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn prometheus_scrapes_labels_and_returns_exemplars() {
    if !here("prometheus") {
        return;
    }
    let mut daemon = Daemon::start(&["--labels", "app=app", "--exemplars"]);
    daemon.write(hard());
    daemon.wait_for_records(4);

    let folder = Folder::new();
    let config = format!(
        "global: {{scrape_interval: 200ms}}\nscrape_configs:\n  - job_name: errtally\n    static_configs:\n      - \
         targets: ['{}']\n",
        daemon.address()
    );
    let config = folder.write("prometheus.yml", config);
    let address = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    let child = Command::new("prometheus")
        .arg(format!("--config.file={config}"))
        .arg(format!("--web.listen-address={address}"))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .args(["--enable-feature=exemplar-storage", "--log.level=debug"])
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.path().join("log")).expect("a log"))
        .spawn()
        .expect("prometheus starts");
    let _ends = Ends(child);
    let log = || std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();

    let query = |path: &str| -> Option<Value> {
        let answer = ask(address, "GET", path, &[]).ok()?;
        (answer.status == 200).then(|| answer.json()["data"].clone())
    };
    wait_for("two good scrapes, not one that failed", || {
        let targets = query("/api/v1/targets")?;
        let target = &targets["activeTargets"][0];
        let error = target["lastError"].as_str().unwrap_or("");
        assert_eq!(error, "", "{}", log());
        let samples = query("/api/v1/query?query=count_over_time(errtally_build_info%5B1m%5D)")?;
        let count: f64 = samples["result"][0]["value"][1].as_str()?.parse().ok()?;
        (target["health"] == "up" && count >= 2.0).then_some(())
    });

    let count = query("/api/v1/query?query=sum(errtally_errors_total)").expect("an answer");
    assert_eq!(count["result"][0]["value"][1], "4");
    let series = query("/api/v1/query?query=errtally_errors_total%3E0").expect("an answer");
    let apps: Vec<_> =
        series["result"].as_array().expect("series").iter().map(|s| s["metric"]["app"].clone()).collect();
    for app in ["web", "a\"b\\c\nd\re\u{fffd}f\u{2028}g\u{7f}", "é{}=,# x", "nul"] {
        assert!(apps.contains(&app.into()), "{app:?} in {apps:?}");
    }

    let path = "/api/v1/query_exemplars?query=errtally_errors_total&start=0&end=99999999999";
    let found = query(path).expect("an answer");
    let found = found.as_array().expect("a list");
    let exemplar = |code: &str| {
        let of_code = found.iter().find(|s| s["seriesLabels"]["code"] == code);
        of_code.unwrap_or_else(|| panic!("{code} in {found:?}\n{}", log()))["exemplars"][0].clone()
    };
    let first = exemplar("Ecs.0114");
    assert_eq!(first["labels"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(first["labels"]["request_id"], "r-1");
    assert_eq!(first["value"], "1");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let at = first["timestamp"].as_f64().expect("a time");
    assert!((now.as_secs_f64() - at).abs() < 120.0, "{at}");
    // Prometheus 2 keeps the escapes of exemplars as they stand; later ones may undo them.
    let unescaped = |code: &str| {
        let labels = exemplar(code)["labels"].clone();
        labels["trace_id"]
            .as_str()
            .expect("a trace")
            .replace("\\n", "\n")
            .replace("\\\"", "\"")
            .replace("\\\\", "\\")
    };
    assert_eq!(unescaped("CSS.0015"), "q\"b\\c\nd\re\u{1}f\u{2028}");
    assert_eq!(unescaped("CCE.01400007"), "é # {a=\"b\"} 1 2");
    // A NUL would cost the whole scrape.
    let cleaned = serde_json::json!({"trace_id": "nul\u{fffd}in it", "request_id": "r-4"});
    assert_eq!(exemplar("Ecs.0005")["labels"], cleaned);
    assert!(!log().contains("Error on ingesting"), "{}", log());
}

/// The exemplar of a series in OpenMetrics, as it stands behind its value.
fn exemplar(daemon: &Daemon, code: &str) -> Option<String> {
    let answer = daemon.ask("GET", "/metrics", &[("Accept", "application/openmetrics-text; version=1.0.0")]);
    let start = format!("errtally_errors_total{{code=\"{code}\"");
    let line = answer.text().lines().find(|l| l.starts_with(&start)).expect("the series").to_owned();
    line.split_once(" # ").map(|(_, exemplar)| exemplar.to_owned())
}

#[test]
fn the_newest_is_kept_and_none_is_too_long() {
    let mut daemon = Daemon::start(&["--exemplars"]);
    // Names and values together: 8 + 110 + 10 = 128.
    let fits = "t".repeat(120);
    let cases = [
        ("trace_id=old request_id=r1".to_owned(), Some(r#"{trace_id="old",request_id="r1"} "#.to_owned())),
        ("trace_id=new".to_owned(), Some(r#"{trace_id="new"} "#.to_owned())),
        ("nothing".to_owned(), Some(r#"{trace_id="new"} "#.to_owned())),
        ("request_id=alone".to_owned(), Some(r#"{request_id="alone"} "#.to_owned())),
        (format!("trace_id={fits} request_id=r"), Some(format!("{{trace_id=\"{fits}\"}} "))),
        (
            format!("trace_id={} request_id=r{fits}", "x".repeat(121)),
            Some(format!("{{trace_id=\"{fits}\"}} ")),
        ),
        (format!("trace_id={fits}t request_id=r2"), Some("{request_id=\"r2\"} ".to_owned())),
        (
            format!("trace_id=\"{}\" request_id=r", "é".repeat(109)),
            Some(format!("{{trace_id=\"{}\",request_id=\"r\"}} ", "é".repeat(109))),
        ),
    ];
    for (i, (line, wanted)) in cases.iter().enumerate() {
        daemon.write(format!("{line} Ecs.0114\n"));
        daemon.wait_for_records(i as u64 + 1);
        let found = exemplar(&daemon, "Ecs.0114");
        let wanted = wanted.as_deref().expect("one");
        assert!(found.as_deref().is_some_and(|f| f.starts_with(wanted)), "{line}: {found:?}");
    }
    // The text format has none, nor does a daemon that was not asked.
    assert!(!daemon.get("/metrics").text().contains(" # "));
    let mut plain = Daemon::start(&["--exemplars", "false"]);
    plain.write("trace_id=t Ecs.0114\n");
    plain.wait_for_records(1);
    assert_eq!(exemplar(&plain, "Ecs.0114"), None);
}
