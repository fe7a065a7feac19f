//! The library under test beside what the reference wants of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant, SystemTime};

use errtally_core::catalog::Catalog;
use errtally_core::engine::{Engine, Options};
use errtally_core::enrich::{Extraction, FieldPaths, Label, Plan};
use errtally_core::event::EventFilter;
use errtally_core::event::EventPlan;
use errtally_core::ledger::{Ledger, RowKey, Snapshot, Source};
use errtally_core::outbox::Outbox;
use errtally_core::outbox::{Sink, SinkError};
use errtally_core::pipeline::Pipeline;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};

use super::fields;
use super::generate::{STARTS, TIMES};

/// Known ones with one row each, and one that no catalog has.
pub const CODES: [&str; 5] = ["Ecs.0114", "CSS.0015", "CCE.01400007", "Ecs.0005", "CCE.09404999"];

/// The labels, with their paths.
const LABELS: [(&str, &[&str]); 5] = [
    ("app", &["kubernetes.labels.app.kubernetes.io/name", "log.app", "labels.app", "@header:app", "app"]),
    ("team", &["team", "message.team", "@key"]),
    ("abc", &["a.b.c"]),
    ("first", &["@header:x", "b", "a"]),
    ("level", &["@level"]),
];

/// What the reference leaves open.
const ANYTHING: &str = "(anything)";

const LATE_AFTER: Duration = Duration::from_secs(3600);

static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
    let catalog = Catalog::embedded().expect("the built-in catalog loads");
    Arc::new(Engine::new(Arc::new(catalog), Options::default()))
});

/// The envelope of a message, with what a reference need not decode.
#[derive(Clone, Debug)]
pub struct Envelope {
    pub key: Option<String>,
    pub headers: Vec<(String, String)>,
    pub timestamp: Option<i64>,
}

/// The envelope at its place in the topic.
struct At<'e>(&'e Envelope, i64);

impl errtally_core::fields::Envelope for At<'_> {
    fn key(&self) -> Option<&[u8]> {
        self.0.key.as_deref().map(str::as_bytes)
    }
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.0.headers.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_bytes())
    }
    fn topic(&self) -> Cow<'_, str> {
        "logs \"and\" more".into()
    }
    fn partition(&self) -> i32 {
        3
    }
    fn offset(&self) -> i64 {
        self.1
    }
    fn timestamp(&self) -> Option<i64> {
        self.0.timestamp
    }
}

/// Keeps what it is given.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<(Vec<u8>, u64)>>);

impl Sink for Kept {
    fn take(&mut self, lines: &[u8], events: u64) -> Result<(), SinkError> {
        let mut kept = self.0.lock().expect("the events");
        kept.0.extend_from_slice(lines);
        kept.1 += events;
        Ok(())
    }
    fn settled(&mut self) -> u64 {
        self.0.lock().expect("the events").1
    }
    fn settle(&mut self, _: Option<Instant>) -> bool {
        true
    }
}

/// By code and labels: hits and late hits.
type Counts = BTreeMap<(String, Vec<String>), (u64, u64)>;

/// What came out: events, and counts.
#[derive(Debug)]
pub struct Outcome {
    pub events: Vec<Value>,
    pub counts: Counts,
    pub malformed: u64,
}

pub struct Subject {
    labels: Vec<Label>,
}

impl Subject {
    pub fn new() -> Subject {
        Subject { labels: LABELS.iter().map(|(name, paths)| label(name, paths)).collect() }
    }

    /// With one label, whose paths have bars between them.
    pub fn with_label(paths: &str) -> Subject {
        Subject { labels: vec![label("x", &paths.split('|').collect::<Vec<_>>())] }
    }

    /// The value of the one label in the one event of `record`.
    pub fn label(&self, record: &str) -> Option<String> {
        let outcome = self.lines([record.as_bytes()]);
        assert_eq!(outcome.events.len(), 1, "{record}");
        outcome.events[0]["labels"]["x"].as_str().map(str::to_owned)
    }

    fn run(&self, feed: impl FnOnce(&mut Pipeline)) -> Outcome {
        let names: Vec<String> = self.labels.iter().map(|l| l.name.clone()).collect();
        let events = EventPlan { record_bytes: None, only: EventFilter::default(), labels: names.clone() };
        let plan = Plan::new(&Extraction {
            labels: self.labels.clone(),
            max_label_sets: 10_000,
            late_after: Some(LATE_AFTER),
            exemplars: true,
            events: Some(events),
            ..Extraction::default()
        });
        let ledger = Arc::new(Ledger::with_labels(ENGINE.clone(), 1_000, &names, 10_000));
        let kept = Kept::default();
        let outbox = Outbox::new(Box::new(kept.clone()));
        let plan = Arc::new(plan.expect("a plan"));
        let mut pipeline = Pipeline::with_plan(ledger.clone(), Source::STDIN, plan, Some(outbox));
        feed(&mut pipeline);
        pipeline.finish();
        let snapshot = ledger.snapshot();
        let kept = kept.0.lock().expect("the events");
        let lines = kept.0.split(|&b| b == b'\n').filter(|l| !l.is_empty());
        let events: Vec<Value> = lines.map(|l| serde_json::from_slice(l).expect("JSON")).collect();
        assert_eq!(events.len() as u64, kept.1, "as many as it says");
        let malformed = snapshot.sources.iter().map(|(_, counts)| counts.malformed).sum();
        Outcome { events, counts: counts(&snapshot), malformed }
    }

