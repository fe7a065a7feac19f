//! The shipped rules: names, thresholds, runbooks, and each alert firing and not firing, by promtool.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use errtally::metrics::ALL;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::Value;
use support::pages::hold_table;
use support::prometheus::metrics_in;
use support::{finish, has_tool, root};

const RULES: &str = "deploy/prometheus/errtally.rules.yml";

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The first document of a YAML text.
fn yaml(text: &str) -> Value {
    fn value(node: &Yaml<'_>) -> Value {
        match node {
            Yaml::Mapping(pairs) => {
                pairs.iter().map(|(k, v)| (k.as_str().expect("a key").to_owned(), value(v))).collect()
            }
            Yaml::Sequence(items) => items.iter().map(value).collect(),
            Yaml::Value(Scalar::String(text)) => Value::from(text.as_ref()),
            Yaml::Value(Scalar::Integer(number)) => Value::from(*number),
            Yaml::Value(Scalar::FloatingPoint(number)) => Value::from(number.into_inner()),
            other => panic!("not expected here: {other:?}"),
        }
    }
    value(&Yaml::load_from_str(text).expect("YAML")[0])
}

fn groups() -> Vec<Value> {
    yaml(&read(RULES))["groups"].as_array().expect("groups").clone()
}

fn rules() -> Vec<Value> {
    groups().iter().flat_map(|g| g["rules"].as_array().expect("rules").clone()).collect()
}

/// All alerts by their name.
fn alerts() -> BTreeMap<String, Value> {
    let named = |rule: Value| Some((rule["alert"].as_str()?.to_owned(), rule));
    let alerts: BTreeMap<_, _> = rules().into_iter().filter_map(named).collect();
    assert!(alerts.len() >= 12, "too few to be all");
    alerts
}

/// The files of promtool's tests.
fn unit_tests() -> Vec<PathBuf> {
    let files = std::fs::read_dir(root().join("deploy/prometheus/tests")).expect("the tests");
    let mut files: Vec<_> = files.map(|f| f.expect("an entry").path()).collect();
    files.sort();
    files
}

/// Whether promtool is there; in CI it must be.
fn promtool() -> Option<Command> {
    if has_tool("promtool") {
        return Some(Command::new("promtool"));
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "promtool must be there in CI");
    println!("SKIPPED: no promtool here");
    None
}

