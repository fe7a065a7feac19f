//! Logs over HTTP: `POST /ingest` with lines or JSON, `POST /v1/logs` with
//! OTLP. The answer comes when what was sent is counted and its events have
//! arrived.
//!
//! The server is that of `/metrics` and its like, with other routes on an
//! address of its own: limits on connections, TLS, users and rate limit are
//! the same code.

mod body;
mod elements;
mod lines;
mod refusal;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body as Raw;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::held::{Held, Memory};
use super::intake::{Intake, Refusal as Kind, Status};
use super::otlp::{self, Encoding};
use super::unpack::Packing;
use crate::server::Connection;
use body::Body;
use errtally_core::fields::PeerName;
use lines::Form;
use refusal::Refusal;
pub use server::Server;

/// What requests may take together until they are whole: as much as the largest of OTLP in JSON.
const MEMORY_BYTES: usize = 64 << 20;

/// The largest request of OTLP, unpacked: as much as a collector takes.
const MOST_OTLP_BYTES: usize = 20 << 20;

/// Bytes of records that are given at once.
const BLOCK_BYTES: usize = 256 << 10;

/// How long a request waits for room before it is refused.
const ROOM_WAIT: Duration = Duration::from_secs(1);

/// What the routes work with.
#[derive(Debug)]
pub struct Ingest {
    intake: Intake,
    memory: Memory,
    status: Arc<Status>,
    stopping: AtomicBool,
}

impl Ingest {
    /// What comes goes to `intake`; what is refused is counted in `status`.
    pub fn new(intake: Intake, status: Arc<Status>) -> Ingest {
        Ingest { intake, memory: Memory::new(MEMORY_BYTES), status, stopping: AtomicBool::new(false) }
    }

    /// From now on requests are refused that have not begun.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether a request may begin: there is room, and nobody stops.
    async fn admit(&self) -> Result<Held, Refusal> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(Refusal::Stopping);
        }
        let held = self.memory.hold();
        match self.intake.room_within(BLOCK_BYTES, ROOM_WAIT).await {
            Ok(_) => Ok(held),
            Err(_) => Err(Refusal::Busy),
        }
    }
}

/// A request that is under way; dropped before it is settled, its sender has left.
struct Open<'r> {
    status: &'r Status,
    peer: Arc<PeerName>,
    settled: bool,
}

impl Open<'_> {
    /// Counts how it has ended.
    fn settle(mut self, result: &Result<(), Refusal>) {
        self.settled = true;
        if let Err(refusal) = result {
            self.status.refuse(refusal.kind(), Some(&self.peer), refusal.words());
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.status.refuse(Kind::Left, Some(&self.peer), "");
        }
    }
}

/// All routes.
pub fn routes(ingest: Arc<Ingest>) -> Router {
    Router::new()
        .route("/ingest", post(lines_or_json))
        .route("/v1/logs", post(logs))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(|| async { (StatusCode::NOT_FOUND, "POST /ingest takes logs, POST /v1/logs takes OTLP\n") })
        .with_state(ingest)
}

/// The value of a header that is there at most once.
fn value(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn packing(headers: &HeaderMap) -> Result<Packing, Refusal> {
    let name = value(headers, header::CONTENT_ENCODING).trim();
    Packing::of(name).ok_or_else(|| {
        Refusal::Encoding(format!(
            "the Content-Encoding {name:.100} is not read: send gzip, deflate, zstd or none"
        ))
    })
}

/// What the server tells of the sender of every request.
#[derive(Clone)]
struct Sender {
    connection: Arc<Connection>,
    peer: Arc<PeerName>,
}

impl Sender {
    fn of(head: &Parts) -> Option<Sender> {
        let connection = head.extensions.get::<Arc<Connection>>()?.clone();
        let peer = head.extensions.get::<SocketAddr>()?;
        Some(Sender { connection, peer: Arc::new(PeerName::new("http", *peer)) })
    }
}

async fn lines_or_json(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    let (head, mut body) = request.into_parts();
    let Some(sender) = Sender::of(&head) else { return Refusal::Busy.answer(None) };
    let open = Open { status: &ingest.status, peer: sender.peer.clone(), settled: false };
    let result = count_lines(&ingest, &head, &mut body, sender).await;
    open.settle(&result);
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => {
            drain_refused(&head, &mut body).await;
            refusal.answer(None)
        }
    }
}

