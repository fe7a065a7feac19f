//! `watch`: what changes in the configuration or a catalog comes into force by itself, however it is written.

mod support;

use std::path::Path;
use std::process::Stdio;

use support::daemon::Daemon;
use support::{Folder, shop_catalog, wait_for};

const RELOADED: &str = "configuration and catalog reloaded";
const FAILED: &str = "not reloaded: configuration and catalog stay as they were";
const SUCCESSFUL: &str = "errtally_config_last_reload_successful";

/// Waits until `text` stands in the log `times` times, and no more often.
#[track_caller]
fn wait_for_nth(daemon: &Daemon, text: &str, times: usize) {
    wait_for(&format!("`{text}` {times} times in {}", daemon.log()), || {
        let count = daemon.log().matches(text).count();
        assert!(count <= times, "more than {times} times: {}", daemon.log());
        (count == times).then_some(())
    });
}

/// Whether the catalog in force has `code`.
#[track_caller]
fn knows(daemon: &Daemon, code: &str) -> bool {
    let listing = daemon.get("/api/v1/catalog").json();
    listing["codes"].as_array().expect("codes").iter().any(|c| c["code"] == code)
}

/// A file at `path` in one step, as editors and mounted volumes put it there.
fn replace(path: &Path, content: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, content).expect("a file");
    std::fs::rename(&beside, path).expect("a file");
}

#[test]
fn a_catalog_that_is_replaced_rewritten_broken_and_removed() {
    let folder = Folder::new();
    let shop = folder.write("shop.yaml", shop_catalog(&["017"]));
    let shop = Path::new(&shop);
    let config = folder.write("errtally.yaml", format!("watch: true\ncatalog: {shop:?}\n"));
    let mut daemon = Daemon::start(&["--config", &config]);
    daemon.write("Shop.017\nShop.018\n");
    let before = daemon.wait_for_records(2);

    replace(shop, &shop_catalog(&["017", "018"]));
    wait_for_nth(&daemon, RELOADED, 1);
    assert!(knows(&daemon, "Shop.018"));
    // The same content again is no change, in whatever way it comes.
    replace(shop, &shop_catalog(&["017", "018"]));
    folder.write("shop.yaml", shop_catalog(&["017", "018"]));
    folder.write("errtally.yaml", format!("watch: true\ncatalog: {shop:?}\n"));

    folder.write("shop.yaml", shop_catalog(&["017", "018", "019"]));
    wait_for_nth(&daemon, RELOADED, 2);
    assert!(knows(&daemon, "Shop.019"));

    // Half-written: one reload that fails, and one that succeeds when the rest is there.
    let whole = shop_catalog(&["017", "018", "019", "020"]);
    folder.write("shop.yaml", &whole[..whole.len() - 40]);
    wait_for_nth(&daemon, FAILED, 1);
    assert_eq!(daemon.scrape().value(SUCCESSFUL, &[]), Some(0.0));
    assert!(knows(&daemon, "Shop.019"));
    folder.write("shop.yaml", &whole);
    wait_for_nth(&daemon, RELOADED, 3);
    assert!(knows(&daemon, "Shop.020"));
    assert_eq!(daemon.scrape().value(SUCCESSFUL, &[]), Some(1.0));

    std::fs::remove_file(shop).expect("it is there");
    wait_for_nth(&daemon, FAILED, 2);
    assert!(knows(&daemon, "Shop.020"), "the old one stays in force");
    replace(shop, &shop_catalog(&["017"]));
    wait_for_nth(&daemon, RELOADED, 4);
    assert!(!knows(&daemon, "Shop.018"));

    // Each change was loaded once, and no count was touched.
    wait_for_nth(&daemon, FAILED, 2);
    let after = daemon.scrape();
    for (name, code) in [("errtally_errors_total", "Shop.017"), ("errtally_unknown_codes_total", "Shop.018")]
    {
        assert_eq!(after.value(name, &[("code", code)]), Some(1.0));
        assert_eq!(before.value(name, &[("code", code)]), Some(1.0));
    }
}

