//! `POST /ingest`, as curl, Fluent Bit's `http` output and Vector's `http` sink send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{DEADLINE, Folder, Raise, wait_for};
use crate::{Receiver, curl, gzip, lines, post};

const CODE: &str = "CCE.01400007";

#[test]
fn what_curl_sends_is_counted_when_it_is_answered() {
    let receiver = Receiver::start("http", &[]);
    let url = format!("http://{}/ingest", receiver.at);
    let text = lines(3000);
    let (status, body) = curl(&["--data-binary", "@-", &url], text.as_bytes());
    assert_eq!((&*status, &*body), ("204", ""));
    assert_eq!((receiver.records(), receiver.count(CODE)), (3000.0, 1000.0));
    // Of no length that is known before, and of more than is kept of one request.
    let many = lines(300_000);
    assert!(many.len() > 16 << 20);
    let (status, _) =
        curl(&["-T", "-", "-X", "POST", "-H", "Content-Type: text/plain", &url], many.as_bytes());
    assert_eq!(status, "204");
    assert_eq!((receiver.records(), receiver.count(CODE)), (303_000.0, 101_000.0));
    let scrape = receiver.daemon.scrape();
    let bytes = scrape.sum("errtally_record_bytes_total", &[("source", "http")]);
    assert_eq!(bytes, (text.len() + many.len()) as f64);
    assert!(receiver.daemon.peak_memory() < 96 << 20, "{} bytes", receiver.daemon.peak_memory());
    // Lines without a newline at their end, and no lines.
    for (body, records) in [("no end", 1.0), ("", 0.0), ("\n\n", 2.0)] {
        let before = receiver.records();
        assert_eq!(receiver.post("/ingest", &[], body.as_bytes()).0, 204);
        assert_eq!(receiver.records() - before, records, "{body:?}");
    }
}

#[test]
fn every_form_and_packing_of_the_usual_senders() {
    let receiver = Receiver::start("http", &["--labels", "app=kubernetes.labels.app|host"]);
    let fluent_bit = r#"[{"date":1775091600.5,"log":"E CCE.01400007 over","kubernetes":{"labels":{"app":"web"}}},{"date":1775091600.6,"log":"fine"}]"#;
    let json_stream = r#"{"date":1.5,"log":"CCE.01400007"}{"date":1.6,"log":"cut in lo"}"#;
    let json_lines = "{\"date\":1.5,\"log\":\"CCE.01400007\\n\"}\n{\"date\":1.6,\"log\":\"\"}\n";
    let vector_json = r#"[{"host":"a","message":"CCE.01400007","timestamp":"2026-04-02T01:00:00Z"},{"host":"a","message":"x"}]"#;
    let vector_ndjson = "{\"host\":\"a\",\"message\":\"CCE.01400007\"}\n{\"host\":\"a\",\"message\":\"x\"}\n";
    let vector_text = "CCE.01400007\nx\n";
    let cases = [
        ("application/json", fluent_bit),
        ("application/json", json_stream),
        ("application/json", json_lines),
        ("application/json; charset=utf-8", vector_json),
        ("application/x-ndjson", vector_ndjson),
        ("text/plain", vector_text),
        ("", vector_text),
    ];
    let mut hits = 0.0;
    for (kind, body) in cases {
        let zstd = zstd::encode_all(body.as_bytes(), 3).expect("memory");
        for (encoding, bytes) in [("", body.as_bytes()), ("gzip", &gzip(body.as_bytes())), ("zstd", &zstd)] {
            let mut headers = vec![("Content-Encoding", encoding)];
            headers.extend((!kind.is_empty()).then_some(("Content-Type", kind)));
            let (status, answer) = receiver.post("/ingest", &headers, bytes);
            assert_eq!(status, 204, "{kind} {encoding}: {answer}");
            hits += 1.0;
            assert_eq!((receiver.records(), receiver.count(CODE)), (2.0 * hits, hits), "{kind} {encoding}");
        }
    }
    let scrape = receiver.daemon.scrape();
    assert_eq!(scrape.sum("errtally_errors_total", &[("code", CODE), ("app", "web")]), 3.0);
    assert_eq!(scrape.sum("errtally_errors_total", &[("code", CODE), ("app", "a")]), 6.0);
}

#[test]
fn a_stack_trace_is_one_record_and_two_requests_are_two() {
    let receiver = Receiver::start("http", &[]);
    let trace = "2026-04-02T01:00:00Z ERROR call failed\njava.lang.X: CCE.01400007\n\tat a.b(C.java:1)\n\tat CCE.01400007\n";
    assert_eq!(receiver.post("/ingest", &[], trace.as_bytes()).0, 204);
    assert_eq!((receiver.count(CODE), receiver.records() <= 2.0), (1.0, true));
    let before = receiver.records();
    // What begins like a trace's next line belongs to nothing before it; no element continues another.
    assert_eq!(receiver.post("/ingest", &[], b"\tat CCE.01400007\n").0, 204);
    let array = br#"["x failed:","\tat CCE.01400007","\tat CCE.01400007"]"#;
    assert_eq!(receiver.post("/ingest", &[("Content-Type", "application/json")], array).0, 204);
    assert_eq!((receiver.count(CODE), receiver.records() - before), (4.0, 4.0));
}

