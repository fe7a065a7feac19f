//! Records with codes: objects that are wrapped and nested as shippers and loggers do it, and lines of text.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::json::Json;
use super::subject::{CODES, Envelope};

/// Times as they stand in records, with what they mean; nothing where they mean none.
pub const TIMES: [(&str, Option<&str>); 15] = [
    ("2019-11-03T08:00:05.120944812Z", Some("2019-11-03T08:00:05.120944Z")),
    ("2019-11-03T08:00:04Z", Some("2019-11-03T08:00:04Z")),
    ("2019-11-03T08:00:04.551872340Z", Some("2019-11-03T08:00:04.551872Z")),
    ("2019-11-03 08:00:00,004", Some("2019-11-03T08:00:00.004Z")),
    ("2019-11-03T08:00:00+01:00", Some("2019-11-03T07:00:00Z")),
    ("2019-11-03 08:00:00.5 -0330", Some("2019-11-03T11:30:00.5Z")),
    ("2999-02-28T23:59:60Z", Some("2999-02-28T23:59:59Z")),
    ("1572768004", Some("2019-11-03T08:00:04Z")),
    ("1572768004145", Some("2019-11-03T08:00:04.145Z")),
    ("1572768004145678", Some("2019-11-03T08:00:04.145678Z")),
    ("1572768004145678901", Some("2019-11-03T08:00:04.145678Z")),
    ("1572768004.25", Some("2019-11-03T08:00:04.25Z")),
    ("2019-13-03T08:00:04Z", None),
    ("12", None),
    ("yesterday", None),
];

/// What lines begin with, with its meaning as a time and as a level.
pub const STARTS: [(&str, Option<&str>, Option<&str>); 5] = [
    ("", None, None),
    ("2018-11-03T08:00:04.551872340Z stderr F ", Some("2018-11-03T08:00:04.551872Z"), None),
    ("2018-11-03 08:00:00,004 ERROR x - ", Some("2018-11-03T08:00:00.004Z"), Some("error")),
    ("[2018-11-03 08:00:04 +0200] ", Some("2018-11-03T06:00:04Z"), None),
    ("<164>1 2018-11-03T08:00:04Z host app 1 ID47 - ", Some("2018-11-03T08:00:04Z"), Some("warn")),
];

/// Keys of members and pairs: few, so that paths meet them in every way.
const KEYS: [&str; 22] = [
    "app",
    "team",
    "log",
    "message",
    "kubernetes",
    "labels",
    "labels.app",
    "app.kubernetes.io/name",
    "a",
    "b",
    "c",
    "a.b",
    "b.c",
    "a.b.c",
    "level",
    "severity",
    "time",
    "ts",
    "trace_id",
    "request_id",
    "error_msg",
    "msg",
];

/// A record, as it is made.
#[derive(Clone, Debug)]
pub struct Record {
    start: &'static str,
    content: Content,
    /// Whether members' keys begin with an escape, and blanks stand around.
    odd: bool,
}

#[derive(Clone, Debug)]
enum Content {
    Json(Json),
    /// As Docker writes it.
    Docker(Json),
    Text(String),
}

impl Record {
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = self.start.to_owned();
        match &self.content {
            Content::Json(json) => write(json, self.odd, &mut text),
            Content::Docker(json) => {
                let mut log = String::new();
                write(json, self.odd, &mut log);
                log.push('\n');
                let member = |key: &str, value: &str| (key.to_owned(), Json::Text(value.to_owned()));
                let time = member("time", "2019-11-03T08:00:05.120944812Z");
                let members = vec![member("log", &log), member("stream", "stdout"), time];
                let mut wrapped = String::new();
                write(&Json::Object(members), false, &mut wrapped);
                if self.odd {
                    // Which no writer of logs does.
                    wrapped.insert(1, '\t');
                }
                text.push_str(&wrapped);
            }
            Content::Text(line) => text.push_str(line),
        }
        text.into_bytes()
    }
}

fn write(json: &Json, odd: bool, out: &mut String) {
    let quoted = |text: &str| serde_json::to_string(text).expect("text");
    match json {
        Json::Null => out.push_str("null"),
        Json::Plain(text) => out.push_str(text),
        Json::Text(text) => out.push_str(&quoted(text)),
        Json::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                write(item, odd, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (i, (key, value)) in members.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                if odd {
                    let first = key.chars().next().expect("a letter") as u32;
                    out.push_str(&format!(" \"\\u{first:04x}{}\" : ", &key[1..]));
                } else {
                    out.push_str(&format!("{}:", quoted(key)));
                }
                write(value, odd, out);
            }
            out.push('}');
        }
    }
}

