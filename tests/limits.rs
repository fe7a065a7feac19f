//! Bad and extreme input: memory stays bounded, no code is lost, each oddity is counted for what it is.

mod support;

use std::io::Write;

use serde_json::Value;
use support::daemon::Daemon;
use support::{Folder, count_of, errtally, finish_with, run, scan_json};

/// `records`, `matched_records`, `malformed_json_records`, `oversized_records` of a report.
fn totals(report: &Value) -> [u64; 4] {
    ["records", "matched_records", "malformed_json_records", "oversized_records"]
        .map(|total| report[total].as_u64().expect("a total"))
}

#[test]
fn a_record_as_long_as_the_limit_is_whole_and_one_byte_more_is_oversized() {
    // Only a record that is held whole is parsed, so a malformed one tells.
    let record = |length: usize| format!("{{\"code\":\"Ecs.0114\",{}", " ".repeat(length - 19));
    for (length, malformed, oversized) in [(1024, 1, 0), (1025, 0, 1)] {
        for end in ["", "\n", "\nCSS.0015\n"] {
            let input = record(length) + end;
            let report = scan_json(input.as_bytes(), &["--max-record-bytes", "1KiB"]);
            let more = u64::from(end.len() > 1);
            assert_eq!(totals(&report), [1 + more, 1 + more, malformed, oversized], "{length} {end:?}");
            assert_eq!(
                (count_of(&report, "Ecs.0114"), count_of(&report, "CSS.0015")),
                (1, more),
                "{length} {end:?}"
            );
            assert_eq!(report["bytes"], input.len());
        }
    }
}

#[test]
fn the_default_limit_is_a_mebibyte() {
    let record = |length: usize| format!("{{\"code\":\"Ecs.0114\",{}\n", " ".repeat(length - 19));
    assert_eq!(totals(&scan_json(record(1 << 20).as_bytes(), &[])), [1, 1, 1, 0]);
    assert_eq!(totals(&scan_json(record((1 << 20) + 1).as_bytes(), &[])), [1, 1, 0, 1]);
}

#[test]
fn an_oversized_record_takes_the_default_row() {
    let long = format!("{} HTTP 404 Ecs.1000\n", "x".repeat(2000));
    let status = |flags: &[&str]| scan_json(long.as_bytes(), flags)["hits"][0]["http_status"].clone();
    assert_eq!(status(&[]), 404);
    assert_eq!(status(&["--max-record-bytes", "1KiB"]), 400);
}

#[test]
fn codes_around_the_limit_are_found_once() {
    // One record for each place, all of them longer than the limit.
    let mut input = Vec::new();
    let mut records = 0;
    for place in (0..40).chain(980..1070).chain(2000..2100) {
        let mut record = vec![b'.'; 3000];
        record[place] = b' ';
        record[place + 1..place + 9].copy_from_slice(b"Ecs.0114");
        record[place + 9] = b' ';
        input.extend_from_slice(&record);
        input.push(b'\n');
        records += 1;
    }
    let report = scan_json(&input, &["--max-record-bytes", "1KiB"]);
    assert_eq!(totals(&report), [records, records, 0, records]);
    assert_eq!(count_of(&report, "Ecs.0114"), records);
}

/// A record of 30,000 different codes, one in every ten bytes: wherever it is cut, a code is there.
fn packed(phase: usize) -> Vec<u8> {
    let mut record = vec![b'-'; phase];
    for number in 60_000..90_000 {
        write!(record, " SMN.{number}").expect("memory");
    }
    record.push(b'\n');
    record
}

#[test]
fn codes_at_every_edge_of_every_window_are_found_once() {
    let folder = Folder::new();
    // With all phases each byte of a code is at an edge once.
    let input: Vec<u8> = (0..10).flat_map(packed).collect();
    let file = folder.write("packed.log", &input);
    let flags = ["--max-record-bytes", "1KiB", "--max-unknown-codes", "100000"];
    let from_file = run(["scan", "--format", "json"].iter().chain(&flags).chain(&[file.as_str()])).json();
    let mut daemon = Daemon::start(&["--linger", "60s", flags[0], flags[1], flags[2], flags[3]]);
    // Odd lengths, so that reads end elsewhere than those of a file.
    for part in input.chunks(4093 * 7) {
        daemon.write(part);
    }
    daemon.close();
    daemon.wait_for_end_of_input();
    for report in [from_file, daemon.get("/api/v1/codes").json()] {
        assert_eq!(totals(&report), [10, 10, 0, 10]);
        let unknown = report["unknown"].as_array().expect("unknown codes");
        assert_eq!(unknown.len(), 30_000);
        let odd: Vec<_> = unknown.iter().filter(|u| u["count"] != 10).take(5).collect();
        assert!(odd.is_empty(), "each stands once in each of 9 records: {odd:?}");
    }
}

#[test]
fn a_code_counts_once_in_a_record_however_long() {
    let mut record = b"Ecs.0114 error_code=DLI.0003 ".repeat(20_000);
    record.push(b'\n');
    let report = scan_json(&record, &["--max-record-bytes", "1KiB"]);
    assert_eq!((count_of(&report, "Ecs.0114"), count_of(&report, "DLI.0003")), (1, 1));
    assert_eq!(totals(&report), [1, 1, 0, 1]);
}

