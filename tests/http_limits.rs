//! Clients that are slow, silent, greedy or malicious: each loses its place, and nobody else notices.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use support::daemon::Daemon;
use support::exposition::Scrape;
use support::{DEADLINE, Folder, http, shop_catalog, wait_for};

const CONNECTIONS: &str = "errtally_http_connections";
const FDS: &str = "process_open_fds";

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("a time limit");
    stream
}

/// Reads to the end, however it comes; gives what was read, or nothing where the server did not close in time.
fn read_all(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        _ => Some(bytes),
    }
}

/// The status of the first answer in `bytes`.
fn status(bytes: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(bytes.get(..12)?).ok()?;
    text.strip_prefix("HTTP/1.")?[2..].trim().parse().ok()
}

#[track_caller]
fn value(scrape: &Scrape, name: &str) -> f64 {
    scrape.value(name, &[]).expect("a gauge")
}

#[test]
fn ready_and_connections_are_metrics() {
    let mut daemon = Daemon::start(&["--linger", "1m"]);
    let scrape = daemon.scrape();
    assert_eq!((value(&scrape, "errtally_ready"), value(&scrape, CONNECTIONS)), (1.0, 1.0));
    let held: Vec<_> = (0..5).map(|_| connect(daemon.address())).collect();
    wait_for("all of them", || (value(&daemon.scrape(), CONNECTIONS) == 6.0).then_some(()));
    drop(held);
    wait_for("none of them", || (value(&daemon.scrape(), CONNECTIONS) == 1.0).then_some(()));
    daemon.close();
    assert_eq!(value(&daemon.wait_for_end_of_input(), "errtally_ready"), 0.0);
}

#[test]
fn whoever_comes_when_all_places_are_taken_gets_that_of_the_quietest() {
    let mut daemon = Daemon::start(&["--http-max-connections", "8", "--http-request-timeout", "1h"]);
    let mut held: Vec<_> = (0..8).map(|_| connect(daemon.address())).collect();
    for round in 1..=20 {
        daemon.write("Ecs.0114\n");
        let scrape = daemon.wait_for_records(round);
        assert!(value(&scrape, CONNECTIONS) <= 9.0, "{}", value(&scrape, CONNECTIONS));
        held.push(connect(daemon.address()));
    }
    // The oldest are gone, the newest are not.
    assert_eq!(read_all(&mut held[0]), Some(Vec::new()));
    let newest = held.last_mut().expect("one");
    newest.set_nonblocking(true).expect("a connection");
    assert_eq!(newest.read(&mut [0]).expect_err("nothing to read").kind(), ErrorKind::WouldBlock);
    daemon.wait_for_log("all HTTP connections are in use");
    assert_eq!(
        daemon.log().matches("all HTTP connections are in use").count(),
        1,
        "it is not told again and again"
    );
}

#[test]
fn without_descriptors_the_quietest_makes_way_too() {
    let mut daemon = Daemon::start(&["--http-request-timeout", "1h"]);
    let fds = value(&daemon.scrape(), FDS) as u64;
    let pid = Pid::from_raw(i32::try_from(daemon.pid()).expect("a process id"));
    let limit = Rlimit { current: Some(fds + 10), maximum: Some(fds + 10) };
    prlimit(pid, Resource::Nofile, limit).expect("a child of ours");
    let held: Vec<_> = (0..60).map(|_| connect(daemon.address())).collect();
    for round in 1..=5 {
        daemon.write("Ecs.0114\n");
        daemon.wait_for_records(round);
    }
    daemon.wait_for_log("cannot accept an HTTP connection");
    assert_eq!(daemon.log().matches("cannot accept").count(), 1, "it is not told again and again");
    drop(held);
}

