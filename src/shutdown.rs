//! What each signal means.
//!
//! - SIGTERM, SIGINT: stop reading, count what was read, exit 0; the second
//!   one ends the process at once.
//! - SIGHUP: load configuration and catalog again; a change that is watched
//!   for asks for the same.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Watch;

/// The signals that the daemon listens to.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    watch: Arc<Watch>,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// To stop; the signal's number, for the exit status of an abrupt end.
    Stop(i32),
    /// To reload.
    Reload,
}

impl Signals {
    /// Starts listening, also to what `watch` notices.
    ///
    /// # Errors
    /// When a handler cannot be set.
    pub fn new(watch: Arc<Watch>) -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            watch,
        })
    }

    /// The next signal.
    pub async fn next(&mut self) -> Request {
        tokio::select! {
            _ = self.terminate.recv() => Request::Stop(SignalKind::terminate().as_raw_value()),
            _ = self.interrupt.recv() => Request::Stop(SignalKind::interrupt().as_raw_value()),
            _ = self.hangup.recv() => Request::Reload,
            () = self.watch.changed() => Request::Reload,
        }
    }
}
