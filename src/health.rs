//! Whether records are read, and if not why: what `/readyz` tells.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::sink;

/// What `/readyz` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// The source is not connected yet.
    Starting,
    /// Records are read.
    Reading,
    /// The input has ended; `/metrics` lingers.
    Ended,
    /// On the way out.
    Draining,
}

impl Stage {
    fn words(self) -> &'static str {
        match self {
            Stage::Starting => "starting: the source is not connected yet",
            Stage::Reading => "ready",
            Stage::Ended => "the input has ended; the counts are final",
            Stage::Draining => "draining: stopping",
        }
    }
}

/// The stage, and what the source waits for, shared by the daemon, the source
/// and the server.
#[derive(Debug)]
pub struct Readiness {
    stage: AtomicU8,
    waiting: Mutex<Option<String>>,
    events: Option<Arc<sink::Status>>,
}

impl Readiness {
    /// Nothing is connected; `events`, where there are any, may keep records
    /// from being read.
    pub fn new(events: Option<Arc<sink::Status>>) -> Readiness {
        Readiness { stage: AtomicU8::new(Stage::Starting as u8), waiting: Mutex::new(None), events }
    }

    /// The state of the events' sink.
    pub fn events(&self) -> Option<&Arc<sink::Status>> {
        self.events.as_ref()
    }

    /// Moves to `stage`.
    pub fn set(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Release);
    }

    /// The present stage.
    pub fn get(&self) -> Stage {
        let stages = [Stage::Starting, Stage::Reading, Stage::Ended, Stage::Draining];
        stages[usize::from(self.stage.load(Ordering::Acquire)).min(stages.len() - 1)]
    }

    /// What a source that is not connected waits for, in words; none when it
    /// is connected.
    pub fn waiting(&self, reason: Option<String>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Whether records are read, and what there is to say about it.
    pub fn words(&self) -> (bool, String) {
        let stage = self.get();
        let source = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let reason = source.or_else(|| self.events.as_ref().and_then(|e| e.waiting()));
        match (stage, reason) {
            (Stage::Reading, Some(reason)) => (false, reason),
            _ => (stage == Stage::Reading, stage.words().to_owned()),
        }
    }
}
