//! The keys below `kafka`.

use super::keys::{Key, Refused, list, one, parse_duration, quoted, show_bytes, show_duration, size, within};
use super::{Framing, Start};

/// Parts of the names of properties whose values are not shown.
const SECRETS: [&str; 4] = ["password", "secret", "key.pem", "oauthbearer.config"];

/// How to consume from Kafka.
pub(super) const KAFKA: &[Key] = &[
    Key {
        name: "kafka.brokers",
        doc: "Brokers to begin with, HOST:PORT each.",
        list: true,
        reloads: false,
        set: |s, v| {
            check_brokers(v)?;
            if v.is_empty() {
                return Err(("no broker".to_owned(), "name at least one, HOST:PORT".to_owned()));
            }
            s.kafka.brokers = v.to_vec();
            Ok(())
        },
        show: |s| list(s.kafka.brokers.iter().map(|b| quoted(b))),
    },
    Key {
        name: "kafka.topics",
        doc: "Topics to consume; one that begins with ^ is a pattern, such as ^logs-.*",
        list: true,
        reloads: false,
        set: |s, v| {
            s.kafka.topics = v.to_vec();
            Ok(())
        },
        show: |s| list(s.kafka.topics.iter().map(|t| quoted(t))),
    },
    Key {
        name: "kafka.group",
        doc: "The consumer group: instances of one group share the partitions.",
        list: false,
        reloads: false,
        set: |s, v| {
            let group = one(v)?;
            if group.is_empty() {
                return Err(("empty".to_owned(), "name the consumer group".to_owned()));
            }
            group.clone_into(&mut s.kafka.group);
            Ok(())
        },
        show: |s| quoted(&s.kafka.group),
    },
    Key {
        name: "kafka.instance_id",
        doc: "Static membership: a name of this instance, unique in the group; a restart then moves no partition.",
        list: false,
        reloads: false,
        set: |s, v| {
            one(v)?.clone_into(&mut s.kafka.instance_id);
            Ok(())
        },
        show: |s| quoted(&s.kafka.instance_id),
    },
    Key {
        name: "kafka.start",
        doc: "Where a new group begins: latest, with the next message, or earliest, with the oldest.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.kafka.start = match one(v)? {
                "latest" => Start::Latest,
                "earliest" => Start::Earliest,
                other => {
                    return Err((format!("`{other}` is no start"), "write latest or earliest".to_owned()));
                }
            };
            Ok(())
        },
        show: |s| match s.kafka.start {
            Start::Latest => "latest".to_owned(),
            Start::Earliest => "earliest".to_owned(),
        },
    },
    Key {
        name: "kafka.framing",
        doc: "What a message is: message, one record whatever is in it, or lines, a record each.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.kafka.framing = match one(v)? {
                "message" => Framing::Message,
                "lines" => Framing::Lines,
                other => {
                    return Err((format!("`{other}` is no framing"), "write message or lines".to_owned()));
                }
            };
            Ok(())
        },
        show: |s| match s.kafka.framing {
            Framing::Message => "message".to_owned(),
            Framing::Lines => "lines".to_owned(),
        },
    },
    Key {
        name: "kafka.commit_interval",
        doc: "How often offsets are committed: after a crash, what was counted since is counted again. 100ms to 1h.",
        list: false,
        reloads: false,
        set: |s, v| {
            let interval = parse_duration(one(v)?)?;
            if !(100..=3_600_000).contains(&interval.as_millis()) {
                return Err((
                    format!("{} is out of range", show_duration(interval)),
                    "write 100ms to 1h".to_owned(),
                ));
            }
            s.kafka.commit_interval = interval;
            Ok(())
        },
        show: |s| show_duration(s.kafka.commit_interval),
    },
    Key {
        name: "kafka.queue_bytes",
        doc: "Messages held before they are counted, in bytes or with KiB or MiB. 1MiB to 1024MiB.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.kafka.queue_bytes = within(size(one(v)?)?, 1 << 20, 1 << 30, "1MiB to 1024MiB")?;
            Ok(())
        },
        show: |s| show_bytes(s.kafka.queue_bytes),
    },
    Key {
        name: "kafka.properties",
        doc: "Further properties of librdkafka, such as security.protocol; as a flag or variable NAME=VALUE.",
        list: true,
        reloads: false,
        set: |s, v| {
            let properties = pairs(v)?;
            #[cfg(feature = "kafka")]
            crate::source::kafka::check(&properties)?;
            s.kafka.properties = properties;
            Ok(())
        },
        show: |s| show_pairs(&s.kafka.properties),
    },
];

/// Refuses what is not `HOST:PORT`.
pub(super) fn check_brokers(brokers: &[String]) -> Result<(), Refused> {
    for broker in brokers {
        let port = broker.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|p| p == 0) {
            return Err((
                format!("`{broker}` is no broker"),
                "write HOST:PORT, such as kafka:9092".to_owned(),
            ));
        }
    }
    Ok(())
}

/// The properties among `items`, each `NAME=VALUE`.
pub(super) fn pairs(items: &[String]) -> Result<Vec<(String, String)>, Refused> {
    items
        .iter()
        .map(|item| match item.split_once('=') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            None => Err((format!("`{item}` is no property"), "write NAME=VALUE".to_owned())),
        })
        .collect()
}

/// Properties as a mapping, without their secrets.
pub(super) fn show_pairs(properties: &[(String, String)]) -> String {
    let shown = properties.iter().map(|(name, value)| {
        let secret = SECRETS.iter().any(|part| name.contains(part));
        format!("{name}: {}", if secret { quoted("(hidden)") } else { quoted(value) })
    });
    format!("{{{}}}", shown.collect::<Vec<_>>().join(", "))
}
