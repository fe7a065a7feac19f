//! What is written at a scrape, byte for byte beside what the `prometheus` crate writes of the same counts.

mod collected;
mod reference;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use errtally::metrics::CodeInfo;
use errtally::metrics::{Exporter, Shown};
use errtally_core::catalog::{Catalog, Category, RowId, ServiceId};
use errtally_core::count::Tally;
use errtally_core::engine::{Engine, Options};
use errtally_core::fields::time::Moment;
use errtally_core::labels::OwnSets;
use errtally_core::ledger::{Ledger, Source};
use proptest::collection::vec;
use proptest::prelude::*;

/// A hit: row, labels, late, trace and request.
type Hit = (u32, [String; 2], bool, Option<(String, String)>);

#[derive(Clone, Debug)]
struct Case {
    labels: usize,
    hits: Vec<Hit>,
    /// Number, of a known family, late.
    unknown: Vec<(u32, bool, bool)>,
    /// A catalog with fewer rows comes after, and the hits once more.
    reload: bool,
    shown: Shown,
}

/// Values that a format may stumble over; in one order as they are, and in others with escapes or quotes.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(String::new()),
        3 => "[a-c]",
        2 => "a[ !\"#\\\\\n]b?",
        1 => "[\"\\\\\n\r\t{}=,# é\u{2028}\u{7f}\u{0}🦀a]{0,9}",
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let ids = prop::option::of((value(), value()));
    let hit = (0..489u32, [value(), value()], prop::bool::weighted(0.2), ids);
    let shown = (
        prop::sample::subsequence(Category::CATALOG.to_vec(), 0..4),
        any::<bool>(),
        // Never, all that is labelled and counted before, none of it.
        prop::sample::select(vec![Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(3600)]),
    );
    let unknown = vec((0..9u32, any::<bool>(), any::<bool>()), 0..20);
    (0..=2usize, vec(hit, 0..300), unknown, any::<bool>(), shown).prop_map(
        |(labels, hits, unknown, reload, (zero_init, all, label_expiry))| {
            let code_info = if all { CodeInfo::All } else { CodeInfo::Seen };
            let shown = Shown { zero_init, code_info, label_expiry };
            Case { labels, hits, unknown, reload, shown }
        },
    )
}

fn engine(catalog: Catalog) -> Arc<Engine> {
    Arc::new(Engine::new(Arc::new(catalog), Options::default()))
}

/// One service whose code has messages that need escapes, and no code of the other catalog but one.
fn small() -> Catalog {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("small.yaml");
    std::fs::write(&file, SMALL).expect("a file");
    errtally::files::load_catalog(&[file], false).unwrap_or_else(|problems| panic!("{problems:?}"))
}

const SMALL: &str = r#"service: "O\"DD\\ "
full_name: A service
source: "Nowhere"
families:
  - {prefix: Ecs, grammar: NNNN}
codes:
  - code: Ecs.0114
    http_status: 404
    message: "Instance \"x\"\\ could\nnot be found."
    category: not_found
    retryable: false
    action: "Say \"é\\\" again"
  - code: Ecs.0115
    message: "\\\""
    category: internal
    retryable: true
    action: "\\"
"#;

fn count(ledger: &Ledger, engine: &Arc<Engine>, case: &Case) {
    let mut sets = OwnSets::new(case.labels, 30);
    let mut tally = Tally::new(engine.catalog(), case.labels);
    let rows = engine.catalog().rows().len() as u32;
    for (row, labels, late, ids) in &case.hits {
        let (set, _) = sets.own.number(labels[..case.labels].iter().map(String::as_str));
        tally.begin_record();
        let ids = ids.as_ref().filter(|(trace, request)| !trace.is_empty() || !request.is_empty());
        let ids = ids.map(|(trace, request)| (trace.as_str(), request.as_str(), Moment::now()));
        tally.hit_labelled(RowId(row % rows), set, *late, ids);
    }
    for (number, family, late) in &case.unknown {
        let spelling = format!("Svc.{number}{family}");
        tally.begin_record();
        let category = Category::CATALOG[*number as usize];
        tally.first_unknown(&spelling, family.then_some(ServiceId(0)), category, category);
        tally.hit_unknown(&spelling, *late);
    }
    tally.records = (case.hits.len() + case.unknown.len()) as u64;
    tally.matched = tally.records;
    ledger.commit(Source::STDIN, engine, &mut sets, &mut tally);
}

#[track_caller]
fn assert_same(written: &str, wanted: &str) {
    for (written, wanted) in written.lines().zip(wanted.lines()) {
        assert_eq!(written, wanted);
    }
    assert_eq!(written.len(), wanted.len());
}

fn check(case: &Case, large: &Arc<Engine>, small: &Arc<Engine>) {
    let names: Vec<String> = ["app", "team"][..case.labels].iter().map(ToString::to_string).collect();
    let ledger = Arc::new(Ledger::with_labels(large.clone(), 5, &names, 30));
    let shown = Arc::new(ArcSwap::from_pointee(case.shown.clone()));
    let exporter = Exporter::new(ledger.clone(), shown, None);
    let reloads = if case.reload { &[large, small, large][..] } else { &[large] };
    for (i, engine) in reloads.iter().enumerate() {
        if i > 0 {
            ledger.replace((*engine).clone(), 5);
        }
        count(&ledger, engine, case);
        // Times are those of a commit: with the shortest expiry they are over by now.
        std::thread::sleep(Duration::from_micros(10));
        let collected = || collected::families(&ledger.snapshot(), &case.shown);
        assert_same(&exporter.text(), &reference::text(collected()));
        assert_same(&exporter.openmetrics(), &reference::openmetrics(collected()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn both_formats_are_what_others_write(case in case()) {
        static ENGINES: std::sync::OnceLock<[Arc<Engine>; 2]> = std::sync::OnceLock::new();
        let [large, small] = ENGINES
            .get_or_init(|| [engine(Catalog::embedded().expect("a catalog")), engine(small())]);
        check(&case, large, small);
    }
}
