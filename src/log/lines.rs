//! What a log line looks like, for people and as JSON.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Event, Level, Metadata};

use super::queue::Queue;
use errtally_core::event;
use errtally_core::fields::time::Moment;

/// Bytes of a message or of a field; what is longer is cut.
const MAX_TEXT_BYTES: usize = 8 << 10;

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Time, level, message, fields as `name=value`.
    #[default]
    Text,
    /// One object a line: `time`, `level`, `message` and the fields.
    Json,
}

impl Format {
    /// As the settings name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
        }
    }
}

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) level: Level,
    pub(super) message: String,
    pub(super) fields: Vec<(&'static str, Value)>,
}

impl Line {
    pub(super) fn warning(message: String) -> Line {
        Line { level: Level::WARN, message, fields: Vec::new() }
    }

    /// The line with its newline, and no other in it.
    pub(super) fn write(&self, format: Format, colours: bool) -> Vec<u8> {
        let mut time = Vec::new();
        Moment::now().write_with(&mut Default::default(), &mut time);
        let time = String::from_utf8_lossy(&time);
        let mut text = match format {
            Format::Json => self.json(&time),
            Format::Text => self.text(&time, colours),
        };
        text.push('\n');
        text.into_bytes()
    }

    fn json(&self, time: &str) -> String {
        let level = self.level.as_str().to_ascii_lowercase();
        let message = Value::from(self.message.as_str());
        let mut text = format!("{{\"time\":\"{time}\",\"level\":\"{level}\",\"message\":{message}");
        for (name, value) in &self.fields {
            let _ = write!(text, ",{}:{value}", Value::from(*name));
        }
        text.push('}');
        text
    }

    fn text(&self, time: &str, colours: bool) -> String {
        let (dim, end) = if colours { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
        let colour = match self.level {
            _ if !colours => "",
            Level::ERROR => "\x1b[31m",
            Level::WARN => "\x1b[33m",
            Level::INFO => "\x1b[32m",
            Level::DEBUG => "\x1b[34m",
            Level::TRACE => "\x1b[35m",
        };
        let mut text = format!("{dim}{time}{end} {colour}{:>5}{end} ", self.level.as_str());
        push_plain(&mut text, &self.message);
        for (name, value) in &self.fields {
            // A text in quotes and with escapes, as JSON has it.
            let _ = write!(text, " {dim}{name}={end}{value}");
        }
        text
    }
}

/// Adds `text` without what would break a line or steer a terminal.
fn push_plain(out: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_control() && c != '\t' { out.extend(c.escape_default()) } else { out.push(c) }
    }
}

const LEVELS: [Level; 5] = [Level::INFO, Level::ERROR, Level::WARN, Level::DEBUG, Level::TRACE];

/// The least severe level that is logged, which a reload may change.
#[derive(Debug, Default)]
pub(super) struct AtomicLevel(AtomicUsize);

impl AtomicLevel {
    pub(super) fn set(&self, level: Level) {
        let at = LEVELS.iter().position(|l| *l == level).unwrap_or_default();
        self.0.store(at, Ordering::Relaxed);
    }

    fn get(&self) -> Level {
        LEVELS[self.0.load(Ordering::Relaxed)]
    }
}

/// Takes what the program logs.
pub(super) struct Subscriber {
    queue: std::sync::Arc<Queue>,
}

impl Subscriber {
    pub(super) fn new(queue: std::sync::Arc<Queue>) -> Subscriber {
        Subscriber { queue }
    }

    fn level(&self) -> Level {
        self.queue.counters.level.get()
    }
}

impl tracing::Subscriber for Subscriber {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.level()
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.level().into())
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line { level: *event.metadata().level(), message: String::new(), fields: Vec::new() };
        event.record(&mut line);
        self.queue.log(&line);
    }

    // There are no spans.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

impl Line {
    fn add(&mut self, field: &Field, mut value: Value) {
        if let Value::String(text) = &mut value
            && text.len() > MAX_TEXT_BYTES
        {
            *text = event::cut(text, MAX_TEXT_BYTES).into_owned();
        }
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("message", value) => self.message = value.to_string(),
            (name, value) => self.fields.push((name, value)),
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_is_in_it() {
        let line = Line {
            level: Level::ERROR,
            message: "first\nsecond \u{1b}[31mred\u{1b}[0m".to_owned(),
            fields: vec![("path", "a \"b\"\n".into()), ("count", 3.into())],
        };
        let text = String::from_utf8(line.write(Format::Text, false)).expect("text");
        assert!(
            text.ends_with(
                "Z ERROR first\\nsecond \\u{1b}[31mred\\u{1b}[0m path=\"a \\\"b\\\"\\n\" count=3\n"
            )
        );
        assert_eq!(text.matches('\n').count(), 1);
        let json = line.write(Format::Json, true);
        let json: Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(
            (&json["level"], &json["message"], &json["path"], &json["count"]),
            (&"error".into(), &line.message.as_str().into(), &"a \"b\"\n".into(), &3.into())
        );
        errtally_core::fields::time::parse(
            json["time"].as_str().expect("a text"),
            &errtally_core::fields::time::Zone::default(),
        )
        .expect("a time");
    }
}
