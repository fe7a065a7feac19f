//! What events say of lines as many programs write them: rows with what a careful reader takes from each.
//!
//! A row of `tests/reading/*.jsonl` is a `line` (or `lines` that are one event), its `form`, the `cloud`, and what is
//! `expect`ed: code, http_status, message, level, request_id, trace_id, time of each event. An entry of its `alt` has
//! other right values (`"*"`: anything is right); null is no value, but a known code may have its status and message
//! from the catalog, and a time is not compared. Codes in the row's own `alt` may be there or not.
//! Messages are compared with blanks made one and without a full stop at the end, times to a millisecond.

mod support;

use serde_json::Value;
use support::{errtally, finish_with};

const FIELDS: [&str; 6] = ["http_status", "message", "level", "request_id", "trace_id", "time"];

/// A byte that is no UTF-8, as it stands in a row, and for as long as the row is JSON.
const ODD_BYTE: (&str, &str, u8) = ("\\udce4", "\u{e0e4}", 0xe4);

struct Row {
    form: String,
    cloud: String,
    lines: Vec<Vec<u8>>,
    row: Value,
}

fn rows(file: &str) -> Vec<Row> {
    let path = support::root().join("tests/reading").join(file);
    let text = std::fs::read_to_string(path).expect("the rows").replace(ODD_BYTE.0, ODD_BYTE.1);
    let bytes = |text: &Value| {
        let text = text.as_str().expect("a line");
        let mut bytes = Vec::new();
        for (i, piece) in text.split(ODD_BYTE.1).enumerate() {
            bytes.extend((i > 0).then_some(ODD_BYTE.2));
            bytes.extend_from_slice(piece.as_bytes());
        }
        bytes
    };
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("a row is JSON");
        let lines = match &row["lines"] {
            Value::Array(lines) => lines.iter().map(bytes).collect(),
            _ => vec![bytes(&row["line"])],
        };
        let text = |key: &str| row[key].as_str().expect("text").to_owned();
        Row { form: text("form"), cloud: text("cloud"), lines, row }
    };
    text.lines().map(row).collect()
}

/// The events of `lines`, each with the offset of its record.
fn events(lines: &[&[u8]]) -> Vec<(u64, Value)> {
    let mut input = Vec::new();
    for line in lines {
        input.extend_from_slice(line);
        input.push(b'\n');
    }
    let mut command = errtally();
    command.args(["run", "--events", "stdout", "--listen", "127.0.0.1:0", "--log-level", "error"]);
    let out = finish_with(&mut command, &input).ok();
    let event = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("an event is JSON");
        (event["source"]["offset"].as_u64().expect("an offset"), event)
    };
    out.lines().map(event).collect()
}

fn message(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.trim_end_matches(['.', '。']).trim_end().to_owned()
}

fn same(field: &str, wanted: &Value, found: &Value) -> bool {
    match (wanted.as_str(), found.as_str()) {
        (Some(wanted), Some(found)) if field == "message" => message(wanted) == message(found),
        (Some(wanted), Some(found)) if field == "time" => {
            let moment = |text: &str| text.parse::<jiff::Timestamp>().expect("a time").as_millisecond();
            (moment(wanted) - moment(found)).abs() <= 1
        }
        _ => wanted == found,
    }
}

/// What is wrong with `event`, which has the code of `item`.
fn faults(item: &Value, event: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for field in FIELDS {
        let others = item["alt"].as_array().into_iter().flatten().filter_map(|alt| alt.get(field));
        let wanted: Vec<&Value> = item.get(field).into_iter().chain(others).collect();
        let found = event.get(field).unwrap_or(&Value::Null);
        let open = wanted.iter().any(|w| **w == "*")
            || field == "time" && wanted.iter().any(|w| w.is_null())
            || ["http_status", "message"].contains(&field)
                && event["known"] == true
                && wanted.iter().any(|w| w.is_null());
        if !(wanted.is_empty() || open || wanted.iter().any(|w| same(field, w, found))) {
            faults.push(format!("{} {field}: {found} instead of {wanted:?}", item["code"]));
        }
    }
    faults
}

fn codes_of(item: &Value) -> Vec<String> {
    let others = item["alt"].as_array().into_iter().flatten().filter_map(|alt| alt["code"].as_str());
    item["code"].as_str().into_iter().chain(others).map(str::to_lowercase).collect()
}

/// What is wrong with the events of a row.
fn judge(row: &Value, events: &[Value]) -> Vec<String> {
    let mut left: Vec<&Value> = events.iter().collect();
    let mut wrong = Vec::new();
    let code = |event: &Value| event["code"].as_str().unwrap_or_default().to_lowercase();
    for item in row["expect"].as_array().expect("a list") {
        let codes = codes_of(item);
        let mine = left.iter().enumerate().filter(|(_, e)| codes.contains(&code(e)));
        match mine.map(|(i, event)| (faults(item, event), i)).min_by_key(|(faults, _)| faults.len()) {
            Some((faults, i)) => {
                left.remove(i);
                wrong.extend(faults);
            }
            None => wrong.push(format!("{} is missed", item["code"])),
        }
    }
    let may = |event: &Value| {
        row["alt"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|alt| alt.as_str().is_some_and(|c| c.to_lowercase() == code(event)))
    };
    wrong.extend(left.iter().filter(|e| !may(e)).map(|e| format!("{} is false", e["code"])));
    wrong
}

