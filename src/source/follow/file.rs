//! One followed file: which it is, what it is called, up to where it is
//! counted, and what is known of the rest.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::identity::{Fingerprint, Inode};
use errtally_core::fields::FileName;
use errtally_core::pipeline::Head;

/// A file that is read as it grows.
#[derive(Debug)]
pub struct Followed {
    /// Which one it is.
    pub inode: Inode,
    /// The path by which it was found.
    pub path: Arc<Path>,
    /// Where that leads to, where it is a link.
    pub real: Option<Box<Path>>,
    /// The path and what it says, for labels and events.
    pub name: Arc<FileName>,
    /// Its first bytes.
    pub fingerprint: Fingerprint,
    /// The first byte that is not counted: a record begins there.
    pub position: u64,
    /// Its size when it was last seen.
    pub size: u64,
    /// When it was last written to, as of then, in nanoseconds.
    pub modified: i128,
    /// Up to here it was read: what lies before and is not counted waits for
    /// what comes.
    pub searched: u64,
    /// Where an overlong line begins, and up to where it was seen to have no end.
    pub overlong: (u64, u64),
    /// What its first lines have told, once it has any.
    pub head: Option<Head>,
    /// The descriptor, while it is open.
    pub handle: Option<File>,
    /// When it was last used: the number of that use.
    pub used: u64,
    /// When it was last seen to grow.
    pub grown: Instant,
    /// Whole lines lie behind `position` that the next may continue.
    pub held: bool,
    /// Since when no path is known that leads to it.
    pub left: Option<Instant>,
    /// It is read to its end, also an unfinished line.
    pub ending: bool,
    /// It is no text, and is left alone.
    pub skipped: bool,
    /// It waits for its turn.
    pub queued: bool,
    /// Its first bytes are to be compared before it is read on.
    pub verify: bool,
    /// How long it is let alone.
    pub interval: Duration,
    /// When it is looked at next.
    pub due: Instant,
}

impl Followed {
    /// A file at `path`, of which `metadata` tells, counted up to `position`.
    pub fn new(
        path: &Path,
        metadata: &Metadata,
        fingerprint: Fingerprint,
        position: u64,
        now: Instant,
    ) -> Followed {
        let is_link = std::fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink());
        let real = is_link.then(|| std::fs::canonicalize(path).ok()).flatten();
        Followed {
            inode: Inode::of(metadata),
            path: path.into(),
            real: real.map(Into::into),
            name: Arc::new(FileName::new(path)),
            fingerprint,
            position,
            size: metadata.len(),
            modified: modified(metadata),
            searched: position,
            overlong: (0, 0),
            head: None,
            handle: None,
            used: 0,
            grown: now,
            held: false,
            left: None,
            ending: false,
            skipped: false,
            queued: false,
            verify: false,
            interval: Duration::ZERO,
            due: now,
        }
    }

    /// Where it lies, whatever links lead there.
    pub fn real(&self) -> &Path {
        self.real.as_deref().unwrap_or(&self.path)
    }

    /// It was cut, or written anew: it is read from its beginning.
    pub fn restart(&mut self) {
        self.fingerprint = Fingerprint::default();
        (self.position, self.searched, self.overlong) = (0, 0, (0, 0));
        (self.head, self.held, self.verify, self.skipped) = (None, false, false, false);
    }

    /// Bytes that are there and not counted, as far as is known.
    pub fn unread(&self) -> u64 {
        if self.skipped { 0 } else { self.size.saturating_sub(self.position) }
    }

    /// Takes over what `metadata` tells. Whether there is something to read.
    pub fn seen(&mut self, metadata: &Metadata, now: Instant) -> bool {
        let (size, modified) = (metadata.len(), modified(metadata));
        let changed = (size, modified) != (self.size, self.modified);
        let shrunk = size < self.size || size < self.position;
        (self.size, self.modified) = (size, modified);
        if self.skipped {
            if shrunk {
                self.restart();
            }
            return shrunk;
        }
        if changed {
            self.grown = now;
            self.verify = true;
        }
        // What was written over, with as many bytes, shows in its first ones.
        changed || size > self.searched
    }
}

fn modified(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

/// Opens a file to be followed, and tells of it. Where a pipe has taken its
/// place, nobody waits for a writer.
///
/// # Errors
/// When it cannot be opened.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}
