//! The keys below `kafka`.

use super::keys::{Key, Refused, list, one, parse_duration, quoted, show_bytes, show_duration, size, within};
use crate::kafka::{Framing, Start};

/// Parts of the names of properties whose values are not shown.
const SECRETS: [&str; 5] = ["password", "passphrase", "secret", "key.pem", "oauthbearer.config"];

/// How to consume from Kafka.
pub(super) const KAFKA: &[Key] = &[
    Key {
        name: "kafka.brokers",
        doc: "Brokers to connect to first, HOST:PORT each.",
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
        doc: "Topics to read. A topic that begins with ^ is a pattern, such as ^logs-.*",
        list: true,
        reloads: false,
        set: |s, v| {
            check_topics(v)?;
            s.kafka.topics = v.to_vec();
            Ok(())
        },
        show: |s| list(s.kafka.topics.iter().map(|t| quoted(t))),
    },
    Key {
        name: "kafka.group",
        doc: "Consumer group. Instances of one group share the partitions.",
        list: false,
        reloads: false,
        set: |s, v| {
            let group = one(v)?;
            if group.is_empty() {
                return Err(("empty".to_owned(), "name the consumer group".to_owned()));
            }
            if group.chars().any(char::is_control) || group.len() > 249 {
                return Err((
                    "no name of a group".to_owned(),
                    "write up to 249 bytes, without control characters".to_owned(),
                ));
            }
            group.clone_into(&mut s.kafka.group);
            Ok(())
        },
        show: |s| quoted(&s.kafka.group),
    },
    Key {
        name: "kafka.instance_id",
        doc: "Name of this instance for static membership, unique in the group. A restart then moves no partition.",
        list: false,
        reloads: false,
        set: |s, v| {
            let name = one(v)?;
            if !name.is_empty() {
                check_name(name, "an instance")?;
            }
            name.clone_into(&mut s.kafka.instance_id);
            Ok(())
        },
        show: |s| quoted(&s.kafka.instance_id),
    },
    Key {
        name: "kafka.start",
        doc: "Where a new group starts: latest (with the next message) or earliest (with the oldest one).",
        list: false,
        reloads: false,
        set: |s, v| {
            s.kafka.start = start(one(v)?)?;
            Ok(())
        },
        show: |s| show_start(s.kafka.start),
    },
    Key {
        name: "kafka.resume",
        doc: "Where a known group continues if its offset is gone: earliest (with the oldest message that the broker has) or latest (with the next one).",
        list: false,
        reloads: false,
        set: |s, v| {
            s.kafka.resume = start(one(v)?)?;
            Ok(())
        },
        show: |s| show_start(s.kafka.resume),
    },
    Key {
        name: "kafka.framing",
        doc: "What a message holds: message (one record) or lines (one record per line).",
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
        doc: "Interval of offset commits. After a crash, errtally counts again what came since the last one. 100ms to 1h.",
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
        name: "kafka.memory",
        doc: "Memory that the process may need. errtally derives the sizes of the queue and of fetches from it. 96MiB to 16384MiB.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.kafka.memory = within(size(one(v)?)?, 96 << 20, 16 << 30, "96MiB to 16384MiB")?;
            Ok(())
        },
        show: |s| show_bytes(s.kafka.memory),
    },
    Key {
        name: "kafka.queue_bytes",
        doc: "Size of the queue of messages that are not counted yet, in bytes or with KiB or MiB, 1MiB to 1024MiB; auto: 1/32 of kafka.memory.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.kafka.queue_bytes = match one(v)? {
                "auto" => None,
                bytes => Some(within(size(bytes)?, 1 << 20, 1 << 30, "auto, or 1MiB to 1024MiB")?),
            };
            Ok(())
        },
        show: |s| s.kafka.queue_bytes.map_or_else(|| "auto".to_owned(), show_bytes),
    },
    Key {
        name: "kafka.properties",
        doc: "Further librdkafka properties, such as security.protocol; as a flag or variable NAME=VALUE.",
        list: true,
        reloads: false,
        set: |s, v| {
            let mut properties = pairs(v)?;
            check_all(&properties)?;
            // Each property is a setting: a password may come from elsewhere than the rest.
            let below = std::mem::take(&mut s.kafka.properties);
            let stays = |(name, _): &(String, String)| properties.iter().all(|(n, _)| !is_same(n, name));
            s.kafka.properties = below.into_iter().filter(stays).collect();
            s.kafka.properties.append(&mut properties);
            Ok(())
        },
        show: |s| show_pairs(&s.kafka.properties),
    },
];

