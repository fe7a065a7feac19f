//! The table of keys: the one place that knows a key's name, meaning, reader
//! and how its value is shown.

use std::sync::LazyLock;
use std::time::Duration;

use super::Settings;
use crate::metrics::CodeInfo;
use crate::server::is_address;
use crate::source::settings::SourceKind;
use errtally_core::catalog::Category;
use errtally_core::classify::discovery::{MAX_KEY_NAME, MIN_KEY_NAME};
use errtally_core::yaml::suggest;

/// What is wrong with a value, and what to write instead.
pub use errtally_core::problem::Refused;

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// In the file.
    pub name: &'static str,
    /// One sentence or two.
    pub doc: &'static str,
    /// Whether it holds several values.
    pub list: bool,
    /// Whether SIGHUP puts a new value in force.
    pub reloads: bool,
    /// Reads the values into the settings.
    pub set: fn(&mut Settings, &[String]) -> Result<(), Refused>,
    /// The value as it is written in the file.
    pub show: fn(&Settings) -> String,
}

/// All settings, in the order of `config/errtally.yaml`. A dot in a name is a
/// mapping in the file, an underscore in the variable, a hyphen in the flag.
pub static KEYS: LazyLock<Vec<&'static Key>> = LazyLock::new(|| {
    GENERAL
        .iter()
        .chain(super::join_keys::JOIN)
        .chain(super::http_keys::HTTP)
        .chain(super::sources::SOURCES)
        .chain(super::socket_keys::SOCKET)
        .chain(super::file_keys::FILE)
        .chain(super::kafka_keys::KAFKA)
        .chain(super::record_keys::RECORD)
        .chain(super::event_keys::EVENTS)
        .collect()
});

