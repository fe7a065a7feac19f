//! Writes the manual pages into a folder: one for each command, from what
//! `--help` is made of, and errtally.yaml(5) from the table of settings. Nothing
//! in them depends on when or where they are made.
//!
//! ```sh
//! cargo run --example man -- FOLDER
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Command, CommandFactory, Parser};
use clap_mangen::Man;
use errtally::cli::Cli;
use errtally::config::{KEYS, Settings};
use roff::{Inline, Roff, bold, italic, roman};

/// Make the manual pages
#[derive(Parser)]
struct Args {
    /// Where they go; it is made if it is not there
    folder: PathBuf,
}

fn main() -> anyhow::Result<()> {
    write_all(&Args::parse().folder)
}

/// Makes all pages.
pub fn write_all(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut top = Cli::command().disable_help_subcommand(true);
    top.build();
    commands(folder, &top, "errtally")?;
    write(&folder.join("errtally.yaml.5"), &settings())
}

/// The pages of a command and of those below it.
fn commands(folder: &Path, command: &Command, name: &str) -> anyhow::Result<()> {
    let below: Vec<_> = command.get_subcommands().collect();
    let mut page = title(name, 1, "User Commands").into_bytes();
    let man = Man::new(command.clone());
    man.render_name_section(&mut page)?;
    // As --help has it: all flags of `run` in one line are for nobody.
    let usage = command.clone().render_usage().to_string();
    let mut synopsis = Roff::new();
    synopsis.control("SH", ["SYNOPSIS"]);
    synopsis.text([bold(usage.trim_start_matches("Usage: "))]);
    page.extend(synopsis.to_roff().into_bytes());
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if !below.is_empty() {
        man.render_subcommands_section(&mut page)?;
    }
    page.extend(common(name == "errtally", &below, name).to_roff().into_bytes());
    write(&folder.join(format!("{name}.1")), &String::from_utf8(page)?)?;
    for inner in below {
        commands(folder, inner, &format!("{name}-{}", inner.get_name()))?;
    }
    Ok(())
}

/// What `--help` says once for all commands, and where to read on.
fn common(top: bool, below: &[&Command], name: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for (status, meaning) in [
        ("0", "Done."),
        ("1", "A failure at run time, or nothing found."),
        ("2", "A mistake in usage, configuration or catalog."),
    ] {
        entry(&mut roff, vec![bold(status)], meaning);
    }
    if top {
        roff.control("SH", ["ENVIRONMENT"]);
        entry(&mut roff, vec![bold("ERRTALLY_CONFIG")], "The configuration file, if --config is not given.");
        roff.control("TP", []);
        roff.text([bold("ERRTALLY_"), italic("KEY")]);
        roff.text([
            roman("A setting. It overrides the configuration file, and a flag overrides it. See "),
            bold("errtally.yaml"),
            roman("(5)."),
        ]);
        entry(&mut roff, vec![bold("NO_COLOR")], "No colours, if it is not empty.");
        roff.control("SH", ["SIGNALS"]);
        entry(
            &mut roff,
            vec![bold("SIGTERM"), roman(", "), bold("SIGINT")],
            "Stop reading, count what was read, and exit. A second signal ends errtally at once.",
        );
        entry(&mut roff, vec![bold("SIGHUP")], "Read the configuration file and the catalogs again.");
        roff.control("SH", ["FILES"]);
        entry(
            &mut roff,
            vec![italic("/etc/errtally/errtally.yaml")],
            "The configuration of the systemd units. By itself, errtally reads no file.",
        );
    }
    roff.control("SH", ["SEE ALSO"]);
    let mut pages: Vec<String> = below.iter().map(|c| format!("{name}-{}", c.get_name())).collect();
    if let Some((parent, _)) = name.rsplit_once('-') {
        pages.push(parent.to_owned());
    }
    let mut also = Vec::new();
    for page in pages {
        also.extend([bold(page), roman("(1), ")]);
    }
    also.extend([bold("errtally.yaml"), roman("(5)")]);
    roff.text(also);
    roff
}

/// errtally.yaml(5).
fn settings() -> String {
    let defaults = Settings::default();
    let mut roff = Roff::new();
    roff.control("SH", ["NAME"]);
    roff.text([roman("errtally.yaml - settings of errtally")]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([
        roman("A YAML file that "),
        bold("errtally"),
        roman("(1) reads if "),
        bold("--config"),
        roman(" or "),
        bold("ERRTALLY_CONFIG"),
        roman(" names it. A dot in a key below is a mapping in the file. You can omit every key. Unknown keys are mistakes. "),
        bold("errtally config check"),
        roman(" reports every mistake, "),
        bold("errtally config show"),
        roman(" prints each value and where it comes from."),
    ]);
    roff.control("PP", []);
    roff.text([roman("An environment variable overrides the file, and a flag overrides the variable.")]);
    roff.control("SH", ["KEYS"]);
    for key in KEYS.iter() {
        roff.control("TP", []);
        roff.text([bold(key.name)]);
        roff.text([roman(key.doc)]);
        let default = (key.show)(&defaults);
        let reload = if key.reloads { "at a reload" } else { "at a start" };
        roff.control("IP", []);
        roff.text([
            roman("Default "),
            bold(default),
            roman(format!(". Takes effect {reload}. Variable ")),
            bold(key.variable()),
            roman("."),
        ]);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("errtally"), roman("(1), "), bold("errtally-config"), roman("(1)")]);
    title("errtally.yaml", 5, "File Formats") + &roff.to_roff()
}

/// The beginning of a page, without a date, and with names left whole at line
/// ends. Written out, since an empty argument must keep its quotes.
fn title(name: &str, section: u8, manual: &str) -> String {
    let (name, version) = (name.to_uppercase(), env!("CARGO_PKG_VERSION"));
    format!(".TH \"{name}\" \"{section}\" \"\" \"errtally {version}\" \"{manual}\"\n.nh\n")
}

fn entry(roff: &mut Roff, head: Vec<Inline>, text: &str) {
    roff.control("TP", []);
    roff.text(head);
    roff.text([roman(text)]);
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
