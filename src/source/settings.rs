//! What may be set of sources.

use std::time::Duration;

/// Where a file is begun that was there before the first start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At its first byte.
    Beginning,
    /// Behind its last whole line.
    End,
}

/// How the lines of files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Told by the first lines of each file.
    Auto,
    /// As they are.
    Raw,
    /// As CRI runtimes write them.
    Cri,
    /// As Docker writes them.
    Docker,
}

impl FileFormat {
    /// As it is written in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            FileFormat::Auto => "auto",
            FileFormat::Raw => "raw",
            FileFormat::Cri => "cri",
            FileFormat::Docker => "docker",
        }
    }
}

/// Which files to follow, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// Paths and globs.
    pub paths: Vec<String>,
    /// Globs of files that are left out.
    pub exclude: Vec<String>,
    /// Where a file begins that was there before the first start.
    pub start: Begin,
    /// How its lines are written.
    pub format: FileFormat,
    /// How often files are looked for.
    pub discover_interval: Duration,
    /// Most files that are open at once.
    pub max_open: usize,
}

impl Default for FileSettings {
    fn default() -> FileSettings {
        FileSettings {
            paths: Vec::new(),
            exclude: Vec::new(),
            start: Begin::End,
            format: FileFormat::Auto,
            discover_interval: Duration::from_secs(5),
            max_open: 256,
        }
    }
}
