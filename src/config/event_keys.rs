//! The keys below `events`, and what must fit together among them.

use std::path::Path;

use regex_lite::Regex;

use super::Settings;
use super::kafka_keys::{check_brokers, check_name, check_once, is_same, pairs, show_pairs};
use super::keys::{Key, list, one, parse_bool, quoted, show_bytes, size, within};
use crate::sink::settings::{EventsTo, WhenFull};
use crate::source::settings::SourceKind;
use errtally_core::catalog::Category;
use errtally_core::event::MAX_EVENT_RECORD_BYTES;
use errtally_core::problem::{Problem, Problems};
use errtally_core::yaml::suggest;

/// Levels that a filter may name; `none` is a record without a level.
const LEVELS: [&str; 7] = ["trace", "debug", "info", "warn", "error", "fatal", "none"];

/// Which events there are, and where they go.
pub(super) const EVENTS: &[Key] = &[
    Key {
        name: "events.to",
        doc: "Sink of events, one JSON object for each hit: stdout, file, kafka or none.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.events.to = match one(v)? {
                "none" => EventsTo::None,
                "stdout" => EventsTo::Stdout,
                "file" => EventsTo::File,
                "kafka" if cfg!(feature = "kafka") => EventsTo::Kafka,
                "kafka" => {
                    return Err((
                        "this errtally was built without Kafka".to_owned(),
                        "build it with the feature `kafka`".to_owned(),
                    ));
                }
                other => {
                    return Err((
                        format!("events cannot go to `{other}`"),
                        "write stdout, file, kafka or none".to_owned(),
                    ));
                }
            };
            Ok(())
        },
        show: |s| s.events.to.as_str().to_owned(),
    },
    Key {
        name: "events.include_record",
        doc: "Put the record into its events.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.events.include_record = parse_bool(one(v)?)?;
            Ok(())
        },
        show: |s| s.events.include_record.to_string(),
    },
    Key {
        name: "events.max_record_bytes",
        doc: "Maximum size of the record in an event, in bytes or with KiB. 1 to 128KiB.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.events.max_record_bytes =
                within(size(one(v)?)?, 1, MAX_EVENT_RECORD_BYTES as u64, "1 to 128KiB")?;
            Ok(())
        },
        show: |s| show_bytes(s.events.max_record_bytes),
    },
    Key {
        name: "events.when_full",
        doc: "What to do when the sink is slower than the source: wait (stop reading), or drop (drop events and count them).",
        list: false,
        reloads: false,
        set: |s, v| {
            s.events.when_full = match one(v)? {
                "wait" => WhenFull::Wait,
                "drop" => WhenFull::Drop,
                other => {
                    return Err((
                        format!("invalid value `{other}`: expected wait or drop"),
                        "write wait or drop".to_owned(),
                    ));
                }
            };
            Ok(())
        },
        show: |s| match s.events.when_full {
            WhenFull::Wait => "wait".to_owned(),
            WhenFull::Drop => "drop".to_owned(),
        },
    },
    Key {
        name: "events.only.category",
        doc: "Write events only for hits of these categories; empty for all.",
        list: true,
        reloads: true,
        set: |s, v| {
            let all: Vec<_> = Category::CATALOG.into_iter().chain([Category::Unknown]).collect();
            let names: Vec<_> = all.iter().map(|c| c.as_str()).collect();
            s.events.only.category = v
                .iter()
                .map(|name| match all.iter().find(|c| c.as_str() == name) {
                    Some(category) => Ok(*category),
                    None => Err((format!("`{name}` is no category"), suggest(name, &names))),
                })
                .collect::<Result<_, _>>()?;
            Ok(())
        },
        show: |s| list(s.events.only.category.iter().map(ToString::to_string)),
    },
    Key {
        name: "events.only.api_service",
        doc: "Write events only for hits of these services; empty for all.",
        list: true,
        reloads: true,
        set: |s, v| {
            check_words(v)?;
            s.events.only.api_service = v.to_vec();
            Ok(())
        },
        show: |s| list(s.events.only.api_service.iter().map(|n| quoted(n))),
    },
    Key {
        name: "events.only.code",
        doc: "Write events only for these codes; empty for all.",
        list: true,
        reloads: true,
        set: |s, v| {
            check_words(v)?;
            s.events.only.code = v.to_vec();
            Ok(())
        },
        show: |s| list(s.events.only.code.iter().map(|c| quoted(c))),
    },
    Key {
        name: "events.only.level",
        doc: "Write events only for records of these levels: trace, debug, info, warn, error, fatal, or none for a record without a level; empty for all.",
        list: true,
        reloads: true,
        set: |s, v| {
            if let Some(level) = v.iter().find(|l| !LEVELS.contains(&l.as_str())) {
                return Err((format!("`{level}` is no level"), suggest(level, &LEVELS)));
            }
            s.events.only.level = v.to_vec();
            Ok(())
        },
        show: |s| list(s.events.only.level.iter().cloned()),
    },
    Key {
        name: "events.file.path",
        doc: "File of the file sink. Its folder must exist.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.events.file.path = one(v)?.into();
            Ok(())
        },
        show: |s| quoted(&s.events.file.path.display().to_string()),
    },
    Key {
        name: "events.file.max_bytes",
        doc: "Size at which errtally rotates the file of events, in bytes or with KiB or MiB. 1KiB to 1048576MiB.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.events.file.max_bytes = within(size(one(v)?)?, 1 << 10, 1 << 40, "1KiB to 1048576MiB")?;
            Ok(())
        },
        show: |s| show_bytes(s.events.file.max_bytes),
    },
    Key {
        name: "events.file.keep",
        doc: "Number of rotated files of events to keep. PATH.1 is the newest. 1 to 1000.",
        list: false,
        reloads: false,
        set: |s, v| {
            let text = one(v)?;
            let count = text
                .parse::<u64>()
                .map_err(|_| (format!("`{text}` is no count"), "write a whole number".to_owned()))?;
            s.events.file.keep = within(count, 1, 1000, "1 to 1000")?;
            Ok(())
        },
        show: |s| s.events.file.keep.to_string(),
    },
    Key {
        name: "events.kafka.brokers",
        doc: "Brokers of the Kafka sink, HOST:PORT each; empty for those of kafka.brokers, with kafka.properties.",
        list: true,
        reloads: false,
        set: |s, v| {
            check_brokers(v)?;
            s.events.kafka.brokers = v.to_vec();
            Ok(())
        },
        show: |s| list(s.events.kafka.brokers.iter().map(|b| quoted(b))),
    },
    Key {
        name: "events.kafka.topic",
        doc: "Topic of the Kafka sink. It must exist.",
        list: false,
        reloads: false,
        set: |s, v| {
            let topic = one(v)?;
            if !topic.is_empty() {
                check_name(topic, "a topic")?;
            }
            topic.clone_into(&mut s.events.kafka.topic);
            Ok(())
        },
        show: |s| quoted(&s.events.kafka.topic),
    },
    Key {
        name: "events.kafka.properties",
        doc: "Further librdkafka properties of the Kafka sink, such as compression.codec; as a flag or variable NAME=VALUE.",
        list: true,
        reloads: false,
        set: |s, v| {
            let properties = pairs(v)?;
            #[cfg(feature = "kafka")]
            crate::sink::kafka::check(&properties)?;
            // Each property is a setting: a password may come from elsewhere than the rest.
            let stays = |(name, _): &(String, String)| properties.iter().all(|(n, _)| !is_same(n, name));
            s.events.kafka.properties.retain(stays);
            s.events.kafka.properties.extend(properties);
            Ok(())
        },
        show: |s| show_pairs(&s.events.kafka.properties),
    },
];

