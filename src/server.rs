//! The HTTP server: accepts until it is told to close, and while the last
//! answers are on their way still answers others, so that a probe sees
//! `draining` and not a closed port.
//!
//! HTTP/1.1 alone, on purpose: scrapers want one answer at a time, and most of
//! what a client can do to a server by HTTP/2 cannot be done by HTTP/1.1.

mod connections;
mod gate;
mod limiter;
mod listen;
mod request;
mod stream;
mod users;
mod web;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

pub use connections::{Connection, Connections, HttpSettings};
pub use gate::Gate;
pub use listen::{bind, bind_udp, is_address};
use stream::Stream;
pub use web::Web;

/// Most headers of a request, and the longest head in bytes.
const MOST_HEADERS: usize = 64;
const LONGEST_HEAD: usize = 16 << 10;

/// What the kernel may hold of an answer that a client does not take; it
/// doubles this for its own use.
const SEND_BUFFER: usize = 64 << 10;

/// How often connections are looked at that have taken too long.
const SWEEP: Duration = Duration::from_millis(250);

/// How long to wait after an accept that failed: out of descriptors, mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 22;

/// What a client sees that speaks HTTP where TLS is spoken.
const SPEAK_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Connection: close\r\n\r\nthis server speaks HTTPS\n";

/// What is served, to whom, within which limits.
#[derive(Debug)]
pub struct Site {
    /// All routes.
    pub routes: Router,
    /// Who may use them.
    pub gate: Gate,
    /// Who is here.
    pub connections: Arc<Connections>,
    /// What becomes of requests with a body.
    pub bodies: Bodies,
}

/// What becomes of requests with a body.
#[derive(Debug)]
pub enum Bodies {
    /// No route asks for one: the connection ends behind it.
    Unread,
    /// Routes read them; connections and refusals are counted here.
    Read(Arc<dyn Guests>),
}

/// Who counts the connections of a site, and the requests that come to no route of it.
pub trait Guests: std::fmt::Debug + Send + Sync {
    /// A connection has begun.
    fn enter(&self);
    /// It has ended.
    fn leave(&self);
    /// A handshake or a request was refused, and why, for the log.
    fn refuse(&self, refusal: Refusal, peer: SocketAddr, why: &str);
}

/// Why something comes to no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The handshake failed.
    Handshake,
    /// A request does not name one host.
    Host,
    /// It has no right name and password.
    Unauthorized,
    /// There are more than the rate limit allows.
    RateLimit,
}

impl Bodies {
    fn are_read(&self) -> bool {
        matches!(self, Bodies::Read(_))
    }

    /// Counts a request that does not come to a route.
    fn refuse(&self, refusal: Refusal, peer: SocketAddr, why: &str) {
        if let Bodies::Read(guests) = self {
            guests.refuse(refusal, peer, why);
        }
    }
}

/// A connection to a site that counts them.
struct Guest(Option<Arc<dyn Guests>>);

impl Guest {
    fn enter(bodies: &Bodies) -> Guest {
        let Bodies::Read(guests) = bodies else { return Guest(None) };
        guests.enter();
        Guest(Some(guests.clone()))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(guests) = &self.0 {
            guests.leave();
        }
    }
}

/// Serves `site` until `close` resolves and the answers that were under way
/// then are sent.
pub async fn serve(listener: TcpListener, site: Site, mut close: oneshot::Receiver<()>) {
    // Every connection inherits it. Where it is refused, the kernel's own limits hold.
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER);
    let site = Arc::new(site);
    let (closing, closed) = watch::channel(false);
    let mut here = JoinSet::new();
    let mut tick = interval(SWEEP);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            (stream, peer) = accept(&listener, &site.connections) => {
                here.spawn(connection(stream, peer, site.clone(), closed.clone()));
            }
            Some(_) = here.join_next() => {}
            _ = tick.tick() => site.connections.sweep(),
            _ = &mut close => break,
        }
    }
    closing.send_replace(true);
    // Who sends is to send to somebody else from now on.
    if site.bodies.are_read() {
        drop(listener);
        while !here.is_empty() {
            tokio::select! {
                _ = here.join_next() => {}
                _ = tick.tick() => site.connections.sweep(),
            }
        }
        return;
    }
    let (_open, never) = watch::channel(false);
    loop {
        tokio::select! {
            left = here.join_next() => if left.is_none() {
                return;
            },
            (stream, peer) = accept(&listener, &site.connections) => {
                tokio::spawn(connection(stream, peer, site.clone(), never.clone()));
            }
            _ = tick.tick() => site.connections.sweep(),
        }
    }
}

