//! The keys that say what is read from records: labels, fields, their age.

use std::time::Duration;

use super::Settings;
use super::keys::{Key, Refused, list, one, parse_bool, parse_duration, quoted, show_duration, within};
use errtally_core::enrich::{LEVEL_PATH, Label, Plan};
use errtally_core::fields::time::Zone;
use errtally_core::labels::MAX_LABELS;

/// Label names that are taken, and why.
const TAKEN: &[(&[&str], &str)] = &[
    (
        &["code", "api_service", "category", "http_status", "retryable", "message", "action", "source"],
        "errtally's metrics have a label of this name",
    ),
    (
        &["service", "region", "env", "cluster", "type", "zone", "stage", "job", "instance"],
        "Prometheus's service discovery sets it on the target",
    ),
    (&["le", "quantile"], "Prometheus gives it a meaning"),
];

/// What is read from records.
pub(super) const RECORD: &[Key] = &[
    Key {
        name: "labels",
        doc: "Labels of errtally_errors_total and errtally_api_service_errors_total, each with the paths of its value in the record; as a flag or variable NAME=PATH|PATH. At most 32 labels with 64 paths each.",
        list: true,
        reloads: true,
        set: |s, v| {
            let labels = v.iter().map(|item| label(item)).collect::<Result<Vec<_>, _>>()?;
            if labels.len() > MAX_LABELS {
                return Err((format!("{} labels", labels.len()), format!("write {MAX_LABELS} at most")));
            }
            for (i, label) in labels.iter().enumerate() {
                if labels[..i].iter().any(|l| l.name == label.name) {
                    return Err((format!("`{}` twice", label.name), "name each label once".to_owned()));
                }
            }
            check_fields(Settings { labels: labels.clone(), ..Settings::default() })?;
            s.labels = labels;
            Ok(())
        },
        show: |s| {
            let labels =
                s.labels.iter().map(|l| format!("{}: {}", l.name, list(l.paths.iter().map(|p| quoted(p)))));
            format!("{{{}}}", labels.collect::<Vec<_>>().join(", "))
        },
    },
    Key {
        name: "max_label_sets",
        doc: "Maximum number of combinations of label values. Past it, a new value becomes \"other\". 1 to 1000000.",
        list: false,
        reloads: true,
        set: |s, v| {
            let text = one(v)?;
            let count = text
                .parse::<u64>()
                .map_err(|_| (format!("`{text}` is no count"), "write a whole number".to_owned()))?;
            s.max_label_sets = within(count, 1, 1_000_000, "1 to 1000000")?;
            Ok(())
        },
        show: |s| s.max_label_sets.to_string(),
    },
    Key {
        name: "label_expiry",
        doc: "How long /metrics shows a series with configured labels after errtally last counted it, or never (for ever). It comes back with its value.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.label_expiry = duration_or(one(v)?, "never")?;
            Ok(())
        },
        show: |s| show_or(s.label_expiry, "never"),
    },
    Key {
        name: "late_after",
        doc: "Age, by a record's own time, from which its hits count in errtally_late_errors_total only, or never.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.late_after = duration_or(one(v)?, "never")?;
            Ok(())
        },
        show: |s| show_or(s.late_after, "never"),
    },
    Key {
        name: "time_zone",
        doc: "Zone of times that name none: UTC, local, an offset such as +08:00, or a name such as Europe/Berlin.",
        list: false,
        reloads: true,
        set: |s, v| {
            let name = one(v)?;
            s.fields.time_zone = Zone::named(name).ok_or_else(|| {
                (
                    format!("`{name}` is no time zone"),
                    "write UTC, local, an offset such as +08:00, or a name such as Europe/Berlin".to_owned(),
                )
            })?;
            Ok(())
        },
        show: |s| quoted(s.fields.time_zone.name()),
    },
    Key {
        name: "exemplars",
        doc: "Add the trace and request of the newest hit to errtally_errors_total, in OpenMetrics.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.exemplars = parse_bool(one(v)?)?;
            Ok(())
        },
        show: |s| s.exemplars.to_string(),
    },
    Key {
        name: "fields.level",
        doc: "Paths of a record's level, the best first.",
        list: true,
        reloads: true,
        set: |s, v| set_paths(s, v, |s| &mut s.fields.level),
        show: |s| list(s.fields.level.iter().map(|p| quoted(p))),
    },
    Key {
        name: "fields.time",
        doc: "Paths of a record's time, the best first. In text, errtally also reads the time at the beginning of a line. time_zone is the zone of a time without one.",
        list: true,
        reloads: true,
        set: |s, v| set_paths(s, v, |s| &mut s.fields.time),
        show: |s| list(s.fields.time.iter().map(|p| quoted(p))),
    },
    Key {
        name: "fields.message",
        doc: "Keys of the message of an error. errtally looks in the object that holds the code first, then further out.",
        list: true,
        reloads: true,
        set: |s, v| set_paths(s, v, |s| &mut s.fields.message),
        show: |s| list(s.fields.message.iter().map(|p| quoted(p))),
    },
    Key {
        name: "fields.request_id",
        doc: "Paths of the request that a record belongs to.",
        list: true,
        reloads: true,
        set: |s, v| set_paths(s, v, |s| &mut s.fields.request_id),
        show: |s| list(s.fields.request_id.iter().map(|p| quoted(p))),
    },
    Key {
        name: "fields.trace_id",
        doc: "Paths of the trace that a record belongs to.",
        list: true,
        reloads: true,
        set: |s, v| set_paths(s, v, |s| &mut s.fields.trace_id),
        show: |s| list(s.fields.trace_id.iter().map(|p| quoted(p))),
    },
];

