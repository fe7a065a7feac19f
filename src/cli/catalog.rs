//! `errtally catalog`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Context;

use super::settings::Reading;
use super::{Failure, diff, import, output};
use crate::catalog::search::{Search, service_named};
use crate::catalog::{Catalog, Category, status_label};
use crate::problem::{Problem, Problems};
use crate::report::{CatalogListing, table};
use crate::yaml::suggest;

/// What to do with the catalog.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print all codes, or some
    List {
        /// Of these services, with commas
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        service: Vec<String>,
        /// Of these categories, with commas
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        category: Vec<String>,
        /// With this text in code, message or action, in any case; where none has it, with all of its words
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// How to print them
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        reading: Reading,
    },
    /// Check catalog files, or the catalog that the settings name
    Check {
        /// Files or folders, checked together with the built-in catalog
        paths: Vec<PathBuf>,
        #[command(flatten)]
        reading: Reading,
    },
    /// Make catalog files of the tables of error codes on documentation pages
    Import(import::Args),
    /// Tell two catalog files, or folders of them, apart
    Diff(diff::Args),
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// One JSON object
    Json,
}

/// Lists or checks.
pub fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List { service, category, search, format, reading } => {
            let (_, catalog) = reading.layers().load()?;
            let search = self::search(&catalog, &service, &category, search.as_deref())?;
            match format {
                Format::Table => output::styled(&listing(&catalog, &search))?,
                Format::Json => {
                    let listing = CatalogListing::of(&catalog, &search.rows(&catalog));
                    let mut text = serde_json::to_vec(&listing).context("cannot write the catalog")?;
                    text.push(b'\n');
                    output::write(&text)?;
                }
            }
        }
        Command::Check { paths, reading } => {
            let catalog = reading.with_catalog(&paths).load()?.1;
            output::write(summary(&catalog).as_bytes())?;
        }
        Command::Import(args) => import::run(args)?,
        Command::Diff(args) => diff::run(args)?,
    }
    Ok(())
}

/// Which rows to print. Names that nothing has are a mistake, not an empty list.
fn search(
    catalog: &Catalog,
    services: &[String],
    categories: &[String],
    text: Option<&str>,
) -> Result<Search, Failure> {
    let mut problems = Problems::default();
    let mut refuse = |flag: &str, what: String, remedy: String| {
        let (origin, key) = (flag.to_owned(), String::new());
        problems.push(Problem { origin, line: 0, key, what, remedy });
    };
    let known: Vec<&str> = catalog.services().iter().map(|s| s.name.as_str()).collect();
    let mut wanted_services = Vec::new();
    for name in services {
        match service_named(catalog, name) {
            Some(service) => wanted_services.push(service),
            None => {
                refuse("--service", format!("no service is called `{name}`"), suggest(name, &known));
            }
        }
    }
    let names = Category::CATALOG.map(Category::as_str);
    let mut wanted_categories = Vec::new();
    for name in categories {
        match Category::parse(name) {
            Some(category) => wanted_categories.push(category),
            None => refuse("--category", format!("`{name}` is no category"), suggest(name, &names)),
        }
    }
    if problems.is_empty() {
        Ok(Search::new(wanted_services, wanted_categories, text.unwrap_or_default()))
    } else {
        Err(problems.into())
    }
}

fn listing(catalog: &Catalog, search: &Search) -> String {
    let mut out = String::new();
    let rows = search.rows(catalog);
    let codes = rows.iter().map(|row| catalog.code(row.code).spelling.len()).max().unwrap_or(4);
    for row in rows {
        let tint = table::colour(row.category);
        let _ = writeln!(
            out,
            "{:codes$}  {:3}  {tint}{:15}{tint:#}  {:5}  {}",
            catalog.code(row.code).spelling,
            status_label(row.http_status),
            row.category,
            if row.retryable { "retry" } else { "" },
            row.action,
        );
    }
    out
}

fn summary(catalog: &Catalog) -> String {
    let mut out = String::new();
    let number = |n: usize, what| crate::problem::counted(n as u64, what);
    let mut rows: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for row in catalog.rows() {
        let (all, waiting) = rows.entry(catalog.service_of(row).name.as_str()).or_default();
        *all += 1;
        *waiting += usize::from(row.review);
    }
    for (i, service) in catalog.services().iter().enumerate() {
        let families: Vec<String> = catalog
            .families()
            .iter()
            .filter(|f| f.service.0 as usize == i)
            .map(ToString::to_string)
            .collect();
        let (count, waiting) = rows.get(service.name.as_str()).copied().unwrap_or_default();
        let rows = if count == 1 { "row " } else { "rows" };
        let waiting = if waiting > 0 { format!("  ({waiting} to review)") } else { String::new() };
        let _ = writeln!(out, "{:8} {count:5} {rows}  {}{waiting}", service.name, families.join(", "));
    }
    let _ = writeln!(
        out,
        "ok: {}, {}, {}, {}",
        number(catalog.services().len(), "service"),
        number(catalog.families().len(), "family"),
        number(catalog.codes().len(), "code"),
        number(catalog.rows().len(), "row")
    );
    let waiting: usize = rows.values().map(|(_, waiting)| waiting).sum();
    if waiting > 0 {
        let verb = if waiting == 1 { "waits" } else { "wait" };
        let _ = writeln!(out, "{} {verb} for a person's judgement: `review: true`", number(waiting, "row"));
    }
    out
}
