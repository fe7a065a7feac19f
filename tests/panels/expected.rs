//! What each query of each panel must return, worked out from what was replayed and from the catalog.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::Value;

use crate::scene::{JOBS, KAFKA_CODES, LATE, RANGE, RATE, STDIN, Scene, TEAMS};
use crate::support::prometheus::Labels;
use crate::support::run;

/// Dashboard, title and type of the panel, and the letter of the query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub String, pub String, pub String, pub String);

/// What a query must return.
#[derive(Debug)]
pub enum Want {
    /// These series and no others, each with a value in its range.
    Series(Vec<(Labels, RangeInclusive<f64>)>),
    /// At least one series, all with just these labels and none with a negative value.
    Some(&'static [&'static str]),
}

/// Whether a query is to be asked after the broker was lost.
pub fn is_of_the_outage(key: &Key) -> bool {
    key.1 == "Errors of the client"
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    // An empty label and none are the same.
    pairs.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn exactly(value: f64) -> RangeInclusive<f64> {
    value..=value
}

/// A number that Prometheus extrapolated from samples, rounded or not.
fn about(value: f64) -> RangeInclusive<f64> {
    if value == 0.0 { 0.0..=0.0 } else { value * 0.97 - 0.01..=value * 1.2 + 0.51 }
}

/// That many within the window of rate(), by the second.
fn rate_of(times: u64) -> RangeInclusive<f64> {
    let times = times as f64 / RATE as f64;
    times * 0.97..=times * 1.2
}

/// A code with all that is known of it, and how often it came.
struct Row {
    job: &'static str,
    code: &'static str,
    api_service: String,
    category: String,
    /// Status, whether it is retryable, message, action; nothing of unknown codes.
    known: Option<[String; 4]>,
    /// In each of the two replays.
    times: u64,
}

impl Row {
    /// What rate() sees of the counters by service and category, which are at 0 from the start but for those with a
    /// configured label.
    fn seen_by_service_rate(&self) -> u64 {
        let labelled = if self.job == "stdin" && self.code == "Ecs.0114" { TEAMS.len() as u64 } else { 0 };
        2 * self.times - labelled
    }

    /// What rate() sees: nothing of the first replay, if the series began with it.
    fn seen_by_rate(&self) -> u64 {
        let from_zero = ["quota", "throttling"].contains(&self.category.as_str());
        if from_zero { 2 * self.times } else { self.times }
    }
}

fn rows() -> Vec<Row> {
    let listing = run(["catalog", "list", "--format", "json"]).json();
    let catalog = listing["codes"].as_array().expect("codes");
    let row = |job, (code, times): (&'static str, u64)| {
        let default = |r: &&Value| r["code"] == code && r["default"] != false;
        let found = catalog.iter().find(default).or_else(|| catalog.iter().find(|r| r["code"] == code));
        let text = |r: &Value, field: &str| match &r[field] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let known = found.map(|r| ["http_status", "retryable", "message", "action"].map(|f| text(r, f)));
        let unknown_service = if code == "other" { "other".to_owned() } else { code[..3].to_uppercase() };
        Row {
            job,
            code,
            api_service: found.map_or(unknown_service, |r| text(r, "api_service")),
            category: found.map_or("unknown".to_owned(), |r| text(r, "category")),
            known,
            times,
        }
    };
    let stdin = STDIN.into_iter().map(|code| row("stdin", code));
    stdin.chain(KAFKA_CODES.into_iter().map(|code| row("kafka", code))).collect()
}

/// Sums over rows by labels that `key` gives.
fn summed<'r>(
    rows: impl Iterator<Item = &'r Row>,
    key: impl Fn(&Row) -> Labels,
    times: impl Fn(&Row) -> u64,
) -> BTreeMap<Labels, u64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        *sums.entry(key(row)).or_default() += times(row);
    }
    sums
}

fn series(sums: BTreeMap<Labels, u64>, range: impl Fn(u64) -> RangeInclusive<f64>) -> Want {
    Want::Series(sums.into_iter().map(|(labels, times)| (labels, range(times))).collect())
}

fn one(range: RangeInclusive<f64>) -> Want {
    Want::Series(vec![(Labels::new(), range)])
}

/// A series for each job.
fn by_job(name: &str, range: impl Fn(&str) -> RangeInclusive<f64>) -> Want {
    Want::Series(JOBS.map(|job| (labels(&[(name, job)]), range(job))).into())
}

