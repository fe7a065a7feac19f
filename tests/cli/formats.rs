//! `errtally scan` and `run` of what is no text: read, or told for what it is. Never a silent "nothing found".

use std::io::Write;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::daemon::Daemon;
use crate::support::{Folder, count_of, errtally, finish_with, run, scan_json};

const TEXT: &str = "2024-05-06 错误 Ecs.0043 a\nnothing\nEcs.0043 😀\n";

fn utf16(text: &str, little: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn utf16_is_read() {
    let marked = format!("\u{feff}{TEXT}");
    // Larger than what is read at a time, and than what is mapped.
    let long = TEXT.repeat(40_000);
    for (name, bytes, times) in [
        ("little, marked", utf16(&marked, true), 1),
        ("big, marked", utf16(&marked, false), 1),
        ("little", utf16(&TEXT.replace("错误 ", ""), true), 1),
        ("big", utf16(&TEXT.replace("错误 ", ""), false), 1),
        ("long", utf16(&format!("\u{feff}{long}"), true), 40_000),
        ("in gzip", gzip(&utf16(&marked, true)), 1),
        ("gzip in zstd", zstd::encode_all(&gzip(TEXT.as_bytes())[..], 3).expect("memory"), 1),
    ] {
        let folder = Folder::new();
        let file = folder.write("a.log", &bytes);
        for report in [run(["scan", "--format", "json", &file]).json(), scan_json(&bytes, &[])] {
            assert_eq!(
                (report["records"].as_u64(), count_of(&report, "Ecs.0043")),
                (Some(3 * times), 2 * times),
                "{name}"
            );
        }
    }
}

/// What begins a file of a form that is not read, its name, and a command that is.
const FOREIGN: [(&[u8], &str, &str); 11] = [
    (b"\xfd7zXZ\0\0\x04", "xz data", "xz -dc FILE | errtally scan"),
    (b"BZh91AY&SY", "bzip2 data", "bzip2 -dc FILE"),
    (b"\x04\x22\x4d\x18\x64\x40", "lz4 data", "lz4 -dc FILE"),
    (b"PK\x03\x04\x14\0", "a zip archive", "unzip -p FILE"),
    (b"7z\xbc\xaf\x27\x1c\0\x04", "a 7z archive", "7z x -so FILE"),
    (b"Rar!\x1a\x07\x01\0", "a rar archive", "unrar p -inul FILE"),
    (b"LZIP\x01", "lzip data", "lzip -dc FILE"),
    (b"\x1f\x9d\x90", "compress data", "gzip -dc FILE"),
    (b"\x5d\0\0\x80\0", "lzma data", "xz --format=lzma -dc FILE"),
    (b"\xff\xfe\0\0E\0\0\0", "UTF-32 text", "iconv -f UTF-32"),
    (b"LPKSHHRH\0\0\0\0", "a systemd journal", "journalctl"),
];

fn tar() -> Vec<u8> {
    let mut bytes = vec![0; 1024];
    bytes[..5].copy_from_slice(b"a.log");
    bytes[257..263].copy_from_slice(b"ustar\0");
    bytes[512..520].copy_from_slice(b"Ecs.0043");
    bytes
}

#[test]
fn what_is_not_read_is_named_with_a_remedy() {
    let tar = tar();
    let folder = Folder::new();
    let good = folder.write("good.log", "Ecs.0043\n");
    let all = FOREIGN.iter().copied().chain([(&tar[..], "a tar archive", "tar -xOf FILE")]);
    for (head, name, command) in all {
        for size in [0, 2 << 20] {
            let bytes = [head, b"Ecs.0043\n", &vec![b'x'; size][..]].concat();
            let file = folder.write("foreign", &bytes);
            // The other file is counted all the same.
            let ended = run(["scan", "--format", "json", &file, &good]);
            assert_eq!(ended.status, Some(1), "{name}: {}", ended.stderr);
            let told = format!("cannot read {file}: it is {name}, which is not read; use `{command}");
            assert!(ended.stderr.contains(&told), "{told} in {}", ended.stderr);
            let report = serde_json::from_str(&ended.stdout).expect("a report");
            assert_eq!(count_of(&report, "Ecs.0043"), 1, "{name}");
        }
        let bytes = [head, b"Ecs.0043\n"].concat();
        let said = finish_with(errtally().arg("scan"), &bytes).failed(1);
        assert!(said.contains(&format!("cannot read standard input: it is {name}")), "{said}");
        let said = finish_with(errtally().arg("scan"), &gzip(&bytes)).failed(1);
        assert!(
            said.contains(&format!("it is {name}, which is not read; use decompress it, then")),
            "{said}"
        );
    }
}

#[test]
fn compression_within_compression_has_an_end() {
    let nested = (0..5).fold(TEXT.as_bytes().to_vec(), |bytes, _| gzip(&bytes));
    let said = finish_with(errtally().arg("scan"), &nested).failed(1);
    assert!(said.contains("compressed many times over"), "{said}");
}

#[test]
fn run_warns_of_what_it_does_not_decode_and_counts_it() {
    let xz = b"\xfd7zXZ\0\0\x04 and more\n".to_vec();
    for (bytes, told, count) in [
        (xz, "standard input begins like xz data, which `run` does not decode", 1.0),
        (gzip(TEXT.as_bytes()), "standard input begins like gzip data", 1.0),
        (
            utf16(&format!("\u{feff}{TEXT}"), true),
            "put `iconv -f UTF-16 -t UTF-8 FILE |` before errtally",
            1.0,
        ),
        (format!("\u{feff}{TEXT}").into_bytes(), "", 0.0),
    ] {
        let mut daemon = Daemon::spawn(&["--linger", "1m"], Stdio::piped(), &[]);
        daemon.write(&bytes);
        daemon.close();
        let scrape = daemon.wait_for_end_of_input();
        assert_eq!(scrape.value("errtally_undecoded_inputs_total", &[]), Some(count), "{told}");
        daemon.wait_for_log(told);
        assert_eq!(daemon.log().matches("begins like").count() as f64, count, "{}", daemon.log());
    }
}
