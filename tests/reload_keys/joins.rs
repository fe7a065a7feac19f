//! How lines become records changes under a running process.

use crate::Subject;

/// Feeds lines that become `count` records.
#[track_caller]
fn joined(subject: &mut Subject, lines: &str, count: u64) {
    subject.daemon.write(lines);
    subject.records += count;
    subject.daemon.wait_for_records(subject.records);
    // An end that nothing continues, so that nothing waits.
    subject.feed("\n");
}

const TRACE: &str = "ERROR the call failed: Ecs.0114\n    at org.example.Client.call(Client.java:7)\n";

pub fn join_lines() {
    let mut subject = Subject::new("");
    joined(&mut subject, TRACE, 1);
    subject.reload("join: {lines: off}\n");
    joined(&mut subject, TRACE, 2);
    subject.reload("");
    joined(&mut subject, TRACE, 1);
}

pub fn join_start() {
    let mut subject = Subject::new("");
    let lines = "> Ecs.0114\nand this\nand that\n> next\n";
    joined(&mut subject, lines, 4);
    subject.reload("join: {start: '^>'}\n");
    subject.daemon.write(lines);
    subject.records += 2;
    subject.daemon.wait_for_records(subject.records);
}

pub fn join_continuation() {
    let mut subject = Subject::new("");
    let lines = "Ecs.0114\n+ this\n+ that\n";
    joined(&mut subject, lines, 3);
    subject.reload("join: {continuation: '^[+] '}\n");
    joined(&mut subject, lines, 1);
}

pub fn join_wait() {
    let mut subject = Subject::new("join: {wait: 1m}\n");
    subject.daemon.write("Ecs.0114\n");
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(subject.daemon.scrape().sum("errtally_records_total", &[]), 0.0, "it waits for more");
    subject.reload("join: {wait: 10ms}\n");
    // Both.
    subject.records += 1;
    subject.feed("Ecs.0114\n");
}