/// All of it, by the query.
pub fn expected(scene: &Scene) -> BTreeMap<Key, Want> {
    let mut all = BTreeMap::new();
    let mut add = |dashboard: &str, kind: &str, title: &str, refs: Vec<Want>| {
        for (want, letter) in refs.into_iter().zip("ABC".chars()) {
            let key = Key(dashboard.to_owned(), title.to_owned(), kind.to_owned(), letter.to_string());
            assert!(all.insert(key, want).is_none(), "{title} twice");
        }
    };
    errors(scene, &mut |kind, title, refs| add("errtally-errors", kind, title, refs));
    health(scene, &mut |kind, title, refs| add("errtally-health", kind, title, refs));
    all
}

type Add<'a> = &'a mut dyn FnMut(&str, &str, Vec<Want>);

fn errors(scene: &Scene, add: Add<'_>) {
    let rows = rows();
    let known = || rows.iter().filter(|r| r.known.is_some());
    let unknown = || rows.iter().filter(|r| r.known.is_none());
    let of = |category: &'static str| known().filter(move |r| r.category == category);
    let twice = |r: &Row| 2 * r.times;
    let total = |rows: &mut dyn Iterator<Item = &Row>| about(rows.map(twice).sum::<u64>() as f64);
    let by_code = |r: &Row| labels(&[("code", r.code)]);
    let by_service = |r: &Row| labels(&[("api_service", &r.api_service)]);
    let by_category = |r: &Row| labels(&[("category", &r.category)]);
    let seen = |r: &&Row| r.code != "other";

    add("stat", "Hits", vec![one(total(&mut known()))]);
    add("stat", "Quota", vec![one(total(&mut of("quota")))]);
    add("stat", "Throttling", vec![one(total(&mut of("throttling")))]);
    let different: std::collections::BTreeSet<_> = rows.iter().filter(seen).map(|r| r.code).collect();
    add("stat", "New codes", vec![one(exactly(different.len() as f64))]);
    add("stat", "Unknown codes", vec![one(exactly(3.0))]);

    // Every service and category of the catalog is there, most of them at 0.
    let listing = run(["catalog", "list", "--format", "json"]).json();
    let zeros = |field: &str| -> BTreeMap<Labels, u64> {
        let codes = listing["codes"].as_array().expect("codes");
        codes.iter().map(|r| (labels(&[(field, r[field].as_str().expect("text"))]), 0)).collect()
    };
    let mut services = zeros("api_service");
    services.extend(summed(known(), by_service, Row::seen_by_service_rate));
    add("timeseries", "Errors a second by service", vec![series(services, rate_of)]);
    let mut categories = zeros("category");
    categories.extend(summed(known(), by_category, Row::seen_by_service_rate));
    add("timeseries", "Errors a second by category", vec![series(categories, rate_of)]);
    let rates = series(summed(known(), by_code, Row::seen_by_rate), rate_of);
    add("timeseries", "Errors a second by code", vec![rates]);

    let meaning = |r: &Row| {
        let [status, retryable, message, action] = r.known.as_ref().expect("a known code");
        let message = &message.replace("%s", "…");
        labels(&[
            ("code", r.code),
            ("api_service", &r.api_service),
            ("category", &r.category),
            ("http_status", status),
            ("retryable", retryable),
            ("message", message),
            ("action", action),
        ])
    };
    let counted = |times: u64| about(times as f64);
    add("table", "Most frequent codes", vec![series(summed(known(), meaning, twice), counted)]);
    let limits = || of("quota").chain(of("throttling"));
    add("table", "Quota and throttling: what to do", vec![series(summed(limits(), meaning, twice), counted)]);
    for (title, category) in
        [("Quota: refused calls a second", "quota"), ("Throttling: refused calls a second", "throttling")]
    {
        let want = series(summed(of(category), by_code, Row::seen_by_rate), rate_of);
        add("timeseries", title, vec![want]);
    }

    let when = scene.start * 1e3..=scene.now * 1e3;
    let times = || {
        let of_job = |r: &Row| (labels(&[("job", r.job), ("code", r.code)]), when.clone());
        Want::Series(rows.iter().filter(seen).map(of_job).collect())
    };
    add("table", "First seen", vec![times(), times()]);

    let alert = |name: &str, severity: &str, job: &str, service: &str, category: &str, code: &str| {
        let alert = labels(&[
            ("alertname", name),
            ("severity", severity),
            ("job", job),
            ("api_service", service),
            ("category", category),
            ("code", code),
        ]);
        (alert, exactly(1.0))
    };
    let firing = vec![
        alert("ErrtallyQuotaExceeded", "warning", "stdin", "CCE", "quota", "CCE.01400007"),
        alert("ErrtallyQuotaExceeded", "warning", "kafka", "CCE", "quota", "CCE.01400007"),
        alert("ErrtallyThrottling", "warning", "stdin", "CCE", "throttling", "CCE.02429001"),
        // Eight, where four of OBS are too few.
        alert("ErrtallyUnknownCodes", "info", "stdin", "DLI", "", ""),
        alert("ErrtallyLabelsOverflow", "info", "stdin", "", "", ""),
    ];
    add("stat", "Alerts", vec![one(exactly(firing.len() as f64))]);
    add("table", "Firing alerts", vec![Want::Series(firing)]);

    let rates = series(summed(unknown(), by_service, Row::seen_by_rate), rate_of);
    add("timeseries", "Unknown codes a second by service", vec![rates]);
    let by_all =
        |r: &Row| labels(&[("code", r.code), ("api_service", &r.api_service), ("category", &r.category)]);
    add("table", "Most frequent unknown codes", vec![series(summed(unknown(), by_all, twice), counted)]);
    let late = Want::Series(vec![(labels(&[("api_service", "CSS")]), rate_of(LATE))]);
    add("timeseries", "Late errors a second by service", vec![late]);
}

