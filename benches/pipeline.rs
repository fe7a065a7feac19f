//! End to end in memory: from bytes to counts in the ledger, no I/O.
//!
//! The bytes are copied into the pipeline's buffer as a read would copy them,
//! in reads of the same size. A corpus whose counts come out wrong is not
//! measured: the bench fails.

mod corpus;

use std::collections::BTreeMap;
use std::sync::Arc;

use corpus::{Corpus, Expected, RECIPES, Recipe};
use divan::Bencher;
use divan::counter::BytesCount;
use errtally_core::catalog::Catalog;
use errtally_core::classify::discovery::Keys;
use errtally_core::engine::{Engine, Options};
use errtally_core::framing::READ_BYTES;
use errtally_core::ledger::{Ledger, Source};
use errtally_core::pipeline::Pipeline;
use errtally_core::report::Report;
use errtally_core::sweep::Sweep;

/// More than a second-level cache holds, so that the copy comes from farther
/// away, as it does out of the kernel.
const CORPUS_BYTES: usize = 16 << 20;

fn main() {
    divan::main();
}

fn count(engine: &Arc<Engine>, bytes: &[u8]) -> Arc<Ledger> {
    let ledger = Arc::new(Ledger::new(engine.clone(), 100));
    let mut pipeline = Pipeline::new(ledger.clone(), Source::FILE);
    for read in bytes.chunks(READ_BYTES) {
        pipeline.push(read);
    }
    pipeline.finish();
    ledger
}

fn check(ledger: &Ledger, expected: &Expected, recipe: Recipe) {
    let report = Report::new(&ledger.snapshot());
    let mut hits: BTreeMap<String, u64> = BTreeMap::new();
    for hit in report.hits {
        *hits.entry(hit.code).or_default() += hit.count;
    }
    assert_eq!(
        (report.records, report.bytes, report.matched_records),
        (expected.records, expected.bytes, expected.matched),
        "records, bytes and matched records of {recipe}"
    );
    assert_eq!(hits, expected.hits, "hits of {recipe}");
    assert!(report.unknown.is_empty(), "unknown codes in {recipe}: {:?}", report.unknown);
    assert_eq!(report.malformed_json_records, 0, "malformed records in {recipe}");
}

/// Every corpus, with all defaults.
#[divan::bench(args = RECIPES, sample_count = 25, sample_size = 1)]
fn end_to_end(bencher: Bencher<'_, '_>, recipe: Recipe) {
    run(bencher, recipe, Options::default(), Sweep::new);
}

/// Every corpus, with the search of processors without AVX2.
#[divan::bench(args = RECIPES, sample_count = 25, sample_size = 1)]
fn literal_search(bencher: Bencher<'_, '_>, recipe: Recipe) {
    run(bencher, recipe, Options::default(), Sweep::literal);
}

/// Without discovery, which needs places of its own.
#[divan::bench(args = RECIPES, sample_count = 25, sample_size = 1)]
fn without_discovery(bencher: Bencher<'_, '_>, recipe: Recipe) {
    run(bencher, recipe, Options { discovery: false, ..Options::default() }, Sweep::new);
}

fn run(bencher: Bencher<'_, '_>, recipe: Recipe, options: Options, sweep: fn(&Catalog, &Keys) -> Sweep) {
    let catalog = Catalog::embedded().expect("the embedded catalog loads");
    let corpus = Corpus::new(&catalog, recipe, CORPUS_BYTES);
    let sweep = sweep(&catalog, &options.keys());
    let engine = Arc::new(Engine::with_sweep(Arc::new(catalog), options, sweep));
    check(&count(&engine, &corpus.bytes), &corpus.expected, recipe);
    bencher
        .counter(BytesCount::of_slice(&corpus.bytes))
        .bench_local(|| count(&engine, divan::black_box(&corpus.bytes)));
}