/// Lets a sender finish that was refused, unless it waits to be told to begin.
async fn drain_refused(head: &Parts, body: &mut Raw) {
    if !head.headers.contains_key(header::EXPECT) {
        body::drain(body).await;
    }
}

async fn count_lines(ingest: &Ingest, head: &Parts, body: &mut Raw, sender: Sender) -> Result<(), Refusal> {
    let form = Form::of(value(&head.headers, header::CONTENT_TYPE))?;
    let packing = packing(&head.headers)?;
    let held = ingest.admit().await?;
    let body = Body::new(body, packing, sender.connection, &ingest.status)?;
    lines::count(body, form, held, &ingest.intake, sender.peer).await
}

async fn logs(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    let (head, mut body) = request.into_parts();
    let encoding = Encoding::of(value(&head.headers, header::CONTENT_TYPE));
    let Some(sender) = Sender::of(&head) else { return Refusal::Busy.answer(encoding) };
    let peer = sender.peer.clone();
    let open = Open { status: &ingest.status, peer: peer.clone(), settled: false };
    let Some(encoding) = encoding else {
        let refusal = Refusal::MediaType("send application/x-protobuf or application/json".to_owned());
        open.settle(&Err(refusal.clone()));
        drain_refused(&head, &mut body).await;
        return refusal.answer(None);
    };
    let result = count_logs(&ingest, &head, &mut body, encoding, sender).await;
    match result {
        Ok(content) => {
            open.settle(&Ok(()));
            ingest.status.refuse_records(Kind::Nested, &peer, content.rejected);
            ([(header::CONTENT_TYPE, encoding.content_type())], otlp::answer(content, encoding))
                .into_response()
        }
        Err(refusal) => {
            open.settle(&Err(refusal.clone()));
            drain_refused(&head, &mut body).await;
            refusal.answer(Some(encoding))
        }
    }
}

async fn count_logs(
    ingest: &Ingest,
    head: &Parts,
    body: &mut Raw,
    encoding: Encoding,
    sender: Sender,
) -> Result<otlp::Content, Refusal> {
    let packing = packing(&head.headers)?;
    let mut held = ingest.admit().await?;
    let mut body = Body::new(body, packing, sender.connection, &ingest.status)?;
    let mut bytes = Vec::new();
    while body.read(&mut bytes).await? {
        if bytes.len() > MOST_OTLP_BYTES {
            let words = format!("a request of more than {MOST_OTLP_BYTES} bytes: send fewer records in one");
            return Err(Refusal::TooLarge(words));
        }
        // JSON stands there a second time, as protobuf.
        let again = if encoding == Encoding::Json { bytes.len() } else { 0 };
        if !held.grow_to(bytes.capacity() + again) {
            return Err(Refusal::Busy);
        }
    }
    let request = otlp::Request::read(bytes, encoding).map_err(|refused| match refused {
        otlp::Refused::Repeats(_) => Refusal::TooLarge(refused.to_string()),
        _ => Refusal::Malformed(refused.to_string()),
    })?;
    let mut records = request.records();
    let (mut block, mut ends, mut first) = (Vec::new(), Vec::new(), true);
    loop {
        let more = records.write(&mut block, &mut ends, BLOCK_BYTES);
        // It was looked through: it has no faults.
        let more = more.map_err(|_| Refusal::Malformed("no request of OTLP".to_owned()))?;
        // As long as nothing of it is counted it may come again.
        let wait = first.then_some(ROOM_WAIT);
        first = false;
        let counted = lines::give_records(&mut block, &mut ends, &ingest.intake, &sender.peer, wait).await?;
        if !more {
            counted.wait().await.map_err(|_| Refusal::Stopping)?;
            return Ok(request.content());
        }
    }
}
