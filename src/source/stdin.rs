//! Standard input, read by a thread of its own until its end or a stop.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::format::{Format, HEAD_BYTES};
use super::pace::{PAUSE, Pace};
use super::stop::{Ended, Stop};
use crate::sink::SinkError;
use errtally_core::outbox::Outbox;
use errtally_core::pipeline::Pipeline;

/// A pipe's buffer is made this large where the system lets us: fewer
/// wake-ups of the writer and of us.
const PIPE_BYTES: usize = 1 << 20;

/// What an input that is no pipe is taken to hold for its reader.
const UNKNOWN_ROOM: usize = 64 << 10;

/// Reads `input` into `pipeline` until its end or until `stop` asks; what was
/// read is counted then, an unfinished last line too. `over` is called at the
/// end of the input, before the last events are handed over, which may take
/// long.
///
/// # Errors
/// When reading fails, or events cannot be handed over; what was read before
/// is counted.
pub fn read(
    input: impl AsFd,
    pipeline: &mut Pipeline,
    stop: &Stop,
    status: &Status,
    over: impl FnOnce(),
) -> anyhow::Result<Ended> {
    let input = input.as_fd();
    // Not a pipe, or not allowed: then it is as it was.
    let _ = rustix::pipe::fcntl_setpipe_size(input, PIPE_BYTES);
    let result = pump(input, pipeline, stop, status);
    if matches!(result, Ok(Ended::Input)) {
        over();
    }
    pipeline.finish();
    let Some(events) = pipeline.events() else { return result };
    if let Some(failure) = events.failure() {
        return ended(failure);
    }
    let ended = result?;
    if ended != Ended::EventsClosed {
        events.settle()?;
    }
    Ok(ended)
}

/// How a failure of the events' sink ends the reading.
pub(super) fn ended(failure: SinkError) -> anyhow::Result<Ended> {
    match failure {
        SinkError::Closed => Ok(Ended::EventsClosed),
        SinkError::Failed(error) => Err(error),
    }
}

/// What `run` has met on standard input that is no lines of text.
#[derive(Debug, Default)]
pub struct Status {
    undecoded: AtomicU64,
}

impl Status {
    /// How often the input began like data that is to be decoded.
    pub fn undecoded(&self) -> u64 {
        self.undecoded.load(Ordering::Relaxed)
    }

    /// Looks at the first bytes. They are counted as they are, whatever they are.
    fn begin(&self, head: &[u8]) {
        let format = Format::of(&head[..head.len().min(HEAD_BYTES)]);
        if let Some(name) = format.name() {
            self.undecoded.fetch_add(1, Ordering::Relaxed);
            let command = format.command();
            tracing::warn!(
                "standard input begins like {name}, which `run` does not decode: codes in it are not found; \
                 put `{command} FILE |` before errtally"
            );
        }
    }
}

fn pump(
    input: BorrowedFd<'_>,
    pipeline: &mut Pipeline,
    stop: &Stop,
    status: &Status,
) -> anyhow::Result<Ended> {
    let room = rustix::pipe::fcntl_getpipe_size(input).unwrap_or(UNKNOWN_ROOM);
    let mut begun = false;
    let mut pace = Pace::new(Instant::now(), room);
    loop {
        let mut fds = [PollFd::new(stop, PollFlags::IN), PollFd::from_borrowed_fd(input, PollFlags::IN)];
        let wait = pipeline.wait().and_then(|wait| Timespec::try_from(wait).ok());
        match poll(&mut fds, wait.as_ref()) {
            Ok(0) => pipeline.idle(),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(e) => return Err(io::Error::from(e)).context("cannot wait for standard input"),
        }
        if !fds[0].revents().is_empty() {
            return Ok(Ended::Stopped);
        }
        // Else nothing came; what was held may have made events.
        if !fds[1].revents().is_empty() {
            let space = pipeline.space();
            match rustix::io::read(input, &mut *space) {
                Ok(0) => return Ok(Ended::Input),
                Ok(n) => {
                    if !std::mem::replace(&mut begun, true) {
                        status.begin(&space[..n]);
                    }
                    pipeline.filled(n);
                    if pace.after(n, Instant::now) {
                        pause(stop);
                    }
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(e) => return Err(io::Error::from(e)).context("cannot read standard input"),
            }
        }
        if let Some(failure) = pipeline.events().and_then(Outbox::failure) {
            return ended(failure);
        }
    }
}

/// Lets input gather; a stop ends it.
fn pause(stop: &Stop) {
    let time = Timespec { tv_sec: 0, tv_nsec: PAUSE.subsec_nanos().into() };
    // Woken early, by whatever: then it is a shorter one.
    let _ = poll(&mut [PollFd::new(stop, PollFlags::IN)], Some(&time));
}
