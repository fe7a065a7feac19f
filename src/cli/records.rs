//! The flags that say what is read from records.

use super::settings::{push, push_all};

/// The heading of these flags in `--help`.
const HEADING: &str = "Labels and fields";

/// One for each key of labels, fields and their like.
#[derive(Debug, clap::Args)]
pub struct Records {
    /// A label with the paths of its value in the record; repeatable
    #[arg(long, value_name = "NAME=PATH|PATH", help_heading = HEADING)]
    labels: Vec<String>,
    /// Maximum number of combinations of label values
    #[arg(long, value_name = "N", help_heading = HEADING)]
    max_label_sets: Option<String>,
    /// How long to show a labelled series after its last hit, or never
    #[arg(long, value_name = "TIME", help_heading = HEADING)]
    label_expiry: Option<String>,
    /// Age from which the hits of a record count as late, or never
    #[arg(long, value_name = "TIME", help_heading = HEADING)]
    late_after: Option<String>,
    /// Zone of times that name none: UTC, local, +08:00, Europe/Berlin
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, help_heading = HEADING)]
    time_zone: Option<String>,
    /// Add the trace and request of the newest hit to counters
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true", help_heading = HEADING)]
    exemplars: Option<String>,
    /// Paths of a record's level, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = HEADING)]
    fields_level: Vec<String>,
    /// Paths of a record's time, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = HEADING)]
    fields_time: Vec<String>,
    /// Keys of the message of an error, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = HEADING)]
    fields_message: Vec<String>,
    /// Paths of the request, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = HEADING)]
    fields_request_id: Vec<String>,
    /// Paths of the trace, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = HEADING)]
    fields_trace_id: Vec<String>,
}

impl Records {
    /// Adds these flags to `flags`.
    pub(super) fn add_to(&self, flags: &mut Vec<(&'static str, Vec<String>)>) {
        push_all(flags, "labels", &self.labels);
        push(flags, "max_label_sets", &self.max_label_sets);
        push(flags, "label_expiry", &self.label_expiry);
        push(flags, "late_after", &self.late_after);
        push(flags, "time_zone", &self.time_zone);
        push(flags, "exemplars", &self.exemplars);
        push_all(flags, "fields.level", &self.fields_level);
        push_all(flags, "fields.time", &self.fields_time);
        push_all(flags, "fields.message", &self.fields_message);
        push_all(flags, "fields.request_id", &self.fields_request_id);
        push_all(flags, "fields.trace_id", &self.fields_trace_id);
    }
}
