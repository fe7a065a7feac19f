//! `errtally run`.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use super::Failure;
use super::settings::{Daemon, Reading};
use crate::config::{Loaded, Watch};
use crate::daemon::Start;
use crate::report::Report;
use crate::report::table::{self, Look};

/// Flags of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    daemon: Daemon,
}

/// Runs the daemon.
pub fn run(args: Args) -> Result<(), Failure> {
    let mut layers = args.reading.layers();
    args.daemon.add_to(&mut layers);
    let watch = Watch::new(&layers);
    let (Loaded { settings, .. }, catalog, web) = layers.load_to_run()?;
    tracing_subscriber::fmt()
        .with_max_level(settings.log_level)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()))
        .with_writer(io::stderr)
        .init();
    let start = Start { layers, watch, settings, catalog: Arc::new(catalog), web };
    crate::daemon::run(start, |snapshot| {
        let look = Look { width: None, elapsed: None };
        let text = table::render(&Report::new(snapshot), look);
        // Nobody is left to tell when standard error is gone.
        let _ = anstream::stderr().lock().write_all(text.as_bytes());
    })?;
    Ok(())
}
