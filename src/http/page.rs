//! The page for people at `/`, what it loads, and the document that it polls.
//!
//! The page is whole without JavaScript: `page.html` is filled here, by a
//! template that escapes all text, since codes come from logs and messages
//! from files. With JavaScript, `page.js` fills the same elements again from
//! `/api/v1/live` every other second.

mod show;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Answers, answer};
use crate::live::{Code, Document, Service};

/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const CSS: &str = include_str!("page/page.css");
const JS: &str = include_str!("page/page.js");
const ICON: &str = include_str!("page/icon.svg");

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'d> {
    d: &'d Document,
    /// What JavaScript makes rows from.
    blank_code: &'d Code,
    blank_service: &'d Service,
}

/// The routes of the page.
pub(super) fn routes() -> Router<Answers> {
    Router::new()
        .route("/", get(page))
        .route("/api/v1/live", get(live))
        .route("/assets/page.css", get(|| async { asset("text/css; charset=utf-8", CSS) }))
        .route("/assets/page.js", get(|| async { asset("text/javascript; charset=utf-8", JS) }))
        .route("/assets/icon.svg", get(|| async { asset("image/svg+xml", ICON) }))
}

/// The page of this moment.
pub(super) fn html(document: &Document) -> String {
    let page = Page { d: document, blank_code: &Code::blank(), blank_service: &Service::blank() };
    // It fails where formatting does, which does not.
    page.render().unwrap_or_else(|error| error.to_string())
}

async fn page(State(answers): State<Answers>, headers: HeaderMap) -> Response {
    let kind = "text/html; charset=utf-8";
    asset(kind, answer(&answers.page, kind, &headers).await)
}

async fn live(State(answers): State<Answers>, headers: HeaderMap) -> Response {
    let head = [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (head, answer(&answers.live, "application/json", &headers).await).into_response()
}

fn asset(kind: &'static str, body: impl IntoResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        // Small, and never of another version than the page.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, body).into_response()
}
