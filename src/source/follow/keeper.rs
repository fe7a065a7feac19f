//! Positions on their way to the folder: every second where something has
//! changed, and only when the events of all that is counted have arrived.

use std::time::{Duration, Instant};

use super::files::Files;
use super::store::Writer;
use errtally_core::outbox::Outbox;

/// How often positions are written, at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// What is to be written, and when.
#[derive(Debug)]
pub struct Keeper {
    writer: Option<Writer>,
    /// Positions that wait until so many events have arrived.
    waiting: Option<(u64, Vec<u8>)>,
    next: Instant,
}

impl Keeper {
    /// By `writer`; without one nothing is kept.
    pub fn new(writer: Option<Writer>, now: Instant) -> Keeper {
        Keeper { writer, waiting: None, next: now }
    }

    /// Whether positions are kept.
    pub fn keeps(&self) -> bool {
        self.writer.is_some()
    }

    /// Takes a new stand where it is time, and writes the one whose events have
    /// arrived. All that is counted was handed over to `events`.
    pub fn tick(&mut self, files: &mut Files, events: Option<&Outbox>, now: Instant) {
        let Some(writer) = &self.writer else { return };
        if self.waiting.is_none() && now >= self.next && !writer.is_busy() {
            self.next = now + INTERVAL;
            if std::mem::take(&mut files.changed) || writer.has_failed() {
                self.waiting = Some((events.map_or(0, Outbox::taken), files.encode()));
            }
        }
        if let Some((_, text)) = self
            .waiting
            .take_if(|(taken, _)| *taken == 0 || events.is_none_or(|e| e.sink().settled() >= *taken))
        {
            writer.write(text);
        }
    }

    /// Writes how it stands at the end: all events have arrived where
    /// `settled`, else up to where they had. Whether it is written by `deadline`.
    pub fn finish(&mut self, files: &Files, settled: bool, deadline: Instant) -> bool {
        let Some(writer) = &self.writer else { return true };
        if settled {
            writer.write(files.encode());
        }
        writer.settle(deadline)
    }
}
