//! Where drafts go: standard output, a file that may be there, a folder of files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use errtally_import::{File, Known, Placed, file, merge};

use super::{built_in, told};
use crate::cli::{Failure, output};
use crate::files::{MAX_CATALOG_BYTES, load_catalog, read_file};
use crate::log::stderr::say;
use errtally_core::catalog::Catalog;
use errtally_core::problem::Problems;

/// Where to.
pub enum Target {
    /// Standard output.
    Stdout,
    /// One file.
    File(PathBuf),
    /// A file for each service.
    Folder(PathBuf),
}

impl Target {
    /// What `--out` names. A file that is there must be right.
    pub fn of(path: Option<&Path>) -> Result<Target, Failure> {
        let Some(path) = path else { return Ok(Target::Stdout) };
        if path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
            return Ok(Target::Folder(path.to_owned()));
        }
        if path.exists() {
            load_catalog(&[path.to_owned()], true)?;
        }
        Ok(Target::File(path.to_owned()))
    }

    /// Whether it has room for several services.
    pub fn is_folder(&self) -> bool {
        matches!(self, Target::Folder(_))
    }

    /// The service of the file that is there.
    pub fn service(&self) -> Option<String> {
        let Target::File(path) = self else { return None };
        Some(there(path).ok()??.1.file.service).filter(|s| !s.is_empty())
    }

    /// The families that are known: those of a file that is there first.
    pub fn known(&self, service: &str, catalog: &Catalog) -> Vec<Known> {
        let old = self.path(service).and_then(|path| there(&path).ok()?);
        let own = old.into_iter().flat_map(|(_, placed)| {
            let service = placed.file.service.clone();
            placed
                .file
                .families
                .into_iter()
                .filter(|f| !f.shared)
                .map(move |family| Known { service: service.clone(), family })
        });
        own.chain(built_in(catalog)).collect()
    }

    fn path(&self, service: &str) -> Option<PathBuf> {
        match self {
            Target::Stdout => None,
            Target::File(path) => Some(path.clone()),
            Target::Folder(folder) => {
                let name: String = service
                    .to_lowercase()
                    .chars()
                    .map(|c| if c.is_alphanumeric() { c } else { '-' })
                    .collect();
                Some(folder.join(format!("{name}.yaml")))
            }
        }
    }

    /// Writes a draft, over a file that is there without what a person judged.
    pub fn write(&self, draft: &File) -> Result<(), Failure> {
        let Some(path) = self.path(&draft.service) else {
            output::write(draft.to_yaml().as_bytes())?;
            told::written(draft, None);
            return Ok(());
        };
        let place = path.display().to_string();
        let (text, after) = match there(&path)? {
            None => (draft.to_yaml(), draft.clone()),
            Some((text, old)) => {
                load_catalog(std::slice::from_ref(&path), true)?;
                if old.file.service != draft.service {
                    return Err(
                        anyhow!("{place} is of {}, not of {}", old.file.service, draft.service).into()
                    );
                }
                let (new, changes) = merge(&text, &old, draft);
                say(format_args!("{place}:"));
                told::changes(&changes);
                let after = file::parse(&new).map_err(|e| anyhow!("{place}: {e}"))?.file;
                (new, after)
            }
        };
        replace(&path, &text)?;
        told::written(&after, Some(&place));
        Ok(())
    }
}

/// The file at `path`, if there is one.
fn there(path: &Path) -> anyhow::Result<Option<(String, Placed)>> {
    if !path.exists() {
        return Ok(None);
    }
    if !path.is_file() {
        bail!("{}: no file", path.display());
    }
    let text = read_file(path, MAX_CATALOG_BYTES).map_err(|p| anyhow!("{p}"))?;
    let placed = file::parse(&text).map_err(|e| anyhow!("{}: {e}", path.display()))?;
    Ok(Some((text, placed)))
}

/// Problems of the file beside `path` as those of `path`.
fn of(path: &Path, beside: &Path, problems: &Problems) -> Problems {
    let mut own = Problems::default();
    for problem in problems.iter() {
        let mut problem = problem.clone();
        if problem.origin == beside.display().to_string() {
            problem.origin = path.display().to_string();
        }
        own.push(problem);
    }
    own
}

/// Writes `text` beside `path`, checks it as the daemon would, and puts it in its
/// place: whatever happens, a whole catalog is there.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = path.with_file_name(format!(".{name}.{}.yaml", std::process::id()));
    let result = fs::write(&beside, text)
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(Failure::from)
        .and_then(|()| match load_catalog(std::slice::from_ref(&beside), true) {
            Ok(_) => Ok(()),
            Err(problems) => Err(Failure::Bad(of(path, &beside, &problems))),
        })
        .and_then(|()| {
            if let Ok(old) = fs::metadata(path) {
                fs::set_permissions(&beside, old.permissions()).context("cannot keep the permissions")?;
            }
            fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(())
        });
    if result.is_err() {
        let _ = fs::remove_file(&beside);
    }
    result
}
