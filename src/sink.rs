//! Where events go: standard output, a file or a topic.
//!
//! A sink takes whole lines and says how many of them have arrived. It waits
//! for what may pass, a full disk or a broker that is away, so that whoever
//! gives it events waits too; nothing is lost unless the user chose
//! [dropping]. What it waits for is in its [`Status`].

pub mod dropping;
pub mod file;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod queued;
pub mod settings;
pub mod status;
pub mod stream;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::anyhow;

pub use status::Status;

use errtally_core::outbox::were;
pub use errtally_core::outbox::{Sink, SinkError};

use crate::kafka::KafkaSettings;
use settings::{EventSettings, EventsTo, WhenFull};

/// How long a sink waits at most before it looks again whether it must stop.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// The failure of a sink that had `events` left when its time was over.
pub(crate) fn undelivered(events: u64, status: &Status) -> SinkError {
    let why = status.waiting().map(|reason| format!("; {reason}")).unwrap_or_default();
    SinkError::Failed(anyhow!("{} not delivered within shutdown_timeout{why}", were(events)))
}

/// Set when a stop is asked for: from then on, calls that block have until a
/// deadline.
#[derive(Debug, Default)]
pub struct Stopping {
    asked: AtomicBool,
    deadline: Mutex<Option<Instant>>,
}

impl Stopping {
    /// Asks to stop by `deadline`; the earliest one counts.
    pub fn ask(&self, deadline: Instant) {
        let mut at = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        *at = Some(at.map_or(deadline, |earlier| earlier.min(deadline)));
        self.asked.store(true, Ordering::Release);
    }

    /// By when all must have ended, where a stop was asked for.
    pub fn deadline(&self) -> Option<Instant> {
        if !self.asked.load(Ordering::Acquire) {
            return None;
        }
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the time for stopping is over.
    pub fn expired(&self) -> bool {
        self.deadline().is_some_and(|at| Instant::now() >= at)
    }
}

/// Whether `deadline`, or the time for stopping, is over.
pub(crate) fn is_over(deadline: Option<Instant>, stopping: &Stopping) -> bool {
    deadline.is_some_and(|at| Instant::now() >= at) || stopping.expired()
}

/// Opens what `settings` name, in a form that makes a source wait, or with
/// `apart` one that lets it do other work; `kafka` has the brokers of the source, which
/// events go to where no others are named.
///
/// # Errors
/// When there is nothing to open, or it cannot be opened.
#[cfg_attr(not(feature = "kafka"), allow(unused_variables))]
pub fn open(
    settings: &EventSettings,
    kafka: &KafkaSettings,
    apart: bool,
    status: Arc<Status>,
    stopping: Arc<Stopping>,
) -> anyhow::Result<Box<dyn Sink>> {
    let sink: Box<dyn Sink> = match settings.to {
        EventsTo::None => return Err(anyhow!("events go nowhere; set events.to")),
        EventsTo::Stdout => Box::new(stream::Stream::stdout(status.clone(), stopping.clone())?),
        EventsTo::File => Box::new(file::File::open(&settings.file, status.clone(), stopping.clone())?),
        #[cfg(feature = "kafka")]
        EventsTo::Kafka => {
            Box::new(kafka::Kafka::open(&settings.kafka, kafka, status.clone(), stopping.clone())?)
        }
        #[cfg(not(feature = "kafka"))]
        EventsTo::Kafka => return Err(anyhow!("this errtally was built without Kafka")),
    };
    match settings.when_full {
        WhenFull::Wait if apart => Ok(Box::new(queued::Queued::new(sink, status, stopping)?)),
        WhenFull::Wait => Ok(sink),
        WhenFull::Drop => Ok(Box::new(dropping::Dropping::new(sink, status, stopping)?)),
    }
}
