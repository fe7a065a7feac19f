//! The page without a browser: what `/` and `/api/v1/live` say, that they say what `/metrics` does, and that text from
//! logs and files stays text. `tests/browser` looks at it as people do.

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::daemon::Daemon;
use support::{root, shop_catalog, wait_for};

/// What stands in every element that shows `field`, of the rows of the page's table of codes.
fn cells(page: &str, field: &str) -> Vec<String> {
    let (_, rows) = page.split_once("id=\"code-rows\"").expect("the table");
    let (rows, _) = rows.split_once("</tbody>").expect("its end");
    let mark = format!("data-f=\"{field}\"");
    let cells = rows.split(&mark).skip(1).map(|rest| {
        let (_, rest) = rest.split_once('>').expect("the end of a tag");
        rest.split('<').next().unwrap_or_default().to_owned()
    });
    cells.collect()
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().expect("a list").iter().map(|n| n.as_u64().expect("a number")).collect()
}

#[test]
fn page_document_and_metrics_agree() {
    let mut daemon = Daemon::start(&[]);
    let mut log = std::fs::read(root().join("examples/cloud-api.log")).expect("the example");
    log.push(b'\n');
    daemon.write(&log);
    let scrape = daemon.wait_for_records(322);
    let live = daemon.get("/api/v1/live").json();
    let answer = daemon.get("/");
    let page = answer.text();

    let mut counts = BTreeMap::new();
    for code in live["codes"].as_array().expect("codes") {
        let key = |name: &str| code[name].as_str().unwrap_or_default().to_owned();
        let status = code["http_status"].as_u64().map(|s| s.to_string()).unwrap_or_default();
        counts.insert((key("code"), key("api_service"), key("category"), status), code["count"].as_f64());
        // All of it came just now.
        assert_eq!(code["last_minute"], code["count"], "{code}");
        assert_eq!(code["last_15_minutes"], code["count"], "{code}");
        assert_eq!(numbers(&code["bars"]).len(), 60);
        assert_eq!(Some(numbers(&code["bars"]).iter().sum()), code["count"].as_u64(), "{code}");
        let times = ["started", "time"].map(|t| live[t].as_f64().expect("a time"));
        for seen in ["first_seen", "last_seen"] {
            let at = code[seen].as_f64().expect("a time");
            assert!((times[0]..=times[1]).contains(&at), "{seen}: {code}");
        }
    }
    let of = |name: &str| {
        let samples = scrape.of(name, &[]).filter(|s| s.value > 0.0);
        let key =
            |s: &support::exposition::Sample, label: &str| s.labels.get(label).cloned().unwrap_or_default();
        let key = move |s: &support::exposition::Sample| {
            (key(s, "code"), key(s, "api_service"), key(s, "category"), key(s, "http_status"))
        };
        samples.map(move |s| (key(s), Some(s.value))).collect::<Vec<_>>()
    };
    let exported = of("errtally_errors_total").into_iter().chain(of("errtally_unknown_codes_total"));
    assert_eq!(counts, exported.collect());

    let codes = live["codes"].as_array().expect("codes");
    let listed: Vec<_> = codes.iter().map(|c| c["code"].as_str().expect("a code").to_owned()).collect();
    assert_eq!(cells(page, "code"), listed, "in the same order");
    let totals: Vec<_> = codes.iter().map(|c| c["count"].to_string()).collect();
    assert_eq!(cells(page, "count"), totals);
    assert_eq!(cells(page, "last_minute"), totals);

    let sum = |name: &str| scrape.sum(name, &[]);
    for (field, name) in [
        ("total", "errtally_records_total"),
        ("bytes", "errtally_record_bytes_total"),
        ("matched", "errtally_matched_records_total"),
        ("malformed_json", "errtally_malformed_json_records_total"),
        ("oversized", "errtally_oversized_records_total"),
    ] {
        assert_eq!(live["records"][field].as_f64(), Some(sum(name)), "{field}");
    }
    let hits = sum("errtally_errors_total") + sum("errtally_unknown_codes_total");
    assert_eq!(live["hits"]["total"].as_f64(), Some(hits));
    for service in live["services"].as_array().expect("services") {
        let labels = [("api_service", service["api_service"].as_str().expect("a name"))];
        let known = scrape.sum("errtally_api_service_errors_total", &labels);
        let unknown = scrape.sum("errtally_unknown_codes_total", &labels);
        assert_eq!(service["count"].as_f64(), Some(known + unknown), "{service}");
        let by_category = service["categories"].as_array().expect("categories").iter();
        assert_eq!(by_category.map(|c| c["count"].as_u64().expect("a count")).sum::<u64>(), service["count"]);
    }
    let title = format!("<bdi data-f=\"headline.title\">{} fails most</bdi>", listed[0]);
    assert!(page.contains(&title), "{title}");
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\""), "it is renewed without JavaScript");
}

