//! `errtally catalog`.

use std::fmt::Write;

use anstyle::Style;
use anyhow::Context;

use super::settings::Reading;
use super::{Failure, check, diff, import, output};
use crate::log::stderr::say;
use crate::table;
use errtally_core::catalog::search::{Search, service_named};
use errtally_core::catalog::{Catalog, Category, Row, status_label, template};
use errtally_core::problem::{Problem, Problems};
use errtally_core::report::CatalogListing;
use errtally_core::yaml::{suggest, suggest_of_many};

const DIM: Style = Style::new().dimmed();

/// What to do with the catalog.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List codes, all or some
    List {
        /// Only codes of these services, separated by commas
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        service: Vec<String>,
        /// Only codes of these categories, separated by commas
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        category: Vec<String>,
        /// Only codes with this text in code, message or action, in any case; if none has it, with all of its words
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Format of the list
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        reading: Reading,
    },
    /// Check catalog files, or the catalog of the settings
    Check(check::Args),
    /// Make catalog files from the tables of error codes on documentation pages
    Import(import::Args),
    /// Compare two catalog files or folders
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
            let text = search.unwrap_or_default();
            let is_search = !text.trim().is_empty();
            let search = self::search(&catalog, &service, &category, &text)?;
            let rows = search.rows(&catalog);
            match format {
                Format::Table => output::styled(&listing(&catalog, &search, is_search, &rows))?,
                Format::Json => {
                    let listing = CatalogListing::of(&catalog, &rows);
                    let mut text = serde_json::to_vec(&listing).context("cannot write the catalog")?;
                    text.push(b'\n');
                    output::write(&text)?;
                }
            }
            // As grep ends where no line matches.
            if rows.is_empty() && is_search {
                let among = if service.is_empty() && category.is_empty() {
                    "try fewer words"
                } else {
                    "try fewer words, or more services and categories"
                };
                say(format_args!("nothing has `{}` in code, message or action; {among}", text.trim()));
                return Err(Failure::Told);
            }
        }
        Command::Check(args) => check::run(args)?,
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
    text: &str,
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
                let remedy = suggest_of_many(name, &known, "all services: `errtally catalog check`");
                refuse("--service", format!("no service is called `{name}`"), remedy);
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
        Ok(Search::new(wanted_services, wanted_categories, text))
    } else {
        Err(problems.into())
    }
}

/// A line for each row; below it, of a search, what the row says where the line does not show why it
/// was found.
fn listing(catalog: &Catalog, search: &Search, is_search: bool, rows: &[&Row]) -> String {
    let mut out = String::new();
    let codes = rows.iter().map(|row| catalog.code(row.code).spelling.len()).max().unwrap_or(4);
    for row in rows {
        let tint = table::colour(row.category);
        let code = &catalog.code(row.code).spelling;
        let status = status_label(row.http_status);
        let retry = if row.retryable { "retry" } else { "" };
        let _ = writeln!(
            out,
            "{code:codes$}  {status:3}  {tint}{:15}{tint:#}  {retry:5}  {}",
            row.category, row.action,
        );
        if is_search && !search.stands_in(&format!("{code} {status} {} {}", row.category, row.action)) {
            let message = template::readable(&row.message).replace('\n', " ");
            let service = &catalog.service_of(row).name;
            let _ = writeln!(out, "{:codes$}  {DIM}{service}: {message}{DIM:#}", "");
        }
    }
    out
}
