//! Standard output, or whatever a descriptor leads to.
//!
//! The descriptor may be shared with other processes, so it is not made
//! non-blocking; instead it is written to only where it has room, and then no
//! more than a pipe takes without blocking.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FileType;
use rustix::io::Errno;

use super::{LOOK, Sink, SinkError, Status, Stopping, undelivered};

/// What a pipe takes whole when it has room (PIPE_BUF).
const PIPE_BUF: usize = 4096;

/// How long nobody may read before it is told.
const STALL: Duration = Duration::from_secs(5);

/// A sink that writes to a descriptor.
#[derive(Debug)]
pub struct Stream {
    fd: OwnedFd,
    /// Most bytes of one write.
    piece: usize,
    taken: u64,
    written: u64,
    status: Arc<Status>,
    stopping: Arc<Stopping>,
}

impl Stream {
    /// Standard output.
    ///
    /// # Errors
    /// When there is none.
    pub fn stdout(status: Arc<Status>, stopping: Arc<Stopping>) -> anyhow::Result<Stream> {
        let fd = io::stdout().as_fd().try_clone_to_owned().context("cannot write to standard output")?;
        Ok(Stream::new(fd, status, stopping))
    }

    /// Whatever `fd` leads to.
    pub fn new(fd: OwnedFd, status: Arc<Status>, stopping: Arc<Stopping>) -> Stream {
        let kind = rustix::fs::fstat(&fd).map(|stat| FileType::from_raw_mode(stat.st_mode));
        let piece = if matches!(kind, Ok(FileType::RegularFile)) { usize::MAX } else { PIPE_BUF };
        Stream { fd, piece, taken: 0, written: 0, status, stopping }
    }

    /// Writes all of `lines`, and says by `done` how far it came.
    fn write(&self, lines: &[u8], done: &mut usize) -> Result<(), Stopped> {
        let mut since = Instant::now();
        while *done < lines.len() {
            if self.stopping.expired() {
                return Err(Stopped::Expired);
            }
            if !self.has_room().map_err(Stopped::Failed)? {
                self.status.block();
                if since.elapsed() >= STALL {
                    self.status.wait("nobody reads standard output");
                }
                continue;
            }
            let end = lines.len().min(done.saturating_add(self.piece));
            match rustix::io::write(&self.fd, &lines[*done..end]) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(n) => {
                    *done += n;
                    since = Instant::now();
                    self.status.unblock();
                    self.status.resume();
                }
                // Somebody else has made it non-blocking, or has taken the room.
                Err(Errno::AGAIN) => std::thread::sleep(Duration::from_millis(1)),
                Err(Errno::PIPE) => return Err(Stopped::Closed),
                Err(e @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG | Errno::IO)) => {
                    self.status.block();
                    self.status.retry(&format!("cannot write to standard output: {}", io::Error::from(e)));
                    std::thread::sleep(LOOK);
                }
                Err(e) => return Err(Stopped::Failed(e)),
            }
        }
        Ok(())
    }

    /// Waits a moment for room.
    fn has_room(&self) -> Result<bool, Errno> {
        let timeout = Timespec { tv_sec: 0, tv_nsec: LOOK.subsec_nanos().into() };
        let mut fds = [PollFd::new(&self.fd, PollFlags::OUT)];
        match poll(&mut fds, Some(&timeout)) {
            // An error or a hang-up is told by the write.
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(false),
            Err(e) => Err(e),
        }
    }
}

/// Why not all was written.
enum Stopped {
    Expired,
    Closed,
    Failed(Errno),
}

impl Sink for Stream {
    fn take(&mut self, lines: &[u8], events: u64) -> Result<(), SinkError> {
        let before = self.written;
        self.taken += events;
        let mut done = 0;
        let result = self.write(lines, &mut done);
        let arrived = match &result {
            Ok(()) => events,
            Err(_) => memchr::memchr_iter(b'\n', &lines[..done]).count() as u64,
        };
        self.written = before + arrived;
        self.status.add_delivered(arrived);
        result.map_err(|stopped| match stopped {
            Stopped::Closed => SinkError::Closed,
            Stopped::Expired => {
                if self.status.waiting().is_none() {
                    self.status.wait("nobody reads standard output");
                }
                undelivered(self.taken - self.written, &self.status)
            }
            Stopped::Failed(e) => {
                SinkError::Failed(anyhow!("cannot write to standard output: {}", io::Error::from(e)))
            }
        })
    }

    fn settled(&mut self) -> u64 {
        self.written
    }

    fn settle(&mut self, _: Option<Instant>) -> bool {
        self.written == self.taken
    }
}
