//! Every query of every panel of the dashboards, asked of a real Prometheus that scrapes live errtallys while logs
//! with known contents are replayed, must return just the series and values that follow from the logs.
//!
//! `cargo test --test panels`; it takes prometheus on the path, and fails without it.

#[path = "panels/expected.rs"]
mod expected;
mod feed;
#[path = "panels/scene.rs"]
mod scene;
mod support;

use std::collections::{BTreeMap, BTreeSet};

use expected::{Key, Want};
use scene::Scene;
use serde_json::Value;
use support::prometheus::Labels;
use support::root;

/// A query as Grafana would send it.
struct Target {
    key: Key,
    query: String,
    /// At one time, and not over a range.
    instant: bool,
}

/// All queries of a dashboard, its variables replaced.
fn targets(name: &str) -> Vec<Target> {
    let file = root().join(format!("deploy/grafana/dashboards/{name}.json"));
    let dashboard: Value = serde_json::from_slice(&std::fs::read(file).expect("a dashboard")).expect("JSON");
    let mut all = Vec::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let text = |v: &Value| v.as_str().expect("a text").to_owned();
            all.push(Target {
                key: Key(
                    name.to_owned(),
                    text(&panel["title"]),
                    text(&panel["type"]),
                    text(&target["refId"]),
                ),
                query: replaced(target["expr"].as_str().expect("a query")),
                instant: target["instant"] == true,
            });
        }
    }
    all
}

/// The values that Grafana puts in, with all of everything chosen.
fn replaced(query: &str) -> String {
    let range = scene::RANGE.to_string();
    let values = [
        ("$__range_s", range.as_str()),
        ("$__range", &format!("{range}s")),
        ("$__rate_interval", &format!("{}s", scene::RATE)),
        ("$job", &format!("({})", scene::JOBS.join("|"))),
        ("$api_service", ".*"),
        ("$category", ".*"),
        ("$instance", ".*"),
    ];
    let query = values.iter().fold(query.to_owned(), |query, (name, value)| query.replace(name, value));
    assert!(!query.contains('$'), "a variable that is not known: {query}");
    query
}

/// Holds what was found to what was wanted; says all that is wrong.
fn differences(found: &BTreeMap<Labels, f64>, wanted: &Want) -> Vec<String> {
    let mut wrong = Vec::new();
    match wanted {
        Want::Series(series) => {
            let wanted: BTreeMap<Labels, _> = series.iter().map(|(l, v)| (l.clone(), v)).collect();
            assert_eq!(wanted.len(), series.len(), "wanted twice: {series:?}");
            let labels: BTreeSet<_> = found.keys().chain(wanted.keys()).collect();
            for labels in labels {
                match (found.get(labels), wanted.get(labels)) {
                    (Some(have), Some(range)) if range.contains(have) => {}
                    (have, range) => wrong.push(format!("{labels:?}: {have:?}, where {range:?} is right")),
                }
            }
        }
        Want::Some(names) => {
            if found.is_empty() {
                wrong.push(format!("nothing, where labels {names:?} are right"));
            }
            for (labels, value) in found {
                let have: Vec<_> = labels.keys().map(String::as_str).collect();
                if have != *names || *value < 0.0 {
                    wrong.push(format!("{labels:?} {value}, where labels are {names:?}"));
                }
            }
        }
    }
    wrong
}

#[test]
fn every_query_returns_what_it_should() {
    let mut scene = Scene::play();
    let all: Vec<_> = ["errtally-errors", "errtally-health"].into_iter().flat_map(targets).collect();
    let mut wanted = expected::expected(&scene);
    let mut wrong = Vec::new();
    let mut ask = |scene: &Scene, target: &Target, want: &Want| {
        let found = if target.instant {
            scene.prometheus.query(&target.query, Some(scene.now))
        } else {
            scene.prometheus.query_range(&target.query, scene.start, scene.now)
        };
        for difference in differences(&found, want) {
            wrong.push(format!("{:?}: {difference}\n    {}", target.key, target.query));
        }
    };
    let mut later = Vec::new();
    for target in &all {
        if expected::is_of_the_outage(&target.key) {
            later.push(target);
            continue;
        }
        let want = wanted.remove(&target.key).unwrap_or_else(|| panic!("{:?}: what is right?", target.key));
        ask(&scene, target, &want);
    }
    assert!(!later.is_empty());
    scene.lose_the_broker();
    for target in later {
        let want = wanted.remove(&target.key).unwrap_or_else(|| panic!("{:?}: what is right?", target.key));
        ask(&scene, target, &want);
    }
    assert!(wanted.is_empty(), "of no panel: {:?}", wanted.keys());
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));

    variables_have_their_values(&scene);
    exemplars_are_found(&scene, &all);
}

fn variables_have_their_values(scene: &Scene) {
    let values = |series: &str, label: &str| -> BTreeSet<String> {
        let data = scene.prometheus.api(&format!("label/{label}/values"), &[("match[]", series)]);
        serde_json::from_value(data).expect("a list")
    };
    let mut asked = BTreeMap::new();
    for name in ["errtally-errors", "errtally-health"] {
        let file = root().join(format!("deploy/grafana/dashboards/{name}.json"));
        let dashboard: Value =
            serde_json::from_slice(&std::fs::read(file).expect("a dashboard")).expect("JSON");
        for variable in dashboard["templating"]["list"].as_array().expect("variables") {
            let query = variable["query"].as_str().expect("a query");
            let Some(inside) = query.strip_prefix("label_values(") else { continue };
            let (series, label) = inside.trim_end_matches(')').rsplit_once(", ").expect("two arguments");
            asked.insert(
                variable["name"].as_str().expect("a name").to_owned(),
                values(&replaced(series), label),
            );
        }
    }
    assert_eq!(asked["job"], scene::JOBS.map(str::to_owned).into());
    // All with rows.
    let listing = support::run(["catalog", "list", "--format", "json"]).json();
    let rows = listing["codes"].as_array().expect("codes").iter();
    assert_eq!(
        asked["api_service"],
        rows.map(|r| r["api_service"].as_str().expect("a name").to_owned()).collect()
    );
    assert_eq!(asked["category"].len(), 13, "{:?}", asked["category"]);
    assert_eq!(asked["instance"], scene.instances.values().cloned().collect());
    assert_eq!(asked.len(), 4);
}

/// What Grafana asks beside a query whose exemplars are switched on.
fn exemplars_are_found(scene: &Scene, all: &[Target]) {
    let query = &all.iter().find(|t| t.key.1 == "Errors a second by code").expect("the panel").query;
    let (start, end) = (scene.start.to_string(), scene.now.to_string());
    let found =
        scene.prometheus.api("query_exemplars", &[("query", query), ("start", &start), ("end", &end)]);
    let [series] = &found.as_array().expect("a list")[..] else { panic!("of one code: {found}") };
    assert_eq!(series["seriesLabels"]["code"], "CCE.02429001");
    let exemplars = series["exemplars"].as_array().expect("exemplars");
    assert!(exemplars.iter().all(|e| e["labels"]["trace_id"] == scene::TRACE), "{found}");
    assert_eq!(exemplars.len(), 2, "one a replay: {found}");
}
