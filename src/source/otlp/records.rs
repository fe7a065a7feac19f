//! Log records of a request as records of errtally, each an object of JSON.
//!
//! What OTLP says of a log record stands under the names that OTLP's JSON has
//! for it; the attributes of record, scope and resource are objects.

use super::schema::{self, Fault, LOG_RECORD, MOST_NESTED, RESOURCE, SCOPE};
use super::wire::{self, Broken, Field, Fields, Value};
use crate::source::json;

/// What a request holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Log records.
    pub records: u64,
    /// Those of them that are nested too deep to be read.
    pub rejected: u64,
    /// Bytes of what is written again for each record, as it stands in the request: attributes of resource
    /// and scope.
    pub repeated: u64,
}

/// Looks through the whole of `request`, before anything of it is counted.
///
/// # Errors
/// When it is no such request.
pub fn look(request: &[u8]) -> Result<Content, Fault> {
    let mut content = Content::default();
    for logs in messages(request, 1) {
        let logs = logs?;
        let resource = last(logs, 1)?.unwrap_or(b"");
        schema::check(resource, &RESOURCE, MOST_NESTED)?;
        for scope_logs in messages(logs, 2) {
            let scope_logs = scope_logs?;
            let scope = last(scope_logs, 1)?.unwrap_or(b"");
            schema::check(scope, &SCOPE, MOST_NESTED)?;
            for record in messages(scope_logs, 2) {
                content.records += 1;
                content.repeated = content.repeated.saturating_add((resource.len() + scope.len()) as u64);
                match schema::check(record?, &LOG_RECORD, MOST_NESTED) {
                    Err(Fault::TooDeep) => content.rejected += 1,
                    other => other?,
                }
            }
        }
    }
    Ok(content)
}

/// The messages in the fields of this number.
fn messages(message: &[u8], number: u32) -> impl Iterator<Item = Result<&[u8], Broken>> {
    wire::fields(message).filter_map(move |field| match field {
        Ok(field) if field.number == number => Some(field.bytes()),
        Ok(_) => None,
        Err(broken) => Some(Err(broken)),
    })
}

/// The message in the last field of this number.
fn last(message: &[u8], number: u32) -> Result<Option<&[u8]>, Broken> {
    messages(message, number).try_fold(None, |_, found| found.map(Some))
}

/// The records of a request that was looked through, each an object of JSON.
#[derive(Debug)]
pub struct Records<'m> {
    resources: Fields<'m>,
    scopes: Fields<'m>,
    records: Fields<'m>,
    /// What every record of a resource ends with, and what every record of a scope has before that.
    resource: Vec<u8>,
    scope: Vec<u8>,
    /// Whether some are to be left out.
    some_rejected: bool,
}

impl<'m> Records<'m> {
    /// Those of `request`, which has this content.
    pub fn new(request: &'m [u8], content: Content) -> Records<'m> {
        let none = || wire::fields(&[]);
        Records {
            resources: wire::fields(request),
            scopes: none(),
            records: none(),
            resource: Vec::new(),
            scope: Vec::new(),
            some_rejected: content.rejected > 0,
        }
    }

    /// Writes records until `out` has `enough` bytes, and where each ends. Whether there may be more.
    ///
    /// # Errors
    /// When the request was not looked through before.
    pub fn write(&mut self, out: &mut Vec<u8>, ends: &mut Vec<usize>, enough: usize) -> Result<bool, Fault> {
        while out.len() < enough {
            let Some(record) = self.next_record()? else { return Ok(false) };
            if self.some_rejected && schema::check(record, &LOG_RECORD, MOST_NESTED).is_err() {
                continue;
            }
            log_record(record, out)?;
            out.extend_from_slice(&self.scope);
            out.extend_from_slice(&self.resource);
            out.push(b'}');
            ends.push(out.len());
        }
        Ok(true)
    }

    fn next_record(&mut self) -> Result<Option<&'m [u8]>, Broken> {
        loop {
            if let Some(record) = next(&mut self.records, 2)? {
                return Ok(Some(record));
            }
            if let Some(scope_logs) = next(&mut self.scopes, 2)? {
                self.records = wire::fields(scope_logs);
                self.scope.clear();
                if let Some(scope) = last(scope_logs, 1)? {
                    write_scope(scope, &mut self.scope)?;
                }
            } else if let Some(logs) = next(&mut self.resources, 1)? {
                self.scopes = wire::fields(logs);
                self.resource.clear();
                if let Some(resource) = last(logs, 1)? {
                    let mut members = Members::open(&mut self.resource, b",\"resource\":{");
                    members.attributes(resource, 1)?;
                    members.close();
                }
            } else {
                return Ok(None);
            }
        }
    }
}

/// The message in the next field of this number.
fn next<'m>(fields: &mut Fields<'m>, number: u32) -> Result<Option<&'m [u8]>, Broken> {
    for field in fields.by_ref() {
        let field = field?;
        if field.number == number {
            return field.bytes().map(Some);
        }
    }
    Ok(None)
}

/// Members of an object that disappears when it stays empty.
struct Members<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    first: usize,
}

