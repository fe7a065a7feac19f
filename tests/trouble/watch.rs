//! Looks at an instance from outside: memory, lag, what it says it skipped.

use std::sync::atomic::Ordering;

use crate::instance::Instance;
use crate::support::exposition::Scrape;
use crate::support::http::ask;
use crate::truth::Truth;

/// What an instance may take, by the formula of the documents: 24 MiB, 3.6 times a queue of 8 MiB, and from one broker a
/// fetch of 64 KiB that is 100 times as large when unpacked, of messages of 70 bytes.
pub const MEMORY: u64 = (24 << 20) + (8 << 20) * 36 / 10 + (64 << 10) * 100 * (70 + 8 + 400) / (70 + 8);

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
}
