//! The page in a real browser: what it shows, at two widths and in two colour schemes, by keyboard, while counts
//! change, and while errtally is away.
//!
//! `ERRTALLY_SCREENSHOTS=FOLDER` keeps pictures of what was seen.

#[path = "../support/mod.rs"]
mod support;

mod chromium;

use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Stdio};

use chromium::Chromium;
use serde_json::Value;
use support::daemon::Daemon;
use support::{errtally, root, wait_for};

const WIDTHS: [(u32, u32); 2] = [(390, 844), (1280, 800)];

/// What a row of the page says, by `data-f`.
fn cell(code: &str, field: &str) -> String {
    format!(
        "[...document.querySelectorAll('#code-rows tr')].find(r => r.querySelector('[data-f=code]').textContent === \
         '{code}')?.querySelector('[data-f={field}]').textContent"
    )
}

fn example() -> (Daemon, Value) {
    let log = std::fs::read(root().join("examples/cloud-api.log")).expect("the example");
    let expected = std::fs::read(root().join("examples/cloud-api.expected.json")).expect("what is in it");
    let mut daemon = Daemon::start(&["--linger", "300s"]);
    daemon.write(&log);
    // Its last line has no newline.
    daemon.write("\n");
    daemon.wait_for_records(322);
    (daemon, serde_json::from_slice(&expected).expect("JSON"))
}

#[test]
fn shows_the_example_at_both_widths_and_asks_nobody_else() {
    let (daemon, expected) = example();
    let url = format!("http://{}/", daemon.address());
    let mut browser = Chromium::start();
    for (width, height) in WIDTHS {
        for scheme in ["light", "dark"] {
            browser.open(&url, width, height, scheme);
            browser.wait_for("document.getElementById('link').textContent === 'live'");
            let rows = browser.eval("document.querySelectorAll('#code-rows tr').length");
            let lists = ["hits", "unknown"].map(|list| expected[list].as_array().expect("a list"));
            assert_eq!(rows, lists.iter().map(|l| l.len()).sum::<usize>());
            for hit in lists.into_iter().flatten().filter(|h| h["code"] != "Ecs.1000") {
                let code = hit["code"].as_str().expect("a code");
                assert_eq!(browser.text(&cell(code, "count")), hit["count"].to_string(), "{code}");
                assert_eq!(browser.text(&cell(code, "last_minute")), hit["count"].to_string(), "{code}");
            }
            let wide = browser.eval("document.documentElement.scrollWidth");
            assert!(wide.as_u64() <= Some(u64::from(width)), "{wide} of {width}: it scrolls sideways");
            let back = browser.text("getComputedStyle(document.body).backgroundColor");
            assert_eq!(back, if scheme == "dark" { "rgb(20, 23, 27)" } else { "rgb(251, 251, 250)" });
            let contrast = browser.eval(CONTRAST).as_f64().expect("a ratio");
            assert!(contrast >= 4.5, "{scheme}: the least contrast is {contrast}");
            browser.wait_for("performance.getEntriesByName(new URL('api/v1/live', location)).length > 1");
            let asked = browser.requested();
            assert!(asked.iter().any(|u| u.ends_with("/api/v1/live")), "{asked:?}");
            assert!(asked.iter().all(|u| u.starts_with(&url)), "{asked:?}");
            assert_eq!(browser.complaints(), Vec::<String>::new());
            if let Some(folder) = std::env::var_os("ERRTALLY_SCREENSHOTS") {
                browser.screenshot(&std::path::Path::new(&folder).join(format!("{width}-{scheme}.png")));
            }
        }
    }
}

/// The least contrast of any text with what is behind it, as WCAG defines it.
const CONTRAST: &str = "(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const color = rgb(getComputedStyle(element).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
  };
  const texts = [...document.querySelectorAll('body *')].filter((e) => e.checkVisibility() &&
    [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
  return Math.min(...texts.map((e) => {
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }));
})()";

