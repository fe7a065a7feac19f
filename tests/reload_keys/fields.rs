//! What is read in records changes under a running process.

use crate::support::daemon::Daemon;
use crate::{Subject, errors};

const OLD: &str =
    "{\"time\":\"2020-01-01T00:00:00Z\",\"at\":\"2020-01-01T00:00:00Z\",\"code\":\"Ecs.0114\"}\n";

pub fn time_zone() {
    // Half an hour ago on a clock in Berlin is at least half an hour ahead in UTC.
    let now = jiff::Zoned::now().in_tz("Europe/Berlin").expect("a zone");
    let line = format!("{} ERROR Ecs.0114\n", (&now - jiff::Span::new().minutes(30)).strftime("%F %T"));
    let settings = "late_after: 10m\n";
    let mut subject = Subject::new(settings);
    let scrape = subject.feed(&line);
    assert_eq!((errors(&scrape, &[]), scrape.sum("errtally_late_errors_total", &[])), (1.0, 0.0));
    subject.reload(&format!("{settings}time_zone: Europe/Berlin\n"));
    let scrape = subject.feed(&line);
    assert_eq!((errors(&scrape, &[]), scrape.sum("errtally_late_errors_total", &[])), (1.0, 1.0));
}

pub fn late_after() {
    let mut subject = Subject::new("");
    assert_eq!(errors(&subject.feed(OLD), &[]), 1.0);
    subject.reload("late_after: 1h\n");
    let scrape = subject.feed(OLD);
    assert_eq!((errors(&scrape, &[]), scrape.sum("errtally_late_errors_total", &[])), (1.0, 1.0));
}

#[track_caller]
fn exemplars_of(daemon: &Daemon) -> String {
    let answer = daemon.ask("GET", "/metrics", &[("Accept", "application/openmetrics-text; version=1.0.0")]);
    let lines = answer.text().lines().filter(|l| l.contains("Ecs.0114") && l.contains(" # {"));
    lines.map(|l| l.split_once(" # ").map_or("", |(_, exemplar)| exemplar)).collect::<Vec<_>>().join("\n")
}

const TRACED: &str =
    "{\"code\":\"Ecs.0114\",\"trace_id\":\"t1\",\"request_id\":\"r1\",\"span\":\"t2\",\"call\":\"r2\"}\n";

pub fn exemplars() {
    let mut subject = Subject::new("");
    subject.feed(TRACED);
    assert!(exemplars_of(&subject.daemon).contains("t1"));
    subject.reload("exemplars: false\n");
    assert_eq!(exemplars_of(&subject.daemon), "", "what is kept no more is not shown any more");
    subject.feed(TRACED);
    assert_eq!(exemplars_of(&subject.daemon), "");
    subject.reload("exemplars: true\n");
    subject.feed(TRACED);
    assert!(exemplars_of(&subject.daemon).contains("t1"));
}

pub fn fields_request_id() {
    let mut subject = Subject::new("");
    subject.reload("fields: {request_id: [call]}\n");
    subject.feed(TRACED);
    assert!(exemplars_of(&subject.daemon).contains("r2"));
}

pub fn fields_trace_id() {
    let mut subject = Subject::new("");
    subject.reload("fields: {trace_id: [span]}\n");
    subject.feed(TRACED);
    assert!(exemplars_of(&subject.daemon).contains("t2"));
}

pub fn fields_level() {
    let labels = "labels: {level: \"@level\"}\n";
    let mut subject = Subject::new(labels);
    subject.reload(&format!("{labels}fields: {{level: [sev]}}\n"));
    assert_eq!(errors(&subject.feed("Ecs.0114 level=error sev=WARNING\n"), &[("level", "warn")]), 1.0);
}

pub fn fields_time() {
    let mut subject = Subject::new("late_after: 1h\nfields: {time: [nothing]}\n");
    assert_eq!(errors(&subject.feed(OLD), &[]), 1.0);
    subject.reload("late_after: 1h\nfields: {time: [at]}\n");
    assert_eq!(subject.feed(OLD).sum("errtally_late_errors_total", &[]), 1.0);
}

pub fn fields_message() {
    let mut subject = Subject::with_events("");
    let line = "{\"code\":\"Ecs.0114\",\"message\":\"first\",\"why\":\"second\"}\n";
    subject.feed(line);
    assert_eq!(subject.events(0, 1)[0]["message"], "first");
    let events = subject.events_after("fields: {message: [why]}\n", line, 1, 1);
    assert_eq!(events[0]["message"], "second");
}
