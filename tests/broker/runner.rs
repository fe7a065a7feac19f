//! Runs tests one after the other with one broker, and tells what they measured.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use super::Broker;

/// A name, and what is done with a running broker.
pub type Test = (&'static str, fn(&Broker));

/// Runs those of `tests` that the arguments choose: all, or those with one of the arguments in their name.
pub fn run(tests: &[Test]) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let filters: Vec<&String> = args.iter().filter(|a| !a.starts_with('-')).collect();
    let chosen: Vec<&Test> = tests
        .iter()
        .filter(|(name, _)| filters.is_empty() || filters.iter().any(|f| name.contains(*f)))
        .collect();
    if args.iter().any(|a| a == "--list") {
        chosen.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let (begun, broker) = (Instant::now(), Broker::new());
    let mut failed = Vec::new();
    for (name, test) in &chosen {
        println!("{name} ...");
        let since = Instant::now();
        // One that a test stopped, and did not live to start again.
        let result = catch_unwind(AssertUnwindSafe(|| {
            broker.start();
            test(&broker);
        }));
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        println!("{name} ... {verdict} ({:.1} s)\n", since.elapsed().as_secs_f64());
        if result.is_err() {
            failed.push(*name);
        }
    }
    drop(broker);
    println!(
        "{} of {} passed in {:.0} s",
        chosen.len() - failed.len(),
        chosen.len(),
        begun.elapsed().as_secs_f64()
    );
    failed.iter().for_each(|name| println!("FAILED: {name}"));
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a figure that was measured, in a form that is easy to find.
pub fn measured(what: &str, value: impl std::fmt::Display) {
    println!("  measured: {what}: {value}");
}