/// Feeds 64 MiB without a newline, with a code at the start, in the middle and at the end.
fn feed_64_mib(daemon: &mut Daemon) {
    let mebibyte = vec![b'x'; 1 << 20];
    daemon.write("CSS.0015 ");
    for i in 0..64 {
        daemon.write(&mebibyte);
        if i == 31 {
            daemon.write(" CCE.01400007 ");
        }
    }
    daemon.write(" Ecs.0114");
}

/// Memory that the longest record may cost above what an idle daemon has: the limit of 1 MiB, some
/// reads, a pipe's worth; far from the 64 MiB of the record.
const BOUND: u64 = 4 << 20;

#[test]
fn a_line_of_64_mib_costs_no_memory_and_loses_no_code() {
    let mut daemon = Daemon::start(&["--linger", "60s"]);
    let idle = daemon.peak_memory();
    feed_64_mib(&mut daemon);
    daemon.write("\n{\"code\":\"Ecs.0005\",}\n");
    let scrape = daemon.wait_for_records(2);
    for code in ["CSS.0015", "CCE.01400007", "Ecs.0114", "Ecs.0005"] {
        assert_eq!(scrape.value("errtally_errors_total", &[("code", code)]), Some(1.0), "{code}");
    }
    assert_eq!(scrape.value("errtally_oversized_records_total", &[]), Some(1.0));
    assert_eq!(scrape.value("errtally_malformed_json_records_total", &[]), Some(1.0), "the short one");
    let peak = daemon.peak_memory();
    assert!(peak - idle < BOUND, "{idle} bytes became {peak}");
    // The absolute figure is what a container's limit is chosen by: that of the release, which CI tests as
    // well. Code that is not optimised is larger.
    let most = if std::env::var_os("TESTED_BINARY").is_some() { 16 } else { 24 };
    assert!(peak < most << 20, "{peak} bytes");
}

/// What the settings say that reading a record may take, whatever it is: JSON in which every second byte is a number
/// takes the most.
#[test]
fn a_record_takes_no_more_memory_than_is_stated() {
    const LIMIT: usize = 4 << 20;
    let fill = |unit: &str| unit.repeat((LIMIT - 100) / unit.len());
    for (what, record) in [
        ("numbers", format!("{{\"code\":\"Ecs.0114\",\"b\":[{}1]}}\n", fill("1,"))),
        ("arrays", format!("{{\"code\":\"Ecs.0114\",\"b\":[{}1]}}\n", fill("[],"))),
        ("escapes", format!("{{\"code\":\"Ecs.0114\",\"message\":\"{}\"}}\n", fill("\\n"))),
        ("codes", format!("{{\"code\":\"Ecs.0114\",\"b\":[{}1]}}\n", fill("\"Ecs.0114\","))),
        ("pairs", format!("Ecs.0114 {}\n", fill("a=b "))),
    ] {
        let args = ["--max-record-bytes", "4MiB", "--labels", "a=a", "--events", "stdout"];
        let mut daemon = Daemon::spawn_to(&args, std::process::Stdio::piped(), std::process::Stdio::null());
        daemon.write("Ecs.0114\n");
        daemon.wait_for_records(1);
        let idle = daemon.peak_memory();
        for _ in 0..3 {
            daemon.write(&record);
        }
        daemon.wait_for_records(4);
        let took = daemon.peak_memory() - idle;
        println!("measured: {what}: {:.1} times the limit", took as f64 / LIMIT as f64);
        assert!(took < 32 * LIMIT as u64, "{what}: {took} bytes for records of {LIMIT}");
    }
}

#[test]
fn a_line_that_never_ends_costs_no_memory_and_counts_at_the_end() {
    let mut daemon = Daemon::start(&["--linger", "60s"]);
    let idle = daemon.peak_memory();
    feed_64_mib(&mut daemon);
    assert_eq!(daemon.scrape().sum("errtally_records_total", &[]), 0.0, "it is not yet a record");
    assert_eq!(daemon.scrape().sum("errtally_errors_total", &[]), 0.0, "all of it or nothing");
    daemon.close();
    let scrape = daemon.wait_for_end_of_input();
    assert_eq!(scrape.value("errtally_records_total", &[]), Some(1.0));
    assert_eq!(scrape.value("errtally_oversized_records_total", &[]), Some(1.0));
    assert_eq!(scrape.sum("errtally_errors_total", &[]), 3.0);
    let peak = daemon.peak_memory();
    assert!(peak - idle < BOUND, "{idle} bytes became {peak}");
}

