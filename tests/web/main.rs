//! `--web.config.file`: TLS, client certificates, basic authentication, headers and rate limit, with real clients.

mod auth;
mod certificates;
mod clients;
mod config;
mod curl;
mod rewrites;
#[path = "../support/mod.rs"]
mod support;
mod tls;

use std::process::Stdio;

use support::Folder;
use support::daemon::Daemon;

/// Starts a daemon with the web configuration `content`, written beside the files that it names.
#[track_caller]
fn daemon_with(folder: &Folder, content: &str, args: &[&str]) -> Daemon {
    let file = folder.write("web.yml", content);
    let all: Vec<_> = ["--web.config.file", &file].iter().chain(args).copied().collect();
    Daemon::spawn(&all, Stdio::piped(), &[])
}
