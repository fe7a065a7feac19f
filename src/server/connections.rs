//! Every connection, what it is doing and since when: where the limits on
//! their number and on their time are kept.
//!
//! A client that sends or takes its bytes slowly costs nothing but its place,
//! and places are few. So each connection is in one of three phases with a
//! longest time each; and when all places are taken, a newcomer gets that of
//! the connection that has been quiet longest. A scraper needs its place for
//! milliseconds; those that hold on to theirs are the first to lose it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tracing::warn;

/// What one client of the HTTP server may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Most connections.
    pub max_connections: usize,
    /// Longest time to the end of a request's head.
    pub request_timeout: Duration,
    /// Longest time that a client may take over its answer.
    pub answer_timeout: Duration,
    /// How long a connection is kept between requests.
    pub idle_timeout: Duration,
}

impl Default for HttpSettings {
    fn default() -> HttpSettings {
        HttpSettings {
            max_connections: 256,
            request_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(120),
        }
    }
}

/// A client that takes this long over an answer may lose its place to a newcomer.
const LONG_ANSWER: Duration = Duration::from_secs(1);

/// How often at most to tell that the places are all taken.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Connecting, or sending a request.
    Asking,
    /// Sending what belongs to a request and is read as it comes.
    Sending,
    /// Waiting for an answer that is not yet made.
    Waiting,
    /// Taking an answer.
    Taking,
    /// Between two requests.
    Idle,
}

/// The state of one connection, shared by those who move it and those who
/// watch over it.
#[derive(Debug)]
pub struct Connection {
    phase: Mutex<(Phase, Instant)>,
    close: Notify,
    expelled: AtomicBool,
}

impl Connection {
    fn new() -> Connection {
        Connection {
            phase: Mutex::new((Phase::Asking, Instant::now())),
            close: Notify::new(),
            expelled: AtomicBool::new(false),
        }
    }

    fn phase(&self) -> MutexGuard<'_, (Phase, Instant)> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes have come.
    pub fn received(&self) {
        let mut phase = self.phase();
        match phase.0 {
            Phase::Idle => *phase = (Phase::Asking, Instant::now()),
            Phase::Sending => phase.1 = Instant::now(),
            Phase::Asking | Phase::Waiting | Phase::Taking => {}
        }
    }

    /// More of the request is waited for.
    pub fn sending(&self) {
        *self.phase() = (Phase::Sending, Instant::now());
    }

    /// A request is whole, or what has come of it is worked on.
    pub fn asked(&self) {
        *self.phase() = (Phase::Waiting, Instant::now());
    }

    /// Its answer is made.
    pub fn answered(&self) {
        *self.phase() = (Phase::Taking, Instant::now());
    }

    /// All that there was to send is with the kernel.
    pub fn sent(&self) {
        let mut phase = self.phase();
        if phase.0 == Phase::Taking {
            *phase = (Phase::Idle, Instant::now());
        }
    }

    /// Whether it is closed with an answer under way.
    pub fn is_cut_off(&self) -> bool {
        self.expelled.load(Ordering::Acquire)
            && matches!(self.phase().0, Phase::Sending | Phase::Waiting | Phase::Taking)
    }
}

/// All connections.
#[derive(Debug)]
pub struct Connections {
    limits: HttpSettings,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    left: Notify,
    told: Mutex<Option<Instant>>,
}

impl Connections {
    /// None yet.
    pub fn new(limits: HttpSettings) -> Connections {
        Connections {
            limits,
            open: Mutex::default(),
            next: AtomicU64::new(0),
            left: Notify::new(),
            told: Mutex::default(),
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.open().len()
    }

    /// Waits until one more may be accepted: it may be one too many, and
    /// [`enter`](Connections::enter) will find it a place.
    pub async fn room(&self) {
        while self.count() > self.limits.max_connections {
            let left = self.left.notified();
            if self.count() <= self.limits.max_connections {
                return;
            }
            // Where all were busy, one may have become quiet meanwhile.
            let _ = tokio::time::timeout(Duration::from_millis(50), left).await;
            self.make_room();
        }
    }

    /// Takes up a new connection.
    pub fn enter(self: &Arc<Self>) -> Place {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let connection = Arc::new(Connection::new());
        self.open().insert(id, connection.clone());
        self.make_room();
        Place { id, connection, connections: self.clone() }
    }

    /// Closes the connection that was quiet longest, where there are too many.
    fn make_room(&self) {
        if self.count() > self.limits.max_connections {
            self.expel_quietest();
            self.tell(|| {
                let max_connections = self.limits.max_connections;
                warn!(
                    max_connections,
                    "all HTTP connections are in use: each new one closes the one that was idle longest"
                );
            });
        }
    }

    /// Makes room when one more could not be accepted: descriptors have run
    /// out, mostly, and places are made of them.
    pub fn refused(&self, error: &std::io::Error) {
        self.expel_quietest();
        self.tell(
            || warn!(%error, "cannot accept an HTTP connection: closing the one that was idle longest"),
        );
    }

    fn expel_quietest(&self) {
        let open = self.open();
        let quiet = open.values().filter_map(|connection| {
            let (phase, since) = *connection.phase();
            let quiet = match phase {
                Phase::Asking | Phase::Sending | Phase::Idle => true,
                // It is not the client that is slow.
                Phase::Waiting => false,
                Phase::Taking => since.elapsed() > LONG_ANSWER,
            };
            quiet.then_some((since, connection))
        });
        if let Some((_, connection)) = quiet.min_by_key(|(since, _)| *since) {
            connection.close.notify_one();
        }
    }

    /// Calls `tell`, but not again and again.
    fn tell(&self, tell: impl Fn()) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|at| at.elapsed() > TELL_AGAIN) {
            *told = Some(Instant::now());
            tell();
        }
    }

    /// Closes those that have taken too long. To be called often.
    pub fn sweep(&self) {
        for connection in self.open().values() {
            let (phase, since) = *connection.phase();
            let longest = match phase {
                // All of a head, and each piece of a body.
                Phase::Asking | Phase::Sending => self.limits.request_timeout,
                // That time is ours, and bounded elsewhere.
                Phase::Waiting => continue,
                Phase::Taking => self.limits.answer_timeout,
                Phase::Idle => self.limits.idle_timeout,
            };
            if since.elapsed() > longest {
                connection.close.notify_one();
            }
        }
    }

    /// Closes the connection that has been taking an answer longest.
    pub fn cut_slowest(&self) {
        let open = self.open();
        let taking = open.values().filter_map(|connection| {
            let (phase, since) = *connection.phase();
            (phase == Phase::Taking).then_some((since, connection))
        });
        if let Some((_, connection)) = taking.min_by_key(|(since, _)| *since) {
            connection.close.notify_one();
        }
    }
}

/// A connection's place; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    id: u64,
    connection: Arc<Connection>,
    connections: Arc<Connections>,
}

impl Place {
    /// The connection that has it.
    pub fn connection(&self) -> Arc<Connection> {
        self.connection.clone()
    }

    /// Waits until the connection has to be closed.
    pub async fn expelled(&self) {
        self.connection.close.notified().await;
        self.connection.expelled.store(true, Ordering::Release);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().remove(&self.id);
        self.connections.left.notify_one();
    }
}
