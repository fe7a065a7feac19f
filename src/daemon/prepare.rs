//! What `run` starts with: the port, the ledger, the sink of events, the input.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;

use super::{Daemon, Prepared, Start};
#[cfg(feature = "kafka")]
use crate::config::KafkaSettings;
use crate::config::{EventsTo, FileSettings, Settings, SourceKind};
use crate::http::{self, Connections, Readiness};
use crate::metrics::Shown;
use crate::sink;
use crate::source::follow::{self, Store};
#[cfg(feature = "kafka")]
use crate::source::kafka;
use crate::source::stdin;
use crate::source::stop::{Ended, Stop};
use errtally_core::engine::Engine;
use errtally_core::enrich::Plan;
use errtally_core::ledger::{Ledger, Source};
use errtally_core::outbox::Outbox;
use errtally_core::pipeline::Pipeline;

impl Prepared {
    /// Binds the port and opens what events go to.
    ///
    /// # Errors
    /// When either fails, or the settings do not fit together.
    pub fn new(start: Start) -> anyhow::Result<Prepared> {
        let Start { layers, watch, settings, catalog, web, log } = start;
        let listener = bind(&settings.listen)?;
        let engine = Arc::new(Engine::new(catalog, settings.options()));
        let labels: Vec<String> = settings.labels.iter().map(|l| l.name.clone()).collect();
        let ledger =
            Ledger::with_labels(engine, settings.max_unknown_codes, &labels, settings.max_label_sets);
        let plan = Plan::new(&settings.extraction()).map_err(|what| anyhow!("{what}"))?;
        let store = positions(&settings)?;
        let events = Events::open(&settings)?;
        let daemon = Daemon {
            layers,
            web: Arc::new(web),
            connections: Arc::new(Connections::new(settings.http.clone())),
            watch,
            shown: Arc::new(ArcSwap::from_pointee(shown(&settings))),
            settings,
            ledger: Arc::new(ledger),
            health: Arc::default(),
            readiness: Arc::new(Readiness::new(events.as_ref().map(|e| e.status.clone()))),
            log,
        };
        Ok(Prepared { daemon, listener, plan, events, store })
    }
}

/// What the daemon reads.
pub(super) enum Input {
    Stdin(Arc<stdin::Status>),
    File(Box<Files>, Arc<follow::Status>),
    #[cfg(feature = "kafka")]
    Kafka(KafkaSettings, Arc<kafka::Status>),
}

impl Input {
    #[cfg_attr(not(feature = "kafka"), allow(unused_variables))]
    pub(super) fn new(settings: &Settings, store: Option<Store>, readiness: &Arc<Readiness>) -> Input {
        match settings.source {
            SourceKind::Stdin => Input::Stdin(Arc::default()),
            SourceKind::File => {
                let connections = settings.http.max_connections;
                let files = Files { settings: settings.file.clone(), store, connections };
                Input::File(Box::new(files), Arc::new(follow::Status::new(readiness.clone())))
            }
            #[cfg(feature = "kafka")]
            SourceKind::Kafka => {
                let status = kafka::Status::new(&settings.kafka.brokers.join(", "), readiness.clone());
                Input::Kafka(settings.kafka.clone(), Arc::new(status))
            }
            // Refused when the settings are read.
            #[cfg(not(feature = "kafka"))]
            SourceKind::Kafka => Input::Stdin(Arc::default()),
        }
    }

    pub(super) fn source(&self) -> Source {
        match self {
            Input::Stdin(_) => Source::STDIN,
            Input::File(..) => Source::FILE,
            #[cfg(feature = "kafka")]
            Input::Kafka(..) => Source::KAFKA,
        }
    }

    /// Reads to the end; `over` is called when the input has none left, before
    /// what was read is handed over.
    pub(super) fn read(
        self,
        pipeline: &mut Pipeline,
        stop: &Arc<Stop>,
        over: impl FnOnce(),
    ) -> anyhow::Result<Ended> {
        match self {
            Input::Stdin(status) => stdin::read(std::io::stdin(), pipeline, stop, &status, over),
            Input::File(files, status) => {
                let Files { settings, store, connections } = *files;
                follow::follow(&settings, store, connections, pipeline, stop, &status)
            }
            #[cfg(feature = "kafka")]
            Input::Kafka(settings, status) => kafka::consume(&settings, pipeline, stop, &status),
        }
    }
}

/// Which files are read, and from where on.
pub(super) struct Files {
    settings: FileSettings,
    store: Option<Store>,
    connections: usize,
}

/// Opens the folder in which positions are kept, where they are.
fn positions(settings: &Settings) -> anyhow::Result<Option<Store>> {
    match &settings.state_dir {
        _ if settings.source != SourceKind::File => Ok(None),
        Some(folder) => Store::open(folder).map(Some),
        None => {
            tracing::warn!("{}", follow::NOT_KEPT);
            Ok(None)
        }
    }
}

/// Where events go, ready to be written to.
pub(super) struct Events {
    pub(super) outbox: Outbox,
    status: Arc<sink::Status>,
    pub(super) stopping: Arc<sink::Stopping>,
}

impl Events {
    fn open(settings: &Settings) -> anyhow::Result<Option<Events>> {
        if settings.events.to == EventsTo::None {
            return Ok(None);
        }
        let status = Arc::new(sink::Status::new(settings.events.to));
        let stopping = Arc::new(sink::Stopping::default());
        // A member of a group must be polled, and files looked at, whatever a sink waits for.
        let apart = settings.source != SourceKind::Stdin;
        let sink = sink::open(&settings.events, &settings.kafka, apart, status.clone(), stopping.clone())?;
        Ok(Some(Events { outbox: Outbox::new(sink), status, stopping }))
    }
}

pub(super) fn shown(settings: &Settings) -> Shown {
    Shown {
        zero_init: settings.zero_init.clone(),
        code_info: settings.code_info,
        label_expiry: settings.label_expiry,
    }
}

fn bind(address: &str) -> anyhow::Result<TcpListener> {
    http::bind(address).with_context(|| {
        format!("cannot listen on {address}; set another address with --listen, ERRTALLY_LISTEN or the key `listen`")
    })
}