#[test]
fn json_that_does_not_parse_is_text_and_counted_as_malformed() {
    let deep = |depth: usize| [b"[".repeat(depth), b"\"Ecs.0114\"".to_vec(), b"]".repeat(depth)].concat();
    let objects = [b"{\"a\":".repeat(100_000), b"\"Ecs.0114\"".to_vec(), b"}".repeat(100_000)].concat();
    let unclosed = [b"[".repeat(100_000), b"\"Ecs.0114\"".to_vec()].concat();
    for (what, record, malformed) in [
        ("whole", br#"{"code":"Ecs.0114"}"#.to_vec(), 0),
        ("after blanks", b" \t{\"code\":\"Ecs.0114\"}".to_vec(), 0),
        ("an array", br#"[{"code":"Ecs.0114"}]"#.to_vec(), 0),
        ("text", b"Ecs.0114 {".to_vec(), 0),
        ("a trailing comma", br#"{"code":"Ecs.0114",}"#.to_vec(), 1),
        ("a trailing comma in an array", br#"["Ecs.0114",]"#.to_vec(), 1),
        ("cut off in a string", br#"{"a":1,"code":"Ecs.0114 no"#.to_vec(), 1),
        ("cut off after a value", br#"{"code":"Ecs.0114""#.to_vec(), 1),
        ("two values", br#"{"code":"Ecs.0114"}{"a":1}"#.to_vec(), 1),
        ("invalid UTF-8", b"{\"code\":\"Ecs.0114\",\"a\":\"caf\xe9\"}".to_vec(), 1),
        ("a raw control byte", b"{\"code\":\"Ecs.0114\",\"a\":\"\x01\"}".to_vec(), 1),
        ("an escape that does not exist", br#"{"code":"Ecs.0114","a":"\q"}"#.to_vec(), 1),
        ("nested 1,000 deep", deep(1_000), 0),
        ("nested 100,000 deep", deep(100_000), 1),
        ("objects nested 100,000 deep", objects, 1),
        ("100,000 deep and cut off", unclosed, 1),
    ] {
        for end in [&b""[..], b"\n"] {
            let report = scan_json(&[&record[..], end].concat(), &[]);
            assert_eq!(totals(&report), [1, 1, malformed, 0], "{what}");
            assert_eq!(count_of(&report, "Ecs.0114"), 1, "{what}");
        }
    }
}

#[test]
fn a_malformed_record_does_not_harm_the_next() {
    let bad = [b"[".repeat(100_000), b"\"Ecs.0114\"\n".to_vec()].concat();
    let input = [&bad[..], b"{\"code\":\"CSS.0015\"}\n", &bad, b"{\"code\":\"CSS.0015\"}\n"].concat();
    assert_eq!(totals(&scan_json(&input, &[])), [4, 4, 2, 0]);
}

#[test]
fn odd_bytes_make_records_like_any_other() {
    for (what, input, records, hits) in [
        ("empty input", &b""[..], 0, 0),
        ("an empty line", b"\n", 1, 0),
        ("empty lines", b"\n\n\nEcs.0114\n\n", 5, 1),
        ("no final newline", b"Ecs.0114\nEcs.0114", 2, 2),
        ("one record without newline", b"Ecs.0114", 1, 1),
        ("CRLF", b"Ecs.0114\r\n\r\nx Ecs.0114\r\n", 3, 2),
        ("a lone CR", b"Ecs.0114\rEcs.0114\n", 1, 1),
        ("NUL", b"\0Ecs.0114\0\n\0\nEcs\0.0114\n", 3, 1),
        ("nothing but NUL", b"\0\0\0\0", 1, 0),
        ("invalid UTF-8", b"\xffEcs.0114\xfe\n\x80\xc3\n", 2, 1),
        ("text of another script", "错误Ecs.0114，\nFehler：CSS.0015，\n".as_bytes(), 2, 1),
        ("a byte order mark", b"\xef\xbb\xbfEcs.0114\n", 1, 1),
    ] {
        let report = scan_json(input, &[]);
        assert_eq!(report["records"], records, "{what}");
        assert_eq!(report["bytes"], input.len(), "{what}");
        assert_eq!(count_of(&report, "Ecs.0114"), hits, "{what}");
        // By the daemon too, whose reading is its own.
        let mut daemon = Daemon::spawn(&["--linger", "60s"], std::process::Stdio::piped(), &[]);
        daemon.write(input);
        daemon.close();
        daemon.wait_for_end_of_input();
        assert_eq!(daemon.get("/api/v1/codes").json(), report, "{what}");
    }
}

#[test]
fn a_bad_start_ends_with_2_and_names_every_problem() {
    let folder = Folder::new();
    let catalog = folder.write("shop.yaml", "service: SHOP\nfull_name: Shop\n");
    let config =
        folder.write("errtally.yaml", format!("lingr: 1s\ndiscovery: perhaps\ncatalog: {catalog:?}\n"));
    for command in [&["run", "--listen", "127.0.0.1:0"][..], &["scan"]] {
        let said = finish_with(errtally().args(command).args(["--config", &config]), b"Ecs.0114\n").failed(2);
        for place in [
            format!("{config}:1: lingr: "),
            format!("{config}:2: discovery: "),
            format!("{catalog}:1: source: "),
            format!("{catalog}:1: families: "),
        ] {
            assert!(said.contains(&place), "{place} in:\n{said}");
        }
        assert!(!said.contains("ready"), "nothing was started: {said}");
    }
}