#[test]
fn what_is_refused_is_told_and_counted() {
    let receiver = Receiver::start("http", &[]);
    let json = ("Content-Type", "application/json");
    let broken = &gzip(lines(5000).as_bytes())[..1000];
    let long = format!("[\"{}\"]", "x".repeat(5 << 20));
    let bomb = zstd::encode_all(&vec![b'0'; 300 << 20][..], 1).expect("memory");
    let cases: [crate::Refused; 9] = [
        (&[json], b"plain lines", 400, "malformed", "send lines as text/plain"),
        (&[json], b"[{\"a\":1},", 400, "malformed", "cut off"),
        (&[json], b"{\"a\":\"x\n{}", 400, "malformed", "not closed on its line"),
        (&[("Content-Encoding", "gzip")], broken, 400, "malformed", "cut off"),
        (
            &[("Content-Encoding", "gzip")],
            b"plain text, and nothing packed",
            400,
            "malformed",
            "does not unpack",
        ),
        (&[("Content-Encoding", "snappy")], b"x", 415, "encoding", "snappy"),
        (
            &[("Content-Type", "application/msgpack")],
            b"x",
            415,
            "media_type",
            "application/msgpack is not read",
        ),
        (&[json], long.as_bytes(), 413, "too_large", "4194304"),
        (&[("Content-Encoding", "zstd")], &bomb, 413, "bomb", "268435456"),
    ];
    for (headers, body, status, kind, words) in cases {
        let before = receiver.refused(kind);
        let (found, answer) = receiver.post("/ingest", headers, body);
        assert_eq!(found, status, "{answer}");
        assert!(answer.contains(words), "{answer}");
        assert_eq!(receiver.refused(kind), before + 1.0, "{answer}");
    }
    assert_eq!(receiver.post("/ingest", &[], b"CCE.01400007").0, 204);
    assert_eq!(receiver.count(CODE), 1.0);
    assert!(receiver.daemon.peak_memory() < 96 << 20, "{} bytes", receiver.daemon.peak_memory());
}

#[test]
fn each_address_has_its_own_routes() {
    let receiver = Receiver::start("http", &[]);
    let daemon = receiver.daemon.address();
    for path in ["/ingest", "/v1/logs"] {
        let (status, answer) = post(daemon, path, &[], b"CCE.01400007").expect("an answer");
        assert_eq!(status, 404, "{answer}");
    }
    for path in ["/metrics", "/", "/readyz", "/api/v1/codes"] {
        let (status, body) = curl(&[&format!("http://{}{path}", receiver.at)], b"");
        assert_eq!(status, "404", "{path}: {body}");
        assert!(body.contains("POST /ingest takes logs"), "{body}");
    }
    assert_eq!(curl(&[&format!("http://{}/healthz", receiver.at)], b"").1, "ok\n");
    assert_eq!(curl(&[&format!("http://{}/ingest", receiver.at)], b"").0, "405");
    assert_eq!(receiver.records(), 0.0);
}

