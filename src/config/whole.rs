//! What must fit together in the settings as a whole, each mistake told where
//! its key, or the one that asks for it, is set.

use super::keys::KEYS;
use super::layers::{Loaded, Origin};
use super::{event_keys, record_keys, socket_keys};
#[cfg(feature = "kafka")]
use crate::sink::settings::EventsTo;
use crate::source::settings::SourceKind;
use errtally_core::problem::{Problem, Problems};

/// Keys that are asked for by another one.
const ASKED_BY: &[(&str, &str)] = &[
    ("file.paths", "source"),
    ("kafka.topics", "source"),
    ("socket.listen", "source"),
    ("events.file.path", "events.to"),
    ("events.kafka.topic", "events.to"),
];

impl Loaded {
    /// Where the key of this name is set.
    pub fn origin(&self, name: &str) -> &Origin {
        let at = KEYS.iter().position(|key| key.name == name);
        at.map_or(&Origin::Default, |at| &self.origins[at])
    }

    /// Everything that does not go together.
    pub(super) fn check(&self) -> Problems {
        let mut problems = Problems::default();
        let settings = &self.settings;
        if let Err((what, remedy)) = record_keys::check_together(settings) {
            problems.push(self.problem("labels", what, remedy));
        }
        if !settings.sources.is_empty() && settings.source != SourceKind::Stdin {
            let what = "there is `sources` as well".to_owned();
            problems.push(self.problem("source", what, "keep one of them".to_owned()));
        }
        let inputs = settings.inputs();
        let of = |kind| inputs.iter().find(|source| source.kind == kind);
        for source in &inputs {
            if let Err((key, (what, remedy))) = socket_keys::check(source.kind, &source.socket) {
                let (key, what) = if settings.sources.is_empty() {
                    (format!("socket.{key}"), what)
                } else {
                    ("sources".to_owned(), format!("{}: {key}: {what}", source.name))
                };
                problems.push(self.problem(&key, what, remedy));
            }
        }
        if of(SourceKind::File).is_some_and(|source| source.file.paths.is_empty()) {
            let remedy =
                "set file.paths, ERRTALLY_FILE_PATHS or --file-paths, such as /var/log/containers/*.log";
            problems.push(self.problem("file.paths", "no file to follow".to_owned(), remedy.to_owned()));
        }
        if of(SourceKind::Kafka).is_some_and(|source| source.kafka.topics.is_empty()) {
            let remedy = "set kafka.topics, ERRTALLY_KAFKA_TOPICS or --kafka-topics";
            problems.push(self.problem("kafka.topics", "no topic to consume".to_owned(), remedy.to_owned()));
        }
        for problem in event_keys::check(settings).iter() {
            problems.push(self.problem(&problem.origin, problem.what.clone(), problem.remedy.clone()));
        }
        #[cfg(feature = "kafka")]
        if !settings.kafka.properties.is_empty()
            && let Err(refused) = crate::source::kafka::check_together(&settings.kafka)
        {
            for (what, remedy) in refused {
                problems.push(self.problem("kafka.properties", what, remedy));
            }
        }
        #[cfg(feature = "kafka")]
        if settings.events.to == EventsTo::Kafka
            && let Err((what, remedy)) =
                crate::sink::kafka::check_together(&settings.events.kafka, &settings.kafka)
        {
            problems.push(self.problem("events.kafka.properties", what, remedy));
        }
        problems
    }

    /// Problems of the files that `key` names. What is wrong with a file as a
    /// whole, such as that it is not there, is a mistake of the key, too.
    pub(super) fn located(&self, key: &str, problems: Problems) -> Problems {
        let mut located = Problems::default();
        for problem in problems.iter() {
            if problem.line == 0 && problem.key.is_empty() {
                let what = format!("{}: {}", problem.origin, problem.what);
                located.push(self.problem(key, what, problem.remedy.clone()));
            } else {
                located.push(problem.clone());
            }
        }
        located
    }

    /// A problem of `key`, at the place where it is set.
    pub fn problem(&self, key: &str, what: String, remedy: String) -> Problem {
        let asks = ASKED_BY.iter().find(|(asked, _)| *asked == key).map(|(_, asks)| *asks);
        let set = [Some(key), asks].into_iter().flatten().find_map(|name| {
            let at = KEYS.iter().position(|k| k.name == name)?;
            Some((name, &self.origins[at])).filter(|(_, origin)| **origin != Origin::Default)
        });
        let (origin, line, shown) = match set {
            Some((_, Origin::File(path, line))) => (path.display().to_string(), *line, key),
            Some((name, Origin::Variable(origin) | Origin::Flag(origin))) => {
                (origin.clone(), 0, if name == key { "" } else { key })
            }
            Some((_, both @ Origin::Both(..))) => (both.to_string(), 0, key),
            Some((_, Origin::Default)) | None => (key.to_owned(), 0, ""),
        };
        Problem { origin, line, key: shown.to_owned(), what, remedy }
    }
}
