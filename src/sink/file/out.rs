//! The open file: appending whole lines, rotation, opening it again.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{info, warn};

use super::words;
use crate::sink::settings::EventFileSettings;

/// Files that may wait for a sync beside the one that is written.
const MAX_LEFT: usize = 8;

/// A file that lines are appended to.
#[derive(Debug)]
pub(super) struct Out {
    path: PathBuf,
    max_bytes: u64,
    keep: usize,
    /// None after it was rotated away and no other could be opened.
    file: Option<Open>,
    /// Files that are written no more and not yet synced.
    left: Vec<Arc<File>>,
    /// The folder has changed since it was synced.
    renamed: bool,
    /// A sync of a file that was left has failed.
    broken: Option<io::Error>,
}

/// What a sync has to bring to the disk.
pub(super) struct Unsynced {
    files: Vec<Arc<File>>,
    folder: Option<PathBuf>,
}

impl Unsynced {
    pub(super) fn sync(self) -> io::Result<()> {
        for file in &self.files {
            file.sync_data()?;
        }
        if let Some(folder) = self.folder {
            // Some file systems have no sync for folders, and some folders cannot be read.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Open {
    file: Arc<File>,
    /// Not a device or a FIFO: it has a size, can be cut and rotated.
    regular: bool,
    /// Its last line is torn, by a crash; the next one needs a newline first.
    torn: bool,
    /// Bytes that stand of the next line and could not be taken back.
    begun: usize,
}

impl Out {
    pub(super) fn open(settings: &EventFileSettings) -> io::Result<Out> {
        let path = settings.path.clone();
        let file = Some(Open::at(&path)?);
        let (max_bytes, keep) = (settings.max_bytes as u64, settings.keep);
        Ok(Out { path, max_bytes, keep, file, left: Vec::new(), renamed: true, broken: None })
    }

    pub(super) fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// Lets others have the file.
    pub(super) fn close(&mut self) {
        for file in self.file.take().map(|open| open.file).into_iter().chain(self.left.drain(..)) {
            // It may still be open where it is being synced.
            let _ = file.unlock();
        }
    }

    /// What was written since the last call and must be synced.
    ///
    /// # Errors
    /// When a sync has failed meanwhile.
    pub(super) fn unsynced(&mut self) -> io::Result<Unsynced> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        let mut files = std::mem::take(&mut self.left);
        files.extend(self.file.as_ref().filter(|open| open.regular).map(|open| open.file.clone()));
        let renamed = std::mem::take(&mut self.renamed);
        let folder = || match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Unsynced { files, folder: renamed.then(folder) })
    }

    /// Lets go of the open file, whose content is still to be synced.
    fn leave(&mut self) {
        let Some(open) = self.file.take().filter(|open| open.regular) else { return };
        self.renamed = true;
        self.left.push(open.file);
        if self.left.len() > MAX_LEFT {
            // Rotated faster than the disk takes it: now the writer waits.
            for file in self.left.drain(..) {
                if let Err(error) = file.sync_data() {
                    self.broken = Some(error);
                }
            }
        }
    }

    /// Opens the file anew. Where that fails the old one stays in use: better
    /// in a file with another name than nowhere.
    pub(super) fn reopen(&mut self) {
        let is_same = |open: &Open| match (open.file.metadata(), fs::metadata(&self.path)) {
            (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
            _ => false,
        };
        if self.file.as_ref().is_some_and(|open| open.regular && is_same(open)) {
            // Nobody has moved it, and it is locked by this process.
            info!(path = %self.path.display(), "the file of events was opened again");
            return;
        }
        match Open::at(&self.path) {
            Ok(file) => {
                self.leave();
                self.file = Some(file);
                info!(path = %self.path.display(), "the file of events was opened again");
            }
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                warn!(
                    "events: another process writes to {}; the file that was open stays in use",
                    self.path.display()
                );
            }
            Err(error) => {
                warn!("events: {}; the file that was open stays in use", words("open", &self.path, &error))
            }
        }
    }

