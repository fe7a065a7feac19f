//! Writing to standard error where there is no log: within a time, and without
//! a failure. What nobody can be told must not keep a command from ending as
//! it would have.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// How long a reader that does not read is waited for.
const WAIT: Duration = Duration::from_secs(2);

/// What a pipe takes whole when it has room (PIPE_BUF).
const PIPE_BUF: usize = 4096;

/// Nobody has read for [`WAIT`]: the rest is not waited for.
static GIVEN_UP: AtomicBool = AtomicBool::new(false);

/// Writes `errtally: ` and `text` as a line.
pub fn say(text: impl std::fmt::Display) {
    let wait = if GIVEN_UP.load(Ordering::Relaxed) { Duration::ZERO } else { WAIT };
    // It cannot be told where.
    if write_within(format!("errtally: {text}\n").as_bytes(), wait).is_err() {
        GIVEN_UP.store(true, Ordering::Relaxed);
    }
}

/// Writes all of `bytes`, or as much as the reader takes within `wait`.
fn write_within(bytes: &[u8], wait: Duration) -> io::Result<()> {
    let until = Instant::now() + wait;
    let mut rest = bytes;
    while !rest.is_empty() {
        let n = write_some(rest, until.saturating_duration_since(Instant::now()))?;
        rest = &rest[n..];
    }
    Ok(())
}

/// Writes some of `bytes` when there is room, which is waited for.
///
/// # Errors
/// `TimedOut` where there is none within `wait`; else what the write says.
pub(super) fn write_some(bytes: &[u8], wait: Duration) -> io::Result<usize> {
    let until = Instant::now() + wait;
    let stderr = io::stderr();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], Some(&timeout)) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(e) => return Err(e.into()),
        }
        match rustix::io::write(&stderr, &bytes[..bytes.len().min(PIPE_BUF)]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => return Ok(n),
            Err(Errno::INTR) => {}
            // Somebody else took the room.
            Err(Errno::AGAIN) => std::thread::sleep(Duration::from_millis(5)),
            Err(e) => return Err(e.into()),
        }
    }
}

/// Whether standard error shows colours.
pub(super) fn has_colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}
