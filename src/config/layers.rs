//! Flags over variables over the file over defaults.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::keys::{KEYS, Key, Refused};
use super::variables::{self, Target};
use super::{Settings, kafka_keys, sources};
use crate::files::{self, MAX_SETTINGS_BYTES};
use crate::http::Web;
use errtally_core::catalog::Catalog;
use errtally_core::problem::{self, Problem, Problems, Sink};
use errtally_core::yaml::{self, Data, Node, suggest_of_many};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file, at this line.
    File(PathBuf, usize),
    /// This environment variable.
    Variable(String),
    /// This flag.
    Flag(String),
    /// Some of it from here, some from there.
    Both(Box<Origin>, Box<Origin>),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
            Origin::Variable(name) | Origin::Flag(name) => f.write_str(name),
            Origin::Both(below, above) => write!(f, "{below}, {above}"),
        }
    }
}

/// What the process was started with; a reload reads the file again.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// `--config`, or `ERRTALLY_CONFIG`.
    pub file: Option<PathBuf>,
    /// Environment variables, all of them.
    pub variables: Vec<(String, String)>,
    /// Flags that were given: the key's name and the values.
    pub flags: Vec<(&'static str, Vec<String>)>,
    /// What came out of the file where that is a pipe, which gives it once.
    pub streamed: Arc<OnceLock<Result<String, Problem>>>,
}

/// Settings with the origin of each, in the order of [`KEYS`].
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Where each comes from.
    pub origins: Vec<Origin>,
}

impl Layers {
    /// Settings and the catalog that they name.
    ///
    /// # Errors
    /// Every problem in any layer, an overruled one too, and every problem of
    /// the catalog.
    pub fn load(&self) -> Result<(Loaded, Catalog), Problems> {
        let (loaded, problems) = self.settings();
        Layers::with_catalog(loaded, problems)
    }

    /// As [`Layers::load`], for a process that has loaded before. A
    /// configuration that came through a pipe is what it was; see
    /// [`Layers::came_through_a_pipe`].
    ///
    /// # Errors
    /// As [`Layers::load`], and a catalog that is a pipe.
    pub fn load_again(&self) -> Result<(Loaded, Catalog), Problems> {
        let (loaded, mut problems) = self.settings();
        for path in loaded.settings.catalog.iter().filter(|path| files::is_stream(path)) {
            let what = "it is a pipe or a device, which was read at the start and cannot be read again";
            let remedy = "name a file, or restart errtally to read it anew";
            problems.push(problem::in_file(path, what.to_owned(), remedy));
        }
        if problems.is_empty() { Layers::with_catalog(loaded, problems) } else { Err(problems) }
    }

    /// Whether the configuration came out of a pipe and is not read again.
    pub fn came_through_a_pipe(&self) -> bool {
        self.streamed.get().is_some()
    }

    fn with_catalog(loaded: Loaded, mut problems: Problems) -> Result<(Loaded, Catalog), Problems> {
        let catalog = files::load_catalog(&loaded.settings.catalog, true);
        let catalog = catalog.map_err(|problems| loaded.located("catalog", problems));
        match catalog.and_then(|catalog| loaded.chosen(catalog)) {
            Ok(catalog) if problems.is_empty() => Ok((loaded, catalog)),
            Ok(_) => Err(problems),
            Err(more) => {
                problems.append(more);
                Err(problems)
            }
        }
    }

    /// As [`Layers::load`], and what `run` needs beside: the web
    /// configuration. Nobody else has to be able to read its keys.
    ///
    /// # Errors
    /// As [`Layers::load`], and every problem of the web configuration.
    pub fn load_to_run(&self) -> Result<(Loaded, Catalog, Web), Problems> {
        // Read once: two readings of a file that changes would not be of one piece.
        let (loaded, problems) = self.settings();
        let web = Web::open(loaded.settings.web_config_file.as_deref());
        let web = web.map_err(|problems| loaded.located("web_config_file", problems));
        match (Layers::with_catalog(loaded, problems), web) {
            (Ok((loaded, catalog)), Ok(web)) => Ok((loaded, catalog, web)),
            (loaded, web) => {
                let mut problems = loaded.err().unwrap_or_default();
                problems.append(web.err().unwrap_or_default());
                Err(problems)
            }
        }
    }

    /// The text of the configuration file. A file without any is most likely
    /// one that is being written, or whose writer has failed: the settings that
    /// it is to hold may be what protects the server.
    fn text(&self, path: &Path) -> Result<String, Problem> {
        if let Some(kept) = self.streamed.get() {
            return kept.clone();
        }
        let (text, stream) = match files::read(path, MAX_SETTINGS_BYTES) {
            Ok(content) => (problem::text(path, content.bytes), content.stream),
            Err(e) => (Err(problem::in_file(path, e.what, e.remedy)), e.stream),
        };
        // Only a device gives nothing on purpose: /dev/null.
        let text = text.and_then(|text| match text.trim().is_empty() && !(stream && text.is_empty()) {
            true => {
                Err(problem::in_file(path, "it is empty".to_owned(), "write a key, or a comment at least"))
            }
            false => Ok(text),
        });
        if stream { self.streamed.get_or_init(|| text).clone() } else { text }
    }

