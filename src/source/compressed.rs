//! Files, plain or compressed with gzip or zstd, told apart by their first
//! bytes and not by their names.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

/// The first bytes of a gzip member.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The first bytes of a zstd frame.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Compressed bytes that are read at a time.
const INPUT_BYTES: usize = 64 << 10;

/// A reader of the plain bytes of `input`, whatever it is.
///
/// # Errors
/// When the first read fails.
pub fn open(mut input: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut head = [0; 4];
    let mut length = 0;
    while length < head.len() {
        match input.read(&mut head[length..]) {
            Ok(0) => break,
            Ok(n) => length += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let whole = io::Cursor::new(head).take(length as u64).chain(input);
    if head.starts_with(&GZIP) {
        return Ok(Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(INPUT_BYTES, whole))));
    }
    if head.starts_with(&ZSTD) {
        let buffered = io::BufReader::with_capacity(INPUT_BYTES, whole);
        return Ok(Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?));
    }
    Ok(Box::new(whole))
}
