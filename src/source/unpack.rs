//! What senders compress, unpacked as it comes and no further than is wanted:
//! gzip, zlib and zstd.
//!
//! However little is given may unpack to gigabytes. So each call makes about
//! [`STEP_BYTES`] at most, and all together at most what the caller allows.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use thiserror::Error;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

/// What one call adds, about: gzip makes at most a thousand bytes of one.
const STEP_BYTES: usize = 256 << 10;

/// What gzip is given at once.
const GZIP_STEP: usize = 256;

/// The largest window of zstd, as a power of two: 8 MiB, which is what `zstd`
/// itself needs without `--long` or `--ultra`, and what RFC 9659 allows over HTTP.
const ZSTD_WINDOW: u32 = 23;

/// How something is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// As gzip does.
    Gzip,
    /// As HTTP's `deflate`.
    Zlib,
    /// As zstd does.
    Zstd,
}

impl Packing {
    /// The packing that a `Content-Encoding` names.
    pub fn of(name: &str) -> Option<Packing> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match name {
            "" => Some(Packing::Plain),
            _ if is("identity") => Some(Packing::Plain),
            _ if is("gzip") || is("x-gzip") => Some(Packing::Gzip),
            _ if is("deflate") => Some(Packing::Zlib),
            _ if is("zstd") => Some(Packing::Zstd),
            _ => None,
        }
    }

    /// The packing that the first bytes show.
    pub fn by_magic(head: &[u8]) -> Packing {
        match head {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
            _ => Packing::Plain,
        }
    }
}