    /// Puts the layers together; a value with a problem is left out.
    pub fn settings(&self) -> (Loaded, Problems) {
        let mut loaded = Loaded { settings: Settings::default(), origins: vec![Origin::Default; KEYS.len()] };
        let mut problems = Problems::default();
        if let Some(path) = &self.file {
            match self.text(path) {
                Ok(text) => problems.append(loaded.file(path, &text)),
                Err(problem) => problems.push(problem),
            }
        }
        // A property by itself counts more than one among several.
        let by_itself =
            |(name, _): &&(String, String)| Target::of(name).is_some_and(|t| t.property.is_some());
        let (last, first): (Vec<_>, Vec<_>) = self.variables.iter().partition(by_itself);
        for (name, value) in first.into_iter().chain(last) {
            if let Some(problem) = loaded.variable(name, value, &self.variables) {
                problems.push(problem);
            }
        }
        for (name, values) in &self.flags {
            if let Some(key) = Key::find(name)
                && let Err((what, remedy)) = loaded.set(key, values, Origin::Flag(key.flag()))
            {
                problems.push(Problem { origin: key.flag(), line: 0, key: String::new(), what, remedy });
            }
        }
        // One mistake would come back as another.
        if problems.is_empty() {
            problems.append(loaded.check());
        }
        (loaded, problems)
    }
}

impl Loaded {
    /// What `services` leaves of a catalog.
    fn chosen(&self, catalog: Catalog) -> Result<Catalog, Problems> {
        let names = &self.settings.services;
        if names.is_empty() {
            return Ok(catalog);
        }
        let all: Vec<_> = catalog.services().iter().map(|s| s.name.clone()).collect();
        catalog.chosen(names).map_err(|unknown| {
            let known: Vec<_> = all.iter().map(String::as_str).collect();
            let mut problems = Problems::default();
            for name in unknown {
                let what = format!("no service is called `{name}`");
                let all = "all services: `errtally catalog check`";
                problems.push(self.problem("services", what, suggest_of_many(&name, &known, all)));
            }
            problems
        })
    }

    fn set(&mut self, key: &'static Key, values: &[String], origin: Origin) -> Result<(), (String, String)> {
        values.iter().try_for_each(|value| without_nul(value))?;
        (key.set)(&mut self.settings, values)?;
        if let Some(at) = KEYS.iter().position(|k| k.name == key.name) {
            // Properties are set one by one: those of the layers below may be there still.
            let (source, events) = (&self.settings.kafka.properties, &self.settings.events.kafka.properties);
            let stay = match key.name {
                "kafka.properties" => source.len() > values.len(),
                "events.kafka.properties" => events.len() > values.len(),
                _ => false,
            };
            self.origins[at] = if stay {
                let below = std::mem::replace(&mut self.origins[at], Origin::Default);
                Origin::Both(Box::new(below), Box::new(origin))
            } else {
                origin
            };
        }
        Ok(())
    }

    /// Notes where the key of this name is set.
    fn came_from(&mut self, name: &str, origin: Origin) {
        if let Some(at) = KEYS.iter().position(|key| key.name == name) {
            self.origins[at] = origin;
        }
    }

    fn file(&mut self, path: &Path, text: &str) -> Problems {
        let mut sink = Sink::new(path);
        match yaml::parse(text, &mut sink) {
            // A file with nothing in it sets nothing.
            Some(Node { data: Data::Null, .. }) | None => {}
            Some(Node { data: Data::Map(entries), .. }) => {
                for (name, line, node) in &entries {
                    self.entry(path, name, *line, node, &mut sink);
                }
            }
            Some(node) => {
                sink.report(
                    node.line,
                    "",
                    format!("expected a mapping, found {}", node.kind()),
                    "write `key: value` lines",
                );
            }
        }
        sink.finish()
    }

    fn entry(&mut self, path: &Path, name: &str, line: usize, node: &Node, sink: &mut Sink) {
        // `kafka` is a mapping of keys, `kafka.properties` one of values.
        let section = format!("{name}.");
        if KEYS.iter().any(|k| k.name.starts_with(&section)) {
            match &node.data {
                Data::Null => {}
                Data::Map(entries) => {
                    for (inner, line, node) in entries {
                        self.entry(path, &format!("{name}.{inner}"), *line, node, sink);
                    }
                }
                _ => sink.report(
                    node.line,
                    name,
                    format!("expected a mapping, found {}", node.kind()),
                    "write `key: value` lines below it",
                ),
            }
            return;
        }
        // As text it is as in a variable.
        if name == "sources" && node.scalar().is_none() {
            let entries = sources::read(node, sink);
            self.settings.sources = entries;
            self.came_from(name, Origin::File(path.to_owned(), line));
            return;
        }
        let Some(key) = Key::find(name) else {
            let names: Vec<_> = KEYS.iter().map(|k| k.name).collect();
            let all = "all keys: `errtally config show`, docs/settings.md";
            sink.report(line, name, "unknown key", suggest_of_many(name, &names, all));
            return;
        };
        let Some(values) = values_of(key, name, node, sink) else { return };
        if let Err((what, remedy)) = self.set(key, &values, Origin::File(path.to_owned(), line)) {
            sink.report(node.line, name, what, remedy);
        }
    }

