//! UTF-16 made UTF-8 as it is read. What is no text becomes U+FFFD.

use std::io::{self, Read};

use super::format::Order;

/// Bytes that are read at a time.
const INPUT_BYTES: usize = 32 << 10;

/// A reader of UTF-8 over one of UTF-16.
pub struct Utf16<R> {
    input: R,
    order: Order,
    /// Bytes that are not decoded yet: fewer than a character has, after a read.
    raw: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    ended: bool,
    begun: bool,
}

impl<R: Read> Utf16<R> {
    /// Reads `input`, with or without a mark at its start.
    pub fn new(input: R, order: Order) -> Utf16<R> {
        Utf16 { input, order, raw: Vec::new(), text: Vec::new(), given: 0, ended: false, begun: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        let kept = self.raw.len();
        self.raw.resize(kept + INPUT_BYTES, 0);
        let read = loop {
            match self.input.read(&mut self.raw[kept..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.raw.truncate(kept + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        self.decode();
        Ok(())
    }

    fn decode(&mut self) {
        let order = self.order;
        let unit = |pair: &[u8]| match order {
            Order::Little => u16::from_le_bytes([pair[0], pair[1]]),
            Order::Big => u16::from_be_bytes([pair[0], pair[1]]),
        };
        let mut length = self.raw.len() / 2 * 2;
        // The first half of a character waits for the second.
        let half = length >= 2 && (0xd800..0xdc00).contains(&unit(&self.raw[length - 2..length]));
        if half && !self.ended {
            length -= 2;
        }
        self.text.clear();
        self.given = 0;
        let mut buffer = [0; 4];
        for decoded in char::decode_utf16(self.raw[..length].chunks_exact(2).map(unit)) {
            let char = decoded.unwrap_or(char::REPLACEMENT_CHARACTER);
            let mark = char == '\u{feff}' && !self.begun;
            self.begun = true;
            if !mark {
                self.text.extend_from_slice(char.encode_utf8(&mut buffer).as_bytes());
            }
        }
        self.raw.drain(..length);
        if self.ended && !std::mem::take(&mut self.raw).is_empty() {
            self.text.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            if self.ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let count = to.len().min(self.text.len() - self.given);
        to[..count].copy_from_slice(&self.text[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{Order, Utf16};

    /// Gives few bytes at a time.
    struct Few<'a>(&'a [u8], usize);

    impl Read for Few<'_> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let n = self.1.min(to.len());
            self.0.read(&mut to[..n])
        }
    }

    #[test]
    fn it_does_not_matter_how_it_is_cut() {
        let text = "\u{feff}Ecs.0114 错误 😀\nlast\u{feff}";
        for (order, bytes) in [
            (Order::Little, text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
            (Order::Big, text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ] {
            for few in 1..=bytes.len() {
                let mut out = String::new();
                Utf16::new(Few(&bytes, few), order).read_to_string(&mut out).expect("text");
                assert_eq!(out, text[3..], "{few}");
            }
            // Cut off in a character, and halves that belong to none.
            let mut out = String::new();
            Utf16::new(&bytes[..bytes.len() - 5], order).read_to_string(&mut out).expect("text");
            assert!(out.ends_with("la\u{fffd}"), "{out}");
        }
        let mut out = String::new();
        Utf16::new(&b"\x00\xd8a\0"[..], Order::Little).read_to_string(&mut out).expect("text");
        assert_eq!(out, "\u{fffd}a");
    }
}
