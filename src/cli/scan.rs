//! `errtally scan`: one pass over files or standard input, a report.

use std::borrow::Cow;
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
use crate::log::stderr::say;
use crate::metrics::{Exporter, Shown};
use crate::source::pieces::Share;
use crate::source::{compressed, file};
use crate::table::{self, Look};
use errtally_core::engine::Engine;
use errtally_core::enrich::{Extraction, Plan};
use errtally_core::ledger::{Ledger, Snapshot, Source};
use errtally_core::pipeline::Pipeline;
use errtally_core::report::Report;

/// Flags of `scan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files to read: plain, gzip, zstd or UTF-16; none or `-` for standard input
    files: Vec<PathBuf>,
    /// Format of the report
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Number of threads that read a large plain file, 1 to 256 [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// A table for people
    Table,
    /// One JSON object
    Json,
    /// The text that /metrics would show
    Prometheus,
}

/// Scans and reports. A file that cannot be read is named, the others are
/// read, and the exit status is 1.
pub fn run(args: Args) -> Result<(), Failure> {
    let (Loaded { settings, .. }, catalog) = args.reading.layers().load()?;
    let engine = Arc::new(Engine::new(Arc::new(catalog), settings.options()));
    let counting = Counting::new(engine, &settings, args.format)?;
    let threads = args.threads.map_or_else(processors, usize::from);
    let files = if args.files.is_empty() { vec![PathBuf::from("-")] } else { args.files };

    let progress = progress(&files);
    let started = Instant::now();
    let mut failed = 0;
    for file in &files {
        if let Err(error) = read(file, &counting, Share::among(threads), &progress) {
            failed += 1;
            progress.suspend(|| say(format_args!("{error:#}")));
        }
    }
    progress.finish_and_clear();
    let elapsed = started.elapsed();

    match args.format {
        Format::Table => {
            let snapshot = counting.ledger.snapshot();
            let report = Report::new(&snapshot);
            // Where nothing was read there is no result: "no error code found" would be one.
            if failed < files.len() || report.records > 0 {
                let look = Look { width: output::columns(), elapsed: Some(elapsed) };
                output::styled(&table::render(&report, look))?;
            }
        }
        Format::Json => output::write(&json(&counting.ledger.snapshot())?)?,
        Format::Prometheus => output::write(metrics(counting.ledger, &settings).as_bytes())?,
    }
    if failed > 0 { Err(Failure::Told) } else { Ok(()) }
}

/// As many threads as may run at a time: affinity and control groups count.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Where the counts go, and what is read for them.
struct Counting {
    ledger: Arc<Ledger>,
    plan: Arc<Plan>,
}

impl Counting {
    /// Labels are read where they are shown. Nothing else is: the time when a
    /// file is scanned makes no record late.
    fn new(engine: Arc<Engine>, settings: &Settings, format: Format) -> anyhow::Result<Counting> {
        let labels = match format {
            Format::Prometheus => &settings.labels[..],
            Format::Table | Format::Json => &[],
        };
        let most = settings.max_label_sets;
        let extraction = Extraction {
            labels: labels.to_vec(),
            fields: settings.fields.clone(),
            max_label_sets: most,
            ..Extraction::default()
        };
        let plan = Plan::new(&extraction).map_err(|what| anyhow::anyhow!("{what}"))?;
        let names: Vec<String> = labels.iter().map(|l| l.name.clone()).collect();
        let ledger = Ledger::with_labels(engine, settings.max_unknown_codes, &names, most);
        Ok(Counting { ledger: Arc::new(ledger), plan: Arc::new(plan) })
    }

    fn pipeline(&self, source: Source) -> Pipeline {
        Pipeline::with_plan(self.ledger.clone(), source, self.plan.clone(), None)
    }
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
fn read(path: &Path, counting: &Counting, share: Share, progress: &ProgressBar) -> anyhow::Result<()> {
    let ended = if path == Path::new("-") {
        if io::stdin().is_terminal() {
            say("reading standard input; end it with Ctrl-D");
        }
        let input = compressed::open(io::stdin()).context("cannot read standard input")?;
        let mut pipeline = counting.pipeline(Source::STDIN);
        let ended = file::pump(input, &mut pipeline);
        pipeline.finish();
        ended
    } else {
        let named = || format!("cannot read {}", path.display());
        let opened = File::open(path).with_context(named)?;
        if opened.metadata().with_context(named)?.is_dir() {
            return Err(anyhow::anyhow!(
                "cannot read {}: it is a folder; name the files in it",
                path.display()
            ));
        }
        let progress = progress.clone();
        let pipeline = || counting.pipeline(Source::FILE);
        file::read(opened, share, &pipeline, move |bytes| progress.inc(bytes))
    };
    ended.map_err(|error| {
        let words = match error.kind() {
            io::ErrorKind::Unsupported => format!("cannot read {}", name(path)),
            _ => format!("cannot read {} to its end; what came before is counted", name(path)),
        };
        anyhow::Error::new(error).context(words)
    })
}

/// How a message names it.
fn name(path: &Path) -> Cow<'_, str> {
    if path == Path::new("-") { "standard input".into() } else { path.to_string_lossy() }
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