fn code() -> impl Strategy<Value = String> {
    select(&CODES[..]).prop_map(|code| format!("the call failed: {code} , again"))
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "v[0-9]{1,2}",
        1 => Just(String::new()),
        1 => select(&["WARNING", "err", "info", "critical", "audit", "50", "10"][..]).prop_map(str::to_owned),
        1 => "[é\"'\\\\ \n{}:,]{1,6}",
        3 => select(&TIMES[..]).prop_map(|(text, _)| text.to_owned()),
    ]
}

/// Text with pairs, quoted or not.
fn pairs() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        word().prop_map(|w| w.replace(['\n', ' '], "~")),
        word().prop_map(|w| format!(
            "\"{}\"",
            w.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
        )),
        Just("'x = 1 app=no'".to_owned()),
        Just("\"open".to_owned()),
        Just("b=c".to_owned()),
    ];
    let item = prop_oneof![
        6 => (select(&KEYS[..]), value).prop_map(|(key, value)| format!("{key}={value}")),
        2 => code(),
        1 => select(&["=", "= x", "(app=v1)", "?app=v2&team=v3", "{", "}", "x, app=v4;team=v5"][..])
            .prop_map(str::to_owned),
    ];
    vec(item, 1..6).prop_map(|items| items.join(" "))
}

fn leaf() -> impl Strategy<Value = Json> {
    prop_oneof![
        5 => word().prop_map(Json::Text),
        2 => code().prop_map(Json::Text),
        4 => select(&CODES[..]).prop_map(|code| Json::Text(code.to_owned())),
        3 => pairs().prop_map(Json::Text),
        2 => select(&["true", "false", "0", "-7", "42", "1.5", "18446744073709551615", "50", "1572768004"][..])
            .prop_map(|n| Json::Plain(n.to_owned())),
        1 => Just(Json::Null),
    ]
}

fn object_of(inner: impl Strategy<Value = Json>) -> impl Strategy<Value = Json> {
    let member = (select(&KEYS[..]), inner).prop_map(|(key, value)| (key.to_owned(), value));
    vec(member, 0..6).prop_map(Json::Object)
}

/// An object that stands as text.
fn as_text(object: Json) -> Json {
    let mut text = String::new();
    write(&object, false, &mut text);
    Json::Text(text)
}

/// Objects with objects and with texts that hold objects, two within each other at most: Docker adds one.
fn object() -> impl Strategy<Value = Json> {
    let flat = || object_of(leaf());
    let second = move || {
        object_of(prop_oneof![
            5 => leaf(),
            2 => flat(),
            2 => flat().prop_map(as_text),
            1 => vec(flat(), 0..3).prop_map(Json::List),
        ])
    };
    object_of(prop_oneof![
        5 => leaf(),
        3 => second(),
        3 => second().prop_map(as_text),
        1 => vec(second(), 0..3).prop_map(Json::List),
    ])
}

pub fn record() -> impl Strategy<Value = Record> {
    let content = prop_oneof![
        5 => object().prop_map(Content::Json),
        2 => object().prop_map(Content::Docker),
        1 => vec(object(), 0..3).prop_map(|objects| Content::Json(Json::List(objects))),
        3 => pairs().prop_map(|text| {
            // What begins like JSON and is none is read near its codes only.
            let start = if text.starts_with(['{', '[']) { "x " } else { "" };
            // So is what an open quote and the next one have between them.
            let text = if text.matches('"').count() > 1 { text.replace("\"open", "open") } else { text };
            Content::Text(start.to_owned() + &text.replace('\n', " "))
        }),
    ];
    let start = prop_oneof![2 => Just(""), 1 => select(&STARTS[..]).prop_map(|(start, ..)| start)];
    (start, content, any::<bool>()).prop_map(|(start, content, odd)| {
        // A list behind text is read near its codes only.
        let start = if matches!(content, Content::Json(Json::List(_))) { "" } else { start };
        Record { start, content, odd }
    })
}

pub fn envelope() -> impl Strategy<Value = Envelope> {
    let header = (select(&["app", "team", "x"][..]), "(h[0-9])?").prop_map(|(n, v)| (n.to_owned(), v));
    let timestamp = option::of(prop_oneof![Just(1_500_000_000_123i64), Just(i64::MAX), Just(-1)]);
    (option::of("(k[0-9])?"), vec(header, 0..4), timestamp).prop_map(|(key, headers, timestamp)| Envelope {
        key,
        headers,
        timestamp,
    })
}
