//! Pages: which there are, and what is in them.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use errtally_import::{Form, MAX_PAGE_BYTES, Reading};

use crate::files;
use crate::log::stderr::say;
use errtally_core::catalog::Catalog;

/// Most pages of one run, and the deepest folder in a folder.
const MAX_PAGES: usize = 5000;
const MAX_DEPTH: usize = 8;

/// A page that was read.
pub struct Page {
    /// Its path, or `-`.
    pub name: String,
    /// Its title.
    pub title: Option<String>,
    /// What it holds.
    pub reading: Reading,
}

/// Reads all pages that `paths` stand for.
pub fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<Page>> {
    let mut pages = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            let limit = MAX_PAGE_BYTES as u64 + 1;
            io::stdin().lock().take(limit).read_to_end(&mut bytes).context("cannot read standard input")?;
            pages.push(page("-".to_owned(), &bytes)?);
            continue;
        }
        let mut found = Vec::new();
        if path.is_dir() {
            list(path, 0, &mut found)?;
            if found.is_empty() {
                bail!("{}: no page in this folder (.rst, .md, .html, .csv, .tsv)", path.display());
            }
            found.sort();
        } else {
            found.push(path.clone());
        }
        for path in found {
            let name = path.display().to_string();
            let content =
                files::read(&path, MAX_PAGE_BYTES).map_err(|e| anyhow!("{name}: {e}; {}", e.remedy))?;
            pages.push(page(name, &content.bytes)?);
        }
    }
    Ok(pages)
}

fn page(name: String, bytes: &[u8]) -> anyhow::Result<Page> {
    if bytes.len() > MAX_PAGE_BYTES {
        bail!("{name}: larger than {} MiB; split the page", MAX_PAGE_BYTES >> 20);
    }
    let reading = errtally_import::read(&name, bytes);
    Ok(Page { title: errtally_import::title(&name, bytes), name, reading })
}

fn list(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if depth < MAX_DEPTH {
                list(&path, depth + 1, found)?;
            } else {
                say(format_args!("{}: too deep in the folder, passed over", path.display()));
            }
        } else if Form::of_name(&name).is_some() {
            found.push(path);
            if found.len() > MAX_PAGES {
                bail!("{}: more than {MAX_PAGES} pages; name some of them", folder.display());
            }
        } else {
            say(format_args!("{}: no ending of a page, passed over", path.display()));
        }
    }
    Ok(())
}

impl Page {
    /// What its file is called, without its ending.
    fn stem(&self) -> &str {
        let name = self.name.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }

    /// Where its rows come from, for `source`.
    pub fn source(&self) -> String {
        let file = self.name.rsplit('/').next().unwrap_or_default();
        let file = if file == "-" { "standard input" } else { file };
        match &self.title {
            Some(title) => format!("{}, {file}", title.chars().take(120).collect::<String>()),
            None => file.to_owned(),
        }
    }

    /// The words of its file name, where it is named after a service.
    pub fn full_name(&self) -> Option<String> {
        let stem = self.stem().split("--").next().unwrap_or_default();
        let words: Vec<String> = stem
            .split(['-', '_', ' '])
            .filter(|w| {
                !w.is_empty()
                    && !["error", "errors", "code", "codes", "errorcode", "errorcodes", "zh", "en"]
                        .contains(w)
            })
            .map(|w| {
                let mut chars = w.chars();
                chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
            })
            .collect();
        (words.len() > 1).then(|| words.join(" "))
    }

    /// The service that it is of: the one it is named after, else the owner of
    /// most of its codes' families, else what most codes begin with.
    pub fn service(&self, catalog: &Catalog) -> String {
        let stem = slug(self.stem());
        let named = catalog.services().iter().filter(|s| {
            [slug(&s.full_name), slug(&s.name)]
                .iter()
                .any(|own| stem == *own || stem.starts_with(&format!("{own}-")))
        });
        if let Some(service) = named.max_by_key(|s| s.full_name.len()) {
            return service.name.clone();
        }
        let mut counts: HashMap<String, usize> = HashMap::new();
        for row in &self.reading.rows {
            let owner =
                catalog.family_of(row.code.as_bytes()).map(|(family, _)| catalog.family(family).service);
            let name = match owner {
                Some(service) => catalog.service(service).name.clone(),
                None => {
                    let end = row
                        .code
                        .find(['.', '_', '-'])
                        .or_else(|| row.code.find(|c: char| c.is_ascii_digit()));
                    row.code[..end.unwrap_or(0)].to_uppercase()
                }
            };
            *counts.entry(name).or_default() += 1;
        }
        let most = counts
            .into_iter()
            .filter(|(name, _)| !name.is_empty())
            .max_by(|a, b| (a.1, &b.0).cmp(&(b.1, &a.0)));
        most.map_or_else(|| self.stem().to_uppercase(), |(name, _)| name)
    }
}

/// Letters and digits in lower case, hyphens between words.
fn slug(name: &str) -> String {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}
