//! The catalog's pages without a browser: what is found, what a code can mean and how often it was counted, that text
//! stays text, and that nobody who asks for odd things, or for too much, gets more than an answer.

mod support;

use std::io::Read;

use flate2::read::GzDecoder;
use rustix::process::Signal;
use support::daemon::Daemon;
use support::http::{self, Answer};
use support::{Folder, run, shop_catalog, wait_for};

/// The codes of the page's tables, in their order.
fn codes(page: &str) -> Vec<String> {
    let links = page.split("<a class=\"code\" href=\"").skip(1);
    links
        .map(|l| l.split_once("<bdi>").expect("its text").1.split('<').next().expect("it").to_owned())
        .collect()
}

/// The page at `path`, which must be one.
#[track_caller]
fn page(daemon: &Daemon, path: &str, status: u16) -> String {
    let answer = daemon.get(path);
    assert_eq!(answer.status, status, "{path}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
    let text = answer.text().to_owned();
    assert!(text.starts_with("<!doctype html>") && text.trim_end().ends_with("</html>"), "{path}: {text}");
    text
}

/// What the page of a code says of how often it was counted.
fn count(page: &str) -> &str {
    page.split_once("id=\"count\">").expect("the count").1.split('<').next().expect("a number")
}

#[test]
fn the_catalog_is_listed_page_by_page() {
    let daemon = Daemon::start(&[]);
    let all = run(["catalog", "list", "--format", "json"]).json();
    let mut listed: Vec<&str> =
        all["codes"].as_array().expect("codes").iter().map(|c| c["code"].as_str().expect("a code")).collect();
    listed.dedup();
    let mut found = Vec::new();
    let mut next = Some("catalog".to_owned());
    let mut pages = 0;
    while let Some(path) = next {
        let page = page(&daemon, &format!("/{path}"), 200);
        assert!(page.len() < 512 << 10, "{} bytes", page.len());
        let codes = codes(&page);
        assert!((1..=200).contains(&codes.len()), "{path}");
        found.extend(codes);
        pages += 1;
        let link = page.split_once("rel=\"next\" href=\"").map(|(_, l)| l.split('"').next().expect("a link"));
        next = link.map(|link| link.replace("&#38;", "&"));
        assert_eq!(page.contains("rel=\"prev\""), pages > 1, "{path}");
    }
    assert_eq!(found, listed);
    assert_eq!(pages, listed.len().div_ceil(200));
    assert!(page(&daemon, "/catalog?page=99999", 200).contains("rel=\"prev\""), "the last one");
}

#[test]
fn a_search_finds_what_the_command_finds() {
    let daemon = Daemon::start(&[]);
    for (query, flags) in [
        ("q=insufficient+CLUSTER+quota", &["--search", "insufficient CLUSTER quota"][..]),
        ("q=quota&service=vpc", &["--search", "quota", "--service", "VPC"]),
        ("service=CCE&category=quota", &["--service", "CCE", "--category", "quota"]),
        ("q=Instance%5Bi-1%5D+could+not+be+found", &["--search", "Instance[i-1] could not be found"]),
        ("q=vpc+quota+exceeded", &["--search", "vpc quota exceeded"]),
    ] {
        let page = page(&daemon, &format!("/catalog?{query}"), 200);
        let listed = run(["catalog", "list", "--format", "json"].iter().chain(flags)).json();
        let mut listed: Vec<_> = listed["codes"]
            .as_array()
            .expect("codes")
            .iter()
            .map(|c| c["code"].as_str().expect("a code").to_owned())
            .collect();
        listed.sort();
        listed.dedup();
        let mut found = codes(&page);
        found.sort();
        assert!(!found.is_empty() && found.len() <= 200, "{query}: {}", found.len());
        assert_eq!(found, listed, "{query}");
    }
    let form = page(&daemon, "/catalog?q=a%22b&service=CCE&category=quota", 200);
    for part in [
        "value=\"a&#34;b\"",
        "<option value=\"CCE\" selected>",
        "<option value=\"quota\" selected>",
        "No code",
    ] {
        assert!(form.contains(part), "{part}: {form}");
    }
    let near = page(&daemon, "/catalog?q=insufficient+clusterish+quota", 200);
    assert!(near.contains("No code is found.") && near.contains("Some of the words are in"), "{near}");
}

#[test]
fn what_nothing_has_is_said_and_not_an_empty_list() {
    let daemon = Daemon::start(&[]);
    for (query, said) in [
        ("service=NOPE", "There is no service “NOPE”."),
        ("category=quotas", "There is no category “quotas”."),
        ("page=zero", "The page is no number"),
        ("page=-1", "The page is no number"),
    ] {
        let page = page(&daemon, &format!("/catalog?{query}"), 400);
        assert!(page.contains(said), "{query}");
    }
    let long = "quota ".repeat(300).trim_end().replace(' ', "+");
    assert!(page(&daemon, &format!("/catalog?q={long}"), 400).contains("Only the first 200 characters"));
}

#[test]
fn the_page_of_a_code_has_all_that_is_known_and_its_count() {
    let mut daemon = Daemon::start(&[]);
    daemon.write("CCE.01400007\nEcs.1000 got HTTP 404\nEcs.1000\nEcs.1000\n");
    daemon.wait_for_records(4);
    for path in ["/catalog/CCE.01400007", "/catalog/cce.01400007", "/catalog/%43CE%2e01400007"] {
        let page = page(&daemon, path, 200);
        for part in [
            "CCE.01400007",
            "Cloud Container Engine",
            "Insufficient cluster quota.",
            "data-c=\"quota\"",
            "400, read from the code",
            "CCE API Reference",
            "href=\"../assets/page.css\"",
        ] {
            assert!(page.contains(part), "{path}: {part}\n{page}");
        }
        assert_eq!(count(&page), "1", "{path}");
        assert!(!page.contains("Which is meant"), "there is nothing to decide");
    }
    let several = page(&daemon, "/catalog/ecs.1000", 200);
    assert_eq!(count(&several), "3");
    for part in
        ["itemNotFound: … could not be found.", "Which is meant", "an HTTP status in the record: 400, 404"]
    {
        assert!(several.contains(part), "{part}\n{several}");
    }
    assert_eq!(several.matches("meant where nothing in the record decides").count(), 1);
    for of in ["<dt>2</dt>", "<dt>1</dt>"] {
        assert!(several.contains(of), "{of}: each status has its count\n{several}");
    }
    // Services that say the same are told of together, each with its document.
    let shared = page(&daemon, "/catalog/DBS.280001", 200);
    assert_eq!(shared.matches("class=\"card meaning\"").count(), 3, "{shared}");
    for service in ["Distributed Database Middleware", "Document Database Service", "TaurusDB"] {
        assert!(shared.contains(service), "{service}");
    }
    assert_eq!(count(&page(&daemon, "/catalog/Ecs.0114", 200)), "0");
}

#[test]
fn an_unknown_code_is_404_with_what_is_known_of_its_family() {
    let mut daemon = Daemon::start(&[]);
    daemon.write("CCE.09404999\n");
    daemon.wait_for_records(1);
    let page_of = |path: &str| page(&daemon, path, 404);
    let family = page_of("/catalog/cce.09404999");
    for part in
        ["Fits CCE.MMSSSNNN of CCE: counted as an unknown code, category not_found.", "as an unknown code"]
    {
        assert!(family.contains(part), "{part}\n{family}");
    }
    assert_eq!(count(&family), "1");
    assert_eq!(codes(&family).len(), 5, "known codes near it");
    assert!(page_of("/catalog/FOO.0003").contains("only behind a key such as error_code"));
    let hello = page_of("/catalog/hello");
    assert!(hello.contains("Not the shape of a code") && hello.len() < 8 << 10, "no list of all families");
    let slip = page_of("/catalog/CCE-01429002");
    assert!(slip.contains("Did you mean `CCE.01429002`?<") && codes(&slip)[0] == "CCE.01429002", "{slip}");
    assert!(page_of("/catalog/CCE.0142902").contains("has 8 digits, and here are 7."));
}

#[test]
fn odd_paths_and_queries_are_answered_and_stay_text() {
    let daemon = Daemon::start(&[]);
    for path in [
        "/catalog/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/catalog/%ff%fe%00",
        "/catalog/%",
        "/catalog/..%2f..%2fetc%2fpasswd",
        "/catalog/%22%3E%3Cimg%20src=x%3E",
    ] {
        let page = page(&daemon, path, 404);
        assert!(
            !page.contains("<script") && !page.contains("<img") && !page.contains('\0'),
            "{path}: {page}"
        );
    }
    for query in [
        "q=%3Cscript%3E",
        "q=%",
        "q=%ff%00",
        "&&=&q",
        "q=%F0%9F%92%A9&q=2&a&b&c",
        "service=%3Cb%3E",
        "q=\"'`",
    ] {
        let answer = daemon.get(&format!("/catalog?{query}"));
        assert!([200, 400].contains(&answer.status), "{query}: {}", answer.status);
        assert!(!answer.text().contains("<script") && !answer.text().contains("<b>"), "{query}");
        assert!(!answer.text().contains('\0'), "{query}");
    }
    let long = format!("/catalog/{}", "x".repeat(9000));
    assert!(page(&daemon, &long, 404).len() < 64 << 10);
    for path in ["/catalog/", "/catalog/a/b", "/catalogue"] {
        assert_eq!(daemon.get(path).status, 404, "{path}");
    }
    let (head, get) = (daemon.ask("HEAD", "/catalog/FOO.0003", &[]), daemon.get("/catalog/FOO.0003"));
    assert_eq!((head.status, head.body.len(), get.status), (404, 0, 404));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
}

#[test]
fn nothing_from_elsewhere_nothing_inline_and_a_form_to_itself() {
    let folder = Folder::new();
    let evil = shop_catalog(&["017"])
        .replace("\"m\"", "\"</bdi><script>alert(1)</script> & \\0 more\"")
        .replace("service: SHOP", "service: \"<i>'\\\"x\"");
    let catalog = folder.write("shop.yaml", evil);
    let daemon = Daemon::start(&["--catalog", &catalog]);
    for path in ["/catalog?q=alert", "/catalog/Shop.017", "/catalog/FOO.0001"] {
        let answer = daemon.get(path);
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("form-action 'self'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        let page = answer.text();
        for inline in ["<style", " style=", "<script", " onclick", "http://", "https://", "//", "<i>", "\0"] {
            assert!(!page.contains(inline), "{path}: {inline}");
        }
        for asset in page.split("assets/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert_eq!(daemon.get(&format!("/assets/{asset}")).status, 200, "{asset}");
        }
    }
    let found = page(&daemon, "/catalog?q=alert&service=%3Ci%3E'%22x", 200);
    assert_eq!(codes(&found), ["Shop.017"]);
    assert!(found.contains("&#60;script&#62;alert(1)&#60;/script&#62; &#38; \u{fffd} more"), "{found}");
}

#[test]
fn chosen_services_and_a_reload_change_what_is_there() {
    let folder = Folder::new();
    let catalog = folder.write("shop.yaml", shop_catalog(&["017", "018"]));
    let config = folder.write("c.yaml", format!("services: [SHOP, CCE]\ncatalog: [{catalog}]\n"));
    let mut daemon = Daemon::start(&["--config", &config]);
    daemon.write("Shop.017\nShop.018\n");
    daemon.wait_for_records(2);
    assert_eq!(codes(&page(&daemon, "/catalog?service=SHOP", 200)), ["Shop.017", "Shop.018"]);
    let all = page(&daemon, "/catalog", 200);
    assert!(all.contains("value=\"CCE\"") && !all.contains("value=\"ECS\""), "{all}");
    page(&daemon, "/catalog/Ecs.0114", 404);
    page(&daemon, "/catalog?service=ECS", 400);

    folder.write("shop.yaml", shop_catalog(&["018", "019"]));
    daemon.signal(Signal::HUP);
    daemon.wait_for_log("reloaded");
    assert_eq!(codes(&page(&daemon, "/catalog?service=SHOP", 200)), ["Shop.018", "Shop.019"]);
    let gone = page(&daemon, "/catalog/shop.017", 404);
    assert_eq!(count(&gone), "1", "its counts stay");
    assert!(gone.contains("the catalog no longer has it, since a reload"), "{gone}");
    assert_eq!(count(&page(&daemon, "/catalog/Shop.018", 200)), "1");
}

#[test]
fn the_live_page_leads_there_and_back() {
    let mut daemon = Daemon::start(&[]);
    daemon.write("Ecs.0114\nerror_code=FOO.0003\n");
    daemon.wait_for_records(2);
    let live = page(&daemon, "/", 200);
    for link in ["href=\"catalog\"", "href=\"catalog/Ecs.0114\"", "href=\"catalog/FOO.0003\""] {
        assert!(live.contains(link), "{link}");
    }
    assert!(page(&daemon, "/catalog", 200).contains("href=\"./\""));
    assert!(page(&daemon, "/catalog/Ecs.0114", 200).contains("href=\".././\""));
}

#[test]
fn pages_are_packed_where_that_is_asked_for() {
    let daemon = Daemon::start(&[]);
    for path in ["/catalog?q=quota", "/catalog/Ecs.0114", "/catalog/FOO.0003"] {
        let plain = daemon.get(path);
        let packed = daemon.ask("GET", path, &[("Accept-Encoding", "gzip")]);
        assert_eq!((packed.status, packed.header("content-encoding")), (plain.status, "gzip"), "{path}");
        let mut text = String::new();
        GzDecoder::new(&packed.body[..]).read_to_string(&mut text).expect("gzip");
        assert_eq!(text, plain.text(), "{path}");
    }
}

#[test]
fn a_flood_of_searches_leaves_room_for_scrapes() {
    let daemon = Daemon::start(&[]);
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let ask =
            |i: usize| daemon.get(&format!("/catalog?q={}", ["quota", "a", "zzzz+yyyy", "vpc+x"][i % 4]));
        let asking: Vec<_> = (0..48).map(|i| scope.spawn(move || ask(i))).collect();
        for _ in 0..20 {
            assert_eq!(daemon.get("/metrics").status, 200);
        }
        asking.into_iter().map(|a| a.join().expect("an answer")).collect()
    });
    let refused = answers.iter().filter(|a| a.status == 503);
    for answer in refused.clone() {
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert!(answers.iter().all(|a| [200, 503].contains(&a.status)));
    assert!(answers.iter().filter(|a| a.status == 200).count() >= 16, "{} refused", refused.count());
    assert_eq!(daemon.get("/catalog?q=quota").status, 200, "and afterwards all is as before");
    assert!(daemon.peak_memory() < 64 << 20, "{} MiB", daemon.peak_memory() >> 20);
}

#[test]
fn readers_who_take_nothing_hold_little() {
    let daemon = Daemon::start(&["--http-answer-timeout", "2s"]);
    let mut open = Vec::new();
    for round in 0..8 {
        for i in 0..10 {
            let path = format!("/catalog?page={}", (round * 10 + i) % 30 + 1);
            open.push(http::open(daemon.address(), "GET", &path, &[]).expect("a connection"));
        }
        // Whoever asks later is answered later: when this one is, the others have been.
        assert_eq!(daemon.get("/catalog/Ecs.0114").status, 200);
        assert_eq!(daemon.get("/metrics").status, 200);
    }
    assert!(daemon.peak_memory() < 64 << 20, "{} MiB", daemon.peak_memory() >> 20);
    let connections = || daemon.scrape().value("errtally_http_connections", &[]);
    wait_for("the end of those who take nothing", || (connections() == Some(1.0)).then_some(()));
    drop(open);
}
