//! What stands before every route: the rate limit, authentication, and the
//! headers of every answer.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::users::{Authenticator, Verdict};
use super::web::{Web, WebConfig};

/// The web configuration, and what is remembered of those who came.
#[derive(Debug)]
pub struct Gate {
    /// What is in force.
    pub web: std::sync::Arc<Web>,
    authenticator: Authenticator,
}

impl Gate {
    /// A gate as `web` describes it.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new(web: std::sync::Arc<Web>) -> Result<Gate, ring::error::Unspecified> {
        Ok(Gate { web, authenticator: Authenticator::new()? })
    }

    /// Lets a request in, or answers it.
    ///
    /// # Errors
    /// The answer, where it is not let in.
    pub async fn admit(&self, config: &WebConfig, headers: &HeaderMap, peer: IpAddr) -> Result<(), Response> {
        if config.limiter.as_ref().is_some_and(|limiter| !limiter.allows()) {
            return Err(too_many("rate_limit of the web configuration is reached\n"));
        }
        if config.users.is_empty() {
            return Ok(());
        }
        match self.authenticator.judge(&config.users, headers.get(header::AUTHORIZATION), peer).await {
            Verdict::Right => Ok(()),
            Verdict::Busy => Err(too_many("too many passwords are being compared\n")),
            Verdict::Wrong => {
                let ask = [(header::WWW_AUTHENTICATE, "Basic realm=\"errtally\", charset=\"UTF-8\"")];
                Err((StatusCode::UNAUTHORIZED, ask, "name and password, please\n").into_response())
            }
        }
    }

    /// Adds the headers of every answer.
    pub fn dress(config: &WebConfig, response: &mut Response) {
        for (name, value) in &config.headers {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
}

fn too_many(words: &'static str) -> Response {
    let later = [(header::RETRY_AFTER, HeaderValue::from_static("1"))];
    (StatusCode::TOO_MANY_REQUESTS, later, words).into_response()
}
