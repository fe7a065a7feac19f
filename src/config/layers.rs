//! Flags over variables over the file over defaults.

use std::path::{Path, PathBuf};

use super::keys::{KEYS, Key, Refused};
use super::variables::{self, Target};
use super::{Settings, kafka_keys};
use crate::catalog::Catalog;
use crate::http::Web;
use crate::problem::{Problem, Problems, Sink};
use crate::yaml::{self, Data, Node, suggest};

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
        let (loaded, mut problems) = self.settings();
        match Catalog::load(&loaded.settings.catalog, true) {
            Ok(catalog) if problems.is_empty() => Ok((loaded, catalog)),
            Ok(_) => Err(problems),
            Err(more) => {
                problems.append(loaded.located("catalog", more));
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
        let settings = self.settings().0;
        let web = Web::open(settings.settings.web_config_file.as_deref());
        let web = web.map_err(|problems| settings.located("web_config_file", problems));
        match (self.load(), web) {
            (Ok((loaded, catalog)), Ok(web)) => Ok((loaded, catalog, web)),
            (loaded, web) => {
                let mut problems = loaded.err().unwrap_or_default();
                problems.append(web.err().unwrap_or_default());
                Err(problems)
            }
        }
    }

    /// Puts the layers together; a value with a problem is left out.
    pub fn settings(&self) -> (Loaded, Problems) {
        let mut loaded = Loaded { settings: Settings::default(), origins: vec![Origin::Default; KEYS.len()] };
        let mut problems = Problems::default();
        if let Some(path) = &self.file {
            problems.append(loaded.file(path));
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

    fn file(&mut self, path: &Path) -> Problems {
        let mut sink = Sink::new(path);
        match yaml::parse_file(path, &mut sink) {
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
        let Some(key) = Key::find(name) else {
            let names: Vec<_> = KEYS.iter().map(|k| k.name).collect();
            sink.report(line, name, "unknown key", suggest(name, &names));
            return;
        };
        let values = match &node.data {
            Data::Null => return,
            Data::Scalar(text, _) => vec![text.clone()],
            Data::List(items) if key.list => {
                let mut values = Vec::new();
                for item in items {
                    match &item.data {
                        Data::Scalar(text, _) => values.push(text.clone()),
                        _ => {
                            let what = format!("expected text in the list, found {}", item.kind());
                            sink.report(item.line, name, what, "write one value an item");
                            return;
                        }
                    }
                }
                values
            }
            Data::Map(entries) if key.is_map() => {
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
                        Data::List(items)
                            if key.name == "labels" && items.iter().all(|i| i.scalar().is_some()) =>
                        {
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
                if wrong {
                    return;
                }
                values
            }
            _ => {
                let wanted = if key.list { "a list or one value" } else { "one value" };
                sink.report(node.line, name, format!("expected {wanted}, found {}", node.kind()), key.doc);
                return;
            }
        };
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
                Err(("unknown variable".to_owned(), suggest(name, &names)))
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
