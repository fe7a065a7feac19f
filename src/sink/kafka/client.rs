//! Settings to a producer: what we set, what the user may set, what nobody
//! may.

use std::sync::Arc;

use rdkafka::config::ClientConfig;
use rdkafka::producer::BaseProducer;

use super::reports::{Callbacks, Reports};
use crate::kafka::KafkaSettings;
use crate::sink::settings::EventKafkaSettings;
use errtally_core::problem::Refused;

/// The producer with our callbacks.
pub(super) type Producer = BaseProducer<Callbacks>;

const BOUND: &str = "it bounds memory, and cannot be set";
const ALL: &str = "it must stay all: an event counts as delivered when no broker can lose it alone";
const FOREVER: &str = "it must stay without end: no event is given up";

/// Properties that would break a promise, and why.
const REFUSED: &[(&str, &str)] = &[
    ("bootstrap.servers", "use events.kafka.brokers"),
    ("metadata.broker.list", "use events.kafka.brokers"),
    ("acks", ALL),
    ("request.required.acks", ALL),
    ("enable.idempotence", "it must stay true: a retry within librdkafka writes no event twice"),
    ("message.timeout.ms", FOREVER),
    ("delivery.timeout.ms", FOREVER),
    ("retries", FOREVER),
    ("message.send.max.retries", FOREVER),
    ("queue.buffering.max.kbytes", BOUND),
    ("queue.buffering.max.messages", BOUND),
    ("queuing.strategy", "it must stay fifo: events of one code keep their order"),
    ("delivery.report.only.error", "it must stay false: offsets are committed by acknowledgements"),
    ("enable.gapless.guarantee", "it must stay false: what comes back is sent again"),
    ("transactional.id", "events are not written in transactions"),
];

/// What we set. Each line says why it is not librdkafka's default.
const OURS: &[(&str, &str)] = &[
    ("acks", "all"),
    ("enable.idempotence", "true"),
    // Never given up; librdkafka retries within.
    ("message.timeout.ms", "0"),
    // Memory: events that wait, as they are, and again as a request that is under way.
    ("queue.buffering.max.kbytes", "8192"),
    // Events are much alike.
    ("compression.codec", "lz4"),
    // A topic that comes is noticed within seconds, and that there is none is told as soon.
    ("topic.metadata.refresh.interval.ms", "5000"),
    ("topic.metadata.propagation.max.ms", "5000"),
    // A mistyped name must not become a topic.
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
        if let Some(why) = refused(name) {
            what.push(format!("`{name}` may not be set here"));
            remedies.push(why.to_owned());
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

fn refused(name: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, why)| *why)
}

/// Whether librdkafka can work with all of the settings together. It is made a
/// client that knows no broker: that reads certificates and sends nothing.
///
/// # Errors
/// With what speaks against it, and what to do.
pub fn check_together(settings: &EventKafkaSettings, source: &KafkaSettings) -> Result<(), Refused> {
    let mut config = config(settings, source);
    config.remove("bootstrap.servers");
    let words = match config.create::<rdkafka::producer::BaseProducer>() {
        Ok(_) => return Ok(()),
        Err(rdkafka::error::KafkaError::ClientCreation(words)) => words,
        Err(other) => other.to_string(),
    };
    Err((
        words,
        "change events.kafka.properties, or kafka.properties where events have no brokers".to_owned(),
    ))
}

/// A producer; `source` has the brokers, and how to reach them, where the
/// events have none of their own.
pub(super) fn create(
    settings: &EventKafkaSettings,
    source: &KafkaSettings,
    reports: Arc<Reports>,
) -> anyhow::Result<Producer> {
    config(settings, source)
        .create_with_context(Callbacks::new(reports))
        .map_err(|error| anyhow::anyhow!("cannot make a Kafka producer for events: {error}"))
}

/// What a producer of events with these settings is made of.
pub fn config(settings: &EventKafkaSettings, source: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set_log_level(rdkafka::config::RDKafkaLogLevel::Warning);
    for (name, value) in OURS {
        config.set(*name, *value);
    }
    let brokers = if settings.brokers.is_empty() {
        // Meant for a consumer: what a producer may not have does not count here.
        for (name, value) in source.properties.iter().filter(|(name, _)| refused(name).is_none()) {
            config.set(name, value);
        }
        &source.brokers
    } else {
        &settings.brokers
    };
    for (name, value) in &settings.properties {
        config.set(name, value);
    }
    config.set("bootstrap.servers", brokers.join(","));
    config
}
