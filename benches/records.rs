//! What it costs to look into records: every line has a code, and labels or
//! events ask for its fields. Held beside simd-json's tape of the same lines,
//! which is the least that reading JSON whole can cost.
//!
//! All run in turn on one thread; the table has medians and ratios. Counts,
//! labels and events are checked first.

mod corpus;

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corpus::{Corpus, RECIPES};
use errtally_core::catalog::Catalog;
use errtally_core::engine::{Engine, Options};
use errtally_core::enrich::{Extraction, Label, Plan};
use errtally_core::event::EventPlan;
use errtally_core::framing::READ_BYTES;
use errtally_core::ledger::{Ledger, Source};
use errtally_core::outbox::Outbox;
use errtally_core::outbox::{Sink, SinkError};
use errtally_core::pipeline::Pipeline;
use simd_json::{Buffers, Tape};

const CORPUS_BYTES: usize = 32 << 20;

/// Events into a file: what writing costs, and nothing behind it.
struct ToFile(File, u64);

impl Sink for ToFile {
    fn take(&mut self, lines: &[u8], events: u64) -> Result<(), SinkError> {
        self.0.write_all(lines).map_err(|e| SinkError::Failed(e.into()))?;
        self.1 += events;
        Ok(())
    }

    fn settled(&mut self) -> u64 {
        self.1
    }

    fn settle(&mut self, _: Option<Instant>) -> bool {
        true
    }
}

fn plan(labels: bool, exemplars: bool, events: bool) -> Arc<Plan> {
    let label = |name: &str, path: &str| Label { name: name.to_owned(), paths: vec![path.to_owned()] };
    let labels = if labels {
        vec![label("level", "level"), label("namespace", "kubernetes.namespace")]
    } else {
        Vec::new()
    };
    let events = events.then(|| EventPlan {
        labels: labels.iter().map(|l| l.name.clone()).collect(),
        ..EventPlan::default()
    });
    let plan =
        Plan::new(&Extraction { labels, max_label_sets: 10_000, exemplars, events, ..Extraction::default() });
    Arc::new(plan.expect("a plan"))
}

fn count(engine: &Arc<Engine>, plan: &Arc<Plan>, bytes: &[u8]) -> (Arc<Ledger>, u64) {
    let labels: Vec<String> =
        if plan.label_count() == 2 { vec!["level".to_owned(), "namespace".to_owned()] } else { Vec::new() };
    let ledger = Arc::new(Ledger::with_labels(engine.clone(), 100, &labels, 10_000));
    let sink = || ToFile(File::create("/dev/null").expect("/dev/null"), 0);
    let outbox = plan.events.is_some().then(|| Outbox::new(Box::new(sink())));
    let mut pipeline = Pipeline::with_plan(ledger.clone(), Source::FILE, plan.clone(), outbox);
    for read in bytes.chunks(READ_BYTES) {
        pipeline.push(read);
    }
    pipeline.finish();
    let events = pipeline.events().map_or(0, |e| e.taken());
    (ledger, events)
}

/// simd-json with kept buffers, on a copy of each line: it writes into it.
fn tape_kept(lines: &[&[u8]]) -> usize {
    let mut scratch = Vec::new();
    let mut buffers = Buffers::new(4096);
    let mut kept = Some(Tape::null());
    let mut nodes = 0;
    for line in lines {
        scratch.clear();
        scratch.extend_from_slice(line);
        let mut tape = kept.take().unwrap_or_else(Tape::null).reset();
        simd_json::fill_tape(&mut scratch, &mut buffers, &mut tape).expect("JSON");
        nodes += tape.0.len();
        kept = Some(tape.reset());
    }
    nodes
}

/// simd-json's one call for a tape.
fn tape_fresh(lines: &[&[u8]]) -> usize {
    let mut scratch = Vec::new();
    let mut nodes = 0;
    for line in lines {
        scratch.clear();
        scratch.extend_from_slice(line);
        nodes += simd_json::to_tape(&mut scratch).expect("JSON").0.len();
    }
    nodes
}