#[test]
fn every_alert_has_what_an_operator_needs() {
    for (name, alert) in alerts() {
        let rest = name.strip_prefix("Errtally").unwrap_or_else(|| panic!("{name}: no prefix"));
        assert!(rest.starts_with(char::is_uppercase), "{name}");
        assert!(rest.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
        let severity = alert["labels"]["severity"].as_str();
        assert!(matches!(severity, Some("critical" | "warning" | "info")), "{name}: {severity:?}");
        let annotations: BTreeSet<_> =
            alert["annotations"].as_object().expect("annotations").keys().map(String::as_str).collect();
        assert_eq!(annotations, BTreeSet::from(["description", "runbook_url", "summary"]), "{name}");
        // The summary is one sentence for all alerts of the name; what differs is in the description.
        let summary = alert["annotations"]["summary"].as_str().expect("a text");
        assert!(summary.ends_with('.') && !summary.contains("{{"), "{name}: {summary}");
        assert_eq!(alert["annotations"]["runbook_url"], format!("docs/alerts.md#{}", name.to_lowercase()));
    }
}

#[test]
fn descriptions_of_codes_say_what_to_do() {
    for (name, alert) in alerts() {
        let expr = alert["expr"].as_str().expect("an expression");
        let about_codes = ["errtally_hits", "first_seen", "errors:rate"].iter().any(|m| expr.contains(m));
        let joins =
            alert["annotations"]["description"].as_str().expect("a text").contains("errtally_code_info");
        assert_eq!(about_codes, joins, "{name}");
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let page = read("docs/alerts.md");
    let mut written = BTreeMap::new();
    for section in page.split("\n### ").skip(1) {
        let (title, body) = section.split_once('\n').expect("a body");
        written.insert(title.to_owned(), body);
    }
    assert_eq!(written.keys().collect::<Vec<_>>(), alerts().keys().collect::<Vec<_>>());
    for (title, body) in written {
        let body = body.split("\n## ").next().expect("a body");
        let steps = body.contains("\n1. ") || body.contains("](#errtally");
        assert!(body.len() > 200 && steps, "{title}: what it means and what to do");
    }
}

/// In the order of the rules, with the summary that an operator is shown.
#[test]
fn the_page_lists_every_alert_with_its_summary() {
    let mut table = "| alert | severity | summary |\n|---|---|---|\n".to_owned();
    let named = |rule: &Value| Some(rule["alert"].as_str()?.to_owned());
    for rule in rules() {
        let Some(name) = named(&rule) else { continue };
        let severity = rule["labels"]["severity"].as_str().expect("a severity");
        let summary = rule["annotations"]["summary"].as_str().expect("a summary");
        let _ = writeln!(table, "| [`{name}`](#{}) | `{severity}` | {summary} |", name.to_lowercase());
    }
    hold_table("docs/alerts.md", "alerts", "alerts", &table);
    assert!(read("README.md").contains(&format!("{} alerts", alerts().len())), "the README's number");
}

#[test]
fn thresholds_stand_first_and_all_are_compared_with() {
    let groups = groups();
    assert_eq!(groups[0]["name"], "errtally-thresholds");
    let elsewhere = serde_json::to_string(&groups[1..]).expect("JSON");
    for rule in groups[0]["rules"].as_array().expect("rules") {
        let name = rule["record"].as_str().expect("a series");
        assert!(elsewhere.contains(&format!("scalar({name})")), "{name} changes nothing");
        if let Some(window) = name.strip_prefix("errtally:window") {
            let window = window.strip_suffix("_seconds").expect("seconds");
            let seconds = milliseconds(window).expect("a time") / 1000;
            assert_eq!(rule["expr"], format!("vector({seconds})"), "{name}");
        }
    }
    // And what is compared with is there: scalar() of nothing would be silent for ever.
    for part in elsewhere.split("scalar(").skip(1) {
        let name = part.split(')').next().expect("a name");
        assert!(groups[0].to_string().contains(&format!("\"{name}\"")), "{name} is no threshold");
    }
}

#[test]
fn rules_use_metrics_that_exist() {
    let rules = rules();
    let recorded: BTreeSet<_> = rules.iter().filter_map(|r| r["record"].as_str()).collect();
    let exposed: BTreeSet<_> = ALL.iter().map(|m| m.name).collect();
    for rule in &rules {
        for name in metrics_in(rule["expr"].as_str().expect("an expression")) {
            let known = exposed.contains(name) || recorded.contains(name);
            assert!(known, "{name}: {rule}");
        }
    }
}

#[test]
fn every_alert_is_tested_firing_and_not_firing() {
    let (mut fires, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for file in unit_tests() {
        let content = yaml(&std::fs::read_to_string(&file).expect("a test"));
        for case in content["tests"].as_array().expect("tests") {
            for check in case["alert_rule_test"].as_array().expect("checks") {
                let name = check["alertname"].as_str().expect("a name").to_owned();
                let expected = check["exp_alerts"].as_array().expect("alerts");
                if expected.is_empty() {
                    silent.insert(name)
                } else {
                    fires.insert(name)
                };
            }
        }
    }
    let all: BTreeSet<_> = alerts().into_keys().collect();
    assert_eq!(fires, all);
    assert_eq!(silent, all);
}

#[test]
fn promtool_accepts_the_rules_and_all_tests_pass() {
    let Some(mut check) = promtool() else { return };
    finish(check.current_dir(root()).args(["check", "config", "deploy/prometheus/prometheus.yml"])).ok();
    let mut test = Command::new("promtool");
    let told = finish(test.current_dir(root()).args(["test", "rules"]).args(unit_tests()));
    assert_eq!(told.status, Some(0), "{}{}", told.stdout, told.stderr);
    assert_eq!(told.stdout.matches("SUCCESS").count(), unit_tests().len(), "{}", told.stdout);
}

#[test]
fn other_times_are_the_only_change() {
    const FASTER: u64 = 20;
    let script = |args: &[&str]| finish(Command::new(root().join("scripts/rules")).args(args));
    let shipped = read(RULES);
    assert_eq!(script(&[]).ok(), shipped);
    let faster = script(&["--faster", "20"]).ok();
    assert_eq!(faster.lines().count(), shipped.lines().count());
    let mut times = 0;
    for (line, made) in shipped.lines().zip(faster.lines()) {
        let (text, numbers) = without_times(line);
        let (made_text, made_numbers) = without_times(made);
        assert_eq!(made_text, text);
        let scaled: Vec<_> = made_numbers.iter().map(|n| n * FASTER).collect();
        assert_eq!(scaled, numbers, "{line}");
        times += numbers.len();
    }
    assert!(times > 50, "only {times} times were changed");

    let elsewhere = script(&["--runbooks", "https://git.example.com/errtally/"]).ok();
    let address = "https://git.example.com/errtally/docs/alerts.md#";
    assert_eq!(elsewhere.matches(address).count(), alerts().len());
    assert_eq!(elsewhere.replace("https://git.example.com/errtally/", ""), shipped);

    for wrong in
        [&["--faster", "0"][..], &["--faster", "1.5"], &["--faster"], &["--runbooks", "x"], &["--slower"]]
    {
        assert!(script(wrong).failed(2).contains("scripts/rules --help"), "{wrong:?}");
    }

    let Some(mut check) = promtool() else { return };
    let folder = support::Folder::new();
    finish(check.args(["check", "rules", &folder.write("faster.yml", faster)])).ok();
}

/// A line with a sign in the place of each time, and the times in milliseconds.
fn without_times(line: &str) -> (String, Vec<u64>) {
    if line.trim_start().starts_with('#') {
        return (line.to_owned(), Vec::new());
    }
    if let Some((before, number)) = line.split_once("_seconds\", expr: vector(") {
        let seconds: f64 = number.trim_end_matches(")}").parse().expect("a number");
        return (before.to_owned(), vec![(seconds * 1000.0) as u64]);
    }
    let mut times = Vec::new();
    let mut text = String::new();
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_.".contains(c);
    let mut rest = line;
    while let Some(start) = rest.find(is_word) {
        let (before, word) = rest.split_at(start);
        let (word, after) = word.split_at(word.find(|c| !is_word(c)).unwrap_or(word.len()));
        text.push_str(before);
        match milliseconds(word) {
            Some(time) => {
                times.push(time);
                text.push('~');
            }
            None => text.push_str(word),
        }
        rest = after;
    }
    text.push_str(rest);
    (text, times)
}

/// A time as Prometheus writes it: `90s`, `23h30m`.
fn milliseconds(word: &str) -> Option<u64> {
    let mut sum = 0;
    let mut rest = word;
    while !rest.is_empty() {
        let (number, unit) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, after) = unit.split_at(unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len()));
        let one = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        sum += number.parse::<u64>().ok()? * one;
        rest = after;
    }
    (!word.is_empty()).then_some(sum)
}
