//! `errtally catalog check`: what a catalog has, which rows wait for a person,
//! and what its files replace of each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use super::settings::Reading;
use super::{Failure, output};
use errtally_core::catalog::origins::{File, Replaced};
use errtally_core::catalog::{Catalog, Row};
use errtally_core::problem::counted;

/// Rows that wait which are named; the others are counted.
const MOST_WAITING: usize = 20;

/// Flags of `catalog check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files or folders to check together with the built-in catalog
    paths: Vec<PathBuf>,
    /// Exit with 1 if rows wait for a person (`review: true`)
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Checks, and tells what there is: of the files at the given paths, or of everything.
pub fn run(args: Args) -> Result<(), Failure> {
    let (loaded, catalog) = args.reading.with_catalog(&args.paths).load()?;
    // The given ones come after those that are set.
    let set = loaded.settings.catalog.len().saturating_sub(args.paths.len());
    let given = Given { catalog: &catalog, from: (!args.paths.is_empty()).then_some(set) };
    let waiting = given.waiting();
    output::write(given.told(&waiting).as_bytes())?;
    if args.strict && !waiting.is_empty() { Err(Failure::Told) } else { Ok(()) }
}

/// What is to be told of.
struct Given<'c> {
    catalog: &'c Catalog,
    /// The first path whose files are meant; none where all of the catalog is.
    from: Option<usize>,
}

impl Given<'_> {
    fn is_of(&self, file: &File) -> bool {
        self.from.is_some_and(|from| file.argument >= from)
    }

    fn is_of_row(&self, row: &Row) -> bool {
        row.place.is_some_and(|place| self.is_of(self.catalog.origins().file(place)))
    }

    /// The rows that wait, in the order of files and lines.
    fn waiting(&self) -> Vec<&Row> {
        let meant = |row: &&Row| row.review && (self.from.is_none() || self.is_of_row(row));
        let mut waiting: Vec<_> = self.catalog.rows().iter().filter(meant).collect();
        waiting.sort_by_key(|row| row.place.map(|place| (place.file, place.line)));
        waiting
    }

    fn told(&self, waiting: &[&Row]) -> String {
        let catalog = self.catalog;
        let mut out = String::new();
        self.services(waiting, &mut out);
        let number = |n: usize, what| counted(n as u64, what);
        let _ = writeln!(
            out,
            "ok: {}, {}, {}, {}",
            number(catalog.services().len(), "service"),
            number(catalog.families().len(), "family"),
            number(catalog.codes().len(), "code"),
            number(catalog.rows().len(), "row")
        );
        for replaced in catalog.origins().replaced() {
            let [before, after] =
                [replaced.before, replaced.after].map(|i| &catalog.origins().files()[i as usize]);
            if self.from.is_none() || self.is_of(before) || self.is_of(after) {
                replaces(before, after, replaced, &mut out);
            }
        }
        if !waiting.is_empty() {
            let verb = if waiting.len() == 1 { "waits" } else { "wait" };
            let rows = number(waiting.len(), "row");
            let _ = writeln!(out, "{rows} {verb} for a person's judgement: `review: true`");
        }
        for row in waiting.iter().take(MOST_WAITING) {
            if let Some(place) = row.place {
                let path = &catalog.origins().file(place).path;
                let _ = writeln!(out, "  {path}:{}: {}", place.line, catalog.code(row.code).spelling);
            }
        }
        if let Some(more @ 1..) = waiting.len().checked_sub(MOST_WAITING) {
            let _ = writeln!(out, "  and {more} more");
        }
        out
    }

    /// A line for each service that is meant.
    fn services(&self, waiting: &[&Row], out: &mut String) {
        let catalog = self.catalog;
        // By service: all rows, and those of the files that are meant.
        let mut rows: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for row in catalog.rows() {
            let (all, given) = rows.entry(catalog.service_of(row).name.as_str()).or_default();
            *all += 1;
            *given += usize::from(self.is_of_row(row));
        }
        let files = catalog.origins().files().iter().filter(|file| self.is_of(file));
        let mut meant: BTreeSet<&str> = files.filter_map(|file| file.service.as_deref()).collect();
        for (i, service) in catalog.services().iter().enumerate() {
            let name = service.name.as_str();
            if !meant.remove(name) && self.from.is_some() {
                continue;
            }
            let families = catalog.families().iter().filter(|f| f.service.0 as usize == i);
            let families: Vec<String> = families.map(ToString::to_string).collect();
            let (count, given) = rows.get(name).copied().unwrap_or_default();
            let waits = waiting.iter().filter(|row| catalog.service_of(row).name == name).count();
            let rows = if count == 1 { "row " } else { "rows" };
            let given = match self.from {
                Some(_) if given < count => format!("  ({given} of these files)"),
                _ => String::new(),
            };
            let waits = if waits > 0 { format!("  ({waits} to review)") } else { String::new() };
            let _ = writeln!(out, "{name:8} {count:5} {rows}  {}{given}{waits}", families.join(", "));
        }
        for name in meant {
            let _ = writeln!(out, "{name:8} is right, but `services` leaves it out");
        }
    }
}

/// That rows of one file are in force no more, since another one has them, too.
fn replaces(before: &File, after: &File, replaced: &Replaced, out: &mut String) {
    let (before, after) = (&before.path, &after.path);
    let first = replaced.first.iter().map(|(code, old, new)| format!("{code} (line {old} by line {new})"));
    let mut first: Vec<_> = first.collect();
    if let Some(more @ 1..) = replaced.rows.checked_sub(first.len() as u64) {
        first.push(format!("and {more} more"));
    }
    let rows = counted(replaced.rows, "row");
    let _ = writeln!(out, "{after} replaces {rows} of {before}: {}", first.join(", "));
}
