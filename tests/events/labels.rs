//! Configured labels: values, limits, names that are refused.

use crate::event;
use crate::run::exact;
use crate::support::daemon::Daemon;
use crate::support::exposition::Scrape;
use crate::support::{Folder, run};

const ERRORS: &str = "errtally_errors_total";

fn overflows(scrape: &Scrape, label: &str) -> f64 {
    scrape.value("errtally_label_overflows_total", &[("label", label)]).expect("the label has a series")
}

#[test]
fn labels_come_from_wherever_the_record_has_them() {
    let lines = [
        r#"{"kubernetes":{"labels":{"app.kubernetes.io/name":"web"}},"log":"Ecs.0114"}"#,
        r#"{"kubernetes.labels.app.kubernetes.io/name":"web","log":"Ecs.0114"}"#,
        r#"{"log":"{\"app\":\"web\",\"code\":\"Ecs.0114\"}\n","stream":"stderr"}"#,
        r#"2026-11-03T08:00:04.551872340Z stderr F {"app":"web","code":"Ecs.0114"}"#,
        r#"{"log":"time=2026-11-03T08:00:04Z app=web msg=\"Ecs.0114 failed\"\n"}"#,
        "level=error app=\"web\" Ecs.0114",
        r#"{"app":null,"msg":"Ecs.0114 app=web"}"#,
    ];
    let input: String = lines.iter().map(|l| format!("{l}\n")).collect();
    let labels = ["--labels", "app=kubernetes.labels.app.kubernetes.io/name|app", "--labels", "level=@level"];
    let (events, scrape) = exact(input.as_bytes(), &labels);
    assert_eq!(scrape.sum(ERRORS, &[("code", "Ecs.0114"), ("app", "web")]), lines.len() as f64);
    assert_eq!(scrape.sum(ERRORS, &[("app", "web"), ("level", "error")]), 1.0);
    let service = "errtally_api_service_errors_total";
    assert_eq!(scrape.sum(service, &[("api_service", "ECS"), ("app", "web")]), lines.len() as f64);
    assert!(events.iter().all(|e| e["labels"]["app"] == "web"), "{events:?}");
}

#[test]
fn every_series_has_the_labels_and_zero_ones_have_them_empty() {
    let mut daemon = Daemon::start(&["--labels", "app=app", "--labels", "team=team"]);
    let at_zero = |scrape: &Scrape| {
        scrape.of(ERRORS, &[("app", ""), ("team", "")]).inspect(|s| assert_eq!(s.value, 0.0, "{s:?}")).count()
    };
    let fresh = daemon.scrape();
    let zeros = at_zero(&fresh);
    assert_eq!(zeros, Daemon::start(&[]).scrape().of(ERRORS, &[]).count(), "as many as without labels");
    daemon.write("app=web CCE.01400007\n");
    let busy = daemon.wait_for_records(1);
    // The one with empty values stays: it is what increase() begins with.
    assert_eq!(at_zero(&busy), zeros);
    assert_eq!(busy.sum(ERRORS, &[("code", "CCE.01400007"), ("app", "web"), ("team", "")]), 1.0);
    for name in [ERRORS, "errtally_api_service_errors_total"] {
        assert!(busy.of(name, &[]).all(|s| s.labels.contains_key("app") && s.labels.contains_key("team")));
    }
    assert!(busy.of("errtally_unknown_codes_total", &[]).all(|s| !s.labels.contains_key("app")));
    assert_eq!(busy.value("errtally_label_sets", &[]), Some(1.0));
    assert_eq!(overflows(&busy, "app"), 0.0, "there from the start");
    assert_eq!(Daemon::start(&[]).scrape().of("errtally_label_sets", &[]).count(), 0);
}

#[test]
fn only_the_value_that_is_too_many_becomes_other() {
    let mut input = String::new();
    for team in 0..40 {
        for app in ["web", "api"] {
            input.push_str(&format!("app={app} team=t{team} Ecs.0114\n"));
        }
    }
    let labels = ["--labels", "app=app", "--labels", "team=team", "--max-label-sets", "40"];
    let (events, scrape) = exact(input.as_bytes(), &labels);
    // Twenty teams with both apps fit; of the others the team is too many, not the app.
    for app in ["web", "api"] {
        assert_eq!(scrape.sum(ERRORS, &[("app", app)]), 40.0, "{app}");
        assert_eq!(scrape.sum(ERRORS, &[("app", app), ("team", "other")]), 20.0, "{app}");
        for team in 0..20 {
            assert_eq!(scrape.sum(ERRORS, &[("app", app), ("team", &format!("t{team}"))]), 1.0);
        }
    }
    assert_eq!(overflows(&scrape, "team"), 40.0);
    assert_eq!(overflows(&scrape, "app"), 0.0);
    assert_eq!(scrape.value("errtally_label_sets", &[]), Some(42.0));
    // Events are not series: they keep what the record says.
    assert!(events.iter().all(|e| e["labels"]["team"] != "other"));
    let last = events.last().expect("an event");
    assert_eq!((last["labels"]["app"].as_str(), last["labels"]["team"].as_str()), (Some("api"), Some("t39")));
}

