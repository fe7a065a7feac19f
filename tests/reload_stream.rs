//! Hundreds of reloads while a stream of known content is read: no record is lost, none is counted twice.

mod support;

use std::io::Write;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use support::daemon::Daemon;
use support::exposition::Scrape;
use support::{Folder, Raise, shop_catalog, wait_for};

/// Reloads, of which every fiftieth is of a broken catalog.
const RELOADS: usize = 500;

/// One record for each way in which a reload can change what a record counts as.
const BLOCK: &str = "Shop.017 first\n\
                     Shop.018 {\"a\":1}\n\
                     2026-11-21T10:00:00Z nothing to see here\n\
                     {\"code\":\"Ecs.0114\",\"message\":\"Shop.019 and Shop.017\"}\n\
                     error_code=DLI.0003 Shop.018\n\n";
const RECORDS: u64 = 6;

/// Hits of each code in a block, whatever it counts as.
const HITS: [(&str, u64); 5] =
    [("Shop.017", 2), ("Shop.018", 2), ("Shop.019", 1), ("Ecs.0114", 1), ("DLI.0003", 1)];

const SUCCESSFUL: &str = "errtally_config_last_reload_successful";
const SUCCESS_TIME: &str = "errtally_config_last_reload_success_timestamp_seconds";

/// What the catalog is at the reload of this number: codes come and go, categories and statuses change.
fn catalog(reload: usize) -> String {
    match reload % 5 {
        0 => shop_catalog(&["017"]),
        1 => shop_catalog(&["017", "018", "019"]),
        2 => shop_catalog(&["019", "017"]).replace("quota", "billing"),
        3 => shop_catalog(&["018"]).replace("400", "409"),
        _ => shop_catalog(&["016", "017", "018"]).replace("quota", "state").replace("400", "500"),
    }
}

/// Hits of `code`, known and unknown.
fn hits(scrape: &Scrape, code: &str) -> f64 {
    ["errtally_errors_total", "errtally_unknown_codes_total"]
        .iter()
        .map(|name| scrape.sum(name, &[("code", code)]))
        .sum()
}

/// Asks for a reload and waits for its end.
#[track_caller]
fn reload(daemon: &Daemon, before: &Scrape, good: bool) -> Scrape {
    daemon.signal(Signal::HUP);
    wait_for("the end of a reload", || {
        let scrape = daemon.scrape();
        let successful = scrape.value(SUCCESSFUL, &[]) == Some(1.0);
        let done = if good {
            scrape.value(SUCCESS_TIME, &[]) > before.value(SUCCESS_TIME, &[])
        } else {
            !successful
        };
        (done && successful == good).then_some(scrape)
    })
}

#[test]
fn five_hundred_reloads_in_a_stream_change_no_count() {
    let folder = Folder::new();
    let shop = folder.write("shop.yaml", catalog(0));
    let config = folder.write("errtally.yaml", format!("catalog: {shop:?}\nlinger: 5m\n"));
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    // Of few services: each reload makes a catalog and each scrape looks at its rows.
    let services = ["--config", &config, "--services", "ECS,SHOP"];
    let daemon = Daemon::start_with(&services, Stdio::from(reader), &[]);
    let enough = AtomicBool::new(false);
    let blocks = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            // Odd lengths, so that reloads fall between, into and at the ends of records.
            let content = BLOCK.repeat(500);
            let mut blocks = 0;
            while !enough.load(Ordering::Relaxed) {
                for part in content.as_bytes().chunks(7919) {
                    writer.write_all(part).expect("it reads");
                }
                blocks += 500;
            }
            drop(writer);
            blocks
        });
        let ended = Raise(&enough);
        let mut last = daemon.scrape();
        for number in 1..=RELOADS {
            let broken = number % 50 == 25;
            let content = if broken { catalog(number).replace("action", "acton") } else { catalog(number) };
            folder.write("shop.yaml", content);
            // A setting that decides how records are cut changes with it.
            let limit = if number % 2 == 0 { "1MiB" } else { "1KiB" };
            folder.write(
                "errtally.yaml",
                format!("catalog: {shop:?}\nlinger: 5m\nmax_record_bytes: {limit}\n"),
            );
            let scrape = reload(&daemon, &last, !broken);
            let records = |scrape: &Scrape| scrape.sum("errtally_records_total", &[]);
            assert!(records(&scrape) >= records(&last), "at reload {number}");
            for (code, _) in HITS {
                assert!(hits(&scrape, code) >= hits(&last, code), "{code} at reload {number}");
            }
            if broken {
                assert_eq!(
                    scrape.value(SUCCESS_TIME, &[]),
                    last.value(SUCCESS_TIME, &[]),
                    "the old one stays"
                );
            }
            last = scrape;
        }
        drop(ended);
        let read_meanwhile = last.sum("errtally_records_total", &[]);
        assert!(read_meanwhile > 10_000.0, "it read while it reloaded: {read_meanwhile}");
        writing.join().expect("the writer ends")
    });
    let scrape = daemon.wait_for_end_of_input();
    let count = |name: &str| scrape.sum(name, &[]) as u64;
    assert_eq!(count("errtally_records_total"), blocks * RECORDS);
    assert_eq!(count("errtally_record_bytes_total"), blocks * BLOCK.len() as u64);
    assert_eq!(count("errtally_matched_records_total"), blocks * 4);
    assert_eq!(count("errtally_malformed_json_records_total") + count("errtally_oversized_records_total"), 0);
    for (code, in_block) in HITS {
        assert_eq!(hits(&scrape, code) as u64, blocks * in_block, "{code}");
    }
    // Each of the catalogs had its share.
    for labels in [
        [("code", "Shop.017"), ("category", "quota")],
        [("code", "Shop.017"), ("category", "billing")],
        [("code", "Shop.018"), ("http_status", "409")],
        [("code", "Shop.018"), ("http_status", "500")],
    ] {
        assert!(scrape.sum("errtally_errors_total", &labels) > 0.0, "{labels:?}");
    }
    assert!(scrape.sum("errtally_unknown_codes_total", &[("code", "Shop.019")]) > 0.0);
}

#[test]
fn signals_that_come_faster_than_reloads_are_harmless() {
    let folder = Folder::new();
    let shop = folder.write("shop.yaml", catalog(1));
    let mut daemon = Daemon::start(&["--catalog", &shop, "--linger", "5m"]);
    for round in 0..200 {
        daemon.write(BLOCK);
        folder.write("shop.yaml", catalog(round));
        daemon.signal(Signal::HUP);
    }
    daemon.close();
    let scrape = daemon.wait_for_end_of_input();
    assert_eq!(scrape.sum("errtally_records_total", &[]) as u64, 200 * RECORDS);
    for (code, in_block) in HITS {
        assert_eq!(hits(&scrape, code) as u64, 200 * in_block, "{code}");
    }
}
