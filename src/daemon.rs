//! `run`: one thread reads and counts, one serves; this file wires them and
//! owns the order of starting and stopping.

mod ending;
mod inputs;
mod prepare;
mod reload;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info};

use crate::config::{Layers, Settings, Watch};
use crate::health::{Readiness, Stage};
use crate::http::{self, Shared};
use crate::live::Live;
use crate::log;
use crate::metrics::{Exporter, Health, Process, Shown};
use crate::server::{self, Bodies, Connections, Gate, Site, Web};
use crate::shutdown::{Host, Request, Signals};
use crate::source::stop::{Ended, Stop};
use ending::{Ending, InputOver};
use errtally_core::catalog::Catalog;
use errtally_core::enrich::Plan;
use errtally_core::ledger::{Ledger, Snapshot};
use inputs::{Common, Inputs};
use prepare::Events;
use reload::Reloads;

/// How often it is looked whether the events' sink has failed by itself.
const EVENTS_LOOK: Duration = Duration::from_secs(1);

/// How the daemon ended, for the summary.
#[derive(Debug)]
pub struct Outcome {
    /// The final counts.
    pub snapshot: Snapshot,
    /// Whether the input ended by itself.
    pub input_ended: bool,
}

/// What the daemon starts with.
#[derive(Debug)]
pub struct Start {
    /// Where the settings come from.
    pub layers: Layers,
    /// What notices their changes.
    pub watch: Arc<Watch>,
    /// The settings.
    pub settings: Settings,
    /// The catalog.
    pub catalog: Arc<Catalog>,
    /// TLS and authentication.
    pub web: Web,
    /// What became of log lines.
    pub log: Arc<log::Counters>,
}

/// A daemon that has its port and its sink, and reads nothing yet.
pub struct Prepared {
    daemon: Daemon,
    listener: TcpListener,
    plan: Plan,
    events: Option<Events>,
    inputs: Inputs,
}

struct Daemon {
    layers: Layers,
    watch: Arc<Watch>,
    web: Arc<Web>,
    connections: Arc<Connections>,
    settings: Settings,
    ledger: Arc<Ledger>,
    shown: Arc<ArcSwap<Shown>>,
    health: Arc<Health>,
    readiness: Arc<Readiness>,
    log: Arc<log::Counters>,
}

impl Prepared {
    /// Reads until the end of the input or a signal, serving meanwhile.
    /// `summary` is called when the input has ended, before the time to linger.
    ///
    /// # Errors
    /// When reading fails, or not all could be delivered in time.
    pub fn run(self, host: &mut Host, summary: impl Fn(&Snapshot)) -> anyhow::Result<Outcome> {
        let Prepared { daemon, listener, plan, events, inputs } = self;
        host.block_on(|signals| daemon.serve(signals, listener, plan, (events, inputs), summary))
            .unwrap_or_else(|| Err(anyhow!("the runtime runs already")))
    }
}

