//! A file that was renamed, found again in its folder; and where lines end.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use memchr::memrchr;

use super::file::open;
use super::identity::{self, Fingerprint, Inode, read_at};

/// How far before the end of a file the end of its last line is looked for.
const LAST_LINE_BYTES: u64 = 64 << 10;

/// Names in a folder that are looked at: a rotation has its files together.
const MOST_NAMES: usize = 100_000;

/// What stands before the first dot of a name, and rotations keep at its start.
pub fn stem(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split('.').find(|part| !part.is_empty()).unwrap_or(&name).to_owned()
}

/// Whether the name of `path` begins with `stem`.
fn is_named(path: &Path, stem: &str) -> bool {
    path.file_name().is_some_and(|name| name.as_bytes().starts_with(stem.as_bytes()))
}

/// The names next to `path` that a rotation may have made of its name.
fn siblings(path: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    let names = entries.into_iter().flatten().flatten().take(MOST_NAMES).map(|entry| entry.path());
    let stem = stem(path);
    names.filter(move |other| is_named(other, &stem))
}

/// Finds the file that was at `path` by the name that it has now.
pub fn find(path: &Path, inode: Inode, fingerprint: Fingerprint) -> Option<(File, Metadata, PathBuf)> {
    siblings(path).find_map(|path| {
        let metadata = std::fs::metadata(&path).ok()?;
        if Inode::of(&metadata) != inode || !metadata.is_file() {
            return None;
        }
        let (handle, metadata) = open(&path).ok()?;
        let head = identity::head(&handle).ok()?;
        (Inode::of(&metadata) == inode && fingerprint.begins(&head)).then_some((handle, metadata, path))
    })
}

/// Finds the copy that was made of the file at `path` before it was cut, when it
/// was counted up to `position`. Files that are `known` are none.
pub fn find_copy(
    path: &Path,
    fingerprint: Fingerprint,
    position: u64,
    known: impl Fn(Inode) -> bool,
) -> Option<(File, Metadata, PathBuf)> {
    let copies = siblings(path).filter_map(|path| {
        let metadata = std::fs::metadata(&path).ok()?;
        if !metadata.is_file() || metadata.len() < position || known(Inode::of(&metadata)) {
            return None;
        }
        let (handle, metadata) = open(&path).ok()?;
        let head = identity::head(&handle).ok()?;
        let mut last = [0];
        // A record begins at the position.
        let fits = position == 0 || read_at(&handle, &mut last, position - 1).ok()? == 1 && last == *b"\n";
        (fits && fingerprint.length > 0 && fingerprint.begins(&head)).then_some((handle, metadata, path))
    });
    // Older ones may begin alike.
    copies.max_by_key(|(_, metadata, _)| metadata.modified().ok())
}

/// Where the last whole line of a file of `size` bytes ends.
///
/// # Errors
/// When it cannot be read.
pub fn last_line_end(file: &File, size: u64) -> io::Result<u64> {
    let from = size.saturating_sub(LAST_LINE_BYTES);
    let mut bytes = vec![0; usize::try_from(size - from).unwrap_or(0)];
    let n = read_at(file, &mut bytes, from)?;
    // Within a longer line: what comes of it is a record.
    Ok(memrchr(b'\n', &bytes[..n]).map_or(if from == 0 { 0 } else { size }, |at| from + at as u64 + 1))
}
