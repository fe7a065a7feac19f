//! `errtally config`.

use std::fmt::Write;

use super::settings::{Daemon, Reading};
use super::{Failure, output};
use crate::config::{KEYS, Layers, SourceKind};
use crate::log::stderr::say;
use crate::source::follow::NOT_KEPT;
#[cfg(feature = "kafka")]
use crate::{
    config::{EventsTo, Loaded},
    connect, sink, source,
};
use errtally_core::problem::counted;

/// What to do with the settings.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check settings and catalog: all problems in one run
    Check(CheckArgs),
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

/// Flags of `check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Ask the brokers, too: whether they answer, let this user in, and have topics and group. Nothing is consumed or written
    #[cfg(feature = "kafka")]
    #[arg(long)]
    connect: bool,
    #[command(flatten)]
    all: Args,
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
            let (loaded, catalog, _) = args.all.layers().load_to_run()?;
            for source in loaded.settings.inputs().iter().filter(|source| source.kind == SourceKind::Tcp) {
                crate::source::socket::check_tls(source)?;
            }
            let set = loaded.origins.iter().filter(|o| **o != crate::config::Origin::Default).count();
            let codes = counted(catalog.codes().len() as u64, "code");
            if loaded.settings.input(SourceKind::File).is_some() && loaded.settings.state_dir.is_none() {
                say(NOT_KEPT);
            }
            let text = format!("ok: {set} of {} keys set, {codes}\n", KEYS.len());
            output::write(text.as_bytes())?;
            #[cfg(feature = "kafka")]
            if args.connect {
                ask_brokers(&loaded)?;
            }
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

/// Asks whoever is to be connected to, and tells what they have.
#[cfg(feature = "kafka")]
fn ask_brokers(loaded: &Loaded) -> Result<(), Failure> {
    let settings = &loaded.settings;
    let consumer = settings.input(SourceKind::Kafka);
    let kafka = consumer.as_ref().map_or(&settings.kafka, |consumer| &consumer.kafka);
    let mut asked = Vec::new();
    if consumer.is_some() {
        let config = source::kafka::config(kafka);
        let keys = ["kafka.brokers", "kafka.topics", "kafka.group"];
        asked.push(("kafka", keys, connect::consumer(&config, &kafka.topics, &kafka.group)));
    }
    if settings.events.to == EventsTo::Kafka {
        let events = &settings.events.kafka;
        let brokers = if events.brokers.is_empty() { "kafka.brokers" } else { "events.kafka.brokers" };
        let keys = [brokers, "events.kafka.topic", "events.kafka.topic"];
        let config = sink::kafka::config(events, kafka);
        asked.push(("events.kafka", keys, connect::producer(&config, &events.topic)));
    }
    if asked.is_empty() {
        output::write(b"nothing to connect to: neither source nor events are in Kafka\n")?;
    }
    let mut wrong = false;
    for (what, keys, answer) in asked {
        match answer {
            Ok(found) => {
                for line in found {
                    output::write(format!("ok: {what}: {line}\n").as_bytes())?;
                }
            }
            Err(refusals) => {
                wrong = true;
                for refusal in refusals {
                    let key = keys[refusal.part as usize];
                    say(loaded.problem(key, refusal.what, refusal.remedy));
                }
            }
        }
    }
    if wrong { Err(Failure::Told) } else { Ok(()) }
}
