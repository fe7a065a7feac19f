//! `errtally scan`: what it reads and the report that it gives.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::exposition::Scrape;
use crate::support::{Folder, count_of, errtally, finish_with, run, scan_json};

const LINES: &[u8] = b"Ecs.0114 gone\nnothing\n{\"code\":\"CCE.01400007\"}\nEcs.0114\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn json_has_the_promised_shape() {
    let input = b"CCE.01400007 Ecs.1000\n{\"errorCode\":\"DLI.0003\"}\nCCE.09400999\nno code\n";
    let report = scan_json(input, &[]);
    for key in ["records", "bytes", "matched_records", "hits", "unknown"] {
        assert!(keys(&report).contains(&key), "{key}: {report}");
    }
    assert_eq!(report["records"], 4);
    assert_eq!(report["bytes"], input.len());
    assert_eq!(report["matched_records"], 3);
    let hit = &report["hits"][0];
    let mut fields = keys(hit);
    fields.sort_unstable();
    let promised =
        ["action", "api_service", "category", "code", "count", "http_status", "message", "retryable"];
    assert_eq!(fields, promised);
    assert_eq!(hit["code"], "CCE.01400007");
    assert_eq!(hit["api_service"], "CCE");
    assert_eq!(hit["category"], "quota");
    assert_eq!(hit["http_status"], 400);
    assert_eq!(hit["retryable"], false);
    assert_eq!(hit["message"], "Insufficient cluster quota.");
    assert!(hit["action"].as_str().is_some_and(|a| !a.is_empty()));
    assert_eq!(hit["count"], 1);
    assert_eq!(report["hits"][1]["code"], "Ecs.1000");
    assert_eq!(
        report["unknown"],
        json!([
            {"code": "CCE.09400999", "api_service": "CCE", "category": "invalid_request", "count": 1},
            {"code": "DLI.0003", "api_service": "DLI", "category": "unknown", "count": 1},
        ])
    );
}

#[test]
fn a_status_that_nobody_documents_is_null() {
    let listing = run(["catalog", "list", "--format", "json"]).json();
    let codes = listing["codes"].as_array().expect("codes");
    let without = codes.iter().find(|c| c["http_status"].is_null()).expect("a row without a status");
    let code = without["code"].as_str().expect("a code");
    let report = scan_json(code.as_bytes(), &[]);
    assert_eq!(report["hits"][0]["http_status"], Value::Null, "{code}");
}

#[test]
fn the_most_frequent_comes_first() {
    let input = "Ecs.0114\nCSS.0015 Ecs.0114\nCSS.0015 Ecs.0114 CCE.01400007 CCE.01400008\n\
                 error_code=Aa.001\nerror_code=Bb.001\nerror_code=Bb.001\n";
    let report = scan_json(input.as_bytes(), &[]);
    let order = |list: &str| -> Vec<(String, u64)> {
        let hits = report[list].as_array().expect("a list");
        hits.iter()
            .map(|h| (h["code"].as_str().expect("a code").to_owned(), h["count"].as_u64().expect("a count")))
            .collect()
    };
    let wanted = [("Ecs.0114", 3), ("CSS.0015", 2), ("CCE.01400007", 1), ("CCE.01400008", 1)];
    assert_eq!(order("hits"), wanted.map(|(c, n)| (c.to_owned(), n)));
    assert_eq!(order("unknown"), [("BB.001", 2), ("AA.001", 1)].map(|(c, n)| (c.to_owned(), n)));
}

#[test]
fn reads_files_standard_input_and_both() {
    let folder = Folder::new();
    let plain = folder.write("a.log", LINES);
    let other = folder.write("b.log", "CSS.0015\n");
    let records = |args: &[&str], input: &[u8]| {
        finish_with(errtally().args(["scan", "--format", "json"]).args(args), input).json()["records"].clone()
    };
    assert_eq!(records(&[&plain], b"ignored\n"), 4);
    assert_eq!(records(&[], LINES), 4);
    assert_eq!(records(&["-"], LINES), 4);
    assert_eq!(records(&[&plain, &other], b""), 5);
    assert_eq!(records(&[&plain, "-", &other], LINES), 9);
    assert_eq!(records(&[&plain, &plain], b""), 8);
}

#[test]
fn a_last_line_without_newline_does_not_run_into_the_next_file() {
    let folder = Folder::new();
    let (a, b) = (folder.write("a.log", "x Ecs.01"), folder.write("b.log", "14\nCSS.0015"));
    let report = run(["scan", "--format", "json", &a, &b]).json();
    assert_eq!(report["records"], 3);
    assert_eq!((count_of(&report, "Ecs.0114"), count_of(&report, "CSS.0015")), (0, 1));
}

#[test]
fn compressed_input_is_read_whatever_it_is_called() {
    let folder = Folder::new();
    let zstd = zstd::encode_all(LINES, 3).expect("memory");
    let two_members = [gzip(LINES), gzip(b"Ecs.0114\n")].concat();
    let two_frames = [zstd.clone(), zstd::encode_all(&b"Ecs.0114\n"[..], 3).expect("memory")].concat();
    for (name, bytes, records, gone) in [
        ("a.log.gz", gzip(LINES), 4, 2),
        ("a.log.zst", zstd.clone(), 4, 2),
        ("b.log.gz", two_members, 5, 3),
        ("b.log.zst", two_frames, 5, 3),
        ("disguised.log", zstd, 4, 2),
        ("plain.gz", LINES.to_vec(), 4, 2),
        ("empty.gz", gzip(b""), 0, 0),
    ] {
        let path = folder.write(name, &bytes);
        let report = run(["scan", "--format", "json", &path]).json();
        assert_eq!((&report["records"], count_of(&report, "Ecs.0114")), (&json!(records), gone), "{name}");
        // Bytes are those of the records, not of the file.
        let plain = report["bytes"].as_u64().expect("bytes");
        assert_eq!(plain, if records == 0 { 0 } else { LINES.len() as u64 + (records - 4) * 9 }, "{name}");
        let piped = scan_json(&bytes, &[]);
        assert_eq!(piped["records"], report["records"], "{name} on standard input");
    }
}

