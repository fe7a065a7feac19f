//! What each signal means.
//!
//! - SIGTERM, SIGINT: stop reading, count what was read, exit 0; the second
//!   one ends the process at once.
//! - SIGHUP: load configuration and catalog again.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that the daemon listens to.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
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
    /// Starts listening.
    ///
    /// # Errors
    /// When a handler cannot be set.
    pub fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal.
    pub async fn next(&mut self) -> Request {
        tokio::select! {
            _ = self.terminate.recv() => Request::Stop(SignalKind::terminate().as_raw_value()),
            _ = self.interrupt.recv() => Request::Stop(SignalKind::interrupt().as_raw_value()),
            _ = self.hangup.recv() => Request::Reload,
        }
    }
}
