//! The messages of OTLP's logs, as tables: what a field is called in JSON, its
//! number in protobuf, what it holds. From `opentelemetry/proto/*/v1/*.proto`.

use super::wire::{self, Broken, Value};

/// Most values that may stand in each other, and messages around them.
pub const MOST_NESTED: usize = 64;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A message of this form.
    Message(&'static Form),
    /// A text.
    Text,
    /// Bytes, in JSON as base64.
    Base64,
    /// Bytes, in JSON as hexadecimal digits.
    Hex,
    /// A number of eight bytes.
    Fixed64,
    /// A number of four bytes.
    Fixed32,
    /// A number with eight bytes for its fraction.
    Double,
    /// A number of variable length, with a sign or without.
    Number,
    /// Yes or no.
    Truth,
}

/// A field of a message.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// In JSON.
    pub name: &'static str,
    /// In protobuf.
    pub number: u32,
    /// Whether it may stand there often; in JSON it is an array then.
    pub repeated: bool,
    /// What it holds.
    pub kind: Kind,
}

/// A message: its fields.
#[derive(Debug)]
pub struct Form(pub &'static [Spec]);

const fn one(name: &'static str, number: u32, kind: Kind) -> Spec {
    Spec { name, number, repeated: false, kind }
}

const fn many(name: &'static str, number: u32, form: &'static Form) -> Spec {
    Spec { name, number, repeated: true, kind: Kind::Message(form) }
}

/// `ExportLogsServiceRequest`, and `LogsData`, which is the same.
pub static REQUEST: Form = Form(&[many("resourceLogs", 1, &RESOURCE_LOGS)]);

static RESOURCE_LOGS: Form = Form(&[
    one("resource", 1, Kind::Message(&RESOURCE)),
    many("scopeLogs", 2, &SCOPE_LOGS),
    one("schemaUrl", 3, Kind::Text),
]);

/// `Resource`.
pub static RESOURCE: Form =
    Form(&[many("attributes", 1, &KEY_VALUE), one("droppedAttributesCount", 2, Kind::Number)]);

static SCOPE_LOGS: Form = Form(&[
    one("scope", 1, Kind::Message(&SCOPE)),
    many("logRecords", 2, &LOG_RECORD),
    one("schemaUrl", 3, Kind::Text),
]);

/// `InstrumentationScope`.
pub static SCOPE: Form = Form(&[
    one("name", 1, Kind::Text),
    one("version", 2, Kind::Text),
    many("attributes", 3, &KEY_VALUE),
    one("droppedAttributesCount", 4, Kind::Number),
]);

/// `LogRecord`.
pub static LOG_RECORD: Form = Form(&[
    one("timeUnixNano", 1, Kind::Fixed64),
    one("severityNumber", 2, Kind::Number),
    one("severityText", 3, Kind::Text),
    one("body", 5, Kind::Message(&ANY_VALUE)),
    many("attributes", 6, &KEY_VALUE),
    one("droppedAttributesCount", 7, Kind::Number),
    one("flags", 8, Kind::Fixed32),
    one("traceId", 9, Kind::Hex),
    one("spanId", 10, Kind::Hex),
    one("observedTimeUnixNano", 11, Kind::Fixed64),
    one("eventName", 12, Kind::Text),
]);

static ANY_VALUE: Form = Form(&[
    one("stringValue", 1, Kind::Text),
    one("boolValue", 2, Kind::Truth),
    one("intValue", 3, Kind::Number),
    one("doubleValue", 4, Kind::Double),
    one("arrayValue", 5, Kind::Message(&ARRAY)),
    one("kvlistValue", 6, Kind::Message(&KEY_VALUES)),
    one("bytesValue", 7, Kind::Base64),
]);

static ARRAY: Form = Form(&[many("values", 1, &ANY_VALUE)]);

static KEY_VALUES: Form = Form(&[many("values", 1, &KEY_VALUE)]);

static KEY_VALUE: Form = Form(&[one("key", 1, Kind::Text), one("value", 2, Kind::Message(&ANY_VALUE))]);

impl Form {
    /// The field of this number.
    fn by_number(&self, number: u32) -> Option<&Spec> {
        self.0.iter().find(|spec| spec.number == number)
    }

    /// The field of this name, also as the `.proto` files spell it.
    pub fn by_name(&self, name: &str) -> Option<&'static Spec> {
        let same = |spec: &&Spec| {
            let mut letters = name.bytes();
            spec.name == name
                || spec.name.bytes().all(|letter| {
                    let fits = |l: u8| letters.by_ref().next() == Some(l);
                    if letter.is_ascii_uppercase() {
                        [b'_', letter.to_ascii_lowercase()].into_iter().all(fits)
                    } else {
                        [letter].into_iter().all(fits)
                    }
                }) && letters.next().is_none()
        };
        let specs: &'static [Spec] = self.0;
        specs.iter().find(same)
    }
}

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not of its form.
    Broken(Broken),
    /// More stands in each other in it than is read.
    TooDeep,
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Fault {
        Fault::Broken(broken)
    }
}

