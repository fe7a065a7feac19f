//! Requests that no other reader of HTTP would understand otherwise.
//!
//! A proxy in front of the server and the server must agree on where a request
//! ends and whom it is for. So the host is held to RFC 9112, section 3.2, and
//! no request is taken from a connection behind one that has a body, which no
//! route here asks for.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Request, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};

/// Whether a body follows the head.
pub fn has_body<B>(request: &Request<B>) -> bool {
    let length = request.headers().get(header::CONTENT_LENGTH);
    request.headers().contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|v| v != "0")
}

/// Refuses a request whose host is not clear.
///
/// # Errors
/// The answer to it.
#[allow(clippy::result_large_err)]
pub fn check<B>(request: &Request<B>) -> Result<(), Response> {
    match host(request.version(), request.headers()) {
        Ok(()) => Ok(()),
        Err(words) => Err((StatusCode::BAD_REQUEST, words).into_response()),
    }
}

fn host(version: Version, headers: &HeaderMap) -> Result<(), &'static str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => return Err("more than one Host header\n"),
        (None, _) if version >= Version::HTTP_11 => return Err("no Host header\n"),
        (None, _) => return Ok(()),
        (Some(host), None) => host.as_bytes(),
    };
    let valid = host.is_empty() || Authority::try_from(host).is_ok_and(|a| !a.as_str().contains('@'));
    if valid { Ok(()) } else { Err("not a host in the Host header\n") }
}
