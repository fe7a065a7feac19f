//! What an input is, by its first bytes and not by a name: lines of text, a
//! form that is decoded, or one that is recognised and left to other programs.

/// As many first bytes as tell everything: the mark of a tar archive stands last.
pub const HEAD_BYTES: usize = 512;

/// Pairs of bytes that must be there to tell UTF-16 without a mark.
const LEAST_PAIRS: usize = 4;

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines, as far as the first bytes tell.
    Plain,
    /// gzip, one member or several.
    Gzip,
    /// zstd, one frame or several.
    Zstd,
    /// Text in units of two bytes.
    Utf16(Order),
    /// Something else that is no text.
    Foreign(&'static Foreign),
}

/// Which byte of two comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The lower one.
    Little,
    /// The higher one.
    Big,
}

/// A form that is not read here.
#[derive(Debug, PartialEq, Eq)]
pub struct Foreign {
    /// What it is.
    pub name: &'static str,
    /// What makes lines of it; the file's name is to follow.
    pub command: &'static str,
    at: usize,
    magic: &'static [u8],
}

const fn foreign(name: &'static str, command: &'static str, magic: &'static [u8]) -> Foreign {
    Foreign { name, command, at: 0, magic }
}

static FOREIGN: [Foreign; 17] = [
    foreign("xz data", "xz -dc", b"\xfd7zXZ\0"),
    foreign("bzip2 data", "bzip2 -dc", b"BZh"),
    foreign("lz4 data", "lz4 -dc", b"\x04\x22\x4d\x18"),
    foreign("lz4 data", "lz4 -dc", b"\x02\x21\x4c\x18"),
    foreign("lzip data", "lzip -dc", b"LZIP"),
    foreign("lzop data", "lzop -dc", b"\x89LZO\0"),
    foreign("lzma data", "xz --format=lzma -dc", b"\x5d\0\0"),
    foreign("compress data", "gzip -dc", b"\x1f\x9d"),
    foreign("snappy data", "snzip -dc", b"\xff\x06\0\0sNaPpY"),
    foreign("a zip archive", "unzip -p", b"PK\x03\x04"),
    foreign("a zip archive", "unzip -p", b"PK\x05\x06"),
    foreign("a 7z archive", "7z x -so", b"7z\xbc\xaf\x27\x1c"),
    foreign("a rar archive", "unrar p -inul", b"Rar!\x1a\x07"),
    foreign("a systemd journal", "journalctl --output=json --all --file", b"LPKSHHRH"),
    foreign("UTF-32 text", "iconv -f UTF-32 -t UTF-8", b"\xff\xfe\0\0"),
    foreign("UTF-32 text", "iconv -f UTF-32 -t UTF-8", b"\0\0\xfe\xff"),
    Foreign { name: "a tar archive", command: "tar -xOf", at: 257, magic: b"ustar" },
];

impl Format {
    /// What begins with `head`, the first [`HEAD_BYTES`] or all that there is.
    pub fn of(head: &[u8]) -> Format {
        if head.starts_with(&[0x1f, 0x8b]) {
            return Format::Gzip;
        }
        // A frame that is skipped may stand before the others.
        let skippable = head.get(1..4) == Some(&[0x2a, 0x4d, 0x18]) && head[0] >> 4 == 5;
        if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || skippable {
            return Format::Zstd;
        }
        let known = FOREIGN.iter().find(|f| head.get(f.at..).is_some_and(|rest| rest.starts_with(f.magic)));
        if let Some(foreign) = known.filter(|f| f.magic != b"BZh" || is_bzip2(head)) {
            return Format::Foreign(foreign);
        }
        match head {
            [0xff, 0xfe, ..] => Format::Utf16(Order::Little),
            [0xfe, 0xff, ..] => Format::Utf16(Order::Big),
            _ => unmarked(head).map_or(Format::Plain, Format::Utf16),
        }
    }

    /// Its name where it is not plain.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Format::Plain => None,
            Format::Gzip => Some("gzip data"),
            Format::Zstd => Some("zstd data"),
            Format::Utf16(_) => Some("UTF-16 text"),
            Format::Foreign(foreign) => Some(foreign.name),
        }
    }

    /// The command that makes lines of standard input.
    pub fn command(self) -> &'static str {
        match self {
            Format::Plain => "cat",
            Format::Gzip => "gzip -dc",
            Format::Zstd => "zstd -dc",
            Format::Utf16(_) => "iconv -f UTF-16 -t UTF-8",
            Format::Foreign(foreign) => foreign.command,
        }
    }
}

/// Three letters may begin a line; the block's size and mark behind them do not.
fn is_bzip2(head: &[u8]) -> bool {
    let mark = head.get(4..10);
    head.get(3).is_some_and(|b| (b'1'..=b'9').contains(b))
        && (mark == Some(b"\x31\x41\x59\x26\x53\x59") || mark == Some(b"\x17\x72\x45\x38\x50\x90"))
}

/// UTF-16 without a mark: logs are mostly ASCII, so every second byte is
/// mostly 0, and the others hardly ever are.
fn unmarked(head: &[u8]) -> Option<Order> {
    let pairs = head.chunks_exact(2);
    let count = pairs.len();
    let (mut first, mut second) = (0, 0);
    for pair in pairs {
        first += usize::from(pair[0] == 0);
        second += usize::from(pair[1] == 0);
    }
    let mostly = |zeros: usize| count >= LEAST_PAIRS && zeros * 10 >= count * 7;
    let hardly = |zeros: usize| zeros * 10 <= count;
    match (first, second) {
        (few, many) if hardly(few) && mostly(many) => Some(Order::Little),
        (many, few) if hardly(few) && mostly(many) => Some(Order::Big),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Order};

    #[test]
    fn text_is_plain() {
        for text in [
            &b""[..],
            b"B",
            b"BZh9 is no bzip2\n",
            b"PKZ\n",
            b"LZI\n",
            b"\xef\xbb\xbfEcs.0114\n",
            b"\0\0\0\0\0\0\0\0\0\0",
            b"a\0b\0",
            b"\0Ecs.0114\0\n\0\nEcs\0.0114\n",
            "错误Ecs.0114，\n".as_bytes(),
            b"\xff\xff\xff",
        ] {
            assert_eq!(Format::of(text), Format::Plain, "{text:?}");
        }
    }

    #[test]
    fn the_order_of_two_bytes_is_told_without_a_mark() {
        let units: Vec<u16> = "2024-01-02 错误 Ecs.0114 failed\n".encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|u| u.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|u| u.to_be_bytes()).collect();
        assert_eq!(Format::of(&little), Format::Utf16(Order::Little));
        assert_eq!(Format::of(&big), Format::Utf16(Order::Big));
    }
}
