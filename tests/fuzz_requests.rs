//! A client may send anything: it gets an answer of HTTP or a closed connection, and others are served.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

use support::DEADLINE;
use support::daemon::Daemon;

/// What bytes from 0x80 on stand for: what requests are made of.
const FRAGMENTS: &[&str] = &[
    "GET ",
    "HEAD ",
    "POST ",
    "OPTIONS ",
    "/metrics",
    "/healthz",
    "/readyz",
    "/",
    "/api/v1/codes",
    "/catalog",
    "?q=",
    "%00",
    "%zz",
    "/catalog/ECS.0114",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    " HTTP/2.0\r\n",
    "Host: x\r\n",
    "Host: ",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "Transfer-Encoding: chunked\r\n",
    "5\r\nabcde\r\n",
    "0\r\n\r\n",
    "Accept: application/openmetrics-text\r\n",
    "Accept-Encoding: gzip\r\n",
    "Authorization: Basic YTpi\r\n",
    "Expect: 100-continue\r\n",
    "Upgrade: h2c\r\n",
    "X: ",
    " ",
    "\t",
    "\u{0}",
    "é",
    ":",
    "http://a/b",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

#[test]
fn requests() {
    let daemon = Daemon::start(&[]);
    let address = daemon.address();
    bolero::check!().for_each(|bytes: &[u8]| {
        let mut request = Vec::new();
        for &byte in bytes {
            match byte.checked_sub(0x80) {
                None => request.push(byte),
                Some(number) => request.extend(FRAGMENTS[number as usize % FRAGMENTS.len()].bytes()),
            }
        }
        let mut stream = TcpStream::connect(address).expect("it accepts connections");
        stream.set_read_timeout(Some(DEADLINE)).expect("a time limit");
        // It may answer and close before all is sent.
        let _ = stream.write_all(&request);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        if let Err(e) = stream.read_to_end(&mut answer) {
            let waited = matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            assert!(!waited, "the connection stays open");
        }
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{}", answer.escape_ascii());
    });
    assert_eq!(daemon.get("/healthz").status, 200);
}
