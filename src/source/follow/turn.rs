//! A turn of one file: from where it is counted up to, so many bytes on, to a
//! place between two records.
//!
//! Nothing is kept of a file in between but its position. What was read behind
//! the last record that is counted comes again in the next turn: at most a
//! record. One that is longer than the limit is begun only when its end is
//! there, and then read whole.

use std::fs::File;
use std::io;

use memchr::{memchr, memrchr};

use super::file::Followed;
use super::identity::{self, Fingerprint, read_at};
use crate::source::format::{Format, HEAD_BYTES};
use crate::source::settings::FileFormat;
use errtally_core::join::containers::FIRST_BYTES;
use errtally_core::pipeline::{Head, Pipeline};

/// Bytes after which another file has its turn.
const TURN_BYTES: u64 = 1 << 20;

/// Bytes of one read that looks for the end of an overlong line.
const SEARCH_BYTES: usize = 128 << 10;

/// What becomes of what may be continued, at the end of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It waits.
    Waits,
    /// Nothing has come for long: whole lines are counted.
    Idle,
    /// Nothing will come: all is counted.
    Ended,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more.
    More,
    /// All is read that is there.
    End,
    /// It is not what was read before: it was cut, or written anew.
    Truncated,
    /// It begins like this, which is not read.
    Undecoded(&'static str),
    /// It was asked to stop in the middle of a record, which is not counted.
    Stopped,
}

/// Reads `file`, which is open, into `pipeline`; all that was counted is in the
/// ledger then. `is_over` says that there is no time for a long record.
///
/// # Errors
/// When it cannot be read; up to where it is counted stays true.
pub fn turn(
    file: &mut Followed,
    pipeline: &mut Pipeline,
    format: FileFormat,
    rest: Rest,
    is_over: &dyn Fn() -> bool,
) -> io::Result<Step> {
    let Some(handle) = file.handle.take() else { return Err(io::ErrorKind::NotFound.into()) };
    let step = read(file, &handle, pipeline, format, rest, is_over);
    file.handle = Some(handle);
    step
}

fn read(
    file: &mut Followed,
    handle: &File,
    pipeline: &mut Pipeline,
    format: FileFormat,
    rest: Rest,
    is_over: &dyn Fn() -> bool,
) -> io::Result<Step> {
    let metadata = handle.metadata()?;
    if metadata.len() < file.position {
        return Ok(Step::Truncated);
    }
    file.seen(&metadata, std::time::Instant::now());
    if file.verify || !file.fingerprint.is_whole() {
        let head = identity::head(handle)?;
        if !file.fingerprint.begins(&head) {
            return Ok(Step::Truncated);
        }
        if head.len() > usize::from(file.fingerprint.length) {
            file.fingerprint = Fingerprint::of(&head);
        }
        file.verify = false;
    }
    let head = match file.head {
        Some(head) => head,
        None if metadata.len() == 0 => Head::default(),
        None => match first(handle, format, file.position)? {
            Ok(head) => *file.head.insert(head),
            Err(name) => return Ok(Step::Undecoded(name)),
        },
    };
    let mut sure = 0;
    let (line, searched) = file.overlong;
    if line == file.position && searched > line && rest != Rest::Ended {
        match newline(handle, searched)? {
            Ok(end) => sure = end + 1,
            Err(end) => {
                (file.overlong, file.searched) = ((line, end), end);
                return Ok(Step::End);
            }
        }
    }
    pipeline.resume(&file.name, file.position, head);
    let result = pump(file, handle, pipeline, rest, is_over, sure);
    if pipeline.in_record() {
        // It was cut short, or cannot be read, or there is no time.
        pipeline.abandon();
        return result.map(|step| if step == Step::Stopped { step } else { Step::Truncated });
    }
    file.held = pipeline.wait().is_some();
    let (position, head) = pipeline.suspend();
    file.position = position;
    file.head = file.head.map(|_| head);
    file.searched = file.searched.max(position);
    result
}

/// Reads until the turn is over.
fn pump(
    file: &mut Followed,
    handle: &File,
    pipeline: &mut Pipeline,
    rest: Rest,
    is_over: &dyn Fn() -> bool,
    mut sure: u64,
) -> io::Result<Step> {
    let limit = pipeline.engine().options().max_record_bytes as u64;
    let mut at = file.position;
    // Where the line begins whose end was not read.
    let mut line = at;
    loop {
        let space = pipeline.space();
        let mut n = match rustix::io::pread(handle, &mut *space, at) {
            Ok(n) => n,
            Err(rustix::io::Errno::INTR) => continue,
            Err(e) => return Err(e.into()),
        };
        let mut end = n == 0;
        if let Some(newline) = memrchr(b'\n', &space[..n]) {
            line = at + newline as u64 + 1;
        }
        let read = at + n as u64;
        file.searched = read;
        if read - line > limit && read > sure && rest != Rest::Ended {
            let searched = if file.overlong.0 == line { file.overlong.1 } else { 0 };
            match newline(handle, read.max(searched))? {
                Ok(found) => sure = found + 1,
                Err(searched) => {
                    // Up to the overlong line, which has no end yet.
                    (file.overlong, file.searched) = ((line, searched), searched);
                    n = usize::try_from(line.saturating_sub(at)).unwrap_or(n);
                    end = true;
                }
            }
        }
        if n > 0 {
            pipeline.filled(n);
            at += n as u64;
        }
        if end {
            if pipeline.in_record() && rest != Rest::Ended {
                return Ok(Step::Truncated);
            }
            match rest {
                Rest::Waits => {}
                Rest::Idle => pipeline.idle(),
                Rest::Ended => pipeline.finish(),
            }
            return Ok(Step::End);
        }
        if pipeline.in_record() {
            if is_over() {
                return Ok(Step::Stopped);
            }
        } else if at - file.position >= TURN_BYTES && pipeline.offset() > file.position {
            return Ok(Step::More);
        }
    }
}

/// What the first bytes tell of a file that is read from `position` on, or what
/// it is where it is no text.
fn first(handle: &File, format: FileFormat, position: u64) -> io::Result<Result<Head, &'static str>> {
    let mut bytes = [0; HEAD_BYTES];
    let n = read_at(handle, &mut bytes, 0)?;
    if let Some(name) = Format::of(&bytes[..n]).name() {
        return Ok(Err(name));
    }
    Ok(Ok(match format {
        FileFormat::Raw => Head::known(false),
        FileFormat::Cri | FileFormat::Docker => Head::known(true),
        FileFormat::Auto if position == 0 => Head::default(),
        FileFormat::Auto => {
            let mut bytes = vec![0; FIRST_BYTES];
            let n = read_at(handle, &mut bytes, 0)?;
            Head::of(&bytes[..n])
        }
    }))
}

/// Where the first newline is from byte `from` on, or else where the file ends.
fn newline(handle: &File, from: u64) -> io::Result<Result<u64, u64>> {
    let mut bytes = vec![0; SEARCH_BYTES];
    let mut at = from;
    loop {
        let n = read_at(handle, &mut bytes, at)?;
        if let Some(newline) = memchr(b'\n', &bytes[..n]) {
            return Ok(Ok(at + newline as u64));
        }
        at += n as u64;
        if n < bytes.len() {
            return Ok(Err(at));
        }
    }
}
