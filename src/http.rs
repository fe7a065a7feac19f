//! What the HTTP server shows. Read-only; every answer is one snapshot.

mod negotiate;
mod page;
pub mod server;

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tower_http::compression::CompressionLayer;

use crate::ledger::Ledger;
use crate::metrics::Exporter;
use crate::report::{CatalogListing, Report};
use crate::sink;

/// What `/readyz` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// The source is not connected yet.
    Starting,
    /// Records are read.
    Reading,
    /// The input has ended; `/metrics` lingers.
    Ended,
    /// On the way out.
    Draining,
}

impl Stage {
    fn words(self) -> &'static str {
        match self {
            Stage::Starting => "starting: the source is not connected yet",
            Stage::Reading => "ready",
            Stage::Ended => "the input has ended; the counts are final",
            Stage::Draining => "draining: stopping",
        }
    }
}

/// The stage, and what the source waits for, shared by the daemon, the source
/// and the server.
#[derive(Debug)]
pub struct Readiness {
    stage: AtomicU8,
    waiting: Mutex<Option<String>>,
    events: Option<Arc<sink::Status>>,
}

impl Readiness {
    /// Nothing is connected; `events`, where there are any, may keep records
    /// from being read.
    pub fn new(events: Option<Arc<sink::Status>>) -> Readiness {
        Readiness { stage: AtomicU8::new(Stage::Starting as u8), waiting: Mutex::new(None), events }
    }

    /// The state of the events' sink.
    pub fn events(&self) -> Option<&Arc<sink::Status>> {
        self.events.as_ref()
    }

    /// Moves to `stage`.
    pub fn set(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Release);
    }

    /// The present stage.
    pub fn get(&self) -> Stage {
        let stages = [Stage::Starting, Stage::Reading, Stage::Ended, Stage::Draining];
        stages[usize::from(self.stage.load(Ordering::Acquire)).min(stages.len() - 1)]
    }

    /// What a source that is not connected waits for, in words; none when it
    /// is connected.
    pub fn waiting(&self, reason: Option<String>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Whether records are read, and what there is to say about it.
    pub fn words(&self) -> (bool, String) {
        let stage = self.get();
        let source = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let reason = source.or_else(|| self.events.as_ref().and_then(|e| e.waiting()));
        match (stage, reason) {
            (Stage::Reading, Some(reason)) => (false, reason),
            _ => (stage == Stage::Reading, stage.words().to_owned()),
        }
    }
}

/// What the handlers read from.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The counts.
    pub ledger: Arc<Ledger>,
    /// The counts as metrics.
    pub exporter: Arc<Exporter>,
    /// The stage.
    pub readiness: Arc<Readiness>,
}

/// All routes.
pub fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/", get(root))
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/api/v1/codes", get(codes))
        .route("/api/v1/catalog", get(catalog))
        .layer(CompressionLayer::new().gzip(true))
        .with_state(shared)
}

async fn metrics(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
    let (kind, body) = if negotiate::wants_openmetrics(accept) {
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", shared.exporter.openmetrics())
    } else {
        ("text/plain; version=0.0.4; charset=utf-8", shared.exporter.text())
    };
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

async fn readyz(State(shared): State<Shared>) -> Response {
    let (ready, words) = shared.readiness.words();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{words}\n")).into_response()
}

async fn codes(State(shared): State<Shared>) -> Json<Report> {
    Json(Report::new(&shared.ledger.snapshot()))
}

async fn catalog(State(shared): State<Shared>) -> Json<CatalogListing> {
    Json(CatalogListing::new(shared.ledger.engine().0.catalog()))
}

async fn root(State(shared): State<Shared>) -> Html<String> {
    Html(page::render(&Report::new(&shared.ledger.snapshot()), &shared.readiness.words().1))
}
