//! After reloads that take rows, services and categories away, every view tells of the same counts.

mod support;

use std::collections::BTreeMap;

use rustix::process::Signal;
use serde_json::Value;
use support::daemon::Daemon;
use support::exposition::Scrape;
use support::{Folder, shop_catalog, wait_for};

const SUCCESS_TIME: &str = "errtally_config_last_reload_success_timestamp_seconds";

/// Counts by code, service, category and status.
type Counts = BTreeMap<[String; 4], u64>;

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no count: {value}"))
}

/// What a list of JSON objects says of codes.
fn listed<'v>(codes: impl Iterator<Item = &'v Value>) -> Counts {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let of = |code: &Value| {
        let status = if code["http_status"].is_null() { String::new() } else { text(&code["http_status"]) };
        (
            [text(&code["code"]), text(&code["api_service"]), text(&code["category"]), status],
            number(&code["count"]),
        )
    };
    codes.map(of).collect()
}

/// What a metric says of codes that were counted.
fn scraped(scrape: &Scrape, metric: &str) -> Counts {
    let mut counts = Counts::new();
    for sample in scrape.of(metric, &[]).filter(|s| s.value > 0.0) {
        let label = |name: &str| sample.labels.get(name).cloned().unwrap_or_default();
        let key = ["code", "api_service", "category", "http_status"].map(label);
        *counts.entry(key).or_default() += sample.value as u64;
    }
    counts
}

/// The rows of known codes in the summary: count, code, status, category.
fn summary(log: &str) -> BTreeMap<[String; 3], u64> {
    let head = log.lines().position(|l| l.contains("WHAT TO DO") && l.contains("RECORDS")).expect("a table");
    let rows = log.lines().skip(head + 1).take_while(|l| !l.trim().is_empty());
    let row = |line: &str| {
        let words: Vec<&str> = line
            .split_whitespace()
            .filter(|w| !w.starts_with(['█', '▏', '▎', '▍', '▌', '▋', '▊', '▉']))
            .collect();
        let status = if words[2] == "-" { "" } else { words[2] };
        ([words[1], status, words[3]].map(str::to_owned), words[0].replace(',', "").parse().expect("a count"))
    };
    rows.map(row).collect()
}

/// All views agree; gives what they say of known codes.
#[track_caller]
fn agree(daemon: &Daemon) -> Counts {
    let scrape = daemon.scrape();
    let report = daemon.get("/api/v1/codes").json();
    let live = daemon.get("/api/v1/live").json();
    let page = daemon.get("/").text().to_owned();

    let known = scraped(&scrape, "errtally_errors_total");
    let unknown = scraped(&scrape, "errtally_unknown_codes_total");
    assert_eq!(listed(report["hits"].as_array().expect("hits").iter()), known, "/api/v1/codes");
    assert_eq!(
        listed(report["unknown"].as_array().expect("unknown").iter()),
        unknown,
        "/api/v1/codes, unknown"
    );
    let codes = live["codes"].as_array().expect("codes");
    assert_eq!(listed(codes.iter().filter(|c| c["known"] == true)), known, "/api/v1/live");
    assert_eq!(listed(codes.iter().filter(|c| c["known"] == false)), unknown, "/api/v1/live, unknown");
    let total: u64 = known.values().chain(unknown.values()).sum();
    assert_eq!(number(&live["hits"]["total"]), total);

    let mut services: BTreeMap<String, u64> = BTreeMap::new();
    for ([_, service, ..], count) in known.iter().chain(&unknown) {
        *services.entry(service.clone()).or_default() += count;
    }
    let of_live = live["services"].as_array().expect("services").iter();
    let of_live: BTreeMap<_, _> = of_live
        .map(|s| (s["api_service"].as_str().expect("a name").to_owned(), number(&s["count"])))
        .collect();
    assert_eq!(of_live, services);
    for ([code, service, category, status], count) in &known {
        let pair = [("api_service", service.as_str()), ("category", category)];
        let of_pair: u64 =
            known.iter().filter(|([_, s, c, _], _)| (s, c) == (service, category)).map(|(_, n)| n).sum();
        assert_eq!(scrape.value("errtally_api_service_errors_total", &pair), Some(of_pair as f64), "{code}");
        let row = [("code", code.as_str()), ("category", category), ("http_status", status)];
        assert_eq!(scrape.of("errtally_code_info", &row).count(), 1, "what it means stays: {row:?}");
        assert!(page.contains(code.as_str()), "{code} is not on the page");
        let last = scrape.value("errtally_code_last_seen_timestamp_seconds", &[("code", code)]);
        assert!(last.is_some_and(|t| t > 0.0), "{code} with {count} hits was never seen");
    }
    let full = of_full_names(&live);
    assert!(full.iter().all(|(_, full)| !full.is_empty()), "a service without its name: {full:?}");
    known
}

