//! Writes a corpus to a file, what must be counted in it beside it, the codes
//! one a line, and a large catalog: what `benches/compare` feeds to every
//! program.

#[path = "mod.rs"]
mod corpus;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use corpus::{Generator, Kind, Recipe};

/// Make a log of which every count is known
#[derive(Parser)]
struct Args {
    /// What the lines are
    #[arg(long, value_parser = ["json", "text", "codeless"], default_value = "json")]
    kind: String,
    /// One line in this many holds a code; none does where the kind is codeless
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u64).range(1..))]
    share: u64,
    /// At least this many mebibytes, to the end of the line
    #[arg(long, value_name = "N", default_value = "256")]
    mib: u64,
    /// The log; what must be counted in it goes to FILE.expected.json
    #[arg(long, value_name = "FILE", required_unless_present_any = ["codes", "wide_catalog"])]
    out: Option<PathBuf>,
    /// Every code of the catalog, one a line
    #[arg(long, value_name = "FILE")]
    codes: Option<PathBuf>,
    /// A folder for the files of a catalog of 100 families and 10,000 codes
    #[arg(long, value_name = "FOLDER")]
    wide_catalog: Option<PathBuf>,
    /// Codes of this catalog instead of the built-in one
    #[arg(long, value_name = "PATH")]
    catalog: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(path) = &args.wide_catalog {
        std::fs::create_dir_all(path)
            .and_then(|()| corpus::wide::write(path))
            .with_context(|| format!("cannot write into {}", path.display()))?;
    }
    let catalog = errtally::files::load_catalog(args.catalog.as_slice(), args.catalog.is_none())
        .map_err(|problems| anyhow::anyhow!("{problems}"))?;
    if let Some(path) = &args.codes {
        let bare = catalog.codes().iter().filter(|c| !catalog.family(c.family).prefix.is_empty());
        let codes: String = bare.map(|c| format!("{}\n", c.spelling)).collect();
        std::fs::write(path, codes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let Some(path) = &args.out else {
        return Ok(());
    };
    let named = || format!("cannot write {}", path.display());
    let kind = match args.kind.as_str() {
        "json" => Kind::Json,
        "text" => Kind::Text,
        _ => Kind::Codeless,
    };
    let mut generator = Generator::new(&catalog, Recipe { kind, one_in: args.share });
    let mut file = BufWriter::new(File::create(path).with_context(named)?);
    let mut line = Vec::new();
    while generator.expected.bytes < args.mib << 20 {
        line.clear();
        generator.line(&mut line);
        file.write_all(&line).with_context(named)?;
    }
    file.into_inner().map_err(|e| e.into_error()).with_context(named)?;

    let expected = &generator.expected;
    let text = serde_json::to_vec(&serde_json::json!({
        "records": expected.records,
        "bytes": expected.bytes,
        "matched": expected.matched,
        "occurrences": expected.occurrences,
        "hits": expected.hits,
        "leading": expected.leading,
    }))?;
    let mut beside = path.clone().into_os_string();
    beside.push(".expected.json");
    std::fs::write(&beside, text).with_context(|| format!("cannot write {}", beside.display()))
}
