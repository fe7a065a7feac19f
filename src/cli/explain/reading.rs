//! What was read from a record with codes: each value, which rule has found it
//! and where; and why there is none.

use std::fmt::{Display, Write};
use std::ops::Range;

use anyhow::Context;

use super::{DIM, Failure};
use crate::config::Settings;
use errtally_core::catalog::Catalog;
use errtally_core::classify::explain::{Outcome, Verdict};
use errtally_core::classify::status;
use errtally_core::enrich::{Extraction, FieldPaths, Label, Plan};
use errtally_core::event::EventPlan;
use errtally_core::event::{Message, Writer};
use errtally_core::fields::origin::{Origin, Rule};
use errtally_core::fields::time::{self, Moment, Zone};
use errtally_core::fields::{Beside, Field, Parsers, Passed, Unfit, Values};

/// Codes of a record that have a message of their own, as in events.
const MAX_MESSAGES: usize = 16;

/// Longest value that is shown.
const MAX_SHOWN: usize = 120;

/// A zone that no log is in, and another.
const FAR_ZONES: [&str; 2] = ["+13:45", "-09:30"];

/// What records are read with.
pub(super) struct Told<'c> {
    pub catalog: &'c Catalog,
    paths: &'c FieldPaths,
    labels: &'c [Label],
    plan: Plan,
    /// The same with another zone, to see which times name none.
    far: Plan,
    writer: Writer,
}

/// What one record says.
pub(super) struct Reading<'r> {
    told: &'r Told<'r>,
    record: &'r [u8],
    /// Its hits: where they stand, in the order in which they were read.
    hits: Vec<Range<usize>>,
    parsers: Parsers,
    values: Values,
    passed: Vec<Passed>,
}

impl<'c> Told<'c> {
    /// By `settings`, as if there were events.
    pub fn new(catalog: &'c Catalog, settings: &'c Settings) -> Result<Told<'c>, Failure> {
        let plan = |zone: &Zone| {
            let extraction = Extraction {
                labels: settings.labels.clone(),
                fields: FieldPaths { time_zone: zone.clone(), ..settings.fields.clone() },
                max_label_sets: settings.max_label_sets,
                events: Some(EventPlan::default()),
                ..Extraction::default()
            };
            Plan::new(&extraction).map_err(anyhow::Error::msg)
        };
        let zone = &settings.fields.time_zone;
        let far = FAR_ZONES.iter().find(|far| **far != zone.name()).and_then(|far| Zone::named(far));
        Ok(Told {
            catalog,
            paths: &settings.fields,
            labels: &settings.labels,
            plan: plan(zone)?,
            far: plan(&far.context("no other zone")?)?,
            writer: Writer::new(&EventPlan::default(), catalog),
        })
    }

    /// Reads `record` for the hits among `verdicts`.
    pub fn read<'r>(&'r self, verdicts: &[Verdict], record: &'r [u8]) -> Reading<'r> {
        let mut seen = Vec::new();
        let mut hits = Vec::new();
        for verdict in verdicts {
            if let Some(code) = verdict.counts_as(self.catalog, record).filter(|code| !seen.contains(code)) {
                hits.push(verdict.start..verdict.end);
                seen.push(code);
            }
        }
        let (mut parsers, mut values) = (Parsers::default(), Values::default());
        let mut passed = Vec::new();
        if !hits.is_empty() {
            passed = self.plan.fields().passed(&mut parsers, record);
            let codes = hits.iter().take(MAX_MESSAGES);
            self.plan.fields().read(&mut parsers, record, Beside::Nothing, codes, &mut values);
        }
        Reading { told: self, record, hits, parsers, values, passed }
    }

    /// When `record` was made if times without a zone were in another.
    fn far_time(&self, record: &[u8]) -> Option<Moment> {
        let mut values = Values::default();
        let none = std::iter::empty::<&Range<usize>>();
        self.far.fields().read(&mut Parsers::default(), record, Beside::Nothing, none, &mut values);
        values.time()
    }
}

