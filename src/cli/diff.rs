//! `errtally catalog diff`: what tells two catalog files, or two folders of them, apart.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use errtally_import::{Entry, File, diff::Diff, file};
use serde::Serialize;

use super::catalog::Format;
use super::{Failure, output};
use crate::files::{MAX_CATALOG_BYTES, load_catalog, read_file, yaml_files};
use errtally_core::catalog::status_label;
use errtally_core::problem::{Problems, counted};

/// What is compared.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The older catalog file or folder
    old: PathBuf,
    /// The newer one
    new: PathBuf,
    /// Format of the differences
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Serialize)]
struct OfService {
    service: String,
    #[serde(flatten)]
    diff: Diff,
}

/// Compares, service by service.
pub fn run(args: Args) -> Result<(), Failure> {
    let (mut old, mut new) = (files(&args.old)?, files(&args.new)?);
    // Two files are compared whatever their services are called.
    if old.len() == 1 && new.len() == 1 {
        let (old_file, new_file) = (old.pop_first(), new.pop_first());
        if let (Some((name, a)), Some((_, b))) = (old_file, new_file) {
            old.insert(name.clone(), a);
            new.insert(name, b);
        }
    }
    let mut names: Vec<String> = old.keys().chain(new.keys()).cloned().collect();
    names.sort();
    names.dedup();
    let none = File::default();
    let diffs: Vec<OfService> = names
        .into_iter()
        .map(|service| {
            let diff =
                errtally_import::diff(old.get(&service).unwrap_or(&none), new.get(&service).unwrap_or(&none));
            OfService { service, diff }
        })
        .filter(|d| !d.diff.is_empty())
        .collect();
    match args.format {
        Format::Json => {
            let mut text =
                serde_json::to_vec(&serde_json::json!({ "services": diffs })).context("cannot write them")?;
            text.push(b'\n');
            output::write(&text)?;
        }
        Format::Table => output::write(table(&diffs).as_bytes())?,
    }
    Ok(())
}

/// The catalog files at `path` by service, each found right.
fn files(path: &Path) -> Result<BTreeMap<String, File>, Failure> {
    load_catalog(&[path.to_owned()], true)?;
    let mut found = BTreeMap::new();
    let single = |problem| {
        let mut problems = Problems::default();
        problems.push(problem);
        problems
    };
    for path in yaml_files(path).map_err(single)? {
        let text = read_file(&path, MAX_CATALOG_BYTES).map_err(single)?;
        let file = file::parse(&text).map_err(|e| anyhow!("{}: {e}", path.display()))?.file;
        found.insert(file.service.clone(), file);
    }
    Ok(found)
}

fn table(diffs: &[OfService]) -> String {
    let mut out = String::new();
    let (mut added, mut removed, mut changed) = (0, 0, 0);
    for OfService { service, diff } in diffs {
        let _ = writeln!(out, "{service}");
        for key in &diff.keys {
            let _ = writeln!(out, "~ {}: {} -> {}", key.key, shown(&key.old), shown(&key.new));
        }
        let row = |out: &mut String, mark: char, row: &Entry| {
            let status = status_label(row.http_status);
            let _ = writeln!(
                out,
                "{mark} {:16} {status:3}  {:15}  {}",
                row.code,
                row.category,
                shown(&row.message)
            );
        };
        diff.removed.iter().for_each(|r| row(&mut out, '-', r));
        diff.added.iter().for_each(|r| row(&mut out, '+', r));
        for change in &diff.changed {
            let fields: Vec<String> = change
                .fields
                .iter()
                .map(|f| format!("{}: {} -> {}", f.key, shown(&f.old), shown(&f.new)))
                .collect();
            let _ = writeln!(
                out,
                "~ {:16} {:3}  {}",
                change.code,
                status_label(change.http_status),
                fields.join("; ")
            );
        }
        added += diff.added.len();
        removed += diff.removed.len();
        changed += diff.changed.len();
    }
    let number = |n: usize| counted(n as u64, "row");
    let _ = writeln!(out, "{} added, {removed} removed, {changed} changed", number(added));
    out
}

fn shown(text: &str) -> &str {
    if text.is_empty() { "(nothing)" } else { text }
}
