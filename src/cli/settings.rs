//! The flags that set what the configuration file sets: one for each key.

use std::path::PathBuf;

use clap::Args;

use crate::config::Layers;

/// What decides how records are read.
#[derive(Debug, Args)]
pub struct Reading {
    /// Configuration file
    #[arg(long, value_name = "FILE", env = "ERRTALLY_CONFIG", hide_env = true)]
    pub config: Option<PathBuf>,
    /// Catalog file or folder to lay over the built-in catalog; repeatable
    #[arg(long, value_name = "PATH")]
    catalog: Vec<String>,
    /// Find codes of these services alone, with commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    services: Vec<String>,
    /// Find codes by the keys before them, too
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    discovery: Option<String>,
    /// Such a key; repeatable
    #[arg(long, value_name = "KEY")]
    discovery_keys: Vec<String>,
    /// Longest record that is held whole
    #[arg(long, value_name = "SIZE")]
    max_record_bytes: Option<String>,
    /// Most unknown codes that are told apart
    #[arg(long, value_name = "N")]
    max_unknown_codes: Option<String>,
    /// Join the lines of one record: auto or off
    #[arg(long, value_name = "HOW")]
    join_lines: Option<String>,
    /// Pattern of how each record begins
    #[arg(long, value_name = "REGEX")]
    join_start: Option<String>,
    /// Pattern of how a continuation line begins
    #[arg(long, value_name = "REGEX")]
    join_continuation: Option<String>,
    /// How long a record waits for more lines
    #[arg(long, value_name = "TIME")]
    join_wait: Option<String>,
}

/// What decides how the daemon works.
#[derive(Debug, Args)]
pub struct Daemon {
    /// What to read: stdin, file, kafka, tcp, unix, udp, unixgram, http or forward
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// Address and port of the HTTP server; :PORT for all addresses
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// File with TLS and basic authentication of the HTTP server
    #[arg(long = "web.config.file", value_name = "FILE")]
    web_config_file: Option<String>,
    /// Reload when configuration or catalog change
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    watch: Option<String>,
    /// Categories whose series exist from the start, with commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', num_args = 0..)]
    zero_init: Option<Vec<String>>,
    /// Codes with metadata: seen or all
    #[arg(long, value_name = "WHICH")]
    code_info: Option<String>,
    /// How long /metrics stays up after the end of standard input
    #[arg(long, value_name = "TIME")]
    linger: Option<String>,
    /// Longest time from SIGTERM to the exit
    #[arg(long, value_name = "TIME")]
    shutdown_timeout: Option<String>,
    /// Least severe level that is logged
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// What a log line looks like: text or json
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Most HTTP connections
    #[arg(long, value_name = "N")]
    http_max_connections: Option<String>,
    /// Longest time for the head of a request
    #[arg(long, value_name = "TIME")]
    http_request_timeout: Option<String>,
    /// Longest time for an answer
    #[arg(long, value_name = "TIME")]
    http_answer_timeout: Option<String>,
    /// How long an idle connection is kept
    #[arg(long, value_name = "TIME")]
    http_idle_timeout: Option<String>,
    #[command(flatten)]
    files: super::file::Files,
    #[command(flatten)]
    sockets: super::socket::Sockets,
    /// Kafka brokers, HOST:PORT with commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    kafka_brokers: Vec<String>,
    /// Topics to consume, with commas; ^ begins a pattern
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    kafka_topics: Vec<String>,
    /// Consumer group
    #[arg(long, value_name = "NAME")]
    kafka_group: Option<String>,
    /// Name of this instance, for static membership
    #[arg(long, value_name = "NAME")]
    kafka_instance_id: Option<String>,
    /// Where a new group begins: latest or earliest
    #[arg(long, value_name = "WHERE")]
    kafka_start: Option<String>,
    /// Where a known group goes on whose offset is gone: earliest or latest
    #[arg(long, value_name = "WHERE")]
    kafka_resume: Option<String>,
    /// What a message is: message or lines
    #[arg(long, value_name = "WHAT")]
    kafka_framing: Option<String>,
    /// How often offsets are committed
    #[arg(long, value_name = "TIME")]
    kafka_commit_interval: Option<String>,
    /// Memory that the process may need with Kafka, such as 256MiB
    #[arg(long, value_name = "SIZE")]
    kafka_memory: Option<String>,
    /// Messages held before they are counted
    #[arg(long, value_name = "SIZE")]
    kafka_queue_bytes: Option<String>,
    /// A property of librdkafka; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    kafka_properties: Vec<String>,
    #[command(flatten)]
    records: super::records::Records,
    #[command(flatten)]
    events: super::events::Events,
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
