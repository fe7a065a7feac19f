//! The end of `run`: every one has a deadline, and says which way it went.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{info, warn};

use super::reload::Reloads;
use super::{Daemon, log};
use crate::metrics::Exporter;
use crate::shutdown::{Request, Signals};
use crate::sink::Stopping;

/// How often it is looked whether the last scrape has come.
const SCRAPE_LOOK: Duration = Duration::from_millis(20);

/// An end that has begun.
#[derive(Debug)]
pub(super) struct Ending {
    until: Instant,
    signal: Option<i32>,
    failed: bool,
}

impl Ending {
    /// The input has ended: what was read has `time` to be delivered.
    pub(super) fn of_input(time: Duration, events: Option<&Stopping>) -> Ending {
        Ending::begin(time, events, None)
    }

    /// Reading has failed: what was counted has `time` to be seen.
    pub(super) fn of_failure(time: Duration) -> Ending {
        Ending { failed: true, ..Ending::begin(time, None, None) }
    }

    /// A signal asks to stop within `time`.
    pub(super) fn by(signal: i32, time: Duration, events: Option<&Stopping>) -> Ending {
        Ending::begin(time, events, Some(signal))
    }

    fn begin(time: Duration, events: Option<&Stopping>, signal: Option<i32>) -> Ending {
        let now = Instant::now();
        if let Some(events) = events {
            // Earlier, so that offsets can still be committed and it can be told what is missing.
            events.ask((now + time * 3 / 4).into_std());
        }
        Ending { until: now + time, signal, failed: false }
    }

    /// By when all must be over.
    pub(super) fn until(&self) -> Instant {
        self.until
    }

    /// A signal asks to stop: the second one ends the process.
    pub(super) fn asked(&mut self, signal: i32) {
        if self.signal.is_some() {
            end_at_once(signal);
        }
        self.signal = Some(signal);
    }

    /// Whether a signal has asked for it.
    pub(super) fn is_asked(&self) -> bool {
        self.signal.is_some()
    }

    /// Whether a last scrape may be waited for: a service manager asks to stop,
    /// who waits, and not a person at a terminal; or nobody asked.
    fn may_wait(&self) -> bool {
        self.signal == Some(libc::SIGTERM) || (self.failed && self.signal.is_none())
    }
}

/// Whether the inputs of all sources have ended, told by the threads that read them.
#[derive(Debug)]
pub(super) struct InputOver {
    left: AtomicUsize,
    told: Notify,
}

impl InputOver {
    pub(super) fn of(sources: usize) -> InputOver {
        InputOver { left: AtomicUsize::new(sources), told: Notify::new() }
    }

    /// One has ended by itself.
    pub(super) fn tell(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.told.notify_one();
        }
    }

    pub(super) fn is(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0
    }

    pub(super) async fn wait(&self) {
        self.told.notified().await;
    }
}

impl Daemon {
    /// Keeps serving for `linger`, or until a signal.
    pub(super) async fn linger(&mut self, signals: &mut Signals, reloads: &mut Reloads) {
        let until = Instant::now() + self.settings.linger;
        loop {
            tokio::select! {
                request = timeout_at(until, self.request(signals)) => match request {
                    Ok(Request::Reload) => self.reload(reloads),
                    Ok(Request::Stop(_)) | Err(_) => return,
                },
                loaded = reloads.ended() => self.reloaded(loaded, reloads),
            }
        }
    }

    /// Waits for a scrape of the final counts, where somebody scrapes and has
    /// not seen them: offsets are committed, so nobody else will count these
    /// records again.
    pub(super) async fn last_scrape(
        &mut self,
        ending: &Ending,
        records: u64,
        exporter: &Exporter,
        signals: &mut Signals,
    ) {
        let unseen = || records.saturating_sub(exporter.seen_records());
        if !ending.may_wait() || !exporter.is_scraped() || unseen() == 0 {
            return;
        }
        // The answer wants some time, too.
        let margin = (self.settings.shutdown_timeout / 10).min(Duration::from_millis(500));
        let until = ending.until - margin;
        info!(
            records = unseen(),
            "waiting for a last scrape: these records were counted since the one before"
        );
        while unseen() > 0 {
            if Instant::now() >= until {
                warn!(
                    records = unseen(),
                    "nobody scraped within shutdown_timeout: what was counted in these records is not seen; \
                     set shutdown_timeout longer than the interval of scrapes"
                );
                return;
            }
            tokio::select! {
                () = sleep(SCRAPE_LOOK) => {}
                signal = signals.stop() => if ending.is_asked() { end_at_once(signal) } else { return },
            }
        }
    }

    /// Answers that are under way get until `until`; idle connections none.
    pub(super) async fn close(
        &self,
        until: Instant,
        server: impl Future<Output = ()>,
        signals: &mut Signals,
    ) {
        tokio::select! {
            finished = timeout_at(until, server) => if finished.is_err() {
                warn!("a client did not take its answer within shutdown_timeout");
            },
            signal = signals.stop() => end_at_once(signal),
        }
    }
}

/// The second signal: nothing is waited for.
fn end_at_once(signal: i32) -> ! {
    log::stderr::say("ended at once by a second signal");
    std::process::exit(128 + signal)
}
