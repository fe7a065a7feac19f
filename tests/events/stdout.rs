//! Events on standard output: the example log, odd records, a reader that goes or does not read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::event;
use crate::run::{exact, over};
use crate::support::daemon::Daemon;
use crate::support::{Folder, finish, has_tool, root, wait_for};

fn example() -> Vec<u8> {
    std::fs::read(root().join("examples/cloud-api.log")).expect("the example log")
}

#[test]
fn the_example_log_as_events() {
    let log = example();
    let (events, scrape) = exact(&log, &[]);
    let expected: Value = serde_json::from_slice(
        &std::fs::read(root().join("examples/cloud-api.expected.json")).expect("the expected file"),
    )
    .expect("JSON");
    // By code alone: the status of an event is the record's own.
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for event in events.iter().filter(|e| e["known"] == true) {
        *found.entry(event["code"].as_str().expect("a code")).or_default() += 1;
    }
    let mut wanted: BTreeMap<&str, u64> = BTreeMap::new();
    for hit in expected["hits"].as_array().expect("hits") {
        *wanted.entry(hit["code"].as_str().expect("a code")).or_default() +=
            hit["count"].as_u64().expect("a count");
    }
    assert_eq!(found, wanted);
    let matched = scrape.value("errtally_matched_records_total", &[("source", "stdin")]);
    assert_eq!(matched, expected["matched_records"].as_f64());
    // Each stands where its offset says, in the order of the input.
    let mut last = 0;
    let offsets: Vec<usize> =
        events.iter().map(|e| e["source"]["offset"].as_u64().expect("an offset") as usize).collect();
    for event in &events {
        let offset = event["source"]["offset"].as_u64().expect("an offset") as usize;
        assert!(offset >= last && (offset == 0 || log[offset - 1] == b'\n'), "{event}");
        let code = event["code"].as_str().expect("a code").to_ascii_lowercase();
        // A record may have several lines, which the next event's record ends at the latest.
        let next = offsets.iter().find(|next| **next > offset).copied().unwrap_or(log.len());
        let record = log[offset..next].to_ascii_lowercase();
        assert!(String::from_utf8_lossy(&record).contains(&code), "{event}");
        last = offset;
    }
}

#[test]
fn an_event_has_what_the_record_says() {
    let record = r#"{"time":"2026-11-03T09:00:00.25+01:00","level":"ERROR","trace_id":"t1","request_id":"r1","app":"web","error":{"code":"CCE.01400007","error_msg":"too many clusters"}}"#;
    let input = format!("nothing\n{record}\n");
    let (events, _) = exact(input.as_bytes(), &["--labels", "app=app", "--labels", "team=team"]);
    let rows = crate::support::run(["catalog", "list", "--format", "json"]).json();
    let rows = rows["codes"].as_array().expect("codes");
    let row = rows.iter().find(|r| r["code"] == "CCE.01400007").expect("a row");
    let wanted = json!({
        "time": "2026-11-03T08:00:00.25Z", "code": "CCE.01400007", "api_service": "CCE", "category": "quota",
        "http_status": 400, "retryable": false, "known": true, "message": "too many clusters",
        "action": row["action"], "level": "error", "trace_id": "t1", "request_id": "r1", "labels": {"app": "web"},
        "source": {"type": "stdin", "offset": 8},
    });
    assert_eq!(events, [wanted]);
}

#[test]
fn the_status_of_an_event_is_what_its_record_states() {
    let input = b"got 403 instead {\"code\":\"Ecs.0114\"}\nEcs.0114 is gone\n{\"code\":\"APIG.0308\",\"http_code\":429}\n";
    let (events, scrape) = exact(input, &[]);
    let statuses: Vec<_> = events.iter().map(|e| e["http_status"].as_u64()).collect();
    assert_eq!(statuses, [Some(403), Some(404), Some(429)]);
    // The series of a code is one.
    assert_eq!(
        scrape.value("errtally_errors_total", &[("code", "Ecs.0114"), ("http_status", "404")]),
        Some(2.0)
    );
}

