//! Looks at an instance from outside: memory, lag, what it says it skipped.

use std::sync::atomic::Ordering;

use crate::instance::Instance;
use crate::support::exposition::Scrape;
use crate::support::http::ask;
use crate::truth::Truth;

/// What an instance may take, by the formula of the documents.
pub const MEMORY: u64 = 384 << 20;

/// One scrape.
pub fn look(instance: &Instance, truth: &Truth) {
    if instance.frozen_until.is_some() {
        return;
    }
    let Ok(answer) = ask(instance.daemon().address(), "GET", "/metrics", &[]) else {
        truth.problem("an instance that runs does not answer".to_owned());
        return;
    };
    let scrape = Scrape::parse(answer.text());
    truth.scrapes.fetch_add(1, Ordering::Relaxed);
    let memory = instance.daemon().peak_memory();
    let before = truth.peak_memory.fetch_max(memory, Ordering::Relaxed);
    if memory > MEMORY && before <= MEMORY {
        truth.problem(format!("{memory} bytes of memory, {MEMORY} are the bound"));
    }
    for sample in scrape.of("errtally_kafka_consumer_lag", &[]) {
        truth.lags.fetch_add(1, Ordering::Relaxed);
        let topic = &sample.labels["topic"];
        if let Some(records) = truth.records_of(topic)
            && (sample.value < 0.0 || sample.value > records as f64)
        {
            truth.problem(format!("a lag of {} of {topic}, which has {records} records", sample.value));
        }
    }
    let skipped = scrape.sum("errtally_kafka_skipped_records_total", &[]) as u64;
    if skipped > 0 {
        truth.skipped.fetch_max(skipped, Ordering::Relaxed);
    }
}
