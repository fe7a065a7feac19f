//! A hit as an event: one JSON object on a line of its own.
//!
//! # Format
//!
//! `docs/event.schema.json` is the schema, held to what is written here by a
//! test. Always there: `time` (RFC 3339, of the record where it has one, else
//! of its message or its arrival), `code`, `api_service`, `category`,
//! `http_status` (a number or null), `retryable` (true, false, or null where
//! the code is unknown), `known`, `message` (the record's own, else the
//! catalog's, else null), `action` (or null), `labels` (an object), `source`
//! (`{"type": "stdin", "offset": byte of the record's start}`,
//! `{"type": "file", "file": path, "offset"}`, with `namespace`, `pod` and
//! `container` where Kubernetes has named the file, or `{"type": "kafka",
//! "topic", "partition", "offset"}`). Where they are known: `level`,
//! `trace_id`, `request_id`; where it is so: `late`, `oversized`; where it is
//! asked for: `record`, with `record_truncated` when it was cut.
//!
//! No member is longer than is stated here, and the events of one record carry
//! together no more of it than [`MAX_RECORD_EVENT_BYTES`]: those after that
//! have nothing of the record but the code, and `abridged`. So a record makes
//! at most so much, and some hundred bytes for each of its codes.

mod filter;
mod position;
mod row;

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::io::Write as _;

pub use self::filter::{EventFilter, EventPlan};
pub use self::position::{MAX_PATH_BYTES, Position};
use self::row::RowText;
use crate::catalog::{Catalog, Category, RowId, status_text};
use crate::fields::time::{Moment, Second};
use crate::fields::{Said, Source};
use crate::labels;

/// Longest part of a record that an event may carry: an escaped byte takes
/// six, and Kafka's limit of a message is 1,000,000 bytes.
pub const MAX_EVENT_RECORD_BYTES: usize = 128 << 10;

/// Bytes of `message` and `action`.
pub const MAX_MESSAGE_BYTES: usize = 4096;

/// Bytes of `trace_id` and of `request_id`.
pub const MAX_ID_BYTES: usize = 256;

/// Bytes of `level`.
pub const MAX_LEVEL_BYTES: usize = 64;

/// Bytes of the events of one record after which the others are abridged.
pub const MAX_RECORD_EVENT_BYTES: usize = 1 << 20;

// An escaped byte takes six. With all members as long as they may be, and as
// many labels as there may be, an event is one that Kafka takes by default.
const _: () = assert!(
    6 * (MAX_EVENT_RECORD_BYTES
        + 2 * MAX_MESSAGE_BYTES
        + MAX_PATH_BYTES
        + 5 * MAX_ID_BYTES
        + MAX_LEVEL_BYTES)
        < 1_000_000 - 100_000
);

/// What the hits of a record have in common.
pub struct Record<'r> {
    /// When it was made, or else came.
    pub time: Moment,
    /// Its level.
    pub level: Option<&'r str>,
    /// Its trace.
    pub trace_id: Option<&'r str>,
    /// Its request.
    pub request_id: Option<&'r str>,
    /// Whether it is late.
    pub late: bool,
    /// Where it stands.
    pub position: Position<'r>,
    /// The record; none where it was too long to be held.
    pub bytes: Option<&'r [u8]>,
    /// Bytes of its events so far.
    pub written: Cell<usize>,
}

impl Record<'_> {
    /// Whether its events have carried all that they may.
    fn is_spent(&self) -> bool {
        self.written.get() >= MAX_RECORD_EVENT_BYTES
    }
}

/// A code that the catalog does not have.
#[derive(Clone, Copy, Debug)]
pub struct UnknownCode<'u> {
    /// As it is reported.
    pub code: &'u str,
    /// Its service.
    pub api_service: &'u str,
    /// Inferred, or unknown.
    pub category: Category,
    /// What its record, or its own digits, say.
    pub http_status: Option<u16>,
}

/// The message of a hit as its record has it.
#[derive(Clone, Copy, Debug)]
pub enum Message<'m> {
    /// What stands near the code.
    Said(Said<'m>),
    /// The catalog's, with the values that stand in the record.
    Filled(&'m [u8]),
}

impl<'m> Message<'m> {
    /// Its text.
    #[inline]
    pub fn into_text(self) -> Cow<'m, str> {
        match self {
            Message::Said(said) => Cow::Borrowed(said.text),
            Message::Filled(text) => String::from_utf8_lossy(text),
        }
    }
}

/// What a record says of a hit of a known code.
#[derive(Clone, Copy, Debug)]
pub struct KnownHit<'r> {
    /// The row that is meant.
    pub row: RowId,
    /// The status of the failed call, which goes before the documented one.
    pub stated: Option<u16>,
    /// The record's own message for it.
    pub message: Option<Said<'r>>,
    /// Around it the catalog's message is looked for, with the values that stand there, where the
    /// record has none of its own.
    pub place: Option<usize>,
}

