//! What is read from records, against a reference written from `docs/records.md`: labels in the counters, everything
//! in the events, and both alike; whatever wraps the record and however the bytes are cut.

mod fields;
mod generate;
mod json;
mod subject;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use generate::Record;
use subject::{Envelope, Subject};

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_say_what_the_reference_says(records in vec(generate::record(), 1..6), cuts in vec(any::<Index>(), 0..6)) {
        let subject = Subject::new();
        let records: Vec<Vec<u8>> = records.iter().map(Record::bytes).collect();
        let input = records.join(&b'\n');
        let wanted = subject.wanted(&records, &[]);
        let whole = subject.lines([&input[..]]);
        wanted.compare(&whole)?;
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        ends.push(input.len());
        ends.sort_unstable();
        let mut start = 0;
        let reads = ends.into_iter().map(|end| &input[std::mem::replace(&mut start, end)..end]);
        wanted.compare(&subject.lines(reads))?;
        wanted.compare(&subject.lines(input.chunks(1)))?;
    }

    #[test]
    fn messages_say_what_the_reference_says(
        messages in vec((generate::record(), generate::envelope()), 1..6),
    ) {
        let subject = Subject::new();
        let (records, envelopes): (Vec<_>, Vec<Envelope>) =
            messages.into_iter().map(|(record, envelope)| (record.bytes(), envelope)).unzip();
        subject.wanted(&records, &envelopes).compare(&subject.messages(&records, &envelopes))?;
    }
}

/// A generator that makes little of what matters would agree with anything.
#[test]
fn the_records_have_something_to_say() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let subject = Subject::new();
    let records: Vec<Vec<u8>> = (0..500)
        .map(|_| generate::record().new_tree(&mut runner).expect("a record").current().bytes())
        .collect();
    let found = subject.lines([&records.join(&b'\n')[..]]);
    subject.wanted(&records, &[]).compare(&found).expect("they agree");
    let least = |what: &str, count: usize, least: usize| assert!(count >= least, "{count} {what}");
    let events = &found.events;
    least("events", events.len(), 300);
    least("late events", events.iter().filter(|e| e["late"] == true).count(), 100);
    for label in ["app", "team", "abc", "first", "level"] {
        least(label, events.iter().filter(|e| !e["labels"][label].is_null()).count(), 20);
    }
    least(
        "messages of records",
        events.iter().filter(|e| e["known"] == false && !e["message"].is_null()).count(),
        15,
    );
}

/// One record, by hand: what a field's value is, or none.
fn value(record: &str, paths: &str) -> Option<String> {
    let wanted = fields::value(record.as_bytes(), &paths.split('|').collect::<Vec<_>>(), None);
    let found = Subject::with_label(paths).label(record);
    assert_eq!(found, wanted, "{paths} in {record}");
    wanted
}

/// Cases from the document's sentences, so that the reference itself is held to something.
#[test]
fn by_hand() {
    let some = |text: &str| Some(text.to_owned());
    let long = r#"{"kubernetes":{"labels":{"app.kubernetes.io/name":"web"}},"m":"Ecs.0114"}"#;
    assert_eq!(value(long, "kubernetes.labels.app.kubernetes.io/name"), some("web"));
    assert_eq!(value(r#"{"a":null,"b":"","c":7,"m":"Ecs.0114"}"#, "a|b|c"), some("7"));
    assert_eq!(value(r#"{"a":["x"],"b":{},"m":"Ecs.0114"}"#, "a|b"), None);
    assert_eq!(value(r#"{"a":"1","a":"2","m":"Ecs.0114"}"#, "a"), some("1"));
    // The first place decides, in it the best path.
    assert_eq!(value(r#"{"b":"outer","log":"{\"a\":\"inner\"} ","m":"Ecs.0114"}"#, "a|b"), some("outer"));
    assert_eq!(value(r#"{"b":"outer","log":"{\"a\":\"inner\"}","m":"Ecs.0114"}"#, "log.a|b"), some("inner"));
    assert_eq!(value(r#"{"x":"b=1","y":"a=2","m":"Ecs.0114"}"#, "a|b"), some("1"));
    assert_eq!(value(r#"{"x":"{\"b\":1}","y":"{\"a\":2}","m":"Ecs.0114"}"#, "a|b"), some("1"));
    assert_eq!(value("2026-11-03T08:00:04Z stdout F {\"a\":\"x\",\"m\":\"Ecs.0114\"}", "a"), some("x"));
    assert_eq!(value("a=\"x \\\"y\\\" a=z\" b='q' Ecs.0114", "b|a"), some("q"));
    assert_eq!(value("a.b=1 Ecs.0114", "a.b"), some("1"));
    assert_eq!(value("x(a=1)&a=2 Ecs.0114", "a"), some("1"));
    assert_eq!(value("{\"a\":\"x\\u0000y\",\"m\":\"Ecs.0114\"}", "a"), some("x\u{fffd}y"));
    // What does not parse is read near the code, as section 6 has it.
    assert_eq!(Subject::with_label("a").label(r#"{"a":1,"m":"Ecs.0114",}"#), some("1"));
    assert_eq!(value(r#"[{"a":1,"m":"Ecs.0114"}]"#, "a"), None);
    assert_eq!(value(r#"{"t":true,"f":1.5,"n":-3,"m":"Ecs.0114"}"#, "f"), some("1.5"));
    assert_eq!(value(r#"{"x":"{\"log\":\"{\\\"y\\\":\\\"a=9\\\"}\"}","m":"Ecs.0114"}"#, "a"), some("9"));
    assert_eq!(value(r#"{"a":{"b":"{\"c\":\"x\"}"},"m":"Ecs.0114"}"#, "a.b.c"), some("x"));
    let numbered = r#"{"x":"{\"\\u0061\":\"9\"}","m":"Ecs.0114"}"#;
    assert_eq!(value(numbered, "a"), some("9"));
    assert_eq!(value(&numbered.replacen('{', "{\t", 1), "a"), some("9"));
}