#[test]
fn what_comes_before_damage_is_counted() {
    let folder = Folder::new();
    // Noise does not compress: what is cut off is then some of the lines.
    let mut noise = String::new();
    let mut state = 1u64;
    for _ in 0..20_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        noise.push_str(&format!("{state:016x} Ecs.0114\n"));
    }
    let gz = gzip(noise.as_bytes());
    let zst = zstd::encode_all(noise.as_bytes(), 3).expect("memory");
    for (name, bytes) in [("cut.gz", &gz[..gz.len() / 2]), ("cut.zst", &zst[..zst.len() / 2])] {
        let path = folder.write(name, bytes);
        let whole = folder.write("whole.log", "CSS.0015\n");
        let ended = run(["scan", "--format", "json", &path, &whole]);
        let report: Value = serde_json::from_str(&ended.stdout).expect("a report all the same");
        let gone = count_of(&report, "Ecs.0114");
        assert!((1000..20_000).contains(&gone), "{name}: {gone}");
        assert_eq!(count_of(&report, "CSS.0015"), 1, "the file after {name} is read");
        assert!(ended.failed(1).contains(&path), "{name} is named");
    }
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_read() {
    let folder = Folder::new();
    let good = folder.write("good.log", LINES);
    let missing = folder.path().join("missing.log").display().to_string();
    let place = folder.path().display().to_string();
    for bad in [&missing, &place] {
        let ended = run(["scan", "--format", "json", bad, &good]);
        let report: Value = serde_json::from_str(&ended.stdout).expect("a report all the same");
        assert_eq!(report["records"], 4, "{bad}");
        assert!(ended.failed(1).contains(bad.as_str()), "{bad}");
    }
    let none = run(["scan", &missing, &place]);
    assert_eq!(none.stdout, "", "nothing was read: nothing is said of what was found");
    let both = none.failed(1);
    let empty = folder.write("empty.log", "");
    let one = run(["scan", &missing, &empty]);
    assert!(one.stdout.contains("No error code found."), "{one:?}");
    one.failed(1);
    assert!(both.contains(&missing) && both.lines().any(|l| l.contains(&format!("{place}:"))), "{both}");
}

#[test]
fn the_table_tells_people_the_same() {
    let table = finish_with(errtally().arg("scan"), LINES).ok();
    let row = table.lines().find(|l| l.contains("Ecs.0114")).expect("a row");
    for word in ["2", "404", "not_found", "Look up the server ID"] {
        assert!(row.contains(word), "{word}: {row}");
    }
    assert!(table.contains("4 records, 3 with a code"), "{table}");
    assert!(finish_with(errtally().arg("scan"), b"nothing\n").ok().contains("No error code found."));
}

#[test]
fn prometheus_text_has_the_counts_and_nothing_of_the_process() {
    let text = finish_with(errtally().args(["scan", "--format", "prometheus"]), LINES).ok();
    let scrape = Scrape::parse(&text);
    let gone =
        [("code", "Ecs.0114"), ("api_service", "ECS"), ("category", "not_found"), ("http_status", "404")];
    assert_eq!(scrape.value("errtally_errors_total", &gone), Some(2.0));
    assert_eq!(scrape.value("errtally_records_total", &[("source", "stdin")]), Some(4.0));
    assert!(scrape.names().iter().all(|n| !n.starts_with("process_") && !n.contains("reload")));
    let folder = Folder::new();
    let file = folder.write("a.log", LINES);
    let scrape = Scrape::parse(&run(["scan", "--format", "prometheus", &file]).ok());
    assert_eq!(scrape.value("errtally_records_total", &[("source", "file")]), Some(4.0));
}

#[test]
fn the_unknown_codes_that_come_first_are_told_apart() {
    let codes: Vec<_> = (0..100).map(|n| format!("SVC{}.{:04}", n % 7, n * 37 % 1000 + 1)).collect();
    let input: String = codes.iter().map(|code| format!("error_code={code}\n")).collect();
    let report = scan_json(input.as_bytes(), &["--max-unknown-codes", "20"]);
    let unknown = report["unknown"].as_array().expect("a list");
    let mut told: Vec<_> = unknown.iter().filter_map(|u| u["code"].as_str()).collect();
    told.sort_unstable();
    let mut wanted: Vec<_> = codes[..20].iter().map(String::as_str).chain(["other"]).collect();
    wanted.sort_unstable();
    assert_eq!(told, wanted);
    assert_eq!(count_of(&report, "other"), 80);
}

#[test]
fn discovery_can_be_switched_off() {
    let input = b"error_code=FOO.0003 Ecs.0114\n";
    assert_eq!(count_of(&scan_json(input, &[]), "FOO.0003"), 1);
    let without = scan_json(input, &["--discovery", "false"]);
    assert_eq!((count_of(&without, "FOO.0003"), count_of(&without, "Ecs.0114")), (0, 1));
}
