//! Each stage alone, so that a slower whole can be traced to its part.
//!
//! Every stage is first held to what the corpus is known to contain; a wrong
//! count fails the bench before anything is measured.

mod corpus;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use corpus::{Corpus, RECIPES, Recipe};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use errtally::config::Settings;
use errtally::metrics::{Exporter, Shown};
use errtally_core::catalog::{Catalog, RowId};
use errtally_core::classify::{self, What};
use errtally_core::count::Tally;
use errtally_core::engine::{Engine, Options};
use errtally_core::framing::{Block, LineBuffer, READ_BYTES};
use errtally_core::labels::OwnSets;
use errtally_core::ledger::{Account, Ledger, Source};
use errtally_core::parse::{Parser, looks_like_json};
use errtally_core::sweep::Sweep;

const CORPUS_BYTES: usize = 8 << 20;

fn main() {
    divan::main();
}

fn prepare(recipe: Recipe) -> (Corpus, Arc<Engine>) {
    let catalog = Catalog::embedded().expect("the embedded catalog loads");
    let corpus = Corpus::new(&catalog, recipe, CORPUS_BYTES);
    (corpus, Arc::new(Engine::new(Arc::new(catalog), Options::default())))
}

/// Copies the corpus through the rolling buffer and gives `each` the blocks.
fn frame(bytes: &[u8], mut each: impl FnMut(&[u8])) {
    let mut lines = LineBuffer::new(Options::default().max_record_bytes);
    let mut rest = bytes;
    while !rest.is_empty() {
        let space = lines.space();
        let n = space.len().min(rest.len()).min(READ_BYTES);
        space[..n].copy_from_slice(&rest[..n]);
        rest = &rest[n..];
        lines.filled(n);
        while let Some(block) = lines.next(rest.is_empty()) {
            match block {
                Block::Lines { bytes, .. } => {
                    each(bytes);
                    let taken = bytes.len();
                    lines.take(taken);
                }
                Block::Window { .. } => panic!("no line of a corpus is that long"),
            }
        }
    }
}

/// What reads and whole lines cost, which every byte pays.
#[divan::bench(args = &RECIPES[..1])]
fn framing(bencher: Bencher<'_, '_>, recipe: &Recipe) {
    let (corpus, _) = prepare(*recipe);
    let (mut records, mut bytes) = (0, 0);
    frame(&corpus.bytes, |block| {
        assert_eq!(block.last(), Some(&b'\n'), "a block ends within a line");
        records += block.iter().filter(|&&b| b == b'\n').count() as u64;
        bytes += block.len() as u64;
    });
    assert_eq!((records, bytes), (corpus.expected.records, corpus.expected.bytes));
    bencher.counter(BytesCount::of_slice(&corpus.bytes)).bench_local(|| {
        frame(black_box(&corpus.bytes), |block| {
            black_box(block);
        });
    });
}

/// Counting newlines and nothing else: what no search can be faster than.
#[divan::bench(args = &RECIPES[..1])]
fn newlines(bencher: Bencher<'_, '_>, recipe: &Recipe) {
    let (corpus, _) = prepare(*recipe);
    let count = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count();
    assert_eq!(count(&corpus.bytes) as u64, corpus.expected.records);
    bencher.counter(BytesCount::of_slice(&corpus.bytes)).bench_local(|| count(black_box(&corpus.bytes)));
}

/// The corpus cut into blocks as the pipeline sees them.
fn blocks(corpus: &Corpus) -> Vec<Vec<u8>> {
    let mut blocks = Vec::new();
    frame(&corpus.bytes, |block| blocks.push(block.to_vec()));
    blocks
}

/// Newlines and places of all blocks.
fn sweep_all(sweep: &Sweep, blocks: &[Vec<u8>], places: &mut Vec<u32>) -> (usize, usize) {
    let mut found = (0, 0);
    for block in blocks {
        found.0 += sweep.run(block, places);
        found.1 += places.len();
    }
    found
}

/// Codes at the places, as many times as they stand there: what a key leads to has a place of its own.
fn known(engine: &Engine, blocks: &[(Vec<u8>, Vec<u32>)]) -> u64 {
    let mut codes = 0;
    for (block, places) in blocks {
        let mut last = 0;
        for &place in places {
            classify::at_place(engine.catalog(), engine.rules(), block, place as usize, |sighting| {
                codes += u64::from(sighting.end > last && matches!(sighting.what, What::Known(_)));
                last = sighting.end;
            });
        }
    }
    codes
}

/// The blocks with their places, after making sure that they lead to every
/// code in the corpus, as often as it stands there, and to no other.
fn with_places(engine: &Engine, sweep: &Sweep, corpus: &Corpus) -> Vec<(Vec<u8>, Vec<u32>)> {
    let mut newlines = 0;
    let blocks: Vec<_> = blocks(corpus)
        .into_iter()
        .map(|block| {
            let mut places = Vec::new();
            newlines += sweep.run(&block, &mut places);
            (block, places)
        })
        .collect();
    assert_eq!(newlines as u64, corpus.expected.records, "newlines by {}", sweep.name());
    assert_eq!(known(engine, &blocks), corpus.expected.occurrences, "codes by {}", sweep.name());
    blocks
}

/// The search that every byte goes through: the fastest of this processor.
#[divan::bench(args = RECIPES)]
fn sweep(bencher: Bencher<'_, '_>, recipe: Recipe) {
    let (corpus, engine) = prepare(recipe);
    measure_sweep(bencher, &corpus, &engine, engine.sweep());
}