#[test]
fn is_the_same_page_with_and_without_javascript() {
    let (daemon, _) = example();
    let url = format!("http://{}/", daemon.address());
    let mut browser = Chromium::start();
    // Times that go on are left out.
    let seen = "(() => { const all = document.cloneNode(true);
        for (const e of all.querySelectorAll('[data-k=ago], [data-k=rate], [data-k=bytes], [data-f=uptime_seconds], \
        .link, .filter, script, style, template, noscript')) e.remove();
        const bars = [...all.querySelectorAll('svg')].map((e) => e.getAttribute('aria-label'));
        return all.body.textContent.replace(/\\s+/g, ' ') + bars.join(); })()";
    browser.call("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": true}));
    browser.open(&url, 1280, 800, "light");
    let plain = browser.text(seen);
    assert!(plain.contains("CCE.02429001") && plain.contains("Slow the client down"), "{plain}");
    assert_eq!(browser.eval("document.querySelector('.filter').checkVisibility()"), false);
    browser.call("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": false}));
    browser.open(&url, 1280, 800, "light");
    browser.wait_for("document.getElementById('link').textContent === 'live'");
    assert_eq!(browser.text(seen), plain);
}

#[test]
fn numbers_change_in_place_while_somebody_reads() {
    let mut daemon = Daemon::start(&[]);
    let mut browser = Chromium::start();
    browser.open(&format!("http://{}/", daemon.address()), 1280, 800, "light");
    browser.wait_for("document.querySelector('#headline h2').textContent.trim() === 'Quiet'");
    browser.eval("window.same = true");
    daemon.write("nothing\n");
    browser.wait_for("document.querySelector('#headline h2').textContent.trim() === 'No errors'");
    daemon.write("Ecs.0114\nEcs.0114\nCSS.0015\n");
    browser.wait_for(&format!("{} === '2'", cell("Ecs.0114", "last_minute")));
    browser.wait_for("document.querySelector('#headline h2').textContent.trim() === 'Ecs.0114 fails most'");
    // Somebody opens a row; another becomes more frequent; nothing is taken away.
    browser.eval("document.querySelector('#code-rows summary').focus()");
    browser.press("Enter");
    browser.wait_for("document.querySelector('#code-rows details').open");
    daemon.write("CSS.0015\n".repeat(1234));
    browser.wait_for(&format!("{} === '1,235'", cell("CSS.0015", "count")));
    let first = "document.querySelector('#code-rows [data-f=code]').textContent";
    assert_eq!(browser.text(first), "Ecs.0114", "rows stay where they are while one of them has the focus");
    let focused = "document.activeElement.querySelector('[data-f=code]')?.textContent";
    assert_eq!(browser.text(focused), "Ecs.0114");
    assert_eq!(browser.eval("document.querySelector('#code-rows details').open"), true);
    browser.eval("document.activeElement.blur()");
    browser.wait_for(&format!("{first} === 'CSS.0015'"));
    assert_eq!(browser.eval("window.same"), true, "it was loaded once");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn everything_is_within_reach_of_the_keyboard() {
    let (daemon, _) = example();
    let url = format!("http://{}/", daemon.address());
    let mut browser = Chromium::start();
    for (width, height) in WIDTHS {
        browser.open(&url, width, height, "light");
        browser.wait_for("document.getElementById('link').textContent === 'live'");
        let mut reached = Vec::new();
        while reached.last().is_none_or(|last| last != "SUMMARY") {
            assert!(reached.len() < 20, "{reached:?}");
            browser.press("Tab");
            let at = "document.activeElement.id || document.activeElement.tagName";
            reached.push(browser.text(at));
        }
        assert!(reached.contains(&"filter".to_owned()), "{reached:?}");
        browser.press("Enter");
        browser.wait_for("document.activeElement.parentElement.open === true");
        assert_eq!(browser.eval("document.activeElement.nextElementSibling.checkVisibility()"), true);
        browser.press("Tab");
        assert!(browser.text("document.activeElement.pathname").starts_with("/catalog/"), "to its page");
        browser.press("Tab");
        assert_eq!(browser.text("document.activeElement.tagName"), "SUMMARY", "the next row");
        // A slash goes to the filter; words of any part narrow the list.
        browser.press("/");
        assert_eq!(browser.text("document.activeElement.id"), "filter");
        for c in ["q", "u", "o", "t", "a", " ", "e", "c", "s"] {
            browser.press(c);
        }
        let codes = "[...document.querySelectorAll('#code-rows tr')].filter(r => r.checkVisibility())\
            .map(r => r.querySelector('[data-f=code]').textContent).sort().join()";
        let all = daemon.get("/api/v1/codes").json();
        let wanted = |hit: &&Value| hit["category"] == "quota" && hit["api_service"] == "ECS";
        let hits = all["hits"].as_array().expect("a list").iter().filter(wanted);
        let hits: Vec<_> = hits.map(|h| h["code"].as_str().expect("a code")).collect();
        assert!(!hits.is_empty());
        let shown = browser.text(codes);
        for hit in &hits {
            assert!(shown.contains(hit), "{hit} of {shown}");
        }
        assert!(shown.split(',').count() < 20, "{shown}");
        assert!(!shown.contains("CCE.02429001"), "{shown}");
        assert_eq!(browser.text("decodeURIComponent(location.hash)"), "#quota ecs");
    }
}

#[test]
fn the_catalog_reads_well_and_needs_no_javascript() {
    let (daemon, _) = example();
    let url = format!("http://{}/", daemon.address());
    let mut browser = Chromium::start();
    browser.call("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": true}));
    let paths = [
        "catalog",
        "catalog?q=cluster+quota",
        "catalog/VPC.0101",
        "catalog/DBS.280001",
        "catalog/CCE.09404999",
    ];
    for (width, height) in WIDTHS {
        for (scheme, path) in ["light", "dark"].into_iter().flat_map(|s| paths.map(|p| (s, p))) {
            browser.open(&format!("{url}{path}"), width, height, scheme);
            browser.wait_for("document.querySelector('footer') !== null");
            let wide = browser.eval("document.documentElement.scrollWidth");
            assert!(
                wide.as_u64() <= Some(u64::from(width)),
                "{path}: {wide} of {width}: it scrolls sideways"
            );
            let contrast = browser.eval(CONTRAST).as_f64().expect("a ratio");
            assert!(contrast >= 4.5, "{path}, {scheme}: the least contrast is {contrast}");
            let asked = browser.requested();
            assert!(asked.iter().all(|u| u.starts_with(&url)), "{asked:?}");
            let mut complaints = browser.complaints();
            // A browser complains of the status of a page that says what it has instead.
            complaints.retain(|c| !(path.ends_with("CCE.09404999") && c.contains("status of 404")));
            assert_eq!(complaints, Vec::<String>::new(), "{path}");
            if let Some(folder) = std::env::var_os("ERRTALLY_SCREENSHOTS") {
                let name = path.replace(|c: char| !c.is_alphanumeric(), "-");
                browser
                    .screenshot(&std::path::Path::new(&folder).join(format!("{name}-{width}-{scheme}.png")));
            }
        }
        // By keyboard alone: to the form, a word, Enter, to the first code, Enter.
        browser.open(&format!("{url}catalog"), width, height, "light");
        let reach = |browser: &mut Chromium, wanted: &str| {
            for _ in 0..20 {
                browser.press("Tab");
                if browser.eval(wanted) == true {
                    return;
                }
            }
            panic!("{wanted} is out of reach of the keyboard");
        };
        reach(&mut browser, "document.activeElement.id === 'q'");
        for c in ["l", "o", "c", "k", "e", "d"] {
            browser.press(c);
        }
        browser.press("Enter");
        browser.wait_for("new URLSearchParams(location.search).get('q') === 'locked'");
        browser.wait_for("document.querySelector('td a.code') !== null");
        reach(&mut browser, "document.activeElement.classList.contains('code')");
        let code = browser.text("document.activeElement.textContent");
        browser.press("Enter");
        browser.wait_for(
            "location.pathname.startsWith('/catalog/') && document.querySelector('h2.code') !== null",
        );
        assert_eq!(browser.text("document.querySelector('h2.code').textContent"), code);
    }
}

