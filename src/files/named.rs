//! What a path in the settings stands for: the text of a file, the YAML files of a folder, a catalog.

use std::path::{Path, PathBuf};

use errtally_core::catalog::{Catalog, CatalogFile};
use errtally_core::problem::{Problem, Problems, in_file, text};

use super::{MAX_CATALOG_BYTES, in_time, read};

/// Reads a file of at most `limit` bytes, or says as a problem why not.
pub fn read_file(path: &Path, limit: usize) -> Result<String, Problem> {
    read(path, limit).map_err(|e| in_file(path, e.what, e.remedy)).and_then(|c| text(path, c.bytes))
}

/// The `.yaml` and `.yml` files that `path` stands for: itself, or, for a
/// folder, those directly in it, sorted by name.
pub fn yaml_files(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    let folder = path.to_owned();
    let listed = in_time(move || list(&folder));
    listed.unwrap_or_else(|e| Err(in_file(path, e.what, e.remedy)))
}

fn list(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let problem = |what: String, remedy: &str| in_file(path, what, remedy);
    let listing = std::fs::read_dir(path)
        .map_err(|e| problem(format!("cannot list it: {e}"), "check its permissions"))?;
    let mut files = Vec::new();
    for entry in listing {
        let file =
            entry.map_err(|e| problem(format!("cannot list it: {e}"), "check its permissions"))?.path();
        // A mounted ConfigMap holds dot-named links to its versions.
        let hidden = file.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        let yaml = file.extension().is_some_and(|e| e == "yaml" || e == "yml");
        if yaml && !hidden && file.is_file() {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(problem("no .yaml file in this folder".to_owned(), "name a file, or another folder"));
    }
    files.sort();
    Ok(files)
}

/// The catalog in the binary, if `with_embedded`, with the files and folders at `paths` laid over it
/// in their order. Each file is read when its turn comes, so that one is in memory at a time.
///
/// # Errors
/// Every problem of every file, with file, line and key.
pub fn load_catalog(paths: &[PathBuf], with_embedded: bool) -> Result<Catalog, Problems> {
    let files = paths.iter().enumerate().flat_map(|(argument, path)| {
        let files = match yaml_files(path) {
            Ok(files) => files.into_iter().map(Ok).collect(),
            Err(problem) => vec![Err(problem)],
        };
        files.into_iter().map(move |file| {
            let file = file?;
            let text = read_file(&file, MAX_CATALOG_BYTES)?;
            Ok(CatalogFile { path: file, argument, text })
        })
    });
    Catalog::load(files, with_embedded)
}
