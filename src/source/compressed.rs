//! Plain bytes out of plain, gzip, zstd or UTF-16 input, told apart by its
//! first bytes and not by a name. What else is recognised is refused with the
//! command that makes lines of it.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::format::{Format, HEAD_BYTES};
use super::utf16::Utf16;

/// Compressed bytes that are read at a time.
const INPUT_BYTES: usize = 64 << 10;

/// Codings around each other, such as gzip in zstd.
const MAX_DEPTH: usize = 3;

/// What `input` is, by its next bytes, which are consumed.
///
/// # Errors
/// When reading fails.
pub fn format(input: &mut impl Read) -> io::Result<Format> {
    let (head, late) = head(input);
    late.0.map_or_else(|| Ok(Format::of(&head)), Err)
}

/// A reader of the plain bytes of `input`, whatever it is.
///
/// # Errors
/// When the first read fails, or what is in it is not read here.
pub fn open(input: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    open_at(Box::new(input), 0)
}

fn open_at(mut input: Box<dyn Read>, depth: usize) -> io::Result<Box<dyn Read>> {
    let (head, late) = head(&mut input);
    if let (true, Some(error)) = (head.is_empty(), late.0.as_ref()) {
        return Err(io::Error::new(error.kind(), error.to_string()));
    }
    let format = Format::of(&head);
    // What was decoded before damage is counted.
    let whole = io::Cursor::new(head).chain(late).chain(input);
    let buffered = |whole| io::BufReader::with_capacity(INPUT_BYTES, whole);
    match format {
        Format::Plain => Ok(Box::new(whole)),
        Format::Utf16(order) => Ok(Box::new(Utf16::new(whole, order))),
        Format::Gzip | Format::Zstd if depth == MAX_DEPTH => {
            Err(refused("compressed many times over", "decompress it"))
        }
        Format::Gzip => open_at(Box::new(MultiGzDecoder::new(buffered(whole))), depth + 1),
        Format::Zstd => {
            open_at(Box::new(zstd::stream::read::Decoder::with_buffer(buffered(whole))?), depth + 1)
        }
        Format::Foreign(foreign) => {
            let within = if depth > 0 { "decompress it, then " } else { "" };
            let remedy = format!("{within}`{} FILE | errtally scan`", foreign.command);
            Err(refused(foreign.name, &remedy))
        }
    }
}

/// What is recognised and not read.
fn refused(name: &str, remedy: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("it is {name}, which is not read; use {remedy}"))
}

/// The first bytes, and what ended them early.
fn head(input: &mut impl Read) -> (Vec<u8>, Late) {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let error = input.take(HEAD_BYTES as u64).read_to_end(&mut head).err();
    (head, Late(error))
}

/// Fails once, where there is a failure.
struct Late(Option<io::Error>);

impl Read for Late {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