    /// Appends whole lines from the start of `lines`, as many as fit into one
    /// file; how many bytes. An error means that there is not one line more.
    pub(super) fn write(&mut self, lines: &[u8]) -> Result<usize, String> {
        let (path, max_bytes) = (self.path.clone(), self.max_bytes);
        let path: &Path = &path;
        let failed = |what| move |error: io::Error| words(what, path, &error);
        let mut open = self.ready().map_err(failed("open"))?;
        let size = open.size().map_err(failed("write"))?;
        let room = max_bytes.saturating_sub(size);
        let end = match fitting(lines, room) {
            // What could not be taken back is ended before anything else.
            _ if open.begun > 0 => first(lines),
            0 if open.regular && size > 0 => {
                rotate(path, self.keep).map_err(failed("rotate"))?;
                self.leave();
                open = self.ready().map_err(failed("open"))?;
                fitting(lines, max_bytes).max(first(lines))
            }
            // A line that is longer than a file may be has one of its own.
            0 => first(lines),
            end => end,
        };
        open.append(&lines[..end]).map_err(failed("write"))
    }

    /// The file, opened if need be: after a rotation, or where it was deleted
    /// and what is written would vanish with it.
    fn ready(&mut self) -> io::Result<&mut Open> {
        let gone = match &self.file {
            None => true,
            Some(open) => open.regular && open.file.metadata()?.nlink() == 0,
        };
        if gone {
            self.file = Some(Open::at(&self.path)?);
            self.renamed = true;
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Open> {
        // A FIFO without a reader is an error then, not a wait without end.
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path)?;
        let metadata = file.metadata()?;
        let regular = metadata.is_file();
        if regular {
            lock(&file)?;
        }
        let torn =
            regular && metadata.len() > 0 && last_byte(path, metadata.len()).is_some_and(|b| b != b'\n');
        Ok(Open { file: Arc::new(file), regular, torn, begun: 0 })
    }

    fn size(&self) -> io::Result<u64> {
        if self.regular { Ok(self.file.metadata()?.len() + u64::from(self.torn)) } else { Ok(0) }
    }

    /// Appends whole lines; how many bytes of them stand there as whole lines
    /// now.
    fn append(&mut self, lines: &[u8]) -> io::Result<usize> {
        if self.torn {
            (&*self.file).write_all(b"\n")?;
            self.torn = false;
        }
        let mut done = self.begun;
        let error = loop {
            if done == lines.len() {
                self.begun = 0;
                return Ok(done);
            }
            match (&*self.file).write(&lines[done..]) {
                Ok(0) => break io::ErrorKind::WriteZero.into(),
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => break e,
            }
        };
        let whole = memchr::memrchr(b'\n', &lines[..done]).map_or(0, |at| at + 1);
        self.begun = done - whole;
        if self.begun > 0 && self.take_back().is_ok() {
            self.begun = 0;
        }
        // With whole lines written the next attempt meets the error again.
        if whole > 0 { Ok(whole) } else { Err(error) }
    }

    /// Cuts off the line that was begun.
    fn take_back(&self) -> io::Result<()> {
        let cut = self.file.metadata()?.len().checked_sub(self.begun as u64);
        match cut {
            Some(size) if self.regular => self.file.set_len(size),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

/// Keeps other processes from writing to the file, as long as it is open.
fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(fs::TryLockError::WouldBlock) => Err(io::ErrorKind::ResourceBusy.into()),
        // A file system without locks: as good as it gets.
        Err(fs::TryLockError::Error(error)) => {
            warn!("events: the file cannot be locked against other processes: {error}");
            Ok(())
        }
    }
}

/// How many bytes at the start of `lines` are whole lines that fit into
/// `room`.
fn fitting(lines: &[u8], room: u64) -> usize {
    let most = usize::try_from(room).map_or(lines.len(), |room| room.min(lines.len()));
    memchr::memrchr(b'\n', &lines[..most]).map_or(0, |at| at + 1)
}

/// The length of the first line.
fn first(lines: &[u8]) -> usize {
    memchr::memchr(b'\n', lines).map_or(lines.len(), |at| at + 1)
}

fn last_byte(path: &Path, size: u64) -> Option<u8> {
    let mut byte = [0];
    let file = File::open(path).ok()?;
    file.read_exact_at(&mut byte, size - 1).ok()?;
    Some(byte[0])
}

/// Makes the file `PATH.1`, the former `PATH.1` `PATH.2`, and so on; `keep`
/// of them remain.
///
/// Only those before a gap are moved, so that a rotation that failed halfway
/// and is tried again moves none twice.
fn rotate(path: &Path, keep: usize) -> io::Result<()> {
    let numbered = |number: usize| {
        let mut name = OsString::from(path);
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    let gap = (1..keep).find(|n| !there(&numbered(*n))).unwrap_or(keep);
    for number in (1..gap).rev() {
        fs::rename(numbered(number), numbered(number + 1))?;
    }
    match fs::rename(path, numbered(1)) {
        // Somebody else has moved it already.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
