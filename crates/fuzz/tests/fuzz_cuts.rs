//! Whatever the reads are, the counts are those of one read.

use std::sync::{Arc, LazyLock};

use errtally_core::catalog::{Catalog, CatalogFile};
use errtally_core::engine::{Engine, Options};
use errtally_core::ledger::{Ledger, Source};
use errtally_core::pipeline::Pipeline;

/// Small, since each count is in a ledger of its own; records are short, so that windows are many.
static ENGINES: LazyLock<Vec<Arc<Engine>>> = LazyLock::new(|| {
    let text = "service: T\nfull_name: T\nsource: none\nfamilies:\n  - {prefix: ECS, grammar: NNNN}\n  - {prefix: CCE, grammar: NNNNNNNN}\ncodes: []\n";
    let file = CatalogFile { path: "t.yaml".into(), argument: 0, text: text.to_owned() };
    let catalog = Arc::new(Catalog::load([Ok(file)], false).expect("a catalog"));
    let engine = |max_record_bytes| {
        Arc::new(Engine::new(catalog.clone(), Options { max_record_bytes, ..Options::default() }))
    };
    [64, 200, 1 << 20].map(engine).into()
});

/// Everything that a report says, as text.
fn counts(engine: &Arc<Engine>, reads: &[&[u8]]) -> String {
    let ledger = Arc::new(Ledger::new(engine.clone(), 1_000));
    let mut pipeline = Pipeline::new(ledger.clone(), Source::STDIN);
    for read in reads {
        pipeline.push(read);
    }
    pipeline.finish();
    let report = errtally_core::report::Report::new(&ledger.snapshot());
    serde_json::to_string(&report).expect("a report is JSON")
}

#[test]
fn cuts() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let (text, cuts) = errtally_fuzz::text_and_cuts(bytes);
        for engine in ENGINES.iter() {
            let whole = counts(engine, &[&text]);
            assert_eq!(counts(engine, &errtally_fuzz::reads(&text, &cuts)), whole, "cuts at {cuts:?}");
        }
    });
}
