//! What `run` reads: one source by the flat keys, or the list `sources`.
//!
//! An entry of the list has a name, a kind and keys of that kind, which are the
//! flat keys without their section. What an entry leaves out it has from the
//! flat key, so that a secret may still come from a variable.

use std::path::Path;

use super::Settings;
use super::keys::{KEYS, Key, quoted};
use super::layers::values_of;
use crate::source::settings::{SourceKind, SourceSettings};
use errtally_core::problem::Sink;
use errtally_core::yaml::{self, Data, Map, Node, suggest};

/// The kinds of which there may be any number; of the others there may be one.
const MANY: &[SourceKind] = &[
    SourceKind::Tcp,
    SourceKind::Unix,
    SourceKind::Udp,
    SourceKind::Unixgram,
    SourceKind::Http,
    SourceKind::Forward,
];

/// Most sources.
const MOST: usize = 64;

/// Longest name, in bytes.
const MAX_NAME: usize = 64;

/// An entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value of the label `source`.
    pub name: String,
    /// What it reads.
    pub kind: SourceKind,
    /// Its keys, each by its whole name, and their values.
    set: Vec<(&'static str, Vec<String>)>,
}

impl Settings {
    /// All sources, one at least.
    pub fn inputs(&self) -> Vec<SourceSettings> {
        let source = |settings: &Settings, name: &str, kind| SourceSettings {
            name: name.to_owned(),
            kind,
            file: settings.file.clone(),
            kafka: settings.kafka.clone(),
            socket: settings.socket.clone(),
        };
        if self.sources.is_empty() {
            return vec![source(self, self.source.as_str(), self.source)];
        }
        let entries = self.sources.iter();
        entries
            .map(|entry| {
                let mut settings = self.clone();
                for (name, values) in &entry.set {
                    if let Some(key) = Key::find(name) {
                        // It was tried when the entry was read.
                        let _ = (key.set)(&mut settings, values);
                    }
                }
                source(&settings, &entry.name, entry.kind)
            })
            .collect()
    }

    /// The source of this kind, where there is one.
    pub fn input(&self, kind: SourceKind) -> Option<SourceSettings> {
        self.inputs().into_iter().find(|source| source.kind == kind)
    }
}

/// The keys that stand for themselves.
pub(super) const SOURCES: &[Key] = &[Key {
    name: "sources",
    doc: "Several sources at once, instead of `source`, which stays stdin then: a list of mappings, each with a name (the value of the label `source`), a kind, and keys of that kind without their section, such as {name: syslog, kind: udp, listen: \":514\"}. What an entry leaves out it has from the flat key. As a flag or variable: the list as YAML.",
    list: false,
    reloads: false,
    set: |s, v| {
        let text = super::keys::one(v)?;
        let mut sink = Sink::new(Path::new("sources"));
        let node = if text.is_empty() { None } else { yaml::parse(text, &mut sink) };
        let entries = node.map(|node| read(&node, &mut sink)).unwrap_or_default();
        let problems = sink.finish();
        match problems.iter().next() {
            Some(problem) => {
                let key = if problem.key.is_empty() { String::new() } else { format!("{}: ", problem.key) };
                Err((format!("{key}{}", problem.what), problem.remedy.clone()))
            }
            None => {
                s.sources = entries;
                Ok(())
            }
        }
    },
    show: |s| super::keys::list(s.sources.iter().map(Entry::show)),
}];

impl Entry {
    fn show(&self) -> String {
        let mut text = format!("{{name: {}, kind: {}", quoted(&self.name), self.kind.as_str());
        let mut settings = Settings::default();
        for (name, values) in &self.set {
            if let Some(key) = Key::find(name) {
                let _ = (key.set)(&mut settings, values);
                let inner = name.split_once('.').map_or(*name, |(_, inner)| inner);
                text.push_str(&format!(", {inner}: {}", (key.show)(&settings)));
            }
        }
        text + "}"
    }
}

/// The entries in `node`; what is wrong goes to `sink`.
pub(super) fn read(node: &Node, sink: &mut Sink) -> Vec<Entry> {
    let items = match &node.data {
        Data::Null => return Vec::new(),
        Data::List(items) => items,
        _ => {
            let what = format!("expected a list, found {}", node.kind());
            sink.report(node.line, "sources", what, "write `- {name: NAME, kind: KIND}` lines below it");
            return Vec::new();
        }
    };
    let mut entries: Vec<Entry> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let path = format!("sources[{at}]");
        let Some(entry) = self::entry(item, &path, sink) else { continue };
        if entries.iter().any(|other| other.name == entry.name) {
            let what = format!("`{}` is the name of two sources", entry.name);
            sink.report(item.line, format!("{path}.name"), what, "give each a name of its own");
        } else if !MANY.contains(&entry.kind) && entries.iter().any(|other| other.kind == entry.kind) {
            let what = format!("there are two sources of the kind {}", entry.kind.as_str());
            let remedy = "keep one: it takes several paths or topics";
            sink.report(item.line, format!("{path}.kind"), what, remedy);
        }
        entries.push(entry);
    }
    if entries.len() > MOST {
        let what = format!("{} sources", entries.len());
        sink.report(node.line, "sources", what, format!("write {MOST} at most"));
    }
    entries
}

fn entry(node: &Node, path: &str, sink: &mut Sink) -> Option<Entry> {
    let mut map = Map::new(node, path, sink)?;
    let kind = match map.text("kind", sink) {
        Some((text, line)) => SourceKind::parse(text)
            .map_err(|(what, remedy)| sink.report(line, map.path("kind"), what, remedy)),
        None => {
            sink.report(map.line, map.path("kind"), "missing", "add `kind: KIND`, such as kind: tcp");
            Err(())
        }
    };
    let name = match map.text("name", sink) {
        Some((text, line)) if !is_name(text) => {
            let remedy = format!("write 1 to {MAX_NAME} letters, digits, `_`, `-` and dots");
            sink.report(line, map.path("name"), format!("`{text}` is no name"), remedy);
            None
        }
        Some((text, _)) => Some(text.to_owned()),
        None => {
            sink.report(
                map.line,
                map.path("name"),
                "missing",
                "add `name: NAME`, the value of the label source",
            );
            None
        }
    };
    let kind = kind.ok()?;
    let mut set = Vec::new();
    let Data::Map(all) = &node.data else { return None };
    for (inner, line, value) in all {
        if inner == "name" || inner == "kind" {
            continue;
        }
        let whole = kind.section().map(|section| format!("{section}.{inner}"));
        let Some(key) = whole.as_deref().and_then(Key::find) else {
            let prefix = kind.section().map(|section| format!("{section}."));
            let known = KEYS.iter().filter_map(|key| key.name.strip_prefix(prefix.as_deref()?));
            let known: Vec<_> = known.chain(["name", "kind"]).collect();
            let what = format!("a source of the kind {} has no such key", kind.as_str());
            sink.report(*line, format!("{path}.{inner}"), what, suggest(inner, &known));
            continue;
        };
        let shown = format!("{path}.{inner}");
        let Some(values) = values_of(key, &shown, value, sink) else { continue };
        match (key.set)(&mut Settings::default(), &values) {
            Ok(()) => set.push((key.name, values)),
            Err((what, remedy)) => sink.report(*line, shown, what, remedy),
        }
    }
    Some(Entry { name: name?, kind, set })
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}