/// Why it is not unpacked.
#[derive(Debug, Error)]
pub enum Refused {
    /// It is not packed so.
    #[error("it does not unpack: {0}")]
    Broken(#[from] io::Error),
    /// It ends too early.
    #[error("what is packed is cut off")]
    CutOff,
    /// It unpacks to more than is allowed.
    #[error("it unpacks to more than {0} bytes")]
    Bomb(u64),
}

/// One stream that is unpacked.
pub struct Unpacker {
    packed: Packed,
    allowed: u64,
    left: u64,
}

enum Packed {
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Zlib { decoder: Box<Decompress>, over: bool },
    Zstd { decoder: Box<Decoder<'static>>, frame_open: bool },
}

impl Unpacker {
    /// For what is packed so, and unpacks to at most `allowed` bytes.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(packing: Packing, allowed: u64) -> io::Result<Unpacker> {
        let packed = match packing {
            Packing::Plain => Packed::Plain,
            Packing::Gzip => Packed::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Packing::Zlib => Packed::Zlib { decoder: Box::new(Decompress::new(true)), over: false },
            Packing::Zstd => {
                let mut decoder = Box::new(Decoder::new()?);
                decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW))?;
                Packed::Zstd { decoder, frame_open: false }
            }
        };
        Ok(Unpacker { packed, allowed, left: allowed })
    }

    /// Takes some of `input`, at least a byte where there is one, and adds to `out` what it makes.
    /// To be called until `input` is empty and nothing is added.
    ///
    /// # Errors
    /// When it is not so packed, or unpacks to too much.
    pub fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        let before = out.len();
        match &mut self.packed {
            Packed::Plain => {
                let (taken, rest) = input.split_at(input.len().min(STEP_BYTES));
                out.extend_from_slice(taken);
                *input = rest;
            }
            Packed::Gzip(decoder) => {
                let (taken, rest) = input.split_at(input.len().min(GZIP_STEP));
                decoder.write_all(taken)?;
                decoder.flush()?;
                out.append(decoder.get_mut());
                *input = rest;
            }
            Packed::Zlib { over: true, .. } if !input.is_empty() => {
                return Err(io::Error::other("something follows the end of it").into());
            }
            Packed::Zlib { decoder, over } => {
                out.resize(before + STEP_BYTES, 0);
                let (from, to) = (decoder.total_in(), decoder.total_out());
                let status = decoder.decompress(input, &mut out[before..], FlushDecompress::None);
                out.truncate(before + (decoder.total_out() - to) as usize);
                *over |= status.map_err(io::Error::from)? == Status::StreamEnd;
                *input = &input[(decoder.total_in() - from) as usize..];
            }
            Packed::Zstd { decoder, frame_open } => {
                out.resize(before + STEP_BYTES, 0);
                let mut from = InBuffer::around(input);
                let mut to = OutBuffer::around(&mut out[before..]);
                let hint = decoder.run(&mut from, &mut to)?;
                let (taken, made) = (from.pos(), to.pos());
                out.truncate(before + made);
                *input = &input[taken..];
                // A frame's end leaves nothing to be read; where it had no input, nothing has changed.
                if taken > 0 || made > 0 {
                    *frame_open = hint > 0;
                }
                if hint == 0 {
                    decoder.reinit()?;
                }
            }
        }
        match self.left.checked_sub((out.len() - before) as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Refused::Bomb(self.allowed)),
        }
    }

    /// All input was given: whether it was all there is to it. Adds what is left to `out`.
    ///
    /// # Errors
    /// When it is cut off.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Refused> {
        match &mut self.packed {
            Packed::Plain => Ok(()),
            Packed::Gzip(decoder) => {
                decoder.try_finish().map_err(|_| Refused::CutOff)?;
                out.append(decoder.get_mut());
                Ok(())
            }
            Packed::Zlib { over, .. } => {
                if *over {
                    Ok(())
                } else {
                    Err(Refused::CutOff)
                }
            }
            Packed::Zstd { frame_open, .. } => {
                if *frame_open {
                    Err(Refused::CutOff)
                } else {
                    Ok(())
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn packed(packing: Packing, bytes: &[u8]) -> Vec<u8> {
        match packing {
            Packing::Plain => bytes.to_vec(),
            Packing::Gzip => gzip(bytes),
            Packing::Zlib => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).expect("memory");
                encoder.finish().expect("memory")
            }
            Packing::Zstd => zstd::encode_all(bytes, 3).expect("memory"),
        }
    }

    const ALL: [Packing; 4] = [Packing::Plain, Packing::Gzip, Packing::Zlib, Packing::Zstd];

    /// Unpacks `input`, given in pieces of `piece`; the result, and the most that one step has made.
    fn unpack(
        packing: Packing,
        input: &[u8],
        piece: usize,
        allowed: u64,
    ) -> (Result<Vec<u8>, Refused>, usize) {
        let mut unpacker = Unpacker::new(packing, allowed).expect("memory");
        let (mut out, mut most) = (Vec::new(), 0);
        for mut piece in input.chunks(piece) {
            loop {
                let before = out.len();
                if let Err(refused) = unpacker.step(&mut piece, &mut out) {
                    return (Err(refused), most);
                }
                most = most.max(out.len() - before);
                if piece.is_empty() && out.len() == before {
                    break;
                }
            }
        }
        let end = unpacker.end(&mut out);
        (end.map(|()| out), most)
    }

    fn text() -> Vec<u8> {
        (0..40_000)
            .flat_map(|n| format!("line {n} CCE.01400007 {}\n", n * 7919 % 1013).into_bytes())
            .collect()
    }

    #[test]
    fn whatever_the_pieces_are() {
        let text = text();
        for packing in ALL {
            let bytes = packed(packing, &text);
            for piece in [1, 100, 4096, 1 << 30] {
                let (unpacked, most) = unpack(packing, &bytes, piece, text.len() as u64);
                assert!(unpacked.expect("it unpacks") == text, "{packing:?} in pieces of {piece}");
                assert!(most <= 2 * STEP_BYTES, "{packing:?}: {most} bytes in a step");
            }
            let (empty, _) = unpack(packing, &packed(packing, b""), 1, 0);
            assert_eq!(empty.expect("nothing"), b"", "{packing:?}");
        }
    }

    #[test]
    fn members_and_frames_behind_each_other() {
        for packing in [Packing::Gzip, Packing::Zstd] {
            let bytes = [packed(packing, b"one\n"), packed(packing, b""), packed(packing, b"two\n")].concat();
            for piece in [1, 7, 1000] {
                assert_eq!(
                    unpack(packing, &bytes, piece, 8).0.expect("it unpacks"),
                    b"one\ntwo\n",
                    "{packing:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_broken_is_refused() {
        let text = text();
        for packing in [Packing::Gzip, Packing::Zlib, Packing::Zstd] {
            let bytes = packed(packing, &text);
            for length in [1, 5, 12, 1000, bytes.len() - 1] {
                assert!(unpack(packing, &bytes[..length], 300, 1 << 30).0.is_err(), "{packing:?}, {length}");
            }
            assert!(unpack(packing, b"no such thing, whatever it is", 9, 1 << 30).0.is_err(), "{packing:?}");
            let mut wrong = bytes;
            let middle = wrong.len() / 2;
            wrong[middle..middle + 8].copy_from_slice(&[0xff; 8]);
            assert!(unpack(packing, &wrong, 300, 1 << 30).0.is_err(), "{packing:?}");
        }
    }

    #[test]
    fn a_bomb_costs_no_more_than_is_allowed() {
        let zeros = vec![b'0'; 64 << 20];
        for packing in [Packing::Gzip, Packing::Zlib, Packing::Zstd] {
            let bomb = packed(packing, &zeros);
            let (refused, most) = unpack(packing, &bomb, 1 << 20, 1 << 20);
            assert!(matches!(refused, Err(Refused::Bomb(n)) if n == 1 << 20), "{packing:?}: {refused:?}");
            assert!(most <= 2 * STEP_BYTES, "{packing:?}: {most} bytes in a step");
        }
    }

    #[test]
    fn a_window_that_is_too_large_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("memory");
        encoder.window_log(24).expect("a parameter");
        encoder.write_all(&text()).expect("memory");
        let bytes = encoder.finish().expect("memory");
        let refused = unpack(Packing::Zstd, &bytes, 4096, 1 << 30).0.expect_err("it takes 16 MiB");
        assert!(matches!(refused, Refused::Broken(_)), "{refused}");
    }
}
