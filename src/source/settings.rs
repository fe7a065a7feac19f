//! What may be set of sources.

use std::time::Duration;

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

impl Default for KafkaSettings {
    fn default() -> KafkaSettings {
        KafkaSettings {
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
        }
    }
}
