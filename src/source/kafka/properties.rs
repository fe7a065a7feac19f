//! Which further properties of librdkafka may be set, and to what.
//!
//! All of them but those that would break what errtally promises, or the
//! process. What a property means is librdkafka's business; whether it has the
//! name and takes the value is asked of it.

use std::fs::File;
use std::io::Read;

use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;

use errtally_core::problem::Refused;

/// Properties that nobody sets, and why or what to use instead.
const REFUSED: &[(&str, &str)] = &[
    ("bootstrap.servers", "use kafka.brokers"),
    ("metadata.broker.list", "use kafka.brokers"),
    ("group.id", "use kafka.group"),
    ("group.instance.id", "use kafka.instance_id"),
    ("auto.offset.reset", "use kafka.start and kafka.resume"),
    ("auto.commit.interval.ms", "use kafka.commit_interval"),
    ("queued.max.messages.kbytes", "use kafka.queue_bytes: it bounds memory"),
    ("log_level", "use log_level; with `debug` it must be debug or trace"),
    ("enable.auto.commit", "it must stay true: offsets of counted records are committed by librdkafka"),
    ("auto.commit.enable", "it must stay true: offsets of counted records are committed by librdkafka"),
    ("enable.auto.offset.store", "it must stay false: an offset is stored when its record is counted"),
    ("enable.partition.eof", "it must stay false: the end of a partition is no record"),
    ("offset.store.method", "it must stay broker: whoever takes a partition over goes on at its offset"),
    ("offset.store.path", "offsets are kept by the broker"),
    ("offset.store.sync.interval.ms", "offsets are kept by the broker"),
    ("statistics.interval.ms", "it must stay as it is: lag and readiness come from the statistics"),
    ("partition.assignment.strategy", "it must stay cooperative-sticky"),
    ("group.protocol", "it must stay classic"),
    ("group.protocol.type", "it must stay consumer"),
    ("group.remote.assignor", "it belongs to the group protocol consumer, and that must stay classic"),
    ("api.version.request", "it must stay true: without it there are no consumer groups of today"),
    ("api.version.fallback.ms", "brokers that need it have no consumer groups of today"),
    ("broker.version.fallback", "brokers that need it have no consumer groups of today"),
    ("enabled_events", "rebalances, commits and errors come as events"),
    ("enable_sasl_queue", "nobody would read the queue, and it would grow"),
    ("log.queue", "nobody would read the queue, and it would grow"),
    ("consume.callback.max.messages", "messages come by a queue, not by a callback"),
    ("internal.termination.signal", "the signal would end the process"),
    ("plugin.library.paths", "what a library does to counts and memory cannot be answered for"),
];

/// Beginnings and endings of names, as in [`REFUSED`].
const REFUSED_KINDS: &[(&str, &str, &str)] = &[
    ("test.", "", "records would come from nowhere"),
    ("ut_", "", "it is for librdkafka's own tests"),
    ("", "_cb", "it is a function of the program, not a value"),
];

/// Numbers with a least value of ours, since librdkafka's would break a promise.
const LEAST: &[(&str, i64, &str)] = &[
    ("topic.metadata.refresh.interval.ms", 500, "new partitions and topics are found by it"),
    (
        "max.poll.interval.ms",
        10_000,
        "a rebalance may wait so long for the broker, and partitions would be lost",
    ),
    ("session.timeout.ms", 1_000, "a short pause would lose partitions"),
    ("socket.timeout.ms", 1_000, "answers would be given up that are on their way"),
];

/// Values that a property may not have.
const NOT: &[(&str, &str, &str)] =
    &[("metadata.recovery.strategy", "none", "brokers that have moved would not be found again")];

/// Names for the same property: what librdkafka calls it, and what else.
const ALIASES: &[(&str, &str)] = &[
    ("sasl.mechanisms", "sasl.mechanism"),
    ("fetch.message.max.bytes", "max.partition.fetch.bytes"),
    ("max.in.flight.requests.per.connection", "max.in.flight"),
];

/// Properties that name a file.
const FILES: &[&str] = &[
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.keystore.location",
    "ssl.crl.location",
    "ssl.engine.location",
];

/// Where CA certificates may be instead of in a file: in a folder, or where
/// the system has them.
const CERTIFICATES: &str = "ssl.ca.location";

