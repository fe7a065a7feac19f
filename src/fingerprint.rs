//! Whether files have changed since they were read.
//!
//! By polling, not by notification: a mounted ConfigMap changes by the swap of
//! a symbolic link two levels up, network and overlay file systems notify of
//! nothing, and the number of watches is limited for the whole machine. A look
//! is one `stat` a file; the content is read again only where that differs, or
//! was taken so soon after a change that a second one could hide behind it.
//!
//! Pipes and devices are looked at and never read here: what comes out of them
//! comes once, and belongs to whoever loads it.

use std::hash::{DefaultHasher, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::files::yaml_files;
use crate::files::{self, Content, MAX_CATALOG_BYTES, Unreadable};

/// A file that was changed less than this before it was looked at may change
/// again and look the same: clocks of file systems are coarse.
const SETTLED_SECONDS: i64 = 2;

/// What tells a file from another at the same path, without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    /// A pipe or a device: nothing else is noted of it.
    stream: bool,
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Look {
    /// Follows links; none where nothing is to be seen.
    fn at(path: &Path) -> Option<Look> {
        let meta = std::fs::metadata(path).ok()?;
        if !meta.is_file() && !meta.is_dir() {
            return Some(Look { stream: true, ..Look::default() });
        }
        Some(Look {
            stream: false,
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    }

    /// Whether a further change would look different.
    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        i64::try_from(now).unwrap_or(0) - self.changed.0 > SETTLED_SECONDS
    }
}

/// Files as they were when they were read, and their content as a number.
#[derive(Clone, Debug, Default)]
pub struct Fingerprint {
    /// What was asked for: files, and folders of YAML files.
    paths: Vec<PathBuf>,
    files: Vec<(PathBuf, Option<Look>)>,
    digest: u64,
    unsettled: bool,
}

impl Fingerprint {
    /// Reads the files at `paths`, and of folders the YAML files in them.
    pub fn of(paths: Vec<PathBuf>) -> Fingerprint {
        let mut print = Fingerprint::default();
        for path in paths.iter().flat_map(|p| files_at(p)) {
            let _ = print.note(&path, MAX_CATALOG_BYTES, false);
        }
        print.paths = paths;
        print
    }

    /// Reads a file of at most `limit` bytes and remembers how it looked; one
    /// that cannot be read too. A pipe is read where `streams` allows it.
    ///
    /// # Errors
    /// When it cannot be read, or is a pipe that may not be.
    pub fn read(&mut self, path: &Path, limit: usize, streams: bool) -> Result<Vec<u8>, Unreadable> {
        self.paths.push(path.to_owned());
        self.note(path, limit, streams)
    }

    fn note(&mut self, path: &Path, limit: usize, streams: bool) -> Result<Vec<u8>, Unreadable> {
        // In this order: what is written between the two gives another look later.
        let at = path.to_owned();
        let look = files::in_time(move || Look::at(&at)).unwrap_or_default();
        if look.is_some_and(|l| l.stream) {
            self.files.push((path.to_owned(), look));
            if streams {
                return files::read(path, limit).map(|content| content.bytes);
            }
            let what =
                "it is a pipe or a device, which was read at the start and cannot be read again".to_owned();
            let remedy = "name a file, or restart errtally to read it anew";
            return Err(Unreadable { what, remedy, stream: true });
        }
        let content = files::read(path, limit).map(|Content { bytes, .. }| bytes);
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.digest);
        hasher.write(path.as_os_str().as_encoded_bytes());
        match &content {
            Ok(bytes) => hasher.write(bytes),
            Err(e) => hasher.write(e.what.as_bytes()),
        }
        self.digest = hasher.finish();
        self.unsettled |= look.is_some_and(|l| !l.is_settled());
        self.files.push((path.to_owned(), look));
        content
    }

    /// Whether any content has changed; if so, it is what is remembered from
    /// now on.
    pub fn changed(&mut self) -> bool {
        if !self.unsettled && self.looks_the_same() {
            return false;
        }
        let now = Fingerprint::of(self.paths.clone());
        let changed = now.digest != self.digest;
        *self = now;
        changed
    }

    fn looks_the_same(&self) -> bool {
        let mut known = self.files.iter();
        let same = self.paths.iter().flat_map(|p| files_at(p)).all(|path| {
            known.next().is_some_and(|(before, look)| *before == path && *look == Look::at(&path))
        });
        same && known.next().is_none()
    }

    /// A number that stands for all content.
    pub fn digest(&self) -> u64 {
        self.digest
    }
}

/// The files that `path` stands for; a folder that cannot be listed is itself
/// one that cannot be read.
fn files_at(path: &Path) -> Vec<PathBuf> {
    yaml_files(path).unwrap_or_else(|_| vec![path.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    #[test]
    fn only_another_content_is_a_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, other) = (folder.path().join("a.yaml"), folder.path().join("b.yaml"));
        let write = |path, content: &str| std::fs::write(path, content).expect("a file");
        let mut print = Fingerprint::of(vec![folder.path().to_owned()]);
        assert!(!print.changed(), "an empty folder stays one");
        write(&file, "one");
        assert!(print.changed(), "a file has come");
        write(&file, "one");
        assert!(!print.changed(), "the same again");
        // Of the same length, and too quick for the clock of any file system.
        for content in ["two", "one", "two"] {
            write(&file, content);
            assert!(print.changed(), "{content}");
            assert!(!print.changed(), "{content}, once");
        }
        write(&other, "");
        assert!(print.changed(), "an empty file has come");
        std::fs::rename(&other, &file).expect("a file");
        assert!(print.changed(), "another file at its place");
        std::fs::remove_file(&file).expect("a file");
        assert!(print.changed(), "gone");
        assert!(!print.changed(), "gone, once");
    }

    #[test]
    fn what_has_settled_is_not_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a");
        std::fs::write(&file, "one").expect("a file");
        let mut print = Fingerprint::default();
        assert_eq!(print.read(&file, 10, false).expect("a file"), b"one");
        print.unsettled = false;
        let digest = print.digest();
        print.digest += 1;
        assert!(!print.changed(), "or its digest would differ");
        std::fs::write(&file, "three").expect("a file");
        assert!(print.changed(), "its look tells");
        assert_ne!(print.digest(), digest);
    }
}