#[test]
fn text_from_outside_stays_text() {
    let folder = support::Folder::new();
    let long = "y".repeat(3000);
    let evil = format!(
        "service: \"<b>&'x\"\nfull_name: \"<img src=x onerror=alert(1)>\"\nsource: s\nfamilies:\n  \
         - {{prefix: Shop, grammar: NNN}}\ncodes:\n  - code: Shop.017\n    message: \"</bdi><script>window.hurt=1\
         </script> \\u202Eright to left \\0 nul {long}\"\n    category: quota\n    retryable: false\n    \
         action: \"\\\"'><script>window.hurt=1</script>\"\n"
    );
    let catalog = folder.write("evil.yaml", evil);
    let mut daemon = Daemon::start(&["--catalog", &catalog]);
    let name = format!("A{}.001", "B".repeat(60));
    daemon.write(format!("Shop.017\nShop.017 error_code={name}\n"));
    daemon.wait_for_records(2);
    let url = format!("http://{}/#%", daemon.address());
    let mut browser = Chromium::start();
    for (width, height) in WIDTHS {
        browser.open(&url, width, height, "light");
        browser.wait_for("document.getElementById('link').textContent === 'live'");
        browser.eval("document.getElementById('filter').value = ''");
        browser.eval("document.getElementById('filter').dispatchEvent(new Event('input'))");
        browser.eval("document.querySelectorAll('details').forEach(d => { d.open = true })");
        assert_eq!(browser.eval("window.hurt === undefined"), true);
        assert_eq!(
            browser.eval("document.querySelectorAll('main script, main img, main b:not(li b)').length"),
            0
        );
        let message = browser.text(&cell("Shop.017", "message"));
        assert!(
            message.contains("<script>window.hurt=1</script> \u{202e}right to left \u{fffd} nul yyy"),
            "{message}"
        );
        assert!(
            browser.text("document.querySelector('#services').textContent").contains("<img src=x onerror")
        );
        assert_eq!(browser.text(&cell(&name, "count")), "1");
        let wide = browser.eval("document.documentElement.scrollWidth");
        assert!(wide.as_u64() <= Some(u64::from(width)), "{wide} of {width}: it scrolls sideways");
        assert_eq!(browser.complaints(), Vec::<String>::new());
    }
}