impl Daemon {
    async fn serve(
        mut self,
        mut signals: Signals,
        listener: TcpListener,
        plan: Plan,
        (events, inputs): (Option<Events>, Inputs),
        summary: impl Fn(&Snapshot),
    ) -> anyhow::Result<Outcome> {
        let (outbox, stopping) = events.map(|e| (e.outbox, e.stopping)).unzip();
        let process = self.process(&inputs);
        let exporter =
            Arc::new(Exporter::new(self.ledger.clone(), self.shown.clone(), Some(process.clone())));
        let live = Arc::new(Live::new(self.ledger.clone(), self.readiness.clone(), process));
        tokio::spawn(live.clone().sample());
        let shared = Shared {
            ledger: self.ledger.clone(),
            exporter: exporter.clone(),
            readiness: self.readiness.clone(),
            connections: self.connections.clone(),
            live,
        };
        let site = Site {
            routes: http::routes(shared),
            gate: Gate::new(self.web.clone()).map_err(|_| anyhow!("the system gives no random numbers"))?,
            connections: self.connections.clone(),
            bodies: Bodies::Unread,
        };
        let address = listener.local_addr().context("cannot use the port")?;
        let listener = tokio::net::TcpListener::from_std(listener).context("cannot use the port")?;
        let (close, closed) = oneshot::channel::<()>();
        let server = tokio::spawn(server::serve(listener, site, closed));

        let stop = Arc::new(Stop::new().context("cannot make a pipe")?);
        let input_over = Arc::new(InputOver::of(inputs.0.len()));
        let source = inputs.names();
        let mut reading = inputs.start(Common {
            ledger: self.ledger.clone(),
            plan: Arc::new(plan),
            events: outbox,
            stop: stop.clone(),
            over: input_over.clone(),
        })?;
        self.readiness.set(Stage::Reading);
        let scheme = if self.web.is_tls() { "https" } else { "http" };
        info!(address = %address, source, "ready: {scheme}://{address}/metrics");
        self.web.remark();
        self.watch.set(self.settings.watch).context("cannot start the watch")?;

        // Reading, until the input ends or somebody asks to stop.
        let mut ending: Option<Ending> = None;
        let mut reloads = Reloads::default();
        let mut look = tokio::time::interval(EVENTS_LOOK);
        loop {
            let until = ending.as_ref().map(Ending::until);
            let time = self.settings.shutdown_timeout;
            tokio::select! {
                all = reading.one_ended(&self.readiness, &stop) => if all {
                    break;
                },
                () = input_over.wait() => {
                    ending.get_or_insert_with(|| Ending::of_input(time, stopping.as_deref()));
                }
                request = self.request(&mut signals) => match (request, &mut ending) {
                    (Request::Reload, _) => self.reload(&mut reloads),
                    (Request::Stop(signal), Some(ending)) => ending.asked(signal),
                    (Request::Stop(signal), None) => {
                        self.readiness.set(Stage::Draining);
                        let asked = Ending::by(signal, time, stopping.as_deref());
                        stop.ask(asked.until().into_std());
                        ending = Some(asked);
                    }
                },
                loaded = reloads.ended() => self.reloaded(loaded, &mut reloads),
                // While nothing is read, nobody else would be told.
                _ = look.tick(), if stopping.is_some() => {
                    if let Some(why) = self.readiness.events().and_then(|e| e.failed()) {
                        return Err(anyhow!("{why}"));
                    }
                }
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {
                    return Err(anyhow!("reading did not stop within shutdown_timeout; some records may not be counted"));
                }
            }
        }
        let read = reading.outcome();
        if matches!(read, Ok(Ended::EventsClosed)) {
            info!("nobody reads the events any more: stopping");
        }
        let snapshot = self.ledger.snapshot();
        let input_ended = input_over.is() && !matches!(read, Ok(Ended::EventsClosed));
        let time = self.settings.shutdown_timeout;
        let mut ending = match &read {
            Err(error) => {
                error!(records = snapshot.records(), "reading failed: {error:#}");
                ending.unwrap_or_else(|| Ending::of_failure(time))
            }
            Ok(_) => ending.unwrap_or_else(|| Ending::of_input(time, None)),
        };
        if input_ended {
            summary(&snapshot);
            if !ending.is_asked() {
                self.readiness.set(Stage::Ended);
                self.linger(&mut signals, &mut reloads).await;
                ending = Ending::of_input(time, None);
            }
        }
        self.readiness.set(Stage::Draining);
        self.last_scrape(&ending, snapshot.records(), &exporter, &mut signals).await;
        let _ = close.send(());
        self.close(ending.until(), async { drop(server.await) }, &mut signals).await;
        read?;
        if !input_ended {
            info!(
                records = snapshot.records(),
                "stopped: all that was read is counted{}",
                delivered(&self.readiness)
            );
        }
        Ok(Outcome { snapshot, input_ended })
    }

    /// What is asked for next, by a signal or by a change of the files.
    async fn request(&self, signals: &mut Signals) -> Request {
        tokio::select! {
            request = signals.next() => request,
            () = self.watch.changed() => Request::Reload,
        }
    }

    /// What the exporter shows of the process beside the counts.
    fn process(&self, inputs: &Inputs) -> Process {
        Process {
            log: self.log.clone(),
            health: self.health.clone(),
            events: self.readiness.events().cloned(),
            readiness: self.readiness.clone(),
            connections: self.connections.clone(),
            web: self.web.clone(),
            sources: inputs.statuses(),
        }
    }
}

fn delivered(readiness: &Readiness) -> &'static str {
    if readiness.events().is_some() { ", all events are delivered" } else { "" }
}
