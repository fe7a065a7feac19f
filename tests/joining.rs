//! Lines that continue another are one record with it: as `docs/joining.md` says, whatever the
//! cuts, threads and pieces, and as a reader of real logs expects.

#[path = "../crates/core/tests/reference/mod.rs"]
mod reference;
#[path = "../crates/core/tests/subject/mod.rs"]
mod subject;

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use errtally::source::pieces::{self, Share};
use errtally_core::catalog::Catalog;
use errtally_core::engine::{Engine, Options as EngineOptions};
use errtally_core::join::JoinSettings;
use errtally_core::ledger::{Ledger, Source};
use errtally_core::pipeline::Pipeline;
use errtally_core::report::Report;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use reference::Options;
use subject::Subject;

static CATALOG: LazyLock<reference::Catalog> = LazyLock::new(subject::embedded_catalog);
static SUBJECT: LazyLock<Subject> = LazyLock::new(|| Subject::embedded(options(1 << 20)));

fn options(max_record_bytes: usize) -> Options {
    Options { join: true, max_record_bytes, ..Options::default() }
}

/// Lines and their beginnings that the rules name, and their neighbours that they do not.
const LINES: &[&str] = &[
    "",
    " ",
    "\r",
    "2026-04-02 01:10:00.700 ERROR Ecs.0114 failed",
    "[2026-04-02T01:10:00Z] Ecs.0005: request {",
    "E1125 08:00:00.1 1 a.go:3] \"Event\" message=<",
    "Nov  3 08:00:00 host app: CSS.0015",
    "1764028800 Ecs.0114",
    "12:00:01 Ecs.0114 [",
    "gave up Ecs.0114",
    "gave up",
    "warn: Ecs.0114 and more:",
    "ERROR: Ecs.0114",
    "Error: creating: Ecs.0114",
    "{\"error_code\":\"Ecs.0114\"}",
    "{\"a\":1}",
    "{",
    "  \"error_code\": \"Ecs.0114\",",
    "  \"error_msg\": \"x\" }",
    "}",
    "]",
    "} Ecs.0005 {",
    "org.example.ApiException: HTTP 400 Ecs.0114",
    "ValueError",
    "TypeError [ERR_X]: Ecs.0114",
    "Uncaught Error: Ecs.0005",
    "\tat org.example.Main(Main.java:20)",
    "    at Object.<anonymous> (/app/x.js:1:7)",
    "\tat a Ecs.0114",
    "\t... 23 more",
    "\tSuppressed: Ecs.0005",
    "Caused by: java.io.IOException: Ecs.0114",
    "Traceback (most recent call last):",
    "  File \"/srv/app/sync.py\", line 12, in call",
    "    r.raise_for_status()",
    "requests.exceptions.HTTPError: 409 Ecs.0114",
    "body: {\"error_code\":\"Ecs.0114\"}",
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
    "panic: Ecs.0114",
    "fatal error: all goroutines are asleep",
    "[signal SIGSEGV: segmentation violation]",
    "goroutine 1 [running]:",
    "main.main()",
    "created by main.run",
    "\t/app/main.go:12 +0x1d",
    "#0 /srv/a.php(12): f()",
    "#1 {main} Ecs.0114",
    "Stack trace:",
    "[stacktrace]",
    "\"}",
    "stack backtrace:",
    "   0: rust_begin_unwind",
    "             at /rustc/x",
    "   at X.Y() Ecs.0114",
    " ---> System.Exception: Ecs.0005",
    "  with huaweicloud_x.y,",
    "  on main.tf line 1:",
    "╷",
    "│ Error: Ecs.0114",
    "\x1b[31m│\x1b[0m \x1b[1mError: Ecs.0114",
    "╵",
    " 2026-04-02 indented Ecs.0005",
    "  indented Ecs.0114",
    "\ttabbed",
    "\u{e9}t\u{e9} Ecs.0114",
    "note: run with",
    "http: panic serving 127.0.0.1: Ecs.0114",
    "{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":[69,99,115,46,48,49,49,52]}",
    "{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":[27,10,9],\"A\":\"Ecs.0005\"}",
    "{\"MESSAGE\":[69,99,115,46,48,49,49,52]}",
];

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => select(LINES).prop_map(|line| line.as_bytes().to_vec()),
        1 => vec(select(&b" \t{}:.#aE0\"[\xe2\x94\x82\r"[..]), 0..9),
        1 => (250usize..260, select(LINES)).prop_map(|(n, line)| [&b"x".repeat(n)[..], line.as_bytes()].concat()),
    ]
}

