//! The conventional `process_*` metrics, from `/proc`.
//!
//! The `prometheus` crate's own collector counts CPU time in whole seconds,
//! too coarse for a process that should use one in a hundred.

use std::fs;

use super::families::Families;

/// Adds what `/proc` tells; where there is no `/proc`, nothing.
pub(super) fn collect(out: &mut Families<'_>) {
    let Ok(stat) = fs::read_to_string("/proc/self/stat") else {
        return;
    };
    // The name in parentheses may hold anything; the numbers come after it.
    let Some((_, numbers)) = stat.rsplit_once(')') else {
        return;
    };
    let fields: Vec<f64> = numbers.split_whitespace().skip(1).map(|n| n.parse().unwrap_or(0.0)).collect();
    // Counted from the field after the state, which proc(5) numbers 4.
    let field = |number: usize| fields.get(number - 4).copied().unwrap_or(0.0);
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let page = rustix::param::page_size() as f64;

    out.add(&super::PROCESS_CPU, &[], (field(14) + field(15)) / ticks);
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        // The listing itself is one of them.
        out.add(&super::PROCESS_OPEN_FDS, &[], entries.count().saturating_sub(1) as f64);
    }
    if let Some(limit) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        out.add(&super::PROCESS_MAX_FDS, &[], limit as f64);
    }
    out.add(&super::PROCESS_VIRTUAL_MEMORY, &[], field(23));
    out.add(&super::PROCESS_RESIDENT_MEMORY, &[], field(24) * page);
    if let Some(boot) = boot_time() {
        out.add(&super::PROCESS_START_TIME, &[], boot + field(22) / ticks);
    }
}

/// When the machine started, in seconds since 1970.
fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}
