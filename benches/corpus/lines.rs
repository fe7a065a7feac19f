//! What a line of an application's log looks like.
//!
//! Ordinary lines are full of what a search for codes trips over: words that
//! end like a service's name before a dot (`success.`, `resource.`, `json.`,
//! `service.`), errors without a code, error-code keys with numbers, dots in
//! addresses and file names.

use std::io::Write;

use super::{Fault, Random, mix};

/// When, and which line.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) clock: u64,
    pub(super) line: u64,
}

impl Moment {
    /// `2026-03-05T08:21:07.123`, with `between` for the `T`.
    pub(super) fn write(self, between: char, out: &mut Vec<u8>) {
        let (seconds, millis) = (self.clock / 1000, self.clock % 1000);
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
        put(
            out,
            format_args!(
                "2026-03-{:02}{between}{:02}:{:02}:{:02}.{millis:03}",
                days % 31 + 1,
                hours % 24,
                minutes % 60,
                seconds % 60
            ),
        );
    }

    fn trace(self) -> u64 {
        mix(self.line + 1)
    }
}

const LOGGERS: &[&str] = &[
    "c.e.orders.service.OrderService",
    "com.example.billing.InvoiceJob",
    "encoding/json.Decoder",
    "resource.quota.Controller",
    "http.access",
    "k8s.io/client-go/cache",
    "storage.lifecycle",
    "auth.session.service.Tokens",
    "common.Retry",
    "c.e.search.metrics.Reporter",
];

const NAMESPACES: &[&str] = &["shop", "billing", "search", "ops-tools", "ingest"];
const WORKLOADS: &[&str] = &["orders", "invoices", "gateway", "indexer", "node-agent", "scheduler"];
const METHODS: &[&str] = &["GET", "GET", "GET", "POST", "PUT", "DELETE"];
const PATHS: &[&str] = &["cloudservers", "clusters", "volumes", "namespaces", "jobs", "subnets"];
const STATUSES: &[u64] = &[200, 200, 200, 200, 201, 202, 204, 301, 304, 400, 404, 429, 500, 503];
const CALLS: &[&str] = &["create server", "resize cluster", "attach volume", "start job", "delete node"];

pub(super) fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a vector takes all bytes");
}

fn level(r: &mut Random) -> &'static str {
    match r.below(100) {
        0..70 => "info",
        70..85 => "debug",
        85..95 => "warn",
        _ => "error",
    }
}

/// What an application says when all is well, or nearly.
fn message(r: &mut Random, out: &mut Vec<u8>) {
    let (a, b, c) = (r.below(100_000), r.below(1000), r.below(250));
    match r.below(12) {
        0 => put(out, format_args!("request completed with success. took {a} us")),
        1 => put(out, format_args!("synced resource.version {a}, {b} items, {c} changed")),
        2 => put(out, format_args!("json.Unmarshal of {a} bytes took {b}.{c} ms")),
        3 => put(out, format_args!("service.orders answered in {b} ms, attempt {}", c % 5)),
        4 => put(out, format_args!("connection to 10.{c}.{}.{} reused {b} times", b % 256, a % 256)),
        5 => put(out, format_args!("batch {a} done, errorCode=0, {b} rows")),
        6 => put(out, format_args!("metrics. pushed {b} samples for vendor_id {a}")),
        7 => put(out, format_args!("uploaded part-{a}.parquet, {b}.{c} MiB in 3 pieces.")),
        8 => put(out, format_args!("upstream db-{c}.internal.example.com:5432 closed the connection")),
        9 => put(out, format_args!("nightly cleanup {a}: success, {b} objects gone")),
        10 => put(out, format_args!("no handler for schema v{c}.{b}, falling back to json.v1")),
        _ => put(out, format_args!("retry {} of 5 in {b} ms. reason: timeout after {c}.5 s", c % 5)),
    }
}

pub(super) fn json(r: &mut Random, moment: Moment, out: &mut Vec<u8>) {
    put(out, format_args!("{{\"ts\":\""));
    moment.write('T', out);
    put(out, format_args!("Z\",\"level\":\"{}\",\"logger\":\"{}\",\"msg\":\"", level(r), r.pick(LOGGERS)));
    message(r, out);
    put(out, format_args!("\""));
    if r.below(3) > 0 {
        let (method, path) = (r.pick(METHODS), r.pick(PATHS));
        let (id, status, ms) = (r.next() as u32, r.pick(STATUSES), r.below(9000));
        put(
            out,
            format_args!(
                ",\"http\":{{\"method\":\"{method}\",\"path\":\"/v1/{path}/{id:08x}\",\"status\":{status},\"ms\":{}.{}}}",
                ms / 10,
                ms % 10
            ),
        );
    }
    if r.below(8) == 0 {
        put(out, format_args!(",\"errorCode\":null"));
    }
    json_tail(r, moment, out);
}

fn json_tail(r: &mut Random, moment: Moment, out: &mut Vec<u8>) {
    put(
        out,
        format_args!(
            ",\"kubernetes\":{{\"namespace\":\"{}\",\"pod\":\"{}-{:08x}\"}},\"trace_id\":\"{:016x}\"}}",
            r.pick(NAMESPACES),
            r.pick(WORKLOADS),
            r.next() as u32,
            moment.trace()
        ),
    );
}