    /// Of lines, read in these pieces.
    pub fn lines<'r>(&self, reads: impl IntoIterator<Item = &'r [u8]>) -> Outcome {
        self.run(|pipeline| reads.into_iter().for_each(|read| pipeline.push(read)))
    }

    /// Of messages.
    pub fn messages(&self, records: &[Vec<u8>], envelopes: &[Envelope]) -> Outcome {
        self.run(|pipeline| {
            for (i, (record, envelope)) in records.iter().zip(envelopes).enumerate() {
                pipeline.message(record, &At(envelope, i as i64));
            }
            pipeline.commit();
        })
    }

    /// What the reference says; without envelopes of lines.
    pub fn wanted(&self, records: &[Vec<u8>], envelopes: &[Envelope]) -> Wanted {
        let mut wanted = Wanted {
            outcome: Outcome { events: Vec::new(), counts: Counts::new(), malformed: 0 },
            records: Vec::new(),
        };
        let mut offset = 0;
        for (i, record) in records.iter().enumerate() {
            let envelope = envelopes.get(i);
            let source = match envelope {
                None => json!({"type": "stdin", "offset": offset}),
                Some(_) => {
                    json!({"type": "kafka", "topic": "logs \"and\" more", "partition": 3, "offset": i})
                }
            };
            offset += record.len() + 1;
            wanted.add(self, record, envelope, &source);
        }
        wanted
    }
}

fn label(name: &str, paths: &[&str]) -> Label {
    Label { name: name.to_owned(), paths: paths.iter().map(|&p| p.to_owned()).collect() }
}

fn counts(snapshot: &Snapshot) -> Counts {
    let mut counts = Counts::new();
    let catalog = snapshot.engine.catalog();
    for (i, account) in snapshot.rows.iter().enumerate().filter(|(_, account)| account.is_counted()) {
        let code = RowKey::new(catalog, errtally_core::catalog::RowId(i as u32)).code;
        for (set, series) in account.all().filter(|(_, s)| s.count + s.late > 0) {
            let labels = snapshot.labels_of(set).map(|(_, value)| value.to_owned()).collect();
            let twice = counts.insert((code.clone(), labels), (series.count, series.late));
            assert!(twice.is_none(), "a combination has two numbers");
        }
    }
    for unknown in &snapshot.unknown {
        counts.insert((unknown.code.clone(), Vec::new()), (unknown.count, unknown.late));
    }
    counts
}