/// librdkafka's features that are SASL mechanisms.
const MECHANISMS: &[(&str, &[&str])] = &[
    ("sasl_plain", &["PLAIN"]),
    ("sasl_scram", &["SCRAM-SHA-256", "SCRAM-SHA-512"]),
    ("sasl_oauthbearer", &["OAUTHBEARER"]),
    ("sasl_gssapi", &["GSSAPI"]),
];

/// Whether a property may be set to this value, whatever else is set.
///
/// # Errors
/// Where librdkafka does not know it, or we refuse it.
pub fn check(name: &str, value: &str) -> Result<(), Refused> {
    let kind = |(head, tail, why): &(&str, &str, &'static str)| {
        (name.starts_with(head) && name.ends_with(tail)).then_some(*why)
    };
    let refused = REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, why)| *why);
    if let Some(why) = refused.or_else(|| REFUSED_KINDS.iter().find_map(kind)) {
        return Err((format!("`{name}` may not be set here"), why.to_owned()));
    }
    if name == "sasl.mechanism" || name == "sasl.mechanisms" {
        let known = mechanisms();
        if !known.contains(&value) {
            return Err((
                format!("`{name}`: this errtally has no SASL mechanism `{value}`"),
                format!("write one of {}", known.join(", ")),
            ));
        }
    }
    let mut config = ClientConfig::new();
    config.set(name, value);
    if let Err(error) = config.create_native_config() {
        let what = match error {
            // Its own words repeat the value, which may be a secret.
            KafkaError::ClientConfig(_, words, _, _) => words,
            other => other.to_string(),
        };
        return Err((
            format!("`{name}`: {what}"),
            "librdkafka's CONFIGURATION.md has the names and values".to_owned(),
        ));
    }
    let number = value.trim().parse::<i64>().ok();
    for (_, least, why) in LEAST.iter().filter(|(least, ..)| *least == name) {
        if number.is_some_and(|n| n < *least) {
            return Err((format!("`{name}` is {value}, and {why}"), format!("write {least} or more")));
        }
    }
    if let Some((_, _, why)) = NOT.iter().find(|(not, wrong, _)| *not == name && *wrong == value) {
        return Err((format!("`{name}` is {value}: {why}"), "leave it out".to_owned()));
    }
    if FILES.contains(&name) {
        readable(name, value)?;
    }
    Ok(())
}

/// Whether each is set once, by one name.
///
/// # Errors
/// For the first that is set again.
pub fn check_names(properties: &[(String, String)]) -> Result<(), Refused> {
    let names: Vec<&str> = properties.iter().map(|(name, _)| canonical(name)).collect();
    for (i, name) in names.iter().enumerate() {
        if let Some(before) = names[..i].iter().position(|n| n == name) {
            return Err((
                format!("`{}` and `{}` are one property", properties[before].0, properties[i].0),
                "set it once".to_owned(),
            ));
        }
    }
    Ok(())
}

/// What librdkafka calls a property.
pub fn canonical(name: &str) -> &str {
    ALIASES.iter().find(|(_, alias)| *alias == name).map_or(name, |(canonical, _)| canonical)
}

/// The SASL mechanisms of this build.
pub(super) fn mechanisms() -> Vec<&'static str> {
    let features = ClientConfig::new().create_native_config().and_then(|c| c.get("builtin.features"));
    let features = features.unwrap_or_default();
    let has = |feature: &str| features.split(',').any(|f| f.trim() == feature);
    MECHANISMS.iter().filter(|(feature, _)| has(feature)).flat_map(|(_, names)| *names).copied().collect()
}

/// Whether a file is there and can be read: librdkafka looks at it late, and
/// not at all where TLS is off.
fn readable(name: &str, path: &str) -> Result<(), Refused> {
    if name == CERTIFICATES && path == "probe" {
        return Ok(());
    }
    let folder = name == CERTIFICATES && std::path::Path::new(path).is_dir();
    let read = if folder {
        std::fs::read_dir(path).map(drop)
    } else {
        // Opening says nothing of a folder; reading does.
        File::open(path).and_then(|mut file| file.read(&mut [0])).map(drop)
    };
    read.map_err(|error| {
        (
            format!("`{name}`: cannot read {path}: {error}"),
            "name a file that is there and that errtally may read".to_owned(),
        )
    })
}
