//! `POST /v1/logs`: OTLP in protobuf and JSON.

use serde_json::{Value, json};

use crate::python::{python, run};
use crate::support::wait_for;
use crate::{Receiver, curl, gzip};

const CODE: &str = "CCE.01400007";
const JSON: (&str, &str) = ("Content-Type", "application/json");
const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");

/// A request with so many records, of which every third holds the code.
fn request(records: usize) -> Value {
    let record = |i: usize| {
        let body = if i.is_multiple_of(3) { "quota: CCE.01400007" } else { "nothing" };
        json!({"timeUnixNano": "1775091600000000000", "severityNumber": 17, "severityText": "Error",
            "body": {"stringValue": format!("{body} {i}")}, "traceId": "5b8efff798038103d269b633813fc60c"})
    };
    let records: Vec<_> = (0..records).map(record).collect();
    let name = json!({"key": "service.name", "value": {"stringValue": "web"}});
    json!({"resourceLogs": [{"resource": {"attributes": [name]}, "scopeLogs": [{"logRecords": records}]}]})
}

#[test]
fn records_have_fields_level_and_trace() {
    let folder = crate::support::Folder::new();
    let events = folder.path().join("events").display().to_string();
    let receiver = Receiver::start(
        "http",
        &[
            "--labels",
            "app=resource.attributes.service.name",
            "--labels",
            "level=@level",
            "--events-to",
            "file",
            "--events-file-path",
            &events,
        ],
    );
    let body = request(3000).to_string();
    let url = format!("http://{}/v1/logs", receiver.at);
    let (status, answer) =
        curl(&["-H", "Content-Type: application/json", "--data-binary", "@-", &url], body.as_bytes());
    assert_eq!((&*status, &*answer), ("200", "{}"));
    // The events have arrived with the answer.
    let text = std::fs::read_to_string(&events).expect("the events");
    assert_eq!(text.lines().count(), 1000);
    let event: Value = serde_json::from_str(text.lines().next().expect("an event")).expect("JSON");
    assert_eq!(event["level"], "error");
    assert_eq!(event["trace_id"], "5b8efff798038103d269b633813fc60c");
    assert_eq!(event["time"], "2026-04-02T01:00:00Z");
    assert_eq!(event["labels"]["app"], "web");
    assert_eq!(event["source"]["type"], "http");
    assert_eq!(receiver.records(), 3000.0);
    let scrape = receiver.daemon.scrape();
    assert_eq!(
        scrape.sum("errtally_errors_total", &[("code", CODE), ("app", "web"), ("level", "error")]),
        1000.0
    );
}

#[test]
fn what_is_rejected_and_what_is_refused_is_told_in_otlp() {
    let receiver = Receiver::start("http", &[]);
    // A record that is too deep, between two that are not: by hand, since JSON of this depth is refused as a whole.
    let field = |number: u8, bytes: &[u8]| {
        let mut out = vec![number << 3 | 2];
        let mut length = bytes.len();
        while length >= 0x80 {
            out.push(length as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        [out, bytes.to_vec()].concat()
    };
    let text = field(1, b"CCE.01400007");
    let deep = (0..100).fold(text.clone(), |value, _| field(5, &field(1, &value)));
    let records =
        [field(2, &field(5, &text)), field(2, &field(5, &deep)), field(2, &field(5, &text))].concat();
    let request_bytes = field(1, &field(2, &records));
    let (status, answer) = receiver.post("/v1/logs", &[PROTOBUF], &request_bytes);
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("nested deeper than 64 times"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("content-type: application/x-protobuf"), "{answer}");
    assert_eq!((receiver.count(CODE), receiver.records(), receiver.refused("nested")), (2.0, 2.0, 1.0));

    let large = request(200_000).to_string();
    assert!(large.len() > 20 << 20);
    let cases: [crate::Refused; 7] = [
        (&[JSON], b"{\"resourceLogs\":[{\"scopeLogs\":7}]}", 400, "malformed", "an array for scopeLogs"),
        (&[JSON], b"", 400, "malformed", "EOF"),
        (&[PROTOBUF], &request_bytes[..request_bytes.len() - 1], 400, "malformed", "it ends within a field"),
        (&[PROTOBUF], b"\x0a\x80\x80\x80\x80\x08", 400, "malformed", "it ends within a field"),
        (
            &[("Content-Type", "text/plain")],
            b"x",
            415,
            "media_type",
            "application/x-protobuf or application/json",
        ),
        (&[PROTOBUF, ("Content-Encoding", "lz4")], b"x", 415, "encoding", "lz4"),
        (
            &[JSON, ("Content-Encoding", "gzip")],
            &gzip(large.as_bytes()),
            413,
            "too_large",
            "send fewer records",
        ),
    ];
    for (headers, body, status, kind, words) in cases {
        let before = receiver.refused(kind);
        let (found, answer) = receiver.post("/v1/logs", headers, body);
        assert_eq!(found, status, "{answer}");
        assert!(answer.contains(words), "{answer}");
        assert_eq!(receiver.refused(kind), before + 1.0);
    }
    // Nothing of a request that is refused is counted.
    assert_eq!(receiver.records(), 2.0);
    assert_eq!(
        receiver
            .post(
                "/v1/logs",
                &[JSON, ("Content-Encoding", "gzip")],
                &gzip(request(30).to_string().as_bytes())
            )
            .0,
        200
    );
    assert_eq!(receiver.count(CODE), 12.0);
}

#[test]
fn requests_that_wait_for_their_end_have_one_memory() {
    use std::io::Write;
    let receiver = Receiver::start("http", &[]);
    // Each announces a request of 20 MB and sends most of it.
    let mut senders = Vec::new();
    for _ in 0..12 {
        let mut stream = std::net::TcpStream::connect(receiver.at).expect("a connection");
        let head = "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 20000000\r\n\r\n";
        stream.write_all(head.as_bytes()).expect("it reads");
        stream.set_write_timeout(Some(std::time::Duration::from_secs(5))).expect("a time limit");
        // Refused ones are closed, which is right.
        let _ = stream.write_all(&vec![0x0a; 19_000_000]);
        senders.push(stream);
    }
    wait_for("refusals", || (receiver.refused("busy") >= 10.0).then_some(()));
    assert!(receiver.daemon.peak_memory() < 160 << 20, "{} bytes", receiver.daemon.peak_memory());
    // Lines need none of it.
    assert_eq!(receiver.post("/ingest", &[], b"CCE.01400007\n").0, 204);
    drop(senders);
    wait_for("room again", || {
        (receiver.post("/v1/logs", &[JSON], request(3).to_string().as_bytes()).0 == 200).then_some(())
    });
    assert_eq!(receiver.count(CODE), 2.0);
}

#[test]
fn the_sdk_of_python() {
    let Some(python) = python() else { return };
    let receiver = Receiver::start(
        "http",
        &[
            "--labels",
            "app=resource.attributes.service.name",
            "--labels",
            "namespace=resource.attributes.k8s.namespace.name",
            "--labels",
            "level=@level",
        ],
    );
    let endpoint = format!("http://{}/v1/logs", receiver.at);
    for (round, compression) in [(1.0, "none"), (2.0, "gzip"), (3.0, "deflate")] {
        run(python, "send_otlp.py", &[&endpoint, "3000", compression]).ok();
        assert_eq!(receiver.records(), 3000.0 * round, "{compression}");
        let scrape = receiver.daemon.scrape();
        let labels = [("code", CODE), ("app", "shop"), ("namespace", "prod"), ("level", "error")];
        assert_eq!(scrape.sum("errtally_errors_total", &labels), 1000.0 * round, "{compression}");
    }
}