/// Refuses what no code or service is: nothing would ever be an event.
fn check_words(words: &[String]) -> Result<(), super::Refused> {
    if let Some(word) = words.iter().find(|w| w.is_empty() || w.contains(char::is_whitespace)) {
        return Err((
            format!("`{word}` is neither a code nor a service"),
            "write it as errtally reports it".to_owned(),
        ));
    }
    check_once(words)
}

/// What is missing, or does not go together, in the settings as a whole.
pub(super) fn check(settings: &Settings) -> Problems {
    let mut problems = Problems::default();
    let mut report = |key: &str, what: String, remedy: &str| {
        problems.push(Problem {
            origin: key.to_owned(),
            line: 0,
            key: String::new(),
            what,
            remedy: remedy.to_owned(),
        });
    };
    let events = &settings.events;
    if events.to == EventsTo::File && events.file.path.as_os_str().is_empty() {
        let remedy = "set events.file.path, ERRTALLY_EVENTS_FILE_PATH or --events-file-path";
        report("events.file.path", "no file for events".to_owned(), remedy);
    }
    if events.to == EventsTo::File
        && let Err((what, remedy)) = can_be_written(&events.file.path)
    {
        report("events.file.path", what, remedy);
    }
    if events.to == EventsTo::Kafka && events.kafka.topic.is_empty() {
        let remedy = "set events.kafka.topic, ERRTALLY_EVENTS_KAFKA_TOPIC or --events-kafka-topic";
        report("events.kafka.topic", "no topic for events".to_owned(), remedy);
    }
    if let Some(consumer) = settings.input(SourceKind::Kafka).filter(|_| events.to == EventsTo::Kafka) {
        let topic = &events.kafka.topic;
        for consumed in consumer.kafka.topics.iter().filter(|_| !topic.is_empty()) {
            let remedy = "events would be read again and make events without end; name another topic";
            match consumes(consumed, topic) {
                Some(false) => {}
                Some(true) => {
                    report(
                        "events.kafka.topic",
                        format!("`{topic}` is consumed as `{consumed}` of kafka.topics"),
                        remedy,
                    );
                }
                None => report(
                    "kafka.topics",
                    format!(
                        "cannot tell whether the pattern `{consumed}` matches `{topic}`, the topic of events"
                    ),
                    "write it in simpler terms",
                ),
            }
        }
    }
    problems
}

/// Whether there can be a file at `path`.
fn can_be_written(path: &Path) -> Result<(), (String, &'static str)> {
    use rustix::fs::{Access, access};
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = path.display();
    if path.is_dir() {
        return Err((format!("{shown} is a folder"), "name a file in it"));
    }
    if !folder.is_dir() {
        return Err((
            format!("there is no folder {}", folder.display()),
            "make it, or name a file elsewhere",
        ));
    }
    let place = if path.exists() { path } else { folder };
    access(place, Access::WRITE_OK).map_err(|e| {
        (
            format!("cannot write to {}: {}", place.display(), std::io::Error::from(e)),
            "let errtally write there",
        )
    })
}

/// Whether `topic` is among what `consumed`, a topic or a pattern, stands
/// for; `None` for a pattern that cannot be read.
fn consumes(consumed: &str, topic: &str) -> Option<bool> {
    if !consumed.starts_with('^') {
        return Some(consumed == topic);
    }
    Some(Regex::new(consumed).ok()?.is_match(topic))
}
