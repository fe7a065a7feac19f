//! Settings to a librdkafka client, and whether they make one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;

use super::context::Group;
use super::properties::{canonical, mechanisms};
use crate::kafka::{KafkaSettings, Start};
use errtally_core::problem::Refused;

/// The consumer with our callbacks.
pub(super) type Client = BaseConsumer<Group>;

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
    ("allow.auto.create.topics", "false"),
    ("client.id", "errtally"),
];

/// The queue has room for a message of so many bytes on average, and for no
/// more messages where they are smaller.
const MESSAGE_BYTES: usize = 256;

/// The largest fetch; more was measured to gain nothing.
const MAX_FETCH: usize = 1_000_000;

/// librdkafka's default for message.max.bytes.
const MESSAGE_MAX_BYTES: u32 = 1_000_000;

/// More events than librdkafka has at its start.
const EVENTS: usize = 100;

/// Whether librdkafka can work with all of the settings together.
///
/// It is made a client that knows no broker: that reads certificates and keys
/// and finds what contradicts what, and sends nothing.
///
/// # Errors
/// With everything that speaks against it.
pub fn check_together(settings: &KafkaSettings) -> Result<(), Vec<Refused>> {
    let mut config = config(settings);
    let mut refused = contradictions(settings, &config);
    if !refused.is_empty() {
        return Err(refused);
    }
    config.remove("bootstrap.servers");
    let said = Said::default();
    let remedy = || "change kafka.properties".to_owned();
    match config.create_with_context::<_, BaseConsumer<Said>>(said.clone()) {
        Err(KafkaError::ClientCreation(words)) => refused.push((words, remedy())),
        Err(other) => refused.push((other.to_string(), remedy())),
        Ok(consumer) => {
            // What it has to say it has said; each call hands over one event.
            for _ in 0..EVENTS {
                let _ = consumer.poll(Duration::ZERO);
            }
            let warnings = std::mem::take(&mut *said.0.lock().unwrap_or_else(PoisonError::into_inner));
            refused.extend(warnings.into_iter().map(|words| (words, remedy())));
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

/// Whether librdkafka can read a pattern of topics: it says so when it is
/// subscribed to, which needs no broker.
pub fn is_pattern(pattern: &str) -> bool {
    let mut config = ClientConfig::new();
    config.set("group.id", "errtally").set_log_level(RDKafkaLogLevel::Emerg);
    let consumer: Result<BaseConsumer<Said>, _> = config.create_with_context(Said::default());
    consumer.is_ok_and(|consumer| consumer.subscribe(&[pattern]).is_ok())
}

/// What librdkafka would take, and then not do, or say badly.
fn contradictions(settings: &KafkaSettings, config: &ClientConfig) -> Vec<Refused> {
    let mut refused = Vec::new();
    let set = |wanted: &str| {
        let found = settings.properties.iter().find(|(name, _)| canonical(name) == wanted);
        found.map(|(_, value)| value.trim())
    };
    let native = config.create_native_config();
    let number = |name: &str| native.as_ref().ok()?.get(name).ok()?.parse::<i64>().ok();

    let protocol = set("security.protocol").unwrap_or("plaintext").to_lowercase();
    let (sasl, tls) = (protocol.starts_with("sasl"), protocol.ends_with("ssl"));
    for (part, on, remedy) in
        [("ssl.", tls, "SSL or SASL_SSL"), ("sasl.", sasl, "SASL_SSL or SASL_PLAINTEXT")]
    {
        for (name, _) in settings.properties.iter().filter(|(name, _)| name.starts_with(part) && !on) {
            refused.push((
                format!("`{name}` is of no use with security.protocol {protocol}"),
                format!("set security.protocol to {remedy}"),
            ));
        }
    }
    let mechanism = set("sasl.mechanisms");
    if sasl && mechanism.is_none() {
        refused.push((
            format!("security.protocol is {protocol}, and there is no sasl.mechanism"),
            format!("set sasl.mechanism to one of {}", mechanisms().join(", ")),
        ));
    }
    if mechanism == Some("OAUTHBEARER") && set("enable.sasl.oauthbearer.unsecure.jwt") != Some("true") {
        refused.push((
            "sasl.mechanism is OAUTHBEARER, and this errtally has no way to fetch a token".to_owned(),
            "for a trial set enable.sasl.oauthbearer.unsecure.jwt to true; otherwise take another".to_owned(),
        ));
    }
    for (smaller, larger, wanted) in [
        ("heartbeat.interval.ms", "session.timeout.ms", "set it to a third of that"),
        ("topic.metadata.refresh.interval.ms", "metadata.max.age.ms", "leave metadata.max.age.ms out"),
    ] {
        let is_set = set(smaller).is_some() || set(larger).is_some();
        if let (true, Some(small), Some(large)) = (is_set, number(smaller), number(larger))
            && small >= large
            // Which is then made to fit.
            && (larger != "metadata.max.age.ms" || set(larger).is_some())
        {
            refused.push((
                format!("`{smaller}` ({small}) is not below `{larger}` ({large})"),
                wanted.to_owned(),
            ));
        }
    }
    refused
}

/// Collects what librdkafka has to say against a configuration.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

impl ClientContext for Said {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        // Brokers are left out here on purpose.
        if facility == "CONFWARN" && !message.contains("bootstrap.servers") {
            // After the name of the thread.
            let words = message.rsplit_once("]: ").map_or(message, |(_, words)| words);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(words.to_owned());
        }
    }

    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Said {}

/// A client of the group.
pub(super) fn create(settings: &KafkaSettings, group: Group) -> anyhow::Result<Client> {
    config(settings)
        .create_with_context(group)
        .map_err(|error| anyhow::anyhow!("cannot make a Kafka consumer: {error}"))
}

/// What a consumer with these settings is made of.
pub fn config(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    let debug = settings.properties.iter().any(|(name, _)| name == "debug");
    config.set_log_level(if debug { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Warning });
    for (name, value) in OURS {
        config.set(*name, *value);
    }
    // What librdkafka keeps of a message is more than a small message itself,
    // and a fetch is unpacked whole: so both are bounded, by what is measured.
    let queue = settings.queue_bytes.unwrap_or(settings.memory / 32);
    config.set("queued.min.messages", (queue / MESSAGE_BYTES).clamp(1_000, 10_000_000).to_string());
    config.set("fetch.max.bytes", (settings.memory / 4096).min(MAX_FETCH).to_string());
    // For offsets that go out of range while they are read; see `start` for the rest.
    config.set("auto.offset.reset", if settings.resume == Start::Earliest { "earliest" } else { "latest" });
    for (name, value) in &settings.properties {
        config.set(canonical(name), value);
    }
    // librdkafka wants it no larger than fetch.max.bytes, though it is about
    // sending; one property is enough to bound a fetch.
    if let (Some(fetch), None) = (config.get("fetch.max.bytes"), config.get("message.max.bytes"))
        && let Some(most) = fetch.trim().parse::<u32>().ok().filter(|&fetch| fetch < MESSAGE_MAX_BYTES)
    {
        config.set("message.max.bytes", most.max(1_000).to_string());
    }
    config.set("bootstrap.servers", settings.brokers.join(","));
    config.set("group.id", &settings.group);
    if !settings.instance_id.is_empty() {
        config.set("group.instance.id", &settings.instance_id);
    }
    config.set("auto.commit.interval.ms", settings.commit_interval.as_millis().to_string());
    config.set("queued.max.messages.kbytes", (queue >> 10).to_string());
    config
}
