//! The shipped Grafana dashboards as files: variables, layout, the metrics they use. `panels.rs` runs their queries.

mod support;

use std::collections::BTreeSet;

use errtally::metrics::ALL;
use serde_json::Value;
use support::prometheus::metrics_in;
use support::root;

const DASHBOARDS: [&str; 2] = ["errtally-errors", "errtally-health"];

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join("deploy/grafana").join(path))
        .unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn dashboards() -> Vec<Value> {
    DASHBOARDS.map(|n| serde_json::from_str(&read(&format!("dashboards/{n}.json"))).expect("JSON")).into()
}

fn list<'v>(value: &'v Value, field: &str) -> &'v Vec<Value> {
    value[field].as_array().unwrap_or_else(|| panic!("{field}"))
}

#[test]
fn each_takes_data_source_and_job_as_variables() {
    for (dashboard, uid) in dashboards().iter().zip(DASHBOARDS) {
        assert_eq!(dashboard["uid"], uid);
        let variables = list(&dashboard["templating"], "list");
        let names: Vec<_> = variables.iter().map(|v| v["name"].as_str().expect("a name")).collect();
        assert_eq!(names[..2], ["datasource", "job"], "{uid}");
        assert_eq!(variables[0]["type"], "datasource");
        assert_eq!(variables[0]["query"], "prometheus");
        let mut sources: Vec<_> = variables[1..].iter().map(|v| &v["datasource"]).collect();
        for panel in list(dashboard, "panels").iter().filter(|p| p["type"] != "row") {
            sources.push(&panel["datasource"]);
            sources.extend(list(panel, "targets").iter().map(|t| &t["datasource"]));
            for target in list(panel, "targets") {
                let expr = target["expr"].as_str().expect("a query");
                assert!(expr.contains("job=~\"$job"), "{uid}: not of the jobs that are chosen: {expr}");
            }
        }
        for source in sources {
            assert_eq!(source["type"], "prometheus");
            assert_eq!(source["uid"], "${datasource}", "{uid}: a data source of one Grafana only");
        }
    }
}

#[test]
fn panels_fill_the_grid_and_say_what_they_show() {
    for dashboard in dashboards() {
        let mut titles = BTreeSet::new();
        let mut taken = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for panel in list(&dashboard, "panels") {
            let title = panel["title"].as_str().expect("a title");
            assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{title}: its id twice");
            let place = |field: &str| panel["gridPos"][field].as_u64().expect("a place");
            assert!(place("x") + place("w") <= 24, "{title}: too wide");
            for x in place("x")..place("x") + place("w") {
                for y in place("y")..place("y") + place("h") {
                    assert!(taken.insert((x, y)), "{title} lies on another");
                }
            }
            if panel["type"] != "row" {
                assert!(titles.insert((panel["type"].to_string(), title)), "{title} twice");
                assert!(
                    panel["description"].as_str().is_some_and(|d| d.ends_with('.')),
                    "{title}: no description"
                );
                assert!(
                    panel["fieldConfig"]["defaults"]["unit"].is_string() || panel["type"] == "table",
                    "{title}"
                );
            }
        }
    }
}

#[test]
fn queries_use_metrics_that_exist() {
    let rules =
        std::fs::read_to_string(root().join("deploy/prometheus/errtally.rules.yml")).expect("the rules");
    let recorded: BTreeSet<_> = rules.lines().filter_map(|l| l.trim().strip_prefix("- record: ")).collect();
    let exposed: BTreeSet<_> = ALL.iter().map(|m| m.name).collect();
    let mut used = BTreeSet::new();
    let dashboards = dashboards();
    for dashboard in &dashboards {
        for panel in list(dashboard, "panels").iter().filter(|p| p["type"] != "row") {
            for target in list(panel, "targets") {
                used.extend(metrics_in(target["expr"].as_str().expect("a query")));
            }
        }
    }
    for name in &used {
        assert!(exposed.contains(name) || recorded.contains(name), "{name}");
    }
    // What is exposed is shown somewhere, or an operator would not know of it.
    let shown_by_rules = ["errtally_code_last_seen_timestamp_seconds"];
    for name in exposed.iter().filter(|n| n.starts_with("errtally_")) {
        assert!(used.contains(name) || shown_by_rules.contains(name), "{name} is on no dashboard");
    }
}

#[test]
fn what_provisions_them_names_what_is_there() {
    let readme = std::fs::read_to_string(root().join("deploy/README.md")).expect("deploy/README.md");
    let provider = read("provisioning/dashboards/errtally.yml");
    let folder = provider.lines().find_map(|l| l.trim().strip_prefix("path: ")).expect("a folder");
    assert!(readme.contains(&format!("cp deploy/grafana/dashboards/*.json {folder}/")), "{folder}");
    let source = read("provisioning/datasources/prometheus.yml");
    assert!(
        source.contains("\n    type: prometheus\n") && source.contains("\n    uid: errtally-prometheus\n")
    );
    let files = std::fs::read_dir(root().join("deploy/grafana/dashboards")).expect("dashboards");
    let files: BTreeSet<_> =
        files.map(|f| f.expect("an entry").file_name().into_string().expect("a name")).collect();
    assert_eq!(files, DASHBOARDS.iter().map(|n| format!("{n}.json")).collect());
    for file in files {
        assert!(readme.contains(&format!("`grafana/dashboards/{file}`")), "{file}");
    }
}
