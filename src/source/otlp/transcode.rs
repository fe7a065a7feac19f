//! OTLP in JSON to the same in protobuf, by the tables of the messages: one
//! reader of requests is enough.
//!
//! It takes about as much room as the JSON. Texts are copied once; nothing is
//! built of a document.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::schema::{Form, Kind, REQUEST, Spec};
use super::wire::{put_tag, put_varint};

/// The request in `json` as protobuf.
///
/// # Errors
/// When it is no JSON, or not of OTLP's form; the error names the place.
pub fn request(json: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::new();
    let mut document = serde_json::Deserializer::from_slice(json);
    Fields { form: &REQUEST, out: &mut out }.deserialize(&mut document)?;
    document.end()?;
    Ok(out)
}

/// Bytes that a length takes, whatever it is: it is known when all is written.
const LENGTH_BYTES: usize = 5;

/// Writes a field whose length `write` decides.
fn sized<T, E>(
    number: u32,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
) -> Result<T, E> {
    put_tag(number, 2, out);
    let at = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    let written = write(out)?;
    let length = out.len() - at - LENGTH_BYTES;
    for (place, byte) in out[at..at + LENGTH_BYTES].iter_mut().enumerate() {
        let more = if place + 1 < LENGTH_BYTES { 0x80 } else { 0 };
        *byte = (length >> (7 * place)) as u8 & 0x7f | more;
    }
    Ok(written)
}

