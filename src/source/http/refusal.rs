//! Why a request is refused: its status, its words, and the kind by which it
//! is counted.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::source::intake::Refusal as Kind;
use crate::source::otlp;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not what it says it is.
    Malformed(String),
    /// It is larger than is taken.
    TooLarge(String),
    /// It unpacks to more than is taken.
    Bomb(String),
    /// It is compressed in a way that is not known.
    Encoding(String),
    /// It is written in a form that is not known.
    MediaType(String),
    /// Too much is under way: the sender is to come again.
    Busy,
    /// The source ends: the sender is to come again.
    Stopping,
    /// The sender has left, or was too slow, before its request was whole.
    Left,
}

impl Refusal {
    /// The kind by which it is counted.
    pub fn kind(&self) -> Kind {
        match self {
            Refusal::Malformed(_) => Kind::Malformed,
            Refusal::TooLarge(_) => Kind::TooLarge,
            Refusal::Bomb(_) => Kind::Bomb,
            Refusal::Encoding(_) => Kind::Encoding,
            Refusal::MediaType(_) => Kind::MediaType,
            Refusal::Busy => Kind::Busy,
            Refusal::Stopping => Kind::Stopping,
            Refusal::Left => Kind::Left,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Refusal::Malformed(_) | Refusal::Left => StatusCode::BAD_REQUEST,
            Refusal::TooLarge(_) | Refusal::Bomb(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Encoding(_) | Refusal::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::Busy => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The number that gRPC has for it.
    fn code(&self) -> u8 {
        match self {
            Refusal::TooLarge(_) | Refusal::Bomb(_) | Refusal::Busy => 8,
            Refusal::Stopping => 14,
            Refusal::Malformed(_) | Refusal::Encoding(_) | Refusal::MediaType(_) | Refusal::Left => 3,
        }
    }

    /// What is wrong.
    pub fn words(&self) -> &str {
        match self {
            Refusal::Malformed(words)
            | Refusal::TooLarge(words)
            | Refusal::Bomb(words)
            | Refusal::Encoding(words)
            | Refusal::MediaType(words) => words,
            Refusal::Busy => "more is under way than is counted: send it again",
            Refusal::Stopping => "errtally is stopping: send it again",
            Refusal::Left => "the body is cut off",
        }
    }

    /// The answer, in OTLP's form where the request was of it.
    pub fn answer(&self, encoding: Option<otlp::Encoding>) -> Response {
        let mut response = match encoding {
            Some(encoding) => {
                let kind = [(header::CONTENT_TYPE, encoding.content_type())];
                (self.status(), kind, otlp::refusal(self.code(), self.words(), encoding)).into_response()
            }
            None => (self.status(), format!("{}\n", self.words())).into_response(),
        };
        let headers = response.headers_mut();
        match self {
            Refusal::Busy | Refusal::Stopping => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Refusal::Encoding(_) => {
                headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, zstd"));
            }
            _ => {}
        }
        // What is left of its body is not worth reading.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }
}
