//! `run`: one thread reads and counts, one serves; this file wires them and
//! owns the order of starting and stopping.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use crate::catalog::Catalog;
#[cfg(feature = "kafka")]
use crate::config::KafkaSettings;
use crate::config::{EventsTo, KEYS, Layers, Loaded, Settings, SourceKind, Watch};
use crate::engine::Engine;
use crate::enrich::Plan;
use crate::http::server::Site;
use crate::http::{self, Connections, Gate, Readiness, Shared, Stage, Web};
use crate::ledger::{Ledger, Snapshot, Source};
use crate::live::Live;
use crate::metrics::{Exporter, Health, Process, Shown};
use crate::outbox::Outbox;
use crate::pipeline::Pipeline;
use crate::shutdown::{Request, Signals};
use crate::sink;
#[cfg(feature = "kafka")]
use crate::source::kafka;
use crate::source::stdin;
use crate::source::stop::{Ended, Stop};

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
    signals: Signals,
}

/// Reads until the end of the input or a signal, serving meanwhile. `summary`
/// is called when the input has ended, before the time to linger.
///
/// # Errors
/// When the port cannot be bound or reading fails.
pub fn run(start: Start, summary: impl Fn(&Snapshot)) -> anyhow::Result<Outcome> {
    let Start { layers, watch, settings, catalog, web } = start;
    let listener = bind(&settings.listen)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let engine = Arc::new(Engine::new(catalog, settings.options()));
    let labels: Vec<String> = settings.labels.iter().map(|l| l.name.clone()).collect();
    let ledger = Ledger::with_labels(engine, settings.max_unknown_codes, &labels, settings.max_label_sets);
    let ledger = Arc::new(ledger);
    let plan = Plan::from_settings(&settings).map_err(|what| anyhow!("{what}"))?;
    let events = Events::open(&settings)?;
    let _entered = runtime.enter();
    let daemon = Daemon {
        layers,
        web: Arc::new(web),
        connections: Arc::new(Connections::new(settings.http.clone())),
        signals: Signals::new(watch.clone()).context("cannot listen to signals")?,
        watch,
        shown: Arc::new(ArcSwap::from_pointee(shown(&settings))),
        settings,
        ledger,
        health: Arc::default(),
        readiness: Arc::new(Readiness::new(events.as_ref().map(|e| e.status.clone()))),
    };
    runtime.block_on(daemon.serve(listener, plan, events, summary))
}

/// What the daemon reads.
enum Input {
    Stdin,
    #[cfg(feature = "kafka")]
    Kafka(KafkaSettings, Arc<kafka::Status>),
}

impl Input {
    #[cfg_attr(not(feature = "kafka"), allow(unused_variables))]
    fn new(settings: &Settings, readiness: &Arc<Readiness>) -> Input {
        match settings.source {
            SourceKind::Stdin => Input::Stdin,
            #[cfg(feature = "kafka")]
            SourceKind::Kafka => {
                let status = kafka::Status::new(&settings.kafka.brokers.join(", "), readiness.clone());
                Input::Kafka(settings.kafka.clone(), Arc::new(status))
            }
            // Refused when the settings are read.
            #[cfg(not(feature = "kafka"))]
            SourceKind::Kafka => Input::Stdin,
        }
    }

    fn source(&self) -> Source {
        match self {
            Input::Stdin => Source::Stdin,
            #[cfg(feature = "kafka")]
            Input::Kafka(..) => Source::Kafka,
        }
    }

    fn read(&self, pipeline: &mut Pipeline, stop: &Arc<Stop>) -> anyhow::Result<Ended> {
        match self {
            Input::Stdin => stdin::read(std::io::stdin(), pipeline, stop),
            #[cfg(feature = "kafka")]
            Input::Kafka(settings, status) => kafka::consume(settings, pipeline, stop, status),
        }
    }
}

/// Where events go, ready to be written to.
struct Events {
    outbox: Outbox,
    status: Arc<sink::Status>,
    stopping: Arc<sink::Stopping>,
}

