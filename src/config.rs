//! Settings: every key once, with its default, its meaning and its reader.
//!
//! A value comes from a flag, an `ERRTALLY_*` variable, the configuration
//! file or the default, in this order. All four go through the same reader
//! as text, so that a mistake reads the same wherever it was made.

mod event_keys;
mod file_keys;
mod http_keys;
mod join_keys;
mod kafka_keys;
mod keys;
mod layers;
mod record_keys;
mod socket_keys;
mod sources;
mod variables;
mod watch;
mod whole;

use std::path::PathBuf;
use std::time::Duration;

pub use keys::{KEYS, Key, Refused};
pub use layers::{Layers, Loaded, Origin};
pub use sources::Entry;
pub use watch::Watch;

use crate::kafka::KafkaSettings;
use crate::metrics::CodeInfo;
use crate::server::HttpSettings;
use crate::sink::settings::{EventSettings, EventsTo};
use crate::source::settings::{FileSettings, SocketSettings, SourceKind};
use errtally_core::catalog::Category;
use errtally_core::engine::Options;
use errtally_core::enrich::{Extraction, FieldPaths, Label};
use errtally_core::event::EventPlan;
use errtally_core::join::JoinSettings;

/// The settings in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What `run` reads.
    pub source: SourceKind,
    /// What it reads instead, where these are named.
    pub sources: Vec<Entry>,
    /// How, where it is a socket.
    pub socket: SocketSettings,
    /// Where it is kept what was read up to where; in memory alone where there is none.
    pub state_dir: Option<PathBuf>,
    /// How, where it is files.
    pub file: FileSettings,
    /// How, where it is Kafka.
    pub kafka: KafkaSettings,
    /// Events, one for each hit.
    pub events: EventSettings,
    /// Labels of the counters beyond their own.
    pub labels: Vec<Label>,
    /// The most combinations of their values.
    pub max_label_sets: usize,
    /// How long a labelled series is shown that is not counted; zero for ever.
    pub label_expiry: Duration,
    /// Where records say what every record may say.
    pub fields: FieldPaths,
    /// Whether counters keep exemplars.
    pub exemplars: bool,
    /// How old a record may be before it is late; zero for any age.
    pub late_after: Duration,
    /// Address and port of the HTTP server.
    pub listen: String,
    /// TLS and authentication of the HTTP server, where there are any.
    pub web_config_file: Option<PathBuf>,
    /// Limits of the HTTP server.
    pub http: HttpSettings,
    /// Reload when configuration or catalog change.
    pub watch: bool,
    /// Catalog files and folders laid over the built-in catalog.
    pub catalog: Vec<PathBuf>,
    /// The only services of the catalog; none named for all.
    pub services: Vec<String>,
    /// Find codes of services without a catalog.
    pub discovery: bool,
    /// The keys that it goes by.
    pub discovery_keys: Vec<String>,
    /// Longest record that is held whole.
    pub max_record_bytes: usize,
    /// How lines become records.
    pub join: JoinSettings,
    /// Most unknown codes with a series of their own.
    pub max_unknown_codes: usize,
    /// Categories whose series exist from the start.
    pub zero_init: Vec<Category>,
    /// For which codes there is metadata.
    pub code_info: CodeInfo,
    /// How long `/metrics` stays up after the end of the input.
    pub linger: Duration,
    /// How long stopping may take.
    pub shutdown_timeout: Duration,
    /// Least severe level that is logged.
    pub log_level: tracing::Level,
    /// What a line of the log looks like.
    pub log_format: crate::log::Format,
}

impl Settings {
    /// What is to be read from records with a hit.
    pub fn extraction(&self) -> Extraction {
        let EventSettings { to, include_record, max_record_bytes, only, .. } = &self.events;
        let events = (*to != EventsTo::None).then(|| EventPlan {
            record_bytes: include_record.then_some(*max_record_bytes),
            only: only.clone(),
            labels: self.labels.iter().map(|l| l.name.clone()).collect(),
        });
        Extraction {
            labels: self.labels.clone(),
            fields: self.fields.clone(),
            max_label_sets: self.max_label_sets,
            late_after: Some(self.late_after).filter(|d| !d.is_zero()),
            exemplars: self.exemplars,
            events,
        }
    }

    /// These settings as a process that runs with `running` takes them over at
    /// a reload: of keys that take effect at the next start it keeps its own.
    pub fn reloaded_over(self, running: &Settings) -> Settings {
        let EventSettings { include_record, max_record_bytes, only, .. } = self.events;
        Settings {
            events: EventSettings { include_record, max_record_bytes, only, ..running.events.clone() },
            labels: self.labels,
            max_label_sets: self.max_label_sets,
            label_expiry: self.label_expiry,
            fields: self.fields,
            exemplars: self.exemplars,
            late_after: self.late_after,
            watch: self.watch,
            catalog: self.catalog,
            services: self.services,
            discovery: self.discovery,
            discovery_keys: self.discovery_keys,
            join: self.join,
            max_record_bytes: self.max_record_bytes,
            max_unknown_codes: self.max_unknown_codes,
            zero_init: self.zero_init,
            code_info: self.code_info,
            linger: self.linger,
            shutdown_timeout: self.shutdown_timeout,
            log_level: self.log_level,
            ..running.clone()
        }
    }

    /// What decides how records are read.
    pub fn options(&self) -> Options {
        Options {
            discovery: self.discovery,
            discovery_keys: self.discovery_keys.clone(),
            max_record_bytes: self.max_record_bytes,
            join: self.join.clone(),
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            source: SourceKind::Stdin,
            sources: Vec::new(),
            socket: SocketSettings::default(),
            state_dir: None,
            file: FileSettings::default(),
            kafka: KafkaSettings::default(),
            events: EventSettings::default(),
            labels: Vec::new(),
            max_label_sets: 10_000,
            label_expiry: Duration::ZERO,
            fields: FieldPaths::default(),
            exemplars: true,
            late_after: Duration::ZERO,
            listen: "127.0.0.1:9877".to_owned(),
            web_config_file: None,
            http: HttpSettings::default(),
            watch: false,
            catalog: Vec::new(),
            services: Vec::new(),
            discovery: true,
            discovery_keys: errtally_core::engine::DISCOVERY_KEYS.map(str::to_owned).to_vec(),
            max_record_bytes: 1 << 20,
            join: JoinSettings::default(),
            max_unknown_codes: 100,
            zero_init: vec![Category::Quota, Category::Throttling],
            code_info: CodeInfo::Seen,
            linger: Duration::ZERO,
            shutdown_timeout: Duration::from_secs(10),
            log_level: tracing::Level::INFO,
            log_format: crate::log::Format::Text,
        }
    }
}