/// An object, as a message of this form; null is an empty one.
struct Fields<'o> {
    form: &'static Form,
    out: &'o mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.form.0.iter().map(|spec| spec.name).collect();
        write!(f, "an object with {}", names.join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            match self.form.by_name(&name) {
                Some(spec) if spec.repeated => map.next_value_seed(List { spec, out: self.out })?,
                Some(spec) => map.next_value_seed(Single { spec, out: self.out })?,
                // A newer one, perhaps.
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// An array, as a field that stands there often; null is an empty one.
struct List<'o> {
    spec: &'static Spec,
    out: &'o mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array for {}", self.spec.name)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Single { spec: self.spec, out: self.out })?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// One value, as a field; null is none.
struct Single<'o> {
    spec: &'static Spec,
    out: &'o mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Single<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Single { spec: &Spec { number, kind, name, .. }, out } = self;
        match kind {
            Kind::Message(form) => {
                sized(number, out, |out| Fields { form, out }.deserialize(deserializer))?;
            }
            Kind::Text => {
                if let Some(Text(text)) = Option::deserialize(deserializer)? {
                    sized(number, out, |out| {
                        out.extend_from_slice(text.as_bytes());
                        Ok(())
                    })?;
                }
            }
            Kind::Hex => {
                if let Some(Text(text)) = Option::deserialize(deserializer)? {
                    let bytes = unhex(&text)
                        .ok_or_else(|| D::Error::custom(format!("{name} is no hexadecimal text")))?;
                    sized(number, out, |out| {
                        out.extend_from_slice(&bytes);
                        Ok(())
                    })?;
                }
            }
            Kind::Base64 => {
                if let Some(Text(text)) = Option::deserialize(deserializer)? {
                    let bytes =
                        unbase64(&text).ok_or_else(|| D::Error::custom(format!("{name} is no base64")))?;
                    sized(number, out, |out| {
                        out.extend_from_slice(&bytes);
                        Ok(())
                    })?;
                }
            }
            Kind::Truth => {
                if let Some(truth) = Option::<bool>::deserialize(deserializer)? {
                    put_tag(number, 0, out);
                    put_varint(u64::from(truth), out);
                }
            }
            Kind::Double => {
                if let Some(Double(double)) = Option::deserialize(deserializer)? {
                    put_tag(number, 1, out);
                    out.extend_from_slice(&double.to_le_bytes());
                }
            }
            Kind::Number | Kind::Fixed64 | Kind::Fixed32 => {
                if let Some(Whole(whole)) = Option::deserialize(deserializer)? {
                    match kind {
                        Kind::Fixed64 => {
                            put_tag(number, 1, out);
                            out.extend_from_slice(&whole.to_le_bytes());
                        }
                        Kind::Fixed32 => {
                            put_tag(number, 5, out);
                            out.extend_from_slice(&(whole as u32).to_le_bytes());
                        }
                        _ => {
                            put_tag(number, 0, out);
                            put_varint(whole, out);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    rest.is_empty().then_some(())?;
    pairs.iter().map(|&[high, low]| Some((digit(high)? << 4 | digit(low)?) as u8)).collect()
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

/// A text, of the document where it needs no change.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'d>(#[serde(borrow)] Cow<'d, str>);

/// A whole number as 64 bits, with or without a sign; also as a text.
struct Whole(u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Whole, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or one in a string")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Whole, E> {
                Ok(Whole(number))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Whole, E> {
                Ok(Whole(number as u64))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Whole, E> {
                // As JavaScript writes large ones.
                if number.fract() == 0.0 && (i64::MIN as f64..u64::MAX as f64).contains(&number) {
                    return Ok(Whole(if number < 0.0 { number as i64 as u64 } else { number as u64 }));
                }
                Err(E::custom(format!("{number} is no whole number of 64 bits")))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Whole, E> {
                let number = text.parse().or_else(|_| text.parse().map(|n: i64| n as u64));
                number.map(Whole).map_err(|_| E::custom(format!("{text:.32?} is no whole number of 64 bits")))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// A number with a fraction; also as a text, which is how it can be none.
struct Double(f64);

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Double, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Double;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or one in a string")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Double, E> {
                Ok(Double(number as f64))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Double, E> {
                Ok(Double(number as f64))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Double, E> {
                Ok(Double(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Double, E> {
                text.parse().map(Double).map_err(|_| E::custom(format!("{text:.32?} is no number")))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::super::records::tests::objects;
    use super::super::records::{Records, look};
    use super::*;

    fn lines(json: &str) -> Vec<serde_json::Value> {
        let request = request(json.as_bytes()).expect("a request");
        let content = look(&request).expect("a request");
        let (mut out, mut ends) = (Vec::new(), Vec::new());
        let more = Records::new(&request, content).write(&mut out, &mut ends, usize::MAX).expect("records");
        assert!(!more);
        objects(&out, &ends)
    }

    #[test]
    fn every_kind_of_value_keeps_its_meaning() {
        let json = r#"{"resourceLogs":[{"scopeLogs":[{"scope":{"name":"checkout.orders","version":"3.2","attributes":[
            {"key":"queue","value":{"stringValue":"late orders"}}]},"logRecords":[{
            "timeUnixNano":"1798000000123456789","observedTimeUnixNano":1798000000123456789,"severityNumber":10,
            "severityText":"NOTICE","traceId":"00112233445566778899AABBCCDDEEFF","spanId":"0123456789ABCDEF",
            "unknown":[{"deep":[]}],"body":{"stringValue":"no volume is left"},"flags":1,"attributes":[
            {"key":"note","value":{"stringValue":"two\nlines"}},
            {"key":"retried","value":{"boolValue":true}},{"key":"change","value":{"intValue":"-10"}},
            {"key":"took","value":{"doubleValue":12.75}},{"key":"none","value":null},
            {"key":"parts","value":{"arrayValue":{"values":[{"stringValue":"first"},{"bytesValue":"AP8="}]}}},
            {"key":"limits","value":{"kvlistValue":{"values":[{"key":"k","value":{"doubleValue":"NaN"}}]}}}]}]}],
            "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"checkout"}}],"droppedAttributesCount":null}}]}"#;
        let wanted = serde_json::json!({
            "timeUnixNano": "1798000000123456789", "severityNumber": 10, "severityText": "NOTICE",
            "body": "no volume is left", "traceId": "00112233445566778899aabbccddeeff", "spanId": "0123456789abcdef",
            "attributes": {"note": "two\nlines", "retried": true, "change": -10,
                "took": 12.75, "none": null, "parts": ["first", "AP8="], "limits": {"k": "NaN"}},
            "scope": {"name": "checkout.orders", "version": "3.2", "attributes": {"queue": "late orders"}},
            "resource": {"attributes": {"service.name": "checkout"}},
        });
        assert_eq!(lines(json), [wanted]);
        let snake = r#"{"resource_logs":[{"scope_logs":[{"log_records":[{"time_unix_nano":5},{}]}]},{"scopeLogs":null}]}"#;
        assert_eq!(
            lines(snake),
            [serde_json::json!({"timeUnixNano": "5"}), serde_json::json!({"timeUnixNano": "0"})]
        );
        assert!(lines("{}").is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let lists = r#"{"arrayValue":{"values":["#.repeat(1000);
        let deep = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{lists}"#);
        for (json, words) in [
            ("", "EOF"),
            ("[]", "an object with resourceLogs"),
            ("{} x", "trailing"),
            (r#"{"resourceLogs":{}}"#, "an array for resourceLogs"),
            (r#"{"resourceLogs":[7]}"#, "an object with resource, scopeLogs, schemaUrl"),
            (
                r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"yesterday"}]}]}]}"#,
                "\"yesterday\" is no whole number",
            ),
            (
                r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"xyz"}]}]}]}"#,
                "traceId is no hexadecimal text",
            ),
            (&deep, "recursion limit"),
        ] {
            let error = request(json.as_bytes()).expect_err(words).to_string();
            assert!(error.contains(words), "{error}");
            assert!(error.contains("line 1 column"), "{error}");
        }
    }
}
