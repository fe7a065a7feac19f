//! Every metric: its name, kind, labels and help, once.
//!
//! A test holds `docs/metrics.md` and a scrape to [`ALL`]. The values of a scrape come from one snapshot
//! of the ledger.

mod collect;
mod exporter;
mod families;
#[cfg(feature = "kafka")]
mod kafka;
mod number;
mod openmetrics;
mod process;
mod receivers;
mod rows;
mod text;
mod writing;

use prometheus::proto::MetricType;

pub use exporter::{CodeInfo, Exporter, Exposition, Format, Health, Process, Shown};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its full name.
    pub name: &'static str,
    /// Counter or gauge.
    pub kind: MetricType,
    /// Label names, in the order in which they are written.
    pub labels: &'static [&'static str],
    /// The HELP text.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($id:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $id: Metric = Metric {
                name: $name, kind: MetricType::$kind, labels: &[$($label),*], help: $help,
            };
        )*
        /// All metrics, in the order in which they are exposed.
        pub const ALL: &[Metric] = &[$($id),*];
    };
}

metrics! {
    ERRORS = COUNTER "errtally_errors_total" ["code", "api_service", "category", "http_status"]
        "Records with this known code. A record counts once, however often the code stands in it.";
    API_SERVICE_ERRORS = COUNTER "errtally_api_service_errors_total" ["api_service", "category"]
        "Hits of known codes, by service and category.";
    LATE_ERRORS = COUNTER "errtally_late_errors_total" ["code", "api_service", "category", "http_status"]
        "Hits in records older than late_after, of known and unknown codes. No other counter of hits has them.";
    UNKNOWN_CODES = COUNTER "errtally_unknown_codes_total" ["code", "api_service", "category"]
        "Hits of codes that no catalog has. Codes past max_unknown_codes count as code=\"other\".";
    CODE_INFO = GAUGE "errtally_code_info" ["code", "api_service", "category", "http_status", "retryable", "message", "action"]
        "What the catalog knows about a code. Always 1.";
    CODE_LAST_SEEN = GAUGE "errtally_code_last_seen_timestamp_seconds" ["code"]
        "When errtally last counted the code, in seconds since 1970.";
    SOURCE_CONNECTIONS = GAUGE "errtally_source_connections" ["source"]
        "Open connections of a source that others send to.";
    SOURCE_ACCEPTED = COUNTER "errtally_source_accepted_connections_total" ["source"]
        "Connections that a source has accepted from senders.";
    SOURCE_RECEIVED_BYTES = COUNTER "errtally_source_received_bytes_total" ["source"]
        "Bytes that a source has received from senders, including what frames the records.";
    SOURCE_REFUSALS = COUNTER "errtally_source_refusals_total" ["source", "kind"]
        "Connections and records of senders that a source has refused, by kind. The log explains each kind.";
    SOURCE_DROPPED_DATAGRAMS = COUNTER "errtally_source_dropped_datagrams_total" ["source"]
        "Datagrams that the kernel dropped because the source did not read them in time. UDP only.";
    LABEL_SETS = GAUGE "errtally_label_sets" []
        "Combinations of values of the configured labels.";
    LABEL_OVERFLOWS = COUNTER "errtally_label_overflows_total" ["label"]
        "Hits whose value of this label was replaced by \"other\", past max_label_sets.";
    RECORDS = COUNTER "errtally_records_total" ["source"]
        "Records read. Joined lines are one record.";
    RECORD_BYTES = COUNTER "errtally_record_bytes_total" ["source"]
        "Bytes of the records read, including newlines.";
    MATCHED_RECORDS = COUNTER "errtally_matched_records_total" ["source"]
        "Records with at least one code, known or unknown.";
    MALFORMED_JSON_RECORDS = COUNTER "errtally_malformed_json_records_total" ["source"]
        "Records with a code that begin like JSON but do not parse. Their codes are counted.";
    OVERSIZED_RECORDS = COUNTER "errtally_oversized_records_total" ["source"]
        "Records longer than max_record_bytes. Their codes are counted.";
    UNDECODED_INPUTS = COUNTER "errtally_undecoded_inputs_total" []
        "Inputs of run that begin like compressed data or UTF-16. errtally finds no code in them.";
    FILES_FOLLOWED = GAUGE "errtally_files_followed" []
        "Files that errtally follows.";
    FILES_OPEN = GAUGE "errtally_files_open" []
        "Followed files that are open.";
    FILES_UNREAD_BYTES = GAUGE "errtally_files_unread_bytes" []
        "Bytes of followed files that are not counted yet.";
    FILE_ROTATIONS = COUNTER "errtally_file_rotations_total" []
        "Followed files that were renamed, replaced or deleted.";
    FILE_TRUNCATIONS = COUNTER "errtally_file_truncations_total" []
        "Followed files that were truncated or rewritten. errtally reads them from their start again.";
    FILES_VANISHED = COUNTER "errtally_files_vanished_total" []
        "Files that were gone before errtally had read them to their end. The log says how many bytes are lost.";
    FILE_READ_ERRORS = COUNTER "errtally_file_read_errors_total" []
        "Failed attempts to open or read a file. errtally retries them.";
    POSITION_WRITE_FAILURES = COUNTER "errtally_position_write_failures_total" []
        "Failed attempts to write positions to state_dir. errtally retries them.";
    POSITIONS_WRITTEN = GAUGE "errtally_positions_written_timestamp_seconds" []
        "When errtally last wrote positions to state_dir, in seconds since 1970. Absent before the first time.";
    EVENTS = COUNTER "errtally_events_total" ["to"]
        "Events delivered to the sink.";
    EVENTS_DROPPED = COUNTER "errtally_events_dropped_total" ["to"]
        "Events dropped because the buffer was full, with events.when_full: drop.";
    EVENT_WRITE_FAILURES = COUNTER "errtally_event_write_failures_total" ["to"]
        "Failed attempts to write events to the sink. errtally retries them.";
    EVENTS_UNDELIVERABLE = COUNTER "errtally_events_undeliverable_total" ["to"]
        "Events left out because the sink never accepts them, such as one larger than the topic allows.";
    EVENTS_WAITING_SECONDS = COUNTER "errtally_events_waiting_seconds_total" ["to"]
        "Time that events have waited for the sink, in seconds.";
    KAFKA_LAG = GAUGE "errtally_kafka_consumer_lag" ["topic", "partition"]
        "Messages of an owned partition that are not counted yet.";
    KAFKA_LAG_SECONDS = GAUGE "errtally_kafka_consumer_lag_seconds" ["topic", "partition"]
        "Age of the last counted message of an owned partition while others wait behind it, in seconds; otherwise 0.";
    KAFKA_PARTITION_HEALTHY = GAUGE "errtally_kafka_partition_healthy" ["topic", "partition"]
        "Whether a broker has answered for an owned partition within ten seconds: 1 or 0.";
    KAFKA_SKIPPED = COUNTER "errtally_kafka_skipped_records_total" ["topic"]
        "Records that errtally missed: they expired before it read them, or kafka.resume: latest skipped them.";
    KAFKA_RESETS = COUNTER "errtally_kafka_offset_resets_total" ["topic"]
        "Times that the offset of a partition was gone. The log says where errtally continued.";
    KAFKA_CONNECTED = GAUGE "errtally_kafka_connected" []
        "Whether a broker is connected: 1 or 0.";
    KAFKA_ASSIGNED = GAUGE "errtally_kafka_assigned_partitions" []
        "Partitions that this instance owns.";
    KAFKA_REBALANCES = COUNTER "errtally_kafka_rebalances_total" []
        "Assignments and revocations of partitions.";
    KAFKA_COMMITS = COUNTER "errtally_kafka_commits_total" []
        "Successful commits of offsets.";
    KAFKA_COMMIT_FAILURES = COUNTER "errtally_kafka_commit_failures_total" []
        "Failed commits of offsets. errtally retries them.";
    KAFKA_ERRORS = COUNTER "errtally_kafka_errors_total" ["kind"]
        "Errors of the Kafka client, by librdkafka's name for them.";
    RELOAD_SUCCESSFUL = GAUGE "errtally_config_last_reload_successful" []
        "Whether the last load of the configuration, the catalog and the web configuration succeeded: 1 or 0.";
    RELOAD_SUCCESS_TIMESTAMP = GAUGE "errtally_config_last_reload_success_timestamp_seconds" []
        "When errtally last loaded its configuration and catalog, in seconds since 1970.";
    CERTIFICATE_EXPIRY = GAUGE "errtally_certificate_expiry_timestamp_seconds" ["certificate"]
        "When the first certificate of the server's chain (server) or of the client authorities (client_ca) expires, in seconds since 1970.";
    LOG_LINES_DROPPED = COUNTER "errtally_log_lines_dropped_total" []
        "Log lines that errtally could not write to standard error.";
    LOG_LINES_SUPPRESSED = COUNTER "errtally_log_lines_suppressed_total" []
        "Log lines left out because they repeat others. The log has their number.";
    READY = GAUGE "errtally_ready" []
        "Whether /readyz answers 200: 1 or 0.";
    HTTP_CONNECTIONS = GAUGE "errtally_http_connections" []
        "Open connections to the HTTP server.";
    BUILD_INFO = GAUGE "errtally_build_info" ["version"]
        "The version of errtally. Always 1.";
    PROCESS_CPU = COUNTER "process_cpu_seconds_total" []
        "User and system CPU time, in seconds.";
    PROCESS_OPEN_FDS = GAUGE "process_open_fds" []
        "Open file descriptors.";
    PROCESS_MAX_FDS = GAUGE "process_max_fds" []
        "Maximum number of open file descriptors.";
    PROCESS_VIRTUAL_MEMORY = GAUGE "process_virtual_memory_bytes" []
        "Virtual memory, in bytes.";
    PROCESS_RESIDENT_MEMORY = GAUGE "process_resident_memory_bytes" []
        "Resident memory, in bytes.";
    PROCESS_START_TIME = GAUGE "process_start_time_seconds" []
        "When the process started, in seconds since 1970.";
}