impl Reading<'_> {
    /// What belongs to the hit of `verdict`.
    pub fn hit(&self, verdict: &Verdict, out: &mut String) {
        let Some(i) = self.hits.iter().position(|hit| *hit == (verdict.start..verdict.end)) else { return };
        self.status(verdict, out);
        self.message(i, verdict, out);
        let (_, record) = self.told.plan.ids(&self.values);
        let roles = self.told.plan.fields().roles();
        let whose = match self.values.request(i) {
            Some(request) => self.values.request_origin(i).map(|origin| (request, origin, None)),
            None => record.zip(roles.request).and_then(|(request, slot)| {
                let path = &self.told.paths.request_id[usize::from(self.values.rank(slot))];
                Some((request, self.values.origin(slot)?, Some(path)))
            }),
        };
        match whose {
            Some((request, origin, path)) => {
                line(out, "request_id", request, self.found(origin, path.map(String::as_str)));
            }
            None => self.missing(Field::Request, "request_id", Some(i), out),
        }
    }

    fn status(&self, verdict: &Verdict, out: &mut String) {
        let catalog = self.told.catalog;
        let stated = status::stated(self.record, verdict.start);
        match &verdict.outcome {
            Outcome::Known(_, row, ..) => {
                let documented = catalog.row(*row).http_status;
                match (stated, documented) {
                    (Some((status, at)), _) => self.stated(status, at, out),
                    (None, Some(status)) => line(out, "http_status", &status.to_string(), "from the catalog"),
                    (None, None) => line(out, "http_status", "none", "neither line nor catalog has one"),
                }
                if stated.is_some_and(|(status, _)| Some(status) != documented) {
                    let label = documented.map_or("none".to_owned(), |status| status.to_string());
                    note(out, format_args!("the catalog has {label}, and so has the counter"));
                }
            }
            Outcome::Unlisted(_, inside, _) => match (stated, inside) {
                (Some((status, at)), _) => self.stated(status, at, out),
                (None, Some(status)) => {
                    line(out, "http_status", &status.to_string(), "it stands in the digits of the code");
                }
                (None, None) => self.no_status(out),
            },
            _ => match stated {
                Some((status, at)) => self.stated(status, at, out),
                None => self.no_status(out),
            },
        }
    }

    fn stated(&self, status: u16, at: usize, out: &mut String) {
        line(out, "http_status", &status.to_string(), format_args!("stated at byte {at}"));
    }

    fn no_status(&self, out: &mut String) {
        line(out, "http_status", "none", "no status of 400 or more in a form that is known");
        for passed in self.passed.iter().filter(|passed| passed.field == Field::Status) {
            let value = &passed.value;
            let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
            let why = match value.parse::<u16>() {
                Ok(100..=399) => "no failure",
                Ok(400..=599) => "not in the form of a status: `code` counts between quotes in JSON only",
                _ if digits => "no status of HTTP",
                _ if passed.unfit.is_some() => continue,
                // The code itself.
                _ if value.bytes().any(|b| b.is_ascii_digit()) => continue,
                _ => "a word",
            };
            note(out, format_args!("`{}` at byte {} holds `{}`: {why}", passed.key, passed.at, shown(value)));
        }
    }

    fn message(&self, i: usize, verdict: &Verdict, out: &mut String) {
        let said = self.values.message(i);
        let place = (i < MAX_MESSAGES).then_some(verdict.start);
        let (message, catalogs) = match &verdict.outcome {
            Outcome::Known(_, row, ..) => {
                let message =
                    self.told.writer.message(self.told.catalog, *row, said, place, Some(self.record));
                (message, Some(&self.told.catalog.row(*row).message))
            }
            _ => (said.map(Message::Said), None),
        };
        match (message, catalogs) {
            (Some(Message::Said(said)), _) => {
                line(out, "message", said.text, self.found(said.origin, None));
                if said.source == errtally_core::fields::Source::Key {
                    return;
                }
            }
            (Some(message), _) => {
                let why = "from the catalog, with the values of the record";
                line(out, "message", &message.into_text(), why);
            }
            (None, Some(text)) => {
                line(out, "message", &errtally_core::catalog::template::readable(text), "from the catalog");
                if let Some(said) = said {
                    note(out, format_args!("the line says less than the catalog: `{}`", shown(said.text)));
                }
            }
            (None, None) => {
                let why = "no key of fields.message near it, nothing behind it that could be one";
                line(out, "message", "none", why);
            }
        }
        self.not_taken(Field::Message, Some(i), out);
    }

    /// What the record says of itself.
    pub fn record(&self, out: &mut String) {
        let (plan, values) = (&self.told.plan, &self.values);
        let roles = plan.fields().roles();
        let _ = writeln!(out, "the record itself");
        match plan.level(values).zip(roles.level) {
            Some((level, slot)) => {
                let path = self.path(slot, &self.told.paths.level);
                let origin = values.origin(slot).unwrap_or_default();
                let mut why = self.found(origin, Some(path));
                if let Some(raw) = values.get(slot).filter(|raw| *raw != level) {
                    let _ = write!(why, ", where it is `{}`", shown(raw));
                }
                line(out, "level", level, why);
            }
            None => self.missing(Field::Level, "level", None, out),
        }
        self.time(out);
        match plan.ids(values).0.zip(roles.trace) {
            Some((trace, slot)) => {
                let path = self.path(slot, &self.told.paths.trace_id);
                line(out, "trace_id", trace, self.found(values.origin(slot).unwrap_or_default(), Some(path)));
            }
            None => self.missing(Field::Trace, "trace_id", None, out),
        }
        let slots = plan.label_slots().zip(plan.label_values(values));
        for (label, (slot, value)) in self.told.labels.iter().zip(slots) {
            let name = format!("label {}", label.name);
            match values.origin(slot).filter(|_| !value.is_empty()) {
                Some(origin) => {
                    let paths = if label.paths == [errtally_core::enrich::LEVEL_PATH] {
                        &self.told.paths.level
                    } else {
                        &label.paths
                    };
                    line(out, &name, value, self.found(origin, Some(self.path(slot, paths))));
                }
                None => {
                    line(out, &name, "none", format_args!("nothing under {}", label.paths.join(", ")));
                }
            }
        }
    }

    fn time(&self, out: &mut String) {
        let (values, zone) = (&self.values, &self.told.paths.time_zone);
        let slot = self.told.plan.fields().roles().time;
        let field = slot.and_then(|slot| Some((slot, values.get(slot)?)));
        let Some((moment, origin)) = values.time().zip(values.time_origin()) else {
            if let Some((slot, text)) = field {
                let path = self.path(slot, &self.told.paths.time);
                let fault = time::fault(text, zone).unwrap_or("no time");
                line(out, "time", "none", format_args!("`{path}` holds `{}`: {fault}", shown(text)));
            } else {
                self.missing(Field::Time, "time", None, out);
            }
            return;
        };
        let path = field.map(|(slot, _)| self.path(slot, &self.told.paths.time));
        let mut why = self.found(origin, path);
        if self.told.far_time(self.record) != Some(moment) {
            let _ = write!(why, "; it names no zone: time_zone {}", zone.name());
        }
        let mut text = Vec::new();
        moment.write(&mut text);
        line(out, "time", &String::from_utf8_lossy(&text), why);
        self.not_taken(Field::Time, None, out);
    }

    fn path<'p>(&self, slot: usize, paths: &'p [String]) -> &'p str {
        paths.get(usize::from(self.values.rank(slot))).map_or("", String::as_str)
    }

    /// Why there is no value for `field`.
    fn missing(&self, field: Field, name: &str, hit: Option<usize>, out: &mut String) {
        let head = match field {
            Field::Level => ", and the line begins with none",
            Field::Time if self.told.plan.fields().begins_with_a_clock(self.record) => {
                "; the line begins with a time without a date, or in an unknown zone"
            }
            Field::Time => ", and the line begins with none",
            _ => "",
        };
        line(out, name, "none", format_args!("no key of fields.{name} has a value{head}"));
        self.not_taken(field, hit, out);
    }

    /// The keys of `field` whose values were not taken, and why not.
    fn not_taken(&self, field: Field, hit: Option<usize>, out: &mut String) {
        for passed in self.passed.iter().filter(|passed| passed.field == field) {
            let (key, at) = (&passed.key, passed.at);
            match passed.unfit {
                Some(Unfit::Bracket) => {
                    note(out, format_args!("`{key}` at byte {at} holds an object or a list"));
                }
                Some(Unfit::Empty) => note(out, format_args!("`{key}` at byte {at} is empty")),
                Some(Unfit::NoLevel) => {
                    let value = shown(&passed.value);
                    note(out, format_args!("`{key}` at byte {at} holds `{value}`: no level"));
                }
                Some(Unfit::NoTime(why)) => {
                    let value = shown(&passed.value);
                    note(out, format_args!("`{key}` at byte {at} holds `{value}`: {why}"));
                }
                None => {
                    let owner = (0..self.hits.len()).find(|&i| Some(i) != hit && self.has(i, passed));
                    if let Some(owner) = owner.filter(|_| hit.is_some()) {
                        let code = String::from_utf8_lossy(&self.record[self.hits[owner].clone()]);
                        note(out, format_args!("`{key}` at byte {at} belongs to its neighbour {code}"));
                    }
                }
            }
        }
    }

    /// Whether `passed` is what the hit of this number has got.
    fn has(&self, hit: usize, passed: &Passed) -> bool {
        let origin = match passed.field {
            Field::Message => self.values.message(hit).map(|said| said.origin),
            _ => self.values.request_origin(hit),
        };
        let Some(origin) = origin else { return false };
        let [key, value] = self.parsers.places(origin);
        // A document tells where the value begins.
        key == Some(passed.at)
            || key.is_none()
                && value.is_some_and(|at| self.key_before(at).is_some_and(|key| key.start == passed.at))
    }

    /// Which rule found it, where.
    fn found(&self, origin: Origin, path: Option<&str>) -> String {
        let [key, value] = self.parsers.places(origin);
        let near_key = key.map(|at| match self.passed.iter().find(|p| p.at == at) {
            Some(passed) => format!("`{}` at byte {at}", passed.key),
            None => format!("`{}` at byte {at}", self.word(at)),
        });
        let near_key = near_key.unwrap_or_default();
        let at = value.map_or(String::new(), |at| format!(", byte {at}"));
        let path = path.map(str::to_owned).or_else(|| {
            let key = self.key_before(value?)?;
            Some(String::from_utf8_lossy(&self.record[key]).into_owned())
        });
        let path = path.map_or(String::new(), |path| format!("`{path}` of "));
        match origin.rule {
            Rule::Document => format!("{path}the record's JSON{at}"),
            Rule::Text => format!("{path}what a text of the record holds"),
            Rule::Pairs => format!("{near_key}, a pair with `=`"),
            Rule::Envelope => "the message's key or header, or the name of the file".to_owned(),
            Rule::Path => format!("{near_key}, which a path leads to"),
            Rule::Own => format!("{near_key}, a pair of the record itself"),
            Rule::Around => format!("{near_key}, a pair around the code"),
            Rule::Type => format!("{near_key}, the type of an event"),
            Rule::Head => format!("the beginning of the line{at}"),
            Rule::TextHead => format!("the beginning of the text around the code{at}"),
            Rule::Scope => format!("{near_key}, in the innermost scope around the code that has one"),
            Rule::Nearest => format!("{near_key}, the nearest one"),
            Rule::Inside => format!("{near_key}, in what follows the code"),
            Rule::Behind => format!("it follows the code{at}"),
            Rule::Holder => format!("{near_key}, whose text holds the code"),
            Rule::Row => format!("the next field of the row{at}"),
            Rule::Sentence => format!("a sentence{at}"),
            Rule::Line => format!("the rest of the line{at}"),
        }
    }

    /// The key of JSON whose value begins at `at`.
    fn key_before(&self, at: usize) -> Option<Range<usize>> {
        let blank = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b':');
        let head = &self.record[..at];
        let end = at - head.iter().rev().take_while(|b| blank(b)).count();
        let start = head[..end].iter().rposition(|&b| b == b'"')? + 1;
        (start < end).then_some(start..end)
    }

    /// The key that begins at `at`.
    fn word(&self, at: usize) -> String {
        let word = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'_' | b'-' | b'.' | b'@' | b'/');
        let length = self.record[at..].iter().take_while(word).count();
        String::from_utf8_lossy(&self.record[at..at + length]).into_owned()
    }
}

fn line(out: &mut String, name: &str, value: &str, why: impl Display) {
    let _ = writeln!(out, "    {name:<11} {}  {DIM}{why}{DIM:#}", shown(value));
}

fn note(out: &mut String, text: impl Display) {
    let _ = writeln!(out, "    {:<11} {DIM}not: {text}{DIM:#}", "");
}

/// On one line, and not too long.
fn shown(value: &str) -> String {
    let mut text: String = value.chars().take(MAX_SHOWN).collect();
    if text.len() < value.len() {
        text.push('…');
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