/// The settings that stand for themselves.
const GENERAL: &[Key] = &[
    Key {
        name: "source",
        doc: "What `run` reads: stdin (standard input), file (files that grow), kafka, tcp or unix (lines or frames that others send), udp or unixgram (datagrams), http (requests with lines, JSON or OTLP) or forward (Fluentd's protocol).",
        list: false,
        reloads: false,
        set: |s, v| {
            s.source = SourceKind::parse(one(v)?)?;
            Ok(())
        },
        show: |s| s.source.as_str().to_owned(),
    },
    Key {
        name: "listen",
        doc: "Address of the HTTP server: IP:PORT, NAME:PORT, or :PORT for all addresses, IPv4 and IPv6.",
        list: false,
        reloads: false,
        set: |s, v| {
            let text = one(v)?;
            if !is_address(text) {
                return Err((
                    format!("`{text}` is no address"),
                    "write IP:PORT, NAME:PORT or :PORT, such as 127.0.0.1:9877, localhost:9877 or :9877"
                        .to_owned(),
                ));
            }
            s.listen = text.to_owned();
            Ok(())
        },
        show: |s| quoted(&s.listen),
    },
    Key {
        name: "web_config_file",
        doc: "File with TLS, client certificates and passwords of the HTTP server, in the format of Prometheus's exporter-toolkit.",
        list: false,
        reloads: false,
        set: |s, v| {
            let path = one(v)?;
            s.web_config_file = (!path.is_empty()).then(|| path.into());
            Ok(())
        },
        show: |s| quoted(&s.web_config_file.as_ref().map_or(String::new(), |p| p.display().to_string())),
    },
    Key {
        name: "watch",
        doc: "Reload, as at SIGHUP, when the configuration file or a catalog changes.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.watch = parse_bool(one(v)?)?;
            Ok(())
        },
        show: |s| s.watch.to_string(),
    },
    Key {
        name: "catalog",
        doc: "Catalog files or folders on top of the built-in catalog. They add services and replace rows. A file may have 64 MiB, and loading it uses up to 100 times as much memory.",
        list: true,
        reloads: true,
        set: |s, v| {
            s.catalog = v.iter().map(Into::into).collect();
            Ok(())
        },
        show: |s| list(s.catalog.iter().map(|p| quoted(&p.display().to_string()))),
    },
    Key {
        name: "services",
        doc: "Services whose codes errtally finds, by their short names such as ECS; empty for all. It may still discover codes of other services behind a key.",
        list: true,
        reloads: true,
        set: |s, v| {
            s.services = v.to_vec();
            Ok(())
        },
        show: |s| list(s.services.iter().map(|name| quoted(name))),
    },
    Key {
        name: "discovery",
        doc: "Find codes also by the key before them: codes of services without a catalog, and codes that are numbers alone.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.discovery = parse_bool(one(v)?)?;
            Ok(())
        },
        show: |s| s.discovery.to_string(),
    },
    Key {
        name: "discovery_keys",
        doc: "The keys of discovery. If a name holds `code`, errtally matches its words in any case, joined by `_`, `-`, a dot, a blank or nothing. It matches other names as they are spelled here, in any case. It accepts `code` itself only in quotes or as a tag.",
        list: true,
        reloads: true,
        set: |s, v| {
            if let Some(bad) = v.iter().find(|name| !is_key_name(name)) {
                return Err((
                    format!("`{bad}` is no key"),
                    format!(
                        "write {MIN_KEY_NAME} to {MAX_KEY_NAME} letters, digits, `_`, `-` and dots, such as error_code"
                    ),
                ));
            }
            s.discovery_keys = v.to_vec();
            Ok(())
        },
        show: |s| list(s.discovery_keys.iter().map(|k| quoted(k))),
    },
    Key {
        name: "max_record_bytes",
        doc: "Longest record that errtally holds whole, in bytes or with KiB or MiB. It finds the codes of longer records in pieces. Reading one may use 32 times as much memory. 1KiB to 64MiB.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.max_record_bytes = within(size(one(v)?)?, 1 << 10, 64 << 20, "1KiB to 64MiB")?;
            Ok(())
        },
        show: |s| show_bytes(s.max_record_bytes),
    },
    Key {
        name: "max_unknown_codes",
        doc: "Maximum number of unknown codes with a series of their own. Further ones count as code=\"other\". 0 to 100000.",
        list: false,
        reloads: true,
        set: |s, v| {
            let text = one(v)?;
            let count = text
                .parse::<u64>()
                .map_err(|_| (format!("`{text}` is no count"), "write a whole number".to_owned()))?;
            s.max_unknown_codes = within(count, 0, 100_000, "0 to 100000")?;
            Ok(())
        },
        show: |s| s.max_unknown_codes.to_string(),
    },
    Key {
        name: "zero_init",
        doc: "Categories whose codes have a series at 0 from the start, so that increase() sees the first hit.",
        list: true,
        reloads: true,
        set: |s, v| {
            let names = Category::CATALOG.map(Category::as_str);
            s.zero_init = v
                .iter()
                .map(|name| {
                    Category::parse(name)
                        .ok_or_else(|| (format!("`{name}` is no category"), suggest(name, &names)))
                })
                .collect::<Result<_, _>>()?;
            Ok(())
        },
        show: |s| list(s.zero_init.iter().map(ToString::to_string)),
    },
    Key {
        name: "code_info",
        doc: "Codes that errtally_code_info describes: seen (since the start) or all.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.code_info = match one(v)? {
                "seen" => CodeInfo::Seen,
                "all" => CodeInfo::All,
                other => {
                    return Err((
                        format!("invalid value `{other}`: expected seen or all"),
                        "write seen or all".to_owned(),
                    ));
                }
            };
            Ok(())
        },
        show: |s| match s.code_info {
            CodeInfo::Seen => "seen".to_owned(),
            CodeInfo::All => "all".to_owned(),
        },
    },
    Key {
        name: "linger",
        doc: "How long errtally serves /metrics after the end of standard input, for a last scrape.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.linger = parse_duration(one(v)?)?;
            Ok(())
        },
        show: |s| show_duration(s.linger),
    },
    Key {
        name: "shutdown_timeout",
        doc: "Maximum time from SIGTERM or SIGINT, or from the end of the input, to the exit.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.shutdown_timeout = parse_duration(one(v)?)?;
            Ok(())
        },
        show: |s| show_duration(s.shutdown_timeout),
    },
    Key {
        name: "log_level",
        doc: "Least severe level that errtally logs to standard error: error, warn, info, debug or trace.",
        list: false,
        reloads: true,
        set: |s, v| {
            let text = one(v)?;
            s.log_level = match text {
                "error" => tracing::Level::ERROR,
                "warn" => tracing::Level::WARN,
                "info" => tracing::Level::INFO,
                "debug" => tracing::Level::DEBUG,
                "trace" => tracing::Level::TRACE,
                _ => {
                    let levels = ["error", "warn", "info", "debug", "trace"];
                    return Err((format!("`{text}` is no level"), suggest(text, &levels)));
                }
            };
            Ok(())
        },
        show: |s| s.log_level.to_string().to_lowercase(),
    },
    Key {
        name: "log_format",
        doc: "Format of the log: text, or json for one object per line.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.log_format = match one(v)? {
                "text" => crate::log::Format::Text,
                "json" => crate::log::Format::Json,
                other => {
                    return Err((
                        format!("invalid value `{other}`: expected text or json"),
                        "write text or json".to_owned(),
                    ));
                }
            };
            Ok(())
        },
        show: |s| s.log_format.as_str().to_owned(),
    },
];

