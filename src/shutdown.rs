//! What each signal means, from the first moment of `run` on.
//!
//! - SIGTERM, SIGINT: stop reading, count what was read, exit 0; the second
//!   one ends the process at once.
//! - SIGHUP: load configuration and catalog again.
//!
//! The handlers stand before anything is loaded: a signal that comes while a
//! large catalog is read ends the start in order, and a SIGHUP is kept until
//! there is something to load again.

use std::io;
use std::thread;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

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
    /// To stop; the signal's number.
    Stop(i32),
    /// To reload.
    Reload,
}

impl Signals {
    /// Starts listening. Must be called within a runtime.
    ///
    /// # Errors
    /// When a handler cannot be set.
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal.
    pub async fn next(&mut self) -> Request {
        tokio::select! {
            number = stop(&mut self.terminate, &mut self.interrupt) => Request::Stop(number),
            _ = self.hangup.recv() => Request::Reload,
        }
    }

    /// The number of the next signal that asks to stop. Others wait.
    pub async fn stop(&mut self) -> i32 {
        stop(&mut self.terminate, &mut self.interrupt).await
    }
}

async fn stop(terminate: &mut Signal, interrupt: &mut Signal) -> i32 {
    tokio::select! {
        _ = terminate.recv() => libc::SIGTERM,
        _ = interrupt.recv() => libc::SIGINT,
    }
}

/// The runtime of the serving thread, listening to signals.
#[derive(Debug)]
pub struct Host {
    runtime: Option<Runtime>,
    signals: Option<Signals>,
}

impl Host {
    /// Starts listening to signals.
    ///
    /// # Errors
    /// When the system has no resources for it.
    pub fn start() -> io::Result<Host> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = runtime.block_on(async { Signals::new() })?;
        Ok(Host { runtime: Some(runtime), signals: Some(signals) })
    }

    /// Does `work` on a thread of its own; none if a signal asks to stop
    /// before it is done, which is left to the end of the process then.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn unless_stopped<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Option<T>> {
        let (Some(runtime), Some(signals)) = (&self.runtime, &mut self.signals) else { return Ok(None) };
        let (done, mut result) = oneshot::channel();
        thread::Builder::new().name("start".to_owned()).spawn(move || {
            // Nobody waits for it any more.
            let _ = done.send(work());
        })?;
        Ok(runtime.block_on(async {
            tokio::select! {
                result = &mut result => result.ok(),
                _ = signals.stop() => None,
            }
        }))
    }

    /// Runs `daemon` to its end.
    pub fn block_on<T, F: Future<Output = T>>(&mut self, daemon: impl FnOnce(Signals) -> F) -> Option<T> {
        let (runtime, signals) = (self.runtime.as_ref()?, self.signals.take()?);
        Some(runtime.block_on(async { daemon(signals).await }))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Nothing that still runs is waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
