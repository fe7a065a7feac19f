//! Sources that others send to, and several sources at once, through the real program.

#[path = "../support/mod.rs"]
mod support;

mod bad;
mod datagrams;
mod frames;
mod intake;
mod lines;
mod place;
mod senders;
mod several;
mod tls;

use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;

use support::daemon::Daemon;
use support::exposition::Scrape;

/// A line with a code, and one without.
const CODE: &str = "2026-11-21T10:00:00Z ERROR Ecs.0114 the server does not exist\n";
const QUIET: &str = "2026-11-21T10:00:00Z INFO reconciled in 12 ms, nothing to do\n";

/// Starts a daemon that listens to TCP on a free port; gives the port, too.
#[track_caller]
fn tcp(args: &[&str]) -> (Daemon, SocketAddr) {
    let all: Vec<_> =
        ["--source", "tcp", "--socket-listen", "127.0.0.1:0"].iter().chain(args).copied().collect();
    let daemon = Daemon::start_with(&all, Stdio::null(), &[]);
    let address = listening(&daemon, "tcp://");
    (daemon, address)
}

/// Where it listens, as its log says.
#[track_caller]
fn listening(daemon: &Daemon, scheme: &str) -> SocketAddr {
    let log = daemon.log();
    let (_, rest) = log.split_once(&format!("listening on {scheme}")).unwrap_or_else(|| panic!("{log}"));
    let word = rest.split_whitespace().next().expect("an address");
    word.trim_end_matches('"').parse().unwrap_or_else(|e| panic!("{word}: {e}"))
}

#[track_caller]
fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).expect("it accepts")
}

/// Hits of the code.
fn hits(scrape: &Scrape) -> f64 {
    scrape.sum("errtally_errors_total", &[("code", "Ecs.0114")])
}

fn refusals(scrape: &Scrape, kind: &str) -> f64 {
    scrape.sum("errtally_source_refusals_total", &[("kind", kind)])
}
