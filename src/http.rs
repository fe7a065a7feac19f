//! What the HTTP server shows. Read-only; every answer is one snapshot.

mod connections;
mod gate;
mod limiter;
mod listen;
mod negotiate;
mod packing;
mod page;
mod query;
mod readiness;
mod rendering;
mod request;
pub mod server;
mod stream;
mod users;
mod web;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

pub use connections::{Connection, Connections};
pub use gate::Gate;
pub use listen::{bind, bind_udp, is_address};
pub use readiness::{Readiness, SourceReadiness, Stage};
pub use web::Web;

use crate::live::Live;
use crate::metrics::{Exporter, Exposition, Format};
use errtally_core::ledger::Ledger;
use errtally_core::report::{CatalogListing, Report};
use rendering::{Each, Renderer, Renderers, Rendering, Text};

/// What the handlers read from.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The counts.
    pub ledger: Arc<Ledger>,
    /// The counts as metrics.
    pub exporter: Arc<Exporter>,
    /// The stage.
    pub readiness: Arc<Readiness>,
    /// Who is here.
    pub connections: Arc<Connections>,
    /// What fails right now.
    pub live: Arc<Live>,
}

/// Answers that are made once for all who wait for them.
#[derive(Clone, Debug)]
struct Answers {
    text: Arc<Renderer>,
    openmetrics: Arc<Renderer>,
    page: Arc<Renderer>,
    live: Arc<Renderer>,
    codes: Arc<Renderer>,
    catalog: Arc<Renderer>,
    /// Those that depend on what is asked, and what they are made of.
    each: Arc<Each>,
    ledger: Arc<Ledger>,
    readiness: Arc<Readiness>,
}

/// All routes.
pub fn routes(shared: Shared) -> Router {
    let Shared { ledger, exporter, readiness, connections, live } = shared;
    let renderers = Renderers::new(connections);
    let (text, openmetrics) = (exporter.clone(), exporter);
    let (counts, listing, seen) = (ledger.clone(), ledger.clone(), live.clone());
    let answers = Answers {
        text: renderers.renderer(move || text.exposition(Format::Text)),
        openmetrics: renderers.renderer(move || openmetrics.exposition(Format::OpenMetrics)),
        page: renderers.renderer(move || page::html(&seen.document())),
        live: renderers.renderer(move || json(&live.document())),
        codes: renderers.renderer(move || json(&Report::new(&counts.snapshot()))),
        catalog: renderers.renderer(move || json(&CatalogListing::new(listing.engine().0.catalog()))),
        each: renderers.each(),
        ledger,
        readiness,
    };
    Router::new()
        .merge(page::routes())
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/api/v1/codes", get(codes))
        .route("/api/v1/catalog", get(catalog))
        .with_state(answers)
}

impl From<Exposition> for Text {
    fn from(Exposition { text, metadata }: Exposition) -> Text {
        Text { plain: text, steady: metadata }
    }
}

fn json(value: &impl serde::Serialize) -> String {
    // Nothing in it is a map with keys that are no text, nor fails by itself.
    serde_json::to_string(value).unwrap_or_default()
}

/// What `renderer` gives next, packed where the client takes that.
async fn answer(renderer: &Arc<Renderer>, kind: &'static str, headers: &HeaderMap) -> Response {
    let gzip = wants_gzip(headers);
    respond(renderer.get(gzip).await, gzip, kind)
}

fn wants_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|v: &HeaderValue| v.to_str().ok());
    negotiate::takes_gzip(accepted.unwrap_or(""))
}

/// The answer of a rendering, or that there is none now.
fn respond(rendering: Option<Arc<Rendering>>, gzip: bool, kind: &'static str) -> Response {
    let Some(rendering) = rendering else {
        let later = [(header::RETRY_AFTER, "1")];
        let words = "too many ask, or slow readers hold too much\n";
        return (StatusCode::SERVICE_UNAVAILABLE, later, words).into_response();
    };
    let head = [(header::CONTENT_TYPE, kind), (header::VARY, "accept, accept-encoding")];
    let mut response = (head, rendering.body(gzip)).into_response();
    if gzip {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

async fn metrics(State(answers): State<Answers>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
    let (renderer, kind) = if negotiate::wants_openmetrics(accept) {
        (&answers.openmetrics, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    } else {
        (&answers.text, "text/plain; version=0.0.4; charset=utf-8")
    };
    answer(renderer, kind, &headers).await
}

async fn readyz(State(answers): State<Answers>) -> Response {
    let (ready, words) = answers.readiness.words();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{words}\n")).into_response()
}

async fn codes(State(answers): State<Answers>, headers: HeaderMap) -> Response {
    answer(&answers.codes, "application/json", &headers).await
}

async fn catalog(State(answers): State<Answers>, headers: HeaderMap) -> Response {
    answer(&answers.catalog, "application/json", &headers).await
}
