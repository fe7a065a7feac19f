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
pub use socket_keys::{SocketFraming, SocketSettings};
pub use sources::{Entry, SourceKind, SourceSettings};
pub use watch::Watch;

use errtally_core::catalog::Category;
use errtally_core::engine::Options;
use errtally_core::enrich::{EventPlan, Extraction, FieldPaths, Label};
use errtally_core::event::EventFilter;
use errtally_core::join::JoinSettings;

/// Where a new consumer group begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest message.
    Earliest,
    /// At the next message.
    Latest,
}

/// What a message holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One record.
    Message,
    /// Lines, each a record.
    Lines,
}

/// Where a file is begun that was there before the first start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At its first byte.
    Beginning,
    /// Behind its last whole line.
    End,
}

/// How the lines of files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Told by the first lines of each file.
    Auto,
    /// As they are.
    Raw,
    /// As CRI runtimes write them.
    Cri,
    /// As Docker writes them.
    Docker,
}

impl FileFormat {
    /// As it is written in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            FileFormat::Auto => "auto",
            FileFormat::Raw => "raw",
            FileFormat::Cri => "cri",
            FileFormat::Docker => "docker",
        }
    }
}

/// Which files to follow, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// Paths and globs.
    pub paths: Vec<String>,
    /// Globs of files that are left out.
    pub exclude: Vec<String>,
    /// Where a file begins that was there before the first start.
    pub start: Begin,
    /// How its lines are written.
    pub format: FileFormat,
    /// How often files are looked for.
    pub discover_interval: Duration,
    /// Most files that are open at once.
    pub max_open: usize,
}

impl Default for FileSettings {
    fn default() -> FileSettings {
        FileSettings {
            paths: Vec::new(),
            exclude: Vec::new(),
            start: Begin::End,
            format: FileFormat::Auto,
            discover_interval: Duration::from_secs(5),
            max_open: 256,
        }
    }
}

/// How to consume from Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaSettings {
    /// Brokers to begin with, `HOST:PORT`.
    pub brokers: Vec<String>,
    /// Topics; those that begin with `^` are patterns.
    pub topics: Vec<String>,
    /// The consumer group.
    pub group: String,
    /// Static membership, where not empty.
    pub instance_id: String,
    /// Where a new group begins.
    pub start: Start,
    /// Where a known group goes on whose offset is gone.
    pub resume: Start,
    /// What a message holds.
    pub framing: Framing,
    /// How often offsets are committed.
    pub commit_interval: Duration,
    /// Bytes of messages that are held before they are counted, where it is not
    /// derived.
    pub queue_bytes: Option<usize>,
    /// Memory of the process, which the sizes of queue and fetches are derived
    /// from.
    pub memory: usize,
    /// Further properties of librdkafka.
    pub properties: Vec<(String, String)>,
}

/// What one client of the HTTP server may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Most connections.
    pub max_connections: usize,
    /// Longest time to the end of a request's head.
    pub request_timeout: Duration,
    /// Longest time that a client may take over its answer.
    pub answer_timeout: Duration,
    /// How long a connection is kept between requests.
    pub idle_timeout: Duration,
}

/// For which codes `errtally_code_info` has a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeInfo {
    /// Those seen so far.
    Seen,
    /// All that the catalog has.
    All,
}

/// Where events go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventsTo {
    /// Nowhere: there are none.
    #[default]
    None,
    /// To standard output.
    Stdout,
    /// To a file.
    File,
    /// To a topic.
    Kafka,
}

impl EventsTo {
    /// As it is written in the settings, and as a label.
    pub fn as_str(self) -> &'static str {
        match self {
            EventsTo::None => "none",
            EventsTo::Stdout => "stdout",
            EventsTo::File => "file",
            EventsTo::Kafka => "kafka",
        }
    }
}

/// What happens when events cannot be written as fast as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// Reading waits.
    #[default]
    Wait,
    /// Events are dropped and counted.
    Drop,
}

/// A file of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFileSettings {
    /// The file that is written to.
    pub path: PathBuf,
    /// Size at which it is rotated.
    pub max_bytes: usize,
    /// Rotated files that are kept, `PATH.1` the newest.
    pub keep: usize,
}

/// A topic of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventKafkaSettings {
    /// Brokers to begin with; those of the source where empty.
    pub brokers: Vec<String>,
    /// The topic.
    pub topic: String,
    /// Further properties of librdkafka.
    pub properties: Vec<(String, String)>,
}

/// Which events there are and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSettings {
    /// Where to.
    pub to: EventsTo,
    /// Whether an event carries its record.
    pub include_record: bool,
    /// The longest part of a record that it carries.
    pub max_record_bytes: usize,
    /// What happens when they come faster than they go.
    pub when_full: WhenFull,
    /// Which hits become events.
    pub only: EventFilter,
    /// How, where it is a file.
    pub file: EventFileSettings,
    /// How, where it is Kafka.
    pub kafka: EventKafkaSettings,
}

impl Default for EventSettings {
    fn default() -> EventSettings {
        EventSettings {
            to: EventsTo::None,
            include_record: false,
            max_record_bytes: 16 << 10,
            when_full: WhenFull::Wait,
            only: EventFilter::default(),
            file: EventFileSettings { path: PathBuf::new(), max_bytes: 100 << 20, keep: 5 },
            kafka: EventKafkaSettings::default(),
        }
    }
}

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
            kafka: KafkaSettings {
                brokers: vec!["127.0.0.1:9092".to_owned()],
                topics: Vec::new(),
                group: "errtally".to_owned(),
                instance_id: String::new(),
                start: Start::Latest,
                resume: Start::Earliest,
                framing: Framing::Message,
                commit_interval: Duration::from_secs(1),
                queue_bytes: None,
                memory: 256 << 20,
                properties: Vec::new(),
            },
            events: EventSettings::default(),
            labels: Vec::new(),
            max_label_sets: 10_000,
            label_expiry: Duration::ZERO,
            fields: FieldPaths::default(),
            exemplars: true,
            late_after: Duration::ZERO,
            listen: "127.0.0.1:9877".to_owned(),
            web_config_file: None,
            http: HttpSettings {
                max_connections: 256,
                request_timeout: Duration::from_secs(10),
                answer_timeout: Duration::from_secs(30),
                idle_timeout: Duration::from_secs(120),
            },
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