    fn variable(&mut self, name: &str, value: &str, all: &[(String, String)]) -> Option<Problem> {
        let rest = name.strip_prefix("ERRTALLY_")?;
        if rest == "CONFIG" || is_service_link(rest, value) {
            return None;
        }
        let refused = match Target::of(name) {
            None => {
                let names = variables::names();
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                let all = "all variables: docs/settings.md; all keys: `errtally config show`";
                Err(("unknown variable".to_owned(), suggest_of_many(name, &names, all)))
            }
            Some(target) => self.take(name, value, target, all),
        };
        let (what, remedy) = refused.err()?;
        Some(Problem { origin: name.to_owned(), line: 0, key: String::new(), what, remedy })
    }

    fn take(
        &mut self,
        name: &str,
        value: &str,
        target: Target,
        all: &[(String, String)],
    ) -> Result<(), Refused> {
        let read;
        let value = if target.file {
            let direct = name.trim_end_matches("_FILE");
            if all.iter().any(|(other, _)| other == direct) {
                return Err((format!("{direct} is set, too"), "unset one of the two".to_owned()));
            }
            read = variables::read(value)?;
            &read
        } else {
            value
        };
        self.set(target.key, &target.values(value), Origin::Variable(name.to_owned()))
    }
}

/// The values of `key` that `node` holds, which stands at `name`; none where it is empty, or something is wrong, which
/// goes to `sink`.
pub(super) fn values_of(key: &Key, name: &str, node: &Node, sink: &mut Sink) -> Option<Vec<String>> {
    match &node.data {
        Data::Null => None,
        Data::Scalar(text, _) => Some(vec![text.clone()]),
        Data::List(items) if key.list => {
            let mut values = Vec::new();
            for item in items {
                match &item.data {
                    Data::Scalar(text, _) => values.push(text.clone()),
                    _ => {
                        let what = format!("expected text in the list, found {}", item.kind());
                        sink.report(item.line, name, what, "write one value an item");
                        return None;
                    }
                }
            }
            Some(values)
        }
        Data::Map(entries) if key.is_map() => pairs_of(key, name, entries, sink),
        _ => {
            let wanted = if key.list { "a list or one value" } else { "one value" };
            sink.report(node.line, name, format!("expected {wanted}, found {}", node.kind()), key.doc);
            None
        }
    }
}

/// The same of a key that holds `NAME=VALUE` pairs.
fn pairs_of(
    key: &Key,
    name: &str,
    entries: &[(String, usize, Node)],
    sink: &mut Sink,
) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut wrong = false;
    for (inner, line, node) in entries {
        let place = || format!("{name}.{inner}");
        match &node.data {
            Data::Scalar(text, _) => match check(key, inner, text) {
                Ok(()) => values.push(format!("{inner}={text}")),
                Err((what, remedy)) => {
                    sink.report(*line, place(), what, remedy);
                    wrong = true;
                }
            },
            Data::List(items) if key.name == "labels" && items.iter().all(|i| i.scalar().is_some()) => {
                let paths: Vec<&str> = items.iter().filter_map(Node::scalar).collect();
                values.push(format!("{inner}={}", paths.join("|")));
            }
            _ => {
                let what = format!("expected one value, found {}", node.kind());
                sink.report(node.line, place(), what, "write NAME: VALUE");
                wrong = true;
            }
        }
    }
    if wrong { None } else { Some(values) }
}

/// Neither a path nor what goes to librdkafka can have one.
fn without_nul(value: &str) -> Result<(), Refused> {
    if value.contains('\0') {
        return Err(("a NUL byte in the value".to_owned(), "write it without".to_owned()));
    }
    Ok(())
}

/// Whether a value may stand in the mapping of `key`, whatever else does.
fn check(key: &Key, name: &str, value: &str) -> Result<(), Refused> {
    without_nul(value)?;
    if key.name == "kafka.properties" { kafka_keys::check(name, value) } else { Ok(()) }
}

/// Whether Kubernetes set this variable, for a Service whose name begins with
/// `errtally`: it does so in every pod of the namespace.
fn is_service_link(rest: &str, value: &str) -> bool {
    rest.ends_with("SERVICE_HOST")
        || rest.contains("SERVICE_PORT")
        || (rest.contains("PORT") && (value.starts_with("tcp://") || value.starts_with("udp://")))
        || rest.contains("PORT_") && (rest.contains("_TCP_") || rest.contains("_UDP_"))
}
