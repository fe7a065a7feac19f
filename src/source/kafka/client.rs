//! Settings to a librdkafka client: what we set, what the user may set, what
//! nobody may.

use rdkafka::config::ClientConfig;
use rdkafka::consumer::BaseConsumer;

use super::context::Group;
use crate::config::{KafkaSettings, Refused, Start};

/// The consumer with our callbacks.
pub(super) type Client = BaseConsumer<Group>;

/// Properties that would break a promise, and what to use instead.
const REFUSED: &[(&str, &str)] = &[
    ("bootstrap.servers", "use kafka.brokers"),
    ("metadata.broker.list", "use kafka.brokers"),
    ("group.id", "use kafka.group"),
    ("group.instance.id", "use kafka.instance_id"),
    ("auto.offset.reset", "use kafka.start"),
    ("auto.commit.interval.ms", "use kafka.commit_interval"),
    ("queued.max.messages.kbytes", "use kafka.queue_bytes: it bounds memory"),
    ("enable.auto.commit", "it must stay true: offsets of counted records are committed by librdkafka"),
    ("enable.auto.offset.store", "it must stay false: an offset is stored when its record is counted"),
    ("enable.partition.eof", "it must stay false: the end of a partition is no record"),
    ("statistics.interval.ms", "it must stay as it is: lag and readiness come from the statistics"),
    ("partition.assignment.strategy", "it must stay cooperative-sticky"),
    ("group.protocol", "it must stay classic"),
];

/// What we set. Each line says why it is not librdkafka's default.
const OURS: &[(&str, &str)] = &[
    ("enable.auto.commit", "true"),
    // An offset is stored when the ledger has its record, not when the message is handed out.
    ("enable.auto.offset.store", "false"),
    // Instances come and go without stopping the others.
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("statistics.interval.ms", "1000"),
    // New partitions and topics are noticed within seconds, not within minutes.
    ("topic.metadata.refresh.interval.ms", "5000"),
    // When the queue has run full, look again soon: the default of a second
    // starves a consumer that empties the queue in less.
    ("fetch.queue.backoff.ms", "10"),
    // The bound in bytes decides, not one in messages.
    ("queued.min.messages", "1000000"),
    // A fetch that is under way comes on top of the queue, decompressed.
    ("fetch.max.bytes", "2097152"),
    ("allow.auto.create.topics", "false"),
    ("client.id", "errtally"),
];

/// Whether librdkafka would take these properties.
///
/// # Errors
/// All that it, or we, refuse.
pub fn check(properties: &[(String, String)]) -> Result<(), Refused> {
    let (mut what, mut remedies) = (Vec::new(), Vec::new());
    for (name, value) in properties {
        if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| refused == name) {
            what.push(format!("`{name}` may not be set here"));
            remedies.push((*why).to_owned());
            continue;
        }
        let mut config = ClientConfig::new();
        config.set(name, value);
        if let Err(error) = config.create_native_config() {
            what.push(format!("`{name}`: {error}"));
            remedies.push("librdkafka's CONFIGURATION.md has the names and values".to_owned());
        }
    }
    remedies.dedup();
    if what.is_empty() { Ok(()) } else { Err((what.join(", "), remedies.join(", "))) }
}

/// A client of the group.
pub(super) fn create(settings: &KafkaSettings, group: Group) -> anyhow::Result<Client> {
    let mut config = ClientConfig::new();
    config.set_log_level(rdkafka::config::RDKafkaLogLevel::Warning);
    for (name, value) in OURS {
        config.set(*name, *value);
    }
    // Only where no offset can be asked for at the assignment; see `Group::place`.
    config.set("auto.offset.reset", if settings.start == Start::Earliest { "earliest" } else { "latest" });
    for (name, value) in &settings.properties {
        config.set(name, value);
    }
    config.set("bootstrap.servers", settings.brokers.join(","));
    config.set("group.id", &settings.group);
    if !settings.instance_id.is_empty() {
        config.set("group.instance.id", &settings.instance_id);
    }
    config.set("auto.commit.interval.ms", settings.commit_interval.as_millis().to_string());
    config.set("queued.max.messages.kbytes", (settings.queue_bytes >> 10).max(1).to_string());
    config
        .create_with_context(group)
        .map_err(|error| anyhow::anyhow!("cannot make a Kafka consumer: {error}"))
}