#[test]
fn a_head_that_does_not_end_is_cut_off_however_it_drips() {
    let daemon = Daemon::start(&["--http-request-timeout", "700ms"]);
    let since = Instant::now();
    let mut silent = connect(daemon.address());
    let mut half = connect(daemon.address());
    half.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n").expect("sent");
    // One that was answered before gets no more time for its second request.
    let mut second = connect(daemon.address());
    second.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    assert!(second.read(&mut [0; 1024]).expect("an answer") > 0);
    let mut dripping = connect(daemon.address());
    let dripped = wait_for("the end of the one that drips", || {
        let _ = second.write_all(b"G");
        // The first write after the end may still succeed; one after that does not.
        dripping.write_all(b"x").err().map(|_| since.elapsed())
    });
    assert!(dripped > Duration::from_millis(600), "{dripped:?}");
    assert_eq!(read_all(&mut silent), Some(Vec::new()));
    assert_eq!(read_all(&mut half), Some(Vec::new()));
    assert!(read_all(&mut second).is_some());
    assert_eq!(daemon.get("/healthz").status, 200);
}

#[test]
fn a_connection_is_kept_between_requests_for_a_time() {
    let daemon = Daemon::start(&["--http-idle-timeout", "1s", "--http-request-timeout", "500ms"]);
    let (mut used, mut idle) = (connect(daemon.address()), connect(daemon.address()));
    let ask = |stream: &mut TcpStream| {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
        let mut buffer = [0; 1024];
        let n = stream.read(&mut buffer).expect("an answer");
        assert_eq!(status(&buffer[..n]), Some(200));
    };
    ask(&mut idle);
    let since = Instant::now();
    idle.set_nonblocking(true).expect("a connection");
    let ended = wait_for("the end of the idle one", || {
        ask(&mut used);
        matches!(idle.read(&mut [0]), Ok(0)).then(|| since.elapsed())
    });
    assert!(ended > Duration::from_millis(900), "longer than a head may take: {ended:?}");
    ask(&mut used);
}

/// With a catalog that is larger than what a connection's buffers hold.
fn with_large_answers(folder: &Folder, mebibytes: usize, args: &[&str]) -> Daemon {
    let numbers: Vec<_> = (0..512).map(|n| format!("{n:03}")).collect();
    let numbers: Vec<_> = numbers.iter().map(String::as_str).collect();
    let long = format!("\"{}\"", "x".repeat(mebibytes << 11));
    let catalog = folder.write("shop.yaml", shop_catalog(&numbers).replace("\"m\"", &long));
    Daemon::start(&[&["--catalog", &catalog], args].concat())
}

#[test]
fn a_slow_reader_is_cut_off() {
    let folder = Folder::new();
    let daemon = with_large_answers(&folder, 8, &["--http-answer-timeout", "2s"]);
    let whole = daemon.get("/api/v1/catalog").body.len();
    assert!(whole > 8 << 20);
    let mut slow = http::open(daemon.address(), "GET", "/api/v1/catalog", &[]).expect("a connection");
    // It takes some all the time, and would take hours. What it did not take is not kept for it.
    let end = wait_for("the end of it", || slow.read(&mut [0; 100]).map(|n| assert!(n > 0)).err());
    assert_eq!(end.kind(), ErrorKind::ConnectionReset);
    assert_eq!(daemon.get("/api/v1/catalog").body.len(), whole, "others get everything");
}

#[test]
fn slow_readers_cannot_collect_answers_in_memory() {
    let folder = Folder::new();
    let daemon = with_large_answers(&folder, 16, &["--http-answer-timeout", "1h"]);
    let answer = daemon.get("/api/v1/catalog").body.len() as u64;
    let before = daemon.peak_memory();
    let mut slow = Vec::new();
    for _ in 0..10 {
        // Each gets an answer of its own, made after it asked.
        let reader = http::open(daemon.address(), "GET", "/api/v1/catalog", &[]).expect("a connection");
        assert_eq!(reader.peek(&mut [0]).expect("the beginning of an answer"), 1);
        slow.push(reader);
    }
    let grown = daemon.peak_memory() - before;
    // The limit of what is held, one rendering more, and what making it takes.
    assert!(grown < (64 << 20) + 4 * answer, "{} MiB for 10 answers of {} MiB", grown >> 20, answer >> 20);
    assert!((64 << 20) + 4 * answer < 9 * answer, "or it would prove nothing: {answer}");
    assert_eq!(daemon.get("/metrics").status, 200);
}

