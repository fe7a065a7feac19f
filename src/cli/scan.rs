//! `errtally scan`: one pass over files or standard input, a report.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use arc_swap::ArcSwap;
use indicatif::{ProgressBar, ProgressStyle};

use super::settings::Reading;
use super::{Failure, output};
use crate::config::{Loaded, Settings};
use crate::engine::Engine;
use crate::ledger::{Ledger, Snapshot, Source};
use crate::metrics::{Exporter, Shown};
use crate::pipeline::Pipeline;
use crate::report::Report;
use crate::report::table::{self, Look};
use crate::source::{compressed, file};

/// Flags of `scan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files to read, plain, gzip or zstd; none or `-` for standard input
    files: Vec<PathBuf>,
    /// How to print the report
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One JSON object
    Json,
    /// The metrics of the counts
    Prometheus,
}

/// Scans and reports. A file that cannot be read is named, the others are
/// read, and the exit status is 1.
pub fn run(args: Args) -> Result<(), Failure> {
    let (Loaded { settings, .. }, catalog) = args.reading.layers().load()?;
    let engine = Arc::new(Engine::new(Arc::new(catalog), settings.options()));
    let ledger = Arc::new(Ledger::new(engine, settings.max_unknown_codes));
    let files = if args.files.is_empty() { vec![PathBuf::from("-")] } else { args.files };

    let progress = progress(&files);
    let started = Instant::now();
    let mut failed = false;
    for file in &files {
        if let Err(error) = read(file, &ledger, &progress) {
            failed = true;
            progress.suspend(|| eprintln!("errtally: {error:#}"));
        }
    }
    progress.finish_and_clear();
    let elapsed = started.elapsed();

    let snapshot = ledger.snapshot();
    match args.format {
        Format::Table => {
            let look = Look { width: output::columns(), elapsed: Some(elapsed) };
            output::styled(&table::render(&Report::new(&snapshot), look))?;
        }
        Format::Json => output::write(&json(&snapshot)?)?,
        Format::Prometheus => output::write(metrics(ledger, &settings).as_bytes())?,
    }
    if failed { Err(Failure::Told) } else { Ok(()) }
}

fn json(snapshot: &Snapshot) -> anyhow::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(&Report::new(snapshot)).context("cannot write the report")?;
    text.push(b'\n');
    Ok(text)
}

fn metrics(ledger: Arc<Ledger>, settings: &Settings) -> String {
    let shown = Shown {
        zero_init: settings.zero_init.clone(),
        code_info: settings.code_info,
        label_expiry: Duration::ZERO,
    };
    Exporter::new(ledger, Arc::new(ArcSwap::from_pointee(shown)), None).text()
}

/// Reads one file, or standard input for `-`, to its end.
fn read(path: &Path, ledger: &Arc<Ledger>, progress: &ProgressBar) -> anyhow::Result<()> {
    let (ended, mut pipeline) = if path == Path::new("-") {
        if io::stdin().is_terminal() {
            eprintln!("errtally: reading standard input; end it with Ctrl-D");
        }
        let input = compressed::open(io::stdin()).context("cannot read standard input")?;
        let mut pipeline = Pipeline::new(ledger.clone(), Source::Stdin);
        (file::pump(input, &mut pipeline), pipeline)
    } else {
        let named = || format!("cannot read {}", path.display());
        let opened = File::open(path).with_context(named)?;
        if opened.metadata().with_context(named)?.is_dir() {
            return Err(anyhow::anyhow!(
                "cannot read {}: it is a folder; name the files in it",
                path.display()
            ));
        }
        let mut pipeline = Pipeline::new(ledger.clone(), Source::File);
        let progress = progress.clone();
        (file::read(opened, &mut pipeline, move |bytes| progress.inc(bytes)), pipeline)
    };
    pipeline.finish();
    ended.with_context(|| format!("cannot read {} to its end; what came before is counted", path.display()))
}

/// A bar over the bytes of all files; hidden where nothing may move.
fn progress(files: &[PathBuf]) -> ProgressBar {
    let sizes: Option<u64> =
        files.iter().map(|f| std::fs::metadata(f).ok().filter(|m| m.is_file()).map(|m| m.len())).sum();
    let Some(total) = sizes.filter(|_| output::may_animate()) else {
        return ProgressBar::hidden();
    };
    let bar = ProgressBar::new(total);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40.cyan} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left")
    {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}