impl<'o> Members<'o> {
    fn open(out: &'o mut Vec<u8>, head: &[u8]) -> Members<'o> {
        let start = out.len();
        out.extend_from_slice(head);
        Members { first: out.len(), start, out }
    }

    /// A member's name; its value comes next.
    fn name(&mut self, name: &[u8]) -> &mut Vec<u8> {
        if self.out.len() > self.first {
            self.out.push(b',');
        }
        json::string(name, self.out);
        self.out.push(b':');
        self.out
    }

    fn text(&mut self, name: &str, text: &[u8]) {
        if !text.is_empty() {
            json::string(text, self.name(name.as_bytes()));
        }
    }

    /// The pairs in the fields of this number as an object.
    fn attributes(&mut self, message: &[u8], number: u32) -> Result<(), Broken> {
        if messages(message, number).next().is_some() {
            pairs(message, number, self.name(b"attributes"))?;
        }
        Ok(())
    }

    fn close(self) {
        if self.out.len() == self.first {
            self.out.truncate(self.start);
        } else {
            self.out.push(b'}');
        }
    }
}

fn write_scope(scope: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
    let mut members = Members::open(out, b",\"scope\":{");
    for (number, name) in [(1, "name"), (2, "version")] {
        members.text(name, last(scope, number)?.unwrap_or(b""));
    }
    members.attributes(scope, 3)?;
    members.close();
    Ok(())
}

/// Writes a record without its scope, its resource and its end.
fn log_record(record: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
    let (mut time, mut observed, mut severity) = (0, 0, 0);
    let [mut severity_text, mut trace, mut span, mut event] = [&b""[..]; 4];
    let mut body = None;
    for field in wire::fields(record) {
        let field = field?;
        match field.number {
            1 => time = field.fixed64()?,
            2 => severity = field.varint()?,
            3 => severity_text = field.bytes()?,
            5 => body = Some(field.bytes()?),
            9 => trace = field.bytes()?,
            10 => span = field.bytes()?,
            11 => observed = field.fixed64()?,
            12 => event = field.bytes()?,
            _ => {}
        }
    }
    // A record whose time nobody knows has the one at which it was seen. The member is there in any
    // case: every other one follows a comma.
    let time = if time == 0 { observed } else { time };
    let mut members = Members::open(out, b"{");
    let name = members.name(b"timeUnixNano");
    name.push(b'"');
    json::integer(time, name);
    name.push(b'"');
    if severity != 0 {
        json::integer(severity as i32, members.name(b"severityNumber"));
    }
    members.text("severityText", severity_text);
    if let Some(body) = body {
        any_value(body, members.name(b"body"))?;
    }
    for (name, id) in [("traceId", trace), ("spanId", span)] {
        if !id.is_empty() {
            json::hex(id, members.name(name.as_bytes()));
        }
    }
    members.text("eventName", event);
    members.attributes(record, 6)
}

fn pairs(message: &[u8], number: u32, out: &mut Vec<u8>) -> Result<(), Broken> {
    out.push(b'{');
    for (at, pair) in messages(message, number).enumerate() {
        let pair = pair?;
        if at > 0 {
            out.push(b',');
        }
        json::string(last(pair, 1)?.unwrap_or(b""), out);
        out.push(b':');
        any_value(last(pair, 2)?.unwrap_or(b""), out)?;
    }
    out.push(b'}');
    Ok(())
}

fn any_value(value: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
    let known = |field: &Result<Field<'_>, Broken>| !matches!(field, Ok(f) if !(1..=7).contains(&f.number));
    let Some(field) = wire::fields(value).filter(known).last() else {
        out.extend_from_slice(b"null");
        return Ok(());
    };
    let field = field?;
    match (field.number, field.value) {
        (1, Value::Bytes(text)) => json::string(text, out),
        (2, Value::Varint(truth)) => {
            out.extend_from_slice(if truth == 0 { b"false" } else { b"true" });
        }
        (3, Value::Varint(number)) => json::integer(number as i64, out),
        (4, Value::Fixed64(bits)) => json::float(f64::from_bits(bits), out),
        (5, Value::Bytes(list)) => {
            out.push(b'[');
            for (at, item) in messages(list, 1).enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                any_value(item?, out)?;
            }
            out.push(b']');
        }
        (6, Value::Bytes(list)) => pairs(list, 1, out)?,
        (7, Value::Bytes(bytes)) => json::base64(bytes, out),
        _ => return Err(Broken::Field(field.number)),
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::wire::{put_bytes, put_tag, put_varint};
    use super::*;

    fn text(value: &str) -> Vec<u8> {
        let mut out = Vec::new();
        put_bytes(1, value.as_bytes(), &mut out);
        out
    }

    fn message(fields: &[(u32, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, bytes) in fields {
            put_bytes(*number, bytes, &mut out);
        }
        out
    }

    fn pair(key: &str, value: &[u8]) -> Vec<u8> {
        message(&[(1, key.as_bytes()), (2, value)])
    }

    fn lines(request: &[u8]) -> (Content, Vec<serde_json::Value>) {
        let content = look(request).expect("a request");
        let mut records = Records::new(request, content);
        let (mut out, mut ends) = (Vec::new(), Vec::new());
        // However small the blocks are.
        while {
            let enough = out.len() + 1;
            records.write(&mut out, &mut ends, enough).expect("records")
        } {}
        (content, objects(&out, &ends))
    }

    /// What ends at `ends`, read as JSON.
    pub fn objects(out: &[u8], ends: &[usize]) -> Vec<serde_json::Value> {
        assert_eq!(*ends.last().unwrap_or(&0), out.len());
        assert!(!out.contains(&b'\n'));
        let starts = [0].into_iter().chain(ends.iter().copied());
        starts
            .zip(ends)
            .map(|(start, end)| serde_json::from_slice(&out[start..*end]).expect("JSON"))
            .collect()
    }

    #[test]
    fn a_record_with_all_there_is_and_one_with_nothing() {
        let mut record = Vec::new();
        for (number, time) in [(1, 1_544_712_660_300_000_000_u64), (11, 7)] {
            put_tag(number, 1, &mut record);
            record.extend_from_slice(&time.to_le_bytes());
        }
        put_tag(2, 0, &mut record);
        put_varint(17, &mut record);
        let mut values = Vec::new();
        for (number, value) in [(2, 1), (3, u64::MAX)] {
            let mut any = Vec::new();
            put_tag(number, 0, &mut any);
            put_varint(value, &mut any);
            put_bytes(1, &any, &mut values);
        }
        let mut double = Vec::new();
        put_tag(4, 1, &mut double);
        double.extend_from_slice(&1.5_f64.to_le_bytes());
        put_bytes(1, &double, &mut values);
        put_bytes(1, b"", &mut values);
        let list = message(&[(5, &values)]);
        let body = message(&[(
            6,
            &message(&[(1, &pair("code", &text("CCE.01400007"))), (1, &pair("list", &list))]),
        )]);
        record.extend(message(&[
            (3, b"Error"),
            (5, &body),
            (6, &pair("a\"b", &text("x\ny"))),
            (6, &pair("raw", &message(&[(7, b"\0\xff")]))),
            (9, &[0xab; 16]),
            (10, &[0x01; 8]),
            (12, b"device.app"),
        ]));
        let scope = message(&[(1, b"lib"), (2, b"1.2")]);
        let resource = message(&[(1, &pair("service.name", &text("web")))]);
        // The resource behind what it belongs to: any order is right.
        let logs = message(&[(2, &message(&[(2, &record), (2, b""), (1, &scope)])), (1, &resource)]);
        let (content, lines) = lines(&message(&[(1, &logs), (1, &message(&[(2, &message(&[(2, b"")]))]))]));
        assert_eq!(content.records, 3);
        let around = serde_json::json!({"scope": {"name": "lib", "version": "1.2"}, "resource": {"attributes": {"service.name": "web"}}});
        let mut whole = serde_json::json!({
            "timeUnixNano": "1544712660300000000", "severityNumber": 17, "severityText": "Error",
            "body": {"code": "CCE.01400007", "list": [true, -1, 1.5, null]},
            "traceId": "ab".repeat(16), "spanId": "01".repeat(8), "eventName": "device.app",
            "attributes": {"a\"b": "x\ny", "raw": "AP8="},
        });
        let mut empty = serde_json::json!({"timeUnixNano": "0"});
        for value in [&mut whole, &mut empty] {
            value.as_object_mut().expect("an object").extend(around.as_object().expect("one").clone());
        }
        assert_eq!(lines, [whole, empty, serde_json::json!({"timeUnixNano": "0"})]);
    }

    #[test]
    fn a_record_that_is_too_deep_is_left_out_and_counted() {
        let mut value = text("x");
        for _ in 0..MOST_NESTED {
            value = message(&[(5, &message(&[(1, &value)]))]);
        }
        let deep = message(&[(5, &value)]);
        let flat = message(&[(5, &text("CCE.01400007"))]);
        let logs = message(&[(2, &message(&[(2, &flat), (2, &deep), (2, &flat)]))]);
        let (content, lines) = lines(&message(&[(1, &logs)]));
        assert_eq!(content, Content { records: 3, rejected: 1, repeated: 0 });
        assert_eq!(lines.len(), 2);
        // Around records nothing can be left out.
        let logs = message(&[(1, &message(&[(1, &pair("k", &value))])), (2, &message(&[(2, &flat)]))]);
        assert_eq!(look(&message(&[(1, &logs)])), Err(Fault::TooDeep));
    }

    #[test]
    fn what_is_repeated_is_told_before_it_is_written() {
        let resource = message(&[(1, &pair("k", &text(&"v".repeat(1 << 20))))]);
        let mut records = Vec::new();
        for _ in 0..100_000 {
            put_bytes(2, b"", &mut records);
        }
        let request = message(&[(1, &message(&[(1, &resource), (2, &records)]))]);
        let content = look(&request).expect("a request");
        assert_eq!(content.records, 100_000);
        assert!(content.repeated > 100_000 << 20, "{content:?}");
    }
}
