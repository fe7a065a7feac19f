//! Every source, as the daemon sees it: opened, read by a thread of its own,
//! and asked for its state. [`open`] is where a new one is registered.

use std::path::Path;
use std::sync::Arc;

use super::follow::{self, Store};
#[cfg(feature = "kafka")]
use super::kafka;
use super::settings::{FileSettings, SourceKind, SourceSettings};
use super::socket::Activation;
use super::stop::{Ended, Stop};
use super::{http, intake, socket, stdin};
use crate::health::SourceReadiness;
#[cfg(feature = "kafka")]
use crate::kafka::KafkaSettings;
use crate::server::HttpSettings;
use errtally_core::pipeline::Pipeline;

/// A source that is open and read by nobody yet.
pub trait Input: Send {
    /// Reads to the end of the input, or until `stop` asks; what was read is
    /// counted then and its events handed over. `over` is called where the
    /// input has ended by itself, before that.
    ///
    /// # Errors
    /// When it cannot be read, or events cannot be handed over.
    fn read(
        self: Box<Self>,
        pipeline: &mut Pipeline,
        stop: &Arc<Stop>,
        over: &dyn Fn(),
    ) -> anyhow::Result<Ended>;

    /// What `/metrics` shows of it.
    fn status(&self) -> Status;
}

/// The state of a source, shared with whoever shows it.
#[derive(Clone, Debug)]
pub enum Status {
    /// Of standard input.
    Stdin(Arc<stdin::Status>),
    /// Of files.
    Files(Arc<follow::Status>),
    /// Of a consumer group.
    #[cfg(feature = "kafka")]
    Kafka(Arc<kafka::Status>),
    /// Of what others send to.
    Receiver(Arc<intake::Status>),
}

/// What sources have in common.
#[derive(Clone, Debug)]
pub struct Shared<'s> {
    /// Where positions are kept.
    pub state_dir: Option<&'s Path>,
    /// What a client over HTTP may cost.
    pub http: &'s HttpSettings,
    /// All of them.
    pub sources: &'s [SourceSettings],
}

impl Shared<'_> {
    /// Most connections of the process, to all sources and to the HTTP server.
    pub fn connections(&self) -> usize {
        self.http.max_connections + self.sources.iter().map(socket::connections).sum::<usize>()
    }
}

/// Opens `source`: what is wrong with an address, a socket or a folder is told
/// before anything is read.
///
/// # Errors
/// When it cannot be opened.
pub fn open(
    source: &SourceSettings,
    shared: &Shared<'_>,
    readiness: SourceReadiness,
    activation: &mut Activation,
) -> anyhow::Result<Box<dyn Input>> {
    match source.kind {
        SourceKind::Stdin => Ok(Box::new(Stdin(Arc::default()))),
        SourceKind::File => Ok(Box::new(Files::open(source, shared, readiness)?)),
        #[cfg(feature = "kafka")]
        SourceKind::Kafka => Ok(Box::new(Kafka::new(source, readiness))),
        #[cfg(not(feature = "kafka"))]
        SourceKind::Kafka => Err(anyhow::anyhow!("this errtally was built without Kafka")),
        SourceKind::Http => Ok(Box::new(http::Server::open(source, shared, activation)?)),
        SourceKind::Tcp | SourceKind::Unix | SourceKind::Forward => {
            Ok(Box::new(socket::Streams::open(source, shared, activation)?))
        }
        SourceKind::Udp | SourceKind::Unixgram => Ok(Box::new(socket::Datagrams::open(source, activation)?)),
    }
}

/// Standard input.
struct Stdin(Arc<stdin::Status>);

impl Input for Stdin {
    fn read(
        self: Box<Self>,
        pipeline: &mut Pipeline,
        stop: &Arc<Stop>,
        over: &dyn Fn(),
    ) -> anyhow::Result<Ended> {
        stdin::read(std::io::stdin(), pipeline, stop, &self.0, over)
    }

    fn status(&self) -> Status {
        Status::Stdin(self.0.clone())
    }
}

/// Files that grow, and from where on they are read.
struct Files {
    settings: FileSettings,
    store: Option<Store>,
    /// Descriptors that others may take.
    connections: usize,
    status: Arc<follow::Status>,
}

impl Files {
    fn open(
        source: &SourceSettings,
        shared: &Shared<'_>,
        readiness: SourceReadiness,
    ) -> anyhow::Result<Files> {
        let store = shared.state_dir.map(Store::open).transpose()?;
        if store.is_none() {
            tracing::warn!("{}", follow::NOT_KEPT);
        }
        Ok(Files {
            settings: source.file.clone(),
            store,
            connections: shared.connections(),
            status: Arc::new(follow::Status::new(readiness)),
        })
    }
}

impl Input for Files {
    fn read(
        self: Box<Self>,
        pipeline: &mut Pipeline,
        stop: &Arc<Stop>,
        _over: &dyn Fn(),
    ) -> anyhow::Result<Ended> {
        follow::follow(&self.settings, self.store, self.connections, pipeline, stop, &self.status)
    }

    fn status(&self) -> Status {
        Status::Files(self.status.clone())
    }
}

/// A member of a consumer group.
#[cfg(feature = "kafka")]
struct Kafka {
    settings: KafkaSettings,
    status: Arc<kafka::Status>,
}

#[cfg(feature = "kafka")]
impl Kafka {
    fn new(source: &SourceSettings, readiness: SourceReadiness) -> Kafka {
        let status = kafka::Status::new(&source.kafka.brokers.join(", "), readiness);
        Kafka { settings: source.kafka.clone(), status: Arc::new(status) }
    }
}

#[cfg(feature = "kafka")]
impl Input for Kafka {
    fn read(
        self: Box<Self>,
        pipeline: &mut Pipeline,
        stop: &Arc<Stop>,
        _over: &dyn Fn(),
    ) -> anyhow::Result<Ended> {
        kafka::consume(&self.settings, pipeline, stop, &self.status)
    }

    fn status(&self) -> Status {
        Status::Kafka(self.status.clone())
    }
}
