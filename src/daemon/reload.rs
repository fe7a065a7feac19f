//! Loading again while everything else goes on.
//!
//! A large catalog takes seconds, and a file may lie on a mount that hangs. So
//! a thread loads, puts in force what records are counted by, and the serving
//! thread takes over the rest when that is done. There is one load at a time;
//! who asks meanwhile gets one more behind it.

use std::sync::Arc;
use std::thread;

use anyhow::Context;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::prepare::shown;
use super::{Daemon, Ledger};
use crate::config::{KEYS, Layers, Loaded, Settings, Watch};
use errtally_core::engine::Engine;
use errtally_core::enrich::Plan;
use errtally_core::problem::{Problem, Problems};

/// Settings that are in force for records, or why nothing has changed.
type Result = std::result::Result<Settings, Problems>;

/// The load under way.
#[derive(Debug, Default)]
pub(super) struct Reloads {
    under_way: Option<oneshot::Receiver<Result>>,
    again: bool,
}

impl Reloads {
    /// Waits for the end of the load under way; for ever where there is none.
    pub(super) async fn ended(&mut self) -> Result {
        let Some(load) = &mut self.under_way else { return std::future::pending().await };
        let result = load.await;
        self.under_way = None;
        result.unwrap_or_else(|_| Err(problem("the thread that loads has gone".to_owned())))
    }
}

/// What a load needs.
struct Load {
    layers: Layers,
    watch: Arc<Watch>,
    ledger: Arc<Ledger>,
    running: Settings,
}

impl Daemon {
    /// Begins to load configuration and catalog again.
    pub(super) fn reload(&mut self, reloads: &mut Reloads) {
        if let Some(events) = self.readiness.events() {
            events.reopen();
        }
        // It is read again by itself, and tells itself what is wrong with it.
        self.web.look();
        if reloads.under_way.is_some() {
            reloads.again = true;
            return;
        }
        let load = Load {
            layers: self.layers.clone(),
            watch: self.watch.clone(),
            ledger: self.ledger.clone(),
            running: self.settings.clone(),
        };
        let (done, result) = oneshot::channel();
        let started = thread::Builder::new().name("reload".to_owned()).spawn(move || {
            // Whoever ends the process does not wait.
            let _ = done.send(load.run());
        });
        match started {
            Ok(_) => reloads.under_way = Some(result),
            Err(error) => self.refused(&problem(format!("cannot start a thread: {error}"))),
        }
    }

    /// Takes over what a load has brought. With any problem, what was in force
    /// stays so.
    pub(super) fn reloaded(&mut self, result: Result, reloads: &mut Reloads) {
        match result {
            Ok(settings) => {
                self.shown.store(Arc::new(shown(&settings)));
                self.log.set_level(settings.log_level);
                self.settings = settings;
                self.health.reloaded(true);
                if self.layers.came_through_a_pipe() {
                    warn!(
                        "the configuration came through a pipe, which gives it once: it stays as it was; \
                         catalogs are read again"
                    );
                }
                info!("configuration and catalog reloaded");
            }
            Err(problems) => self.refused(&problems),
        }
        if std::mem::take(&mut reloads.again) {
            self.reload(reloads);
        }
    }

    fn refused(&self, problems: &Problems) {
        self.health.reloaded(false);
        for line in problems.lines() {
            error!("{line}");
        }
        error!("not reloaded: configuration and catalog stay as they were");
    }
}

impl Load {
    /// Loads, and puts in force what records are counted by.
    fn run(self) -> Result {
        self.watch.note();
        let (Loaded { settings, .. }, catalog) = self.layers.load_again()?;
        for key in KEYS.iter().filter(|k| !k.reloads && k.differs(&settings, &self.running)) {
            warn!(key = key.name, "changed in the configuration; takes effect at the next start");
        }
        let settings = settings.reloaded_over(&self.running);
        let plan = Plan::new(&settings.extraction()).map_err(problem)?;
        let set = self.watch.set(settings.watch).context("cannot start the watch");
        set.map_err(|error| problem(format!("{error:#}")))?;
        let engine = Engine::new(Arc::new(catalog), settings.options()).reading(Arc::new(plan));
        self.ledger.replace(Arc::new(engine), settings.max_unknown_codes);
        Ok(settings)
    }
}

fn problem(what: String) -> Problems {
    let mut problems = Problems::default();
    let (origin, key, remedy) = ("reload".to_owned(), String::new(), String::new());
    problems.push(Problem { origin, line: 0, key, what, remedy });
    problems
}