fn start(text: &str) -> Result<Start, Refused> {
    match text {
        "latest" => Ok(Start::Latest),
        "earliest" => Ok(Start::Earliest),
        other => Err((format!("invalid value `{other}`"), "write latest or earliest".to_owned())),
    }
}

fn show_start(start: Start) -> String {
    let text = if start == Start::Latest { "latest" } else { "earliest" };
    text.to_owned()
}

/// Refuses what is not `HOST:PORT`, and what stands there twice.
pub(super) fn check_brokers(brokers: &[String]) -> Result<(), Refused> {
    let fits = |c: char| c.is_alphanumeric() || "._-".contains(c);
    for broker in brokers {
        let (host, port) = broker.rsplit_once(':').unwrap_or((broker, ""));
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let is_host = match inner {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.len() <= 253 && host.chars().all(fits),
        };
        let is_port = port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0);
        if !is_host || !is_port {
            let remedy = if broker.contains("://") {
                "write HOST:PORT without a protocol; TLS and SASL are set by security.protocol among the properties"
            } else {
                "write HOST:PORT, such as kafka:9092 or [::1]:9092"
            };
            return Err((format!("`{broker}` is no broker"), remedy.to_owned()));
        }
    }
    check_once(brokers)
}

/// Refuses what stands twice in a list.
pub(super) fn check_once(values: &[String]) -> Result<(), Refused> {
    let twice = values.iter().enumerate().find(|(i, value)| values[..*i].contains(value));
    twice.map_or(Ok(()), |(_, value)| Err((format!("`{value}` twice"), "name it once".to_owned())))
}

/// Refuses what Kafka does not take as the name of a topic or an instance.
pub(super) fn check_name(name: &str, what: &str) -> Result<(), Refused> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > 249 || name == "." || name == ".." || !name.chars().all(fits) {
        return Err((
            format!("`{name}` is no name of {what}"),
            "write 1 to 249 letters, digits, dots, underscores and hyphens".to_owned(),
        ));
    }
    Ok(())
}

/// Refuses topics that nobody can have, and patterns that librdkafka cannot
/// read: it would take none of the list then.
fn check_topics(topics: &[String]) -> Result<(), Refused> {
    for topic in topics.iter().filter(|t| !t.starts_with('^')) {
        check_name(topic, "a topic")?;
    }
    check_once(topics)?;
    for pattern in topics.iter().filter(|t| t.starts_with('^')) {
        if pattern.len() > 1024 {
            return Err(("a pattern of more than 1,024 bytes".to_owned(), "write a shorter one".to_owned()));
        }
        #[cfg(feature = "kafka")]
        if !crate::source::kafka::is_pattern(pattern) {
            return Err((
                format!("`{pattern}` is no regular expression"),
                "write an extended one (POSIX), such as ^logs-.*".to_owned(),
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
            Some((name, value)) => Ok((name.trim().to_owned(), value.to_owned())),
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

/// Whether a property may be set to this value, whatever else is set.
#[cfg_attr(not(feature = "kafka"), allow(unused_variables))]
pub(super) fn check(name: &str, value: &str) -> Result<(), Refused> {
    #[cfg(feature = "kafka")]
    crate::source::kafka::check(name, value)?;
    Ok(())
}

/// Whether these are names of one property.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    #[cfg(feature = "kafka")]
    return crate::source::kafka::canonical(a) == crate::source::kafka::canonical(b);
    #[cfg(not(feature = "kafka"))]
    return a == b;
}

fn check_all(properties: &[(String, String)]) -> Result<(), Refused> {
    let refused: Vec<Refused> = properties.iter().filter_map(|(n, v)| check(n, v).err()).collect();
    if !refused.is_empty() {
        let (what, mut remedies): (Vec<_>, Vec<_>) = refused.into_iter().unzip();
        remedies.dedup();
        return Err((what.join(", "), remedies.join(", ")));
    }
    #[cfg(feature = "kafka")]
    crate::source::kafka::check_names(properties)?;
    Ok(())
}

/// The properties in a variable. A comma separates them where the name of a
/// property and `=` follow; any other comma belongs to the value.
pub(super) fn split(variable: &str) -> Vec<String> {
    let begins_property = |text: &str| {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '_';
        let text = text.trim_start();
        let name = text.trim_start_matches(is_name);
        name.len() < text.len() && name.trim_start().starts_with('=')
    };
    let mut properties: Vec<String> = Vec::new();
    for piece in variable.split(',') {
        match properties.last_mut() {
            Some(last) if !begins_property(piece) => {
                last.push(',');
                last.push_str(piece);
            }
            _ => properties.push(piece.to_owned()),
        }
    }
    properties.iter().map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect()
}
