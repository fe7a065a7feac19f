//! Topics that come, are filled as fast as the broker takes it, drained by the instances and deleted.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::broker::Broker;
use crate::feed::Feeder;
use crate::truth::{CODED, Drained, PARTITIONS, Truth};

/// Records of each partition of a topic.
const RECORDS: u64 = 200_000;

/// Topics that may wait to be drained.
const ACTIVE: usize = 3;

/// How long a topic may get no event that it lacks. An instance that is frozen or killed keeps its partitions for its
/// session, and a broker may be away, several times in a row.
const PATIENCE: Duration = Duration::from_secs(180);

pub fn produce(broker: &Broker, address: &str, truth: &Truth, over: &AtomicBool) {
    let mut waiting: Vec<String> = Vec::new();
    for number in 0.. {
        while waiting.len() >= ACTIVE || (over.load(Ordering::Acquire) && !waiting.is_empty()) {
            std::thread::sleep(Duration::from_millis(200));
            waiting.retain(|topic| !is_done(broker, topic, truth));
            if truth.failed.load(Ordering::Acquire) {
                return;
            }
        }
        if over.load(Ordering::Acquire) {
            return;
        }
        let topic = format!("trouble-{number:05}");
        truth.begin(&topic);
        patiently(|| broker.try_create(&topic, PARTITIONS as i32));
        fill(address, &topic, truth);
        waiting.push(topic);
        waiting.retain(|topic| !is_done(broker, topic, truth));
    }
}

/// The broker may be away.
fn patiently(mut act: impl FnMut() -> bool) {
    while !act() {
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn fill(address: &str, topic: &str, truth: &Truth) {
    let feeder = Feeder::new(address, ["none", "lz4", "zstd"][topic.len() % 3]);
    let mut text = String::new();
    for n in 0..RECORDS {
        for partition in 0..PARTITIONS {
            text.clear();
            let code = if n.is_multiple_of(CODED) { "Ecs.0043" } else { "nothing of interest" };
            let _ = write!(
                text,
                "{{\"level\":\"error\",\"n\":{n},\"of\":{partition},\"message\":\"the call said: {code}\"}}"
            );
            feeder.send(topic, partition as i32, Some(text.as_bytes()));
            truth.written.fetch_add(1, Ordering::Relaxed);
        }
    }
    feeder.flush();
    truth.all_written(topic, RECORDS);
}

fn is_done(broker: &Broker, topic: &str, truth: &Truth) -> bool {
    match truth.drained(topic) {
        Drained::Yes => {
            // Those that come twice come now.
            std::thread::sleep(Duration::from_secs(2));
            patiently(|| broker.try_delete(topic));
            truth.incident("a topic made, drained and deleted");
            // Instances that were frozen meanwhile tell what they had.
            truth.retire(topic);
            true
        }
        Drained::Not(missing, silence) if silence > PATIENCE && missing < u64::MAX => {
            let places = truth.missing(topic);
            truth.problem(format!("{topic} lacks {missing} events, for {} s: {places}", silence.as_secs()));
            truth.failed.store(true, Ordering::Release);
            true
        }
        Drained::Not(..) => false,
    }
}
