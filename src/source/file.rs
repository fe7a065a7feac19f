//! A file, read once: in pieces by several threads where it is plain and large,
//! from its start to its end through a decoder or plain reads else.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::compressed;
use super::format::Format;
use super::pieces::{self, Share};
use errtally_core::pipeline::Pipeline;

/// Files below this size are read: mapping pays from here on.
const MAPPED_FROM_BYTES: u64 = 1 << 20;

/// Counts `file` to its end, into pipelines that `pipeline` makes, one for each
/// thread, and tells `progress` how many more of its bytes are done, again and
/// again.
///
/// # Errors
/// When reading or decoding fails, or the file is cut short meanwhile; what
/// came before is counted.
pub fn read(
    mut file: File,
    share: Share,
    pipeline: &(impl Fn() -> Pipeline + Sync),
    progress: impl Fn(u64) + Sync + 'static,
) -> io::Result<()> {
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.len() >= MAPPED_FROM_BYTES {
        let format = compressed::format(&mut file)?;
        if format == Format::Plain {
            return pieces::read(&file, metadata.len(), share, pipeline, &progress);
        }
        file.seek(SeekFrom::Start(0))?;
    }
    let mut pipeline = pipeline();
    let result = compressed::open(Counted { file, progress }).and_then(|input| pump(input, &mut pipeline));
    pipeline.finish();
    result
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
