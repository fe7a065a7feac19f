//! What the documents say of settings, metrics, paths and categories is written by the tables in the code. With
//! `WRITE=1` in the environment this test writes it anew.

mod support;

use std::fmt::Write;

use errtally::config::{KEYS, Settings};
use errtally::http::paths;
use errtally::metrics::{self, Metric};
use errtally_core::catalog::Category;
use prometheus::proto::MetricType;
use support::daemon::Daemon;
use support::pages::{filled, hold, hold_table};

/// This test, for whoever must run it again.
const TEST: &str = "settings_page";

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
        `WRITE=1 cargo test --test settings_page` writes this page from the table of keys in\n\
        `src/config`. [config/errtally.yaml](../config/errtally.yaml) has the same keys with\n\
        their defaults, ready to edit. [configuration.md](configuration.md) says where a value\n\
        comes from and how to reload it.\n\n\
        | for a key | write | example |\n|---|---|---|\n\
        | in the file | the key; a dot is a mapping | `kafka:` with `queue_bytes: 8MiB` below it |\n\
        | as a flag | the key with hyphens; for `web_config_file`, `--web.config.file` | `--kafka-queue-bytes 8MiB` |\n\
        | as a variable | `ERRTALLY_` and the key in capitals with underscores; a list with commas | `ERRTALLY_KAFKA_QUEUE_BYTES=8MiB` |\n\n\
        A new value takes effect at a *reload* (SIGHUP, or by itself with `watch`) or at the\n\
        next *start*.\n\n\
        | key | default | takes effect | meaning |\n|---|---|---|---|\n"
        .to_owned();
    for key in KEYS.iter() {
        let when = if key.reloads { "reload" } else { "start" };
        let default = (key.show)(&defaults).replace('|', "\\|");
        let _ = writeln!(page, "| `{}` | `{default}` | {when} | {} |", key.name, key.doc.replace('|', "\\|"));
    }
    page
}

#[test]
fn the_page_of_settings_is_the_table_of_keys() {
    hold("docs/settings.md", TEST, |_| page());
}

#[test]
fn what_needs_a_restart_is_the_same_everywhere() {
    let text = wrapped(&sentence("`"), "");
    for path in ["docs/configuration.md", "deploy/kubernetes/README.md"] {
        hold_table(path, TEST, "keys", &text);
    }
    let text = wrapped(&sentence(""), "# ");
    let begin = "# SIGHUP reads this file and the catalogs again:\n";
    hold("config/errtally.yaml", TEST, |found| filled(found, begin, "\n\n", text.trim_end()));
}

/// Metrics whose names begin with one of `names`, but for those of `without`.
fn rows(names: &[&str], without: &[&str]) -> String {
    let begins = |metric: &Metric, names: &[&str]| names.iter().any(|n| metric.name.starts_with(n));
    let mut table = "| metric | type | labels | meaning |\n|---|---|---|---|\n".to_owned();
    for metric in metrics::ALL.iter().filter(|m| begins(m, names) && !begins(m, without)) {
        let kind = if metric.kind == MetricType::COUNTER { "counter" } else { "gauge" };
        let labels: Vec<_> = metric.labels.iter().map(|l| format!("`{l}`")).collect();
        let _ = writeln!(table, "| `{}` | {kind} | {} | {} |", metric.name, labels.join(", "), metric.help);
    }
    table
}

#[test]
fn the_page_of_metrics_is_the_table_of_metrics() {
    const FILES: &[&str] = &["errtally_file", "errtally_position"];
    const EVENTS: &[&str] = &["errtally_event"];
    const KAFKA: &[&str] = &["errtally_kafka_"];
    let elsewhere = [FILES, EVENTS, KAFKA].concat();
    for (table, text) in [
        ("metrics", rows(&["errtally_"], &elsewhere)),
        ("metrics of events", rows(EVENTS, &[])),
        ("metrics of files", rows(FILES, &[])),
        ("metrics of Kafka", rows(KAFKA, &[])),
        ("metrics of the process", rows(&["process_"], &[])),
    ] {
        hold_table("docs/metrics.md", TEST, table, &text);
    }
}

#[test]
fn the_page_of_paths_is_the_table_of_paths_and_each_is_served() {
    let mut table = "| path | shows |\n|---|---|\n".to_owned();
    for (path, shows) in paths::ALL {
        let _ = writeln!(table, "| `{}` | {shows} |", path.replace("{code}", "CODE"));
    }
    hold_table("docs/http.md", TEST, "paths", &table);
    let daemon = Daemon::start(&[]);
    for (path, _) in paths::ALL {
        assert_eq!(daemon.get(&path.replace("{code}", "Ecs.0114")).status, 200, "{path}");
    }
    assert_eq!(daemon.get("/none").status, 404);
}

#[test]
fn the_page_of_the_catalog_has_every_category() {
    let mut table = "| category | the call failed because |\n|---|---|\n".to_owned();
    for category in Category::CATALOG.into_iter().chain([Category::Unknown]) {
        let _ = writeln!(table, "| `{category}` | {} |", category.meaning());
    }
    hold_table("catalog/README.md", TEST, "categories", &table);
}
