//! The HTTP server: accepts until it is told to close, and while the last
//! answers are on their way still answers others, so that a probe sees
//! `draining` and not a closed port.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::{debug, warn};

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait after an accept that failed: out of descriptors, mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `routes` until `close` resolves and the answers that were under way
/// then are sent.
pub async fn serve(listener: TcpListener, routes: Router, mut close: oneshot::Receiver<()>) {
    let watched = GracefulShutdown::new();
    loop {
        tokio::select! {
            stream = accept(&listener) => {
                let connection = connection(stream, routes.clone());
                let connection = watched.watch(connection);
                tokio::spawn(async move { finished(connection.await) });
            }
            _ = &mut close => break,
        }
    }
    let sent = watched.shutdown();
    tokio::pin!(sent);
    loop {
        tokio::select! {
            () = &mut sent => return,
            stream = accept(&listener) => {
                let connection = connection(stream, routes.clone());
                tokio::spawn(async move { finished(connection.await) });
            }
        }
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

type Connection = http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>>;

fn connection(stream: TcpStream, routes: Router) -> Connection {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
}

fn finished(result: Result<(), hyper::Error>) {
    if let Err(error) = result {
        debug!(%error, "a connection ended early");
    }
}
