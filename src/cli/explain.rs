//! `errtally explain`.

mod codes;
mod reading;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::Read;

use anstyle::Style;
use anyhow::Context;

use super::settings::Reading;
use super::{Failure, output};
use crate::config::{Loaded, Settings};
use crate::files::{self, load_catalog};
use codes::Asking;
use errtally_core::catalog::Catalog;
use errtally_core::classify::discovery::Keys;
use errtally_core::classify::explain::explain;
use errtally_core::join::Rules;
use errtally_core::join::containers::Containers;
use errtally_core::join::runtime;
use reading::Told;

/// Bytes of standard input that are explained.
const MAX_INPUT_BYTES: u64 = 1 << 20;

const HEAD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Flags of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Codes, in any case; or words to search for in messages, actions and codes
    #[arg(required_unless_present = "line", value_name = "CODE|TEXT", value_parser = something)]
    codes: Vec<String>,
    /// A log line: show which rule accepts or refuses each candidate, and where each value comes from; with several lines, or - for standard input, also which lines are one record
    #[arg(long, value_name = "TEXT", conflicts_with = "codes", allow_hyphen_values = true)]
    line: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// Explains codes and texts, or a line. A code that the catalog does not have, and a text that no
/// code has, give exit status 1.
pub fn run(args: Args) -> Result<(), Failure> {
    let (loaded, catalog) = args.reading.layers().load()?;
    if let Some(line) = args.line {
        let text = if line == "-" { input()? } else { line.into_bytes() };
        let told = Told::new(&catalog, &loaded.settings)?;
        output::styled(&records(&told, &loaded.settings, &text))?;
        return Ok(());
    }
    let asking = asking(&loaded, &catalog);
    let (out, all_known) = codes::told(&asking, &args.codes);
    output::styled(&out)?;
    if all_known { Ok(()) } else { Err(Failure::Told) }
}

/// An argument that asks for something: an empty one would find all codes.
fn something(argument: &str) -> Result<String, String> {
    if argument.trim().is_empty() {
        return Err("it is empty; name a code or a part of a message".to_owned());
    }
    Ok(argument.to_owned())
}

/// Where codes are looked for, with all services where some are chosen.
fn asking<'c>(loaded: &Loaded, catalog: &'c Catalog) -> Asking<'c> {
    let Settings { catalog: paths, services, .. } = &loaded.settings;
    // What a pipe held is gone; what is left out of the rest can be told all the same.
    let again: Vec<_> = paths.iter().filter(|path| !files::is_stream(path)).cloned().collect();
    let whole = if services.is_empty() { None } else { load_catalog(&again, true).ok() };
    let chosen = loaded.origin("services").to_string();
    let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    Asking { catalog, whole: whole.map(|whole| (whole, chosen)), catalogs: names.join(", ") }
}

/// What standard input holds, as far as a person reads.
fn input() -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let read = std::io::stdin().take(MAX_INPUT_BYTES).read_to_end(&mut text);
    read.context("cannot read standard input")?;
    Ok(text)
}

/// Each record of `text`, and why its lines are one.
fn records(told: &Told<'_>, settings: &Settings, text: &[u8]) -> String {
    let keys = &settings.options().keys();
    let lines = text.strip_suffix(b"\n").unwrap_or(text);
    let several = lines.contains(&b'\n');
    if !several && !runtime::begins(lines) {
        return judged(told, lines, keys);
    }
    if !settings.join.on {
        let each = lines.split(|&b| b == b'\n').map(|line| judged(told, line, keys));
        return each.collect::<Vec<_>>().join("\n");
    }
    let mut containers = Containers::default();
    containers.join(&Rules::new(&settings.join, usize::MAX / 4), lines, true);
    let mut out = String::new();
    for record in containers.told(lines) {
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = match record.lines {
            1 if !several => Ok(()),
            1 => writeln!(out, "{HEAD}line {}{HEAD:#}", record.first),
            n => writeln!(
                out,
                "{HEAD}{n} lines are one record, from line {}{HEAD:#}\n{DIM}the last one: {}{DIM:#}",
                record.first, record.rule
            ),
        };
        out.push_str(&judged(told, &record.text, keys));
    }
    out
}

fn judged(told: &Told<'_>, bytes: &[u8], keys: &Keys) -> String {
    let catalog = told.catalog;
    let mut out = String::new();
    let mut hits = BTreeSet::new();
    let verdicts = explain(catalog, bytes, keys);
    let reading = told.read(&verdicts, bytes);
    for verdict in &verdicts {
        let text = String::from_utf8_lossy(&bytes[verdict.start..verdict.end]);
        let counted = verdict.counts_as(catalog, bytes);
        let mark = if counted.is_some() { "+" } else { "-" };
        let _ = writeln!(out, "{mark} byte {:<4} {HEAD}{text}{HEAD:#}", verdict.start);
        let _ = writeln!(out, "    {}", verdict.rule(catalog, bytes));
        if let Some(counted) = &counted
            && !hits.contains(counted)
        {
            reading.hit(verdict, &mut out);
        }
        hits.extend(counted);
    }
    if out.is_empty() {
        out.push_str("No candidate: nothing in this line has the shape of a code.\n");
    }
    if !hits.is_empty() {
        reading.record(&mut out);
    }
    let list: Vec<_> = hits.into_iter().collect();
    let _ = match list.len() {
        0 => writeln!(out, "no hit"),
        1 => writeln!(out, "1 hit: {}", list[0]),
        n => writeln!(out, "{n} hits: {}", list.join(", ")),
    };
    out
}
