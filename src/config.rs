//! Settings: every key once, with its default, its meaning and its reader.
//!
//! A value comes from a flag, an `ERRTALLY_*` variable, the configuration
//! file or the default, in this order. All four go through the same reader
//! as text, so that a mistake reads the same wherever it was made.

mod keys;
mod layers;

use std::path::PathBuf;
use std::time::Duration;

pub use keys::{KEYS, Key};
pub use layers::{Layers, Loaded, Origin};

use crate::catalog::Category;
use crate::engine::Options;

/// Which source `run` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// Lines from standard input.
    Stdin,
}

/// For which codes `errtally_code_info` has a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeInfo {
    /// Those seen so far.
    Seen,
    /// All that the catalog has.
    All,
}

/// The settings in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What `run` reads.
    pub source: SourceKind,
    /// Address and port of the HTTP server.
    pub listen: String,
    /// Catalog files and folders laid over the built-in catalog.
    pub catalog: Vec<PathBuf>,
    /// Find codes of services without a catalog.
    pub discovery: bool,
    /// Longest record that is held whole.
    pub max_record_bytes: usize,
    /// Most unknown codes with a series of their own.
    pub max_unknown_codes: usize,
    /// Categories whose series exist from the start.
    pub zero_init: Vec<Category>,
    /// For which codes there is metadata.
    pub code_info: CodeInfo,
    /// How long `/metrics` stays up after the end of the input.
    pub linger: Duration,
    /// How long stopping may take.
    pub shutdown_timeout: Duration,
    /// Least severe level that is logged.
    pub log_level: tracing::Level,
}

impl Settings {
    /// What decides how records are read.
    pub fn options(&self) -> Options {
        Options { discovery: self.discovery, max_record_bytes: self.max_record_bytes }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            source: SourceKind::Stdin,
            listen: "127.0.0.1:9877".to_owned(),
            catalog: Vec::new(),
            discovery: true,
            max_record_bytes: 1 << 20,
            max_unknown_codes: 100,
            zero_init: vec![Category::Quota, Category::Throttling],
            code_info: CodeInfo::Seen,
            linger: Duration::ZERO,
            shutdown_timeout: Duration::from_secs(10),
            log_level: tracing::Level::INFO,
        }
    }
}
