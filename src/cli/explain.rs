//! `errtally explain`.

mod reading;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::Read;

use anstyle::Style;
use anyhow::Context;

use super::settings::Reading;
use super::{Failure, output};
use crate::catalog::{Catalog, CodeId, RowId, template};
use crate::classify::discovery::{self, Keys};
use crate::classify::explain::explain;
use crate::classify::{discovered_service, inferred_category, service_of_start};
use crate::config::Settings;
use crate::join::Rules;
use crate::join::containers::Containers;
use crate::join::runtime;
use crate::report::table;
use reading::Told;

/// Bytes of standard input that are explained.
const MAX_INPUT_BYTES: u64 = 1 << 20;

const HEAD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Flags of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Codes, in any case
    #[arg(required_unless_present = "line")]
    codes: Vec<String>,
    /// A log line: which rule accepted or refused each candidate in it, and what was read from where; several lines, or - for those of standard input: also which are one record
    #[arg(long, value_name = "TEXT", conflicts_with = "codes", allow_hyphen_values = true)]
    line: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// Explains codes, or a line. A code that the catalog does not have gives
/// exit status 1.
pub fn run(args: Args) -> Result<(), Failure> {
    let (loaded, catalog) = args.reading.layers().load()?;
    if let Some(line) = args.line {
        let text = if line == "-" { input()? } else { line.into_bytes() };
        let told = Told::new(&catalog, &loaded.settings)?;
        output::styled(&records(&told, &loaded.settings, &text))?;
        return Ok(());
    }
    let mut out = String::new();
    let mut missing = false;
    for (i, code) in args.codes.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        match catalog.find(code) {
            Some(id) => known(&catalog, id, &mut out),
            None => {
                missing = true;
                unknown(&catalog, code, &mut out);
            }
        }
    }
    output::styled(&out)?;
    if missing { Err(Failure::Told) } else { Ok(()) }
}

fn known(catalog: &Catalog, id: CodeId, out: &mut String) {
    let code = catalog.code(id);
    let service = catalog.service_of(catalog.row(RowId(code.rows.start)));
    let _ = writeln!(out, "{HEAD}{}{HEAD:#}  {} ({})", code.spelling, service.full_name, service.name);
    let several = code.rows.len() > 1;
    for row in code.rows.clone().map(RowId).map(|r| catalog.row(r)) {
        let tint = table::colour(row.category);
        let inside = catalog.family(code.family).grammar.holds_status();
        let status = match row.http_status {
            Some(s) if inside => format!("{s}, read from the code"),
            Some(s) => s.to_string(),
            None => "not documented".to_owned(),
        };
        if several {
            let default = if row.default { "  (meant when nothing in the record decides)" } else { "" };
            let _ = writeln!(out, "{DIM}with status {status}{default}{DIM:#}");
        } else {
            let _ = writeln!(out, "  status     {status}");
        }
        let _ = writeln!(out, "  category   {tint}{}{tint:#}", row.category);
        let retryable = if row.retryable { "yes: the same request can succeed later" } else { "no" };
        let _ = writeln!(out, "  retryable  {retryable}");
        let _ = writeln!(out, "  message    {}", template::readable(&row.message));
        let _ = writeln!(out, "  what to do {}", row.action);
        if row.review {
            let _ = writeln!(out, "  review     a draft by rules: nobody has judged this row");
        }
    }
    let _ = writeln!(out, "  {DIM}source     {}{DIM:#}", service.source);
}

fn unknown(catalog: &Catalog, code: &str, out: &mut String) {
    let _ = writeln!(out, "{HEAD}{code}{HEAD:#}  not in the catalog");
    if let Some((family, number)) = catalog.family_of(code.as_bytes()) {
        let family = catalog.family(family);
        let service = catalog.service(family.service);
        let _ = writeln!(
            out,
            "  fits {family} of {}: counted as an unknown code, category {}",
            service.name,
            inferred_category(number.status)
        );
    } else if discovery::has_shape(code.as_bytes()) {
        let _ = writeln!(
            out,
            "  of no family: counted only behind a key such as error_code, as an unknown code of {}",
            service_of_start(catalog, code.as_bytes())
                .map_or_else(|| discovered_service(code), |s| catalog.service(s).name.clone())
        );
    } else {
        let families: Vec<_> = catalog.families().iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "  not the shape of a code; the families are {}", families.join(", "));
    }
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
