//! Files that are copied and then cut (copytruncate): what was written between
//! the last read and the cut is in the copy alone, and nothing of the copy is
//! to be counted twice.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::file::Followed;
use super::files::Files;
use super::identity::{Fingerprint, Inode};
use super::moved;
use super::status::Event;

/// How long a file that begins as another one does is taken for its copy, which
/// is being made, before it is read as a file of its own.
const DOUBT: Duration = Duration::from_secs(30);

/// Files by their folders and the stems of their names, so that a copy finds its
/// origin among a hundred thousand.
#[derive(Debug, Default)]
pub struct Stems(HashMap<PathBuf, Vec<Inode>>);

impl Stems {
    /// Adds a file.
    pub fn add(&mut self, real: &Path, inode: Inode) {
        self.0.entry(real.with_file_name(moved::stem(real))).or_default().push(inode);
    }

    /// Takes a file out.
    pub fn remove(&mut self, real: &Path, inode: Inode) {
        let key = real.with_file_name(moved::stem(real));
        if let Some(files) = self.0.get_mut(&key) {
            files.retain(|&other| other != inode);
            if files.is_empty() {
                self.0.remove(&key);
            }
        }
    }

    /// The files of whose name a rotation may have made that of `path`.
    fn origins(&self, path: &Path) -> impl Iterator<Item = Inode> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let starts = name.char_indices().map(|(at, c)| &name[..at + c.len_utf8()]);
        starts.filter_map(|start| self.0.get(&path.with_file_name(start))).flatten().copied()
    }
}

impl Files {
    /// A file was cut, or written anew: it is read from its beginning, and what
    /// was cut away before it was read from its copy.
    pub fn cut(&mut self, inode: Inode, now: Instant) {
        self.status.add(Event::Truncated);
        let Some(file) = self.map.get_mut(&inode) else { return };
        let (path, real) = (file.path.clone(), file.real().to_owned());
        let (fingerprint, position) = (file.fingerprint, file.position);
        file.restart();
        self.schedule.ready(file);
        self.changed = true;
        self.read_copy(&path, &real, fingerprint, position, now);
    }

    /// Reads on from `position` in the copy of the file at `real` that was cut,
    /// where there is one.
    pub fn read_copy(
        &mut self,
        path: &Path,
        real: &Path,
        fingerprint: Fingerprint,
        position: u64,
        now: Instant,
    ) {
        let known = |inode| self.map.contains_key(&inode);
        let beside = |path| moved::find_copy(path, fingerprint, position, known);
        if let Some(copy) = beside(real).or_else(|| beside(path)) {
            tracing::debug!(path = %path.display(), copy = %copy.2.display(), "the rest is read from the copy");
            self.insert_left(path, copy, fingerprint, position, now);
        }
    }

    /// Whether the file at `path`, which is new and begins with `head`, may be a
    /// copy of one that is followed and about to be cut: it is asked again with
    /// the next discovery.
    pub fn may_be_copy(&mut self, path: &Path, head: &[u8], now: Instant) -> bool {
        let is_origin = |file: &Followed| {
            file.fingerprint.length > 0 && file.left.is_none() && file.fingerprint.begins(head)
        };
        if !self.stems.origins(path).filter_map(|inode| self.map.get(&inode)).any(is_origin) {
            self.doubtful.remove(path);
            return false;
        }
        let until = *self.doubtful.entry(path.to_owned()).or_insert(now + DOUBT);
        self.doubtful.retain(|_, until| *until + DOUBT > now);
        now < until
    }
}
