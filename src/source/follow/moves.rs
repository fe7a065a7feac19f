//! Files that come, are renamed, replaced and deleted: what paths lead to now,
//! and what that means for the files that are known.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::file::{Followed, open};
use super::files::Files;
use super::identity::{self, Fingerprint, Inode};
use super::moved;
use super::positions::Entry;
use super::status::Event;
use crate::source::settings::Begin;
use errtally_core::problem::counted;

/// How often paths are looked at whose files have gone.
const AWAIT_EVERY: Duration = Duration::from_millis(100);

/// How long such a path is looked at.
const AWAITED: Duration = Duration::from_secs(20);

impl Files {
    /// Looks at what `path` leads to. A file that is new begins as `begin` says,
    /// unless it is known from before.
    pub fn adopt(&mut self, path: &Path, begin: Begin, now: Instant) {
        if self.by_path.contains_key(path) {
            return;
        }
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return,
            Err(e) if is_gone(&e) => return,
            Err(e) => return self.deny(path, &e),
        };
        let inode = Inode::of(&metadata);
        if let Some(known) = self.map.get(&inode) {
            if known.left.is_none() && leads_to(&known.path, inode) {
                // Another name of a file that is followed.
                return;
            }
            if known.handle.is_some() || is_same(path, known) {
                return self.renamed(inode, path, now);
            }
            // Its number has gone to another file.
            self.lose(inode);
        }
        self.begin(path, begin, now);
    }

    /// A file that is followed is at `path` now.
    fn renamed(&mut self, inode: Inode, path: &Path, now: Instant) {
        let Some(file) = self.map.get_mut(&inode) else { return };
        let old = file.path.clone();
        self.stems.remove(file.real(), inode);
        let was_left = file.left.take().is_some();
        file.ending = false;
        file.path = path.into();
        file.real = None;
        tracing::debug!(from = %old.display(), to = %path.display(), "a followed file was renamed");
        let new = file.path.clone();
        self.stems.add(&new, inode);
        self.schedule.ready(file);
        if self.by_path.get(&old) == Some(&inode) {
            self.by_path.remove(&old);
        }
        self.by_path.insert(new, inode);
        self.changed = true;
        if !was_left {
            self.status.add(Event::Rotated);
            self.await_at(&old, now + AWAITED);
        }
    }

    /// Begins to follow the file at `path`.
    fn begin(&mut self, path: &Path, begin: Begin, now: Instant) {
        let (handle, metadata) = match open(path) {
            Ok(opened) => opened,
            Err(e) if is_gone(&e) => return,
            Err(e) => return self.deny(path, &e),
        };
        // Another may have taken the place meanwhile, which the next look sees.
        if !metadata.is_file() || self.map.contains_key(&Inode::of(&metadata)) {
            return;
        }
        let head = match identity::head(&handle) {
            Ok(head) => head,
            Err(e) => return self.deny(path, &e),
        };
        self.denied.remove(path);
        self.awaited.remove(path);
        let position = match self.claim(path, &metadata, &head) {
            Some(position) => position,
            None if begin == Begin::Beginning && self.may_be_copy(path, &head, now) => return,
            None if begin == Begin::End => moved::last_line_end(&handle, metadata.len()).unwrap_or(0),
            None => 0,
        };
        let mut file = Followed::new(path, &metadata, Fingerprint::of(&head), position, now);
        if self.has_room() || metadata.len() > position {
            file.handle = Some(handle);
        }
        self.schedule.spread(&mut file, now);
        if metadata.len() > position {
            self.schedule.ready(&mut file);
        }
        self.insert(file);
    }

    /// Up to where the process before has counted the file, where it did.
    fn claim(&mut self, path: &Path, metadata: &Metadata, head: &[u8]) -> Option<u64> {
        let inode = Inode::of(metadata);
        let entry = self.saved.get(&inode).or_else(|| {
            // A device may have another number after the machine was started again.
            let entry = self.saved.get(self.saved_paths.get(path)?)?;
            (entry.inode.number == inode.number && entry.fingerprint.length > 0).then_some(entry)
        })?;
        if !entry.fingerprint.begins(head) {
            return None;
        }
        let (key, position) = (entry.inode, entry.position);
        if position > metadata.len() {
            return None;
        }
        self.saved.remove(&key);
        Some(position)
    }

    /// Looks at a file: whether its path still leads to it, and whether it has
    /// grown. `patience` is how long a file is read on that no path leads to,
    /// `wait` how long a record waits for more lines.
    pub fn look(&mut self, inode: Inode, patience: Duration, wait: Duration, now: Instant) {
        let Some(file) = self.map.get_mut(&inode) else { return };
        let seen = match (&file.left, &file.handle) {
            (None, _) => std::fs::metadata(&file.path),
            (Some(_), Some(handle)) => handle.metadata(),
            (Some(_), None) => std::fs::metadata(file.real()),
        };
        let was_left = file.left.is_some();
        let path = file.path.clone();
        match seen {
            Ok(metadata) if Inode::of(&metadata) == inode => self.seen(inode, &metadata, patience, wait, now),
            Ok(_) if was_left => self.lose(inode),
            Ok(_) => {
                self.leave(inode, now);
                self.adopt(&path, Begin::Beginning, now);
            }
            Err(e) if is_gone(&e) && was_left => self.lose(inode),
            Err(e) if is_gone(&e) => {
                self.leave(inode, now);
                self.await_at(&path, now + AWAITED);
            }
            Err(e) => {
                self.deny(&path, &e);
                self.later(inode, false, None, now);
            }
        }
    }

    fn seen(&mut self, inode: Inode, metadata: &Metadata, patience: Duration, wait: Duration, now: Instant) {
        let files = self.map.len();
        let Some(file) = self.map.get_mut(&inode) else { return };
        let held_until = file.grown + wait;
        if let Some(left) = file.left
            && now >= left.max(file.grown) + patience
        {
            file.ending = true;
        }
        let active = file.seen(metadata, now);
        let is_due = file.held && now >= held_until;
        if active || is_due || file.ending {
            self.schedule.ready(file);
        }
        // Also where its turn is long in coming: it may be renamed meanwhile.
        let latest = (file.held && !is_due).then_some(held_until);
        self.schedule.later(file, active, files, latest, now);
    }

    /// A file is looked at again later; soon where it was `active`.
    pub fn later(&mut self, inode: Inode, active: bool, latest: Option<Instant>, now: Instant) {
        let files = self.map.len();
        if let Some(file) = self.map.get_mut(&inode) {
            self.schedule.later(file, active, files, latest, now);
        }
    }

    /// The path of a file does not lead to it any more: it is read on through
    /// its descriptor, or by the name that it has now.
    pub fn leave(&mut self, inode: Inode, now: Instant) {
        let Some(file) = self.map.get_mut(&inode) else { return };
        self.status.add(Event::Rotated);
        let path = file.path.clone();
        file.left = Some(now);
        if self.by_path.get(&path) == Some(&inode) {
            self.by_path.remove(&path);
        }
        self.changed = true;
        let Some(file) = self.map.get_mut(&inode) else { return };
        if file.handle.is_none() {
            let Some((handle, _, _)) = moved::find(file.real(), inode, file.fingerprint) else {
                return self.lose(inode);
            };
            self.set_handle(inode, handle);
        }
        if let Some(file) = self.map.get_mut(&inode) {
            self.schedule.ready(file);
        }
        self.later(inode, true, None, now);
    }

    /// A file has gone and cannot be read any more.
    pub fn lose(&mut self, inode: Inode) {
        let Some(file) = self.remove(inode) else { return };
        if file.unread() > 0 {
            self.status.add(Event::Vanished);
            let (path, unread) = (file.path.display(), counted(file.unread(), "byte"));
            tracing::warn!("{path} has gone before it was read to its end: {unread} not counted");
        }
    }

    /// Paths whose file has gone: another may be there by now.
    pub fn look_at_awaited(&mut self, now: Instant) {
        if self.awaited.is_empty() || now < self.await_next {
            return;
        }
        self.await_next = now + AWAIT_EVERY;
        let paths: Vec<PathBuf> = self.awaited.keys().cloned().collect();
        for path in paths {
            self.adopt(&path, Begin::Beginning, now);
        }
        let by_path = &self.by_path;
        self.awaited.retain(|path, until| *until > now && !by_path.contains_key(path.as_path()));
    }

    /// What the process before has read and no path leads to any more, which
    /// may have been renamed meanwhile: it is read to its end.
    pub fn leftovers(&mut self, now: Instant) {
        self.saved_paths.clear();
        for (inode, entry) in std::mem::take(&mut self.saved) {
            self.changed = true;
            let Entry { path, real, fingerprint, position, .. } = entry;
            if self.map.contains_key(&inode) {
                // It was cut meanwhile, or its number has gone to another file.
                self.status.add(Event::Truncated);
                self.read_copy(&path, &real, fingerprint, position, now);
                continue;
            }
            let Some((handle, metadata, name)) = moved::find(&real, inode, fingerprint) else {
                tracing::debug!(path = %path.display(), "gone since it was last read");
                continue;
            };
            if metadata.len() > position {
                tracing::info!("{} is now {}: it is read to its end", path.display(), name.display());
                self.insert_left(&path, (handle, metadata, name), fingerprint, position, now);
            }
        }
    }

    /// Follows a file that `path` led to once.
    pub fn insert_left(
        &mut self,
        path: &Path,
        (handle, metadata, name): (File, Metadata, PathBuf),
        fingerprint: Fingerprint,
        position: u64,
        now: Instant,
    ) {
        let mut file = Followed::new(path, &metadata, fingerprint, position, now);
        (file.left, file.real, file.handle) = (Some(now), Some(name.into()), Some(handle));
        self.schedule.spread(&mut file, now);
        self.schedule.ready(&mut file);
        self.insert(file);
    }
}

/// Whether a file is not there, in whichever way.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn leads_to(path: &Path, inode: Inode) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| Inode::of(&metadata) == inode)
}

/// Whether the file at `path` is `known`, which has its number.
fn is_same(path: &Path, known: &Followed) -> bool {
    open(path).is_ok_and(|(handle, metadata)| {
        metadata.len() >= known.position
            && identity::head(&handle).is_ok_and(|head| known.fingerprint.begins(&head))
    })
}