/// Writes events of one catalog.
#[derive(Debug)]
pub struct Writer {
    plan: EventPlan,
    /// The names of labels as members, `,"app":`.
    labels: Vec<Box<[u8]>>,
    /// Made when a row is first hit: most never are.
    rows: Vec<OnceCell<Box<RowText>>>,
    /// Of the last event.
    second: Cell<Second>,
}

impl Writer {
    /// For the rows of `catalog`.
    pub fn new(plan: &EventPlan, catalog: &Catalog) -> Writer {
        // Names of labels need no escape.
        let labels = plan.labels.iter().map(|name| format!(",\"{name}\":").into_bytes().into());
        let rows = vec![OnceCell::new(); catalog.rows().len()];
        Writer { plan: plan.clone(), labels: labels.collect(), rows, second: Cell::default() }
    }

    /// Whether hits in records of this level are events.
    pub fn wants_level(&self, level: Option<&str>) -> bool {
        let only = &self.plan.only.level;
        only.is_empty() || only.iter().any(|wanted| wanted == level.unwrap_or("none"))
    }

    /// Of `row` of `catalog`, which is the one that this writer was made for.
    fn text(&self, catalog: &Catalog, row: RowId) -> &RowText {
        self.rows[row.0 as usize].get_or_init(|| Box::new(RowText::new(&self.plan, catalog, row)))
    }

    /// Whether hits of `row` of its catalog are events.
    pub fn wants_row(&self, catalog: &Catalog, row: RowId) -> bool {
        self.text(catalog, row).selected
    }

    /// Whether hits of an unknown code are events.
    pub fn wants_unknown(&self, unknown: UnknownCode<'_>) -> bool {
        self.plan.only.selects(unknown.code, unknown.api_service, unknown.category)
    }

    /// Writes the event of a hit of a row of its catalog.
    pub fn known<'l>(
        &self,
        catalog: &Catalog,
        hit: KnownHit<'_>,
        record: &Record<'_>,
        labels: impl Iterator<Item = &'l str>,
        out: &mut Vec<u8>,
    ) {
        let KnownHit { row, stated, message, place } = hit;
        let text = self.text(catalog, row);
        let start = out.len();
        self.begin(record.time, out);
        match stated {
            None => out.extend_from_slice(&text.head),
            Some(status) => {
                out.extend_from_slice(&text.head[..text.status.start]);
                out.extend_from_slice(status_text(status).as_bytes());
                out.extend_from_slice(&text.head[text.status.end..]);
            }
        }
        out.extend_from_slice(b",\"message\":");
        let message = self.message(catalog, row, message, place, record.bytes).map(Message::into_text);
        match message.filter(|_| !record.is_spent()) {
            Some(message) => write_string(&cut(&message, MAX_MESSAGE_BYTES), out),
            None => out.extend_from_slice(&text.message),
        }
        out.extend_from_slice(b",\"action\":");
        out.extend_from_slice(&text.action);
        self.rest(record, labels, start, out);
    }

    /// The message of a hit of `row` in a record, where the record has one.
    #[inline]
    pub fn message<'m>(
        &self,
        catalog: &Catalog,
        row: RowId,
        said: Option<Said<'m>>,
        place: Option<usize>,
        record: Option<&'m [u8]>,
    ) -> Option<Message<'m>> {
        let from = |least: Source| said.filter(|said| said.source == least).map(Message::Said);
        // The catalog knows better than a line what the message is.
        let filled = || {
            let template = self.text(catalog, row).template.as_ref()?;
            template.find(record?, place?).map(Message::Filled)
        };
        from(Source::Key).or_else(filled).or_else(|| from(Source::Prose))
    }

    /// Writes the event of a hit of an unknown code.
    pub fn unknown<'l>(
        &self,
        unknown: UnknownCode<'_>,
        message: Option<&str>,
        record: &Record<'_>,
        labels: impl Iterator<Item = &'l str>,
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        self.begin(record.time, out);
        let UnknownCode { code, api_service, category, http_status } = unknown;
        let mut buffer = itoa::Buffer::new();
        let status = http_status.map_or("null", |status| buffer.format(status));
        out.extend_from_slice(&head(code, api_service, category, status, "null", false).0);
        out.extend_from_slice(b",\"message\":");
        match message.filter(|_| !record.is_spent()) {
            Some(message) => write_string(&cut(message, MAX_MESSAGE_BYTES), out),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"action\":null");
        self.rest(record, labels, start, out);
    }

    fn begin(&self, time: Moment, out: &mut Vec<u8>) {
        // More than most events take: one look at the room, not one for each part.
        out.reserve(1024);
        out.extend_from_slice(b"{\"time\":\"");
        let mut second = self.second.get();
        time.write_with(&mut second, out);
        self.second.set(second);
        out.extend_from_slice(b"\",");
    }

    /// Writes what stands behind `action` in an event that begins at `start`.
    fn rest<'l>(
        &self,
        record: &Record<'_>,
        labels: impl Iterator<Item = &'l str>,
        start: usize,
        out: &mut Vec<u8>,
    ) {
        let spent = record.is_spent();
        if !spent {
            ids(record, out);
        }
        if record.late {
            out.extend_from_slice(b",\"late\":true");
        }
        out.extend_from_slice(b",\"labels\":{");
        let mut first = true;
        let present = self.labels.iter().zip(labels).filter(|(_, value)| !value.is_empty() && !spent);
        for (name, value) in present {
            // With the comma before it, but for the first.
            out.extend_from_slice(&name[usize::from(first)..]);
            first = false;
            write_string(labels::cut(value), out);
        }
        out.extend_from_slice(b"},\"source\":");
        record.position.write(out);
        match record.bytes {
            None => out.extend_from_slice(b",\"oversized\":true"),
            Some(bytes) => {
                if let Some(most) = self.plan.record_bytes.filter(|_| !spent) {
                    let shown = &bytes[..bytes.len().min(most)];
                    out.extend_from_slice(b",\"record\":");
                    write_string(&String::from_utf8_lossy(shown), out);
                    if shown.len() < bytes.len() {
                        out.extend_from_slice(b",\"record_truncated\":true");
                    }
                }
            }
        }
        if spent {
            out.extend_from_slice(b",\"abridged\":true");
        }
        out.extend_from_slice(b"}\n");
        record.written.set(record.written.get() + (out.len() - start));
    }
}

