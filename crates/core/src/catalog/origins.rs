//! Which files a catalog was laid of beside the built-in one: where their rows
//! stand, and what they replaced of each other.

use super::Text;

/// Replaced rows of two files that are told one by one.
const MOST_FIRST: usize = 5;

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Position in [`Origins::files`].
    pub file: u32,
    /// 1-based line.
    pub line: u32,
}

/// A catalog file that was laid over the built-in catalog.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path.
    pub path: String,
    /// Which of the paths that were to be loaded it is, or is in, from 0.
    pub argument: usize,
    /// The name of its service.
    pub service: Option<String>,
}

/// Rows of one file that another one, which came later, replaced.
#[derive(Clone, Debug)]
pub struct Replaced {
    /// Position in [`Origins::files`] of the file whose rows they were.
    pub before: u32,
    /// And of the file whose rows are in force.
    pub after: u32,
    /// How many they were.
    pub rows: u64,
    /// Code, line before and line after of the first of them, at most five.
    pub first: Vec<(Text, u32, u32)>,
}

/// The files of a catalog, in the order in which they were laid over each other.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    files: Vec<File>,
    replaced: Vec<Replaced>,
}

impl Origins {
    /// The files.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The file that a row stands in.
    pub fn file(&self, place: Place) -> &File {
        &self.files[place.file as usize]
    }

    /// What files replaced of each other; to replace built-in rows is what they are for.
    pub fn replaced(&self) -> &[Replaced] {
        &self.replaced
    }

    /// Adds a file, and gives its position.
    pub(super) fn begin(&mut self, path: String, argument: usize) -> u32 {
        self.files.push(File { path, argument, service: None });
        (self.files.len() - 1) as u32
    }

    /// Names the service of the newest file.
    pub(super) fn name(&mut self, service: &str) {
        if let Some(file) = self.files.last_mut() {
            file.service = Some(service.to_owned());
        }
    }

    /// Counts a row that stood at `old`, where another stands at `new`.
    pub(super) fn replace(&mut self, code: &Text, old: Place, new: Place) {
        // A file that is named twice replaces itself by the same.
        if self.file(old).path == self.file(new).path {
            return;
        }
        let known = self.replaced.iter_mut().find(|r| (r.before, r.after) == (old.file, new.file));
        let replaced = match known {
            Some(replaced) => replaced,
            None => {
                let (before, after) = (old.file, new.file);
                self.replaced.push(Replaced { before, after, rows: 0, first: Vec::new() });
                let Some(replaced) = self.replaced.last_mut() else { return };
                replaced
            }
        };
        replaced.rows += 1;
        if replaced.first.len() < MOST_FIRST {
            replaced.first.push((code.clone(), old.line, new.line));
        }
    }
}
