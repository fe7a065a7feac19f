//! Messages of the systemd journal that its JSON has as a list of bytes, since
//! they hold colours, a carriage return or what is no UTF-8.

use memchr::memmem;

/// What stands in each line that `journalctl --output=json` writes.
const TIME: &[u8] = b"\"__REALTIME_TIMESTAMP\":\"";

/// What a message of bytes begins with.
const MESSAGE: &[u8] = b"\"MESSAGE\":[";

/// Whether `line` is an entry of the journal.
pub fn begins(line: &[u8]) -> bool {
    line.first() == Some(&b'{') && memmem::find(line, TIME).is_some()
}

/// As [`decoded`], for records of which few are the journal's: its fields have
/// names without small letters, so that most others are told by their third
/// byte.
pub fn decoded_alone(record: &[u8]) -> Option<Vec<u8>> {
    let [b'{', b'"', b'_' | b'A'..=b'Z', ..] = record else { return None };
    decoded(record)
}

/// An entry of the journal with its message as a text, where it is a list of
/// bytes; not where that would be longer, which only unprintable bytes are.
pub fn decoded(line: &[u8]) -> Option<Vec<u8>> {
    let key = memmem::find(line, MESSAGE).filter(|_| begins(line))?;
    let (start, mut bytes) = (key + MESSAGE.len(), Vec::new());
    let end = start + memchr::memchr(b']', &line[start..])?;
    for number in line[start..end].split(|&b| b == b',') {
        bytes.push(std::str::from_utf8(number.trim_ascii()).ok()?.parse::<u8>().ok()?);
    }
    let mut out = line[..start - 1].to_vec();
    // Memory has no way to fail.
    serde_json::to_writer(&mut out, &String::from_utf8_lossy(&bytes)).ok()?;
    out.extend_from_slice(&line[end + 1..]);
    (out.len() <= line.len()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_bytes_as_text() {
        let head = r#"{"__REALTIME_TIMESTAMP":"1","#;
        let text = |line: &str| {
            let text = String::from_utf8(decoded(format!("{head}{line}").as_bytes())?).expect("UTF-8");
            Some(text[head.len()..].to_owned())
        };
        let line = r#""MESSAGE":[27,91,51,49,109,34, 97,34,27,91,48,109],"PRIORITY":"3"}"#;
        let escaped = r#""MESSAGE":"\u001b[31m\"a\"\u001b[0m","PRIORITY":"3"}"#;
        assert_eq!(text(line).as_deref(), Some(escaped));
        assert_eq!(text(r#""MESSAGE":[228]}"#).as_deref(), Some("\"MESSAGE\":\"\u{fffd}\"}"));
        assert_eq!(decoded(br#"{"MESSAGE":[97]}"#), None);
        for line in
            [r#""MESSAGE":"[27]"}"#, r#""MESSAGE":[256]}"#, r#""MESSAGE":[27"#, r#""MESSAGE":[]}"#, "x"]
        {
            assert_eq!(text(line), None, "{line}");
        }
    }
}