#[test]
fn an_unknown_code_has_an_event_of_its_own() {
    let (events, _) = exact(b"error_code=DLI.0003 CCE.09404999 msg=\"no such table\"\n", &[]);
    let slim: Vec<_> = events
        .iter()
        .map(|e| ["code", "api_service", "category", "http_status", "known", "message"].map(|m| e[m].clone()))
        .collect();
    let row = |code: &str, service: &str, category: &str, status: Value| {
        [json!(code), json!(service), json!(category), status, json!(false), json!("no such table")]
    };
    let wanted =
        [row("DLI.0003", "DLI", "unknown", json!(null)), row("CCE.09404999", "CCE", "not_found", json!(404))];
    assert_eq!(slim, wanted);
}

#[test]
fn events_past_max_unknown_codes_still_name_their_code() {
    let input: String = (1..=30).map(|i| format!("error_code=Svc.{i:03}\n")).collect();
    let (events, scrape) = over(input.as_bytes(), &["--max-unknown-codes", "3"]);
    assert_eq!(event::codes(&events).len(), 30);
    assert_eq!(scrape.value("errtally_unknown_codes_total", &[("code", "other")]), Some(27.0));
}

/// Records that are too long to be held, among others, some with codes at their very ends.
#[test]
fn oversized_records_have_events() {
    let long = |code: &str, at: usize| {
        let mut text = vec![b'x'; 300_000];
        let code = format!(" {code} ");
        text[at..at + code.len()].copy_from_slice(code.as_bytes());
        text.push(b'\n');
        text
    };
    let mut input = b"Ecs.0114 app=web\n".to_vec();
    let mut starts = vec![0];
    for (code, at) in
        [("CSS.0015", 0), ("CSS.0015", 150_000), ("Ecs.0005", 299_985), ("CCE.09404999", 131_060)]
    {
        starts.push(input.len());
        input.extend(long(code, at));
    }
    starts.push(input.len());
    input.extend(b"Ecs.0114 level=error app=web\n");
    let args = ["--max-record-bytes", "64KiB", "--labels", "app=app", "--events-include-record"];
    let (events, scrape) = exact(&input, &args);
    let offsets: Vec<_> = events.iter().map(|e| e["source"]["offset"].as_u64().expect("an offset")).collect();
    assert_eq!(offsets, starts.iter().map(|&s| s as u64).collect::<Vec<_>>());
    let oversized: Vec<_> = events.iter().map(|e| e.get("oversized").is_some()).collect();
    assert_eq!(oversized, [false, true, true, true, true, false]);
    assert_eq!(scrape.sum("errtally_oversized_records_total", &[]), 4.0);
    assert_eq!(scrape.sum("errtally_errors_total", &[("code", "Ecs.0114"), ("app", "web")]), 2.0);
}

#[test]
fn records_with_thousands_of_codes_have_as_many_events() {
    let listing = crate::support::run(["catalog", "list", "--format", "json"]).json();
    let rows = listing["codes"].as_array().expect("codes");
    let codes: std::collections::BTreeSet<_> =
        rows.iter().map(|row| row["code"].as_str().expect("a code")).collect();
    let mut record = String::new();
    for code in &codes {
        // The colon says that it is an error, where the record is too long to say it elsewhere; a number
        // counts behind a key alone.
        let key = if code.starts_with(|c: char| c.is_ascii_digit()) { "error_code=" } else { "" };
        record.push_str(&format!("{key}{code}: "));
    }
    for i in 1..=5_000 {
        record.push_str(&format!("error_code=Svc.{i:04} "));
    }
    let input = format!("{record}\nEcs.0114\n{record}\n");
    let (events, scrape) = exact(input.as_bytes(), &["--max-unknown-codes", "10000"]);
    assert_eq!(events.len(), 2 * (codes.len() + 5_000) + 1);
    // And where such a record is too long to be held.
    let (events, held) =
        exact(input.as_bytes(), &["--max-unknown-codes", "10000", "--max-record-bytes", "16KiB"]);
    assert_eq!(events.len(), 2 * (codes.len() + 5_000) + 1);
    let by_code = |s: &crate::support::exposition::Scrape| event::counted(s);
    assert_eq!(by_code(&scrape), by_code(&held));
}