#[test]
fn heads_have_a_size() {
    let daemon = Daemon::start(&[]);
    let ask = |head: String| {
        let mut stream = connect(daemon.address());
        // It may answer and close before all is sent.
        let _ = stream.write_all(head.as_bytes());
        read_all(&mut stream).map(|bytes| status(&bytes))
    };
    let with = |more: &str| format!("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n");
    let headers = |n: usize| (0..n).map(|i| format!("X-{i}: x\r\n")).collect::<String>();
    assert_eq!(ask(with("")), Some(Some(200)));
    assert_eq!(ask(with(&headers(62))), Some(Some(200)));
    assert_eq!(ask(with(&headers(63))), Some(Some(431)));
    assert_eq!(ask(with(&format!("X: {}\r\n", "x".repeat(15_000)))), Some(Some(200)));
    // A large head may be answered by a reset alone.
    for large in [
        with(&format!("X: {}\r\n", "x".repeat(20_000))),
        format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20)),
    ] {
        let answer = ask(large).expect("it closes");
        assert!(answer.is_none_or(|s| (400..500).contains(&s)), "{answer:?}");
    }
    assert_eq!(daemon.get("/healthz").status, 200);
}

/// A number that looks random; the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// Requests that no client sends, or none should.
const ODD: [&[u8]; 24] = [
    b"\r\n\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET /metrics\r\n\r\n",
    b"GET /metrics HTTP/9.9\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\nrubbish\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://example.org/metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%00%ff%2e%2e/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /catalog/%ff%00%2F%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /catalog?q=%ff&page=99999999999999999999&service=%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nnever all",
    b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\n folded: header\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: ,;q=;;q=x,*/*;q=nan\r\nAccept-Encoding: ;q=,gzip;q=\r\n\r\n",
    b"GET /metrics HTTP/1.0\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a handshake where none is expected",
];

#[test]
fn nothing_that_is_sent_brings_it_down() {
    let mut daemon = Daemon::start(&["--http-request-timeout", "2s"]);
    let before = value(&daemon.scrape(), FDS);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut open = Vec::new();
    for round in 0..1500 {
        let mut bytes = ODD[round % ODD.len()].to_vec();
        // The first rounds as they are, the others with some bytes changed, doubled or cut off.
        for _ in 0..if round < ODD.len() { 0 } else { 1 + numbers.below(6) } {
            let at = numbers.below(bytes.len().max(1));
            match numbers.below(4) {
                0 if !bytes.is_empty() => bytes[at] = numbers.next() as u8,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, b"\r\n:\0 /\xff"[numbers.below(7)]),
                _ => bytes.extend_from_within(at..),
            }
        }
        let mut stream = connect(daemon.address());
        let _ = stream.write_all(&bytes);
        // Some are left open, some are closed at once, some with their answer unread.
        if round % 3 > 0 {
            open.push(stream);
        }
        if round % 100 == 99 {
            daemon.write("Ecs.0114\n");
            open.drain(..open.len() / 2);
        }
    }
    let scrape = daemon.wait_for_records(15);
    assert_eq!(scrape.value("errtally_errors_total", &[("code", "Ecs.0114")]), Some(15.0));
    assert!(value(&scrape, FDS) < before + 300.0, "{} descriptors", value(&scrape, FDS));
    drop(open);
    wait_for("all connections closed", || (value(&daemon.scrape(), CONNECTIONS) == 1.0).then_some(()));
    assert_eq!(value(&daemon.scrape(), FDS), before);
    assert!(daemon.peak_memory() < 64 << 20, "{} MiB", daemon.peak_memory() >> 20);
}

#[test]
fn a_client_that_asks_without_end_gets_its_answers_one_by_one() {
    let daemon = Daemon::start(&["--http-answer-timeout", "2s"]);
    // A thousand requests in one go, and none of the answers is read for now.
    let mut greedy = connect(daemon.address());
    greedy.set_nonblocking(true).expect("a connection");
    let request = b"GET /api/v1/catalog HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
    let _ = greedy.write(&request);
    for _ in 0..20 {
        assert_eq!(daemon.get("/metrics").status, 200);
    }
    wait_for("its end", || (value(&daemon.scrape(), CONNECTIONS) == 1.0).then_some(()));
    assert!(daemon.peak_memory() < 64 << 20, "{} MiB", daemon.peak_memory() >> 20);
}
