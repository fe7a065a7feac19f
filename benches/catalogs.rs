//! What the size of the catalog costs: bytes in memory to counts, with 100
//! families and 10,000 codes beside the built-in catalog, each on a corpus with
//! its own codes in the same lines otherwise.
//!
//! Both run in turn on one thread; the table has medians of seven and their
//! ratio. Counts are checked first.

mod corpus;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use corpus::{Corpus, RECIPES, Recipe, wide};
use errtally_core::catalog::Catalog;
use errtally_core::engine::{Engine, Options};
use errtally_core::framing::READ_BYTES;
use errtally_core::ledger::{Ledger, Source};
use errtally_core::pipeline::Pipeline;
use errtally_core::report::Report;

const CORPUS_BYTES: usize = 32 << 20;
const ROUNDS: usize = 7;
/// Of the corpus, in a round.
const PASSES: usize = 3;

/// A catalog's corpus and the pipeline that reads it, over and over: making
/// them is no part of what is measured.
struct Side {
    corpus: Corpus,
    pipeline: Pipeline,
    seconds: Vec<f64>,
}

impl Side {
    fn new(catalog: &Arc<Catalog>, recipe: Recipe, bytes: usize) -> Side {
        let corpus = Corpus::new(catalog, recipe, bytes);
        let engine = Arc::new(Engine::new(catalog.clone(), Options::default()));
        let ledger = Arc::new(Ledger::new(engine, 100));
        let pipeline = Pipeline::new(ledger.clone(), Source::FILE);
        let mut side = Side { corpus, pipeline, seconds: Vec::new() };
        side.pass();
        side.check(&ledger, recipe);
        side
    }

    fn pass(&mut self) {
        for read in std::hint::black_box(&self.corpus.bytes).chunks(READ_BYTES) {
            self.pipeline.push(read);
        }
        self.pipeline.finish();
    }

    fn check(&self, ledger: &Ledger, recipe: Recipe) {
        let report = Report::new(&ledger.snapshot());
        let mut hits: BTreeMap<String, u64> = BTreeMap::new();
        for hit in report.hits {
            *hits.entry(hit.code).or_default() += hit.count;
        }
        let expected = &self.corpus.expected;
        assert_eq!(
            (report.records, report.bytes, report.matched_records, report.malformed_json_records),
            (expected.records, expected.bytes, expected.matched, 0),
            "records, bytes, matched and malformed records of {recipe}"
        );
        assert_eq!(hits, expected.hits, "hits of {recipe}");
        assert!(report.unknown.is_empty(), "unknown codes in {recipe}: {:?}", report.unknown);
    }

    fn round(&mut self) {
        let started = Instant::now();
        for _ in 0..PASSES {
            self.pass();
        }
        self.seconds.push(started.elapsed().as_secs_f64());
    }

    /// GB/s, the median of all rounds.
    fn speed(&mut self) -> f64 {
        self.seconds.sort_unstable_by(f64::total_cmp);
        (self.corpus.bytes.len() * PASSES) as f64 / self.seconds[self.seconds.len() / 2] / 1e9
    }
}

fn main() {
    let has = |flag: &str| std::env::args().any(|a| a == flag);
    let (measure, json) = (has("--bench"), has("--json"));
    let embedded = Arc::new(Catalog::embedded().expect("the embedded catalog loads"));
    let wide = Arc::new(wide::catalog());
    // One corpus alone, to be profiled: `-- wide "json 1/1"`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if let [which, recipe] = wanted.as_slice() {
        let recipe = RECIPES.into_iter().find(|r| r.to_string() == *recipe).expect("a recipe");
        let mut side = Side::new(if which == "wide" { &wide } else { &embedded }, recipe, CORPUS_BYTES);
        for _ in 0..5 * ROUNDS {
            side.round();
        }
        println!("{which} {recipe}: {:.3} GB/s", side.speed());
        return;
    }
    if measure && !json {
        let codes = |c: &Catalog| format!("{} codes", c.codes().len());
        println!("{:12} {:>11} {:>12} {:>7}", "GB/s", codes(&embedded), codes(&wide), "ratio");
    }
    let mut rows = Vec::new();
    for recipe in RECIPES {
        let bytes = if measure { CORPUS_BYTES } else { 1 << 20 };
        let mut sides = [&embedded, &wide].map(|catalog| Side::new(catalog, recipe, bytes));
        if !measure {
            continue;
        }
        for _ in 0..ROUNDS {
            sides.iter_mut().for_each(Side::round);
        }
        let [few, many] = sides.each_mut().map(Side::speed);
        rows.push(serde_json::json!({"corpus": recipe.to_string(), "embedded": few, "wide": many}));
        if !json {
            println!("{:12} {few:11.3} {many:12.3} {:7.2}", recipe.to_string(), many / few);
        }
    }
    if measure && json {
        println!("{}", serde_json::Value::from(rows));
    }
}
