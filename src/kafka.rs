//! What may be set of Kafka: the source consumes by it, and events go to its brokers where none of
//! their own are named.

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
