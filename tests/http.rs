//! The HTTP server from outside: every route, what it answers, and that it only ever answers.

mod support;

use std::io::Read;
use std::process::Stdio;

use flate2::read::GzDecoder;
use support::daemon::Daemon;
use support::exposition::Scrape;
use support::{errtally, run, wait_for};

const ROUTES: [&str; 9] = [
    "/",
    "/metrics",
    "/healthz",
    "/readyz",
    "/api/v1/codes",
    "/api/v1/catalog",
    "/api/v1/live",
    "/catalog",
    "/catalog/Ecs.0114",
];

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A daemon that has counted `input`.
fn fed(input: &str, args: &[&str]) -> Daemon {
    let mut daemon = Daemon::start(args);
    daemon.write(input);
    daemon.wait_for_records(input.lines().count() as u64);
    daemon
}

#[test]
fn every_route_answers_with_its_type() {
    let daemon = fed("Ecs.0114\n", &[]);
    for (path, kind) in ROUTES.into_iter().zip([
        "text/html",
        TEXT,
        "text/plain",
        "text/plain",
        "application/json",
        "application/json",
        "application/json",
        "text/html",
        "text/html",
    ]) {
        let answer = daemon.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-type").starts_with(kind), "{path}: {}", answer.header("content-type"));
        assert!(!answer.body.is_empty(), "{path}");
    }
}

#[test]
fn nothing_else_is_there() {
    let daemon = Daemon::start(&[]);
    for path in
        ["/metric", "/metrics/", "/api", "/api/v1", "/api/v1/", "/favicon.ico", "//metrics", "/../etc/passwd"]
    {
        assert_eq!(daemon.get(path).status, 404, "{path}");
    }
}

#[test]
fn nothing_can_be_changed() {
    let daemon = Daemon::start(&[]);
    for path in ROUTES {
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let answer = daemon.ask(method, path, &[("Content-Length", "0")]);
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.header("allow").contains("GET"), "{method} {path}: {}", answer.header("allow"));
        }
    }
}

