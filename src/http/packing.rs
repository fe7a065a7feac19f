//! gzip, packed quickly, and what stays the same packed once.
//!
//! Most of a scrape is the catalog's words on codes, which change when a code
//! is seen for the first time. A part of a text that stays is packed as
//! blocks of their own, which end at a whole byte and look back at nothing
//! before them: the next answer holds the same bytes, and is one stream like
//! any other.

use std::io::{self, Write};
use std::ops::Range;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// A member of no name and no time, packed by the fastest way, on any system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];

/// A part that is shorter is packed sooner than it is looked up.
const WORTH_IT: usize = 4 << 10;

/// Packs one kind of text, again and again.
#[derive(Debug, Default)]
pub(super) struct Packer {
    /// The last part that was to stay, plain and packed.
    kept: (String, Vec<u8>),
}

impl Packer {
    /// `text` in gzip's format; what stands at `steady` will likely be the same
    /// the next time.
    pub fn packed(&mut self, text: &str, steady: Range<usize>) -> Vec<u8> {
        // Memory takes all that is written to it.
        self.pack(text, steady).unwrap_or_default()
    }

    fn pack(&mut self, text: &str, steady: Range<usize>) -> io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(text.len() / 5);
        out.extend(HEADER);
        let mut blocks = DeflateEncoder::new(out, Compression::fast());
        let mut rest = text;
        if steady.len() >= WORTH_IT {
            blocks.write_all(&text.as_bytes()[..steady.start])?;
            let mut out = ended(&mut blocks)?;
            out.extend(self.kept(&text[steady.clone()], &mut blocks)?);
            rest = &text[steady.end..];
            blocks.reset(out)?;
        }
        blocks.write_all(rest.as_bytes())?;
        let mut out = blocks.finish()?;
        let mut crc = Crc::new();
        crc.update(text.as_bytes());
        out.extend(crc.sum().to_le_bytes());
        out.extend(crc.amount().to_le_bytes());
        Ok(out)
    }

    /// Blocks with `part`, by `blocks` where they are not there from the last time.
    fn kept(&mut self, part: &str, blocks: &mut DeflateEncoder<Vec<u8>>) -> io::Result<&[u8]> {
        if self.kept.0 != part {
            blocks.write_all(part.as_bytes())?;
            let packed = ended(blocks)?;
            self.kept = (part.to_owned(), packed);
        }
        Ok(&self.kept.1)
    }
}

/// What `blocks` has written up to now, of which none is the last; it begins
/// anew.
fn ended(blocks: &mut DeflateEncoder<Vec<u8>>) -> io::Result<Vec<u8>> {
    blocks.flush()?;
    let end = blocks.get_ref().len();
    // It writes a last block first.
    let mut out = blocks.reset(Vec::new())?;
    out.truncate(end);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::bufread::GzDecoder;
    use proptest::prelude::*;

    use super::{Packer, WORTH_IT};

    fn unpacked(packed: &[u8]) -> String {
        let (mut text, mut decoder) = (String::new(), GzDecoder::new(packed));
        decoder.read_to_string(&mut text).expect("gzip");
        assert!(decoder.into_inner().is_empty(), "one member, and nothing behind it");
        text
    }

    /// Text of which a packer finds parts again.
    fn text(from: usize, lines: usize) -> String {
        (from..from + lines).map(|i| format!("name{{code=\"Ecs.{:04}\"}} {}\n", i % 300, i * 7919)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_is_packed_is_the_text(
            parts in proptest::collection::vec((0..500usize, 0..300usize, 0..3usize, 0..500usize), 1..6)
        ) {
            let mut packer = Packer::default();
            for (before, lines, which, after) in parts {
                let (before, steady, after) = (text(1, before), text(which * 7, lines), text(5, after));
                let range = before.len()..before.len() + steady.len();
                let whole = format!("{before}{steady}{after}");
                prop_assert_eq!(unpacked(&packer.packed(&whole, range)), whole);
            }
        }
    }

    #[test]
    fn what_stays_is_packed_once() {
        let mut packer = Packer::default();
        let steady = text(0, 1000);
        assert!(steady.len() > WORTH_IT);
        packer.packed(&steady, 0..steady.len());
        let first = packer.kept.1.as_ptr();
        let more = format!("é{steady}é");
        let packed = packer.packed(&more, 2..2 + steady.len());
        assert_eq!(unpacked(&packed), more);
        assert_eq!(packer.kept.1.as_ptr(), first);
        assert!(packed.windows(packer.kept.1.len()).any(|w| w == packer.kept.1));
    }

    #[test]
    fn nothing_is_a_text_too() {
        assert_eq!(unpacked(&Packer::default().packed("", 0..0)), "");
    }
}
