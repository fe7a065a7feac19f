//! SIGHUP: a good configuration comes into force, a bad one changes nothing, and no count is ever lost.

mod support;

use std::process::Stdio;

use rustix::process::Signal;
use support::daemon::Daemon;
use support::exposition::{Sample, Scrape};
use support::{Folder, shop_catalog, wait_for};

const SUCCESSFUL: &str = "errtally_config_last_reload_successful";
const SUCCESS_TIME: &str = "errtally_config_last_reload_success_timestamp_seconds";

/// A daemon whose configuration and catalog the test rewrites.
struct Subject {
    folder: Folder,
    config: String,
    shop: String,
    daemon: Daemon,
    records: u64,
}

impl Subject {
    /// With a catalog that knows `Shop.017` alone.
    fn new() -> Subject {
        let folder = Folder::new();
        let shop = folder.write("shop.yaml", shop_catalog(&["017"]));
        let config = folder.write("errtally.yaml", format!("catalog: {shop:?}\nlinger: 1m\n"));
        let daemon = Daemon::start(&["--config", &config]);
        Subject { folder, config, shop, daemon, records: 0 }
    }

    /// Feeds lines and gives the counts then.
    #[track_caller]
    fn feed(&mut self, lines: &str) -> Scrape {
        self.daemon.write(lines);
        self.records += lines.matches('\n').count() as u64;
        self.daemon.wait_for_records(self.records)
    }

    /// Reloads with success and gives the counts then.
    #[track_caller]
    fn reload(&self) -> Scrape {
        let before = self.daemon.scrape().value(SUCCESS_TIME, &[]);
        self.daemon.signal(Signal::HUP);
        let scrape = wait_for("a reload", || {
            let scrape = self.daemon.scrape();
            (scrape.value(SUCCESS_TIME, &[]) > before).then_some(scrape)
        });
        assert_eq!(scrape.value(SUCCESSFUL, &[]), Some(1.0));
        scrape
    }

    /// Reloads in vain and gives the counts then.
    #[track_caller]
    fn fail(&self) -> Scrape {
        let before = self.daemon.scrape();
        self.daemon.signal(Signal::HUP);
        let scrape = wait_for("a reload that fails", || {
            let scrape = self.daemon.scrape();
            (scrape.value(SUCCESSFUL, &[]) == Some(0.0)).then_some(scrape)
        });
        assert_eq!(
            scrape.value(SUCCESS_TIME, &[]),
            before.value(SUCCESS_TIME, &[]),
            "the last success stays"
        );
        scrape
    }
}

/// All counters of records and hits that are above zero.
fn counts(scrape: &Scrape) -> Vec<Sample> {
    let ours = |s: &&Sample| s.name.starts_with("errtally_") && s.name.ends_with("_total") && s.value > 0.0;
    let mut counts: Vec<_> = scrape.samples.iter().filter(ours).cloned().collect();
    counts.sort_by_key(|s| (s.name.clone(), s.labels.clone()));
    counts
}

fn errors(scrape: &Scrape, code: &str) -> Option<f64> {
    scrape.value("errtally_errors_total", &[("code", code)])
}

fn unknown(scrape: &Scrape, code: &str) -> Option<f64> {
    scrape.value("errtally_unknown_codes_total", &[("code", code)])
}

const LINES: &str = "Shop.017\nShop.018\nEcs.0114\nerror_code=TILL.0003\n{\"code\":\"Ecs.1000\",}\nnothing\n";

#[test]
fn a_new_catalog_knows_more_and_counters_keep_their_values() {
    let mut subject = Subject::new();
    let before = subject.feed(LINES);
    assert_eq!((errors(&before, "Shop.018"), unknown(&before, "Shop.018")), (None, Some(1.0)));
    subject.folder.write("shop.yaml", shop_catalog(&["016", "017", "018"]));
    let after = subject.reload();
    assert_eq!(counts(&before), counts(&after));
    assert_eq!(errors(&after, "Shop.018"), Some(0.0), "zero_init holds for new codes");
    let last = subject.feed(LINES);
    assert_eq!((errors(&last, "Shop.018"), unknown(&last, "Shop.018")), (Some(1.0), Some(1.0)));
    assert_eq!((errors(&last, "Shop.017"), errors(&last, "Ecs.0114")), (Some(2.0), Some(2.0)));
    let listing = subject.daemon.get("/api/v1/catalog").json();
    assert!(listing["codes"].as_array().expect("codes").iter().any(|c| c["code"] == "Shop.018"));
}

#[test]
fn counters_of_codes_that_left_the_catalog_stay() {
    let mut subject = Subject::new();
    let before = subject.feed(LINES);
    subject.folder.write("errtally.yaml", "linger: 1m\n");
    let without = subject.reload();
    assert_eq!(counts(&before), counts(&without));
    // Nobody knows the family any more.
    assert_eq!(counts(&subject.feed("Shop.017\n")).len(), counts(&before).len());
    assert_eq!(errors(&subject.daemon.scrape(), "Shop.017"), Some(1.0));
    subject.folder.write("errtally.yaml", format!("catalog: {:?}\n", subject.shop));
    subject.reload();
    assert_eq!(errors(&subject.feed("Shop.017\n"), "Shop.017"), Some(2.0), "it goes on where it was");
}

