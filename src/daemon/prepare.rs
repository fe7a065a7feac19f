//! What `run` starts with: the port, the ledger, the sink of events, the input.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;

use super::inputs::Inputs;
use super::{Daemon, Prepared, Start};
use crate::config::Settings;
use crate::health::Readiness;
use crate::metrics::Shown;
use crate::server::Connections;
use crate::sink;
use crate::sink::settings::EventsTo;
use crate::source::input;
use crate::source::settings::SourceKind;
use crate::source::socket::Activation;
use errtally_core::engine::Engine;
use errtally_core::enrich::Plan;
use errtally_core::ledger::{Ledger, Source};
use errtally_core::outbox::Outbox;

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
        let events = Events::open(&settings)?;
        let readiness = Arc::new(Readiness::new(events.as_ref().map(|e| e.status.clone())));
        let inputs = open(&settings, &readiness)?;
        let daemon = Daemon {
            layers,
            web: Arc::new(web),
            connections: Arc::new(Connections::new(settings.http.clone())),
            watch,
            shown: Arc::new(ArcSwap::from_pointee(shown(&settings))),
            settings,
            ledger: Arc::new(ledger),
            health: Arc::default(),
            readiness,
            log,
        };
        Ok(Prepared { daemon, listener, plan, events, inputs })
    }
}

/// Opens all sources.
fn open(settings: &Settings, readiness: &Arc<Readiness>) -> anyhow::Result<Inputs> {
    let mut inputs = Inputs::default();
    let sources = settings.inputs();
    readiness.set_sources(sources.len());
    let mut activation = Activation::from_environment();
    let shared =
        input::Shared { state_dir: settings.state_dir.as_deref(), http: &settings.http, sources: &sources };
    for source in &sources {
        let input = input::open(source, &shared, readiness.of(&source.name), &mut activation);
        let input = input.with_context(|| format!("cannot open the source {}", source.name))?;
        inputs.0.push((Source::named(&source.name), input));
    }
    Ok(inputs)
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
        let inputs = settings.inputs();
        let apart = inputs.iter().any(|source| source.kind != SourceKind::Stdin);
        let consumer = inputs.iter().find(|source| source.kind == SourceKind::Kafka);
        let kafka = consumer.map_or(&settings.kafka, |consumer| &consumer.kafka);
        let sink = sink::open(&settings.events, kafka, apart, status.clone(), stopping.clone())?;
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
    crate::server::bind(address).with_context(|| {
        format!("cannot listen on {address}; set another address with --listen, ERRTALLY_LISTEN or the key `listen`")
    })
}
