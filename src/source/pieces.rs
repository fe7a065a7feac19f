//! A plain file in pieces, read by several threads.
//!
//! A piece is so many bytes, and *starts* at the first line in it, or behind it,
//! that begins a record whatever stands before ([`first_start`]). Who reads a
//! piece counts the lines from its start to the start of the next: so each
//! record is counted once, whatever the threads and pieces are.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use memchr::memchr;

use super::file::pump;
use super::mapped::{self, Mapped, View};
use errtally_core::join::containers::{FIRST_BYTES, recognise};
use errtally_core::join::stretch::{Start, first_start};
use errtally_core::pipeline::Pipeline;
use errtally_core::turns::Turn;

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
    // and cut, but not written to where something stands. docs/commands.md says that a file must not be edited
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
    if is_wrapped(file)? {
        return read_whole(file, size, pipeline, progress);
    }
    let pipeline = &|| pipeline().not_wrapped();
    let count = size.div_ceil(share.piece_bytes);
    let threads = share.threads.clamp(1, MAX_THREADS).min(usize::try_from(count).unwrap_or(MAX_THREADS));
    let pieces = Pieces {
        file,
        mapped: map(file)?,
        size,
        bytes: share.piece_bytes,
        read_to: AtomicU64::new(0),
        no_start: Mutex::new(0..0),
    };
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

/// Whether a container runtime has wrapped the lines: then what belongs
/// together may stand far apart, and one thread reads them.
fn is_wrapped(file: &File) -> io::Result<bool> {
    let mut head = vec![0; FIRST_BYTES + TAIL_BYTES];
    let mut length = 0;
    while length < head.len() {
        match read_at(file, &mut head[length..], length as u64)? {
            0 => break,
            n => length += n,
        }
    }
    Ok(recognise(&head[..length], 0, 0))
}

/// Reads all of `file` by this thread.
fn read_whole(
    file: &File,
    size: u64,
    pipeline: &impl Fn() -> Pipeline,
    progress: &impl Fn(u64),
) -> io::Result<()> {
    let mut pipeline = pipeline();
    let mut input = At { file, offset: 0 };
    let mut told = 0;
    loop {
        let n = input.read(pipeline.space())?;
        pipeline.filled(n);
        let now = input.offset.min(size);
        progress(now - told);
        told = now;
        if n == 0 {
            pipeline.finish();
            return if told < size { Err(mapped::cut_short()) } else { Ok(()) };
        }
    }
}

/// What the threads have in common.
struct Pieces<'f> {
    file: &'f File,
    mapped: Mapped<'f>,
    size: u64,
    /// Of a piece.
    bytes: u64,
    /// The end of what has been read.
    read_to: AtomicU64,
    /// Long bytes that were searched before: who looks for a start in them
    /// finds their end.
    no_start: Mutex<Range<u64>>,
}

/// Bytes without a start from which on others are told.
const LONG_BYTES: u64 = 256 << 10;

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

    /// Counts the lines from the start of the bytes from `start` to `end` on.
    fn piece(&self, start: u64, end: u64, view: &mut View<'_>, pipeline: &mut Pipeline) -> io::Result<()> {
        let known = self.no_start.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let from = if known.contains(&start) { known.end } else { self.start(start, pipeline, |_, _| ())? };
        if from >= end {
            return Ok(());
        }
        let window = view.window(from, (end - from) as usize)?;
        pipeline.push(window.bytes());
        window.check()?;
        let to = self.start(end, pipeline, |pipeline, bytes| pipeline.push(bytes))?;
        self.read_to.fetch_max(to, Ordering::Relaxed);
        Ok(())
    }

    /// Where the piece that begins at `boundary` starts; `pass` is given all
    /// bytes between.
    fn start(
        &self,
        boundary: u64,
        pipeline: &mut Pipeline,
        mut pass: impl FnMut(&mut Pipeline, &[u8]),
    ) -> io::Result<u64> {
        if boundary == 0 {
            return Ok(0);
        }
        let engine = pipeline.engine();
        let mut bytes = vec![0; TAIL_BYTES];
        let mut held = 0;
        // The byte before: a newline there begins a line here.
        let mut offset = boundary - 1;
        let mut in_line = true;
        loop {
            if bytes.len() < held + TAIL_BYTES {
                bytes.resize(2 * bytes.len(), 0);
            }
            let n = read_at(self.file, &mut bytes[held..held + TAIL_BYTES], offset + held as u64)?;
            if n == 0 && offset + (held as u64) < self.size {
                return Err(mapped::cut_short());
            }
            held += n;
            let mut done = 0;
            if in_line {
                let newline = memchr(b'\n', &bytes[..held]);
                done = newline.map_or(held, |at| at + 1);
                in_line = newline.is_none();
                // The byte before the boundary is not part of the piece.
                let before = usize::from(offset < boundary);
                pass(pipeline, &bytes[before.min(done)..done]);
            }
            let mut found = in_line && n == 0;
            if !in_line {
                let start = match first_start(engine.joining(), &bytes[done..held], n == 0) {
                    Start::Found(at) => {
                        found = true;
                        at
                    }
                    Start::After(at) => at,
                };
                pass(pipeline, &bytes[done..done + start]);
                done += start;
            }
            bytes.copy_within(done..held, 0);
            held -= done;
            offset += done as u64;
            if found {
                self.tell(boundary, offset);
                return Ok(offset);
            }
        }
    }

    /// Tells the others of long bytes without a start.
    fn tell(&self, from: u64, to: u64) {
        if to - from >= LONG_BYTES {
            let mut known = self.no_start.lock().unwrap_or_else(PoisonError::into_inner);
            if to - from > known.end - known.start {
                *known = from..to;
            }
        }
    }

    /// Counts what was added behind what the file was at first, but for the
    /// end of its last record.
    fn added(&self, pipeline: &impl Fn() -> Pipeline) -> io::Result<()> {
        let offset = self.read_to.load(Ordering::Relaxed);
        let mut byte = [0];
        if read_at(self.file, &mut byte, offset)? == 0 {
            return if offset < self.size { Err(mapped::cut_short()) } else { Ok(()) };
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
        let n = read_at(self.file, buffer, self.offset)?;
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