/// Services whose codes were known, with their full names.
fn of_full_names(live: &Value) -> Vec<(String, String)> {
    let codes = live["codes"].as_array().expect("codes");
    let known = |service: &Value| {
        codes.iter().any(|c| c["known"] == true && c["api_service"] == service["api_service"])
    };
    let name = |service: &Value, key: &str| service[key].as_str().unwrap_or_default().to_owned();
    let services = live["services"].as_array().expect("services").iter().filter(|s| known(s));
    services.map(|s| (name(s, "api_service"), name(s, "full_name"))).collect()
}

#[track_caller]
fn reload(daemon: &Daemon) {
    let before = daemon.scrape().value(SUCCESS_TIME, &[]);
    daemon.signal(Signal::HUP);
    wait_for("a reload", || (daemon.scrape().value(SUCCESS_TIME, &[]) > before).then_some(()));
}

fn stock_catalog() -> String {
    shop_catalog(&["001"]).replace("Shop", "Stock").replace("SHOP", "STOCK").replace("quota", "internal")
}

#[test]
fn every_view_shows_the_rows_that_a_catalog_lost() {
    let folder = Folder::new();
    let shop = folder.write("shop.yaml", shop_catalog(&["017", "018", "019"]));
    let stock = folder.write("stock.yaml", stock_catalog());
    let config = folder.write("errtally.yaml", format!("catalog: [{shop:?}, {stock:?}]\n"));
    let mut daemon = Daemon::start(&["--config", &config]);
    let lines = "Shop.017\nShop.018 Shop.017\nShop.019\nStock.001\nEcs.0114\nerror_code=DLI.0003\nShop.555\n";
    daemon.write(lines);
    daemon.wait_for_records(7);
    let before = agree(&daemon);
    assert_eq!(before.values().sum::<u64>(), 6);

    // A row goes.
    folder.write("shop.yaml", shop_catalog(&["017", "018"]));
    reload(&daemon);
    assert_eq!(agree(&daemon), before, "a row less");
    // Another category and another status: other rows, of which the old ones stay.
    let changed = shop_catalog(&["017", "018"]).replace("quota", "billing").replace("400", "402");
    folder.write("shop.yaml", changed.replace("\"a\"", "\"b\""));
    reload(&daemon);
    assert_eq!(agree(&daemon), before, "other rows");
    daemon.write("Shop.017 Shop.019\n");
    daemon.wait_for_records(8);
    let more = agree(&daemon);
    assert_eq!(more.values().sum::<u64>(), 7);
    // Both services go.
    folder.write("errtally.yaml", "linger: 0s\n");
    reload(&daemon);
    assert_eq!(agree(&daemon), more, "no service of ours");
    let report = daemon.get("/api/v1/codes").json();
    let old =
        report["hits"].as_array().expect("hits").iter().find(|h| h["code"] == "Shop.019").expect("a row");
    assert_eq!(
        (&old["message"], &old["action"], &old["retryable"]),
        (&"m".into(), &"a".into(), &false.into())
    );
    assert_eq!(old["retired"], true, "and it is told that the catalog has it no more");
    assert!(
        report["hits"]
            .as_array()
            .expect("hits")
            .iter()
            .all(|h| h["code"] != "Ecs.0114" || h["retired"].is_null())
    );
    // And come again.
    folder.write("errtally.yaml", format!("catalog: [{shop:?}, {stock:?}]\n"));
    reload(&daemon);
    assert_eq!(agree(&daemon), more, "they are back");
    daemon.write("Stock.001\n");
    daemon.wait_for_records(9);
    folder.write("errtally.yaml", "linger: 0s\n");
    reload(&daemon);
    let last = agree(&daemon);
    assert_eq!(last.values().sum::<u64>(), 8);

    daemon.close();
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(0));
    let told = summary(&log);
    let wanted = last
        .iter()
        .map(|([code, _, category, status], n)| ([code.clone(), status.clone(), category.clone()], *n));
    assert_eq!(told, wanted.collect::<BTreeMap<_, _>>(), "{log}");
    assert!(log.contains("9 records, 8 with a code") || log.contains("9 records, 9 with a code"), "{log}");
    assert!(log.contains("8 hits of known codes"), "{log}");
}
