//! The wish to stop, told to a thread that reads.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::time::Instant;

/// Ends a blocking read from another thread.
#[derive(Debug)]
pub struct Stop {
    reader: OwnedFd,
    writer: OwnedFd,
    until: OnceLock<Instant>,
}

impl Stop {
    /// A stop that has not been asked for.
    ///
    /// # Errors
    /// When no pipe is to be had.
    pub fn new() -> io::Result<Stop> {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        Ok(Stop { reader, writer, until: OnceLock::new() })
    }

    /// Asks the reader to have stopped by `until`. Asking twice is once too
    /// often, and harmless.
    pub fn ask(&self, until: Instant) {
        let _ = self.until.set(until);
        // It fails only on a full pipe, which has been asked already.
        let _ = rustix::io::write(&self.writer, b"s");
    }

    /// Whether it was asked for.
    pub fn is_asked(&self) -> bool {
        self.until().is_some()
    }

    /// When the reader must have stopped, once it was asked.
    pub fn until(&self) -> Option<Instant> {
        self.until.get().copied()
    }
}

/// How reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The input did.
    Input,
    /// It was asked to.
    Stopped,
    /// Nobody reads the events any more.
    EventsClosed,
}

impl AsFd for Stop {
    /// Readable once it is asked for, to be polled beside an input.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
