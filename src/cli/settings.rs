//! The flags that set what the configuration file sets: one for each key.

use std::path::PathBuf;

use clap::Args;

use crate::config::Layers;

// The headings of `--help`. They stand in the order of the first flag of each.
const CODES: &str = "Codes";
const RECORDS: &str = "Records";
const HTTP: &str = "HTTP server";
const PROCESS: &str = "Start, stop, log";
const KAFKA: &str = "Source: Kafka";

/// What decides how records are read.
#[derive(Debug, Args)]
pub struct Reading {
    /// Configuration file
    #[arg(long, value_name = "FILE", env = "ERRTALLY_CONFIG", hide_env = true, display_order = 4)]
    pub config: Option<PathBuf>,
    /// Catalog file or folder on top of the built-in catalog; repeatable
    #[arg(long, value_name = "PATH", help_heading = CODES, display_order = 0)]
    catalog: Vec<String>,
    /// Find codes of these services only, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = CODES, display_order = 1)]
    services: Vec<String>,
    /// Find codes also by the key before them
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true", help_heading = CODES, display_order = 2)]
    discovery: Option<String>,
    /// A key of discovery; repeatable
    #[arg(long, value_name = "KEY", help_heading = CODES, display_order = 3)]
    discovery_keys: Vec<String>,
    /// Longest record that is held whole
    #[arg(long, value_name = "SIZE", help_heading = RECORDS)]
    max_record_bytes: Option<String>,
    /// Maximum number of unknown codes with a series of their own
    #[arg(long, value_name = "N", help_heading = CODES, display_order = 4)]
    max_unknown_codes: Option<String>,
    /// Join lines that continue another one: auto or off
    #[arg(long, value_name = "HOW", help_heading = RECORDS)]
    join_lines: Option<String>,
    /// Regular expression for the first line of each record
    #[arg(long, value_name = "REGEX", help_heading = RECORDS)]
    join_start: Option<String>,
    /// Regular expression for lines that continue a record
    #[arg(long, value_name = "REGEX", help_heading = RECORDS)]
    join_continuation: Option<String>,
    /// How long a record waits for a line that continues it
    #[arg(long, value_name = "TIME", help_heading = RECORDS)]
    join_wait: Option<String>,
}

/// What decides how the daemon works.
#[derive(Debug, Args)]
pub struct Daemon {
    /// What to read: stdin, file, kafka, tcp, unix, udp, unixgram, http or forward
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// Address of the HTTP server, such as :9877 for all addresses
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// File with TLS and passwords of the HTTP server
    #[arg(long = "web.config.file", value_name = "FILE")]
    web_config_file: Option<String>,
    /// Reload when the configuration file or a catalog changes
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    watch: Option<String>,
    /// Categories whose series exist from the start, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', num_args = 0.., help_heading = CODES, display_order = 90)]
    zero_init: Option<Vec<String>>,
    /// Codes that errtally_code_info describes: seen or all
    #[arg(long, value_name = "WHICH", help_heading = CODES, display_order = 91)]
    code_info: Option<String>,
    #[command(flatten)]
    files: super::file::Files,
    #[command(flatten)]
    sockets: super::socket::Sockets,
    /// Brokers, HOST:PORT each, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = KAFKA)]
    kafka_brokers: Vec<String>,
    /// Topics to read, separated by commas; ^ begins a pattern
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = KAFKA)]
    kafka_topics: Vec<String>,
    /// Consumer group
    #[arg(long, value_name = "NAME", help_heading = KAFKA)]
    kafka_group: Option<String>,
    /// Name of this instance, for static membership
    #[arg(long, value_name = "NAME", help_heading = KAFKA)]
    kafka_instance_id: Option<String>,
    /// Where a new group starts: latest or earliest
    #[arg(long, value_name = "WHERE", help_heading = KAFKA)]
    kafka_start: Option<String>,
    /// Where a known group continues if its offset is gone: earliest or latest
    #[arg(long, value_name = "WHERE", help_heading = KAFKA)]
    kafka_resume: Option<String>,
    /// What a message holds: message (one record) or lines
    #[arg(long, value_name = "WHAT", help_heading = KAFKA)]
    kafka_framing: Option<String>,
    /// Interval of offset commits
    #[arg(long, value_name = "TIME", help_heading = KAFKA)]
    kafka_commit_interval: Option<String>,
    /// Memory that the process may need, such as 256MiB
    #[arg(long, value_name = "SIZE", help_heading = KAFKA)]
    kafka_memory: Option<String>,
    /// Size of the queue of messages that are not counted yet
    #[arg(long, value_name = "SIZE", help_heading = KAFKA)]
    kafka_queue_bytes: Option<String>,
    /// A librdkafka property; repeatable
    #[arg(long, value_name = "NAME=VALUE", help_heading = KAFKA)]
    kafka_properties: Vec<String>,
    #[command(flatten)]
    records: super::records::Records,
    #[command(flatten)]
    events: super::events::Events,
    /// Maximum number of connections
    #[arg(long, value_name = "N", help_heading = HTTP)]
    http_max_connections: Option<String>,
    /// Maximum time for the head of a request
    #[arg(long, value_name = "TIME", help_heading = HTTP)]
    http_request_timeout: Option<String>,
    /// Maximum time for a client to read an answer
    #[arg(long, value_name = "TIME", help_heading = HTTP)]
    http_answer_timeout: Option<String>,
    /// How long to keep an idle connection
    #[arg(long, value_name = "TIME", help_heading = HTTP)]
    http_idle_timeout: Option<String>,
    /// How long to serve /metrics after the end of standard input
    #[arg(long, value_name = "TIME", help_heading = PROCESS)]
    linger: Option<String>,
    /// Maximum time from SIGTERM, or the end of the input, to the exit
    #[arg(long, value_name = "TIME", help_heading = PROCESS)]
    shutdown_timeout: Option<String>,
    /// Least severe level to log: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", help_heading = PROCESS)]
    log_level: Option<String>,
    /// Format of the log: text or json
    #[arg(long, value_name = "FORMAT", help_heading = PROCESS)]
    log_format: Option<String>,
}

