//! The flags that say where events go.

use super::settings::{push, push_all};

/// The heading of these flags in `--help`.
const HEADING: &str = "Events";

/// One for each key below `events`.
#[derive(Debug, clap::Args)]
pub struct Events {
    /// Sink, one JSON object for each hit: stdout, file, kafka or none
    #[arg(long, value_name = "WHERE", visible_alias = "events", help_heading = HEADING)]
    events_to: Option<String>,
    /// Put the record into its events
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true", help_heading = HEADING)]
    events_include_record: Option<String>,
    /// Maximum size of the record in an event
    #[arg(long, value_name = "SIZE", help_heading = HEADING)]
    events_max_record_bytes: Option<String>,
    /// What to do when the sink is slower than the source: wait or drop
    #[arg(long, value_name = "WHAT", help_heading = HEADING)]
    events_when_full: Option<String>,
    /// Only events of these categories, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = HEADING)]
    events_only_category: Vec<String>,
    /// Only events of these services, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = HEADING)]
    events_only_api_service: Vec<String>,
    /// Only events of these codes, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = HEADING)]
    events_only_code: Vec<String>,
    /// Only events of records of these levels, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = HEADING)]
    events_only_level: Vec<String>,
    /// File of the file sink
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    events_file_path: Option<String>,
    /// Size at which to rotate the file
    #[arg(long, value_name = "SIZE", help_heading = HEADING)]
    events_file_max_bytes: Option<String>,
    /// Number of rotated files to keep
    #[arg(long, value_name = "N", help_heading = HEADING)]
    events_file_keep: Option<String>,
    /// Brokers of the Kafka sink, if not those of the source
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = HEADING)]
    events_kafka_brokers: Vec<String>,
    /// Topic of the Kafka sink
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    events_kafka_topic: Option<String>,
    /// A librdkafka property of the Kafka sink; repeatable
    #[arg(long, value_name = "NAME=VALUE", help_heading = HEADING)]
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
