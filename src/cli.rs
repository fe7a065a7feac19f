//! The command line: what there is to type, and what each exit status means.

mod catalog;
mod check;
mod config;
mod diff;
mod events;
mod explain;
mod file;
mod import;
mod output;
mod records;
mod run;
mod scan;
mod settings;
mod socket;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::log::stderr::say;
use crate::shutdown::Host;
use errtally_core::problem::{Problems, counted};

/// Finds cloud API error codes in log streams and counts them for Prometheus.
#[derive(Debug, Parser)]
#[command(
    name = "errtally",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit status: 0 done, 1 failed at run time or nothing found, 2 bad usage, configuration or catalog.\n\
    Settings: flag, then ERRTALLY_* variable, then --config file, then default; see `errtally config show`."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read records without end, serve the counts on /metrics
    Run(run::Args),
    /// Read files or standard input once, print a report
    Scan(scan::Args),
    /// Tell what a code means, or why a line did or did not match
    Explain(explain::Args),
    /// List or check the catalog, make more of it from documentation pages
    #[command(subcommand)]
    Catalog(catalog::Command),
    /// Check or show the settings
    #[command(subcommand)]
    Config(config::Command),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Why a command ended without doing its work.
#[derive(Debug)]
pub enum Failure {
    /// The configuration or the catalog is wrong: exit status 2.
    Bad(Problems),
    /// Something failed on the way: exit status 1.
    Failed(anyhow::Error),
    /// As [`Failure::Failed`], and what there is to say is said.
    Told,
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Failure {
        Failure::Bad(problems)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        // A file that is read when a source is opened may be as wrong as any other.
        error.downcast().map_or_else(Failure::Failed, Failure::Bad)
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    // Signals are listened to before anything else is done: none is to kill a start.
    let runs = std::env::args_os().nth(1).is_some_and(|command| command == "run");
    let host = if runs { Host::start().ok() } else { None };
    let result = match Cli::parse().command {
        Command::Run(args) => run::run(args, host),
        Command::Scan(args) => scan::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Catalog(command) => catalog::run(command),
        Command::Config(command) => config::run(command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "errtally", &mut script);
            output::write(&script).map_err(Failure::from)
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Told) => ExitCode::from(1),
        Err(Failure::Failed(error)) => {
            say(format_args!("{error:#}"));
            ExitCode::from(1)
        }
        Err(Failure::Bad(problems)) => {
            for line in problems.lines() {
                say(line);
            }
            let end = if runs { "; nothing was started" } else { "" };
            say(format_args!("{}{end}", counted(problems.len() as u64, "problem")));
            ExitCode::from(2)
        }
    }
}