impl Reading {
    /// These flags over the environment and the file.
    pub fn layers(&self) -> Layers {
        let mut flags = Vec::new();
        push_all(&mut flags, "catalog", &self.catalog);
        push_all(&mut flags, "services", &self.services);
        push(&mut flags, "discovery", &self.discovery);
        push_all(&mut flags, "discovery_keys", &self.discovery_keys);
        push(&mut flags, "max_record_bytes", &self.max_record_bytes);
        push(&mut flags, "max_unknown_codes", &self.max_unknown_codes);
        push(&mut flags, "join.lines", &self.join_lines);
        push(&mut flags, "join.start", &self.join_start);
        push(&mut flags, "join.continuation", &self.join_continuation);
        push(&mut flags, "join.wait", &self.join_wait);
        // A variable that is not UTF-8 holds no setting of ours that would be valid.
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
            })
            .collect();
        Layers { file: self.config.clone(), variables, flags, ..Layers::default() }
    }
}

impl Reading {
    /// As [`Reading::layers`], with `paths` after the catalogs that are set.
    pub fn with_catalog(&self, paths: &[PathBuf]) -> Layers {
        let mut layers = self.layers();
        if !paths.is_empty() {
            let set = layers.settings().0.settings.catalog;
            let all = set.iter().chain(paths).map(|p| p.to_string_lossy().into_owned()).collect();
            layers.flags.retain(|(name, _)| *name != "catalog");
            layers.flags.push(("catalog", all));
        }
        layers
    }
}

impl Daemon {
    /// Adds these flags to `layers`.
    pub fn add_to(&self, layers: &mut Layers) {
        let flags = &mut layers.flags;
        push(flags, "source", &self.source);
        push(flags, "listen", &self.listen);
        push(flags, "web_config_file", &self.web_config_file);
        push(flags, "watch", &self.watch);
        if let Some(categories) = &self.zero_init {
            flags.push(("zero_init", categories.iter().filter(|c| !c.is_empty()).cloned().collect()));
        }
        push(flags, "code_info", &self.code_info);
        push(flags, "linger", &self.linger);
        push(flags, "shutdown_timeout", &self.shutdown_timeout);
        push(flags, "log_level", &self.log_level);
        push(flags, "log_format", &self.log_format);
        push(flags, "http.max_connections", &self.http_max_connections);
        push(flags, "http.request_timeout", &self.http_request_timeout);
        push(flags, "http.answer_timeout", &self.http_answer_timeout);
        push(flags, "http.idle_timeout", &self.http_idle_timeout);
        self.sockets.add_to(flags);
        self.files.add_to(flags);
        push_all(flags, "kafka.brokers", &self.kafka_brokers);
        push_all(flags, "kafka.topics", &self.kafka_topics);
        push(flags, "kafka.group", &self.kafka_group);
        push(flags, "kafka.instance_id", &self.kafka_instance_id);
        push(flags, "kafka.start", &self.kafka_start);
        push(flags, "kafka.resume", &self.kafka_resume);
        push(flags, "kafka.framing", &self.kafka_framing);
        push(flags, "kafka.commit_interval", &self.kafka_commit_interval);
        push(flags, "kafka.memory", &self.kafka_memory);
        push(flags, "kafka.queue_bytes", &self.kafka_queue_bytes);
        push_all(flags, "kafka.properties", &self.kafka_properties);
        self.records.add_to(flags);
        self.events.add_to(flags);
    }
}

pub(super) fn push(flags: &mut Vec<(&'static str, Vec<String>)>, name: &'static str, value: &Option<String>) {
    if let Some(value) = value {
        flags.push((name, vec![value.clone()]));
    }
}

pub(super) fn push_all(flags: &mut Vec<(&'static str, Vec<String>)>, name: &'static str, values: &[String]) {
    if !values.is_empty() {
        flags.push((name, values.to_vec()));
    }
}
