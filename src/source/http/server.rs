//! The source: an address of its own, served by the code of the HTTP server
//! on a runtime of its own.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use tokio::sync::oneshot;

use super::{Ingest, routes};
use crate::server::{self, Bodies, Connections, Gate, Guests, HttpSettings, Site, Web, serve};
use crate::source::input::{self, Input, Shared};
use crate::source::intake::{Refusal, Status};
use crate::source::settings::SourceSettings;
use crate::source::socket::{Activation, listen_tcp, most_connections, receive};
use crate::source::stop::{Ended, Stop};
use errtally_core::fields::PeerName;
use errtally_core::pipeline::Pipeline;

impl Guests for Status {
    fn enter(&self) {
        // How many there may be is decided elsewhere.
        Status::enter(self, usize::MAX);
    }

    fn leave(&self) {
        Status::leave(self);
    }

    fn refuse(&self, refusal: server::Refusal, peer: SocketAddr, why: &str) {
        let refusal = match refusal {
            server::Refusal::Handshake => Refusal::Handshake,
            server::Refusal::Host => Refusal::Malformed,
            server::Refusal::Unauthorized => Refusal::Unauthorized,
            server::Refusal::RateLimit => Refusal::RateLimit,
        };
        Status::refuse(self, refusal, Some(&PeerName::new("http", peer)), why);
    }
}

/// What others post to.
pub struct Server {
    listener: TcpListener,
    web: Web,
    limits: HttpSettings,
    status: Arc<Status>,
}

impl Server {
    /// Listens, as `source` says, with the times that the HTTP server has for clients.
    ///
    /// # Errors
    /// When the address cannot be had, or the web configuration is wrong.
    pub fn open(
        source: &SourceSettings,
        shared: &Shared<'_>,
        activation: &mut Activation,
    ) -> anyhow::Result<Server> {
        let web = Web::open(source.socket.web_config_file.as_deref()).map_err(|problems| {
            let lines: Vec<_> = problems.lines().collect();
            anyhow!("{}", lines.join("\n"))
        })?;
        let listener = listen_tcp(&source.socket.listen, activation)?;
        let mut limits = shared.http.clone();
        limits.max_connections = most_connections(source, shared);
        if !source.socket.idle_timeout.is_zero() {
            limits.idle_timeout = source.socket.idle_timeout;
        }
        let scheme = if web.is_tls() { "https" } else { "http" };
        let address = listener.local_addr().context("cannot use the port")?;
        tracing::info!(source = source.name, "listening on {scheme}://{address}");
        web.remark();
        Ok(Server { listener, web, limits, status: Arc::new(Status::new(&source.name)) })
    }
}

impl Input for Server {
    fn read(
        self: Box<Self>,
        pipeline: &mut Pipeline,
        stop: &Arc<Stop>,
        _over: &dyn Fn(),
    ) -> anyhow::Result<Ended> {
        let Server { listener, web, limits, status } = *self;
        receive(pipeline, stop, move |intake, stop| async move {
            let ingest = Arc::new(Ingest::new(intake, status.clone()));
            let gate = Gate::new(Arc::new(web)).map_err(|_| anyhow!("the system gives no random numbers"))?;
            let site = Site {
                routes: routes(ingest.clone()),
                gate,
                connections: Arc::new(Connections::new(limits)),
                bodies: Bodies::Read(status),
            };
            let listener = tokio::net::TcpListener::from_std(listener).context("cannot use the port")?;
            let (close, closed) = oneshot::channel();
            let mut server = std::pin::pin!(serve(listener, site, closed));
            tokio::select! {
                () = &mut server => return Ok(()),
                () = stop.asked() => {}
            }
            ingest.stop();
            drop(ingest);
            let _ = close.send(());
            if tokio::time::timeout_at(stop.until().into(), server).await.is_err() {
                tracing::warn!("some senders have not ended their requests in time: they are not answered");
            }
            Ok(())
        })
    }

    fn status(&self) -> input::Status {
        input::Status::Receiver(self.status.clone())
    }
}
