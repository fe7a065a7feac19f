//! The keys below `file`, and where positions are kept.

use std::time::Duration;

use super::keys::{Key, Refused, list, one, parse_duration, quoted, show_duration, within};
use crate::source::follow::check_pattern;
use crate::source::settings::{Begin, FileFormat};

/// Which files to follow, and how.
pub(super) const FILE: &[Key] = &[
    Key {
        name: "state_dir",
        doc: "Folder for the positions in followed files, so that a restart continues there. errtally creates it if its parent exists. Empty: in memory only.",
        list: false,
        reloads: false,
        set: |s, v| {
            let path = one(v)?;
            s.state_dir = (!path.is_empty()).then(|| path.into());
            Ok(())
        },
        show: |s| quoted(&s.state_dir.as_ref().map_or(String::new(), |p| p.display().to_string())),
    },
    Key {
        name: "file.paths",
        doc: "Files to follow, with source: file. Paths and globs, such as /var/log/containers/*.log; ** matches folders at any depth.",
        list: true,
        reloads: false,
        set: |s, v| {
            s.file.paths = patterns(v)?;
            Ok(())
        },
        show: |s| list(s.file.paths.iter().map(|p| quoted(p))),
    },
    Key {
        name: "file.exclude",
        doc: "Globs of files to leave out. A glob without a slash matches the file name alone, such as *.gz.",
        list: true,
        reloads: false,
        set: |s, v| {
            s.file.exclude = patterns(v)?;
            Ok(())
        },
        show: |s| list(s.file.exclude.iter().map(|p| quoted(p))),
    },
    Key {
        name: "file.start",
        doc: "Where errtally starts in files that exist at its first start: end (with the next line) or beginning. It reads later files from their beginning.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.file.start = match one(v)? {
                "end" => Begin::End,
                "beginning" => Begin::Beginning,
                other => {
                    return Err((format!("invalid value `{other}`"), "write end or beginning".to_owned()));
                }
            };
            Ok(())
        },
        show: |s| if s.file.start == Begin::End { "end" } else { "beginning" }.to_owned(),
    },
    Key {
        name: "file.format",
        doc: "Format of the lines: auto (from the first lines of each file), raw, cri or docker.",
        list: false,
        reloads: false,
        set: |s, v| {
            let formats = [FileFormat::Auto, FileFormat::Raw, FileFormat::Cri, FileFormat::Docker];
            let text = one(v)?;
            s.file.format = formats.into_iter().find(|f| f.as_str() == text).ok_or_else(|| {
                (format!("`{text}` is no format"), "write auto, raw, cri or docker".to_owned())
            })?;
            Ok(())
        },
        show: |s| s.file.format.as_str().to_owned(),
    },
    Key {
        name: "file.discover_interval",
        doc: "Interval for finding new files. 100ms to 1h.",
        list: false,
        reloads: false,
        set: |s, v| {
            let interval = parse_duration(one(v)?)?;
            if !(Duration::from_millis(100)..=Duration::from_secs(3600)).contains(&interval) {
                let what = format!("{} is out of range", show_duration(interval));
                return Err((what, "write 100ms to 1h".to_owned()));
            }
            s.file.discover_interval = interval;
            Ok(())
        },
        show: |s| show_duration(s.file.discover_interval),
    },
    Key {
        name: "file.max_open",
        doc: "Maximum number of open files. errtally opens the others when they have grown. 4 to 100000.",
        list: false,
        reloads: false,
        set: |s, v| {
            let text = one(v)?;
            let count = text
                .parse::<u64>()
                .map_err(|_| (format!("`{text}` is no count"), "write a whole number".to_owned()))?;
            s.file.max_open = within(count, 4, 100_000, "4 to 100000")?;
            Ok(())
        },
        show: |s| s.file.max_open.to_string(),
    },
];

/// Patterns that can be read, each once.
fn patterns(values: &[String]) -> Result<Vec<String>, Refused> {
    for value in values {
        if value.is_empty() {
            return Err(("an empty path".to_owned(), "write a path or a glob, or leave it out".to_owned()));
        }
        check_pattern(value).map_err(|why| {
            let remedy = "write a path or a glob such as /var/log/**/*.log; [*] stands for a star itself";
            (format!("cannot read the pattern `{value}`: {why}"), remedy.to_owned())
        })?;
    }
    super::kafka_keys::check_once(values)?;
    Ok(values.to_vec())
}
