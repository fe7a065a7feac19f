//! An event of Fluentd's protocol as a record: its members, with the tag and
//! the time beside them.

use super::msgpack::{Broken, Head, Values, event_time};
use crate::source::json;

/// Writes a record of `tag`, of the time and the record that come next in `values`.
///
/// # Errors
/// When they do not; nothing is written then.
pub fn write(tag: &[u8], values: &mut Values<'_>, out: &mut Vec<u8>) -> Result<(), Broken> {
    let start = out.len();
    let time = time(values)?;
    let record = values.value()?;
    let written = members(tag, time, Values(record), out);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// A time in nanoseconds since 1970; also the first of a list, behind which Fluent Bit has what
/// it knows of the event beside it.
fn time(values: &mut Values<'_>) -> Result<Option<u64>, Broken> {
    let mut value = Values(values.value()?);
    let mut head = value.head()?;
    if matches!(head, Head::Array(count) if count > 0) {
        head = value.head()?;
    }
    Ok(match head {
        Head::Unsigned(seconds) => seconds.checked_mul(1_000_000_000),
        Head::Signed(seconds) => u64::try_from(seconds).ok().and_then(|s| s.checked_mul(1_000_000_000)),
        Head::Float(seconds) if (0.0..1e10).contains(&seconds) => Some((seconds * 1e9) as u64),
        Head::Extension(kind, length) => event_time(kind, value.take(length)?),
        _ => None,
    })
}

fn members(tag: &[u8], time: Option<u64>, mut record: Values<'_>, out: &mut Vec<u8>) -> Result<(), Broken> {
    let whole = record;
    out.push(b'{');
    let Head::Map(count) = record.head()? else {
        head(tag, time, out);
        out.extend_from_slice(b",\"record\":");
        let mut record = whole;
        record.write(out)?;
        out.push(b'}');
        return Ok(());
    };
    // What the record itself says under these names is what it says.
    let (mut own_tag, mut own_time) = (false, false);
    let mut keys = record;
    for _ in 0..count {
        match keys.text()? {
            Some(b"tag") => own_tag = true,
            Some(b"time") => own_time = true,
            _ => {}
        }
        keys.value()?;
    }
    if !own_tag {
        out.extend_from_slice(b"\"tag\":");
        json::string(tag, out);
    }
    if let (false, Some(time)) = (own_time, time) {
        comma(out);
        out.extend_from_slice(b"\"time\":");
        json::integer(time, out);
    }
    for _ in 0..count {
        comma(out);
        record.write_pair(out)?;
    }
    out.push(b'}');
    Ok(())
}

fn head(tag: &[u8], time: Option<u64>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"tag\":");
    json::string(tag, out);
    if let Some(time) = time {
        out.extend_from_slice(b",\"time\":");
        json::integer(time, out);
    }
}

fn comma(out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(event: &[u8]) -> Result<String, Broken> {
        let mut out = b"before".to_vec();
        let mut values = Values(event);
        let result = write(b"app.web", &mut values, &mut out);
        let text = String::from_utf8(out).expect("UTF-8");
        let text = text.strip_prefix("before").expect("what was there").to_owned();
        if result.is_err() {
            assert_eq!(text, "");
        }
        result.map(|()| text)
    }

    #[test]
    fn the_record_with_tag_and_time() {
        let record = [0x81, 0xa3, b'l', b'o', b'g', 0xa1, b'x'];
        let record = &record[..];
        let own = [0x82, 0xa3, b't', b'a', b'g', 1, 0xa4, b't', b'i', b'm', b'e', 2];
        for (event, text) in [
            ([&[0x05], record].concat(), r#"{"tag":"app.web","time":5000000000,"log":"x"}"#),
            (
                [&[0xd7, 0, 0, 0, 0, 5, 0, 0, 0, 7], record].concat(),
                r#"{"tag":"app.web","time":5000000007,"log":"x"}"#,
            ),
            ([&[0x92, 0x05, 0x80], record].concat(), r#"{"tag":"app.web","time":5000000000,"log":"x"}"#),
            ([&[0xc0], record].concat(), r#"{"tag":"app.web","log":"x"}"#),
            ([&[0x05], &own[..]].concat(), r#"{"tag":1,"time":2}"#),
            (vec![0x05, 0x80], r#"{"tag":"app.web","time":5000000000}"#),
            (vec![0x05, 0xa1, b'x'], r#"{"tag":"app.web","time":5000000000,"record":"x"}"#),
        ] {
            assert_eq!(written(&event).as_deref(), Ok(text), "{event:x?}");
        }
        assert_eq!(written(&[0x05]), Err(Broken::CutOff));
        let deep = [&[0x05, 0x81, 0xa1, b'd'][..], &[0x91; 100], &[0xc0]].concat();
        assert_eq!(written(&deep), Err(Broken::TooDeep));
    }
}