/// `text`, or so much of it that it has `most` bytes with the mark of a cut.
fn marked(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if kept.len() + c.len_utf8() + "…".len() > most {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

/// What the reference says of some records.
pub struct Wanted {
    outcome: Outcome,
    records: Vec<String>,
}

impl Wanted {
    fn add(&mut self, subject: &Subject, record: &[u8], envelope: Option<&Envelope>, source: &Value) {
        let text = String::from_utf8_lossy(record);
        let mut codes: Vec<_> = CODES.iter().filter_map(|c| text.find(c).map(|at| (at, *c))).collect();
        codes.sort_unstable();
        self.records.push(text.clone().into_owned());
        if codes.is_empty() {
            return;
        }
        self.outcome.malformed += u64::from(fields::claims(record) && fields::document(record).is_none());
        let paths = FieldPaths::default();
        let field = |paths: &[String]| {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            fields::value(record, &paths, envelope)
        };
        let start = STARTS.iter().filter(|(start, ..)| text.starts_with(start)).max_by_key(|(s, ..)| s.len());
        let level = field(&paths.level).map(|l| fields::level(&l));
        let level = level.or_else(|| start.and_then(|&(.., level)| level.map(str::to_owned)));
        let labels = subject.labels.iter().map(|label| match label.paths.as_slice() {
            [only] if only == "@level" => level.clone(),
            paths => field(paths),
        });
        let labels: Vec<String> = labels.map(Option::unwrap_or_default).collect();
        let time = field(&paths.time).and_then(|text| meaning(&TIMES, text.trim()));
        let time = time.or_else(|| {
            start.and_then(|(_, time, _)| time.map(str::to_owned)).or_else(|| begins_with_a_time(&text))
        });
        let of_message = envelope.and_then(|e| e.timestamp).filter(|&t| t == 1_500_000_000_123);
        let time = time.or_else(|| of_message.map(|_| "2017-07-14T02:40:00.123Z".to_owned()));
        let late = time.as_ref().is_some_and(|t| t.starts_with("20"));
        let keys: Vec<&str> = paths.message.iter().map(String::as_str).collect();
        let single = codes.len() == 1;
        for (_, code) in codes {
            let alone = single && fields::alone(record, code);
            let known = code != "CCE.09404999";
            let own = fields::message(record, code, &keys);
            let mut event = json!({
                "time": time, "code": code, "known": known, "message": own.map(|own| marked(&own, 4096)).or_else(|| catalog_message(code)),
                "labels": {}, "source": source,
            });
            for (label, value) in subject.labels.iter().zip(&labels).filter(|(_, value)| !value.is_empty()) {
                event["labels"][&label.name] = json!(cut(value));
            }
            let beside = || fields::message(record, code, &["request_id"]);
            let request = if alone { beside().or_else(|| field(&paths.request_id)) } else { None };
            let optional = [
                ("level", level.clone(), 64),
                ("trace_id", field(&paths.trace_id), 256),
                ("request_id", request, 256),
            ];
            for (name, value, most) in optional {
                if let Some(value) = value {
                    event[name] = json!(marked(&value, most));
                }
            }
            if late {
                event["late"] = json!(true);
            }
            if !alone {
                // What stands near the code decides, in whatever form: see the rows in tests/reading.
                event["message"] = json!(ANYTHING);
                event["request_id"] = json!(ANYTHING);
                if event["trace_id"].is_null() {
                    event["trace_id"] = json!(ANYTHING);
                }
            }
            self.outcome.events.push(event);
            let labels = if known { labels.iter().map(|l| cut(l)).collect() } else { Vec::new() };
            let count = self.outcome.counts.entry((code.to_owned(), labels)).or_default();
            *(if late { &mut count.1 } else { &mut count.0 }) += 1;
        }
    }

    /// Compares what came out with what is wanted.
    pub fn compare(&self, found: &Outcome) -> Result<(), TestCaseError> {
        let shown = || self.records.join("\n");
        let mut slim = found.events.clone();
        for (i, event) in slim.iter_mut().enumerate() {
            let event = event.as_object_mut().expect("an object");
            for member in ["message", "request_id", "trace_id"] {
                if self.outcome.events.get(i).is_some_and(|wanted| wanted[member] == ANYTHING) {
                    event.insert(member.to_owned(), json!(ANYTHING));
                }
            }
            for other in ["api_service", "category", "http_status", "retryable", "action"] {
                prop_assert!(event.remove(other).is_some(), "{other}");
            }
            // Without a time of its own it is that of arrival.
            if self.outcome.events.get(i).is_some_and(|wanted| wanted["time"].is_null()) {
                let time = event.insert("time".to_owned(), Value::Null).expect("a time");
                prop_assert!(is_now(time.as_str().expect("text")), "{time} is not now\n{}", shown());
            }
        }
        for (found, wanted) in slim.iter().zip(&self.outcome.events) {
            prop_assert!(found == wanted, "\nlibrary   {found}\nreference {wanted}\n{}", shown());
        }
        prop_assert!(slim.len() == self.outcome.events.len(), "{} events\n{}", slim.len(), shown());
        prop_assert!(
            found.counts == self.outcome.counts,
            "\nlibrary   {:?}\nreference {:?}\n{}",
            found.counts,
            self.outcome.counts,
            shown()
        );
        prop_assert!(found.malformed == self.outcome.malformed, "{} malformed\n{}", found.malformed, shown());
        Ok(())
    }
}

/// A value as a label has it: at most 256 bytes.
fn cut(value: &str) -> String {
    let end = (0..=value.len().min(256)).rev().find(|&end| value.is_char_boundary(end));
    value[..end.unwrap_or(0)].to_owned()
}

fn meaning(table: &[(&str, Option<&str>)], text: &str) -> Option<String> {
    let (_, time) = table.iter().find(|(written, _)| *written == text)?;
    time.map(str::to_owned)
}

/// A record may begin with one of the times by chance.
fn begins_with_a_time(text: &str) -> Option<String> {
    let found = TIMES.iter().filter(|(t, _)| t.contains('-') && text.starts_with(t));
    found.max_by_key(|(t, _)| t.len()).and_then(|(_, time)| time.map(str::to_owned))
}

fn catalog_message(code: &str) -> Option<String> {
    let catalog = ENGINE.catalog();
    let rows = catalog.code(catalog.find(code)?).rows.clone();
    let message = &catalog.row(errtally_core::catalog::RowId(rows.start)).message;
    // No record of the tests has the text of a message with placeholders.
    Some(message.replace("%s", "…"))
}

fn is_now(text: &str) -> bool {
    let time: jiff::Timestamp = text.parse().expect("RFC 3339");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    (time.as_second() - now as i64).abs() < 120
}
