//! curl, as a client that others wrote.

use std::process::Command;

use crate::support::daemon::Daemon;

/// What came back: status 0 where there was no answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: String,
    /// What curl tells of the connection.
    pub told: String,
}

/// Asks `daemon` for `url`, a path with `http:` or `https:` before it.
#[track_caller]
pub fn curl(daemon: &Daemon, url: &str, args: &[&str]) -> Reply {
    let (scheme, path) = url.split_once(':').expect("a scheme");
    let url = format!("{scheme}://{}{path}", daemon.address());
    let output = Command::new("curl")
        .args(["--silent", "--verbose", "--max-time", "30", "--write-out", "\n%{http_code} %{http_version}"])
        .args(args)
        .arg(&url)
        .output()
        .expect("curl is there");
    let text = String::from_utf8(output.stdout).expect("text");
    let (body, last) = text.rsplit_once('\n').expect("a last line");
    let status = last.split(' ').next().and_then(|s| s.parse().ok()).expect("a status");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    Reply { status, body: body.to_owned(), told: format!("{told}\nversion {last}") }
}
