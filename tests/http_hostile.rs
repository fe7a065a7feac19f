//! Requests that two readers of HTTP could understand in two ways, and those that never end: refused, or the last of
//! their connection.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use support::DEADLINE;
use support::daemon::Daemon;

/// Sends `bytes` and reads until the server closes; none where it did not, in time.
fn exchange(daemon: &Daemon, bytes: &[u8]) -> Option<String> {
    let mut stream = TcpStream::connect(daemon.address()).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("a time limit");
    // It may answer and close before all is sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        _ => Some(String::from_utf8_lossy(&answer).into_owned()),
    }
}

/// The statuses of the answers in `text`.
fn statuses(text: &str) -> Vec<&str> {
    text.match_indices("HTTP/1.").filter_map(|(at, _)| text.get(at + 9..at + 12)).collect()
}

#[test]
fn a_request_names_one_host() {
    let daemon = Daemon::start(&[]);
    let ask = |version: &str, headers: &str| {
        let request = format!("GET /healthz HTTP/{version}\r\n{headers}Connection: close\r\n\r\n");
        let answer = exchange(&daemon, request.as_bytes()).expect("it closes");
        statuses(&answer).first().map(ToString::to_string).unwrap_or_default()
    };
    for (version, headers, status) in [
        ("1.1", "Host: x\r\n", "200"),
        ("1.1", "Host: 127.0.0.1:9877\r\n", "200"),
        ("1.1", "Host: [::1]:9877\r\n", "200"),
        ("1.1", "Host:\r\n", "200"),
        ("1.0", "", "200"),
        ("1.0", "Host: x\r\n", "200"),
        ("1.1", "", "400"),
        ("1.1", "Host: x\r\nHost: x\r\n", "400"),
        ("1.1", "Host: x\r\nhost: y\r\n", "400"),
        ("1.0", "Host: x\r\nHost: y\r\n", "400"),
        ("1.1", "Host: a b\r\n", "400"),
        ("1.1", "Host: x/y\r\n", "400"),
        ("1.1", "Host: me@x\r\n", "400"),
        ("1.1", "Host : x\r\n", "400"),
        ("1.1", "Hos\0t: x\r\n", "400"),
    ] {
        assert_eq!(ask(version, headers), status, "{version} {headers:?}");
    }
}

#[test]
fn nothing_is_read_behind_a_body() {
    let daemon = Daemon::start(&["--http-request-timeout", "3s", "--http-idle-timeout", "3s"]);
    // What a proxy may take for the body, and a server for the next request.
    let hidden = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    let head = "POST /healthz HTTP/1.1\r\nHost: x\r\n";
    let length = hidden.len();
    for request in [
        format!("{head}Content-Length: {length}\r\n\r\n{hidden}"),
        format!("{head}Content-Length: 5\r\n\r\nhello{hidden}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{head}Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{head}Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{head}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{head}Transfer-Encoding: chunked, identity\r\n\r\n{hidden}"),
        format!("{head}Transfer-Encoding: xchunked\r\n\r\n{hidden}"),
        format!("{head}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{head} Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{head}Content-Length: 4\r\nContent-Length: {length}\r\n\r\nabcd{hidden}"),
        format!("{head}Content-Length: 4, {length}\r\n\r\nabcd{hidden}"),
        format!("{head}Content-Length: +4\r\n\r\nabcd{hidden}"),
        format!("{head}Content-Length: -1\r\n\r\n{hidden}"),
        format!("{head}Content-Length: 0x4\r\n\r\nabcd{hidden}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{hidden}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n{hidden}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff0\r\n{hidden}"),
        format!("{head}Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n{hidden}"),
        format!("POST /healthz HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{hidden}"),
    ] {
        let answer = exchange(&daemon, request.as_bytes()).expect("it closes");
        let all = statuses(&answer);
        assert!(all.len() <= 1, "one answer at most to {request:?}: {answer}");
        assert!(!answer.contains("errtally_"), "{request:?}: {answer}");
    }
    // Without a body, one behind the other is served.
    let two = format!("{hidden}GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(statuses(&exchange(&daemon, two.as_bytes()).expect("it closes")), ["200", "200"]);
}

#[test]
fn bodies_that_do_not_end_keep_nobody_out() {
    let daemon = Daemon::start(&["--http-max-connections", "32", "--http-idle-timeout", "1s"]);
    let heads = [
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
    ];
    let mut held = Vec::new();
    for round in 0..200 {
        let mut stream = TcpStream::connect(daemon.address()).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a time limit");
        let _ = stream.write_all(heads[round % heads.len()].as_bytes());
        held.push(stream);
        // Some drip on.
        for stream in held.iter_mut().rev().take(10) {
            let _ = stream.write_all(b"x");
        }
        if round % 20 == 0 {
            assert_eq!(daemon.get("/metrics").status, 200);
        }
    }
    let since = Instant::now();
    for stream in &mut held {
        let end = stream.read_to_end(&mut Vec::new());
        assert!(
            !matches!(&end, Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)),
            "it is closed"
        );
    }
    assert!(since.elapsed() < DEADLINE, "{:?}", since.elapsed());
    assert!(daemon.peak_memory() < 64 << 20, "{} MiB", daemon.peak_memory() >> 20);
}
