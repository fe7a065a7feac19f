//! Files that grow, found by patterns and followed through rotations.
//!
//! One thread looks at files, reads those that have grown turn by turn, and
//! counts. Of a file it keeps the position of the first record that is not
//! counted, and reads on from there: so a position is always one between two
//! records, and it is all that has to be kept for the next process.
//!
//! What is counted up to where is in `Files` alone; `keeper` takes it from
//! there when the events of it have arrived.

mod copied;
mod discover;
mod file;
mod files;
mod identity;
mod keeper;
mod moved;
mod moves;
mod positions;
mod schedule;
mod status;
mod store;
mod turn;

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

pub use discover::check_pattern;
pub use status::{Event, Gauges, Status};
pub use store::Store;

use crate::source::settings::{Begin, FileSettings};
use crate::source::stop::{Ended, Stop};
use discover::{Discovery, Found, MOST_FILES, Patterns};
use errtally_core::outbox::Outbox;
use errtally_core::pipeline::Pipeline;
use files::Files;
use identity::Inode;
use keeper::Keeper;
use store::Writer;
use turn::{Rest, Step};

/// What is told where positions are not kept.
pub const NOT_KEPT: &str = "state_dir is not set: up to where files are counted is known in memory only, and a restart \
                            begins as file.start says";

/// The least time between two rounds of looks, where nothing is to be read:
/// waking up costs more than a look.
const TICK: Duration = Duration::from_millis(25);

/// The longest: what discovery has found is taken up then.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// How long room for events is waited for, before anything else is looked at.
const ROOM_WAIT: Duration = Duration::from_millis(50);

/// Turns between two looks at the clock and all that is due.
const TURNS: usize = 16;

/// How long a file is read on that no path leads to, after it last grew: its
/// writer may still have it open.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is told how many files there are.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// How long writing positions may take at the end where no stop was asked for.
const LEAVE_WAIT: Duration = Duration::from_secs(5);

/// How long what has come is read at the end.
const LAST_TURNS: Duration = Duration::from_millis(500);

/// Descriptors that are left for everything that is no followed file.
const OTHER_DESCRIPTORS: u64 = 64;

/// Follows files until `stop` asks, or nobody reads the events any more.
/// `connections` is how many descriptors the HTTP server may take.
///
/// # Errors
/// When a thread cannot be started, or events cannot be handed over.
pub fn follow(
    settings: &FileSettings,
    store: Option<Store>,
    connections: usize,
    pipeline: &mut Pipeline,
    stop: &Stop,
    status: &Arc<Status>,
) -> anyhow::Result<Ended> {
    let now = Instant::now();
    let (mut saved, mut writer) = (None, None);
    if let Some(mut store) = store {
        saved = store.take_found();
        writer = Some(Writer::start(store, status.clone()).context("cannot start the thread for positions")?);
    }
    let begin = if saved.is_none() { settings.start } else { Begin::Beginning };
    let max_open = max_open(settings.max_open, connections);
    let patterns = Patterns::new(settings);
    let discovery = Discovery::start(patterns, settings.discover_interval);
    let mut follower = Follower {
        settings,
        pipeline,
        stop,
        status,
        files: Files::new(saved.unwrap_or_default(), max_open, status.clone()),
        keeper: Keeper::new(writer, now),
        discovery: discovery.context("cannot start the thread that looks for files")?,
        begin: Some(begin),
        told: HashSet::new(),
        tell_at: now,
        patience: PATIENCE.max(settings.discover_interval * 2),
    };
    let ended = loop {
        if stop.is_asked() {
            break Ok(Ended::Stopped);
        }
        if let Some(failure) = follower.round() {
            break super::stdin::ended(failure);
        }
    };
    follower.finish(ended)
}

/// How many files may be open at once, within what the system allows.
fn max_open(wanted: usize, connections: usize) -> usize {
    let others = OTHER_DESCRIPTORS + connections as u64;
    let Some(limit) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current else {
        return wanted;
    };
    let most = usize::try_from(limit.saturating_sub(others)).unwrap_or(usize::MAX).max(4);
    if wanted > most {
        tracing::warn!(
            "file.max_open is {wanted}, and this process may have {limit} descriptors, {others} of them for \
             others: {most} files are open at once; raise the limit (ulimit -n, LimitNOFILE)"
        );
    }
    wanted.min(most)
}

/// The thread that looks, reads and counts.
struct Follower<'f> {
    settings: &'f FileSettings,
    pipeline: &'f mut Pipeline,
    stop: &'f Stop,
    status: &'f Arc<Status>,
    files: Files,
    keeper: Keeper,
    discovery: Discovery,
    /// Where files begin that are found for the first time; none afterwards.
    begin: Option<Begin>,
    /// What was warned of.
    told: HashSet<String>,
    tell_at: Instant,
    patience: Duration,
}