async fn accept(listener: &TcpListener, connections: &Connections) -> (TcpStream, SocketAddr) {
    loop {
        connections.room().await;
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                connections.refused(&error);
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One connection, until it ends, fails or is expelled.
fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    site: Arc<Site>,
    closing: watch::Receiver<bool>,
) -> impl Future<Output = ()> {
    // Before the first poll, so that the number of connections is true at once.
    let place = site.connections.enter();
    let guest = Guest::enter(&site.bodies);
    async move {
        let _guest = guest;
        let ended = tokio::select! {
            result = talk(stream, peer, &site, place.connection(), closing) => result,
            () = place.expelled() => Err("it was quiet or slow for too long".into()),
        };
        if let Err(error) = ended {
            debug!(%peer, %error, "a connection ended early");
        }
    }
}

async fn talk(
    stream: TcpStream,
    peer: SocketAddr,
    site: &Arc<Site>,
    connection: Arc<Connection>,
    mut closing: watch::Receiver<bool>,
) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let Some(tls) = site.gate.web.current().await.tls.clone() else {
        let stream = Stream::new(stream, connection.clone());
        return exchange(stream, peer, site, connection, closing, None).await;
    };
    let accepted = tokio::select! {
        stream = handshake(stream, tls.clone(), connection.clone()) => stream.inspect_err(|error| {
            site.bodies.refuse(Refusal::Handshake, peer, &error.to_string());
        })?,
        _ = closing.wait_for(|closing| *closing) => return Ok(()),
    };
    match accepted {
        Some(stream) => exchange(stream, peer, site, connection, closing, Some(tls)).await,
        None => {
            site.bodies.refuse(Refusal::Handshake, peer, "it does not speak TLS");
            Ok(())
        }
    }
}

/// The handshake; none where the client did not speak TLS and was told so.
async fn handshake(
    stream: TcpStream,
    tls: Arc<rustls::ServerConfig>,
    connection: Arc<Connection>,
) -> Result<Option<TlsStream<Stream>>, Failure> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE {
        // What was not taken would reset the connection, and the words be lost.
        let _ = stream.try_read(&mut [0; LONGEST_HEAD]);
        let _ = stream.try_write(SPEAK_TLS);
        return Ok(None);
    }
    Ok(Some(TlsAcceptor::from(tls).accept(Stream::new(stream, connection)).await?))
}

/// Requests and answers, on a connection with this TLS or none.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    site: &Arc<Site>,
    connection: Arc<Connection>,
    mut closing: watch::Receiver<bool>,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> Result<(), Failure> {
    let service = service_fn(move |request| {
        connection.asked();
        let (site, tls, connection) = (site.clone(), tls.clone(), connection.clone());
        async move {
            let response = answer(&site, request, peer, &connection, tls.as_ref()).await;
            connection.answered();
            Ok::<_, Infallible>(response)
        }
    });
    // Its own time limit for the head would also end connections between requests.
    let conversation = http1::Builder::new()
        .header_read_timeout(None)
        .max_headers(MOST_HEADERS)
        .max_header_size(LONGEST_HEAD)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(conversation);
    tokio::select! {
        result = conversation.as_mut() => return Ok(result?),
        _ = closing.wait_for(|closing| *closing) => conversation.as_mut().graceful_shutdown(),
    }
    Ok(conversation.await?)
}

async fn answer(
    site: &Site,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    connection: &Arc<Connection>,
    tls: Option<&Arc<rustls::ServerConfig>>,
) -> Response {
    let config = site.gate.web.current().await;
    let had_body = request::has_body(&request);
    if let Err(refusal) = request::check(&request) {
        site.bodies.refuse(Refusal::Host, peer, "no clear host");
        let mut response = refusal;
        Gate::dress(&config, &mut response);
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    let mut response = match site.gate.admit(&config, request.headers(), peer.ip()).await {
        Ok(()) => {
            if site.bodies.are_read() {
                request.extensions_mut().insert(connection.clone());
                request.extensions_mut().insert(peer);
            }
            let routed = TowerToHyperService::new(site.routes.clone()).call(request).await;
            routed.unwrap_or_else(|never| match never {}).into_response()
        }
        Err(refusal) => {
            let kind = if refusal.status() == StatusCode::UNAUTHORIZED {
                Refusal::Unauthorized
            } else {
                Refusal::RateLimit
            };
            site.bodies.refuse(kind, peer, "");
            refusal
        }
    };
    Gate::dress(&config, &mut response);
    // Who came by an earlier certificate, or by none, is to come again by the present one.
    let same = match (tls, &config.tls) {
        (Some(then), Some(now)) => Arc::ptr_eq(then, now),
        (then, now) => then.is_none() && now.is_none(),
    };
    // Nothing is read behind a body that nobody has read: where it ends, a proxy may have seen otherwise.
    if !same || (had_body && !site.bodies.are_read()) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
