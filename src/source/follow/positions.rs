//! Up to where each file is counted, as it is kept in `state_dir`.
//!
//! # Format
//!
//! Lines of JSON: `{"errtally_positions":1}`, the version; one for each file,
//! `{"path","real","device","inode","position","length","hash"}`, with where its
//! path leads to, where that is a link, and the fingerprint of its first `length`
//! bytes; at last `{"files","checksum"}`, their number and
//! the SHA-256 of all lines before it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ring::digest;
use serde::{Deserialize, Serialize};

use super::identity::{Fingerprint, Inode};
use errtally_core::problem::counted;

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

/// A file and up to where it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The path that it had.
    pub path: PathBuf,
    /// Where that led to.
    pub real: PathBuf,
    /// Which one it is.
    pub inode: Inode,
    /// Its first bytes.
    pub fingerprint: Fingerprint,
    /// The first byte that is not counted.
    pub position: u64,
}

#[derive(Serialize, Deserialize)]
struct First {
    errtally_positions: u32,
}

#[derive(Serialize, Deserialize)]
struct Line<'l> {
    #[serde(borrow)]
    path: Cow<'l, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    real: Option<Cow<'l, str>>,
    device: u64,
    inode: u64,
    position: u64,
    length: u16,
    hash: Cow<'l, str>,
}

#[derive(Serialize, Deserialize)]
struct Last {
    files: u64,
    checksum: String,
}

/// Gathers entries as they are kept.
#[derive(Debug)]
pub struct Encoder {
    text: Vec<u8>,
    files: u64,
}

impl Encoder {
    /// With no entry.
    pub fn new() -> Encoder {
        let mut encoder = Encoder { text: Vec::new(), files: 0 };
        encoder.line(&First { errtally_positions: VERSION });
        encoder
    }

    fn line(&mut self, line: &impl Serialize) {
        // Neither memory nor these types have a way to fail.
        let _ = serde_json::to_writer(&mut self.text, line);
        self.text.push(b'\n');
    }

    /// Adds a file, which lies at `real` and was found at `path`.
    pub fn add(&mut self, real: &Path, path: &Path, inode: Inode, fingerprint: Fingerprint, position: u64) {
        self.files += 1;
        self.line(&Line {
            path: path.to_string_lossy(),
            real: (real != path).then(|| real.to_string_lossy()),
            device: inode.device,
            inode: inode.number,
            position,
            length: fingerprint.length,
            hash: format!("{:032x}", fingerprint.hash).into(),
        });
    }

    /// All of it.
    pub fn finish(mut self) -> Vec<u8> {
        let checksum = checksum(&self.text);
        let files = self.files;
        self.line(&Last { files, checksum });
        self.text
    }
}

fn checksum(text: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, text);
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads what an [`Encoder`] has made.
///
/// # Errors
/// What is wrong with it, in words.
pub fn decode(text: &[u8]) -> Result<HashMap<Inode, Entry>, String> {
    let newline = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let first: First = serde_json::from_slice(&text[..newline])
        .map_err(|_| "it does not begin as a file of errtally's positions does".to_owned())?;
    if first.errtally_positions != VERSION {
        return Err(format!(
            "it has version {}, and this errtally reads version {VERSION}",
            first.errtally_positions
        ));
    }
    let torn = || "it is torn: its last line is not the one with the checksum".to_owned();
    let body = text.strip_suffix(b"\n").ok_or_else(torn)?;
    let start = memchr::memrchr(b'\n', body).map_or(0, |at| at + 1);
    let last: Last = serde_json::from_slice(&body[start..]).map_err(|_| torn())?;
    let before = &text[..start];
    if last.checksum != checksum(before) {
        return Err("it is damaged: the checksum is another".to_owned());
    }
    let mut entries = HashMap::new();
    for line in before[(newline + 1).min(start)..].split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        let wrong = |e: &dyn std::fmt::Display| format!("it is damaged: {e}");
        let line: Line = serde_json::from_slice(line).map_err(|e| wrong(&e))?;
        let inode = Inode { device: line.device, number: line.inode };
        let hash = u128::from_str_radix(&line.hash, 16).map_err(|e| wrong(&e))?;
        let fingerprint = Fingerprint { length: line.length, hash };
        let path = PathBuf::from(line.path.into_owned());
        let real = line.real.map_or_else(|| path.clone(), |real| real.into_owned().into());
        entries.insert(inode, Entry { path, real, inode, fingerprint, position: line.position });
    }
    if entries.len() as u64 != last.files {
        let files = counted(entries.len() as u64, "file");
        return Err(format!("it is damaged: {files}, where it says {}", last.files));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded() -> Vec<u8> {
        let mut encoder = Encoder::new();
        for number in 0..3 {
            let inode = Inode { device: 7, number };
            let print = Fingerprint::of(format!("{number}").as_bytes());
            let path = Path::new("/var/log/\"a\" ä.log");
            encoder.add(if number == 0 { Path::new("/b") } else { path }, path, inode, print, number * 1000);
        }
        encoder.finish()
    }

    #[test]
    fn what_was_written_is_read() {
        let entries = decode(&encoded()).expect("it is whole");
        assert_eq!(entries.len(), 3);
        let entry = &entries[&Inode { device: 7, number: 2 }];
        assert_eq!((entry.position, entry.path.to_str()), (2000, Some("/var/log/\"a\" ä.log")));
        assert_eq!(entry.fingerprint, Fingerprint::of(b"2"));
        assert_eq!(entry.real, entry.path);
        assert_eq!(entries[&Inode { device: 7, number: 0 }].real, Path::new("/b"));
        assert!(decode(&Encoder::new().finish()).expect("it is whole").is_empty());
    }

    #[test]
    fn whatever_is_missing_or_changed_is_told() {
        let whole = encoded();
        for end in 0..whole.len() {
            assert!(decode(&whole[..end]).is_err(), "the first {end} bytes");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(decode(&changed).is_err(), "byte {at}");
        }
        let newer = String::from_utf8(whole).expect("JSON").replace("positions\":1}", "positions\":2}");
        assert!(decode(newer.as_bytes()).expect_err("another version").contains("version 2"));
    }
}
