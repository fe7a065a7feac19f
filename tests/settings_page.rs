//! What the documents say of settings is written by the table of keys: `docs/settings.md`, and the lists of keys that
//! need a restart. With `WRITE=1` in the environment this test writes them anew.

mod support;

use std::fmt::Write;

use errtally::config::{KEYS, Settings};
use support::root;

/// Around what is generated inside a document.
const BEGIN: &str = "<!-- from the table of keys -->\n";
const END: &str = "<!-- end -->\n";

/// The keys, or whole sections of them, that take effect at the next start.
fn restart() -> Vec<(String, bool)> {
    let mut names: Vec<(String, bool)> = Vec::new();
    for key in KEYS.iter().filter(|k| !k.reloads) {
        let mut name = (key.name.to_owned(), false);
        // The widest section of which nothing can be reloaded.
        for (at, _) in key.name.match_indices('.') {
            let section = &key.name[..=at];
            if KEYS.iter().filter(|k| k.name.starts_with(section)).all(|k| !k.reloads) {
                name = (key.name[..at].to_owned(), true);
                break;
            }
        }
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    names
}

fn wrapped(text: &str, before: &str) -> String {
    let mut lines = String::new();
    let mut line = before.to_owned();
    for word in text.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > 80 {
            lines.push_str(line.trim_end());
            lines.push('\n');
            line = before.to_owned();
        }
        if line != before {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines + line.trim_end() + "\n"
}

/// As a sentence; `quote` around each name.
fn sentence(quote: &str) -> String {
    let names: Vec<String> = restart()
        .into_iter()
        .map(|(name, all)| format!("{}{quote}{name}{quote}", if all { "all of " } else { "" }))
        .collect();
    let (last, others) = names.split_last().expect("some need a restart");
    format!(
        "{} and {last} take effect at the next start; everything else does so at once.",
        others.join(", ")
    )
}

fn page() -> String {
    let defaults = Settings::default();
    let mut page = "# Settings\n\n\
        Written by `WRITE=1 cargo test --test settings_page` from the table of keys in\n\
        `src/config`. [config/errtally.yaml](../config/errtally.yaml) has the same keys with\n\
        their defaults, ready to be edited.\n\n\
        A value is taken from the flag, else the variable, else the file, else the\n\
        default. The flag is the key with hyphens (`--kafka-queue-bytes`; for\n\
        `web_config_file` it is `--web.config.file`), the variable is the key in capitals\n\
        with underscores behind `ERRTALLY_` (`ERRTALLY_KAFKA_QUEUE_BYTES`).\n\n\
        A new value takes effect at a *reload* (SIGHUP, or by itself with `watch`), with\n\
        counters kept, or at the next *start*; a reload tells of each changed key that\n\
        waits for the next start.\n\n\
        | key | default | takes effect | meaning |\n|---|---|---|---|\n"
        .to_owned();
    for key in KEYS.iter() {
        let when = if key.reloads { "reload" } else { "start" };
        let default = (key.show)(&defaults).replace('|', "\\|");
        let _ = writeln!(page, "| `{}` | `{default}` | {when} | {} |", key.name, key.doc.replace('|', "\\|"));
    }
    page
}

/// The document with what stands between the marks replaced.
fn filled(document: &str, begin: &str, end: &str, text: &str) -> String {
    let (before, rest) = document.split_once(begin).expect("a mark");
    let (_, after) = rest.split_once(end).expect("its end");
    format!("{before}{begin}{text}{end}{after}")
}

#[track_caller]
fn hold(path: &str, wanted: impl FnOnce(&str) -> String) {
    let file = root().join(path);
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let wanted = wanted(&found);
    if std::env::var_os("WRITE").is_some() {
        std::fs::write(&file, wanted).expect("it can be written");
    } else {
        assert!(
            found == wanted,
            "{path} is not what the table of keys says: WRITE=1 cargo test --test settings_page"
        );
    }
}

#[test]
fn the_page_of_settings_is_the_table_of_keys() {
    hold("docs/settings.md", |_| page());
}

#[test]
fn what_needs_a_restart_is_the_same_everywhere() {
    let text = wrapped(&sentence("`"), "");
    for path in ["README.md", "deploy/kubernetes/README.md"] {
        hold(path, |found| filled(found, BEGIN, END, &text));
    }
    let text = wrapped(&sentence(""), "# ");
    let begin = "# SIGHUP reads this file and the catalogs again:\n";
    hold("config/errtally.yaml", |found| filled(found, begin, "\n\n", text.trim_end()));
}