#[test]
fn the_record_goes_along_if_asked() {
    let mut input = b"Ecs.0114 \xff\x00 \"quoted\"\r\n".to_vec();
    input.extend(format!("Ecs.0005 {}\n", "é".repeat(50)).as_bytes());
    let args = ["--events-include-record", "--events-max-record-bytes", "32"];
    let (events, _) = exact(&input, &args);
    assert_eq!(events[0]["record"], "Ecs.0114 \u{fffd}\0 \"quoted\"\r");
    assert_eq!(events[0].get("record_truncated"), None);
    assert_eq!(events[1]["record"], format!("Ecs.0005 {}\u{fffd}", "é".repeat(11)));
    assert_eq!(events[1]["record_truncated"], true);
}

#[test]
fn events_are_selected_and_counts_are_not() {
    let lines = [
        "level=error Ecs.0114 CSS.0015 CCE.01400007",
        "level=WARNING Ecs.0114 error_code=DLI.0003",
        "CCE.01400007 Ecs.0001",
    ];
    let input: String = lines.iter().map(|l| format!("{l}\n")).collect();
    let selected = |args: &[&str]| {
        let (events, scrape) = over(input.as_bytes(), args);
        assert_eq!(event::counted(&scrape).values().sum::<u64>(), 7, "all hits are counted");
        events
            .iter()
            .map(|e| format!("{}@{}", e["code"].as_str().expect("a code"), e["source"]["offset"]))
            .collect::<Vec<_>>()
    };
    let (second, third) = (lines[0].len() + 1, lines[0].len() + lines[1].len() + 2);
    let at = |code: &str, offset: usize| format!("{code}@{offset}");
    assert_eq!(
        selected(&["--events-only-category", "quota"]),
        [at("CCE.01400007", 0), at("CCE.01400007", third), at("Ecs.0001", third)]
    );
    assert_eq!(selected(&["--events-only-level", "warn"]), [at("Ecs.0114", second), at("DLI.0003", second)]);
    assert_eq!(
        selected(&["--events-only-level", "none,error", "--events-only-api-service", "cce"]),
        [at("CCE.01400007", 0), at("CCE.01400007", third)]
    );
    assert_eq!(
        selected(&["--events-only-code", "dli.0003,css.0015"]),
        [at("CSS.0015", 0), at("DLI.0003", second)]
    );
    assert_eq!(selected(&["--events-only-category", "unknown"]), [at("DLI.0003", second)]);
}

