//! Plain bytes out of plain, gzip or zstd input, told apart by its first
//! bytes and not by a name.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

/// The first bytes of a gzip member.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The first bytes of a zstd frame.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Compressed bytes that are read at a time.
const INPUT_BYTES: usize = 64 << 10;

/// How input is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not at all.
    Plain,
    /// gzip, one member or several.
    Gzip,
    /// zstd, one frame or several.
    Zstd,
}

/// How `input` is coded, by its next bytes, which are consumed.
///
/// # Errors
/// When reading fails.
pub fn kind(input: &mut impl Read) -> io::Result<Kind> {
    Ok(head(input)?.2)
}

/// A reader of the plain bytes of `input`, whatever it is.
///
/// # Errors
/// When the first read fails.
pub fn open(mut input: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let (head, length, kind) = head(&mut input)?;
    let whole = io::Cursor::new(head).take(length as u64).chain(input);
    Ok(match kind {
        Kind::Plain => Box::new(whole),
        Kind::Gzip => Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(INPUT_BYTES, whole))),
        Kind::Zstd => {
            let buffered = io::BufReader::with_capacity(INPUT_BYTES, whole);
            Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?)
        }
    })
}

fn head(input: &mut impl Read) -> io::Result<([u8; 4], usize, Kind)> {
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
    let kind = if head.starts_with(&GZIP) {
        Kind::Gzip
    } else if head.starts_with(&ZSTD) {
        Kind::Zstd
    } else {
        Kind::Plain
    };
    Ok((head, length, kind))
}