/// Gives how many codes were written.
pub(super) fn json_error(
    r: &mut Random,
    moment: Moment,
    fault: &Fault,
    cause: Option<&Fault>,
    out: &mut Vec<u8>,
) -> u64 {
    let Fault { code, message, .. } = fault;
    let status = fault.status.unwrap_or(500);
    put(out, format_args!("{{\"ts\":\""));
    moment.write('T', out);
    let (logger, call) = (r.pick(LOGGERS), r.pick(CALLS));
    put(out, format_args!("Z\",\"level\":\"error\",\"logger\":\"{logger}\",\"msg\":\"{call} failed\""));
    let message = Escaped(message);
    let mut planted = 1;
    match r.below(5) {
        0 => put(
            out,
            format_args!(
                ",\"error\":{{\"code\":\"{code}\",\"message\":\"{message}\",\"http_status\":{status}}}"
            ),
        ),
        1 => put(out, format_args!(",\"errorCode\":\"{code}\",\"errorMessage\":\"{message}\"")),
        2 => put(
            out,
            format_args!(
                ",\"body\":\"{{\\\"error_code\\\":\\\"{code}\\\",\\\"error_msg\\\":\\\"{}\\\"}}\"",
                Escaped(&message.to_string())
            ),
        ),
        3 => put(
            out,
            format_args!(",\"exception\":\"ServiceException: {message} ({code}), status code: {status}\""),
        ),
        _ => {
            planted += 1;
            put(out, format_args!(",\"error\":{{\"code\":\"{code}\",\"message\":\"{code} : {message}\"}}"));
        }
    }
    if let Some(Fault { code, message, .. }) = cause {
        planted += 1;
        put(out, format_args!(",\"cause\":{{\"code\":\"{code}\",\"message\":\"{}\"}}", Escaped(message)));
    }
    json_tail(r, moment, out);
    planted
}

pub(super) fn text(r: &mut Random, moment: Moment, out: &mut Vec<u8>) {
    let level = level(r);
    text_head(r, moment, level, out);
    message(r, out);
    if r.below(4) > 0 {
        let (method, path) = (r.pick(METHODS), r.pick(PATHS));
        let (id, status, ms) = (r.next() as u32, r.pick(STATUSES), r.below(9000));
        put(
            out,
            format_args!(
                " method={method} path=/v1/{path}/{id:08x} status={status} ms={}.{}",
                ms / 10,
                ms % 10
            ),
        );
    }
    text_client(r, out);
    text_tail(r, moment, out);
}

fn text_client(r: &mut Random, out: &mut Vec<u8>) {
    put(
        out,
        format_args!(
            " client=10.{}.{}.{} agent=\"example-sdk/3.{} (linux; amd64)\"",
            r.below(256),
            r.below(256),
            r.below(256),
            r.below(20)
        ),
    );
}

fn text_head(r: &mut Random, moment: Moment, level: &str, out: &mut Vec<u8>) {
    moment.write(' ', out);
    let level = level.to_ascii_uppercase();
    put(out, format_args!(" {level:5} [worker-{}] {}: ", r.below(64), r.pick(LOGGERS)));
}

fn text_tail(r: &mut Random, moment: Moment, out: &mut Vec<u8>) {
    put(
        out,
        format_args!(
            " namespace={} pod={}-{:08x} trace_id={:016x}",
            r.pick(NAMESPACES),
            r.pick(WORKLOADS),
            r.next() as u32,
            moment.trace()
        ),
    );
}

/// Gives how many codes were written.
pub(super) fn text_error(
    r: &mut Random,
    moment: Moment,
    fault: &Fault,
    cause: Option<&Fault>,
    out: &mut Vec<u8>,
) -> u64 {
    let Fault { code, message, .. } = fault;
    let status = fault.status.unwrap_or(500);
    text_head(r, moment, "error", out);
    let call = r.pick(CALLS);
    let mut planted = 1;
    match r.below(4) {
        0 => put(out, format_args!("{call} failed: {status} {code}, {message}")),
        1 => put(out, format_args!("{call} failed errorCode={code} errorMessage=\"{message}\"")),
        2 => put(
            out,
            format_args!("{call} failed: ServiceException: {message} ({code}), status code: {status}"),
        ),
        _ => {
            planted += 1;
            put(
                out,
                format_args!(
                    "{call} refused: {{\"errCode\":\"{code}\",\"externalMessage\":\"{code} : {}\"}}",
                    Escaped(message)
                ),
            );
        }
    }
    if let Some(Fault { code, message, .. }) = cause {
        planted += 1;
        put(out, format_args!("; caused by {code}: {message}"));
    }
    if r.below(4) > 0 {
        text_client(r, out);
    }
    text_tail(r, moment, out);
    planted
}

/// Text as it stands inside a JSON string.
struct Escaped<'t>(&'t str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['"', '\\']) {
            write!(f, "{}\\{}", &rest[..at], &rest[at..=at])?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}
