//! The house rules that a program can check: a module doc first, no giant
//! files, `unsafe` only where ARCHITECTURE.md says, no dead link in a document.

use std::fs;
use std::path::{Path, PathBuf};

const UNSAFE: [&str; 8] = [
    "src/parse/marks/avx2.rs",
    "src/parse/marks/avx512.rs",
    "src/source/kafka/admin.rs",
    "src/source/kafka/batch.rs",
    "src/source/mapped.rs",
    "src/source/pieces.rs",
    "src/sweep/avx2.rs",
    "src/sweep/avx512.rs",
];

/// Lines of a file with code; a file with more is two ideas.
const MOST_LINES: usize = 450;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no .{ending} in {folder}");
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).expect("below the root").display().to_string()
}

#[test]
fn every_source_file_says_first_what_it_is_and_is_one_idea() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches", "crates"] {
        for path in files(folder, "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            if !text.starts_with("//! ") {
                wrong.push(format!("{}: no module doc in its first line", name(&path)));
            }
            let lines = text.lines().count();
            if lines > MOST_LINES {
                wrong.push(format!("{}: {lines} lines, at most {MOST_LINES}", name(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_stands_where_the_architecture_says() {
    let is_unsafe = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a source file");
        text.lines().any(|l| !l.trim_start().starts_with("//") && l.contains("unsafe {"))
    };
    let found: Vec<_> = files("src", "rs").iter().filter(|p| is_unsafe(p)).map(|p| name(p)).collect();
    assert_eq!(found, UNSAFE);
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for file in UNSAFE {
        let short = file.trim_start_matches("src/");
        assert!(architecture.contains(&format!("`{short}`")), "{short} in ARCHITECTURE.md");
    }
}

#[test]
fn what_the_documents_link_to_is_there() {
    let mut wrong = Vec::new();
    let documents = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "docs/alerts.md",
        "docs/catalog-import.md",
        "docs/catalog-search.md",
        "docs/files.md",
        "docs/joining.md",
        "docs/matching.md",
        "docs/performance.md",
        "docs/records.md",
        "docs/settings.md",
        "docs/sockets.md",
        "docs/live.md",
        "docs/shippers.md",
        "catalog/README.md",
        "benches/README.md",
        "examples/README.md",
        "deploy/README.md",
        "deploy/container/README.md",
        "deploy/kubernetes/README.md",
        "deploy/systemd/README.md",
    ];
    for document in documents {
        let path = root().join(document);
        let text = fs::read_to_string(&path).expect("a document");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            let outside = target.is_empty() || target.contains("://");
            if !outside && !path.with_file_name(target).exists() {
                wrong.push(format!("{document}: {link}"));
            }
        }
    }
    assert!(wrong.is_empty(), "dead links:\n{}", wrong.join("\n"));
}

#[test]
fn the_architecture_names_every_module() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for entry in fs::read_dir(root().join("src")).expect("src") {
        let path = entry.expect("an entry").path();
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        let is_code = file.ends_with(".rs") && file != "lib.rs" && file != "main.rs";
        assert!(!is_code || architecture.contains(&format!("`{file}`")), "{file} in ARCHITECTURE.md");
    }
}
