//! A plain file in pieces, read by several threads.
//!
//! A piece is so many bytes. Who reads it counts the lines that *begin* in it,
//! the last one to its end, wherever that is: so each line is counted once,
//! whatever the threads and pieces are.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use memchr::memchr;

use super::file::pump;
use super::mapped::{self, Mapped, View};
use crate::pipeline::Pipeline;
use crate::turns::Turn;

/// Bytes of a piece: so many that taking one costs nothing, so few that all
/// threads have one until near the end.
pub const PIECE_BYTES: u64 = 2 << 20;

/// Most threads.
pub const MAX_THREADS: usize = mapped::MAX_THREADS;

/// Bytes that are read at a time behind the end of a piece: few, since most
/// lines are short.
const TAIL_BYTES: usize = 16 << 10;

/// How a file is shared.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Threads, at most [`MAX_THREADS`].
    pub threads: usize,
    /// Bytes of a piece, at least one.
    pub piece_bytes: u64,
}

impl Share {
    /// Among so many threads.
    pub fn among(threads: usize) -> Share {
        Share { threads, piece_bytes: PIECE_BYTES }
    }
}

/// Maps a file that the user gave us to scan.
#[allow(unsafe_code)]
fn map(file: &File) -> io::Result<Mapped<'_>> {
    // SAFETY: assumed, not proven, as ripgrep does: the user scans logs, and logs are appended to, renamed
    // and cut, but not written to where something stands. The README says that a file must not be edited
    // while it is scanned.
    unsafe { Mapped::new(file) }
}

/// Counts the lines of `file`, which has `size` bytes, into pipelines that
/// `pipeline` makes, one for each thread. What is added to the file meanwhile
/// is read too. `progress` is told the bytes of each piece that is done.
///
/// # Errors
/// When reading fails, or the file is cut short meanwhile; what came before is
/// counted.
pub fn read(
    file: &File,
    size: u64,
    share: Share,
    pipeline: &(impl Fn() -> Pipeline + Sync),
    progress: &(impl Fn(u64) + Sync),
) -> io::Result<()> {
    let count = size.div_ceil(share.piece_bytes);
    let threads = share.threads.clamp(1, MAX_THREADS).min(usize::try_from(count).unwrap_or(MAX_THREADS));
    let pieces = Pieces { file, mapped: map(file)?, size, bytes: share.piece_bytes };
    let mut turns: Vec<Arc<Turn>> = Turn::share(threads, count).map(Arc::new).collect();
    let Some(own) = turns.pop() else { return Ok(()) };
    let work = |turn: Arc<Turn>| pieces.work(&turn, pipeline().in_turn(turn.clone()), progress);
    thread::scope(|scope| {
        let start = |turn| {
            let work = &work;
            thread::Builder::new().name("reader".to_owned()).spawn_scoped(scope, move || work(turn))
        };
        // A thread that cannot be started leaves its pieces to the others.
        let others: Vec<_> = turns.into_iter().filter_map(|turn| start(turn).ok()).collect();
        let mut result = work(own);
        for other in others {
            result = result.and(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        result
    })?;
    pieces.added(pipeline)
}

/// What the threads have in common.
struct Pieces<'f> {
    file: &'f File,
    mapped: Mapped<'f>,
    size: u64,
    /// Of a piece.
    bytes: u64,
}

impl Pieces<'_> {
    /// Reads pieces until there are none or one fails.
    fn work(&self, turn: &Turn, mut pipeline: Pipeline, progress: &impl Fn(u64)) -> io::Result<()> {
        let mut view = self.mapped.view()?;
        while let Some(piece) = turn.take() {
            let start = piece * self.bytes;
            let end = (start + self.bytes).min(self.size);
            let result = self.piece(start, end, &mut view, &mut pipeline);
            pipeline.finish();
            if result.is_err() {
                turn.stop();
                return result;
            }
            progress(end - start);
        }
        Ok(())
    }

    /// Counts the lines that begin in the bytes from `start` to `end`.
    fn piece(&self, start: u64, end: u64, view: &mut View<'_>, pipeline: &mut Pipeline) -> io::Result<()> {
        // With the byte before: a newline there begins a line here.
        let from = start.saturating_sub(1);
        let window = view.window(from, (end - from) as usize)?;
        let bytes = window.bytes();
        let begin = if start == 0 { 0 } else { memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1) };
        let lines = &bytes[begin..];
        pipeline.push(lines);
        let goes_on = lines.last().is_some_and(|&b| b != b'\n');
        window.check()?;
        if goes_on { self.rest_of_line(end, pipeline) } else { Ok(()) }
    }

    /// Reads the line that goes on at `offset` to its end.
    fn rest_of_line(&self, mut offset: u64, pipeline: &mut Pipeline) -> io::Result<()> {
        loop {
            let space = pipeline.space();
            let most = space.len().min(TAIL_BYTES);
            let n = read_at(self.file, &mut space[..most], offset)?;
            let newline = memchr(b'\n', &space[..n]);
            pipeline.filled(newline.map_or(n, |at| at + 1));
            offset += n as u64;
            if n == 0 && offset < self.size {
                return Err(mapped::cut_short());
            }
            if n == 0 || newline.is_some() {
                return Ok(());
            }
        }
    }

    /// Counts the lines that begin behind what the file was at first.
    fn added(&self, pipeline: &impl Fn() -> Pipeline) -> io::Result<()> {
        let mut bytes = [0; TAIL_BYTES];
        let mut offset = self.size.saturating_sub(1);
        loop {
            let n = read_at(self.file, &mut bytes, offset)?;
            if n == 0 && offset < self.size {
                return Err(mapped::cut_short());
            }
            // The usual case: one byte, and nothing was added.
            if n <= 1 {
                return Ok(());
            }
            let newline = memchr(b'\n', &bytes[..n]);
            offset += newline.map_or(n, |at| at + 1) as u64;
            if newline.is_some() {
                break;
            }
        }
        let mut pipeline = pipeline();
        let result = pump(At { file: self.file, offset }, &mut pipeline);
        pipeline.finish();
        result
    }
}

/// A file from a place on, whatever the others read.
struct At<'f> {
    file: &'f File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buffer, self.offset)?;
        self.offset += n as u64;
        Ok(n)
    }
}

fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
