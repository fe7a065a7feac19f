//! Basic authentication, headers and rate limit: what every request passes.

use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::daemon_with;
use crate::support::daemon::Daemon;
use crate::support::exposition::Scrape;
use crate::support::http::{Answer, ask};
use crate::support::{Folder, wait_for};

const ROUTES: [&str; 10] = [
    "/",
    "/metrics",
    "/healthz",
    "/readyz",
    "/api/v1/codes",
    "/api/v1/catalog",
    "/catalog?q=quota",
    "/catalog/Ecs.0114",
    "/nothing",
    "/metrics/",
];

/// A cost that takes a millisecond.
const QUICK: u32 = 4;

fn hash(password: &str, cost: u32) -> String {
    bcrypt::hash(password, cost).expect("a hash")
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// Asks with these credentials.
#[track_caller]
fn get(daemon: &Daemon, path: &str, authorization: &str) -> Answer {
    daemon.ask("GET", path, &[("Authorization", authorization)])
}

fn users(users: &[(&str, &str, u32)]) -> String {
    let lines = users.iter().map(|(name, password, cost)| format!("  {name}: {}\n", hash(password, *cost)));
    format!("basic_auth_users:\n{}", lines.collect::<String>())
}

#[test]
fn nothing_is_shown_to_a_stranger() {
    let folder = Folder::new();
    let content = users(&[("prom", "correct: horse", QUICK), ("ops", "staple", QUICK)]);
    let daemon = daemon_with(&folder, &content, &[]);
    let strangers = [
        None,
        Some(basic("prom", "staple")),
        Some(basic("prom", "")),
        Some(basic("prom", "correct: hors")),
        Some(basic("Prom", "correct: horse")),
        Some(basic("nobody", "correct: horse")),
        Some(basic("", "")),
        Some("Basic".to_owned()),
        Some("Basic ".to_owned()),
        Some("Basic !!!".to_owned()),
        Some(format!("Basic {}", STANDARD.encode("no colon"))),
        Some(format!("Bearer {}", STANDARD.encode("prom:correct: horse"))),
        // What is stored is no password.
        Some(basic("ops", content.split("ops: ").nth(1).expect("a hash").trim())),
    ];
    for path in ROUTES {
        for stranger in &strangers {
            let headers: Vec<_> = stranger.iter().map(|s| ("Authorization", s.as_str())).collect();
            let answer = daemon.ask("GET", path, &headers);
            assert_eq!(answer.status, 401, "{path} {stranger:?}");
            assert!(answer.header("www-authenticate").starts_with("Basic realm="), "{path}");
            assert!(!answer.text().contains("errtally"), "{path}: {}", answer.text());
        }
        let known = if ["/nothing", "/metrics/"].contains(&path) { 404 } else { 200 };
        for (name, password) in [("prom", "correct: horse"), ("ops", "staple")] {
            // Twice: compared, and remembered.
            for _ in 0..2 {
                assert_eq!(get(&daemon, path, &basic(name, password)).status, known, "{path} {name}");
            }
        }
    }
    assert_eq!(daemon.ask("HEAD", "/metrics", &[]).status, 401);
    assert_eq!(daemon.ask("POST", "/metrics", &[("Content-Length", "0")]).status, 401);
    let log = daemon.log();
    assert!(!log.contains("horse") && !log.contains("$2"), "no secret in the log: {log}");
}

#[test]
fn users_come_and_go_with_the_next_request() {
    let folder = Folder::new();
    let daemon = daemon_with(&folder, &users(&[("prom", "one", QUICK)]), &[]);
    let status = |password| get(&daemon, "/metrics", &basic("prom", password)).status;
    assert_eq!((status("one"), status("two")), (200, 401));
    folder.write("web.yml", users(&[("prom", "two", QUICK)]));
    assert_eq!((status("one"), status("two")), (401, 200));
    // Broken, and gone: the last good one stays, and nobody is let in who was not.
    // One that is empty, or says nothing of users, is no reason to open it either.
    for content in [
        Some("basic_auth_users: {prom: two}\n"),
        Some("basic_auth_user: {}\n"),
        Some(""),
        Some("{}\n"),
        Some("basic_auth_users: {}\n"),
        None,
    ] {
        match content {
            Some(content) => drop(folder.write("web.yml", content)),
            None => std::fs::remove_file(folder.path().join("web.yml")).expect("it is there"),
        }
        let told = daemon.log().matches("stays as it was").count();
        assert_eq!((status("one"), status("two")), (401, 200), "{content:?}");
        wait_for(&format!("it is told of {content:?}"), || {
            (daemon.log().matches("stays as it was").count() == told + 1).then_some(())
        });
    }
    let scrape = Scrape::parse(get(&daemon, "/metrics", &basic("prom", "two")).text());
    assert_eq!(scrape.value("errtally_config_last_reload_successful", &[]), Some(0.0));
    assert!(
        daemon
            .log()
            .contains("web.yml: basic_auth_users: authentication would be switched off; restart errtally"),
        "{}",
        daemon.log()
    );
    folder.write("web.yml", users(&[("prom", "three", QUICK), ("ops", "two", QUICK)]));
    assert_eq!((status("three"), status("two")), (200, 401));
    let scrape = Scrape::parse(get(&daemon, "/metrics", &basic("prom", "three")).text());
    assert_eq!(scrape.value("errtally_config_last_reload_successful", &[]), Some(1.0));
}

#[test]
fn a_scraper_costs_one_comparison_and_not_one_a_scrape() {
    let folder = Folder::new();
    let daemon = daemon_with(&folder, &users(&[("prom", "horse", 12)]), &[]);
    let took = |count| {
        let since = Instant::now();
        for _ in 0..count {
            assert_eq!(get(&daemon, "/healthz", &basic("prom", "horse")).status, 200);
        }
        since.elapsed()
    };
    let (first, next) = (took(1), took(50));
    assert!(next < first * 10, "the first took {first:?}, fifty more {next:?}");
}

#[test]
fn the_time_of_an_answer_does_not_tell_which_names_there_are() {
    let folder = Folder::new();
    let daemon = daemon_with(&folder, &users(&[("prom", "horse", 10)]), &[]);
    let took = |name: &str, guess: usize| {
        let since = Instant::now();
        assert_eq!(get(&daemon, "/healthz", &basic(name, &format!("guess {guess}"))).status, 401);
        since.elapsed()
    };
    // In turn, so that whatever else the machine does falls on both.
    let (mut known, mut unknown): (Vec<_>, Vec<_>) =
        (0..7).map(|guess| (took("prom", guess), took("nobody", guess))).unzip();
    known.sort();
    unknown.sort();
    let (known, unknown) = (known[3], unknown[3]);
    assert!(unknown * 4 > known && known * 4 > unknown, "known {known:?}, unknown {unknown:?}");
}

#[test]
fn a_flood_of_guesses_keeps_no_scraper_out() {
    let folder = Folder::new();
    let mut daemon = daemon_with(&folder, &users(&[("prom", "horse", 10)]), &[]);
    let scraper = basic("prom", "horse");
    assert_eq!(get(&daemon, "/metrics", &scraper).status, 200);
    let address = daemon.address();
    let since = Instant::now();
    std::thread::scope(|scope| {
        let guessers: Vec<_> = (0..40)
            .map(|i| {
                scope.spawn(move || {
                    let guess = basic("prom", &format!("guess {i}"));
                    ask(address, "GET", "/metrics", &[("Authorization", &guess)]).expect("an answer").status
                })
            })
            .collect();
        for i in 1..=20 {
            daemon.write("Ecs.0114\n");
            let scrape = Scrape::parse(get(&daemon, "/metrics", &scraper).text());
            let records = scrape.value("errtally_records_total", &[]).expect("a counter");
            assert!(records <= f64::from(i));
        }
        let answers: Vec<_> = guessers.into_iter().map(|g| g.join().expect("an answer")).collect();
        assert!(answers.iter().all(|a| [401, 429].contains(a)), "{answers:?}");
        // One address gets few comparisons at a time: the others are to come again.
        assert!(answers.contains(&429) && answers.contains(&401), "{answers:?}");
    });
    assert!(since.elapsed() < crate::support::DEADLINE);
    wait_for("all records", || {
        let scrape = Scrape::parse(get(&daemon, "/metrics", &scraper).text());
        (scrape.value("errtally_records_total", &[]) == Some(20.0)).then_some(())
    });
}

#[test]
fn many_who_come_at_once_with_one_password_wait_for_one_comparison() {
    let folder = Folder::new();
    let daemon = daemon_with(&folder, &users(&[("prom", "horse", 11)]), &[]);
    let (address, scraper) = (daemon.address(), basic("prom", "horse"));
    std::thread::scope(|scope| {
        let scrapers: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(|| {
                    ask(address, "GET", "/metrics", &[("Authorization", &scraper)]).expect("an answer").status
                })
            })
            .collect();
        assert!(scrapers.into_iter().all(|s| s.join().expect("an answer") == 200));
    });
}