#[test]
fn the_headline_says_how_it_is() {
    let mut daemon = Daemon::start(&["--linger", "60s"]);
    let headline = |daemon: &Daemon| {
        let live = daemon.get("/api/v1/live").json();
        let of = |name: &str| live["headline"][name].as_str().expect("words").to_owned();
        (of("tone"), of("title"), of("detail"))
    };
    let is = |daemon: &Daemon, words: [&str; 3]| {
        let [tone, title, detail] = words.map(str::to_owned);
        assert_eq!(headline(daemon), (tone, title, detail));
    };
    is(&daemon, ["quiet", "Quiet", "Nothing has been read yet."]);
    daemon.write("nothing\n");
    daemon.wait_for_records(1);
    is(&daemon, ["healthy", "No errors", "One record in the last minute, and no code in it."]);
    daemon.write("CSS.0015 Ecs.0114\nCSS.0015\n");
    daemon.wait_for_records(3);
    let (tone, title, detail) = headline(&daemon);
    assert_eq!((tone.as_str(), title.as_str()), ("failing", "CSS.0015 fails most"));
    assert!(detail.starts_with("2 of 3 hits in the last minute. "), "{detail}");
    daemon.close();
    daemon.wait_for_end_of_input();
    let (tone, title, detail) = headline(&daemon);
    assert_eq!((tone.as_str(), title.as_str()), ("quiet", "The input has ended"));
    assert!(detail.starts_with("Most frequent of all: CSS.0015, 2 times. "), "{detail}");
}

#[test]
fn what_keeps_records_from_being_read_is_said() {
    let folder = support::Folder::new();
    // A folder in the place of the file: no event can be written.
    std::fs::create_dir(folder.path().join("events")).expect("a folder");
    let events = folder.path().join("none/events.jsonl").display().to_string();
    let config = folder.write("c.yaml", format!("events:\n  to: file\n  file:\n    path: {events}\n"));
    std::fs::create_dir(folder.path().join("none")).expect("a folder");
    let mut daemon = Daemon::start(&["--config", &config]);
    assert_eq!(daemon.get("/api/v1/live").json()["events"]["to"], "file");
    std::fs::remove_dir_all(folder.path().join("none")).expect("it goes");
    daemon.signal(rustix::process::Signal::HUP);
    daemon.wait_for_log("reloaded");
    daemon.write("Ecs.0114\n".repeat(10));
    let live = wait_for("the headline says why", || {
        let live = daemon.get("/api/v1/live").json();
        (live["headline"]["tone"] == "blocked").then_some(live)
    });
    assert_eq!(live["ready"], false);
    let words = daemon.get("/readyz");
    assert_eq!(live["state"].as_str(), Some(words.text().trim_end()));
    assert_eq!(live["events"]["waiting"], live["state"]);
    assert!(daemon.get("/").text().contains("No records are read"));
}

#[test]
fn nothing_from_elsewhere_and_nothing_inline() {
    let daemon = Daemon::start(&[]);
    let answer = daemon.get("/");
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let page = answer.text();
    for inline in ["<style", " style=", " onclick", " onload", "javascript:", "http://", "https://", "//"] {
        assert!(!page.contains(inline), "{inline}");
    }
    let loaded = page.split(" src=\"").chain(page.split("<link ")).skip(1);
    assert!(loaded.count() >= 3);
    for (path, kind) in
        [("page.css", "text/css"), ("page.js", "text/javascript"), ("icon.svg", "image/svg+xml")]
    {
        assert!(page.contains(&format!("\"assets/{path}\"")), "{path}");
        let answer = daemon.get(&format!("/assets/{path}"));
        assert!(answer.header("content-type").starts_with(kind), "{path}");
        assert_eq!((answer.status, answer.header("x-content-type-options")), (200, "nosniff"));
        assert!(!answer.text().contains("https://") && !answer.text().contains("@import"), "{path}");
    }
    let live = daemon.get("/api/v1/live");
    assert_eq!(
        (live.header("cache-control"), live.header("x-content-type-options")),
        ("no-store", "nosniff")
    );
}