/// Writes what a record says of itself.
fn ids(record: &Record<'_>, out: &mut Vec<u8>) {
    let texts: [(&[u8], _, _); 3] = [
        (b",\"level\":", record.level, MAX_LEVEL_BYTES),
        (b",\"trace_id\":", record.trace_id, MAX_ID_BYTES),
        (b",\"request_id\":", record.request_id, MAX_ID_BYTES),
    ];
    for (name, text, most) in texts {
        if let Some(text) = text {
            out.extend_from_slice(name);
            write_string(&cut(text, most), out);
        }
    }
}

/// The members up to `"known"`, and where the status is in them.
fn head(
    code: &str,
    service: &str,
    category: Category,
    status: &str,
    retryable: &str,
    known: bool,
) -> (Box<[u8]>, std::ops::Range<usize>) {
    let mut out = b"\"code\":".to_vec();
    write_string(code, &mut out);
    out.extend_from_slice(b",\"api_service\":");
    write_string(service, &mut out);
    let _ = write!(out, ",\"category\":\"{category}\",\"http_status\":");
    let start = out.len();
    out.extend_from_slice(status.as_bytes());
    let status = start..out.len();
    let _ = write!(out, ",\"retryable\":{retryable},\"known\":{known}");
    (out.into(), status)
}

fn quoted(text: &str) -> Box<[u8]> {
    let mut out = Vec::new();
    write_string(text, &mut out);
    out.into()
}

/// At most `most` bytes of `text`, which is at least three; where that is not
/// all, `…` is the last character.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    const MARK: &str = "…";
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let mut end = most.saturating_sub(MARK.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned([&text[..end], MARK].concat())
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    if is_plain(text.as_bytes()) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Strings have no way to fail, nor has memory.
        let _ = serde_json::to_writer(out, text);
    }
}

/// Whether JSON has `text` as it is: no quote, no backslash, nothing below
/// 0x20. Eight bytes at a time, since most texts are plain.
fn is_plain(text: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let (words, rest) = text.as_chunks();
    let odd = words.iter().fold(0, |odd, &word| {
        let word = u64::from_le_bytes(word);
        // The top bit of a byte, where it is below `n`; also of some above 0x7f.
        let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word;
        let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        odd | below(word, 0x20) | equal(b'"') | equal(b'\\')
    });
    odd & TOPS == 0 && rest.iter().all(|&byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_strings_as_serde_json_does() {
        for length in 0..20 {
            for at in 0..length {
                for byte in 0..=0x7f_u8 {
                    let mut text = "a".repeat(length).into_bytes();
                    text[at] = byte;
                    let text = String::from_utf8(text).expect("ASCII");
                    let plain = !matches!(byte, 0..0x20 | b'"' | b'\\');
                    assert_eq!(is_plain(text.as_bytes()), plain, "{text:?}");
                    assert_eq!(quoted(&text)[..], serde_json::to_vec(&text).expect("a string"));
                }
            }
        }
        assert_eq!(&*quoted("Fehler：é"), "\"Fehler：é\"".as_bytes());
    }
}
