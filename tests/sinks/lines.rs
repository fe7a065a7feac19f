//! Numbered lines, and a sink with all that belongs to it.

use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use errtally::config::Settings;
use errtally::sink::settings::{EventSettings, EventsTo};
use errtally::sink::{Sink, SinkError, Status, Stopping, open};

/// Lines of different lengths that tell their number.
pub fn lines(numbers: Range<u64>) -> String {
    let mut text = String::new();
    for n in numbers {
        let filler = "x".repeat((n as usize * 7919) % 211);
        writeln!(text, "{{\"time\":\"t\",\"code\":\"Ecs.{:04}\",\"n\":{n},\"x\":\"{filler}\"}}", n % 7)
            .expect("memory");
    }
    text
}

/// What a sink is given besides lines.
#[derive(Clone)]
pub struct Around {
    pub status: Arc<Status>,
    pub stopping: Arc<Stopping>,
}

impl Around {
    pub fn new(to: EventsTo) -> Around {
        Around { status: Arc::new(Status::new(to)), stopping: Arc::default() }
    }

    pub fn open(&self, settings: &EventSettings) -> anyhow::Result<Box<dyn Sink>> {
        open(settings, &Settings::default().kafka, false, self.status.clone(), self.stopping.clone())
    }

    /// So that a thread that waits does not hang a test that has failed already.
    pub fn ends_if_the_test_fails(&self) -> Ends {
        Ends(self.stopping.clone())
    }

    pub fn ask_to_stop(&self, within: Duration) {
        self.stopping.ask(Instant::now() + within);
    }
}

/// Ends a wait that nothing else would end.
pub struct Ends(Arc<Stopping>);

impl Drop for Ends {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.ask(Instant::now());
        }
    }
}

/// The reason of a failure.
#[track_caller]
pub fn failed(result: Result<(), SinkError>) -> String {
    match result {
        Err(SinkError::Failed(error)) => format!("{error:#}"),
        other => panic!("not a failure: {other:?}"),
    }
}
