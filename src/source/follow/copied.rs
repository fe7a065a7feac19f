//! Files that are copied and then cut (copytruncate): what was written between
//! the last read and the cut is in the copy alone, and nothing of the copy is
//! to be counted twice.

use std::path::Path;
use std::time::{Duration, Instant};

use super::file::Followed;
use super::files::Files;
use super::identity::{Fingerprint, Inode};
use super::moved;
use super::status::Event;

/// How long a file that begins as another one does is taken for its copy, which
/// is being made, before it is read as a file of its own.
const DOUBT: Duration = Duration::from_secs(30);

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
        let folder = path.parent();
        let is_origin = |file: &Followed| {
            file.fingerprint.length > 0
                && file.left.is_none()
                && file.real().parent() == folder
                && moved::is_sibling(file.real(), path)
                && file.fingerprint.begins(head)
        };
        if !self.map.values().any(is_origin) {
            self.doubtful.remove(path);
            return false;
        }
        let until = *self.doubtful.entry(path.to_owned()).or_insert(now + DOUBT);
        self.doubtful.retain(|_, until| *until + DOUBT > now);
        now < until
    }
}