/// errtally on an address that was another's before.
struct Again(Child, Option<ChildStdin>);

impl Again {
    fn start(address: SocketAddr) -> Again {
        let mut child = errtally()
            .args(["run", "--listen", &address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let stdin = child.stdin.take();
        wait_for("it answers", || support::http::ask(address, "GET", "/healthz", &[]).ok());
        Again(child, stdin)
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        self.1 = None;
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn says_that_errtally_is_away_and_notices_its_return() {
    let mut daemon = Daemon::start(&[]);
    let address = daemon.address();
    daemon.write("Ecs.0114\n");
    daemon.wait_for_records(1);
    let mut browser = Chromium::start();
    browser.open(&format!("http://{address}/"), 390, 844, "dark");
    browser.wait_for("document.getElementById('link').textContent === 'live'");
    drop(daemon);
    browser.wait_for("document.getElementById('link').textContent === 'errtally does not answer'");
    browser.wait_for("/^no answer since \\d+ s$/.test(document.getElementById('since').textContent)");
    assert_eq!(browser.text(&cell("Ecs.0114", "count")), "1", "what was known stays");
    let _again = Again::start(address);
    browser.wait_for("document.getElementById('link').textContent === 'live'");
    browser.wait_for("document.querySelectorAll('#code-rows tr').length === 0");
    assert_eq!(browser.text("document.getElementById('since').textContent"), "");
}