#[test]
fn headers_are_on_every_answer() {
    let folder = Folder::new();
    let headers = [
        ("Strict-Transport-Security", "max-age=31536000"),
        ("X-Frame-Options", "deny"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-XSS-Protection", "0"),
        ("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'"),
    ];
    let lines: String = headers.iter().map(|(n, v)| format!("    {n}: {v:?}\n")).collect();
    let content = format!("http_server_config:\n  headers:\n{lines}{}", users(&[("prom", "horse", QUICK)]));
    let daemon = daemon_with(&folder, &content, &[]);
    for (path, password, status) in
        [("/metrics", "horse", 200), ("/nothing", "horse", 404), ("/metrics", "cow", 401)]
    {
        let answer = get(&daemon, path, &basic("prom", password));
        assert_eq!(answer.status, status);
        for (name, value) in headers {
            assert_eq!(answer.header(&name.to_lowercase()), value, "{path} {status}");
        }
    }
    // They change while it runs, and do not go.
    let told = "http_server_config.headers.x-frame-options: this header would be switched off";
    folder.write("web.yml", content.replace("X-Frame-Options: \"deny\"", "X-Frame-Options: ''"));
    assert_eq!(get(&daemon, "/metrics", &basic("prom", "horse")).header("x-frame-options"), "deny");
    daemon.wait_for_log(told);
    let other = content.replace("X-Frame-Options: \"deny\"", "X-Frame-Options: sameorigin");
    folder.write("web.yml", other.replace("  headers:", "  http2: true\n  headers:"));
    assert_eq!(get(&daemon, "/metrics", &basic("prom", "horse")).header("x-frame-options"), "sameorigin");
    daemon.wait_for_log("http2: only HTTP/1.1 is offered");
}

#[test]
fn a_rate_limit_lets_a_burst_through_and_no_more() {
    let folder = Folder::new();
    let limit = "rate_limit: {interval: 1h, burst: 3}\n";
    let daemon = daemon_with(&folder, limit, &[]);
    let statuses = |n: usize| (0..n).map(|_| daemon.get("/metrics").status).collect::<Vec<_>>();
    assert_eq!(statuses(5), [200, 200, 200, 429, 429]);
    assert_eq!(daemon.get("/healthz").header("retry-after"), "1");
    // What was spent stays spent when something else changes.
    let headers = "http_server_config: {headers: {X-Frame-Options: deny}}\n";
    folder.write("web.yml", format!("{limit}{headers}"));
    let answer = daemon.get("/metrics");
    assert_eq!((answer.status, answer.header("x-frame-options")), (429, "deny"));
    folder.write("web.yml", format!("rate_limit: {{interval: 1h, burst: 2}}\n{headers}"));
    assert_eq!(statuses(3), [200, 200, 429]);
    folder.write("web.yml", format!("rate_limit: {{interval: 0, burst: 2}}\n{headers}"));
    assert_eq!(statuses(3), [429; 3], "it changes while it runs, and does not go");
    daemon.wait_for_log("rate_limit: the rate limit would be switched off");
}