#[test]
fn a_reader_that_goes_ends_it_quietly() {
    let folder = Folder::new();
    let file = folder.write("big.log", "Ecs.0114 request_id=r\n".repeat(20_000));
    let input = File::open(file).expect("the input");
    let mut daemon = Daemon::spawn_to(&["--events", "stdout"], input.into(), Stdio::piped());
    let mut first = String::new();
    // As `head -1` does: one line, then nobody reads.
    BufReader::new(daemon.stdout()).read_line(&mut first).expect("a line");
    event::parse(first.as_bytes());
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.to_lowercase().contains("error") && !log.contains("WARN"), "quietly: {log}");

    // The same while the input goes on, in the middle of a line.
    let mut daemon = Daemon::spawn_to(&["--events", "stdout"], Stdio::piped(), Stdio::piped());
    drop(daemon.stdout());
    daemon.write("Ecs.0114\nEcs.0114 and some");
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn a_reader_that_does_not_read_at_the_end() {
    let args = ["--events", "stdout", "--shutdown-timeout", "2s"];
    let mut daemon = Daemon::spawn_to(&args, Stdio::piped(), Stdio::piped());
    let mut stdout = daemon.stdout();
    daemon.write("Ecs.0114 request_id=a-request-with-some-length\n".repeat(500));
    let ready = wait_for("/readyz says 503", || {
        let answer = daemon.get("/readyz");
        (answer.status == 503).then(|| answer.text().to_owned())
    });
    assert!(ready.contains("nobody reads standard output"), "{ready}");
    // It serves all the same, and counts what was read; the rest is not read.
    let counted = daemon.scrape().sum("errtally_errors_total", &[("code", "Ecs.0114")]);
    assert_eq!(daemon.get("/healthz").status, 200);
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    let mut bytes = Vec::new();
    stdout.read_to_end(&mut bytes).expect("what is left in the pipe");
    let whole = bytes.iter().filter(|&&b| b == b'\n').count();
    let missing = counted as usize - whole;
    assert!(missing > 0, "a pipe does not hold that much");
    let said = format!("{missing} events were not delivered within shutdown_timeout");
    assert!(log.contains(&said) && log.contains("nobody reads standard output"), "{said}\n{log}");
}

#[test]
fn a_reader_that_is_slow_gets_everything() {
    let mut daemon = Daemon::spawn_to(&["--events", "stdout"], Stdio::piped(), Stdio::piped());
    let mut stdout = daemon.stdout();
    let mut input = daemon.stdin();
    let feeding = std::thread::spawn(move || {
        use std::io::Write as _;
        for i in 0..5_000 {
            writeln!(input, "Ecs.0114 request_id=r{i}").expect("it reads in the end");
        }
    });
    let mut bytes = vec![0; 100];
    stdout.read_exact(&mut bytes).expect("the first bytes");
    // Asked to stop, it must still bring what it has taken: the reader is only slow.
    feeding.join().expect("all was taken");
    let mut piece = [0; 4096];
    loop {
        let n = stdout.read(&mut piece).expect("more");
        if n == 0 {
            break;
        }
        bytes.extend_from_slice(&piece[..n]);
    }
    let events = event::parse(&bytes);
    let requests: Vec<_> =
        events.iter().map(|e| e["request_id"].as_str().expect("a request").to_owned()).collect();
    assert_eq!(requests, (0..5_000).map(|i| format!("r{i}")).collect::<Vec<_>>());
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}

/// The page's command, as it stands there.
#[test]
fn the_page_of_events_shows_what_works() {
    let page = std::fs::read_to_string(root().join("docs/events.md")).expect("the page");
    let command =
        page.lines().find(|l| l.starts_with("errtally run --events stdout <")).expect("the command");
    assert!(command.contains("| jq "), "{command}");
    if !has_tool("jq") {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "jq must be there in CI");
        println!("SKIPPED: no jq here");
        return;
    }
    let program = Path::new(env!("CARGO_BIN_EXE_errtally")).parent().expect("its folder").display();
    let path = format!("{program}:{}", std::env::var("PATH").expect("a path"));
    let listen = ("ERRTALLY_LISTEN", "127.0.0.1:0");
    let shell = finish(
        Command::new("sh")
            .args(["-c", command])
            .current_dir(root())
            .env("PATH", path)
            .env(listen.0, listen.1),
    );
    let shown = shell.ok();
    let (events, _) = exact(&example(), &[]);
    let lines: Vec<Value> = shown.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(lines.len(), events.len());
    for (line, event) in lines.iter().zip(&events) {
        assert_eq!([&line[1], &line[2], &line[3]], [&event["code"], &event["message"], &event["action"]]);
    }
    // And the event that it prints is the first one.
    let (_, rest) = page.split_once("```json\n{\"time\"").expect("an event");
    let shown = format!("{{\"time\"{}", rest.split("```").next().expect("its end"));
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown, events[0]);
}
