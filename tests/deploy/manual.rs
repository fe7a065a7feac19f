//! The manual pages: one for each command, with all its flags; all settings; always the same.

use std::collections::{BTreeMap, BTreeSet};

use errtally::config::KEYS;

use crate::man;
use crate::support::{Folder, run};

fn pages() -> BTreeMap<String, String> {
    let folder = Folder::new();
    man::write_all(folder.path()).expect("the pages are made");
    std::fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("a page"))
        })
        .collect()
}

/// The text without roff's escapes, as far as names need it.
fn plain(page: &str) -> String {
    page.replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "").replace("\\&", "")
}

/// The commands that `--help` tells, each with its help.
fn commands() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![Vec::new()];
    while let Some(words) = open.pop() {
        let help = run(words.iter().map(String::as_str).chain(["--help"])).ok();
        let below = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
        for line in below.lines().take_while(|l| !l.is_empty()) {
            let name = line.split_whitespace().next().expect("a name");
            if name != "help" && line.starts_with("  ") && !line.starts_with("   ") {
                open.push(words.iter().cloned().chain([name.to_owned()]).collect());
            }
        }
        let name: Vec<_> = std::iter::once("errtally").chain(words.iter().map(String::as_str)).collect();
        found.insert(name.join("-"), help);
    }
    found
}

#[test]
fn every_command_has_a_page_with_its_flags() {
    let pages = pages();
    let commands = commands();
    assert!(commands.len() > 8, "{:?}", commands.keys());
    let mut expected: BTreeSet<_> = commands.keys().map(|name| format!("{name}.1")).collect();
    expected.insert("errtally.yaml.5".to_owned());
    assert_eq!(pages.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for (name, help) in commands {
        let page = plain(&pages[&format!("{name}.1")]);
        for flag in help.split_whitespace().filter(|w| w.starts_with("--") && w.len() > 2) {
            let flag = flag.trim_end_matches([',', '.', ';', ']', '\'']);
            assert!(page.contains(flag), "{flag} in {name}.1");
        }
        let usage = help.lines().find_map(|l| l.strip_prefix("Usage: ")).expect("a usage");
        assert!(page.contains(usage), "`{usage}` in {name}.1:\n{page}");
    }
}

#[test]
fn every_setting_has_an_entry() {
    let page = plain(&pages()["errtally.yaml.5"]);
    for key in KEYS.iter() {
        let head = format!(".TP\n{}\n", key.name);
        let (_, rest) = page.split_once(&head).unwrap_or_else(|| panic!("{} in {page}", key.name));
        let entry = rest.split(".TP").next().expect("an entry");
        assert!(entry.contains(&key.variable()), "{entry}");
    }
}

#[test]
fn the_pages_name_each_other_rightly() {
    let pages = pages();
    for (name, page) in &pages {
        let page = plain(page);
        let also = page.split("(1)").chain(page.split("(5)"));
        for word in also.filter_map(|before| before.rsplit([' ', '\n', ',']).next()) {
            let exists = [1, 5].iter().any(|section| pages.contains_key(&format!("{word}.{section}")));
            assert!(!word.starts_with("errtally") || exists, "{word} in {name}");
        }
    }
}

#[test]
fn pages_depend_on_the_program_alone() {
    let first = pages();
    assert_eq!(first, pages());
    for (name, page) in first {
        assert!(page.starts_with(".TH \"ERRTALLY"), "{name} has another title");
        let title = page.lines().next().expect("a title");
        assert!(title.contains("\"\" \"errtally "), "no date: {title}");
    }
}