impl Events {
    fn open(settings: &Settings) -> anyhow::Result<Option<Events>> {
        if settings.events.to == EventsTo::None {
            return Ok(None);
        }
        let status = Arc::new(sink::Status::new(settings.events.to));
        let stopping = Arc::new(sink::Stopping::default());
        // A member of a group must be polled, whatever a sink waits for.
        let apart = settings.source == SourceKind::Kafka;
        let sink = sink::open(&settings.events, &settings.kafka, apart, status.clone(), stopping.clone())?;
        Ok(Some(Events { outbox: Outbox::new(sink), status, stopping }))
    }
}

fn shown(settings: &Settings) -> Shown {
    Shown {
        zero_init: settings.zero_init.clone(),
        code_info: settings.code_info,
        label_expiry: settings.label_expiry,
    }
}

fn bind(address: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!("cannot listen on {address}; set another address with --listen, ERRTALLY_LISTEN or the key `listen`")
    })?;
    listener.set_nonblocking(true).context("cannot use the port")?;
    Ok(listener)
}

impl Daemon {
    async fn serve(
        mut self,
        listener: TcpListener,
        plan: Plan,
        events: Option<Events>,
        summary: impl Fn(&Snapshot),
    ) -> anyhow::Result<Outcome> {
        let input = Input::new(&self.settings, &self.readiness);
        let (outbox, stopping) = events.map(|e| (e.outbox, e.stopping)).unzip();
        let process = self.process(&input);
        let exporter = Exporter::new(self.ledger.clone(), self.shown.clone(), Some(process.clone()));
        let live = Arc::new(Live::new(self.ledger.clone(), self.readiness.clone(), process));
        tokio::spawn(live.clone().sample());
        let shared = Shared {
            ledger: self.ledger.clone(),
            exporter: Arc::new(exporter),
            readiness: self.readiness.clone(),
            connections: self.connections.clone(),
            live,
        };
        let site = Site {
            routes: http::routes(shared),
            gate: Gate::new(self.web.clone()).map_err(|_| anyhow!("the system gives no random numbers"))?,
            connections: self.connections.clone(),
        };
        let address = listener.local_addr().context("cannot use the port")?;
        let listener = tokio::net::TcpListener::from_std(listener).context("cannot use the port")?;
        let (close, closed) = oneshot::channel::<()>();
        let mut server = tokio::spawn(http::server::serve(listener, site, closed));

        let stop = Arc::new(Stop::new().context("cannot make a pipe")?);
        let (done, mut ended) = oneshot::channel();
        let mut pipeline = Pipeline::with_plan(self.ledger.clone(), input.source(), Arc::new(plan), outbox);
        let reader_stop = stop.clone();
        let source = input.source().as_str();
        thread::Builder::new()
            .name("reader".to_owned())
            .spawn(move || {
                let _ = done.send(input.read(&mut pipeline, &reader_stop));
            })
            .context("cannot start the reader")?;
        self.readiness.set(Stage::Reading);
        let scheme = if self.web.is_tls() { "https" } else { "http" };
        info!(address = %address, source, "ready: {scheme}://{address}/metrics");
        self.web.remark();
        if self.settings.watch {
            self.watch.start().context("cannot start the watch")?;
        }

        // Reading, until the input ends or somebody asks to stop.
        let mut stop_asked: Option<Instant> = None;
        let mut look = tokio::time::interval(EVENTS_LOOK);
        let read = loop {
            let deadline = stop_asked
                .map(|at| (at + self.settings.shutdown_timeout).saturating_duration_since(Instant::now()));
            tokio::select! {
                result = &mut ended => break result.unwrap_or_else(|_| Err(anyhow!("the reader is gone"))),
                request = self.signals.next() => match request {
                    Request::Reload => self.reload(),
                    Request::Stop(signal) if stop_asked.is_some() => end_at_once(signal),
                    Request::Stop(_) => {
                        let now = Instant::now();
                        stop_asked = Some(now);
                        self.readiness.set(Stage::Draining);
                        stop.ask(now + self.settings.shutdown_timeout);
                        if let Some(stopping) = &stopping {
                            // Earlier, so that offsets can still be committed and it can be told what is missing.
                            stopping.ask(now + self.settings.shutdown_timeout * 3 / 4);
                        }
                    }
                },
                // While nothing is read, nobody else would be told.
                _ = look.tick(), if stopping.is_some() => {
                    if let Some(why) = self.readiness.events().and_then(|e| e.failed()) {
                        return Err(anyhow!("{why}"));
                    }
                }
                () = sleep(deadline.unwrap_or(Duration::MAX)) , if deadline.is_some() => {
                    return Err(anyhow!("reading did not stop within shutdown_timeout; some records may not be counted"));
                }
            }
        };
        let input_ended = matches!(read, Ok(Ended::Input));
        if matches!(read, Ok(Ended::EventsClosed)) {
            info!("nobody reads the events any more: stopping");
        }
        let snapshot = self.ledger.snapshot();
        if input_ended {
            summary(&snapshot);
            self.readiness.set(Stage::Ended);
            self.linger().await;
        }
        self.readiness.set(Stage::Draining);

        // Answers that are under way get the rest of the time; idle connections none.
        let _ = close.send(());
        let since = stop_asked.unwrap_or_else(Instant::now);
        let left = (since + self.settings.shutdown_timeout).saturating_duration_since(Instant::now());
        tokio::select! {
            finished = timeout(left, &mut server) => if finished.is_err() {
                warn!("a client did not take its answer within shutdown_timeout");
            },
            signal = stop_signal(&mut self.signals) => end_at_once(signal),
        }
        read?;
        if !input_ended {
            let records: u64 = snapshot.sources.iter().map(|(_, c)| c.records).sum();
            info!(records, "stopped: all that was read is counted");
        }
        Ok(Outcome { snapshot, input_ended })
    }