/// How many of `rows` are wholly right, and what is wrong with the others.
fn score(rows: &[&Row]) -> (usize, Vec<String>) {
    let (single, several): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.lines.len() == 1);
    let mut results: Vec<(&Row, Vec<Value>)> = Vec::new();
    let lines: Vec<&[u8]> = single.iter().map(|row| &row.lines[0][..]).collect();
    let found = events(&lines);
    let mut start = 0;
    for row in single {
        let end = start + row.lines[0].len() as u64 + 1;
        let mine = found.iter().filter(|(at, _)| (start..end).contains(at));
        results.push((row, mine.map(|(_, event)| event.clone()).collect()));
        start = end;
    }
    for row in several {
        let lines: Vec<&[u8]> = row.lines.iter().map(|line| &line[..]).collect();
        results.push((row, events(&lines).into_iter().map(|(_, event)| event).collect()));
    }
    let mut right = 0;
    let mut notes = Vec::new();
    for (row, events) in results {
        let wrong = judge(&row.row, &events);
        if wrong.is_empty() {
            right += 1;
        } else {
            let lines: Vec<_> = row.lines.iter().map(|l| String::from_utf8_lossy(l)).collect();
            notes.push(format!("{}\n  | {}\n  {}", row.form, lines.join("\n  | "), wrong.join("\n  ")));
        }
    }
    (right, notes)
}

/// Of a file's rows of this family of clouds, and of lines without a code, so many must be right.
fn holds(file: &str, least: f64) {
    let all = rows(file);
    let ours: Vec<&Row> = all.iter().filter(|row| ["huawei", "none"].contains(&&*row.cloud)).collect();
    let (right, notes) = score(&ours);
    println!("{file}: {right} of {} rows are wholly right\n{}", ours.len(), notes.join("\n"));
    let share = right as f64 / ours.len() as f64;
    assert!(share >= least, "{right} of {} rows\n{}", ours.len(), notes.join("\n"));
}

#[test]
fn lines_in_many_forms_are_read_as_by_a_careful_reader() {
    holds("forms.jsonl", 1.0);
}

#[test]
fn lines_of_many_programs_are_read_as_by_a_careful_reader() {
    holds("programs.jsonl", 1.0);
}

#[test]
fn lines_of_tools_services_and_pipelines_are_read_as_by_a_careful_reader() {
    holds("careful.jsonl", 1.0);
}

#[test]
fn lines_of_clients_clusters_and_proxies_are_read_as_by_a_careful_reader() {
    holds("mixed.jsonl", 1.0);
}

/// Forms that most logs never have; not all of them are read.
#[test]
fn most_unusual_lines_are_read_as_by_a_careful_reader() {
    holds("unusual.jsonl", 0.85);
}

/// What `explain` tells of the hits of each of `lines`: by name, what it shows.
fn explained(lines: &[&[u8]]) -> Vec<Vec<Vec<(String, String)>>> {
    let mut command = errtally();
    command.args(["explain", "--join-lines", "off", "--line", "-"]);
    let out = finish_with(&mut command, &lines.join(&b'\n')).ok();
    let mut all = vec![Vec::new()];
    let mut of_record = false;
    for line in out.lines() {
        let hits: &mut Vec<Vec<(String, String)>> = all.last_mut().expect("one");
        if let Some((name, rest)) = line.strip_prefix("    ").and_then(|line| line.split_once(' ')) {
            let value = rest.trim_start().split("  ").next().unwrap_or_default();
            let field = (name.to_owned(), value.to_owned());
            match hits.last_mut() {
                _ if !FIELDS.contains(&name) => {}
                Some(_) if of_record => hits.iter_mut().for_each(|hit| hit.push(field.clone())),
                Some(hit) => hit.push(field),
                None => {}
            }
        } else if line.starts_with("+ ") {
            hits.push(Vec::new());
        } else if line == "the record itself" {
            of_record = true;
        } else if line == "no hit" || line.split(' ').nth(1).is_some_and(|w| w.starts_with("hit")) {
            // What stands there again has nothing of its own.
            hits.retain(|hit| hit.iter().any(|(name, _)| name == "message"));
            of_record = false;
            all.push(Vec::new());
        }
    }
    all.pop();
    all
}

