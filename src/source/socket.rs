//! What others send to: TCP, Unix sockets, UDP and Unix datagrams.
//!
//! A runtime on a thread of its own has a task for each connection; the thread
//! of the source counts what they give by the [`intake`](super::intake). At a
//! stop nobody is accepted any more, and senders are told by the end of what
//! they may read; what they have sent until then is counted.

mod connection;
mod datagrams;
mod descriptors;
mod framing;
mod listen;
mod tls;

use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::net::unix::pipe;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::forward;
use super::input::{self, Input};
use super::intake::{Intake, Refusal, Status};
use super::stop::{Ended, Stop};
use crate::source::settings::{SourceKind, SourceSettings};
use connection::Shared;
pub use descriptors::most_connections;
use errtally_core::fields::PeerName;
use errtally_core::pipeline::Pipeline;
use errtally_core::problem::Problems;
use listen::Listener;
pub use listen::{Activation, listen_tcp};
use tls::Tls;

/// How long to wait after an accept that failed: out of descriptors, mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Connections that a source of these settings may have open.
pub fn connections(source: &SourceSettings) -> usize {
    match source.kind {
        SourceKind::Tcp | SourceKind::Unix | SourceKind::Http | SourceKind::Forward => {
            source.socket.max_connections
        }
        _ => 0,
    }
}

/// What is wrong with the TLS configuration of `source`, where it has one.
///
/// # Errors
/// Every mistake in it.
pub fn check_tls(source: &SourceSettings) -> Result<(), Problems> {
    source.socket.tls_config_file.as_deref().map_or(Ok(()), |file| Tls::open(file).map(drop))
}

/// What others connect to.
pub struct Streams {
    settings: SourceSettings,
    listener: Listener,
    tls: Option<Tls>,
    forward: Option<forward::Settings>,
    status: Arc<Status>,
}

impl Streams {
    /// Listens, as `source` says.
    ///
    /// # Errors
    /// When the address or the path cannot be had, or the TLS configuration is wrong.
    pub fn open(
        source: &SourceSettings,
        shared: &input::Shared<'_>,
        activation: &mut Activation,
    ) -> anyhow::Result<Streams> {
        let mut source = source.clone();
        source.socket.max_connections = descriptors::most_connections(&source, shared);
        let tls = source.socket.tls_config_file.as_deref().map(Tls::open).transpose()?;
        let forward = (source.kind == SourceKind::Forward).then(|| forward::Settings::read(&source.socket));
        let forward = forward.transpose()?;
        let listener = Listener::open(source.kind, &source.socket.listen, activation)?;
        let status = Arc::new(Status::new(&source.name));
        tracing::info!(source = source.name, "listening on {listener}");
        Ok(Streams { settings: source, listener, tls, forward, status })
    }
}

impl Input for Streams {
    fn read(
        self: Box<Self>,
        pipeline: &mut Pipeline,
        stop: &Arc<Stop>,
        _over: &dyn Fn(),
    ) -> anyhow::Result<Ended> {
        let Streams { settings, listener, tls, forward, status } = *self;
        receive(pipeline, stop, move |intake, stop| async move {
            let (close, closing) = watch::channel(false);
            let forward = forward.map(|settings| forward::Receiver::new(settings, intake.clone()));
            let shared = Arc::new(Shared { settings: settings.socket, forward, intake, status, closing });
            serve(listener, tls.map(Arc::new), shared, close, &stop).await
        })
    }

    fn status(&self) -> input::Status {
        input::Status::Receiver(self.status.clone())
    }
}

/// What others send datagrams to.
pub struct Datagrams {
    socket: datagrams::Socket,
    status: Arc<Status>,
}

impl Datagrams {
    /// Binds, as `source` says.
    ///
    /// # Errors
    /// When the address or the path cannot be had.
    pub fn open(source: &SourceSettings, activation: &mut Activation) -> anyhow::Result<Datagrams> {
        let status = Arc::new(Status::new(&source.name));
        let socket = datagrams::Socket::open(source.kind, &source.socket.listen, activation)?;
        if let Some(inode) = socket.inode() {
            status.of_datagrams(inode);
        }
        tracing::info!(source = source.name, "listening on {socket}");
        Ok(Datagrams { socket, status })
    }
}

impl Input for Datagrams {
    fn read(
        self: Box<Self>,
        pipeline: &mut Pipeline,
        stop: &Arc<Stop>,
        _over: &dyn Fn(),
    ) -> anyhow::Result<Ended> {
        let Datagrams { socket, status } = *self;
        receive(pipeline, stop, move |intake, stop| async move { socket.take(&intake, &status, &stop).await })
    }

    fn status(&self) -> input::Status {
        input::Status::Receiver(self.status.clone())
    }
}

