//! `errtally run`.

use std::sync::Arc;

use anyhow::Context;

use super::Failure;
use super::settings::{Daemon, Reading};
use crate::config::{Layers, Loaded, Watch};
use crate::daemon::{Prepared, Start};
use crate::log::Log;
use crate::log::stderr::say;
use crate::shutdown::Host;
use crate::table::{self, Look};
use errtally_core::report::Report;

/// Flags of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    // The headings of the daemon come first.
    #[command(flatten)]
    daemon: Daemon,
    #[command(flatten)]
    reading: Reading,
}

/// Runs the daemon on `host`, which listens to signals already.
pub fn run(args: Args, host: Option<Host>) -> Result<(), Failure> {
    let mut layers = args.reading.layers();
    args.daemon.add_to(&mut layers);
    let mut host = match host {
        Some(host) => host,
        None => Host::start().context("cannot listen to signals")?,
    };
    let prepared = host.unless_stopped(move || prepare(layers)).context("cannot start a thread")?;
    let Some(prepared) = prepared else {
        say("stopped by a signal before it was ready");
        return Ok(());
    };
    let (log, prepared) = prepared?;
    prepared.run(&mut host, |snapshot| {
        let look = Look { width: None, elapsed: None };
        log.write(&table::render(&Report::new(snapshot), look));
    })?;
    Ok(())
}

fn prepare(layers: Layers) -> Result<(Log, Prepared), Failure> {
    let watch = Watch::new(&layers);
    let (Loaded { settings, .. }, catalog, web) = layers.load_to_run()?;
    let log = Log::start(settings.log_level, settings.log_format)?;
    let start = Start { layers, watch, settings, catalog: Arc::new(catalog), web, log: log.counters() };
    Ok((log, Prepared::new(start)?))
}
