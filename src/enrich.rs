//! What is read from a record with a hit, and what for: labels, events,
//! exemplars, the age of the record.
//!
//! Where nothing asks, nothing is read.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{EventFilter, EventSettings, EventsTo, Settings};
use crate::fields::{Fields, Values, Wanted, level, time::Moment};

/// The path that stands for the level under its normal name.
pub const LEVEL_PATH: &str = "@level";

/// A label and the paths of its value, the best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// Its paths, or [`LEVEL_PATH`] alone.
    pub paths: Vec<String>,
}

/// Where records say what every record may say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPaths {
    /// Their severity.
    pub level: Vec<String>,
    /// When they were made.
    pub time: Vec<String>,
    /// The message of an error, beside its code.
    pub message: Vec<String>,
    /// The request.
    pub request_id: Vec<String>,
    /// The trace.
    pub trace_id: Vec<String>,
}

impl Default for FieldPaths {
    fn default() -> FieldPaths {
        let all = |paths: &[&str]| paths.iter().map(|&p| p.to_owned()).collect();
        FieldPaths {
            level: all(&["level", "severity", "log.level", "lvl", "loglevel", "levelname"]),
            time: all(&["time", "timestamp", "@timestamp", "ts", "datetime"]),
            message: all(&[
                "error_msg",
                "errorMsg",
                "errorMessage",
                "error_message",
                "errMsg",
                "err_msg",
                "externalMessage",
                "message",
                "error_cause",
                "msg",
            ]),
            request_id: all(&["request_id", "requestId", "requestID", "RequestId", "x-request-id", "req_id"]),
            trace_id: all(&["trace_id", "traceId", "traceID", "trace.id", "dd.trace_id"]),
        }
    }
}

// The labels and what every record may say fit into the fields there can be.
const _: () = assert!(crate::labels::MAX_LABELS + 5 <= crate::fields::MAX_SLOTS);

/// What is read, and what for.
#[derive(Debug)]
pub struct Plan {
    fields: Fields,
    /// By label, the slot of its value and whether that is a level.
    labels: Vec<(usize, bool)>,
    label_names: Arc<[String]>,
    /// The most combinations of their values.
    pub max_label_sets: usize,
    level: Option<usize>,
    time: Option<usize>,
    request_id: Option<usize>,
    trace_id: Option<usize>,
    /// How old a record may be before it is late, in microseconds.
    late_after: Option<i64>,
    /// Whether counters keep exemplars.
    pub exemplars: bool,
    /// Which hits become events, and what is in them.
    pub events: Option<EventPlan>,
}

/// Which hits become events, and what is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPlan {
    /// The longest part of the record that an event carries; none for no part.
    pub record_bytes: Option<usize>,
    /// Which hits.
    pub only: EventFilter,
    /// The names of the labels that an event carries.
    pub labels: Vec<String>,
}

impl Plan {
    /// Nothing is read.
    pub fn nothing() -> Plan {
        Plan::new(&[], &FieldPaths::default(), 0, None, false, None).expect("no path, no mistake")
    }

    /// What `settings` ask for.
    ///
    /// # Errors
    /// When there are too many fields or dots.
    pub fn from_settings(settings: &Settings) -> Result<Plan, String> {
        let EventSettings { to, include_record, max_record_bytes, only, .. } = &settings.events;
        let events = (*to != EventsTo::None).then(|| EventPlan {
            record_bytes: include_record.then_some(*max_record_bytes),
            only: only.clone(),
            labels: settings.labels.iter().map(|l| l.name.clone()).collect(),
        });
        let late_after = Some(settings.late_after).filter(|d| !d.is_zero());
        let (labels, most) = (&settings.labels, settings.max_label_sets);
        Plan::new(labels, &settings.fields, most, late_after, settings.exemplars, events)
    }

    /// What these need.
    ///
    /// # Errors
    /// When there are too many fields or dots.
    pub fn new(
        labels: &[Label],
        paths: &FieldPaths,
        max_label_sets: usize,
        late_after: Option<Duration>,
        exemplars: bool,
        events: Option<EventPlan>,
    ) -> Result<Plan, String> {
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut want = |name: &str, paths: &[String]| {
            wanted.push(Wanted { name: name.to_owned(), paths: paths.to_vec() });
            wanted.len() - 1
        };
        let is_level = |l: &Label| l.paths == [LEVEL_PATH];
        let event = events.is_some();
        let level = (event || labels.iter().any(is_level)).then(|| want("fields.level", &paths.level));
        let label_names = labels.iter().map(|l| l.name.clone()).collect();
        let labels: Vec<(usize, bool)> = labels
            .iter()
            .map(|l| match level {
                Some(slot) if is_level(l) => (slot, true),
                _ => (want(&l.name, &l.paths), false),
            })
            .collect();
        let time = (event || late_after.is_some()).then(|| want("fields.time", &paths.time));
        let request_id = (event || exemplars).then(|| want("fields.request_id", &paths.request_id));
        let trace_id = (event || exemplars).then(|| want("fields.trace_id", &paths.trace_id));
        let message = event.then(|| want("fields.message", &paths.message));
        let late_after = late_after.map(|d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX));
        Ok(Plan {
            fields: Fields::new(&wanted, message)?,
            labels,
            label_names,
            max_label_sets,
            level,
            time,
            request_id,
            trace_id,
            late_after,
            exemplars,
            events,
        })
    }

    /// Whether anything is read.
    pub fn reads(&self) -> bool {
        !self.labels.is_empty() || self.late_after.is_some() || self.exemplars || self.events.is_some()
    }

    /// How many labels there are.
    pub fn label_count(&self) -> usize {
        self.labels.len()
    }

    /// Their names.
    pub fn label_names(&self) -> &Arc<[String]> {
        &self.label_names
    }

    /// What is looked for.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The label values of a record, in the order of the labels; absent ones
    /// are empty.
    pub fn label_values<'v>(&'v self, values: &'v Values) -> impl Iterator<Item = &'v str> + Clone {
        self.labels.iter().map(|&(slot, is_level)| {
            let value = values.get(slot).unwrap_or("");
            if is_level { level::normal(value) } else { value }
        })
    }

    /// The level of a record, under its normal name.
    pub fn level<'v>(&self, values: &'v Values) -> Option<&'v str> {
        values.get(self.level?).map(level::normal)
    }

    /// When `record` says that it was made.
    pub fn time(&self, values: &Values, record: &[u8]) -> Option<Moment> {
        let slot = self.time?;
        values
            .get(slot)
            .and_then(crate::fields::time::parse)
            .or_else(|| crate::fields::time::at_start(record))
    }

    /// The trace and the request of a record.
    pub fn ids<'v>(&self, values: &'v Values) -> (Option<&'v str>, Option<&'v str>) {
        (self.trace_id.and_then(|s| values.get(s)), self.request_id.and_then(|s| values.get(s)))
    }

    /// Whether a record of this time counts as late at `now`.
    pub fn is_late(&self, time: Option<Moment>, now: Moment) -> bool {
        matches!((self.late_after, time), (Some(most), Some(time)) if now.0.saturating_sub(time.0) > most)
    }
}
