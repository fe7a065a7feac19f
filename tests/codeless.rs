//! Lines without a code, full of the spellings of codes: none is counted.
//!
//! `CODELESS_MIB` makes the log longer; what is recorded was read of 1,024.

#[path = "../benches/corpus/mod.rs"]
mod corpus;

use std::sync::Arc;

use aho_corasick::AhoCorasick;
use corpus::{Corpus, Kind, Recipe};
use errtally_core::catalog::Catalog;
use errtally_core::engine::{Engine, Options};
use errtally_core::ledger::{Ledger, Source};
use errtally_core::pipeline::Pipeline;
use errtally_core::report::Report;

/// Of a long log as much as is made, read and forgotten at a time.
const PART_MIB: usize = 32;

fn mib() -> usize {
    let set = std::env::var("CODELESS_MIB").ok();
    set.map_or(PART_MIB, |text| text.parse().expect("CODELESS_MIB is a number of MiB"))
}

#[test]
fn no_code_is_seen_where_none_stands() {
    let catalog = Arc::new(Catalog::embedded().expect("the built-in catalog loads"));
    let engine = Arc::new(Engine::new(catalog.clone(), Options::default()));
    let ledger = Arc::new(Ledger::new(engine, 1000));
    let mut pipeline = Pipeline::new(ledger.clone(), Source::FILE);
    let mut generator = corpus::Generator::new(&catalog, Recipe { kind: Kind::Codeless, one_in: 1 });
    let mut part = Vec::new();
    let mut spelled = 0;
    let spellings: Vec<_> = catalog.codes().iter().map(|code| code.spelling.as_bytes()).collect();
    let spellings =
        AhoCorasick::builder().ascii_case_insensitive(true).build(spellings).expect("an automaton");
    for done in (0..mib()).step_by(PART_MIB) {
        part.clear();
        while part.len() < PART_MIB.min(mib() - done) << 20 {
            generator.line(&mut part);
        }
        if done == 0 {
            spelled = spellings.find_iter(&part).count();
        }
        pipeline.push(&part);
    }
    pipeline.finish();
    let report = Report::new(&ledger.snapshot());
    assert_eq!(report.bytes, generator.expected.bytes, "all was read");
    let seen: Vec<_> = report.hits.iter().map(|hit| (&hit.code, hit.count)).collect();
    let unknown: Vec<_> = report.unknown.iter().map(|hit| (&hit.code, hit.count)).collect();
    assert!(seen.is_empty() && unknown.is_empty(), "seen where none stands: {seen:?} {unknown:?}");
    // Else the log would prove nothing.
    assert!(spelled > 50_000, "{spelled} spellings of codes in the first {PART_MIB} MiB");
}

#[test]
fn a_longer_log_begins_with_the_shorter() {
    let catalog = Catalog::embedded().expect("the built-in catalog loads");
    let recipe = Recipe { kind: Kind::Codeless, one_in: 1 };
    let (short, long) = (Corpus::new(&catalog, recipe, 1 << 16), Corpus::new(&catalog, recipe, 1 << 17));
    assert!(long.bytes.starts_with(&short.bytes));
}