/// A line as a runtime writes it, in one piece or cut.
fn wrapped(docker: bool) -> impl Strategy<Value = Vec<Vec<u8>>> {
    (select(LINES), any::<bool>(), vec(any::<Index>(), 0..3)).prop_map(move |(line, out, cuts)| {
        let line = line.replace('\r', "");
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(line.len() + 1)).collect();
        at.retain(|&at| line.is_char_boundary(at));
        at.push(line.len());
        at.sort_unstable();
        let stream = if out { "stdout" } else { "stderr" };
        let mut start = 0;
        let last = at.len() - 1;
        at.iter()
            .enumerate()
            .map(|(n, &end)| {
                let piece = &line[std::mem::replace(&mut start, end)..end];
                if docker {
                    let newline = if n == last { "\n" } else { "" };
                    let text = serde_json::to_string(&format!("{piece}{newline}")).unwrap();
                    format!("{{\"log\":{text},\"stream\":\"{stream}\",\"time\":\"2026-04-02T01:00:00Z\"}}")
                } else {
                    let tag = if n == last { "F" } else { "P" };
                    format!("2026-04-02T01:00:00.5Z {stream} {tag} {piece}")
                }
                .into_bytes()
            })
            .collect()
    })
}

/// Lines of two streams, whose pieces may come in between each other, and now and then another.
fn containers() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let many = |docker| vec((wrapped(docker), any::<bool>()), 1..12);
    (any::<bool>().prop_flat_map(many), vec((any::<Index>(), line()), 0..2)).prop_map(|(lines, others)| {
        let mut all: Vec<Vec<u8>> = Vec::new();
        for (pieces, between) in lines {
            let at = if between { all.len().saturating_sub(1) } else { all.len() };
            for (n, piece) in pieces.into_iter().enumerate() {
                all.insert((at + 2 * n).min(all.len()), piece);
            }
        }
        for (at, line) in others {
            all.insert(at.index(all.len() + 1), line);
        }
        all
    })
}

fn shown(input: &[u8]) -> String {
    input.escape_ascii().to_string().replace("\\n", "\\n\n")
}

/// Compares an input in one read, in reads and in pieces with the reference.
fn agree(
    subject: &Subject,
    options: Options,
    input: &[u8],
    cuts: &[Index],
    piece_bytes: u64,
) -> Result<(), TestCaseError> {
    let expected = reference::classify(&CATALOG, options, input);
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
    ends.push(input.len());
    ends.sort_unstable();
    let mut start = 0;
    let reads: Vec<&[u8]> =
        ends.into_iter().map(|end| &input[std::mem::replace(&mut start, end)..end]).collect();
    let show = || {
        let records = reference::join::records(input, options.max_record_bytes);
        let texts: Vec<String> = records.iter().map(|r| r.text.escape_ascii().to_string()).collect();
        format!("{}\nrecords {texts:#?}", shown(input))
    };
    let whole = subject.count([input]);
    prop_assert!(whole == expected, "{}\nlibrary   {whole}\nreference {expected}", show());
    let cut = subject.count(reads.iter().copied());
    prop_assert!(cut == expected, "cut {}\nlibrary   {cut}\nreference {expected}", show());
    let bytewise = subject.count(input.chunks(1));
    prop_assert!(bytewise == expected, "bytewise {}\nlibrary   {bytewise}\nreference {expected}", show());
    let pieces = in_pieces(options.max_record_bytes, input, Share { threads: 3, piece_bytes });
    prop_assert!(pieces == expected, "pieces {}\nlibrary   {pieces}\nreference {expected}", show());
    Ok(())
}

fn engine(max_record_bytes: usize, join: JoinSettings) -> Arc<Engine> {
    static CATALOG: LazyLock<Arc<Catalog>> =
        LazyLock::new(|| Arc::new(Catalog::embedded().expect("a catalog")));
    Arc::new(Engine::new(
        CATALOG.clone(),
        EngineOptions { max_record_bytes, join, ..EngineOptions::default() },
    ))
}

fn in_pieces(max_record_bytes: usize, input: &[u8], share: Share) -> serde_json::Value {
    let ledger = Arc::new(Ledger::new(engine(max_record_bytes, JoinSettings::default()), 1_000_000));
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(input).expect("a file");
    let pipeline = || Pipeline::new(ledger.clone(), Source::FILE);
    pieces::read(&file, input.len() as u64, share, &pipeline, &|_| ()).expect("the file is read");
    let report = Report::new(&ledger.snapshot());
    subject::comparable(&serde_json::to_value(&report).expect("a report is JSON"))
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(1200))]

    #[test]
    fn lines_as_they_were_written(
        lines in vec(line(), 1..25),
        ended in any::<bool>(),
        cuts in vec(any::<Index>(), 0..5),
        piece_bytes in 1u64..300,
    ) {
        let mut input = lines.join(&b'\n');
        input.extend(ended.then_some(b'\n'));
        agree(&SUBJECT, options(1 << 20), &input, &cuts, piece_bytes)?;
    }

    #[test]
    fn lines_of_a_container(
        lines in containers(),
        cuts in vec(any::<Index>(), 0..5),
        piece_bytes in 1u64..300,
    ) {
        agree(&SUBJECT, options(1 << 20), &lines.join(&b'\n'), &cuts, piece_bytes)?;
    }

    #[test]
    fn records_around_a_small_limit(
        lines in vec(line(), 1..25),
        cuts in vec(any::<Index>(), 0..5),
        piece_bytes in 1u64..300,
        limit in 20usize..200,
    ) {
        agree(&Subject::embedded(options(limit)), options(limit), &lines.join(&b'\n'), &cuts, piece_bytes)?;
    }
}