#[test]
fn what_only_goes_on_behind_a_code_is_no_message() {
    for line in [
        "ERROR: Ecs.0114 got 404 instead of that",
        "failed: Ecs.0114 while starting the server",
        "failed with Ecs.0114 no such thing here",
        "error: Ecs.0114 instance i-7",
        "Ecs.0114 Ecs.0043",
    ] {
        let found = events(&[line.as_bytes()]);
        assert_eq!(found[0].1["message"], "Instance[…] could not be found.", "{line}");
    }
    let found = events(&[b"ERROR: Ecs.0114 the server was deleted long ago"]);
    assert_eq!(found[0].1["message"], "the server was deleted long ago");
}

#[test]
fn messages_that_the_journal_has_as_bytes_are_read() {
    let bytes = |text: &str| text.bytes().map(|b| b.to_string()).collect::<Vec<_>>().join(",");
    let entry = |message: &str| {
        format!(r#"{{"PRIORITY":"3","__REALTIME_TIMESTAMP":"1767323045000000","MESSAGE":{message}}}"#)
    };
    let coloured = entry(&format!("[{}]", bytes("\x1b[31mfailed\x1b[0m Ecs.0114")));
    let odd = entry(&format!("[228,32,{}]", bytes("CSS.0015: no disk is left")));
    let plain = entry(r#""failed Ecs.0043""#);
    let lines = [coloured.as_bytes(), odd.as_bytes(), plain.as_bytes()];
    let found = events(&lines);
    let codes: Vec<_> = found.iter().map(|(_, e)| e["code"].as_str().expect("a code")).collect();
    assert_eq!(codes, ["Ecs.0114", "CSS.0015", "Ecs.0043"]);
    let second = (coloured.len() + 1) as u64;
    assert_eq!(found[1].0, second, "the offset is that of the line");
    for (_, event) in &found {
        assert_eq!(
            (&event["level"], &event["time"]),
            (&"error".into(), &"2026-01-02T03:04:05Z".into()),
            "{event}"
        );
    }
    assert_eq!(found[1].1["message"], "no disk is left");
    let mut command = errtally();
    let told = finish_with(command.args(["explain", "--line", "-"]), coloured.as_bytes()).ok();
    assert!(told.ends_with("1 hit: Ecs.0114\n"), "{told}");
}

#[test]
fn explain_tells_what_events_have() {
    // Messages in bytes are read where lines are joined, which is off here.
    let in_bytes = |line: &[u8]| memchr::memmem::find(line, b"\"MESSAGE\":[").is_some();
    for file in ["forms.jsonl", "programs.jsonl", "careful.jsonl", "mixed.jsonl"] {
        let all = rows(file);
        let whole = all.iter().filter(|row| row.lines.len() == 1 && !row.lines[0].contains(&b'\n'));
        let whole = whole.filter(|row| !in_bytes(&row.lines[0]));
        let lines: Vec<&[u8]> = whole.map(|row| &row.lines[0][..]).collect();
        let mut events = events(&lines).into_iter().peekable();
        let mut start = 0;
        let explained = explained(&lines);
        assert_eq!(explained.len(), lines.len());
        for (line, hits) in lines.iter().zip(explained) {
            let end = start + line.len() as u64 + 1;
            for hit in &hits {
                let (_, event) = events.next_if(|(at, _)| *at < end).expect("an event");
                for (name, value) in hit {
                    let mut expected = match &event[name] {
                        Value::Null => "none".to_owned(),
                        Value::String(text) => text.replace(|c: char| c.is_control(), " "),
                        other => other.to_string(),
                    };
                    // Without a time of its own, an event has that of its arrival.
                    if name == "time" && value == "none" {
                        continue;
                    }
                    let value = value.trim_end_matches('…');
                    expected.truncate(expected.find("  ").unwrap_or(expected.len()));
                    let at = String::from_utf8_lossy(line);
                    assert!(expected.starts_with(value.trim_end()), "{name}: {value}, not {expected}\n{at}");
                }
                assert_eq!(hit.len(), FIELDS.len(), "{hit:?}");
            }
            assert!(events.peek().is_none_or(|(at, _)| *at >= end), "{}", String::from_utf8_lossy(line));
            start = end;
        }
    }
}

#[test]
fn the_scorer_sees_what_is_wrong() {
    let row = |line: &str, expect: Value| {
        let row = serde_json::json!({"expect": [expect]});
        Row { form: String::new(), cloud: "huawei".to_owned(), lines: vec![line.as_bytes().to_vec()], row }
    };
    let line = r#"{"level":"error","error_code":"CSS.9999","error_msg":"gone."}"#;
    let item = |code: &str, message: &str, level: &str| serde_json::json!({"code": code, "message": message, "level": level, "request_id": null});
    let wrong = |row: Row| score(&[&row]).1.len();
    assert_eq!(wrong(row(line, item("css.9999", "gone", "error"))), 0);
    assert_eq!(wrong(row(line, item("CSS.9998", "gone", "error"))), 1);
    assert_eq!(wrong(row(line, item("CSS.9999", "here", "error"))), 1);
    assert_eq!(wrong(row(line, item("CSS.9999", "gone", "warn"))), 1);
}
