//! Problems with what a person wrote: collected, located, each with a remedy.
//!
//! A configuration or a catalog is checked to its end, so that one run shows
//! every mistake. Nothing here is about failures at run time.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::files;

/// One mistake in a file, an environment variable or a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, or the name of the variable or flag.
    pub origin: String,
    /// 1-based line in the file; 0 where there is no line.
    pub line: usize,
    /// The key, with its path: `codes[3].category`.
    pub key: String,
    /// What is wrong, with the value that was found.
    pub what: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.origin)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        // librdkafka has words of several lines.
        write!(f, ": {}", self.what.trim().replace('\n', " "))?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

/// Most problems that are told one by one: nobody reads more, and a generated
/// catalog may have a mistake in each of its rows.
pub const MAX_TOLD: usize = 50;

/// So many of something, in words: `1 record`, `2 records`.
pub fn counted(number: u64, what: &str) -> String {
    let (stem, s) = match what.strip_suffix('y') {
        _ if number == 1 => (what, ""),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => (stem, "ies"),
        _ => (what, "s"),
    };
    format!("{} {stem}{s}", crate::report::table::grouped(number))
}

/// All problems of one check, in the order in which they were met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Takes over all of `other`.
    pub fn append(&mut self, mut other: Problems) {
        self.0.append(&mut other.0);
    }

    /// True when nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What is told of them: the first ones as a line each, and how many more
    /// there are.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let more = self.0.len().saturating_sub(MAX_TOLD);
        let last = (more > 0).then(|| {
            if more == 1 {
                "and 1 more problem".to_owned()
            } else {
                format!("and {} more problems", crate::report::table::grouped(more as u64))
            }
        });
        self.0.iter().take(MAX_TOLD).map(ToString::to_string).chain(last)
    }

    /// One after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().collect::<Vec<_>>().join("\n"))
    }
}

impl std::error::Error for Problems {}

/// Where problems of one file go: knows the file, collects.
#[derive(Debug)]
pub struct Sink {
    origin: String,
    problems: Problems,
}

impl Sink {
    /// A sink for the file at `path`.
    pub fn new(path: &Path) -> Sink {
        Sink { origin: path.display().to_string(), problems: Problems::default() }
    }

    /// Reports `what` at `line` under `key`.
    pub fn report(
        &mut self,
        line: usize,
        key: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.problems.push(Problem {
            origin: self.origin.clone(),
            line,
            key: key.into(),
            what: what.into(),
            remedy: remedy.into(),
        });
    }

    /// What was collected, in the order of the lines.
    pub fn finish(mut self) -> Problems {
        self.problems.0.sort_by_key(|problem| problem.line);
        self.problems
    }
}

/// Reads a file of at most `limit` bytes, or says as a problem why not.
pub fn read_file(path: &Path, limit: usize) -> Result<String, Problem> {
    files::read(path, limit).map_err(|e| in_file(path, e.what, e.remedy)).and_then(|c| text(path, c.bytes))
}

/// `bytes` of the file at `path` as text.
pub fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|e| {
        let what = format!("invalid UTF-8 at byte {}", e.utf8_error().valid_up_to());
        in_file(path, what, "save the file as UTF-8")
    })
}

/// A problem with a file as a whole.
pub fn in_file(path: &Path, what: String, remedy: &str) -> Problem {
    Problem {
        origin: path.display().to_string(),
        line: 0,
        key: String::new(),
        what,
        remedy: remedy.to_owned(),
    }
}

/// The `.yaml` and `.yml` files that `path` stands for: itself, or, for a
/// folder, those directly in it, sorted by name.
pub fn yaml_files(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    let folder = path.to_owned();
    let listed = files::in_time(move || list(&folder));
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