impl Follower<'_> {
    /// Does all that is due, and waits where that is nothing. Gives why events
    /// cannot be handed over any more.
    fn round(&mut self) -> Option<crate::sink::SinkError> {
        let now = Instant::now();
        if let Some(found) = self.discovery.take() {
            self.adopt(&found, now);
        }
        let wait = self.pipeline.engine().options().join.wait;
        while let Some((due, inode)) = self.files.schedule.next_look(now) {
            if self.files.map.get(&inode).is_some_and(|file| file.due == due) {
                self.files.look(inode, self.patience, wait, now);
            }
        }
        self.files.look_at_awaited(now);
        for _ in 0..TURNS {
            if self.stop.is_asked() || !self.has_room() {
                break;
            }
            let Some(inode) = self.files.schedule.next_turn() else { break };
            self.turn(inode, wait, now);
        }
        self.keeper.tick(&mut self.files, self.pipeline.events().map(|events| &*events), now);
        if now >= self.tell_at {
            self.tell_at = now + TELL_EVERY;
            self.files.tell();
        }
        if let Some(failure) = self.pipeline.events().and_then(Outbox::failure) {
            return Some(failure);
        }
        if !self.files.schedule.has_ready() {
            self.pause(now);
        }
        None
    }

    /// Takes over what was found.
    fn adopt(&mut self, found: &Found, now: Instant) {
        let begin = self.begin.unwrap_or(Begin::Beginning);
        for path in &found.paths {
            if self.files.map.len() >= MOST_FILES {
                break;
            }
            self.files.adopt(path, begin, now);
        }
        if found.too_many || self.files.map.len() >= MOST_FILES {
            self.warn(format!(
                "file.paths leads to more than {MOST_FILES} files: the others are not read; name fewer"
            ));
        }
        for pattern in &found.empty {
            self.warn(format!("file.paths: nothing is there yet that is called {pattern}"));
        }
        for (path, error) in &found.unreadable {
            self.warn(format!("cannot read the folder {}: {error}", path.display()));
        }
        if self.begin.take().is_some() {
            self.files.leftovers(now);
            let (files, at_end) = (self.files.map.len(), begin == Begin::End);
            let behind = if at_end && files > 0 {
                ", from their ends on; with file.start: beginning also what is there"
            } else {
                ""
            };
            tracing::info!(files, "following files{behind}");
        }
        self.files.tell();
        self.status.waiting(self.problem(found));
    }

    /// Why nothing is read, where that is so.
    fn problem(&self, found: &Found) -> Option<String> {
        if !self.files.map.is_empty() {
            return None;
        }
        if let Some((path, error)) = found.unreadable.first() {
            return Some(format!("no file can be read: {}: {error}", path.display()));
        }
        let denied = found.paths.iter().find(|path| self.files.denied.contains(*path))?;
        Some(format!("no file can be read: {} is not readable for this process", denied.display()))
    }

    /// Warns of something once.
    fn warn(&mut self, what: String) {
        if self.told.len() < MOST_FILES && !self.told.contains(&what) {
            tracing::warn!("{what}");
            self.told.insert(what);
        }
    }

    /// Reads a file for a turn.
    fn turn(&mut self, inode: Inode, wait: Duration, now: Instant) {
        let opened = self.files.open(inode);
        let Some(file) = self.files.map.get_mut(&inode) else { return };
        file.queued = false;
        match opened {
            Ok(true) => {}
            Ok(false) if file.left.is_none() => {
                let path = file.path.clone();
                self.files.leave(inode, now);
                return self.files.adopt(&path, Begin::Beginning, now);
            }
            Ok(false) => return self.files.lose(inode),
            Err(error) => return self.failed(inode, &error, now),
        }
        let idle = file.held && now >= file.grown + wait;
        let rest = match (file.ending, idle) {
            (true, _) => Rest::Ended,
            (_, true) => Rest::Idle,
            _ => Rest::Waits,
        };
        let before = (file.position, file.fingerprint);
        let step = turn::turn(file, self.pipeline, self.settings.format, rest, &|| self.stop.is_asked());
        self.files.changed |= before != (file.position, file.fingerprint);
        match step {
            Ok(Step::More) => self.files.schedule.ready(file),
            Ok(Step::End) if rest == Rest::Ended => drop(self.files.remove(inode)),
            Ok(Step::End) => {
                let latest = file.held.then(|| file.grown + wait);
                self.files.later(inode, true, latest, now);
            }
            Ok(Step::Truncated) => {
                tracing::debug!(path = %file.path.display(), "cut or written anew: read from its beginning");
                self.files.cut(inode, now);
            }
            Ok(Step::Undecoded(name)) => {
                file.skipped = true;
                let what = format!(
                    "{} begins like {name}, which is not decoded: it is not read; leave such files out by \
                     file.exclude",
                    file.path.display()
                );
                self.status.add(Event::Undecoded);
                self.files.close(inode);
                self.files.later(inode, false, None, now);
                self.warn(what);
            }
            Ok(Step::Stopped) => self.files.schedule.ready(file),
            Err(error) => self.failed(inode, &error, now),
        }
    }

    /// A file cannot be read: it is tried again.
    fn failed(&mut self, inode: Inode, error: &std::io::Error, now: Instant) {
        let Some(file) = self.files.map.get_mut(&inode) else { return };
        let path = file.path.clone();
        let is_left = file.left.is_some();
        file.verify = true;
        self.files.deny(&path, error);
        if is_left {
            return self.files.lose(inode);
        }
        self.files.close(inode);
        self.files.later(inode, false, None, now);
        // So that the next look takes it up again.
        if let Some(file) = self.files.map.get_mut(&inode) {
            file.modified = 0;
        }
    }

    fn has_room(&mut self) -> bool {
        self.pipeline.events().is_none_or(|events| events.has_room(ROOM_WAIT))
    }

    /// Waits until something is due, or a stop is asked for.
    fn pause(&self, now: Instant) {
        let due = [self.files.schedule.until(), Some(now + LONGEST_WAIT)].into_iter().flatten().min();
        let wait = due.unwrap_or(now).saturating_duration_since(Instant::now());
        let wait = if self.begin.is_some() { TICK } else { wait.clamp(TICK, LONGEST_WAIT) };
        let time = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() };
        // Woken early, by whatever: then it is a shorter one.
        let _ = poll(&mut [PollFd::new(self.stop, PollFlags::IN)], Some(&time));
    }

    /// Hands over what is counted and writes how it stands.
    fn finish(mut self, ended: anyhow::Result<Ended>) -> anyhow::Result<Ended> {
        let now = Instant::now();
        if matches!(ended, Ok(Ended::Stopped)) {
            self.last_turns(now);
        }
        let settled = match (&ended, self.pipeline.events()) {
            (Ok(Ended::Stopped), Some(events)) => events.settle(),
            _ => Ok(()),
        };
        let deadline = self.stop.until().unwrap_or_else(|| now + LEAVE_WAIT);
        let all = settled.is_ok() && ended.is_ok() && !matches!(ended, Ok(Ended::EventsClosed));
        let margin = deadline.saturating_duration_since(now) / 8;
        if !self.keeper.finish(&self.files, all, deadline - margin) {
            tracing::warn!(
                "cannot write positions: the next start counts again what came since they were last written"
            );
        }
        self.files.tell();
        settled?;
        ended
    }

    /// Looks at all files once more, so that what happens to them while nobody
    /// follows them can be told, and reads what has come, as far as that takes
    /// no time. What nobody can read later is read in any case: what is left of
    /// deleted files, and, where positions are not kept, of all.
    fn last_turns(&mut self, now: Instant) {
        let deadline = self.stop.until().unwrap_or(now);
        let half = now + deadline.saturating_duration_since(now) / 2;
        let soon = half.min(now + LAST_TURNS);
        let wait = self.pipeline.engine().options().join.wait;
        for inode in self.files.map.keys().copied().collect::<Vec<Inode>>() {
            self.files.look(inode, self.patience, wait, now);
        }
        self.files.look_at_awaited(now);
        if let Some(found) = self.discovery.look(soon) {
            self.adopt(&found, now);
        }
        while Instant::now() < soon && self.has_room() {
            let Some(inode) = self.files.schedule.next_turn() else { break };
            self.turn(inode, wait, now);
        }
        let keeps = self.keeper.keeps();
        let inodes: Vec<Inode> = self.files.map.keys().copied().collect();
        for inode in inodes {
            let Some(file) = self.files.map.get_mut(&inode) else { continue };
            let gone = file.left.is_some()
                && file.handle.as_ref().and_then(|h| h.metadata().ok()).is_some_and(|m| m.nlink() == 0);
            if file.skipped || (keeps && !gone) {
                continue;
            }
            while Instant::now() < half && matches!(self.files.open(inode), Ok(true)) && self.has_room() {
                let Some(file) = self.files.map.get_mut(&inode) else { break };
                let is_over = || Instant::now() >= half;
                match turn::turn(file, self.pipeline, self.settings.format, Rest::Ended, &is_over) {
                    Ok(Step::More) => {}
                    Ok(Step::End) => {
                        self.files.remove(inode);
                        break;
                    }
                    _ => break,
                }
            }
        }
    }
}
