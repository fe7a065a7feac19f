//! A file counts the same whoever reads it: in one go, or in pieces of any size by any number of threads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use errtally::source::pieces::{self, Share};
use errtally_core::catalog::{Catalog, RowId};
use errtally_core::engine::{Engine, Options};
use errtally_core::enrich::{Extraction, Label, Plan};
use errtally_core::ledger::{Ledger, RowKey, Snapshot, Source};
use errtally_core::pipeline::Pipeline;
use proptest::collection::vec;
use proptest::prelude::*;

/// What is counted, and with which limits.
struct Subject {
    engine: Arc<Engine>,
    max_unknown_codes: usize,
    max_label_sets: usize,
    plan: Arc<Plan>,
    labels: Vec<String>,
}

impl Subject {
    fn new(max_record_bytes: usize, max_unknown_codes: usize, max_label_sets: Option<usize>) -> Subject {
        static CATALOG: LazyLock<Arc<Catalog>> =
            LazyLock::new(|| Arc::new(Catalog::embedded().expect("the built-in catalog loads")));
        let label = |name: &str| Label { name: name.to_owned(), paths: vec![name.to_owned()] };
        let labels = if max_label_sets.is_some() { vec![label("app"), label("team")] } else { Vec::new() };
        let most = max_label_sets.unwrap_or(0);
        let plan =
            Plan::new(&Extraction { labels: labels.clone(), max_label_sets: most, ..Extraction::default() })
                .expect("a plan");
        let options = Options { max_record_bytes, ..Options::default() };
        Subject {
            engine: Arc::new(Engine::new(CATALOG.clone(), options)),
            max_unknown_codes,
            max_label_sets: most,
            plan: Arc::new(plan),
            labels: labels.into_iter().map(|l| l.name).collect(),
        }
    }

    fn ledger(&self) -> Arc<Ledger> {
        let engine = self.engine.clone();
        Arc::new(Ledger::with_labels(engine, self.max_unknown_codes, &self.labels, self.max_label_sets))
    }

    fn pipeline(&self, ledger: &Arc<Ledger>) -> Pipeline {
        Pipeline::with_plan(ledger.clone(), Source::FILE, self.plan.clone(), None)
    }

    fn in_one_go(&self, input: &[u8]) -> String {
        let ledger = self.ledger();
        let mut pipeline = self.pipeline(&ledger);
        pipeline.push(input);
        pipeline.finish();
        shown(&ledger.snapshot())
    }

    fn in_pieces(&self, input: &[u8], share: Share) -> String {
        let ledger = self.ledger();
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(input).expect("a file");
        self.read(&file, input.len() as u64, share, &ledger);
        shown(&ledger.snapshot())
    }

    fn read(&self, file: &File, size: u64, share: Share, ledger: &Arc<Ledger>) {
        let progress = AtomicU64::new(0);
        let done = |bytes| {
            progress.fetch_add(bytes, Ordering::Relaxed);
        };
        pieces::read(file, size, share, &|| self.pipeline(ledger), &done).expect("the file is read");
        assert_eq!(progress.into_inner(), size);
    }
}

/// All that is counted: times aside, and with the unknown codes in their order.
fn shown(snapshot: &Snapshot) -> String {
    let catalog = snapshot.engine.catalog();
    let mut rows: BTreeMap<(RowKey, String), u64> = BTreeMap::new();
    for (i, account) in snapshot.rows.iter().enumerate() {
        for (set, series) in account.all().filter(|(_, series)| series.count > 0) {
            let labels: Vec<_> = snapshot.labels_of(set).collect();
            rows.insert((RowKey::new(catalog, RowId(i as u32)), format!("{labels:?}")), series.count);
        }
    }
    let unknown: Vec<_> = snapshot.unknown.iter().map(|u| (&u.code, &u.api_service, u.count)).collect();
    format!("{:#?}\nreplaced {:?}\n{rows:#?}\n{unknown:#?}", snapshot.sources, snapshot.replaced)
}

/// Lines and parts of lines, of which some are too long and some hold a newline or two.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let text = |text: &'static str| Just(text.as_bytes().to_vec());
    prop_oneof![
        3 => text("\n"),
        1 => text("\r\n"),
        2 => text(" Ecs.0114 "),
        1 => text("Ecs.1000 http_status=404"),
        1 => text("{\"code\":\"CSS.0015\",}\n"),
        3 => (0..9u32, 0..9u32).prop_map(|(a, b)| {
            format!("{{\"app\":\"a{a}\",\"team\":\"t{b}\",\"code\":\"CCE.01400007\"}}\n").into_bytes()
        }),
        2 => (0..30u32).prop_map(|n| format!(" error_code=Svc.{n:04} ").into_bytes()),
        1 => (0..300usize).prop_map(|n| vec![b'.'; n]),
    ]
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn pieces_and_threads_make_no_difference(
        parts in vec(part(), 1..60),
        threads in 1usize..6,
        piece_bytes in prop_oneof![1u64..20, 20u64..600],
        max_record_bytes in prop_oneof![Just(64usize), Just(1 << 20)],
        max_unknown_codes in prop_oneof![Just(0usize), Just(5), Just(100)],
        max_label_sets in prop_oneof![Just(None), Just(Some(5usize)), Just(Some(100))],
    ) {
        let input = parts.concat();
        prop_assume!(!input.is_empty());
        let subject = Subject::new(max_record_bytes, max_unknown_codes, max_label_sets);
        let (one, several) = (subject.in_one_go(&input), subject.in_pieces(&input, Share { threads, piece_bytes }));
        prop_assert!(one == several, "{}\nin one go {one}\nin pieces {several}", input.escape_ascii());
    }
}