fn health(scene: &Scene, add: Add<'_>) {
    let records = |job: &str| 2 * scene.records[job];
    let instance = |job: &str| scene.instances[job].as_str();
    let of_instance = |job: &str| labels(&[("job", job), ("instance", instance(job))]);
    let each =
        |range: RangeInclusive<f64>| Want::Series(JOBS.map(|job| (of_instance(job), range.clone())).into());
    let codes = |rows: &[(&str, u64)]| rows.iter().map(|(_, times)| times).sum::<u64>();

    add("stat", "Up", vec![one(exactly(2.0))]);
    add("stat", "Down", vec![one(exactly(1.0))]);
    add("stat", "All ready", vec![one(exactly(1.0))]);
    add("stat", "Last reload", vec![one(exactly(1.0))]);
    // Its window is one of 5 minutes, whatever is shown.
    let all = JOBS.map(records).iter().sum::<u64>() as f64 / 300.0;
    add("stat", "Records a second", vec![one(all * 0.97..=all * 1.2)]);
    add("stat", "Messages behind", vec![one(exactly(0.0))]);
    add("stat", "Seconds behind", vec![one(exactly(0.0))]);

    let version = |job: &str| {
        let mut labels = of_instance(job);
        labels.insert("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        (labels, exactly(1.0))
    };
    // The kernel counts a start in ticks, from a time of its own that is rounded.
    let when = (scene.start - 2.0) * 1e3..=scene.now * 1e3;
    let instances = vec![Want::Series(JOBS.map(version).into()), each(when.clone()), each(when)];
    add("table", "Instances", instances);

    let by_source = |value: &dyn Fn(&str) -> RangeInclusive<f64>| {
        let one = |job: &str| (labels(&[("instance", instance(job)), ("source", job)]), value(job));
        let gone = (labels(&[("instance", instance("gone")), ("source", "stdin")]), exactly(0.0));
        Want::Series(JOBS.map(one).into_iter().chain([gone]).collect())
    };
    add("timeseries", "Records a second", vec![by_source(&|job| rate_of(records(job)))]);
    let bytes = |job: &str| rate_of(scene.bytes[job].iter().sum());
    add("timeseries", "Bytes a second", vec![by_source(&bytes)]);

    // Of Kafka one message holds two codes.
    let matched: BTreeMap<_, _> =
        [("stdin", codes(&STDIN) + LATE), ("kafka", codes(&KAFKA_CODES) - 2)].into();
    let near = |part: u64, whole: u64| {
        let share = part as f64 / whole as f64;
        share * 0.95..=share * 1.05
    };
    let ours = |part: u64| move |job: &str| if job == "stdin" { part } else { 0 };
    let shares = vec![
        by_job("job", |job| near(2 * matched[job], records(job))),
        by_job("job", |job| near(2 * ours(1)(job), 2 * matched[job])),
        by_job("job", |job| near(2 * ours(1)(job), records(job))),
    ];
    add("timeseries", "Shares", shares);
    let past = Want::Series(vec![(labels(&[("job", "stdin")]), rate_of(1))]);
    let other = Want::Series(vec![(labels(&[("job", "stdin"), ("label", "team")]), rate_of(2))]);
    add("timeseries", "Limits that are reached", vec![past, other]);

    let of_topic = || Want::Series(vec![(labels(&[("job", "kafka"), ("topic", "logs")]), exactly(0.0))]);
    add("timeseries", "Messages behind", vec![of_topic()]);
    add("timeseries", "Seconds behind", vec![of_topic()]);
    let of_kafka = |value: f64| Want::Series(vec![(of_instance("kafka"), exactly(value))]);
    add("timeseries", "Partitions", vec![of_kafka(2.0), of_kafka(1.0)]);
    let of_job = |range: RangeInclusive<f64>| Want::Series(vec![(labels(&[("job", "kafka")]), range)]);
    // One commit a replay at least; the partitions were assigned before the first scrape, or soon after it.
    let commits = 1.0 / RATE as f64..=f64::from(u32::MAX);
    let moves = vec![of_job(commits), of_job(exactly(0.0)), of_job(0.0..=rate_of(3).into_inner().1)];
    add("timeseries", "Rebalances and commits a second", moves);
    add("timeseries", "Errors of the client", vec![Want::Some(&["instance", "kind"])]);
    add("timeseries", "Partitions without an answer", vec![of_kafka(0.0)]);
    let of_logs = labels(&[("instance", instance("kafka")), ("topic", "logs")]);
    let none = || Want::Series(vec![(of_logs.clone(), exactly(0.0))]);
    add("timeseries", "Records that were missed", vec![none(), none()]);

    // Nobody follows files here, nor sends to sockets.
    for (title, queries) in [
        ("Senders", 1),
        ("Received a second", 2),
        ("Refused or dropped", 2),
        ("Bytes behind", 1),
        ("Files", 2),
        ("Rotations a second", 2),
        ("Files that were missed", 2),
        ("Age of positions", 2),
    ] {
        add("timeseries", title, (0..queries).map(|_| Want::Series(Vec::new())).collect());
    }

    let to_file = |range| Want::Series(vec![(labels(&[("job", "stdin"), ("to", "file")]), range)]);
    let events = 2 * (codes(&STDIN) + LATE);
    add("timeseries", "Events a second", vec![to_file(rate_of(events))]);
    let none = || to_file(exactly(0.0));
    add("timeseries", "Events that do not arrive", vec![none(), none(), none()]);
    add("timeseries", "Waiting for events", vec![Want::Some(&["instance", "to"])]);
    add("timeseries", "Log lines left out", vec![Want::Some(&["job"]), Want::Some(&["job"])]);

    // Nobody serves by TLS here.
    add("timeseries", "Time to the end of certificates", vec![Want::Series(Vec::new())]);
    let no_text = |job| (labels(&[("job", job)]), exactly(0.0));
    add("timeseries", "Inputs that are no text", vec![Want::Series(JOBS.map(no_text).into())]);

    add("timeseries", "CPU", vec![each(0.0..=2.0)]);
    add("timeseries", "Memory", vec![each(1e6..=1e9)]);
    add("timeseries", "File descriptors", vec![each(1e-6..=0.9)]);
    // All pairs of services and categories, all codes of zero_init, and those of the process.
    let mut sizes = vec![(labels(&[("job", "stdin"), ("instance", instance("gone"))]), exactly(0.0))];
    sizes.extend(JOBS.map(|job| (of_instance(job), 850.0..=1400.0)));
    // Two teams, and `other`.
    let sets = Want::Series(vec![(of_instance("stdin"), exactly(3.0))]);
    add("timeseries", "Series", vec![Want::Series(sizes), sets]);
    // Prometheus, and perhaps a request of the test that has just ended.
    add("timeseries", "Connections", vec![each(1.0..=9.0)]);
    assert!(RANGE as f64 > scene.now - scene.start, "the test took longer than what it looks at");
}
