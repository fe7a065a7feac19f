//! The flags below `file`, and where positions are kept.

use clap::Args;

use super::settings::{push, push_all};

/// The heading of these flags in `--help`.
const HEADING: &str = "Source: files";

/// Which files to follow, and how.
#[derive(Debug, Args)]
pub struct Files {
    /// Folder for positions, so that a restart continues there
    #[arg(long, value_name = "FOLDER", help_heading = HEADING)]
    state_dir: Option<String>,
    /// Files to follow: paths and globs, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = HEADING)]
    file_paths: Vec<String>,
    /// Globs of files to leave out, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = HEADING)]
    file_exclude: Vec<String>,
    /// Where to start in files that exist at the first start: end or beginning
    #[arg(long, value_name = "WHERE", help_heading = HEADING)]
    file_start: Option<String>,
    /// Format of the lines: auto, raw, cri or docker
    #[arg(long, value_name = "FORMAT", help_heading = HEADING)]
    file_format: Option<String>,
    /// Interval for finding new files
    #[arg(long, value_name = "TIME", help_heading = HEADING)]
    file_discover_interval: Option<String>,
    /// Maximum number of open files
    #[arg(long, value_name = "N", help_heading = HEADING)]
    file_max_open: Option<String>,
}

impl Files {
    /// Adds these flags to `flags`.
    pub fn add_to(&self, flags: &mut Vec<(&'static str, Vec<String>)>) {
        push(flags, "state_dir", &self.state_dir);
        push_all(flags, "file.paths", &self.file_paths);
        push_all(flags, "file.exclude", &self.file_exclude);
        push(flags, "file.start", &self.file_start);
        push(flags, "file.format", &self.file_format);
        push(flags, "file.discover_interval", &self.file_discover_interval);
        push(flags, "file.max_open", &self.file_max_open);
    }
}
