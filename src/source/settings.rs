//! What may be set of sources.

use std::path::PathBuf;
use std::time::Duration;

use crate::kafka::KafkaSettings;
use errtally_core::problem::Refused;

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

/// A kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// Lines from standard input.
    Stdin,
    /// Lines of files that grow.
    File,
    /// Messages from Kafka.
    Kafka,
    /// Lines or frames over TCP.
    Tcp,
    /// The same over a Unix socket.
    Unix,
    /// Datagrams over UDP.
    Udp,
    /// Datagrams over a Unix socket.
    Unixgram,
    /// Requests with lines, JSON or OTLP.
    Http,
    /// Messages of Fluentd's forward protocol.
    Forward,
}

/// All kinds: how each is written, and the section of its keys.
const KINDS: &[(SourceKind, &str, Option<&str>)] = &[
    (SourceKind::Stdin, "stdin", None),
    (SourceKind::File, "file", Some("file")),
    (SourceKind::Kafka, "kafka", Some("kafka")),
    (SourceKind::Tcp, "tcp", Some("socket")),
    (SourceKind::Unix, "unix", Some("socket")),
    (SourceKind::Udp, "udp", Some("socket")),
    (SourceKind::Unixgram, "unixgram", Some("socket")),
    (SourceKind::Http, "http", Some("socket")),
    (SourceKind::Forward, "forward", Some("socket")),
];

impl SourceKind {
    /// As it is written in the settings, and the name of a source that has no other.
    pub fn as_str(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, name, _)| name)
    }

    /// The section of its keys.
    pub fn section(self) -> Option<&'static str> {
        KINDS.iter().find(|(kind, ..)| *kind == self).and_then(|(.., section)| *section)
    }

    /// What `text` names.
    pub fn parse(text: &str) -> Result<SourceKind, Refused> {
        let kind = KINDS.iter().find(|(_, name, _)| *name == text).map(|(kind, ..)| *kind);
        match kind {
            Some(SourceKind::Kafka) if !cfg!(feature = "kafka") => {
                let remedy = "build it with the feature `kafka`".to_owned();
                Err(("this errtally was built without Kafka".to_owned(), remedy))
            }
            Some(kind) => Ok(kind),
            None => {
                let names: Vec<_> = KINDS.iter().map(|(_, name, _)| *name).collect();
                let (last, others) = names.split_last().unwrap_or((&"", &[]));
                Err((format!("`{text}` is no source"), format!("write {} or {last}", others.join(", "))))
            }
        }
    }
}

/// One source with all of its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSettings {
    /// The value of the label `source`.
    pub name: String,
    /// What it reads.
    pub kind: SourceKind,
    /// How, where it is files.
    pub file: FileSettings,
    /// How, where it is Kafka.
    pub kafka: KafkaSettings,
    /// How, where it is a socket.
    pub socket: SocketSettings,
}

/// How records are told apart in what a connection sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketFraming {
    /// By what the connection begins with.
    Auto,
    /// A newline ends each.
    Newline,
    /// Its length comes before each.
    Octets,
}

impl SocketFraming {
    /// As it is written in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            SocketFraming::Auto => "auto",
            SocketFraming::Newline => "newline",
            SocketFraming::Octets => "octets",
        }
    }
}

/// Where to listen, and what a sender may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketSettings {
    /// An address, a path, or `systemd`.
    pub listen: String,
    /// How records are told apart.
    pub framing: SocketFraming,
    /// Most connections.
    pub max_connections: usize,
    /// How long a connection may be quiet; zero for ever.
    pub idle_timeout: Duration,
    /// TLS and client certificates, where there are any.
    pub tls_config_file: Option<PathBuf>,
    /// TLS, users and limits of a source over HTTP, where there are any.
    pub web_config_file: Option<PathBuf>,
    /// The file of what senders by the forward protocol must know, where they must.
    pub shared_key_file: Option<PathBuf>,
}

impl Default for SocketSettings {
    fn default() -> SocketSettings {
        SocketSettings {
            listen: String::new(),
            framing: SocketFraming::Auto,
            max_connections: 1024,
            idle_timeout: Duration::ZERO,
            tls_config_file: None,
            web_config_file: None,
            shared_key_file: None,
        }
    }
}
