//! Label values without end: what they cost in memory and in time. Slow, so it runs when asked for.

use std::fmt::Write as _;
use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::daemon::Daemon;
use crate::support::{Folder, wait_for};

const RECORDS: u64 = 1_000_000;

/// Records with so many different values of a label, as long as each other.
fn records(values: u64) -> String {
    let mut text = String::new();
    for i in 0..RECORDS {
        let value = i * 7919 % values;
        let _ = writeln!(
            text,
            "{{\"time\":\"2026-11-03T08:00:00Z\",\"level\":\"error\",\"pod\":\"web-{value:07}\",\"msg\":\"the call \
             failed\",\"code\":\"Ecs.0114\"}}"
        );
    }
    text
}

/// Time to the end of the input, most memory, and what was counted.
fn run(input: &str, labels: &[&str]) -> (Duration, u64, f64, f64) {
    let args: Vec<&str> = ["--linger", "60s"].iter().chain(labels).copied().collect();
    let stdin = File::open(input).expect("the input");
    let started = Instant::now();
    let daemon = Daemon::spawn_to(&args, stdin.into(), Stdio::null());
    wait_for("the end", || daemon.get("/readyz").text().contains("ended").then_some(()));
    let time = started.elapsed();
    let scrape = daemon.scrape();
    let overflows = scrape.sum("errtally_label_overflows_total", &[("label", "pod")]);
    (time, daemon.peak_memory(), scrape.sum("errtally_errors_total", &[]), overflows)
}

#[test]
#[ignore = "takes half a minute; with --release it also says what it costs"]
fn a_million_values_cost_no_more_memory_and_little_time() {
    let folder = Folder::new();
    let few = folder.write("few.log", records(100));
    let many = folder.write("many.log", records(RECORDS));
    let label = ["--labels", "pod=pod"];
    let (mut few_times, mut many_times, mut peak) = (Vec::new(), Vec::new(), 0);
    for _ in 0..5 {
        let (time, _, hits, overflows) = run(&few, &label);
        assert_eq!((hits, overflows), (RECORDS as f64, 0.0));
        few_times.push(time);
        let (time, memory, hits, overflows) = run(&many, &label);
        assert_eq!((hits, overflows), (RECORDS as f64, (RECORDS - 10_000) as f64), "none is lost");
        many_times.push(time);
        peak = peak.max(memory);
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    };
    let (few, many) = (median(&mut few_times), median(&mut many_times));
    println!(
        "{RECORDS} records: 100 values {few:.3} s, a million {many:.3} s, ratio {:.3}; at most {:.1} MiB",
        many / few,
        peak as f64 / (1 << 20) as f64
    );
    assert!(peak < 64 << 20, "{peak} bytes");
    // The promise is a tenth; a shared machine gets some more.
    assert!(many / few < 1.5, "{many} s to {few} s");
}