fn main() {
    let measure = std::env::args().any(|a| a == "--bench");
    let rounds = if measure { 11 } else { 1 };
    let catalog = Catalog::embedded().expect("the embedded catalog loads");
    let recipe = RECIPES.into_iter().find(|r| r.to_string() == "json 1/1").expect("a recipe");
    let corpus = Corpus::new(&catalog, recipe, if measure { CORPUS_BYTES } else { 1 << 20 });
    let engine = Arc::new(Engine::new(Arc::new(catalog), Options::default()));
    let lines: Vec<&[u8]> = corpus.bytes.split(|&b| b == b'\n').filter(|l| !l.is_empty()).collect();
    assert_eq!(lines.len() as u64, corpus.expected.records);
    let all: u64 = corpus.expected.hits.values().sum();

    let plans = [
        ("errtally, counts", plan(false, false, false)),
        ("errtally, exemplars", plan(false, true, false)),
        ("errtally, two labels", plan(true, false, false)),
        ("errtally, two labels, exemplars", plan(true, true, false)),
        ("errtally, events", plan(false, false, true)),
        ("errtally, two labels, events", plan(true, true, true)),
    ];
    for (name, plan) in &plans {
        let (ledger, events) = count(&engine, plan, &corpus.bytes);
        let snapshot = ledger.snapshot();
        assert_eq!(snapshot.rows.iter().map(|a| a.count()).sum::<u64>(), all, "hits of {name}");
        assert_eq!(events, if plan.events.is_some() { all } else { 0 }, "events of {name}");
        if plan.label_count() == 2 {
            assert!(snapshot.sets.len() > 5, "labels of {name}");
            assert!(snapshot.rows.iter().all(|a| a.plain.count == 0), "labels of {name}");
        }
    }
    assert_eq!(tape_kept(&lines), tape_fresh(&lines));

    let mut times: Vec<(&str, Vec<Duration>)> = Vec::new();
    let mut time = |name, run: &mut dyn FnMut()| {
        let started = Instant::now();
        run();
        let taken = started.elapsed();
        match times.iter_mut().find(|(n, _)| *n == name) {
            Some((_, all)) => all.push(taken),
            None => times.push((name, vec![taken])),
        }
    };
    // One row alone, to be profiled.
    let wanted = std::env::args().nth(1).filter(|a| !a.starts_with("--"));
    if let Some((name, plan)) = wanted.and_then(|w| plans.iter().find(|(name, _)| name.contains(&w))) {
        for _ in 0..10 * rounds {
            assert_eq!(count(&engine, plan, &corpus.bytes).0.snapshot().sources.len(), 1, "{name}");
        }
        return;
    }
    for _ in 0..rounds {
        time("simd-json, tape, kept buffers", &mut || assert!(std::hint::black_box(tape_kept(&lines)) > 0));
        time("simd-json, to_tape", &mut || assert!(std::hint::black_box(tape_fresh(&lines)) > 0));
        for (name, plan) in &plans {
            time(name, &mut || drop(std::hint::black_box(count(&engine, plan, &corpus.bytes))));
        }
    }
    if !measure {
        return;
    }
    let median = |all: &mut Vec<Duration>| {
        all.sort_unstable();
        all[all.len() / 2].as_secs_f64()
    };
    let medians: Vec<(&str, f64)> = times.iter_mut().map(|(n, all)| (*n, median(all))).collect();
    println!("{:34} {:>7} {:>12} {:>12}", "every line a JSON error", "GB/s", "x kept tape", "x to_tape");
    for (name, taken) in &medians {
        let rate = corpus.bytes.len() as f64 / taken / 1e9;
        println!("{name:34} {rate:7.3} {:12.2} {:12.2}", medians[0].1 / taken, medians[1].1 / taken);
    }
}