/// Reads `NAME=PATH|PATH`.
fn label(item: &str) -> Result<Label, Refused> {
    let Some((name, paths)) = item.split_once('=') else {
        return Err((format!("`{item}` is no label"), "write NAME=PATH, or NAME=PATH|PATH".to_owned()));
    };
    let (name, paths) = (name.trim(), paths.split('|').map(|p| p.trim().to_owned()));
    let well_formed = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with("__");
    if !well_formed {
        return Err((
            format!("`{name}` is no name of a label"),
            "write letters, digits and underscores, no digit first, not two underscores first".to_owned(),
        ));
    }
    if let Some((_, why)) = TAKEN.iter().find(|(names, _)| names.contains(&name)) {
        return Err((
            format!("the label `{name}` is taken: {why}"),
            format!("write log_{name}, for example"),
        ));
    }
    let paths: Vec<String> = paths.filter(|p| !p.is_empty()).collect();
    if paths.is_empty() {
        return Err((format!("the label `{name}` has no path"), "write NAME=PATH".to_owned()));
    }
    if paths.len() > 1 && paths.iter().any(|p| p == LEVEL_PATH) {
        return Err((
            format!("the label `{name}` has {LEVEL_PATH} among other paths"),
            format!("write {LEVEL_PATH} alone, and the paths into fields.level"),
        ));
    }
    Ok(Label { name: name.to_owned(), paths })
}

fn set_paths(
    settings: &mut Settings,
    values: &[String],
    paths: fn(&mut Settings) -> &mut Vec<String>,
) -> Result<(), Refused> {
    let mut tried = Settings::default();
    *paths(&mut tried) = values.to_vec();
    // Everything is read then, so that everything is checked.
    tried.events.to = super::EventsTo::Stdout;
    tried.late_after = Duration::from_secs(1);
    check_fields(tried)?;
    *paths(settings) = values.to_vec();
    Ok(())
}

/// Whether all that is read goes together, whatever a reload may switch on.
pub(super) fn check_together(settings: &Settings) -> Result<(), Refused> {
    let mut all = settings.clone();
    all.events.to = super::EventsTo::Stdout;
    all.late_after = Duration::from_secs(1);
    all.exemplars = true;
    check_fields(all)
}

fn check_fields(settings: Settings) -> Result<(), Refused> {
    match Plan::new(&settings.extraction()) {
        Ok(_) => Ok(()),
        Err(what) => Err((what, "write paths such as app or kubernetes.labels.app".to_owned())),
    }
}

fn duration_or(text: &str, never: &str) -> Result<Duration, Refused> {
    if text == never {
        return Ok(Duration::ZERO);
    }
    match parse_duration(text) {
        Ok(duration) if duration.is_zero() => {
            Err((format!("`{text}` is no time"), format!("write a time such as 10m, or {never}")))
        }
        other => other,
    }
}

fn show_or(duration: Duration, never: &str) -> String {
    if duration.is_zero() { never.to_owned() } else { show_duration(duration) }
}
