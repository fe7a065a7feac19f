//! Results to standard output: a reader that goes away is no failure.

use std::io::{self, IsTerminal, Write};

use anyhow::Context;

/// Writes bytes as they are.
///
/// # Errors
/// When writing fails, unless the reader has gone.
pub fn write(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    settle(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

/// Writes text with colours, which stay only on a terminal that wants them.
///
/// # Errors
/// As [`write()`].
pub fn styled(text: &str) -> anyhow::Result<()> {
    let mut stdout = anstream::stdout().lock();
    settle(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

fn settle(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// Columns of the terminal that standard output is, if it is one.
pub fn columns() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// Whether standard error may show something that moves.
pub fn may_animate() -> bool {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    io::stderr().is_terminal() && !plain
}
