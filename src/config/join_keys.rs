//! The keys that say how lines become records.

use std::time::Duration;

use super::keys::{Key, Refused, one, parse_duration, quoted, show_duration};

/// How lines become records.
pub(super) const JOIN: &[Key] = &[
    Key {
        name: "join.lines",
        doc: "Join lines that continue another one, such as those of a stack trace, into one record: auto (by their form) or off.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.join.on = match one(v)? {
                "auto" => true,
                "off" => false,
                other => return Err((format!("invalid value `{other}`"), "write auto or off".to_owned())),
            };
            Ok(())
        },
        show: |s| if s.join.on { "auto" } else { "off" }.to_owned(),
    },
    Key {
        name: "join.start",
        doc: "Regular expression for the first line of each record. Every other line continues a record. Empty for none.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.join.start = pattern(v)?;
            Ok(())
        },
        show: |s| quoted(&s.join.start),
    },
    Key {
        name: "join.continuation",
        doc: "Regular expression for lines that continue the record before them. Empty for none.",
        list: false,
        reloads: true,
        set: |s, v| {
            s.join.continuation = pattern(v)?;
            Ok(())
        },
        show: |s| quoted(&s.join.continuation),
    },
    Key {
        name: "join.wait",
        doc: "How long the last record of standard input or of a file waits for a line that continues it. 10ms to 1m.",
        list: false,
        reloads: true,
        set: |s, v| {
            let wait = parse_duration(one(v)?)?;
            if !(Duration::from_millis(10)..=Duration::from_secs(60)).contains(&wait) {
                return Err((format!("`{}` is out of range", v[0].trim()), "write 10ms to 1m".to_owned()));
            }
            s.join.wait = wait;
            Ok(())
        },
        show: |s| show_duration(s.join.wait),
    },
];

/// A pattern that can be read, as it is written.
fn pattern(values: &[String]) -> Result<String, Refused> {
    let [text] = values else { return Err((format!("{} values", values.len()), "write one".to_owned())) };
    match regex_lite::Regex::new(text) {
        Ok(_) => Ok(text.clone()),
        Err(error) => Err((
            format!("cannot read the pattern `{text}`: {error}"),
            "write a regular expression such as ^\\[ or ^\\s".to_owned(),
        )),
    }
}
