//! Logs in OpenTelemetry's protocol over HTTP: a request of protobuf or JSON
//! to records, and the answer to it.

mod records;
mod schema;
mod transcode;
mod wire;

pub use records::{Content, Records};

use thiserror::Error;

use schema::Fault;

/// Most bytes that the attributes of resources and scopes may take in the records of one request, which
/// repeat them: a request of 20 MB could make terabytes.
const MOST_REPEATED: u64 = 256 << 20;

/// How a request, and so the answer, is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

impl Encoding {
    /// The encoding that a `Content-Type` names.
    pub fn of(content_type: &str) -> Option<Encoding> {
        match content_type.split(';').next().unwrap_or("").trim() {
            kind if kind.eq_ignore_ascii_case("application/x-protobuf") => Some(Encoding::Protobuf),
            kind if kind.eq_ignore_ascii_case("application/json") => Some(Encoding::Json),
            _ => None,
        }
    }

    /// Its `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        }
    }
}

/// Why a request is not taken; nothing of it is counted.
#[derive(Debug, Error)]
pub enum Refused {
    /// It is no protobuf, or none of OTLP's.
    #[error("the body is no ExportLogsServiceRequest in protobuf: {0}")]
    Protobuf(wire::Broken),
    /// It is no JSON, or none of OTLP's.
    #[error("the body is no ExportLogsServiceRequest in JSON: {0}")]
    Json(serde_json::Error),
    /// The attributes of a resource or a scope are nested too deep.
    #[error("attributes of a resource or a scope are nested deeper than {} times", schema::MOST_NESTED)]
    TooDeep,
    /// Its records would repeat too much.
    #[error(
        "the attributes of resources and scopes would take {0} bytes in its records, at most {MOST_REPEATED}: \
         send fewer records in a request"
    )]
    Repeats(u64),
}

/// A request that is well-formed as a whole.
#[derive(Debug)]
pub struct Request {
    message: Vec<u8>,
    content: Content,
}

impl Request {
    /// Reads `body`, all of it before anything is counted.
    ///
    /// # Errors
    /// When it is no request.
    pub fn read(body: Vec<u8>, encoding: Encoding) -> Result<Request, Refused> {
        let message = match encoding {
            Encoding::Protobuf => body,
            Encoding::Json => transcode::request(&body).map_err(Refused::Json)?,
        };
        let content = records::look(&message).map_err(|fault| match fault {
            Fault::Broken(broken) => Refused::Protobuf(broken),
            Fault::TooDeep => Refused::TooDeep,
        })?;
        if content.repeated > MOST_REPEATED {
            return Err(Refused::Repeats(content.repeated));
        }
        Ok(Request { message, content })
    }

    /// What it holds.
    pub fn content(&self) -> Content {
        self.content
    }

    /// Its records.
    pub fn records(&self) -> Records<'_> {
        Records::new(&self.message, self.content)
    }
}

/// The answer when all is counted that can be: an `ExportLogsServiceResponse`.
pub fn answer(content: Content, encoding: Encoding) -> Vec<u8> {
    let rejected = content.rejected;
    let words = format!("nested deeper than {} times", schema::MOST_NESTED);
    let mut out = Vec::new();
    match encoding {
        Encoding::Protobuf if rejected > 0 => {
            let mut partial = Vec::new();
            wire::put_tag(1, 0, &mut partial);
            wire::put_varint(rejected, &mut partial);
            wire::put_bytes(2, words.as_bytes(), &mut partial);
            wire::put_bytes(1, &partial, &mut out);
        }
        Encoding::Protobuf => {}
        Encoding::Json => {
            let partial =
                serde_json::json!({"rejectedLogRecords": rejected.to_string(), "errorMessage": words});
            let answer = if rejected > 0 {
                serde_json::json!({"partialSuccess": partial})
            } else {
                serde_json::json!({})
            };
            out = answer.to_string().into_bytes();
        }
    }
    out
}

/// A refusal: a `Status` with the number that gRPC has for it.
pub fn refusal(code: u8, words: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => {
            let mut out = Vec::new();
            wire::put_tag(1, 0, &mut out);
            wire::put_varint(code.into(), &mut out);
            wire::put_bytes(2, words.as_bytes(), &mut out);
            out
        }
        Encoding::Json => serde_json::json!({"code": code, "message": words}).to_string().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_the_encoding_of_the_request() {
        let all = Content { records: 3, rejected: 0, repeated: 0 };
        let some = Content { rejected: 2, ..all };
        assert_eq!(answer(all, Encoding::Protobuf), b"");
        assert_eq!(answer(all, Encoding::Json), b"{}");
        let words = b"nested deeper than 64 times";
        assert_eq!(answer(some, Encoding::Protobuf), [&[0x0a, 31, 0x08, 2, 0x12, 27][..], words].concat());
        let json: serde_json::Value = serde_json::from_slice(&answer(some, Encoding::Json)).expect("JSON");
        assert_eq!(json["partialSuccess"]["rejectedLogRecords"], "2");
        assert_eq!(refusal(3, "no", Encoding::Protobuf), b"\x08\x03\x12\x02no");
        assert_eq!(refusal(3, "no", Encoding::Json), br#"{"code":3,"message":"no"}"#);
    }

    #[test]
    fn the_encoding_is_told_by_the_media_type() {
        for (kind, encoding) in [
            ("application/x-protobuf", Some(Encoding::Protobuf)),
            ("Application/JSON; charset=utf-8", Some(Encoding::Json)),
            ("application/x-ndjson", None),
            ("", None),
        ] {
            assert_eq!(Encoding::of(kind), encoding, "{kind}");
        }
    }

    #[test]
    fn a_request_that_would_repeat_too_much_is_refused() {
        let mut pair = Vec::new();
        wire::put_bytes(1, &[b'k'; 1 << 20], &mut pair);
        let (mut resource, mut scope, mut logs, mut request) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        wire::put_bytes(1, &pair, &mut resource);
        for _ in 0..1000 {
            wire::put_bytes(2, b"", &mut scope);
        }
        wire::put_bytes(1, &resource, &mut logs);
        wire::put_bytes(2, &scope, &mut logs);
        wire::put_bytes(1, &logs, &mut request);
        let refused = Request::read(request, Encoding::Protobuf).expect_err("too much").to_string();
        assert!(refused.contains("send fewer records in a request"), "{refused}");
    }
}
