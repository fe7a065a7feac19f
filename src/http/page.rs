//! The page for people at `/`, what it loads, and the document that it polls.
//!
//! The page is whole without JavaScript: `page.html` is filled here, by a
//! template that escapes all text, since codes come from logs and messages
//! from files. With JavaScript, `page.js` fills the same elements again from
//! `/api/v1/live` every other second. The catalog's pages are whole as they are
//! and load no script.

mod catalog;
mod code;
mod show;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Answers, answer, paths, respond};
use crate::live::{Code, Document, Service};

/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The same, with a form.
const POLICY_OF_CATALOG: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                                 form-action 'self'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";

/// Where the codes have their pages.
const CODES: &str = "/catalog/";

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
        .route(paths::PAGE, get(page))
        .route(paths::CATALOG, get(list))
        .route(paths::CODE, get(one))
        .route(paths::API_LIVE, get(live))
        .route("/assets/page.css", get(|| async { asset("text/css; charset=utf-8", POLICY, CSS) }))
        .route("/assets/page.js", get(|| async { asset("text/javascript; charset=utf-8", POLICY, JS) }))
        .route("/assets/icon.svg", get(|| async { asset("image/svg+xml", POLICY, ICON) }))
}

/// The page of this moment.
pub(super) fn html(document: &Document) -> String {
    let page = Page { d: document, blank_code: &Code::blank(), blank_service: &Service::blank() };
    // It fails where formatting does, which does not.
    page.render().unwrap_or_else(|error| error.to_string())
}

async fn page(State(answers): State<Answers>, headers: HeaderMap) -> Response {
    asset(HTML, POLICY, answer(&answers.page, HTML, &headers).await)
}

async fn list(State(answers): State<Answers>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = catalog::Asked::new(&uri);
    made(&answers, &headers, |answers| catalog::html(answers.ledger.engine().0.catalog(), asked)).await
}

async fn one(State(answers): State<Answers>, uri: Uri, headers: HeaderMap) -> Response {
    let code = uri.path().strip_prefix(CODES).unwrap_or_default();
    made(&answers, &headers, |answers| code::html(&answers.ledger, code, crate::live::now())).await
}

/// A page that depends on what was asked.
async fn made(
    answers: &Answers,
    headers: &HeaderMap,
    html: impl FnOnce(&Answers) -> (StatusCode, String),
) -> Response {
    let gzip = super::wants_gzip(headers);
    let mut status = StatusCode::OK;
    let rendering = answers.each.render(gzip, || {
        let (of_page, html) = html(answers);
        status = of_page;
        html
    });
    let mut response = respond(rendering.await, gzip, HTML);
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    asset(HTML, POLICY_OF_CATALOG, response)
}

async fn live(State(answers): State<Answers>, headers: HeaderMap) -> Response {
    let head = [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (head, answer(&answers.live, "application/json", &headers).await).into_response()
}

fn asset(kind: &'static str, policy: &'static str, body: impl IntoResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        // Small, and never of another version than the page.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, body).into_response()
}
