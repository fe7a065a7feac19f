//! All files that are followed: by which they are, by their paths, and which of
//! them are open.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::copied::Stems;
use super::file::{Followed, open};
use super::identity::Inode;
use super::moved;
use super::positions::{Encoder, Entry};
use super::schedule::Schedule;
use super::status::{Event, Gauges, Status};

/// Uses of open files that are remembered beyond one for each.
const MORE_USES: usize = 1024;

/// Paths that are looked at because their file has gone; of more, discovery sees
/// what becomes.
const MOST_AWAITED: usize = 256;

/// The files, and what is due for them.
#[derive(Debug)]
pub struct Files {
    /// By which one it is.
    pub map: HashMap<Inode, Followed>,
    /// By its path, where that leads to it.
    pub by_path: HashMap<Arc<Path>, Inode>,
    /// When they are looked at and read.
    pub schedule: Schedule,
    /// What was kept by the process before, of files that were not seen yet.
    pub saved: HashMap<Inode, Entry>,
    /// These by their paths.
    pub saved_paths: HashMap<PathBuf, Inode>,
    /// Paths whose file has gone, until when another is waited for there.
    pub awaited: HashMap<PathBuf, Instant>,
    /// When these are looked at next.
    pub await_next: Instant,
    /// Files that may be copies of followed ones, until when that is waited for.
    pub doubtful: HashMap<PathBuf, Instant>,
    /// By the stems of their names.
    pub stems: Stems,
    /// Paths of files that cannot be opened, told once.
    pub denied: HashSet<PathBuf>,
    /// What is told.
    pub status: Arc<Status>,
    /// Something changed that is to be kept.
    pub changed: bool,
    /// Open files.
    open: usize,
    max_open: usize,
    uses: u64,
    /// Uses, the oldest first; those that are not a file's last count nothing.
    recent: VecDeque<(u64, Inode)>,
}

impl Files {
    /// None yet, of which `max_open` may be open at once.
    pub fn new(saved: HashMap<Inode, Entry>, max_open: usize, status: Arc<Status>) -> Files {
        Files {
            map: HashMap::new(),
            by_path: HashMap::new(),
            schedule: Schedule::default(),
            saved_paths: saved.values().map(|entry| (entry.path.clone(), entry.inode)).collect(),
            saved,
            awaited: HashMap::new(),
            await_next: Instant::now(),
            doubtful: HashMap::new(),
            stems: Stems::default(),
            denied: HashSet::new(),
            status,
            changed: false,
            open: 0,
            max_open,
            uses: 0,
            recent: VecDeque::new(),
        }
    }

    /// Adds a file.
    pub fn insert(&mut self, file: Followed) {
        self.open += usize::from(file.handle.is_some());
        if file.left.is_none() {
            self.by_path.insert(file.path.clone(), file.inode);
        }
        let inode = file.inode;
        self.stems.add(file.real(), inode);
        self.map.insert(inode, file);
        self.used(inode);
        self.changed = true;
    }

    /// Waits for another file at `path`, whose file has gone.
    pub fn await_at(&mut self, path: &Path, until: Instant) {
        if self.awaited.len() < MOST_AWAITED {
            self.awaited.insert(path.to_owned(), until);
        }
    }

    /// Takes a file out.
    pub fn remove(&mut self, inode: Inode) -> Option<Followed> {
        let file = self.map.remove(&inode)?;
        self.open -= usize::from(file.handle.is_some());
        if self.by_path.get(&file.path) == Some(&inode) {
            self.by_path.remove(&file.path);
        }
        self.stems.remove(file.real(), inode);
        self.changed = true;
        Some(file)
    }

    /// Notes a use of a file, so that it stays open longer than others.
    fn used(&mut self, inode: Inode) {
        let Some(file) = self.map.get_mut(&inode).filter(|file| file.handle.is_some()) else { return };
        self.uses += 1;
        file.used = self.uses;
        self.recent.push_back((self.uses, inode));
        if self.recent.len() > 2 * self.open + MORE_USES {
            let map = &self.map;
            self.recent.retain(|(used, inode)| map.get(inode).is_some_and(|file| file.used == *used));
        }
        while self.open > self.max_open && self.close_one(inode) {}
    }

    /// Closes the file that was not used for longest, but for `kept`. Whether
    /// there was one: a deleted file cannot be opened again.
    fn close_one(&mut self, kept: Inode) -> bool {
        let mut tries = self.recent.len();
        let mut left = None;
        while tries > 0
            && let Some((used, inode)) = self.recent.pop_front()
        {
            tries -= 1;
            let is_open = |file: &&mut Followed| file.used == used && file.handle.is_some();
            let Some(file) = self.map.get_mut(&inode).filter(is_open) else { continue };
            if inode == kept || file.left.is_some() {
                left = left.or(file.left.filter(|_| inode != kept).map(|_| inode));
                self.recent.push_back((used, inode));
            } else if file.handle.take().is_some() {
                self.open -= 1;
                return true;
            }
        }
        // A renamed one can, by the name that it has now.
        let Some(file) = left.and_then(|inode| self.map.get_mut(&inode)) else { return false };
        let Some((_, _, name)) = moved::find(file.real(), file.inode, file.fingerprint) else { return false };
        self.stems.remove(file.real(), file.inode);
        file.real = Some(name.into());
        self.stems.add(file.real(), file.inode);
        let closed = file.handle.take().is_some();
        self.open -= usize::from(closed);
        closed
    }

    /// Takes an open descriptor for a file.
    pub fn set_handle(&mut self, inode: Inode, handle: std::fs::File) {
        if let Some(file) = self.map.get_mut(&inode) {
            self.open += usize::from(file.handle.replace(handle).is_none());
            self.used(inode);
        }
    }

    /// Closes a file.
    pub fn close(&mut self, inode: Inode) {
        if let Some(file) = self.map.get_mut(&inode) {
            self.open -= usize::from(file.handle.take().is_some());
        }
    }

    /// Opens a file where it is not. Whether its path still leads to it.
    ///
    /// # Errors
    /// When it is there and cannot be opened.
    pub fn open(&mut self, inode: Inode) -> io::Result<bool> {
        let Some(file) = self.map.get(&inode) else { return Ok(false) };
        if file.handle.is_none() {
            match open(if file.left.is_some() { file.real() } else { &file.path }) {
                Ok((handle, metadata)) if Inode::of(&metadata) == inode => self.set_handle(inode, handle),
                Ok(_) => return Ok(false),
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(e) => return Err(e),
            }
        } else {
            self.used(inode);
        }
        Ok(true)
    }

    /// Whether there is room for one more open file.
    pub fn has_room(&self) -> bool {
        self.open < self.max_open
    }

    /// All that is kept for the next process.
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new();
        for file in self.map.values() {
            encoder.add(file.real(), &file.path, file.inode, file.fingerprint, file.position);
        }
        for entry in self.saved.values() {
            encoder.add(&entry.real, &entry.path, entry.inode, entry.fingerprint, entry.position);
        }
        encoder.finish()
    }

    /// Says how many there are.
    pub fn tell(&self) {
        let unread = self.map.values().map(Followed::unread).sum();
        self.status.set(Gauges { followed: self.map.len() as u64, open: self.open as u64, unread });
    }

    /// Tells once that a file cannot be opened.
    pub fn deny(&mut self, path: &Path, error: &io::Error) {
        self.status.add(Event::Unreadable);
        if self.denied.len() < super::discover::MOST_FILES && self.denied.insert(path.to_owned()) {
            tracing::warn!("cannot read {}: {error}", path.display());
        }
    }
}
