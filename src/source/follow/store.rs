//! The folder in which positions are kept: locked for one process, written by
//! a thread, so that reading waits for no disk.
//!
//! A file is written beside the old one, synced, and takes its name; the old
//! one is kept as `positions.before`. So a crash at any moment leaves a whole
//! file.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, anyhow};
use rustix::fs::{FlockOperation, flock};

use super::identity::Inode;
use super::positions::{self, Entry};
use super::status::Status;

/// The file of positions.
const NAME: &str = "positions";

/// What it was before.
const BEFORE: &str = "positions.before";

/// Where it is written.
const NEW: &str = "positions.new";

/// Held as long as a process uses the folder.
const LOCK: &str = "lock";

/// Positions as they were found, and where they go.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// What is known of files; none where nothing was kept.
    found: Option<HashMap<Inode, Entry>>,
    _lock: File,
}

impl Store {
    /// Opens `folder`, which is made where only it is missing, and reads what
    /// is kept there.
    ///
    /// # Errors
    /// When it cannot be used, another process uses it, or what is kept there
    /// cannot be read.
    pub fn open(folder: &Path) -> anyhow::Result<Store> {
        let shown = folder.display();
        let usable = || {
            format!("cannot use state_dir {shown}: make the folder, and let errtally read and write there")
        };
        match fs::create_dir(folder) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e).with_context(usable),
            _ => {}
        }
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK));
        let lock = lock.with_context(usable)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(anyhow!(
                    "another process uses state_dir {shown}; give each errtally a folder of its own"
                ));
            }
            Err(e) => return Err(io::Error::from(e)).with_context(usable),
        }
        let path = folder.join(NAME);
        let found = match fs::read(&path) {
            Ok(text) => {
                let entries = positions::decode(&text).map_err(|what| {
                    let (file, before) = (path.display(), folder.join(BEFORE));
                    let remedy = if before.exists() {
                        format!(
                            "to go on from the ones before, `mv {} {file}`, which counts again what was counted \
                             since; to begin anew as file.start says, remove both",
                            before.display()
                        )
                    } else {
                        "remove it to begin anew as file.start says".to_owned()
                    };
                    anyhow!("cannot read the positions in {file}: {what}; {remedy}")
                })?;
                Some(entries)
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e).with_context(usable),
        };
        Ok(Store { folder: folder.to_owned(), found, _lock: lock })
    }

    /// What was kept, once; none where nothing was.
    pub fn take_found(&mut self) -> Option<HashMap<Inode, Entry>> {
        self.found.take()
    }

    fn write(&self, text: &[u8]) -> io::Result<()> {
        let [path, before, new] = [NAME, BEFORE, NEW].map(|name| self.folder.join(name));
        let mut file = File::create(&new)?;
        file.write_all(text)?;
        file.sync_all()?;
        // Not every file system has links; then there is none before.
        let _ = fs::remove_file(&before);
        let _ = fs::hard_link(&path, &before);
        fs::rename(&new, &path)?;
        File::open(&self.folder)?.sync_all()
    }
}

/// The thread that writes positions.
#[derive(Debug)]
pub struct Writer(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Option<Vec<u8>>,
    writing: bool,
    failed: bool,
    closing: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, store: &Store, status: &Status) {
        let mut state = self.lock();
        loop {
            let Some(text) = state.waiting.take() else {
                if state.closing {
                    return;
                }
                state = self.wait(state);
                continue;
            };
            state.writing = true;
            drop(state);
            let result = store.write(&text);
            status.positions_written(result.is_ok());
            if let Err(error) = &result {
                let folder = store.folder.display();
                tracing::warn!("cannot write positions to {folder}: {error}; it is tried again");
            }
            state = self.lock();
            (state.writing, state.failed) = (false, result.is_err());
            self.changed.notify_all();
        }
    }
}

impl Writer {
    /// Of `store`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(store: Store, status: Arc<Status>) -> io::Result<Writer> {
        let shared = Arc::<Shared>::default();
        let writing = shared.clone();
        let run = move || writing.run(&store, &status);
        thread::Builder::new().name("positions".to_owned()).spawn(run)?;
        Ok(Writer(shared))
    }

    /// Whether it writes, or is about to.
    pub fn is_busy(&self) -> bool {
        let state = self.0.lock();
        state.writing || state.waiting.is_some()
    }

    /// Whether the last attempt has failed.
    pub fn has_failed(&self) -> bool {
        self.0.lock().failed
    }

    /// Writes `text` as soon as it can.
    pub fn write(&self, text: Vec<u8>) {
        self.0.lock().waiting = Some(text);
        self.0.changed.notify_all();
    }

    /// Waits until all is written, at most until `deadline`. Whether it is.
    pub fn settle(&self, deadline: Instant) -> bool {
        let mut state = self.0.lock();
        while state.writing || state.waiting.is_some() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        !state.failed
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread may hang in a disk; it ends by itself.
        self.0.lock().closing = true;
        self.0.changed.notify_all();
    }
}