impl Key {
    /// The key with this name.
    pub fn find(name: &str) -> Option<&'static Key> {
        KEYS.iter().copied().find(|k| k.name == name)
    }

    /// Whether `a` and `b` differ in it; a secret that is not shown counts too.
    pub fn differs(&self, a: &Settings, b: &Settings) -> bool {
        let hidden = match self.name {
            "kafka.properties" => a.kafka.properties != b.kafka.properties,
            "events.kafka.properties" => a.events.kafka.properties != b.events.kafka.properties,
            _ => false,
        };
        hidden || (self.show)(a) != (self.show)(b)
    }

    /// Whether its values are `NAME=VALUE` pairs, in the file a mapping.
    pub fn is_map(&self) -> bool {
        self.name == "labels" || self.name.ends_with(".properties")
    }

    /// The environment variable.
    pub fn variable(&self) -> String {
        format!("ERRTALLY_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// The flag.
    pub fn flag(&self) -> String {
        match self.name {
            // As every exporter spells it.
            "web_config_file" => "--web.config.file".to_owned(),
            name => format!("--{}", name.replace(['_', '.'], "-")),
        }
    }
}

pub(super) fn one(values: &[String]) -> Result<&str, Refused> {
    match values {
        [value] => Ok(value.trim()),
        _ => Err((format!("{} values", values.len()), "write one".to_owned())),
    }
}

pub(super) fn within(value: u64, least: u64, most: u64, range: &str) -> Result<usize, Refused> {
    match usize::try_from(value) {
        Ok(size) if (least..=most).contains(&value) => Ok(size),
        _ => Err((format!("{value} is out of range"), format!("write {range}"))),
    }
}

pub(super) fn parse_bool(text: &str) -> Result<bool, Refused> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err((format!("`{other}` is neither true nor false"), "write true or false".to_owned())),
    }
}

pub(super) fn size(text: &str) -> Result<u64, Refused> {
    parse_bytes(text).ok_or_else(|| {
        (format!("`{text}` is no size"), "write bytes, or a number with KiB or MiB".to_owned())
    })
}

fn parse_bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let unit: u64 = match text[digits..].trim_start() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return None,
    };
    number.checked_mul(unit)
}

pub(super) fn show_bytes(bytes: usize) -> String {
    match bytes {
        b if b % (1 << 20) == 0 => format!("{}MiB", b >> 20),
        b if b % (1 << 10) == 0 => format!("{}KiB", b >> 10),
        b => b.to_string(),
    }
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, Refused> {
    let longest = Duration::from_secs(7 * 24 * 3600);
    match humantime::parse_duration(text) {
        Ok(duration) if duration <= longest => Ok(duration),
        Ok(_) => Err((format!("`{text}` is too long"), "write 7days at most".to_owned())),
        Err(_) => Err((
            format!("`{text}` is no duration"),
            "write a number with a unit, such as 500ms, 10s or 2m".to_owned(),
        )),
    }
}

pub(super) fn show_duration(duration: Duration) -> String {
    humantime::format_duration(duration).to_string().replace(' ', "")
}

pub(super) fn quoted(text: &str) -> String {
    // Double-quoted YAML reads JSON's escapes.
    serde_json::Value::from(text).to_string()
}

pub(super) fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn is_key_name(name: &str) -> bool {
    (MIN_KEY_NAME..=MAX_KEY_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        && name.as_bytes()[0].is_ascii_alphabetic()
}
