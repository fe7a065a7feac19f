//! A crowd of HTTP clients as a program: what `benches/beside` sets on errtally.

#[path = "mod.rs"]
mod crowd;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use crowd::{Crowd, Plan};

/// Hold connections, read slowly, scrape at a steady rate
#[derive(Parser)]
struct Args {
    /// The server
    address: SocketAddr,
    /// Clients that connect and do nothing
    #[arg(long, default_value = "200")]
    idle: usize,
    /// Clients that take an answer byte by byte
    #[arg(long, default_value = "20")]
    slow: usize,
    /// Scrapes a second
    #[arg(long, default_value = "1000")]
    rate: u32,
    /// Connections to scrape over
    #[arg(long, default_value = "32")]
    scrapers: usize,
    /// How long, in seconds
    #[arg(long, default_value = "3")]
    seconds: f64,
    /// Ask for gzip, as Prometheus does
    #[arg(long)]
    gzip: bool,
    /// A further header, NAME: VALUE
    #[arg(long)]
    header: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut headers: String = args.header.iter().map(|h| format!("{h}\r\n")).collect();
    if args.gzip {
        headers.push_str("Accept-Encoding: gzip\r\n");
    }
    let plan = Plan {
        address: args.address,
        idle: args.idle,
        slow: args.slow,
        rate: args.rate,
        scrapers: args.scrapers,
        headers,
    };
    let crowd = Crowd::new(plan).context("cannot connect")?;
    // Who started it measures from here on.
    println!("here: {} beside the scrapers", crowd.held());
    let until = Instant::now() + Duration::from_secs_f64(args.seconds);
    let seen = crowd.attend(|| Instant::now() >= until).context("cannot connect any more")?;
    println!(
        "{}",
        serde_json::json!({
            "scrapes": seen.scrapes,
            "bytes": seen.bytes,
            "failures": seen.failures,
            "late": seen.late,
            "stale": seen.stale,
            "records": seen.records,
            "p50_ms": seen.latency(0.5),
            "p99_ms": seen.latency(0.99),
        })
    );
    Ok(())
}
