//! What events there are, and what they say, changes under a running process.

use crate::{Subject, errors};

pub fn include_record() {
    let mut subject = Subject::with_events("");
    subject.feed("Ecs.0114 a\n");
    assert!(subject.events(0, 1)[0]["record"].is_null());
    let events = subject.events_after("events:\n  include_record: true\n", "Ecs.0114 b\n", 1, 1);
    assert_eq!(events[0]["record"], "Ecs.0114 b");
}

pub fn events_max_record_bytes() {
    let mut subject = Subject::with_events("events:\n  include_record: true\n");
    let settings = "events:\n  include_record: true\n  max_record_bytes: 8\n";
    assert_eq!(subject.events_after(settings, "Ecs.0114 b\n", 0, 1)[0]["record"], "Ecs.0114");
}

/// Two services, two categories, two levels.
const MIXED: &str = "Ecs.0114 level=error\nCCE.02429001 level=warn\n";

#[track_caller]
fn only(filter: &str) {
    let mut subject = Subject::with_events("");
    subject.feed(MIXED);
    assert_eq!(subject.events(0, 2).len(), 2);
    let events = subject.events_after(&format!("events:\n  only: {{{filter}}}\n"), MIXED, 2, 1);
    assert_eq!(events[0]["code"], "CCE.02429001");
    assert_eq!(errors(&subject.daemon.scrape(), &[]), 4.0, "counts are not selected");
}

pub fn only_category() {
    only("category: [throttling]");
}

pub fn only_api_service() {
    only("api_service: [CCE]");
}

pub fn only_code() {
    only("code: [CCE.02429001]");
}

pub fn only_level() {
    only("level: [warn]");
}