#[test]
fn a_mounted_configmap_changes_by_the_swap_of_a_link() {
    // As the kubelet does it: ..data is a link to a folder of one version, and each file a link through it.
    let folder = Folder::new();
    let version = |name: &str, numbers: &[&str], discovery: bool| {
        let at = folder.path().join(name);
        std::fs::create_dir(&at).expect("a folder");
        let mount = folder.path().display();
        let config =
            format!("watch: true\ndiscovery: {discovery}\ncatalog: ['{mount}/shop.yaml', '{mount}/more']\n");
        std::fs::write(at.join("errtally.yaml"), config).expect("a file");
        std::fs::write(at.join("shop.yaml"), shop_catalog(numbers)).expect("a file");
    };
    let swap = |name: &str| {
        let link = folder.path().join("..data_tmp");
        std::os::unix::fs::symlink(name, &link).expect("a link");
        std::fs::rename(link, folder.path().join("..data")).expect("a link");
    };
    version("..1", &["017"], true);
    swap("..1");
    for file in ["errtally.yaml", "shop.yaml"] {
        std::os::unix::fs::symlink(format!("..data/{file}"), folder.path().join(file)).expect("a link");
    }
    let more = folder.path().join("more");
    std::fs::create_dir(&more).expect("a folder");
    let other = shop_catalog(&["001"]).replace("Shop", "Mall").replace("SHOP", "MALL");
    std::fs::write(more.join("mall.yaml"), &other).expect("a file");

    let config = folder.path().join("errtally.yaml").display().to_string();
    let mut daemon = Daemon::start(&["--config", &config]);
    daemon.write("error_code=TILL.0003 Shop.017\n");
    daemon.wait_for_records(1);
    version("..2", &["017", "018"], false);
    swap("..2");
    std::fs::remove_dir_all(folder.path().join("..1")).expect("the old version");
    wait_for_nth(&daemon, RELOADED, 1);
    assert!(knows(&daemon, "Shop.018"));
    daemon.write("error_code=TILL.0003 Shop.017 Mall.001\n");
    let scrape = daemon.wait_for_records(2);
    assert_eq!(scrape.value("errtally_unknown_codes_total", &[("code", "TILL.0003")]), Some(1.0));
    assert_eq!(scrape.value("errtally_errors_total", &[("code", "Shop.017")]), Some(2.0));

    // Files that come to a folder of catalogs and leave it.
    let third = other.replace("Mall", "Bank").replace("MALL", "BANK");
    std::fs::write(more.join("bank.yaml"), third).expect("a file");
    wait_for_nth(&daemon, RELOADED, 2);
    assert!(knows(&daemon, "Bank.001"));
    std::fs::remove_file(more.join("mall.yaml")).expect("a file");
    wait_for_nth(&daemon, RELOADED, 3);
    assert!(!knows(&daemon, "Mall.001"));
}

#[test]
fn catalogs_that_the_configuration_names_later_are_watched_too() {
    let folder = Folder::new();
    let config = folder.write("errtally.yaml", "# nothing yet\n");
    let daemon = Daemon::start_with(&["--config", &config], Stdio::piped(), &[("ERRTALLY_WATCH", "true")]);
    let shop = folder.write("shop.yaml", shop_catalog(&["017"]));
    folder.write("errtally.yaml", format!("catalog: {shop:?}\n"));
    wait_for_nth(&daemon, RELOADED, 1);
    folder.write("shop.yaml", shop_catalog(&["017", "018"]));
    wait_for_nth(&daemon, RELOADED, 2);
    assert!(knows(&daemon, "Shop.018"));
    // What SIGHUP has loaded is not loaded again.
    folder.write("shop.yaml", shop_catalog(&["017", "018", "019"]));
    daemon.signal(rustix::process::Signal::HUP);
    wait_for_nth(&daemon, RELOADED, 3);
    folder.write("shop.yaml", shop_catalog(&["017"]));
    wait_for_nth(&daemon, RELOADED, 4);
}

#[test]
fn without_it_nothing_is_loaded_unasked() {
    let folder = Folder::new();
    let shop = folder.write("shop.yaml", shop_catalog(&["017"]));
    let (watching, not) =
        (Daemon::start(&["--watch", "--catalog", &shop]), Daemon::start(&["--catalog", &shop]));
    folder.write("shop.yaml", shop_catalog(&["017", "018"]));
    wait_for_nth(&watching, RELOADED, 1);
    assert!(knows(&watching, "Shop.018") && !knows(&not, "Shop.018"));
    assert!(!not.log().contains(RELOADED));
}