#[test]
fn head_is_get_without_the_body() {
    let daemon = Daemon::start(&[]);
    for path in ROUTES {
        let (head, get) = (daemon.ask("HEAD", path, &[]), daemon.get(path));
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
}

#[test]
fn the_format_of_metrics_is_negotiated() {
    let daemon = Daemon::start(&[]);
    let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                      application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,\
                      text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    for (accept, kind) in [
        (None, TEXT),
        (Some("*/*"), TEXT),
        (Some("text/plain"), TEXT),
        (Some("text/html,*/*;q=0.8"), TEXT),
        (Some("application/openmetrics-text"), OPENMETRICS),
        (Some("application/openmetrics-text; version=1.0.0; charset=utf-8"), OPENMETRICS),
        (Some("application/openmetrics-text;q=0.3,text/plain;q=0.7"), TEXT),
        (Some("application/openmetrics-text;q=0"), TEXT),
        (Some(prometheus), OPENMETRICS),
    ] {
        let headers: Vec<_> = accept.iter().map(|a| ("Accept", *a)).collect();
        let answer = daemon.ask("GET", "/metrics", &headers);
        assert_eq!(answer.header("content-type"), kind, "{accept:?}");
        assert_eq!(answer.text().ends_with("# EOF\n"), kind == OPENMETRICS, "{accept:?}");
    }
}

#[test]
fn openmetrics_keeps_its_own_rules_and_the_same_counts() {
    let daemon = fed("Ecs.0114\nerror_code=DLI.0003\n", &[]);
    let answer = daemon.ask("GET", "/metrics", &[("Accept", "application/openmetrics-text")]);
    let text = answer.text();
    assert_eq!(text.matches("# EOF").count(), 1);
    assert!(text.ends_with("# EOF\n") && !text.contains("\n\n"));
    let openmetrics = Scrape::parse(text);
    let plain = daemon.scrape();
    for (name, kind) in &openmetrics.types {
        assert!(!name.ends_with("_total"), "a family is named without its suffix: {name}");
        assert!(openmetrics.help.contains_key(name), "{name}");
        let sample = if kind == "counter" { format!("{name}_total") } else { name.clone() };
        assert_eq!(plain.types.get(&sample), Some(kind), "{name}");
        assert!(openmetrics.of(&sample, &[]).next().is_some(), "{name} has samples");
    }
    assert_eq!(openmetrics.types.len(), plain.types.len());
    let counts = |scrape: &Scrape| -> Vec<_> {
        scrape.samples.iter().filter(|s| s.name.starts_with("errtally_")).cloned().collect()
    };
    assert_eq!(counts(&openmetrics), counts(&plain));
}

#[test]
fn gzip_when_asked_and_not_otherwise() {
    let daemon = Daemon::start(&[]);
    for path in ["/metrics", "/api/v1/catalog"] {
        let plain = daemon.get(path);
        assert_eq!(plain.header("content-encoding"), "", "{path}");
        for refusing in ["identity", "gzip;q=0", "br"] {
            let answer = daemon.ask("GET", path, &[("Accept-Encoding", refusing)]);
            assert_eq!(answer.header("content-encoding"), "", "{path} {refusing}");
        }
        let packed = daemon.ask("GET", path, &[("Accept-Encoding", "gzip")]);
        assert_eq!(packed.header("content-encoding"), "gzip", "{path}");
        assert_eq!(packed.header("content-type"), plain.header("content-type"), "{path}");
        assert!(packed.body.len() * 3 < plain.body.len(), "{path} shrinks");
        let mut text = String::new();
        GzDecoder::new(&packed.body[..]).read_to_string(&mut text).expect("gzip");
        // Two scrapes differ in what the process uses, so not byte by byte.
        assert_eq!(text.lines().count(), plain.text().lines().count(), "{path}");
    }
}

#[test]
fn codes_are_counts_with_metadata_as_scan_gives_them() {
    let input = "Ecs.0114 CCE.01400007\nEcs.0114\nerror_code=DLI.0003\nnothing\n";
    let daemon = fed(input, &[]);
    assert_eq!(daemon.get("/api/v1/codes").json(), support::scan_json(input.as_bytes(), &[]));
}

#[test]
fn the_catalog_is_what_the_command_lists() {
    let daemon = Daemon::start(&[]);
    let listing = run(["catalog", "list", "--format", "json"]).json();
    assert_eq!(daemon.get("/api/v1/catalog").json(), listing);
}

#[test]
fn the_page_shows_the_counts_and_trusts_no_text() {
    let folder = support::Folder::new();
    let evil = support::shop_catalog(&["017"]).replace("\"m\"", "\"<script>alert(1)</script> & more\"");
    let shop = folder.write("shop.yaml", evil);
    let daemon = fed("Ecs.0114\nEcs.0114\nShop.017\nerror_code=DLI.0003\n", &["--catalog", &shop]);
    let answer = daemon.get("/");
    let page = answer.text();
    for part in ["<!doctype html>", "Ecs.0114", "data-k=\"n\">2</span>", "DLI.0003", "href=\"metrics\""] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62; &#38; more"));
}

#[test]
fn alive_and_ready_are_two_things() {
    let mut daemon = Daemon::start(&["--linger", "60s"]);
    assert_eq!(daemon.get("/readyz").status, 200);
    daemon.close();
    wait_for("/readyz says 503 after the end", || (daemon.get("/readyz").status == 503).then_some(()));
    assert!(daemon.get("/readyz").text().contains("ended"), "it says why");
    assert_eq!(daemon.get("/healthz").status, 200);
    assert_eq!(daemon.get("/metrics").status, 200);
}

#[test]
fn the_default_address_is_of_this_machine_alone() {
    // Another program may have the port, so either message will do: both name the address.
    let mut child = errtally()
        .arg("run")
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
    child.wait().expect("it ends");
    assert!(
        said.contains("http://127.0.0.1:9877/") || said.contains("cannot listen on 127.0.0.1:9877"),
        "{said}"
    );
}