#[test]
fn a_connection_is_kept_for_the_next_request() {
    let receiver = Receiver::start("http", &[]);
    let mut stream = TcpStream::connect(receiver.at).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("a time limit");
    for _ in 0..20 {
        let head = "POST /ingest HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunks = "7\r\nCCE.014\r\n6\r\n00007\n\r\n0\r\n\r\n";
        stream.write_all(format!("{head}{chunks}").as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("an answer");
            answer.push(byte[0]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 204"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!((receiver.records(), receiver.count(CODE)), (20.0, 20.0));
    let scrape = receiver.daemon.scrape();
    assert_eq!(scrape.value("errtally_source_accepted_connections_total", &[("source", "http")]), Some(1.0));
}

#[test]
fn users_and_tls_by_the_code_of_the_server() {
    let folder = Folder::new();
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let certificate = folder.write("cert.pem", key.cert.pem());
    let private = folder.write("key.pem", key.signing_key.serialize_pem());
    // "secret", at the lowest cost that is taken.
    let hash = bcrypt_hash("secret");
    let web = folder.write(
        "web.yml",
        format!(
            "tls_server_config:\n  cert_file: {certificate}\n  key_file: {private}\nbasic_auth_users:\n  shipper: {hash}\n"
        ),
    );
    let receiver = Receiver::start("http", &["--socket-web-config-file", &web]);
    let url = format!("https://localhost:{}/ingest", receiver.at.port());
    let resolve = format!("localhost:{}:127.0.0.1", receiver.at.port());
    let safe = ["--cacert", &certificate, "--resolve", &resolve, "--data-binary", "@-", &url];
    assert_eq!(curl(&safe, b"CCE.01400007\n").0, "401");
    assert_eq!(receiver.refused("unauthorized"), 1.0);
    let named: Vec<_> = ["-u", "shipper:secret"].into_iter().chain(safe).collect();
    assert_eq!(curl(&named, b"CCE.01400007\n").0, "204");
    assert_eq!(receiver.post("/ingest", &[], b"CCE.01400007\n").0, 400);
    wait_for("the refusal", || (receiver.refused("handshake") == 1.0).then_some(()));
    assert_eq!(receiver.count(CODE), 1.0);
}

fn bcrypt_hash(password: &str) -> String {
    bcrypt::hash(password, 4).expect("a hash")
}

/// Sends numbered batches until it is told to stop, each until it is answered; how many were.
fn send_until(at: &str, done: &AtomicBool, sent: &AtomicU64) {
    let at = at.parse().expect("an address");
    let batch = lines(300);
    while !done.load(Ordering::Relaxed) {
        loop {
            match post(at, "/ingest", &[], batch.as_bytes()) {
                Ok((204, _)) => break,
                Ok((429 | 503, _)) | Err(_) => std::thread::sleep(Duration::from_millis(10)),
                Ok((status, answer)) => panic!("{status}: {answer}"),
            }
        }
        sent.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn nothing_is_lost_or_counted_twice_over_restarts() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("its number")
        .to_string();
    let (done, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut counted = [0.0; 2];
    std::thread::scope(|scope| {
        let _ended = Raise(&done);
        let senders: Vec<_> = (0..3).map(|_| scope.spawn(|| send_until(&free, &done, &sent))).collect();
        for round in 0..5 {
            let receiver = Receiver::start_at("http", &free, &["--linger", "0s"]);
            let until = sent.load(Ordering::Relaxed) + 20;
            wait_for("some batches", || (sent.load(Ordering::Relaxed) > until).then_some(()));
            if round == 4 {
                done.store(true, Ordering::Relaxed);
                wait_for("the senders", || senders.iter().all(|s| s.is_finished()).then_some(()));
                counted[0] += receiver.records();
                counted[1] += receiver.count(CODE);
                return;
            }
            receiver.daemon.signal(Signal::TERM);
            let (status, log) = receiver.daemon.wait();
            assert!(status.success(), "{log}");
            let records = log
                .rsplit_once("records=")
                .and_then(|(_, r)| r.split_whitespace().next()?.parse::<f64>().ok());
            counted[0] += records.unwrap_or_else(|| panic!("a number of records: {log}"));
            counted[1] += records.expect("a number") / 3.0;
        }
    });
    let sent = sent.load(Ordering::Relaxed) as f64;
    assert_eq!(counted, [sent * 300.0, sent * 100.0]);
}

#[test]
fn an_answer_waits_for_the_events_and_pressure_is_told() {
    // Nobody reads the events: they fill the pipe, then the queues.
    let args = ["--source", "http", "--socket-listen", "127.0.0.1:0", "--events-to", "stdout"];
    let mut daemon = crate::support::daemon::Daemon::spawn_to(&args, Stdio::null(), Stdio::piped());
    let mut events = daemon.stdout();
    let at = wait_for("the address", || {
        let log = daemon.log();
        log.split_once("listening on http://")?
            .1
            .split_whitespace()
            .next()?
            .trim_end_matches('/')
            .parse()
            .ok()
    });
    let batch: String =
        (0..2000).map(|i| format!("2026-04-02T01:00:00Z ERROR CCE.01400007 of request {i}\n")).collect();
    let (answered, busy, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _ended = Raise(&done);
        for _ in 0..80 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    match post(at, "/ingest", &[], batch.as_bytes()) {
                        Ok((204, _)) => {
                            answered.fetch_add(1, Ordering::Relaxed);
                            return;
                        }
                        Ok((429, answer)) => {
                            assert!(answer.to_ascii_lowercase().contains("retry-after: 1"), "{answer}");
                            busy.fetch_add(1, Ordering::Relaxed);
                            std::thread::sleep(Duration::from_millis(200));
                        }
                        other => panic!("{other:?}"),
                    }
                }
            });
        }
        wait_for("a refusal for pressure", || (busy.load(Ordering::Relaxed) > 0).then_some(()));
        // What is answered has its events in the pipe, which holds at most some hundred.
        let until = Instant::now() + Duration::from_millis(500);
        while Instant::now() < until {
            assert_eq!(answered.load(Ordering::Relaxed), 0);
            std::thread::sleep(Duration::from_millis(20));
        }
        let reader = scope.spawn(move || {
            let mut text = String::new();
            events.read_to_string(&mut text).expect("text");
            text.lines().count()
        });
        wait_for("all answers", || (answered.load(Ordering::Relaxed) == 80).then_some(()));
        let scrape = daemon.scrape();
        assert_eq!(scrape.sum("errtally_errors_total", &[("code", CODE)]), 160_000.0);
        assert!(scrape.sum("errtally_source_refusals_total", &[("kind", "busy")]) > 0.0);
        daemon.signal(Signal::TERM);
        let (status, log) = daemon.wait();
        assert!(status.success(), "{log}");
        assert_eq!(reader.join().expect("a number"), 160_000);
    });
}