    /// What the exporter shows of the process beside the counts.
    #[cfg_attr(not(feature = "kafka"), allow(unused_variables))]
    fn process(&self, input: &Input) -> Process {
        Process {
            health: self.health.clone(),
            events: self.readiness.events().cloned(),
            readiness: self.readiness.clone(),
            connections: self.connections.clone(),
            web: self.web.clone(),
            #[cfg(feature = "kafka")]
            kafka: match input {
                Input::Kafka(_, status) => Some(status.clone()),
                Input::Stdin => None,
            },
        }
    }

    /// Keeps serving for `linger`, or until a signal.
    async fn linger(&mut self) {
        let until = Instant::now() + self.settings.linger;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) {
            tokio::select! {
                () = sleep(left) => return,
                request = self.signals.next() => match request {
                    Request::Reload => self.reload(),
                    Request::Stop(_) => return,
                },
            }
        }
    }

    /// Loads configuration and catalog again. With any problem, what was in
    /// force stays so.
    fn reload(&mut self) {
        if let Some(events) = self.readiness.events() {
            events.reopen();
        }
        self.watch.note();
        // It is read again by itself, and tells itself what is wrong with it.
        self.web.current();
        match self.layers.load() {
            Ok((Loaded { settings, .. }, catalog)) => {
                for key in
                    KEYS.iter().filter(|k| !k.reloads && (k.show)(&settings) != (k.show)(&self.settings))
                {
                    warn!(key = key.name, "changed in the configuration; takes effect at the next start");
                }
                let engine = Arc::new(Engine::new(Arc::new(catalog), settings.options()));
                self.ledger.replace(engine, settings.max_unknown_codes);
                self.shown.store(Arc::new(shown(&settings)));
                self.settings = settings;
                self.health.reloaded(true);
                info!("configuration and catalog reloaded");
            }
            Err(problems) => {
                self.health.reloaded(false);
                for problem in problems.iter() {
                    error!("{problem}");
                }
                error!("not reloaded: configuration and catalog stay as they were");
            }
        }
    }
}

/// The number of the next signal that asks to stop.
async fn stop_signal(signals: &mut Signals) -> i32 {
    loop {
        if let Request::Stop(signal) = signals.next().await {
            return signal;
        }
    }
}

/// The second signal: nothing is waited for.
fn end_at_once(signal: i32) -> ! {
    eprintln!("errtally: ended at once by a second signal");
    std::process::exit(128 + signal)
}
