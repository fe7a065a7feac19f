//! `errtally config`.

use std::fmt::Write;

use super::settings::{Daemon, Reading};
use super::{Failure, output};
use crate::config::{KEYS, Layers, SourceKind};
use crate::log::stderr::say;
use crate::problem::counted;
use crate::source::follow::NOT_KEPT;

/// What to do with the settings.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check settings and catalog: all problems in one run
    Check(Args),
    /// Print the settings in force, and where each comes from
    Show(Args),
}

/// All flags that set something.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    daemon: Daemon,
}

impl Args {
    fn layers(&self) -> Layers {
        let mut layers = self.reading.layers();
        self.daemon.add_to(&mut layers);
        layers
    }
}

/// Checks or shows.
pub fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Check(args) => {
            let (loaded, catalog, _) = args.layers().load_to_run()?;
            let set = loaded.origins.iter().filter(|o| **o != crate::config::Origin::Default).count();
            let codes = counted(catalog.codes().len() as u64, "code");
            if loaded.settings.source == SourceKind::File && loaded.settings.state_dir.is_none() {
                say(NOT_KEPT);
            }
            let text = format!("ok: {set} of {} keys set, {codes}\n", KEYS.len());
            output::write(text.as_bytes())?;
        }
        Command::Show(args) => {
            let (loaded, _) = args.layers().load()?;
            let mut out = String::new();
            for (key, origin) in KEYS.iter().zip(&loaded.origins) {
                let value = format!("{}: {}", key.name, (key.show)(&loaded.settings));
                let _ = writeln!(out, "{value:40} # {origin}");
            }
            output::write(out.as_bytes())?;
        }
    }
    Ok(())
}
