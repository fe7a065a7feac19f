//! Whether records are read, and if not why: what `/readyz` tells.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
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
    sources: AtomicUsize,
    /// By source, what it waits for; a failure stays.
    waiting: Mutex<Vec<Waiting>>,
    events: Option<Arc<sink::Status>>,
}

/// What a source waits for.
#[derive(Debug)]
struct Waiting {
    source: String,
    reason: Option<String>,
    failed: bool,
}

/// A source's part of it.
#[derive(Clone, Debug)]
pub struct SourceReadiness {
    all: Arc<Readiness>,
    source: String,
}

impl SourceReadiness {
    /// What the source, which is not connected, waits for, in words; none when
    /// it is connected.
    pub fn waiting(&self, reason: Option<String>) {
        self.all.tell(&self.source, reason, false);
    }
}

impl Readiness {
    /// The part of the source of this name.
    pub fn of(self: &Arc<Self>, source: &str) -> SourceReadiness {
        SourceReadiness { all: self.clone(), source: source.to_owned() }
    }

    /// Nothing is connected; `events`, where there are any, may keep records
    /// from being read.
    pub fn new(events: Option<Arc<sink::Status>>) -> Readiness {
        Readiness {
            stage: AtomicU8::new(Stage::Starting as u8),
            sources: AtomicUsize::new(1),
            waiting: Mutex::default(),
            events,
        }
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

    /// The source has ended, and should not have.
    pub fn failed(&self, source: &str, reason: String) {
        self.tell(source, Some(reason), true);
    }

    fn tell(&self, source: &str, reason: Option<String>, failed: bool) {
        let mut all = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match all.iter_mut().find(|waiting| waiting.source == source) {
            Some(waiting) if waiting.failed => {}
            Some(waiting) => (waiting.reason, waiting.failed) = (reason, failed),
            None => all.push(Waiting { source: source.to_owned(), reason, failed }),
        }
    }

    /// Why a source is not read; of several it says which.
    fn reason(&self) -> Option<String> {
        let all = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = all.iter().find(|waiting| waiting.reason.is_some())?;
        let reason = waiting.reason.clone()?;
        let alone = self.sources.load(Ordering::Relaxed) < 2 || reason.starts_with(&waiting.source);
        Some(if alone { reason } else { format!("{}: {reason}", waiting.source) })
    }

    /// Says how many sources there are.
    pub fn set_sources(&self, sources: usize) {
        self.sources.store(sources, Ordering::Relaxed);
    }

    /// Whether records are read, and what there is to say about it.
    pub fn words(&self) -> (bool, String) {
        let stage = self.get();
        let reason = self.reason().or_else(|| self.events.as_ref().and_then(|e| e.waiting()));
        match (stage, reason) {
            (Stage::Reading, Some(reason)) => (false, reason),
            _ => (stage == Stage::Reading, stage.words().to_owned()),
        }
    }
}
