//! A file, read once from its start to its end: mapped where it is plain and
//! large, through a decoder or plain reads else.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::compressed::{self, Kind};
use super::mapped;
use crate::pipeline::Pipeline;

/// Files below this size are read: mapping pays from here on.
const MAPPED_FROM_BYTES: u64 = 1 << 20;

/// Reads `file` into `pipeline` to its end and tells `progress` how many more
/// of its bytes are done, again and again.
///
/// # Errors
/// When reading or decoding fails, or the file is cut short meanwhile; what
/// came before is counted.
pub fn read(mut file: File, pipeline: &mut Pipeline, progress: impl Fn(u64) + 'static) -> io::Result<()> {
    let metadata = file.metadata()?;
    let mapped = if metadata.is_file() && metadata.len() >= MAPPED_FROM_BYTES {
        let kind = compressed::kind(&mut file)?;
        file.seek(SeekFrom::Start(0))?;
        if kind == Kind::Plain { mapped::read(&file, metadata.len(), pipeline, &progress)? } else { 0 }
    } else {
        0
    };
    // What was added to the file meanwhile, or all of it.
    file.seek(SeekFrom::Start(mapped)).or_else(|e| if mapped == 0 { Ok(0) } else { Err(e) })?;
    let counted = Counted { file, progress };
    if mapped > 0 { pump(counted, pipeline) } else { pump(compressed::open(counted)?, pipeline) }
}

/// Reads all of `input`.
///
/// # Errors
/// When reading fails; what came before is counted.
pub fn pump(mut input: impl Read, pipeline: &mut Pipeline) -> io::Result<()> {
    loop {
        match input.read(pipeline.space()) {
            Ok(0) => return Ok(()),
            Ok(n) => pipeline.filled(n),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// A file whose reads are told.
struct Counted<F> {
    file: File,
    progress: F,
}

impl<F: Fn(u64)> Read for Counted<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        (self.progress)(n as u64);
        Ok(n)
    }
}
