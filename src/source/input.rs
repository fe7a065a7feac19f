//! Every source, as the daemon sees it: opened, read by a thread of its own,
//! and asked for its state. [`open`] is where a new one is registered.

use std::sync::Arc;

use super::follow::{self, Store};
#[cfg(feature = "kafka")]
use super::kafka;
use super::socket::Activation;
use super::stop::{Ended, Stop};
use super::{http, intake, socket, stdin};
use crate::config::{Settings, SourceKind, SourceSettings};
use crate::http::SourceReadiness;
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

/// Opens `source`: what is wrong with an address, a socket or a folder is told
/// before anything is read.
///
/// # Errors
/// When it cannot be opened.
pub fn open(
    source: &SourceSettings,
    settings: &Settings,
    readiness: SourceReadiness,
    activation: &mut Activation,
) -> anyhow::Result<Box<dyn Input>> {
    match source.kind {
        SourceKind::Stdin => Ok(Box::new(Stdin(Arc::default()))),
        SourceKind::File => Ok(Box::new(Files::open(source, settings, readiness)?)),
        #[cfg(feature = "kafka")]
        SourceKind::Kafka => Ok(Box::new(Kafka::new(source, readiness))),
        #[cfg(not(feature = "kafka"))]
        SourceKind::Kafka => Err(anyhow::anyhow!("this errtally was built without Kafka")),
        SourceKind::Http => Ok(Box::new(http::Server::open(source, settings, activation)?)),
        SourceKind::Tcp | SourceKind::Unix | SourceKind::Forward => {
            Ok(Box::new(socket::Streams::open(source, settings, activation)?))
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
    settings: crate::config::FileSettings,
    store: Option<Store>,
    /// Descriptors that others may take.
    connections: usize,
    status: Arc<follow::Status>,
}

impl Files {
    fn open(
        source: &SourceSettings,
        settings: &Settings,
        readiness: SourceReadiness,
    ) -> anyhow::Result<Files> {
        let store = settings.state_dir.as_deref().map(Store::open).transpose()?;
        if store.is_none() {
            tracing::warn!("{}", follow::NOT_KEPT);
        }
        let senders = settings.inputs().iter().map(socket::connections).sum::<usize>();
        Ok(Files {
            settings: source.file.clone(),
            store,
            connections: settings.http.max_connections + senders,
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
    settings: crate::config::KafkaSettings,
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
