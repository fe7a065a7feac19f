//! What an event says went wrong: the record's own words, with the values that stand there.

use serde_json::Value;

use crate::event;
use crate::support::{errtally, finish_with};

fn messages(lines: &[&str]) -> Vec<Value> {
    let input: String = lines.iter().map(|l| format!("{l}\n")).collect();
    let ended = finish_with(
        errtally().args(["run", "--listen", "127.0.0.1:0", "--events", "stdout"]),
        input.as_bytes(),
    );
    event::parse(ended.ok().as_bytes()).iter().map(|e| e["message"].clone()).collect()
}

#[test]
fn a_message_has_the_values_of_its_line_and_no_placeholder() {
    let lines = [
        "2026-11-03 08:00:00 ERROR Ecs.0114: Instance[i-7] could not be found. (req 1)",
        r#"{"code":"Ecs.0114","log":"Instance[i-8] could not be found."}"#,
        r#"{"code":"Ecs.0114","error_msg":"a message of its own, not Instance[i-9] could not be found."}"#,
        "Ecs.0114",
        &format!("Ecs.0114 Instance[ in one place, {} and far away it could not be found", "-".repeat(300)),
    ];
    let wanted = [
        "Instance[i-7] could not be found.",
        "Instance[i-8] could not be found.",
        "a message of its own, not Instance[i-9] could not be found.",
        "Instance[…] could not be found.",
        "Instance[…] could not be found.",
    ];
    assert_eq!(messages(&lines), wanted.map(Value::from));
}