/// One line for every place that its end may have beside the end of a piece.
#[test]
fn lines_at_the_edge_of_a_piece() {
    let subject = Subject::new(1 << 20, 100, None);
    for end in ["\n", "\r\n", "\n\n", "", "\n\n\n\n"] {
        for before in 50..80 {
            let input = format!("{}Ecs.0114{end}CSS.0015{end}Ecs.0114{end}", " ".repeat(before));
            for piece_bytes in [1, 8, 64] {
                let share = Share { threads: 3, piece_bytes };
                assert_eq!(subject.in_one_go(input.as_bytes()), subject.in_pieces(input.as_bytes(), share));
            }
        }
    }
}

#[test]
fn a_line_longer_than_many_pieces_and_than_the_limit() {
    let mut input = b"Ecs.0114\n".repeat(1000);
    for n in 0..20_000 {
        input.extend_from_slice(format!("error_code=Svc.{n:05} CSS.0015 ").as_bytes());
    }
    input.extend_from_slice(b"\nerror_code=Late.0001\n");
    input.extend_from_slice(&b"CCE.01400007\n".repeat(10_000));
    for max_record_bytes in [1 << 10, 1 << 18, 1 << 20] {
        // All of its codes are told apart, or some, and then those that come first.
        for max_unknown_codes in [100_000, 20_000, 1000] {
            let subject = Subject::new(max_record_bytes, max_unknown_codes, None);
            let one = subject.in_one_go(&input);
            for (threads, piece_bytes) in [(1, 10_000), (2, 10_000), (8, 4096), (3, 1 << 20)] {
                assert!(
                    one == subject.in_pieces(&input, Share { threads, piece_bytes }),
                    "{max_record_bytes}"
                );
            }
        }
    }
}

/// More than a thread may hold until its turn: unknown codes, and combinations of labels.
#[test]
fn more_that_is_new_than_may_be_held() {
    let mut input = Vec::new();
    for n in 0..40_000u32 {
        let app = n.wrapping_mul(2_654_435_761) % 30_000;
        writeln!(input, "{{\"app\":\"{app}\",\"code\":\"Ecs.0114\",\"errorCode\":\"S.{n:05}\"}}")
            .expect("memory");
    }
    for (max_unknown_codes, max_label_sets) in [(100_000, 100_000), (1000, 1000), (0, 1)] {
        let subject = Subject::new(1 << 20, max_unknown_codes, Some(max_label_sets));
        let one = subject.in_one_go(&input);
        for share in [Share { threads: 4, piece_bytes: 1 << 20 }, Share { threads: 2, piece_bytes: 1 << 16 }]
        {
            assert!(one == subject.in_pieces(&input, share), "{max_unknown_codes} {max_label_sets}");
        }
    }
}

#[test]
fn what_is_added_meanwhile_is_read_too() {
    let subject = Subject::new(1 << 20, 100, None);
    for (first, added) in [
        ("Ecs.0114\n", "CSS.0015\nCSS.0015"),
        ("Ecs.0114\nEcs.01", "14\nCSS.0015\n"),
        ("Ecs.0114\nEcs.01", "14"),
        ("Ecs.0114\n", ""),
        ("Ecs.0114", "\n"),
        ("Ecs.0114", "\n\n"),
    ] {
        // Longer than one read behind the end.
        for long in [0, 16 << 10, 40_000] {
            let all = format!("{first}{}{added}", ".".repeat(long));
            for piece_bytes in [4, 1 << 20] {
                let (ledger, mut file) = (subject.ledger(), tempfile::tempfile().expect("a file"));
                file.write_all(all.as_bytes()).expect("a file");
                subject.read(&file, first.len() as u64, Share { threads: 2, piece_bytes }, &ledger);
                assert_eq!(shown(&ledger.snapshot()), subject.in_one_go(all.as_bytes()), "{first:?} {long}");
            }
        }
    }
}

#[test]
fn a_file_that_is_shorter_than_it_was_is_an_error() {
    let subject = Subject::new(1 << 20, 100, None);
    // By many pages, or within the last.
    for (threads, size) in [(1, 2_000_000), (2, 2_000_000), (4, 2_000_000), (2, 900_001)] {
        let (ledger, mut file) = (subject.ledger(), tempfile::tempfile().expect("a file"));
        file.write_all(&b"Ecs.0114\n".repeat(100_000)).expect("a file");
        let share = Share { threads, piece_bytes: 1 << 16 };
        let error =
            pieces::read(&file, size, share, &|| subject.pipeline(&ledger), &|_| ()).expect_err("short");
        assert!(error.to_string().contains("cut short"), "{error}");
        let (_, counts) = ledger.snapshot().sources[0];
        assert!(counts.matched >= 100_000 - 1, "what is there is counted: {counts:?}");
    }
}
