//! Files that settings name: read whole, bounded in size and in time.
//!
//! Any of them may be a pipe that nobody writes to, a device without an end, or
//! lie on a mount that no longer answers. So a pipe is opened without waiting
//! and read within a time; and because opening, asking and reading can hang in
//! the kernel whatever the flags, all of it happens on a thread that the caller
//! stops waiting for. A pipe can be read once: whoever reads again keeps what
//! came the first time.

mod named;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

pub use named::{load_catalog, read_file, yaml_files};

/// The largest configuration, web configuration or certificate file.
pub const MAX_SETTINGS_BYTES: usize = 4 << 20;

/// The largest catalog file: some hundred thousand rows.
pub const MAX_CATALOG_BYTES: usize = 64 << 20;

/// How long a pipe may take to its end.
const STREAM_TIME: Duration = Duration::from_secs(5);

/// How long any file may take.
const TIME: Duration = Duration::from_secs(8);

/// Threads that hang in the kernel at a time; past them no other is started.
const MAX_STUCK: usize = 32;

/// Threads at work here, stuck ones too.
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// What a file held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Whether it came from a pipe or a device, and cannot be read again.
    pub stream: bool,
}

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
    /// Whether it is a pipe or a device.
    pub stream: bool,
}

impl Unreadable {
    fn new(what: impl Into<String>, remedy: &'static str) -> Unreadable {
        Unreadable { what: what.into(), remedy, stream: false }
    }

    fn in_stream(self) -> Unreadable {
        Unreadable { stream: true, ..self }
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Unreadable {
        Unreadable::new(format!("cannot read it: {error}"), "check the path and its permissions")
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Reads the file at `path`, which may hold `limit` bytes.
///
/// # Errors
/// When it cannot be read, is a folder or too large, or takes too long.
pub fn read(path: &Path, limit: usize) -> Result<Content, Unreadable> {
    let path = path.to_owned();
    in_time(move || content(&path, limit))?
}

/// Whether `path` is a pipe, a socket or a device: what can be read once only.
pub fn is_stream(path: &Path) -> bool {
    let path = path.to_owned();
    in_time(move || std::fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir())).unwrap_or(false)
}

/// What `work` gives, done on a thread of its own.
///
/// # Errors
/// When it takes too long: a file system does not answer.
pub fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unreadable> {
    let stuck = || {
        let what = format!("cannot read it: the file system has not answered for {} s", TIME.as_secs());
        Unreadable::new(what, "check the mount that it lies on")
    };
    if AT_WORK.load(Ordering::Acquire) >= MAX_STUCK {
        return Err(stuck());
    }
    let (done, result) = mpsc::sync_channel(1);
    AT_WORK.fetch_add(1, Ordering::AcqRel);
    let started = thread::Builder::new().name("files".to_owned()).spawn(move || {
        let result = work();
        AT_WORK.fetch_sub(1, Ordering::AcqRel);
        // Nobody may be waiting any more.
        let _ = done.send(result);
    });
    if let Err(error) = started {
        AT_WORK.fetch_sub(1, Ordering::AcqRel);
        return Err(Unreadable::new(format!("cannot start a thread to read it: {error}"), "raise the limit"));
    }
    result.recv_timeout(TIME).map_err(|_| stuck())
}

fn content(path: &Path, limit: usize) -> Result<Content, Unreadable> {
    // A pipe without a writer is opened at once, and a terminal stays whose it is.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(Unreadable::new("cannot read it: it is a folder", "name a file"));
    }
    if !kind.is_file() {
        let bytes = stream(&file, limit).map_err(Unreadable::in_stream)?;
        if bytes.is_empty() && std::os::unix::fs::FileTypeExt::is_fifo(&kind) {
            let remedy = "check the command that writes to it";
            return Err(Unreadable::new("nothing came through this pipe", remedy).in_stream());
        }
        return Ok(Content { bytes, stream: true });
    }
    let mut bytes = Vec::new();
    // One byte more tells a file that is too large, also one that grows meanwhile.
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    check_size(&bytes, limit)?;
    Ok(Content { bytes, stream: false })
}

/// All that comes through a pipe or a device until its end.
fn stream(mut file: &File, limit: usize) -> Result<Vec<u8>, Unreadable> {
    let until = Instant::now() + STREAM_TIME;
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let what =
                format!("it is a pipe or a device that did not end within {} s", STREAM_TIME.as_secs());
            return Err(Unreadable::new(what, "write to it and close it, or name a file"));
        }
        let time = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&time)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(e) => return Err(io::Error::from(e).into()),
        }
        match file.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(e) if matches!(e.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
            Err(e) => return Err(e.into()),
        }
        check_size(&bytes, limit)?;
    }
}

fn check_size(bytes: &[u8], limit: usize) -> Result<(), Unreadable> {
    if bytes.len() <= limit {
        return Ok(());
    }
    let what = format!("it is larger than {} MiB, the most that is read", limit >> 20);
    Err(Unreadable::new(what, "name another file, or split it"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{MAX_SETTINGS_BYTES, read};

    #[test]
    fn what_has_no_end_is_refused() {
        let refused = read(Path::new("/dev/zero"), MAX_SETTINGS_BYTES).expect_err("it has no end");
        assert_eq!(refused.what, "it is larger than 4 MiB, the most that is read");
        assert!(read(Path::new("/dev"), MAX_SETTINGS_BYTES).expect_err("a folder").what.contains("folder"));
        let nothing = read(Path::new("/dev/null"), MAX_SETTINGS_BYTES).expect("it ends");
        assert!(nothing.stream && nothing.bytes.is_empty());
    }

    #[test]
    fn a_file_may_be_as_large_as_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a");
        for (length, good) in [(0, true), (10, true), (11, false)] {
            std::fs::write(&file, vec![b'x'; length]).expect("a file");
            assert_eq!(read(&file, 10).map(|c| c.bytes.len()).ok(), good.then_some(length));
        }
    }
}
