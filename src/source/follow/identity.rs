//! Which file a file is, whatever it is called: device and inode, and by its
//! first bytes that these have not gone to another one.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use ring::digest;

/// As many first bytes as a fingerprint covers.
pub const FINGERPRINT_BYTES: usize = 1024;

/// Where a file system keeps a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Inode {
    /// The device.
    pub device: u64,
    /// The number on it.
    pub number: u64,
}

impl Inode {
    /// Of what `metadata` tells of.
    pub fn of(metadata: &Metadata) -> Inode {
        Inode { device: metadata.dev(), number: metadata.ino() }
    }
}

/// The first bytes of a file: so many, and what they are. A file that grows
/// keeps a shorter one until it is extended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// Bytes that it covers.
    pub length: u16,
    /// The first 16 bytes of their SHA-256; 0 of none.
    pub hash: u128,
}

impl Fingerprint {
    /// Of a file that begins with `head`.
    pub fn of(head: &[u8]) -> Fingerprint {
        let head = &head[..head.len().min(FINGERPRINT_BYTES)];
        if head.is_empty() {
            return Fingerprint::default();
        }
        let hash = digest::digest(&digest::SHA256, head);
        let first = hash.as_ref().first_chunk::<16>().map_or(0, |bytes| u128::from_be_bytes(*bytes));
        Fingerprint { length: head.len() as u16, hash: first }
    }

    /// Whether a file that begins with `head` can be the same.
    pub fn begins(self, head: &[u8]) -> bool {
        head.get(..usize::from(self.length)).is_some_and(|same| Fingerprint::of(same) == self)
    }

    /// Whether it covers as much as it may.
    pub fn is_whole(self) -> bool {
        usize::from(self.length) == FINGERPRINT_BYTES
    }
}

/// Reads from byte `at` on until `buffer` is full or the file ends; gives the
/// bytes that were read.
///
/// # Errors
/// When reading fails.
pub fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// The first bytes of `file`, as many as a fingerprint covers.
///
/// # Errors
/// When reading fails.
pub fn head(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; FINGERPRINT_BYTES];
    let n = read_at(file, &mut head, 0)?;
    head.truncate(n);
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_holds_while_the_file_grows() {
        let text: Vec<u8> = (0..3000u32).map(|i| (i % 251) as u8).collect();
        for length in [0, 1, 20, 1023, 1024, 1025, 3000] {
            let print = Fingerprint::of(&text[..length]);
            assert_eq!(usize::from(print.length), length.min(FINGERPRINT_BYTES));
            assert!(print.begins(&text[..length]));
            assert!(print.begins(&text));
            assert_eq!(print.begins(b"another"), length == 0);
            assert!(length == 0 || !print.begins(&text[..length.min(FINGERPRINT_BYTES) - 1]));
        }
    }
}