#[test]
fn text_from_logs_and_files_stays_text() {
    let folder = support::Folder::new();
    let evil = shop_catalog(&["017"])
        .replace("\"m\"", "\"</bdi><script>alert(1)</script> & \\\"more\\\" \\0 \\u202Eback\"")
        .replace("service: SHOP", "service: \"<i>'\\\"x\"");
    let catalog = folder.write("shop.yaml", evil);
    let long = format!("A{}.001", "b".repeat(60));
    let mut daemon = Daemon::start(&["--catalog", &catalog]);
    daemon.write(format!("Shop.017\nerror_code={long}\n"));
    daemon.wait_for_records(2);
    let answer = daemon.get("/");
    let page = answer.text();
    assert!(!page.contains("<script>alert") && !page.contains("<i>"), "{page}");
    assert!(!page.contains('\0'));
    let escaped =
        "&#60;/bdi&#62;&#60;script&#62;alert(1)&#60;/script&#62; &#38; &#34;more&#34; \u{fffd} \u{202e}back";
    assert!(page.contains(&format!("<bdi class=\"means\" data-f=\"message\">{escaped}</bdi>")), "{page}");
    assert!(page.contains("data-id=\"&#60;i&#62;&#39;&#34;x\""));
    assert!(cells(page, "code").contains(&long.to_ascii_uppercase()));
    let live = daemon.get("/api/v1/live").json();
    assert_eq!(live["codes"][1]["message"], "</bdi><script>alert(1)</script> & \"more\" \0 \u{202e}back");
}

#[test]
fn labels_and_late_hits_are_told() {
    let folder = support::Folder::new();
    let config = folder.write("c.yaml", "labels:\n  team: [team]\nmax_label_sets: 2\n");
    let mut daemon = Daemon::start(&["--config", &config]);
    let lines: String = (0..5).map(|i| format!("{{\"code\":\"Ecs.0114\",\"team\":\"t{i}\"}}\n")).collect();
    daemon.write(lines);
    let scrape = daemon.wait_for_records(5);
    let live = daemon.get("/api/v1/live").json();
    assert_eq!(live["codes"][0]["count"], 5, "all labels together");
    let overflows = scrape.sum("errtally_label_overflows_total", &[]);
    assert!(overflows > 0.0);
    assert_eq!(live["labels"]["overflows"].as_f64(), Some(overflows));
    assert_eq!(live["labels"]["sets"].as_f64(), scrape.value("errtally_label_sets", &[]));
    assert_eq!(live["labels"]["overflowing"], serde_json::json!(["team"]));
    assert!(daemon.get("/").text().contains("Label overflows"));
}

#[test]
fn a_reload_keeps_what_the_last_minutes_brought() {
    let folder = support::Folder::new();
    let catalog = folder.write("shop.yaml", shop_catalog(&["017", "018"]));
    let mut daemon = Daemon::start(&["--catalog", &catalog]);
    daemon.write("Shop.017\nShop.018\nShop.018\n");
    daemon.wait_for_records(3);
    let before = daemon.get("/api/v1/live").json();
    folder.write("shop.yaml", shop_catalog(&["018"]));
    daemon.signal(rustix::process::Signal::HUP);
    daemon.wait_for_log("reloaded");
    let after = daemon.get("/api/v1/live").json();
    for (i, code) in ["Shop.018", "Shop.017"].into_iter().enumerate() {
        assert_eq!(after["codes"][i]["code"], code);
        for field in ["count", "last_minute", "first_seen", "id"] {
            assert_eq!(after["codes"][i][field], before["codes"][i][field], "{code}: {field}");
        }
    }
    assert_eq!((&after["codes"][0]["retired"], &after["codes"][1]["retired"]), (&false.into(), &true.into()));
    assert_eq!(after["codes"][1]["action"], before["codes"][1]["action"], "what to do is still known");
    let page = daemon.get("/").text().to_owned();
    let told = "data-if=\"retired\"><dt>Catalog</dt><dd>no longer has it";
    assert_eq!(page.matches(told).count(), 1, "{page}");
    // With a mistake in it, the catalog stays, and the page says so.
    folder.write("shop.yaml", "service: [");
    daemon.signal(rustix::process::Signal::HUP);
    daemon.wait_for_log("not reloaded");
    assert_eq!(daemon.get("/api/v1/live").json()["reload"]["successful"], false);
    let page = daemon.get("/").text().to_owned();
    assert!(page.contains("data-if=\"!reload.successful\">; the last reload failed"), "it is not hidden");
}

#[test]
fn the_document_names_every_member() {
    let mut daemon = Daemon::start(&[]);
    daemon.write("Ecs.0114\n");
    daemon.wait_for_records(1);
    let document = std::fs::read_to_string(root().join("docs/live.md")).expect("docs/live.md");
    let live = daemon.get("/api/v1/live").json();
    let mut names = vec![];
    let mut open = vec![&live];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                names.extend(members.keys());
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    for name in names {
        assert!(document.contains(&format!("`{name}`")), "{name} in docs/live.md");
    }
}
