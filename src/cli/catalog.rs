//! `errtally catalog`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Context;

use super::settings::Reading;
use super::{Failure, output};
use crate::catalog::{Catalog, status_label};
use crate::report::{CatalogListing, table};

/// What to do with the catalog.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print all codes
    List {
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
        Command::List { format, reading } => {
            let (_, catalog) = reading.layers().load()?;
            match format {
                Format::Table => output::styled(&listing(&catalog))?,
                Format::Json => {
                    let mut text = serde_json::to_vec(&CatalogListing::new(&catalog))
                        .context("cannot write the catalog")?;
                    text.push(b'\n');
                    output::write(&text)?;
                }
            }
        }
        Command::Check { paths, reading } => {
            let catalog = reading.with_catalog(&paths).load()?.1;
            output::write(summary(&catalog).as_bytes())?;
        }
    }
    Ok(())
}

fn listing(catalog: &Catalog) -> String {
    let mut out = String::new();
    let codes = catalog.codes().iter().map(|c| c.spelling.len()).max().unwrap_or(4);
    for row in catalog.rows() {
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
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for row in catalog.rows() {
        *rows.entry(catalog.service_of(row).name.as_str()).or_default() += 1;
    }
    for (i, service) in catalog.services().iter().enumerate() {
        let families: Vec<String> = catalog
            .families()
            .iter()
            .filter(|f| f.service.0 as usize == i)
            .map(ToString::to_string)
            .collect();
        let count = rows.get(service.name.as_str()).copied().unwrap_or(0);
        let rows = if count == 1 { "row " } else { "rows" };
        let _ = writeln!(out, "{:8} {count:5} {rows}  {}", service.name, families.join(", "));
    }
    let _ = writeln!(
        out,
        "ok: {}, {}, {}, {}",
        number(catalog.services().len(), "service"),
        number(catalog.families().len(), "family"),
        number(catalog.codes().len(), "code"),
        number(catalog.rows().len(), "row")
    );
    out
}
