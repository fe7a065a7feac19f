//! `errtally catalog import`: pages of documentation to catalog files.

mod output;
mod pages;
mod told;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use errtally_import::{Draft, Family, Known, Reading, Row};
use serde::Serialize;

use self::pages::Page;
use super::{Failure, output as stdout};
use crate::log::stderr::say;
use errtally_core::catalog::Catalog;
use errtally_core::problem::counted;

/// Which pages, and where to.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A page is reStructuredText, Markdown, HTML, CSV or TSV; a folder stands for all files with such an \
    ending. The drafts go to standard output or into --out. Standard error says what was read, repaired, merged and \
    refused. Rows with `review: true` wait for a person: `errtally catalog check FILE` counts them."
)]
pub struct Args {
    /// Files or folders; - for standard input
    #[arg(required = true, value_name = "PAGE")]
    pages: Vec<PathBuf>,
    /// Service of all rows [default: that of each page, by its name or its codes]
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// File to write, or folder for one file per service; existing rows keep what a person judged
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value = "yaml")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A catalog file
    Yaml,
    /// The rows as they were read, and what happened to each
    Json,
}

/// The JSON of `--format json`.
#[derive(Serialize)]
struct AsRead<'a> {
    pages: Vec<PageAsRead<'a>>,
}

#[derive(Serialize)]
struct PageAsRead<'a> {
    page: &'a str,
    #[serde(flatten)]
    reading: &'a Reading,
}

/// The rows of one service, and where they come from.
#[derive(Default)]
struct Service {
    rows: Vec<Row>,
    sources: Vec<String>,
    full_name: Option<String>,
}

/// Reads pages, writes drafts.
pub fn run(args: Args) -> Result<(), Failure> {
    let catalog = Catalog::embedded()?;
    if let Some(name) = &args.service
        && (name.trim().is_empty() || name.chars().any(char::is_control) || name.len() > 64)
    {
        return Err(anyhow!("--service: a short name such as VPC, at most 64 bytes").into());
    }
    let pages = pages::read(&args.pages)?;
    for page in &pages {
        told::page(page);
    }
    if pages.iter().all(|p| p.reading.rows.is_empty()) {
        return Err(anyhow!("no row of an error code in {}", counted(pages.len() as u64, "page")).into());
    }
    if args.format == Format::Json {
        let as_read = pages.iter().map(|p| PageAsRead { page: &p.name, reading: &p.reading });
        let mut text =
            serde_json::to_vec(&AsRead { pages: as_read.collect() }).context("cannot write the rows")?;
        text.push(b'\n');
        stdout::write(&text)?;
        return Ok(());
    }
    let target = output::Target::of(args.out.as_deref())?;
    // A file that is there knows whose rows it has.
    let service = args.service.clone().or_else(|| target.service());
    let services = by_service(pages, service.as_deref(), &catalog);
    if services.len() > 1 && !target.is_folder() {
        let names: Vec<&str> = services.keys().map(String::as_str).collect();
        return Err(anyhow!(
            "rows of {}: {}; name a folder with --out, or one of them with --service",
            counted(names.len() as u64, "service"),
            names.join(", ")
        )
        .into());
    }
    let mut wrong = None;
    for (name, service) in services {
        let draft = drafted(&name, service, &target.known(&name, &catalog), &catalog);
        told::draft(&draft);
        if draft.file.rows.is_empty() {
            say(format_args!("{name}: no row for a catalog"));
            wrong = Some(name);
            continue;
        }
        target.write(&draft.file)?;
    }
    match wrong {
        Some(name) => Err(anyhow!("{name}: all rows were left out").into()),
        None => Ok(()),
    }
}

fn drafted(name: &str, service: Service, known: &[Known], catalog: &Catalog) -> Draft {
    let built_in = catalog.services().iter().find(|s| s.name == name);
    let full_name = built_in.map(|s| s.full_name.clone()).or(service.full_name);
    let source = service.sources.join("; ");
    let cut: String = source.chars().take(400).collect();
    errtally_import::draft(name, full_name.as_deref().unwrap_or(name), &cut, &service.rows, known)
}

/// The rows of all pages by service, each page's in their order.
fn by_service(pages: Vec<Page>, service: Option<&str>, catalog: &Catalog) -> BTreeMap<String, Service> {
    let mut services: BTreeMap<String, Service> = BTreeMap::new();
    for page in pages.into_iter().filter(|p| !p.reading.rows.is_empty()) {
        let name = service.map_or_else(|| page.service(catalog), str::to_owned);
        if service.is_none() {
            say(format_args!("{}: taken for a page of {name} (--service names another)", page.name));
        }
        let own = services.entry(name).or_default();
        own.sources.push(page.source());
        own.full_name = own.full_name.take().or_else(|| page.full_name());
        own.rows.extend(page.reading.rows);
    }
    services
}

/// The families of the built-in catalog, and who owns each.
fn built_in(catalog: &Catalog) -> Vec<Known> {
    let known = catalog.families().iter().flat_map(|family| {
        let owned = Family {
            prefix: family.prefix.clone(),
            separator: family.separator.to_owned(),
            grammar: family.grammar.to_string(),
            everyday: family.everyday,
            shared: false,
        };
        [Known { service: catalog.service(family.service).name.clone(), family: owned }]
    });
    known.collect()
}
