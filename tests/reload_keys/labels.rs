//! Labels and their limit change under a running process: no count moves into another series, none is lost.

use crate::support::daemon::Daemon;
use crate::support::exposition::Scrape;
use crate::{Subject, errors};

pub fn labels() {
    let mut subject = Subject::new("labels: {app: app, tier: tier}\n");
    subject.feed("Ecs.0114 app=a tier=x\nEcs.0114 app=a tier=y\nEcs.0114 app=b\nEcs.0114\nEcs.0114 team=t\n");
    let all = [("code", "Ecs.0114")];
    let kept = |scrape: &Scrape| {
        assert_eq!(errors(scrape, &[("app", "a"), ("tier", "x")]), 1.0, "a count moves to no other series");
        assert_eq!(errors(scrape, &[("app", "a"), ("tier", "y")]), 1.0);
    };
    // Another label beside one that stays.
    let scrape = subject.reload("labels: {team: team, app: app}\n");
    kept(&scrape);
    assert_eq!(errors(&scrape, &all), 5.0);
    let scrape = subject.feed("Ecs.0114 app=b tier=z\nEcs.0114 app=c team=t\nEcs.0114 team=t\n");
    kept(&scrape);
    assert_eq!(errors(&scrape, &[("app", "b")]), 2.0, "a series whose labels all stay goes on");
    assert_eq!(errors(&scrape, &[("team", "t"), ("app", "c")]), 1.0);
    assert_eq!(errors(&scrape, &[("team", "t"), ("app", "")]), 1.0);
    assert_eq!(errors(&scrape, &all), 8.0);
    // None at all, and the first ones again.
    let scrape = subject.reload("");
    assert_eq!(errors(&scrape, &all), 8.0);
    assert_eq!(errors(&subject.feed("Ecs.0114 app=b\n"), &[("app", "b")]), 2.0);
    subject.reload("labels: {app: app, tier: tier}\n");
    let scrape = subject.feed("Ecs.0114 app=a tier=x team=t\n");
    assert_eq!(errors(&scrape, &[("app", "a"), ("tier", "x")]), 2.0, "it goes on where it was");
    assert_eq!(errors(&scrape, &[("team", "t"), ("app", "c")]), 1.0);
    assert_eq!(errors(&scrape, &all), 10.0);
    assert_eq!(scrape.sum("errtally_api_service_errors_total", &[("api_service", "ECS")]), 10.0);
    let report = subject.daemon.get("/api/v1/codes").json();
    assert_eq!(report["hits"][0]["count"], 10);
    no_series_twice(&subject.daemon);
}

#[track_caller]
fn no_series_twice(daemon: &Daemon) {
    let text = daemon.get("/metrics").text().to_owned();
    let mut seen = std::collections::HashSet::new();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').expect("a sample");
        // To Prometheus an empty label is none.
        let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap_or((series, ""));
        let mut labels: Vec<&str> =
            labels.split("\",").filter(|l| !l.trim_end_matches('"').ends_with('=')).collect();
        labels.sort_unstable();
        assert!(seen.insert((name.to_owned(), labels.join(","))), "{line} stands there twice");
    }
}

pub fn max_label_sets() {
    let mut subject = Subject::new("labels: {app: app}\nmax_label_sets: 4\n");
    let lines = |names: &[&str]| names.iter().map(|n| format!("Ecs.0114 app={n}\n")).collect::<String>();
    subject.feed(&lines(&["a", "b", "c", "d"]));
    let scrape = subject.reload("labels: {app: app}\nmax_label_sets: 2\n");
    assert_eq!(errors(&scrape, &[("app", "a")]) + errors(&scrape, &[("app", "d")]), 2.0, "series stay");
    let scrape = subject.feed(&lines(&["e", "f"]));
    assert_eq!((errors(&scrape, &[("app", "other")]), errors(&scrape, &[])), (2.0, 6.0));
    no_series_twice(&subject.daemon);
    subject.reload("labels: {app: app}\nmax_label_sets: 20\n");
    let scrape = subject.feed(&lines(&["a", "b", "c", "d", "e", "f"]));
    for app in ["a", "b", "c", "d"] {
        assert_eq!(errors(&scrape, &[("app", app)]), 2.0, "{app} goes on");
    }
    assert_eq!((errors(&scrape, &[("app", "e")]), errors(&scrape, &[("app", "other")])), (1.0, 2.0));
    assert_eq!(errors(&scrape, &[]), 12.0);
    no_series_twice(&subject.daemon);
}