/// Runs `tasks` on a runtime of its own and counts what they give, until they
/// have ended and dropped their [`Intake`]. It is theirs to end when the stop
/// is asked for, by the time that it names.
///
/// # Errors
/// When they fail, or events cannot be handed over.
pub fn receive<F>(
    pipeline: &mut Pipeline,
    stop: &Arc<Stop>,
    tasks: impl FnOnce(Intake, Stopping) -> F + Send + 'static,
) -> anyhow::Result<Ended>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let (intake, counter) = Intake::new();
    let stop = stop.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime of the source")?;
    let thread = thread::Builder::new()
        .name("receiver".to_owned())
        .spawn(move || {
            let result = runtime.block_on(async { tasks(intake, Stopping::new(stop)?).await });
            // A task that is still here is one that had no time.
            runtime.shutdown_background();
            result
        })
        .context("cannot start the thread of the source")?;
    let ended = counter.run(pipeline)?;
    // Where events have gone, the tasks do not know yet; the process ends.
    if ended == Ended::EventsClosed {
        return Ok(ended);
    }
    match thread.join() {
        Ok(result) => result.map(|()| ended),
        Err(_) => Err(anyhow::anyhow!("the thread of the source is gone")),
    }
}

/// The wish to stop, for tasks.
pub struct Stopping {
    stop: Arc<Stop>,
    told: pipe::Receiver,
}

impl Stopping {
    fn new(stop: Arc<Stop>) -> anyhow::Result<Stopping> {
        let told = stop.as_fd().try_clone_to_owned().context("cannot wait for the stop")?;
        let told = pipe::Receiver::from_owned_fd(told).context("cannot wait for the stop")?;
        Ok(Stopping { stop, told })
    }

    /// Waits until it is asked for.
    pub async fn asked(&self) {
        while !self.stop.is_asked() {
            // It cannot fail on a pipe of ours; then nobody waits in vain.
            if self.told.readable().await.is_err() {
                return;
            }
        }
    }

    /// By when senders must have left, so that what they gave is counted in time.
    pub fn until(&self) -> Instant {
        let now = Instant::now();
        let until = self.stop.until().unwrap_or(now);
        now + until.saturating_duration_since(now) / 2
    }
}

/// Accepts until a stop is asked for, then waits until all have left.
async fn serve(
    listener: Listener,
    tls: Option<Arc<Tls>>,
    shared: Arc<Shared>,
    close: watch::Sender<bool>,
    stop: &Stopping,
) -> anyhow::Result<()> {
    let accepting = listener.start()?;
    let mut here = JoinSet::new();
    loop {
        tokio::select! {
            accepted = accepting.accept() => match accepted {
                Ok((stream, peer)) => enter(stream, peer, &tls, &shared, &mut here),
                Err(error) => {
                    shared.status.refuse(Refusal::Connections, None, &error.to_string());
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = here.join_next() => {}
            () = stop.asked() => break,
        }
    }
    // Who has connected before is heard, too.
    while let Some(Ok((stream, peer))) = accepting.accept_now() {
        enter(stream, peer, &tls, &shared, &mut here);
    }
    drop(accepting);
    close.send_replace(true);
    drop(shared);
    let all = async { while here.join_next().await.is_some() {} };
    if tokio::time::timeout_at(stop.until().into(), all).await.is_err() {
        tracing::warn!(
            "some senders went on sending: their connections are closed, and what came later is not counted"
        );
    }
    here.shutdown().await;
    Ok(())
}

/// Starts the task of a connection, where there is room for it.
fn enter(
    stream: listen::Accepted,
    peer: PeerName,
    tls: &Option<Arc<Tls>>,
    shared: &Arc<Shared>,
    here: &mut JoinSet<()>,
) {
    let peer = Arc::new(peer);
    if !shared.status.enter(shared.settings.max_connections) {
        return shared.status.refuse(Refusal::Connections, Some(&peer), "");
    }
    let place = Place(shared.status.clone());
    let (tls, shared) = (tls.clone(), shared.clone());
    here.spawn(async move {
        let _place = place;
        match (stream, tls) {
            (listen::Accepted::Tcp(stream), Some(tls)) => match tls.accept(stream).await {
                Ok(stream) => connection::take(stream, peer, shared).await,
                Err(why) => shared.status.refuse(Refusal::Handshake, Some(&peer), &why.to_string()),
            },
            (listen::Accepted::Tcp(stream), None) => connection::take(stream, peer, shared).await,
            (listen::Accepted::Unix(stream), _) => connection::take(stream, peer, shared).await,
        }
    });
}

/// A connection's place; free again when this is dropped.
struct Place(Arc<Status>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.leave();
    }
}