#[test]
fn the_first_overflow_of_a_label_is_told_and_no_other() {
    let labels =
        ["--labels", "app=app", "--labels", "pod=pod", "--max-label-sets", "20", "--join-lines", "off"];
    let mut daemon = Daemon::start(&labels);
    for i in 0..200 {
        daemon.write(format!("app=web pod=p{i} Ecs.0114\n"));
        daemon.wait_for_records(i + 1);
    }
    let log = daemon.log();
    let told: Vec<_> = log.lines().filter(|l| l.contains("WARN")).collect();
    assert_eq!(told.len(), 1, "the app does not give way: {log}");
    assert!(told[0].contains("`pod`") && told[0].contains("max_label_sets"), "{log}");
}

#[test]
fn long_values_are_cut_in_labels() {
    let input = format!("{{\"app\":\"{}\",\"code\":\"Ecs.0114\"}}\n", "é".repeat(200));
    let (events, scrape) = exact(input.as_bytes(), &["--labels", "app=app"]);
    assert_eq!(scrape.sum(ERRORS, &[("app", &"é".repeat(128))]), 1.0);
    assert_eq!(events[0]["labels"]["app"], "é".repeat(128), "as the counter has it");
}

#[test]
fn names_that_are_taken_are_refused_where_they_stand() {
    let folder = Folder::new();
    let taken = [
        "code",
        "api_service",
        "category",
        "http_status",
        "source",
        "service",
        "region",
        "env",
        "cluster",
        "type",
        "zone",
        "job",
        "instance",
        "le",
        "quantile",
        "__name__",
        "0app",
        "a-b",
        "",
    ];
    for name in taken {
        let file = folder.write("c.yaml", format!("listen: 127.0.0.1:0\nlabels:\n  \"{name}\": [app]\n"));
        for command in [&["config", "check"][..], &["run"]] {
            let said = run(command.iter().copied().chain(["--config", &file])).failed(2);
            assert!(said.contains(&format!("{file}:")) && said.contains("labels"), "{name}: {said}");
            assert!(said.contains(&format!("`{name}`")), "{name}: {said}");
            assert!(said.contains("write "), "a remedy: {said}");
        }
        let said = run(["run", "--labels", &format!("{name}=app")]).failed(2);
        assert!(said.contains("labels") && said.contains("write "), "{said}");
    }
    for (wrong, why) in [
        ("{app: [a], app: [b]}", "app"),
        ("{app: []}", "app"),
        ("{app: [a.b.c.d.e.f.g.h.i]}", "dots"),
        ("{app: [\"@level\", x]}", "@level"),
        ("[app]", "app"),
    ] {
        let file = folder.write("c.yaml", format!("labels: {wrong}\n"));
        let said = run(["config", "check", "--config", &file]).failed(2);
        assert!(said.contains(&format!("{file}:1")) && said.contains(why), "{wrong}: {said}");
    }
}

#[test]
fn counters_keep_their_labels_over_a_reload() {
    let folder = Folder::new();
    let file = folder.write("c.yaml", "labels: {app: [app]}\n");
    let mut daemon = Daemon::start(&["--config", &file]);
    daemon.write("app=web Ecs.0114\napp=api Ecs.0114\n");
    daemon.wait_for_records(2);
    folder.write("c.yaml", "labels: {app: [app]}\nmax_unknown_codes: 5\n");
    daemon.signal(rustix::process::Signal::HUP);
    daemon.wait_for_log("reloaded");
    daemon.write("app=web Ecs.0114\n");
    let scrape = daemon.wait_for_records(3);
    assert_eq!(scrape.value(ERRORS, &[("code", "Ecs.0114"), ("app", "web")]), Some(2.0));
    assert_eq!(scrape.value(ERRORS, &[("code", "Ecs.0114"), ("app", "api")]), Some(1.0));
    assert_eq!(event::counted(&scrape)["Ecs.0114"], 3);
}
