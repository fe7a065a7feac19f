//! Values of other forms as JSON: how OTLP and MessagePack become records, one
//! a line.

use std::io::Write;

/// Writes `text` as a string; what is no UTF-8 is replaced.
pub fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    content(text, out);
    out.push(b'"');
}

/// Writes what stands between the quotes.
fn content(text: &[u8], out: &mut Vec<u8>) {
    for chunk in text.utf8_chunks() {
        escaped(chunk.valid().as_bytes(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn escaped(text: &[u8], out: &mut Vec<u8>) {
    let mut from = 0;
    for (at, &byte) in text.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\t' => b't',
            b'\r' => b'r',
            0..0x20 => b'u',
            _ => continue,
        };
        out.extend_from_slice(&text[from..at]);
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(&[b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        from = at + 1;
    }
    out.extend_from_slice(&text[from..]);
}

/// Writes a whole number.
pub fn integer(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes a number; JSON has no infinite ones and none that is no number, so
/// these are strings.
pub fn float(number: f64, out: &mut Vec<u8>) {
    let quote: &[u8] = if number.is_finite() { b"" } else { b"\"" };
    out.extend_from_slice(quote);
    // Into memory: that does not fail.
    let _ = write!(out, "{number:?}");
    out.extend_from_slice(quote);
}

/// Writes `bytes` as a string in base64.
pub fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    use base64::Engine;
    out.push(b'"');
    for chunk in bytes.chunks(3 << 10) {
        let mut text = [0; 4 << 10];
        let length = base64::engine::general_purpose::STANDARD.encode_slice(chunk, &mut text);
        // A third more than the chunk: it has room.
        out.extend_from_slice(&text[..length.unwrap_or(0)]);
    }
    out.push(b'"');
}

/// Writes `bytes` as a string of hexadecimal digits.
pub fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn strings_read_back_as_they_were() {
        let every: String = (0..0x250_u32).filter_map(char::from_u32).collect();
        for text in ["", "plain", "\n", "a\"b\\c\nd\te\rf\u{1}g\u{1f}", "Fehler：é", &every] {
            let json = written(|out| string(text.as_bytes(), out));
            assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
            assert!(!json.contains('\n'));
        }
        assert_eq!(written(|out| string(b"a\xffb\xe2\x82", out)), "\"a\u{fffd}b\u{fffd}\"");
    }

    #[test]
    fn numbers_are_json_or_strings() {
        for (number, text) in [
            (0.0, "0.0"),
            (-1.5, "-1.5"),
            (1e300, "1e300"),
            (5e-324, "5e-324"),
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"inf\""),
            (f64::NEG_INFINITY, "\"-inf\""),
        ] {
            assert_eq!(written(|out| float(number, out)), text);
        }
        assert_eq!(written(|out| integer(i64::MIN, out)), "-9223372036854775808");
        assert_eq!(written(|out| integer(u64::MAX, out)), "18446744073709551615");
    }

    #[test]
    fn bytes_of_any_length() {
        use base64::Engine;
        for length in [0, 1, 2, 3, 3071, 3072, 3073, 10_000] {
            let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let plain = base64::engine::general_purpose::STANDARD.encode(&bytes);
            assert_eq!(written(|out| base64(&bytes, out)), format!("\"{plain}\""));
        }
        assert_eq!(written(|out| hex(&[0, 0xab, 0xff], out)), "\"00abff\"");
    }
}
