//! Problems with what a person wrote: collected, located, each with a remedy.
//!
//! A configuration or a catalog is checked to its end, so that one run shows
//! every mistake. Nothing here is about failures at run time.

use std::fmt;
use std::path::Path;

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

/// Why a value is refused: what is wrong, and what to write instead.
pub type Refused = (String, String);

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
    format!("{} {stem}{s}", grouped(number))
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
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
                format!("and {} more problems", grouped(more as u64))
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
