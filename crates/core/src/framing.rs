//! Blocks of input to whole lines, whatever the reads were.
//!
//! One rolling buffer: a read fills its tail, complete lines leave from its
//! head, the unfinished line moves to the front. A line that outgrows the
//! limit leaves in windows that overlap, so that the buffer never does.

use memchr::{memchr, memrchr};

/// Bytes that a source is offered for one read. With the buffer's other
/// traffic this stays inside a second-level cache.
pub const READ_BYTES: usize = 256 << 10;

/// Bytes of an overlong line that are handed on twice, at the end of one
/// window and at the start of the next, so that whatever stands there is seen
/// whole. See [`crate::pipeline`] for what needs it.
pub const OVERLAP: usize = 2048;

/// A piece of input, ready to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block<'b> {
    /// Whole lines. They stay in the buffer until they are
    /// [taken](LineBuffer::take).
    Lines {
        /// Their bytes, each with its newline, but perhaps the last of the
        /// input. None is longer than the limit.
        bytes: &'b [u8],
        /// Whether no other line follows that could belong to them: the input
        /// ends, or an overlong line comes.
        closed: bool,
    },
    /// A window of a line that is longer than the limit.
    Window {
        /// Its bytes, without the newline.
        bytes: &'b [u8],
        /// Bytes at its start that the window before it had: 0 at the line's
        /// start, else [`OVERLAP`] or the whole line so far.
        seen: usize,
        /// Whether the line ends here.
        last: bool,
        /// Whether a newline ends it.
        newline: bool,
    },
}

/// The rolling buffer.
#[derive(Debug)]
pub struct LineBuffer {
    buffer: Vec<u8>,
    /// The unconsumed bytes.
    start: usize,
    end: usize,
    /// From `start`, bytes in which newlines were looked for.
    searched: usize,
    /// From `start`, the whole lines among them.
    lines: usize,
    max_record_bytes: usize,
    /// Inside an overlong line: bytes at `start` that the last window had.
    inside: Option<usize>,
}

impl LineBuffer {
    /// For lines of at most `max_record_bytes` bytes without their newline.
    pub fn new(max_record_bytes: usize) -> LineBuffer {
        LineBuffer {
            buffer: vec![0; READ_BYTES],
            start: 0,
            end: 0,
            searched: 0,
            lines: 0,
            max_record_bytes,
            inside: None,
        }
    }

    /// Changes the limit for lines that are not yet complete.
    pub fn set_limit(&mut self, max_record_bytes: usize) {
        self.max_record_bytes = max_record_bytes;
    }

    /// Of `bytes`, which come next in the input, how many are whole lines that
    /// need not go through the buffer: it holds nothing that they continue,
    /// and none of them can be overlong.
    pub fn bypass(&self, bytes: &[u8]) -> usize {
        if self.start != self.end || self.inside.is_some() || self.max_record_bytes < READ_BYTES {
            return 0;
        }
        let bytes = &bytes[..bytes.len().min(READ_BYTES)];
        memrchr(b'\n', bytes).map_or(0, |at| at + 1)
    }

    /// Of `bytes`, which come next in the input, how many end the line that
    /// the buffer holds; all of them where it goes on.
    pub fn rest_of_line(bytes: &[u8]) -> usize {
        memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1)
    }

    /// Whether an overlong line has been handed out in part.
    pub fn in_window(&self) -> bool {
        self.inside.is_some()
    }

    /// Room for the next read, at least one byte.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        // An unfinished line of ordinary length leaves most of the buffer
        // free; a long one makes it grow, at most to the limit and a read.
        let wanted = if self.end > READ_BYTES / 2 { self.end + READ_BYTES } else { READ_BYTES };
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        } else if self.buffer.len() > wanted.max(2 * READ_BYTES) && self.end < READ_BYTES / 2 {
            self.buffer.truncate(READ_BYTES);
            self.buffer.shrink_to_fit();
        }
        &mut self.buffer[self.end..]
    }

    /// Says that the first `bytes` of [`space`](LineBuffer::space) are filled.
    pub fn filled(&mut self, bytes: usize) {
        self.end += bytes;
        debug_assert!(self.end <= self.buffer.len());
    }

    /// The next block, or `None` when more input is needed. At the end of the
    /// input `ended` lets the last line go without a newline.
    pub fn next(&mut self, ended: bool) -> Option<Block<'_>> {
        if self.inside.is_some() {
            return self.window(ended);
        }
        let data = &self.buffer[self.start..self.end];
        if data.is_empty() {
            return None;
        }
        if let Some(at) = memrchr(b'\n', &data[self.searched..]) {
            self.lines = self.searched + at + 1;
        }
        self.searched = data.len();
        let mut lines = self.lines;
        let mut closed = ended;
        if data.len() - lines > self.max_record_bytes {
            closed = true;
        } else if ended {
            lines = data.len();
        }
        // Lines as long as the limit are rare; look for them only where one fits.
        let whole = if lines > self.max_record_bytes { self.before_overlong(lines) } else { lines };
        closed |= whole < lines;
        if whole == 0 {
            if !closed {
                return None;
            }
            self.inside = Some(0);
            return self.window(ended);
        }
        Some(Block::Lines { bytes: &self.buffer[self.start..self.start + whole], closed })
    }

    /// Takes so many bytes of the lines that were handed out.
    pub fn take(&mut self, bytes: usize) {
        self.start += bytes;
        self.searched = self.searched.saturating_sub(bytes);
        self.lines = self.lines.saturating_sub(bytes);
    }

    /// Bytes that have not been taken.
    pub fn held(&self) -> usize {
        self.end - self.start
    }

    /// They.
    pub fn rest(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Bytes of whole lines among them.
    pub fn held_lines(&self) -> usize {
        self.lines
    }

    /// Forgets them, and that a window was handed out.
    pub fn clear(&mut self) {
        (self.start, self.end, self.searched, self.lines, self.inside) = (0, 0, 0, 0, None);
    }

    /// Of the first `lines` bytes, how many come before an overlong line.
    fn before_overlong(&self, lines: usize) -> usize {
        let data = &self.buffer[self.start..self.start + lines];
        let mut at = 0;
        while at < lines {
            let length = memchr(b'\n', &data[at..]).unwrap_or(lines - at);
            if length > self.max_record_bytes {
                return at;
            }
            at += length + 1;
        }
        lines
    }

    /// The next window of the overlong line at `start`.
    fn window(&mut self, ended: bool) -> Option<Block<'_>> {
        let seen = self.inside?;
        let data = &self.buffer[self.start..self.end];
        let newline = memchr(b'\n', &data[seen..]).map(|at| seen + at);
        let last = newline.is_some() || ended;
        if !last && data.len() < seen + OVERLAP {
            return None;
        }
        let bytes = newline.unwrap_or(data.len());
        let consumed = newline.map_or(bytes, |at| at + 1);
        let from = self.start;
        if last {
            self.start += consumed;
            self.inside = None;
        } else {
            let kept = bytes.min(OVERLAP);
            self.start += bytes - kept;
            self.inside = Some(kept);
        }
        (self.searched, self.lines) = (0, 0);
        Some(Block::Window {
            bytes: &self.buffer[from..from + bytes],
            seen,
            last,
            newline: newline.is_some(),
        })
    }
}
