//! `ERRTALLY_*` variables: one for each key, one for each secret among the
//! properties of librdkafka, and `..._FILE` with a file that holds the value.

use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;

use super::kafka_keys;
use super::keys::{KEYS, Key, Refused};

/// What stands for a property by itself, since a Secret holds one value.
const PROPERTIES: &[(&str, &str)] = &[
    ("SASL_USERNAME", "sasl.username"),
    ("SASL_PASSWORD", "sasl.password"),
    ("SSL_KEY_PASSWORD", "ssl.key.password"),
    ("SSL_KEYSTORE_PASSWORD", "ssl.keystore.password"),
];

/// Whose properties they are.
const SECTIONS: &[(&str, &str)] =
    &[("ERRTALLY_EVENTS_KAFKA_", "events.kafka.properties"), ("ERRTALLY_KAFKA_", "kafka.properties")];

/// Longest value that a file may hold.
const MAX_FILE_BYTES: usize = 64 << 10;

/// What a variable sets.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub key: &'static Key,
    /// The property, where it is one of the key's.
    pub property: Option<&'static str>,
    /// Whether the value is the name of a file that holds it.
    pub file: bool,
}

impl Target {
    /// What `name` sets; none where nobody knows it.
    pub fn of(name: &str) -> Option<Target> {
        let direct = |name: &str| {
            let whole = KEYS.iter().find(|k| k.variable() == name);
            whole.map(|key| Target { key, property: None, file: false }).or_else(|| Target::property(name))
        };
        direct(name).or_else(|| direct(name.strip_suffix("_FILE")?).map(|t| Target { file: true, ..t }))
    }

    fn property(name: &str) -> Option<Target> {
        let (section, rest) = SECTIONS.iter().find_map(|(s, key)| Some((key, name.strip_prefix(s)?)))?;
        let (_, property) = PROPERTIES.iter().find(|(known, _)| *known == rest)?;
        Some(Target { key: Key::find(section)?, property: Some(property), file: false })
    }

    /// The values that `text` stands for.
    pub fn values(&self, text: &str) -> Vec<String> {
        match self.property {
            Some(property) => vec![format!("{property}={text}")],
            None if self.key.name.ends_with(".properties") => kafka_keys::split(text),
            None if self.key.list => {
                text.split(',').map(|v| v.trim().to_owned()).filter(|v| !v.is_empty()).collect()
            }
            None => vec![text.to_owned()],
        }
    }
}

/// All names that there are, for a suggestion.
pub(super) fn names() -> Vec<String> {
    let properties =
        SECTIONS.iter().flat_map(|(s, _)| PROPERTIES.iter().map(move |(p, _)| format!("{s}{p}")));
    KEYS.iter().map(|k| k.variable()).chain(properties).collect()
}

/// The value that the file at `path` holds, without a newline at its end.
pub(super) fn read(path: &str) -> Result<String, Refused> {
    let refused = |what: String, remedy: &str| (format!("{path}: {what}"), remedy.to_owned());
    let mut bytes = Vec::new();
    // A pipe that nobody writes to is empty, and not waited for.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    std::fs::File::options()
        .read(true)
        .custom_flags(nonblock)
        .open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|e| refused(format!("cannot read it: {e}"), "check the path and its permissions"))?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(refused("more than 64 KiB".to_owned(), "name a file that holds the value alone"));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| refused("invalid UTF-8".to_owned(), "save the file as UTF-8"))?;
    let value = text.strip_suffix('\n').map_or(text.as_str(), |t| t.strip_suffix('\r').unwrap_or(t));
    if value.is_empty() {
        return Err(refused("it is empty".to_owned(), "write the value into it, or unset the variable"));
    }
    Ok(value.to_owned())
}
