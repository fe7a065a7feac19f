//! Real senders, where they are installed: logger(1), nc, socat, and bash's own.

use std::process::{Command, Stdio};

use super::support::daemon::Daemon;
use super::support::{Folder, finish, finish_with, has_tool};
use super::{CODE, hits, listening, tcp};

#[test]
fn logger_by_udp_tcp_and_a_unix_socket() {
    if !has_tool("logger") {
        return;
    }
    let folder = Folder::new();
    let path = folder.path().join("log.sock").display().to_string();
    let settings = format!(
        "sources:\n  - {{name: udp, kind: udp, listen: \"127.0.0.1:0\"}}\n  \
         - {{name: tcp, kind: tcp, listen: \"127.0.0.1:0\"}}\n  \
         - {{name: log, kind: unixgram, listen: \"{path}\"}}\n"
    );
    let file = folder.write("errtally.yaml", settings);
    let daemon = Daemon::start_with(&["--config", &file], Stdio::null(), &[]);
    let (udp, tcp) = (listening(&daemon, "udp://"), listening(&daemon, "tcp://"));
    let text = "request failed with Ecs.0114\n".repeat(20);
    let send = |args: &[&str]| {
        let ended = finish_with(
            Command::new("logger").args(["-t", "app", "-p", "user.err"]).args(args),
            text.as_bytes(),
        );
        ended.ok();
    };
    for format in ["--rfc3164", "--rfc5424"] {
        send(&[format, "-d", "-n", "127.0.0.1", "-P", &udp.port().to_string()]);
        send(&[format, "-T", "-n", "127.0.0.1", "-P", &tcp.port().to_string()]);
        send(&[format, "-T", "--octet-count", "-n", "127.0.0.1", "-P", &tcp.port().to_string()]);
        send(&[format, "-d", "-u", &path]);
    }
    let scrape = daemon.wait_for_records(2 * 4 * 20);
    assert_eq!(hits(&scrape), 160.0);
    let of = |source| scrape.sum("errtally_records_total", &[("source", source)]);
    assert_eq!((of("udp"), of("tcp"), of("log")), (40.0, 80.0, 40.0));
}

#[test]
fn a_shell_and_what_else_is_there() {
    let (daemon, address) = tcp(&[]);
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let mut sent = 0;
    let shell = format!("for i in $(seq 100); do echo \"Ecs.0114 $i\"; done > /dev/tcp/{host}/{port}");
    finish(Command::new("bash").args(["-c", &shell])).ok();
    sent += 100;
    let text = CODE.repeat(100);
    for (tool, args) in [
        ("nc", vec!["-N".to_owned(), host.clone(), port.clone()]),
        ("socat", vec!["-u".to_owned(), "-".to_owned(), format!("TCP:{host}:{port}")]),
    ] {
        if has_tool(tool) {
            finish_with(Command::new(tool).args(&args), text.as_bytes()).ok();
            sent += 100;
        }
    }
    assert_eq!(hits(&daemon.wait_for_records(sent)), sent as f64);
}
