//! The flags that say where events go.

use super::settings::{push, push_all};

/// One for each key below `events`.
#[derive(Debug, clap::Args)]
pub struct Events {
    /// Where events go, one JSON object a hit: stdout, file, kafka or none
    #[arg(long, value_name = "WHERE", visible_alias = "events")]
    events_to: Option<String>,
    /// Put the record into its events
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    events_include_record: Option<String>,
    /// Longest part of a record in an event
    #[arg(long, value_name = "SIZE")]
    events_max_record_bytes: Option<String>,
    /// When events come faster than they go: wait or drop
    #[arg(long, value_name = "WHAT")]
    events_when_full: Option<String>,
    /// Only events of these categories, with commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    events_only_category: Vec<String>,
    /// Only events of these services, with commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    events_only_api_service: Vec<String>,
    /// Only events with these codes, with commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    events_only_code: Vec<String>,
    /// Only events of records of these levels, with commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    events_only_level: Vec<String>,
    /// File of events
    #[arg(long, value_name = "FILE")]
    events_file_path: Option<String>,
    /// Size at which the file of events is rotated
    #[arg(long, value_name = "SIZE")]
    events_file_max_bytes: Option<String>,
    /// Rotated files of events that are kept
    #[arg(long, value_name = "N")]
    events_file_keep: Option<String>,
    /// Kafka brokers for events, where others than those of the source
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    events_kafka_brokers: Vec<String>,
    /// Topic of events
    #[arg(long, value_name = "NAME")]
    events_kafka_topic: Option<String>,
    /// A property of librdkafka for events; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    events_kafka_properties: Vec<String>,
}

impl Events {
    /// Adds these flags to `flags`.
    pub(super) fn add_to(&self, flags: &mut Vec<(&'static str, Vec<String>)>) {
        push(flags, "events.to", &self.events_to);
        push(flags, "events.include_record", &self.events_include_record);
        push(flags, "events.max_record_bytes", &self.events_max_record_bytes);
        push(flags, "events.when_full", &self.events_when_full);
        push_all(flags, "events.only.category", &self.events_only_category);
        push_all(flags, "events.only.api_service", &self.events_only_api_service);
        push_all(flags, "events.only.code", &self.events_only_code);
        push_all(flags, "events.only.level", &self.events_only_level);
        push(flags, "events.file.path", &self.events_file_path);
        push(flags, "events.file.max_bytes", &self.events_file_max_bytes);
        push(flags, "events.file.keep", &self.events_file_keep);
        push_all(flags, "events.kafka.brokers", &self.events_kafka_brokers);
        push(flags, "events.kafka.topic", &self.events_kafka_topic);
        push_all(flags, "events.kafka.properties", &self.events_kafka_properties);
    }
}
