//! Random trouble for a group of instances on a real broker, for as long as it is told:
//!
//! ```sh
//! TESTED_BINARY=$PWD/target/release/errtally cargo test --test trouble -- 60m [SEED]
//! ```
//!
//! Instances are killed, stopped, frozen and added; the broker is killed, stopped and frozen; topics of a pattern come,
//! are filled at full speed, drained and deleted; records expire before they are read; whoever reads the events stops
//! reading; settings are reloaded. Every sixteenth record has a code, and every event says where its record stands, so
//! that missing and doubled are told apart; what expired is missing only where an instance has told of it. In the end,
//! and as soon as a topic is not drained in time, it is told what was found.
//!
//! Without `TESTED_BINARY` it is the binary that is built with the tests.

#[path = "../broker/mod.rs"]
#[allow(dead_code)]
mod broker;
mod director;
#[path = "../feed/mod.rs"]
mod feed;
mod instance;
mod producer;
#[path = "../support/mod.rs"]
mod support;
mod truth;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use broker::Broker;
use director::Director;
use truth::Truth;

/// Its own, so that other tests may run at the same time.
const PORT: u16 = 29_192;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let time = args.first().map_or(Duration::from_secs(120), |text| duration(text));
    let seed =
        args.get(1).and_then(|text| text.parse().ok()).unwrap_or_else(|| u64::from(std::process::id()));
    println!("trouble for {} s, seed {seed}", time.as_secs());
    let broker = Broker::of(PORT, "trouble");
    broker.start();
    let truth = Arc::new(Truth::default());
    let over = Arc::new(AtomicBool::new(false));
    let until = Instant::now() + time;
    std::thread::scope(|scope| {
        let (address, produced, ended) = (broker.address(), truth.clone(), over.clone());
        let broker = &broker;
        scope.spawn(move || producer::produce(broker, &address, &produced, &ended));
        let mut director = Director::new(broker, truth.clone(), seed);
        director.run(until);
        over.store(true, Ordering::Release);
        director.finish();
        if truth.report() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    })
}

fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
    let number: u64 = number.parse().expect("a duration such as 90s or 60m");
    match unit {
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number * 60),
        _ => panic!("a duration such as 90s or 60m, not `{text}`"),
    }
}
