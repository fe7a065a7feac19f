//! Standard input, read by a thread of its own until its end or a stop.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::stop::{Ended, Stop};
use crate::pipeline::Pipeline;

/// A pipe's buffer is made this large where the system lets us: fewer
/// wake-ups of the writer and of us.
const PIPE_BYTES: usize = 1 << 20;

/// Reads `input` into `pipeline` until its end or until `stop` asks; what was
/// read is counted then, an unfinished last line too.
///
/// # Errors
/// When reading fails; what was read before is counted.
pub fn read(input: impl AsFd, pipeline: &mut Pipeline, stop: &Stop) -> io::Result<Ended> {
    let input = input.as_fd();
    // Not a pipe, or not allowed: then it is as it was.
    let _ = rustix::pipe::fcntl_setpipe_size(input, PIPE_BYTES);
    let result = pump(input, pipeline, stop);
    pipeline.finish();
    result
}

fn pump(input: BorrowedFd<'_>, pipeline: &mut Pipeline, stop: &Stop) -> io::Result<Ended> {
    loop {
        let mut fds = [PollFd::new(stop, PollFlags::IN), PollFd::from_borrowed_fd(input, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(e) => return Err(e.into()),
        }
        if !fds[0].revents().is_empty() {
            return Ok(Ended::Stopped);
        }
        match rustix::io::read(input, pipeline.space()) {
            Ok(0) => return Ok(Ended::Input),
            Ok(n) => pipeline.filled(n),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(e) => return Err(e.into()),
        }
    }
}