/// The same by literals, as on processors without AVX2.
#[divan::bench(args = RECIPES)]
fn sweep_literal(bencher: Bencher<'_, '_>, recipe: Recipe) {
    let (corpus, engine) = prepare(recipe);
    measure_sweep(bencher, &corpus, &engine, &Sweep::literal(engine.catalog(), &engine.options().keys()));
}

fn measure_sweep(bencher: Bencher<'_, '_>, corpus: &Corpus, engine: &Engine, sweep: &Sweep) {
    let blocks: Vec<Vec<u8>> =
        with_places(engine, sweep, corpus).into_iter().map(|(block, _)| block).collect();
    let mut places = Vec::new();
    bencher
        .counter(BytesCount::of_slice(&corpus.bytes))
        .bench_local(|| sweep_all(sweep, black_box(&blocks), &mut places));
}

/// Judging what stands at the places, nearly all of them false at 1/1000.
#[divan::bench(args = RECIPES)]
fn judging(bencher: Bencher<'_, '_>, recipe: Recipe) {
    let (corpus, engine) = prepare(recipe);
    let blocks = with_places(&engine, engine.sweep(), &corpus);
    let places: usize = blocks.iter().map(|(_, places)| places.len()).sum();
    bencher.counter(ItemsCount::new(places)).bench_local(|| known(&engine, black_box(&blocks)));
}

/// Telling JSON from what only begins like it. Records without a code never
/// come here; where every line holds one, all do.
#[divan::bench(args = &RECIPES[2..3])]
fn json_validity(bencher: Bencher<'_, '_>, recipe: &Recipe) {
    let (corpus, _) = prepare(*recipe);
    let records: Vec<&[u8]> = corpus.bytes.split_inclusive(|&b| b == b'\n').collect();
    let mut parser = Parser::default();
    let mut count =
        |records: &[&[u8]]| records.iter().filter(|r| looks_like_json(r) && parser.parses(r)).count();
    assert_eq!(count(&records) as u64, corpus.expected.matched);
    let cut: Vec<&[u8]> = records.iter().map(|r| &r[..r.len() - 2]).collect();
    assert_eq!(count(&cut), 0, "records without their last brace");
    bencher.counter(BytesCount::of_slice(&corpus.bytes)).bench_local(|| count(black_box(&records)));
}

/// A tally with one hit of every row, the most that a block can bring.
fn full_tally(catalog: &Catalog) -> Tally {
    let mut tally = Tally::new(catalog, 0);
    for row in 0..catalog.rows().len() {
        tally.begin_record();
        tally.hit(RowId(row as u32));
    }
    tally.records = catalog.rows().len() as u64;
    tally.matched = tally.records;
    tally
}

fn full_ledger(engine: &Arc<Engine>) -> Arc<Ledger> {
    let ledger = Arc::new(Ledger::new(engine.clone(), 100));
    ledger.commit(Source::STDIN, engine, &mut OwnSets::new(0, 0), &mut full_tally(engine.catalog()));
    ledger
}

fn embedded() -> Arc<Engine> {
    let catalog = Catalog::embedded().expect("the embedded catalog loads");
    Arc::new(Engine::new(Arc::new(catalog), Options::default()))
}

/// One block's counts into the ledger, all rows hit.
#[divan::bench]
fn commit(bencher: Bencher<'_, '_>) {
    let engine = embedded();
    let ledger = full_ledger(&engine);
    assert!(ledger.snapshot().rows.iter().all(|account| account.count() == 1));
    let mut sets = OwnSets::new(0, 0);
    bencher
        .with_inputs(|| full_tally(engine.catalog()))
        .bench_local_refs(|tally| ledger.commit(Source::STDIN, &engine, &mut sets, tally));
}

/// A copy of all counts, for which the readers wait.
#[divan::bench]
fn snapshot(bencher: Bencher<'_, '_>) {
    let engine = embedded();
    let ledger = full_ledger(&engine);
    assert_eq!(
        ledger.snapshot().rows.iter().map(Account::count).sum::<u64>(),
        engine.catalog().rows().len() as u64
    );
    bencher.bench_local(|| black_box(&ledger).snapshot());
}

/// A scrape's body with every series there is.
#[divan::bench(args = ["text", "openmetrics"])]
fn exposition(bencher: Bencher<'_, '_>, format: &str) {
    let engine = embedded();
    let settings = Settings::default();
    let shown =
        Shown { zero_init: settings.zero_init, code_info: settings.code_info, label_expiry: Duration::ZERO };
    let shown = Arc::new(ArcSwap::from_pointee(shown));
    let exporter = Exporter::new(full_ledger(&engine), shown, None);
    let write = || if format == "text" { exporter.text() } else { exporter.openmetrics() };
    let text = write();
    let series = |name: &str| text.lines().filter(|l| l.starts_with(name)).count();
    let catalog = engine.catalog();
    let rows = (0..catalog.rows().len() as u32).map(RowId).filter(|&row| catalog.series(row) == row).count();
    assert_eq!(series("errtally_errors_total{"), rows);
    assert_eq!(series("errtally_code_info{"), rows);
    assert_eq!(series("errtally_code_last_seen_timestamp_seconds{"), engine.catalog().codes().len());
    bencher.counter(BytesCount::of_str(&text)).bench_local(write);
}