#[test]
fn a_category_that_changes_is_another_series_and_the_old_one_stays() {
    let mut subject = Subject::new();
    subject.feed("Shop.017\n");
    subject.folder.write("shop.yaml", shop_catalog(&["017"]).replace("quota", "billing"));
    subject.reload();
    let scrape = subject.feed("Shop.017\nShop.017\n");
    let of = |name: &str, category| scrape.value(name, &[("api_service", "SHOP"), ("category", category)]);
    for name in ["errtally_errors_total", "errtally_api_service_errors_total"] {
        assert_eq!((of(name, "quota"), of(name, "billing")), (Some(1.0), Some(2.0)), "{name}");
    }
}

#[test]
fn a_bad_catalog_leaves_the_old_one_in_force() {
    let mut subject = Subject::new();
    let before = subject.feed(LINES);
    let bad = shop_catalog(&["017", "018"]).replace("quota", "qota").replace("SHOP", "SHOPS");
    subject.folder.write("shop.yaml", bad);
    let failed = subject.fail();
    assert_eq!(counts(&before), counts(&failed));
    for line in [10, 16] {
        let place = format!("{}:{line}: ", subject.shop);
        subject.daemon.wait_for_log(&place);
    }
    subject.daemon.wait_for_log("did you mean `quota`?");
    let after = subject.feed(LINES);
    assert_eq!((errors(&after, "Shop.017"), unknown(&after, "Shop.018")), (Some(2.0), Some(2.0)));
    assert_eq!(subject.daemon.get("/readyz").status, 200, "it goes on reading");
    // A second failure is one too, and then all is well again.
    subject.folder.write("shop.yaml", "service: [");
    subject.fail();
    subject.folder.write("shop.yaml", shop_catalog(&["017", "018"]));
    assert_eq!(counts(&subject.reload()), counts(&after));
    assert_eq!(errors(&subject.feed("Shop.018\n"), "Shop.018"), Some(1.0));
}

#[test]
fn a_bad_configuration_leaves_the_old_one_in_force() {
    let mut subject = Subject::new();
    let before = subject.feed(LINES);
    subject.folder.write("errtally.yaml", "discovery: false\nlingr: 1s\nmax_unknown_codes: many\n");
    assert_eq!(counts(&before), counts(&subject.fail()));
    for place in [":2: lingr: ", ":3: max_unknown_codes: "] {
        subject.daemon.wait_for_log(&format!("{}{place}", subject.config));
    }
    let after = subject.feed(LINES);
    assert_eq!(unknown(&after, "TILL.0003"), Some(2.0), "nothing of the bad file is in force");
    assert_eq!(errors(&after, "Shop.017"), Some(2.0));
    std::fs::remove_file(&subject.config).expect("it is there");
    subject.fail();
    subject.folder.write("errtally.yaml", "discovery: false\n");
    subject.reload();
    let last = subject.feed("error_code=TILL.0003 Ecs.0114\n");
    assert_eq!((unknown(&last, "TILL.0003"), errors(&last, "Ecs.0114")), (Some(2.0), Some(3.0)));
}

#[test]
fn settings_come_into_force() {
    let mut subject = Subject::new();
    subject.feed(LINES);
    let long = format!("{} Ecs.0114\n", "x".repeat(2000));
    assert_eq!(subject.feed(&long).sum("errtally_oversized_records_total", &[]), 0.0);
    let settings = "max_record_bytes: 1KiB\nmax_unknown_codes: 1\nzero_init: [billing]\ncode_info: all\n";
    subject.folder.write("errtally.yaml", settings);
    let scrape = subject.reload();
    assert!(scrape.of("errtally_code_info", &[]).count() > 480);
    assert!(scrape.of("errtally_errors_total", &[("category", "billing")]).count() > 0);
    assert_eq!(scrape.of("errtally_errors_total", &[("category", "throttling")]).count(), 0);
    assert_eq!(unknown(&scrape, "TILL.0003"), Some(1.0), "a series that exists stays");
    let scrape = subject.feed(&(long + "error_code=Desk.0001\n"));
    assert_eq!(scrape.sum("errtally_oversized_records_total", &[]), 1.0);
    assert_eq!(unknown(&scrape, "DESK.0001"), None);
    assert_eq!(unknown(&scrape, "other"), Some(1.0));
}

#[test]
fn flags_and_variables_still_win_after_a_reload() {
    let folder = Folder::new();
    let config = folder.write("errtally.yaml", "code_info: seen\n");
    let variables = [("ERRTALLY_CODE_INFO", "all")];
    let mut daemon =
        Daemon::start_with(&["--config", &config, "--discovery", "false"], Stdio::piped(), &variables);
    folder.write("errtally.yaml", "code_info: seen\ndiscovery: true\nmax_unknown_codes: 5\n");
    daemon.signal(Signal::HUP);
    daemon.wait_for_log("reloaded");
    daemon.write("error_code=TILL.0003\n");
    let scrape = daemon.wait_for_records(1);
    assert_eq!(unknown(&scrape, "TILL.0003"), None);
    assert!(scrape.of("errtally_code_info", &[]).count() > 480);
}

#[test]
fn a_reload_while_lingering_works_too() {
    let mut subject = Subject::new();
    let before = subject.feed(LINES);
    subject.daemon.close();
    subject.daemon.wait_for_end_of_input();
    subject.folder.write("shop.yaml", shop_catalog(&["017", "018"]));
    assert_eq!(counts(&subject.reload()), counts(&before));
    subject.daemon.signal(Signal::TERM);
    assert_eq!(subject.daemon.wait().0.code(), Some(0));
}
