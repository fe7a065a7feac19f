//! What is read from a record with a hit, and what for: labels, events,
//! exemplars, the age of the record.
//!
//! Where nothing asks, nothing is read.

use std::sync::Arc;
use std::time::Duration;

use crate::event::EventPlan;
use crate::fields::time::{Moment, Zone};
use crate::fields::{Fields, Roles, Values, Wanted, level};

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
    /// The zone of times that name none.
    pub time_zone: Zone,
}

impl Default for FieldPaths {
    fn default() -> FieldPaths {
        let all = |paths: &[&str]| paths.iter().map(|&p| p.to_owned()).collect();
        FieldPaths {
            level: all(&[
                "level",
                "severity",
                "log.level",
                "lvl",
                "loglevel",
                "levelname",
                "level_name",
                "Level",
                "@level",
                "@l",
                "severityText",
                "severity_text",
                "SeverityText",
                "severityNumber",
                "severity_number",
                "SeverityNumber",
                "PRIORITY",
                "priority",
            ]),
            time: all(&[
                "time",
                "timestamp",
                "@timestamp",
                "ts",
                "datetime",
                "asctime",
                "eventTime",
                "event_time",
                "Timestamp",
                "@t",
                "timeUnixNano",
                "timeMillis",
                "__REALTIME_TIMESTAMP",
                "time_iso8601",
                "t.$date",
                "ibm_datetime",
                "stageTimestamp",
                "requestReceivedTimestamp",
                "date",
            ]),
            message: all(&[
                "error_msg",
                "errorMsg",
                "errorMessage",
                "ErrorMessage",
                "error_message",
                "errMsg",
                "err_msg",
                "externalMessage",
                "error_description",
                "error.message",
                "exception.message",
                "message",
                "Message",
                "error_cause",
                "msg",
                "@message",
                "MESSAGE",
                "short_message",
                "detail",
            ]),
            request_id: all(&[
                "request_id",
                "requestId",
                "requestID",
                "RequestId",
                "RequestID",
                "x-request-id",
                "X-Request-Id",
                "req_id",
                "reqId",
                "x-ms-request-id",
                "x-amzn-requestid",
                "x-amz-request-id",
                "x-obs-request-id",
            ]),
            trace_id: all(&[
                "trace_id",
                "traceId",
                "traceID",
                "TraceId",
                "trace.id",
                "dd.trace_id",
                "otelTraceID",
                "logging.googleapis.com/trace",
                "traceparent",
                "@tr",
            ]),
            time_zone: Zone::default(),
        }
    }
}

// The labels and what every record may say fit into the fields there can be.
const _: () = assert!(crate::labels::MAX_LABELS + 5 <= crate::fields::MAX_SLOTS);

/// What the user asks to be read from records with a hit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extraction {
    /// Labels of the counters.
    pub labels: Vec<Label>,
    /// Where records say what every record may say.
    pub fields: FieldPaths,
    /// The most combinations of values of the labels.
    pub max_label_sets: usize,
    /// The age from which a record is late; none for never.
    pub late_after: Option<Duration>,
    /// Whether counters keep exemplars.
    pub exemplars: bool,
    /// Which hits become events, and what is in them; none for no events.
    pub events: Option<EventPlan>,
}

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
    /// By path of the level, whether it is a severity number of OpenTelemetry.
    opentelemetry: Vec<bool>,
    request_id: Option<usize>,
    trace_id: Option<usize>,
    /// How old a record may be before it is late, in microseconds.
    late_after: Option<i64>,
    /// Whether counters keep exemplars.
    pub exemplars: bool,
    /// Which hits become events, and what is in them.
    pub events: Option<EventPlan>,
}

impl Plan {
    /// Nothing is read.
    pub fn nothing() -> Plan {
        Plan::new(&Extraction::default()).expect("no path, no mistake")
    }

    /// What these need.
    ///
    /// # Errors
    /// When there are too many fields or dots.
    pub fn new(extraction: &Extraction) -> Result<Plan, String> {
        let Extraction { labels, fields: paths, max_label_sets, late_after, exemplars, events } = extraction;
        let (max_label_sets, exemplars) = (*max_label_sets, *exemplars);
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut want = |name: &str, paths: &[String]| {
            wanted.push(Wanted { name: name.to_owned(), paths: paths.to_vec() });
            wanted.len() - 1
        };
        let is_level = |l: &Label| l.paths == [LEVEL_PATH];
        let event = events.is_some();
        let level = (event || labels.iter().any(is_level)).then(|| want("fields.level", &paths.level));
        let label_names = labels.iter().map(|l| l.name.clone()).collect();
        let opentelemetry = paths.level.iter().map(|path| {
            let name: String = path.chars().filter(char::is_ascii_alphanumeric).collect();
            name.to_ascii_lowercase().ends_with("severitynumber")
        });
        let opentelemetry = opentelemetry.collect();
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
        let zone = paths.time_zone.clone();
        let late_after = late_after.map(|d: Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX));
        Ok(Plan {
            fields: Fields::new(
                &wanted,
                Roles { level, time, message, request: request_id, trace: trace_id },
                zone,
            )?,
            opentelemetry,
            labels,
            label_names,
            max_label_sets,
            level,
            request_id,
            trace_id,
            late_after,
            exemplars,
            events: events.clone(),
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
            if is_level { self.level(values).unwrap_or("") } else { values.get(slot).unwrap_or("") }
        })
    }

    /// The slots of the labels, in their order.
    pub fn label_slots(&self) -> impl Iterator<Item = usize> {
        self.labels.iter().map(|&(slot, _)| slot)
    }

    /// The level of a record, under its normal name.
    pub fn level<'v>(&self, values: &'v Values) -> Option<&'v str> {
        let slot = self.level?;
        let text = values.get(slot)?;
        if self.opentelemetry.get(usize::from(values.rank(slot))) == Some(&true)
            && let Some(level) = level::opentelemetry(text)
        {
            return Some(level);
        }
        Some(level::normal(text))
    }

    /// The trace and the request of a record.
    pub fn ids<'v>(&self, values: &'v Values) -> (Option<&'v str>, Option<&'v str>) {
        let trace = self.trace_id.and_then(|s| values.get(s)).map(trace_of);
        (trace, self.request_id.and_then(|s| values.get(s)))
    }

    /// Whether a record of this time counts as late at `now`.
    pub fn is_late(&self, time: Option<Moment>, now: Moment) -> bool {
        matches!((self.late_after, time), (Some(most), Some(time)) if now.0.saturating_sub(time.0) > most)
    }
}

/// The trace in a `traceparent` of W3C, or at the end of a path; else all of
/// it.
fn trace_of(text: &str) -> &str {
    let bytes = text.as_bytes();
    // 2, 32, 16 and 2 digits.
    if bytes.get(2) == Some(&b'-')
        && bytes.get(35) == Some(&b'-')
        && memchr::memchr(b'-', &bytes[36..]).is_some()
        && memchr::memchr(b'-', &bytes[3..35]).is_none()
        && memchr::memchr(b'-', &bytes[..2]).is_none()
    {
        return text.get(3..35).unwrap_or(text);
    }
    if memchr::memchr(b'/', bytes).is_none() {
        return text;
    }
    text.split_once("/traces/").map_or(text, |(_, trace)| trace)
}