/// Looks through `message`: whether it is of this form, whatever is in it.
///
/// # Errors
/// The first fault. A broken part comes before one that is too deep.
pub fn check(message: &[u8], form: &Form, depth: usize) -> Result<(), Fault> {
    let mut deep = Ok(());
    for field in wire::fields(message) {
        let field = field?;
        let Some(spec) = form.by_number(field.number) else { continue };
        match (spec.kind, field.value) {
            (Kind::Message(inner), Value::Bytes(bytes)) => {
                if depth == 0 {
                    deep = Err(Fault::TooDeep);
                    continue;
                }
                match check(bytes, inner, depth - 1) {
                    Err(Fault::TooDeep) => deep = Err(Fault::TooDeep),
                    other => other?,
                }
            }
            (Kind::Text | Kind::Base64 | Kind::Hex, Value::Bytes(_))
            | (Kind::Fixed64 | Kind::Double, Value::Fixed64(_))
            | (Kind::Fixed32, Value::Fixed32(_))
            | (Kind::Number | Kind::Truth, Value::Varint(_)) => {}
            _ => return Err(Broken::Field(field.number).into()),
        }
    }
    deep
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_json_and_as_the_proto_files_spell_them() {
        let number = |name| LOG_RECORD.by_name(name).map(|spec| spec.number);
        for name in ["timeUnixNano", "time_unix_nano"] {
            assert_eq!(number(name), Some(1));
        }
        for name in ["observedTimeUnixNano", "observed_time_unix_nano"] {
            assert_eq!(number(name), Some(11));
        }
        for none in
            ["", "time", "time_unix_nan", "time_unix_nano_", "TimeUnixNano", "timeunixnano", "time_Unix_nano"]
        {
            assert_eq!(number(none), None, "{none}");
        }
    }

    /// A value in so many lists.
    fn nested(times: usize) -> Vec<u8> {
        let mut value = vec![0x0a, 1, b'x'];
        for _ in 0..times {
            let mut list = Vec::new();
            wire::put_bytes(1, &value, &mut list);
            value.clear();
            wire::put_bytes(5, &list, &mut value);
        }
        let mut record = Vec::new();
        wire::put_bytes(5, &value, &mut record);
        record
    }

    #[test]
    fn what_is_too_deep_is_told_from_what_is_broken() {
        assert_eq!(check(&nested(0), &LOG_RECORD, 1), Ok(()));
        assert_eq!(check(&nested(1), &LOG_RECORD, 2), Err(Fault::TooDeep));
        assert_eq!(check(&nested(31), &LOG_RECORD, MOST_NESTED), Ok(()));
        // As deep as a request has room for.
        let mut record = nested(50_000);
        assert_eq!(check(&record, &LOG_RECORD, MOST_NESTED), Err(Fault::TooDeep));
        record.push(0x0a);
        assert_eq!(check(&record, &LOG_RECORD, MOST_NESTED), Err(Fault::Broken(Broken::CutOff)));
        // A time of four bytes.
        assert_eq!(check(&[0x0d, 1, 2, 3, 4], &LOG_RECORD, 9), Err(Fault::Broken(Broken::Field(1))));
    }
}
