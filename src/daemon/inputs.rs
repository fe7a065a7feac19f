//! The sources of a daemon: a thread each, which all end before it does.
//!
//! One that fails leaves the others alone; `/readyz` says which it is, and the
//! daemon fails at its end. A sink of events that has gone is for all of them.

use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow};
use tokio::sync::mpsc;
use tracing::{error, info};

use super::ending::InputOver;
use crate::http::Readiness;
use crate::source::input::{Input, Status};
use crate::source::stop::{Ended, Stop};
use errtally_core::enrich::Plan;
use errtally_core::ledger::{Ledger, Source};
use errtally_core::outbox::Outbox;
use errtally_core::pipeline::Pipeline;

/// Sources that are open, each with its name.
#[derive(Default)]
pub(super) struct Inputs(pub(super) Vec<(Source, Box<dyn Input>)>);

/// What the threads have in common.
pub(super) struct Common {
    pub(super) ledger: Arc<Ledger>,
    pub(super) plan: Arc<Plan>,
    pub(super) events: Option<Outbox>,
    pub(super) stop: Arc<Stop>,
    pub(super) over: Arc<InputOver>,
}

/// Sources that are read.
pub(super) struct Reading {
    ended: mpsc::UnboundedReceiver<(Source, anyhow::Result<Ended>)>,
    left: Vec<Source>,
    closed: bool,
    failure: Option<anyhow::Error>,
}

impl Inputs {
    /// What `/metrics` shows of them.
    pub(super) fn statuses(&self) -> Vec<(Source, Status)> {
        self.0.iter().map(|(source, input)| (*source, input.status())).collect()
    }

    /// Their names, for the log.
    pub(super) fn names(&self) -> String {
        let names: Vec<_> = self.0.iter().map(|(source, _)| source.as_str()).collect();
        names.join(", ")
    }

    /// Starts a thread for each.
    pub(super) fn start(self, common: Common) -> anyhow::Result<Reading> {
        let Common { ledger, plan, events, stop, over } = common;
        let (done, ended) = mpsc::unbounded_channel();
        let mut left = Vec::new();
        for (source, input) in self.0 {
            let outbox = events.as_ref().map(Outbox::another);
            let mut pipeline = Pipeline::with_plan(ledger.clone(), source, plan.clone(), outbox);
            let (done, stop, over) = (done.clone(), stop.clone(), over.clone());
            thread::Builder::new()
                .name("reader".to_owned())
                .spawn(move || {
                    let result = input.read(&mut pipeline, &stop, &|| over.tell());
                    // Whoever ends the process does not wait.
                    let _ = done.send((source, result));
                })
                .context("cannot start the reader")?;
            left.push(source);
        }
        Ok(Reading { ended, left, closed: false, failure: None })
    }
}

impl Reading {
    /// Waits for the end of one. Whether all have ended then.
    pub(super) async fn one_ended(&mut self, readiness: &Readiness, stop: &Stop) -> bool {
        let (source, result) = match self.ended.recv().await {
            Some(ended) => ended,
            None => {
                self.failure.get_or_insert_with(|| anyhow!("the reader is gone"));
                return true;
            }
        };
        self.left.retain(|other| *other != source);
        let source = source.as_str();
        match result {
            Ok(Ended::EventsClosed) => {
                self.closed = true;
                // Nobody else can hand over any.
                stop.ask(std::time::Instant::now());
            }
            Ok(Ended::Input) if !self.left.is_empty() => {
                info!(source, "its input has ended; the other sources are read on");
            }
            Ok(_) => {}
            Err(failure) => {
                if !self.left.is_empty() {
                    error!(source, "{failure:#}; the other sources are read on");
                    readiness.failed(source, format!("{source} has failed: {failure:#}"));
                }
                self.failure.get_or_insert(failure);
            }
        }
        self.left.is_empty()
    }

    /// How all of them have ended.
    pub(super) fn outcome(self) -> anyhow::Result<Ended> {
        match self.failure {
            Some(failure) => Err(failure),
            None if self.closed => Ok(Ended::EventsClosed),
            None => Ok(Ended::Stopped),
        }
    }
}
