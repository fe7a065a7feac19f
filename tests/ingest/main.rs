//! Sources that others send logs to by HTTP, OTLP and Fluentd's forward protocol, with the clients that people use:
//! exact counts, restarts in the middle, and senders that mean no good.

mod bad;
mod forward;
mod http;
mod otlp;
mod python;
#[path = "../support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use support::daemon::Daemon;
use support::{DEADLINE, finish_with, wait_for};

/// What is refused: headers, body, and the status, the kind and the words of the answer.
pub type Refused<'c> = (&'c [(&'c str, &'c str)], &'c [u8], u16, &'c str, &'c str);

/// A daemon that others send to.
pub struct Receiver {
    /// The daemon.
    pub daemon: Daemon,
    /// Where to.
    pub at: SocketAddr,
}

impl Receiver {
    /// One that speaks `kind`, with further arguments.
    #[track_caller]
    pub fn start(kind: &str, args: &[&str]) -> Receiver {
        Receiver::start_at(kind, "127.0.0.1:0", args)
    }

    /// At an address that is known before.
    #[track_caller]
    pub fn start_at(kind: &str, address: &str, args: &[&str]) -> Receiver {
        let all: Vec<_> =
            ["--source", kind, "--socket-listen", address].iter().chain(args).copied().collect();
        let daemon = Daemon::start(&all);
        let at = wait_for("the address of the source in the log", || {
            let log = daemon.log();
            let (_, rest) = log.split_once("listening on ")?;
            let (_, rest) = rest.split_once("://")?;
            rest.split_whitespace().next()?.trim_end_matches(['/', '"']).parse().ok()
        });
        Receiver { daemon, at }
    }

    /// How often `code` is counted.
    #[track_caller]
    pub fn count(&self, code: &str) -> f64 {
        let scrape = self.daemon.scrape();
        let labels = [("code", code)];
        scrape.sum("errtally_errors_total", &labels) + scrape.sum("errtally_unknown_codes_total", &labels)
    }

    /// How many records are counted.
    #[track_caller]
    pub fn records(&self) -> f64 {
        self.daemon.scrape().sum("errtally_records_total", &[])
    }

    /// How often something was refused for this reason.
    #[track_caller]
    pub fn refused(&self, kind: &str) -> f64 {
        let scrape = self.daemon.scrape();
        scrape
            .value("errtally_source_refusals_total", &[("kind", kind)])
            .unwrap_or_else(|| panic!("a kind: {kind}"))
    }

    /// Posts `body`, of known length; the status and the whole answer.
    #[track_caller]
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
        post(self.at, path, headers, body).expect("an answer")
    }
}

/// Posts `body`, of known length.
pub fn post(
    at: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&at, DEADLINE)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    // It may answer before it has read all.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok());
    Ok((status.ok_or_else(|| std::io::Error::other("no status"))?, answer))
}

/// Runs curl with `input` on its standard input; the status of the answer, and its body.
#[track_caller]
pub fn curl(args: &[&str], input: &[u8]) -> (String, String) {
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "60", "-w", "\n%{http_code}"]).args(args);
    let output = finish_with(&mut command, input).ok();
    let (body, status) = output.rsplit_once('\n').expect("a status");
    (status.to_owned(), body.to_owned())
}

/// `bytes`, compressed.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// `n` lines, of which every third holds the code.
pub fn lines(n: usize) -> String {
    let line = |i: usize| match i % 3 {
        0 => format!("2026-04-02T01:00:00Z ERROR quota: CCE.01400007 of request {i}\n"),
        _ => format!("2026-04-02T01:00:00Z INFO nothing of note in request {i}\n"),
    };
    (0..n).map(line).collect()
}
