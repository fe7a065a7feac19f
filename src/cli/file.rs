//! The flags below `file`, and where positions are kept.

use clap::Args;

use super::settings::{push, push_all};

/// Which files to follow, and how.
#[derive(Debug, Args)]
pub struct Files {
    /// Folder where positions in files are kept
    #[arg(long, value_name = "FOLDER")]
    state_dir: Option<String>,
    /// Files to follow: paths and globs, with commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    file_paths: Vec<String>,
    /// Globs of files that are left out, with commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    file_exclude: Vec<String>,
    /// Where files begin that are there at the first start: end or beginning
    #[arg(long, value_name = "WHERE")]
    file_start: Option<String>,
    /// How lines are written: auto, raw, cri or docker
    #[arg(long, value_name = "FORMAT")]
    file_format: Option<String>,
    /// How often files are looked for
    #[arg(long, value_name = "TIME")]
    file_discover_interval: Option<String>,
    /// Most files that are open at once
    #[arg(long, value_name = "N")]
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
