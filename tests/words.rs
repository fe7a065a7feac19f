//! Words for one of something, and what documents must not show.

mod support;

use support::daemon::Daemon;
use support::{Folder, errtally, finish_with, root, run, shop_catalog};

/// `1 hits`: a number that is one, and a word in the plural behind it. Lines of logs and of tables have names of
/// their own (`records=1`).
#[track_caller]
fn one_of_each(text: &str) {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '.' && c != ',').collect();
    for pair in words.windows(2) {
        let word = pair[1].trim_end_matches(['.', ',']);
        let plural =
            word.ends_with('s') && !word.ends_with("ss") && !["is", "has", "was", "less"].contains(&word);
        assert!(!(pair[0] == "1" && plural && word.len() > 2), "`1 {word}` in\n{text}");
    }
}

#[test]
fn the_check_sees_what_it_is_for() {
    for wrong in ["1 hits", "3 records, 1 records with a code", "read: 1 bytes are lost"] {
        assert!(std::panic::catch_unwind(|| one_of_each(wrong)).is_err(), "{wrong}");
    }
    one_of_each("1 hit, 11 hits, 0.1 seconds, records=1 is, 1 address");
}

/// One record, one hit, one code, one file, one row, one problem: each command counts them as a person would.
#[test]
fn one_is_no_plural() {
    let folder = Folder::new();
    let log = folder.write("one.log", "Ecs.0114 not found\n");
    let unknown = folder.write("unknown.log", "error_code: Abc.0001\n");
    let catalog = folder.write("shop.yaml", shop_catalog(&["001"]));
    let broken = folder.write("broken.yaml", "listen: [\n");
    let wrong = folder.write("wrong.yaml", "labels: {a: 1}\n");
    let commands: &[&[&str]] = &[
        &["scan", &log],
        &["scan", &unknown],
        &["scan", "--threads", "1", &log],
        &["explain", "--line", "Ecs.0114"],
        &["explain", "Ecs.0114"],
        &["explain", "no such server"],
        &["catalog", "check", &catalog],
        &["catalog", "list", "--service", "SHOP", "--catalog", &catalog],
        &["catalog", "diff", &catalog, &catalog],
        &["config", "check", "--catalog", &catalog],
        &["config", "check", "--config", &broken],
        &["config", "check", "--config", &wrong],
        &["config", "check", "--max-record-bytes", "nothing"],
    ];
    for command in commands {
        let ended = run(*command);
        one_of_each(&format!("$ errtally {}\n{}{}", command.join(" "), ended.stdout, ended.stderr));
    }
    let told = finish_with(errtally().args(["scan"]), b"Ecs.0114\n");
    assert!(
        told.stdout.contains("1 record") || told.stderr.contains("1 record"),
        "{}{}",
        told.stdout,
        told.stderr
    );
    one_of_each(&format!("{}{}", told.stdout, told.stderr));
}

/// The daemon's log, its summary and its pages.
#[test]
fn one_is_no_plural_in_a_run() {
    let folder = Folder::new();
    let catalog = folder.write("shop.yaml", shop_catalog(&["001"]));
    let mut daemon = Daemon::start(&["--catalog", &catalog, "--labels", "app=app"]);
    daemon.write("Shop.001\n");
    daemon.wait_for_records(1);
    for path in ["/", "/catalog", "/catalog?q=Shop", "/catalog/Shop.001", "/readyz"] {
        let text = daemon.get(path).text().to_owned();
        one_of_each(&without_markup(&text));
    }
    daemon.signal(rustix::process::Signal::HUP);
    daemon.wait_for_log("reloaded");
    daemon.close();
    let (_, log) = daemon.wait();
    assert!(log.contains("records=1") || log.contains("1 record"), "{log}");
    one_of_each(&log);
}

/// What a person sees of a page: no tags, no scripts.
fn without_markup(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let end = ["script", "style"].iter().find(|name| tag.starts_with(*name));
        rest = match end {
            Some(name) => tag.split_once(&format!("</{name}")).map_or("", |(_, after)| after),
            None => tag,
        };
        rest = rest.split_once('>').map_or("", |(_, after)| after);
    }
    text + rest
}

/// Whoever copies an example must not get a password that everybody can look up.
#[test]
fn no_document_shows_the_hash_of_a_password() {
    let mut looked_at = 0;
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                // What tests try is for nobody to copy.
                if !["target", "tests", ".git", "benches"].contains(&name) {
                    folders.push(path);
                }
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            looked_at += 1;
            for (at, _) in text.match_indices("$2") {
                let hash: Vec<char> = text[at..].chars().take(60).collect();
                let is_hash = hash.len() == 60
                    && "abxy".contains(hash[2])
                    && hash[3] == '$'
                    && hash[6] == '$'
                    && hash[7..].iter().all(|c| c.is_ascii_alphanumeric() || "./".contains(*c));
                assert!(!is_hash, "{}: a hash that somebody may copy", path.display());
            }
        }
    }
    assert!(looked_at > 300, "only {looked_at} files");
}
