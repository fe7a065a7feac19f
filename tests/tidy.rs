//! The house rules that a program can check: a module doc first, no giant
//! files, `unsafe` only where ARCHITECTURE.md says, no dead link in a document, no I/O in the core, no
//! circle of imports.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const UNSAFE: [&str; 8] = [
    "crates/core/src/parse/marks/avx2.rs",
    "crates/core/src/parse/marks/avx512.rs",
    "crates/core/src/sweep/avx2.rs",
    "crates/core/src/sweep/avx512.rs",
    "src/source/kafka/admin.rs",
    "src/source/kafka/batch.rs",
    "src/source/mapped.rs",
    "src/source/pieces.rs",
];

/// Lines of a file with code; a file with more is two ideas.
const MOST_LINES: usize = 450;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let found = found(folder, ending);
    assert!(!found.is_empty(), "no .{ending} in {folder}");
    found
}

fn found(folder: &str, ending: &str) -> Vec<PathBuf> {
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
    let sources = ["crates/core/src", "crates/import/src", "src"].map(|folder| files(folder, "rs")).concat();
    let found: Vec<_> = sources.iter().filter(|p| is_unsafe(p)).map(|p| name(p)).collect();
    assert_eq!(found, UNSAFE);
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for file in UNSAFE {
        let short = file.trim_start_matches("crates/core/").trim_start_matches("src/");
        assert!(architecture.contains(&format!("`{short}`")), "{short} in ARCHITECTURE.md");
    }
}

/// Every document of the repository, but for records of measurements.
fn documents() -> Vec<PathBuf> {
    let mut documents: Vec<_> =
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
            .map(|name| root().join(name))
            .into();
    for folder in ["docs", "catalog", "benches", "examples", "deploy", "crates"] {
        documents.extend(files(folder, "md").into_iter().filter(|p| !name(p).starts_with("benches/record/")));
    }
    documents
}

/// What a heading is linked to by: in small letters, blanks as hyphens, without marks.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[test]
fn the_readme_is_short_and_the_index_names_every_page() {
    let lines = fs::read_to_string(root().join("README.md")).expect("the README").lines().count();
    assert!(lines < 250, "README.md has {lines} lines: move what has a subject of its own into docs/");
    let index = fs::read_to_string(root().join("docs/README.md")).expect("docs/README.md");
    let pages = files("docs", "md");
    for page in pages.iter().filter_map(|p| p.file_name()?.to_str()).filter(|p| *p != "README.md") {
        assert!(index.contains(&format!("[{page}]({page})")), "{page} in docs/README.md");
    }
}

#[test]
fn what_the_documents_link_to_is_there_and_so_is_its_section() {
    let mut wrong = Vec::new();
    for path in documents() {
        let document = name(&path);
        let text = fs::read_to_string(&path).expect("a document");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (target, section) = link.split_once('#').unwrap_or((link, ""));
            if target.contains("://") {
                continue;
            }
            let target = if target.is_empty() { path.clone() } else { path.with_file_name(target) };
            let is_there = target.exists()
                && (section.is_empty()
                    || fs::read_to_string(&target).is_ok_and(|page| {
                        let headings = page.lines().filter(|l| l.starts_with('#'));
                        headings.map(|h| anchor(h.trim_start_matches('#'))).any(|a| a == section)
                    }));
            if !is_there {
                wrong.push(format!("{document}: {link}"));
            }
        }
    }
    assert!(wrong.is_empty(), "dead links:\n{}", wrong.join("\n"));
}

#[test]
fn the_files_that_contributing_names_are_there() {
    let guide = fs::read_to_string(root().join("CONTRIBUTING.md")).expect("CONTRIBUTING.md");
    // In code, a path: with a slash and an ending. It may be the end of one.
    let named: Vec<_> = guide
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|w| w.contains('/') && w.contains('.') && !w.contains([' ', '\n']))
        .filter(|w| !w.starts_with('.'))
        .collect();
    assert!(named.len() > 20, "{named:?}");
    let folders = ["src", "crates", "tests", "deploy", "config", "docs", "catalog", "benches", "scripts"];
    let mut all = Vec::new();
    for (folder, ending) in
        folders.iter().flat_map(|f| ["rs", "py", "yml", "yaml", "md", "txt", "json"].map(|e| (f, e)))
    {
        all.extend(found(folder, ending).iter().map(|p| name(p)));
    }
    let missing: Vec<_> =
        named.iter().filter(|n| !all.iter().any(|f| f == *n || f.ends_with(&format!("/{n}")))).collect();
    assert!(missing.is_empty(), "CONTRIBUTING.md names what is not there: {missing:?}");
}

/// In the code map an item of a list begins with its file, and names the files below it.
#[test]
fn the_architecture_names_every_module() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let items: Vec<&str> =
        architecture.split("\n- `").skip(1).filter_map(|item| item.split("\n\n").next()).collect();
    let mut missing = Vec::new();
    for folder in ["src", "crates/core/src", "crates/import/src"] {
        for path in files(folder, "rs") {
            let file = path.file_name().expect("a name").to_string_lossy().into_owned();
            let inside = path.strip_prefix(root().join(folder)).expect("below the folder");
            let first = inside.iter().next().expect("a name").to_string_lossy();
            let module = first.trim_end_matches(".rs");
            let named = items
                .iter()
                .filter(|item| {
                    item.starts_with(&format!("{module}.rs`")) || item.starts_with(&format!("{module}/"))
                })
                .any(|item| {
                    item.starts_with(&format!("{file}`"))
                        || [format!("`{file}`"), format!("/{file}`")].iter().any(|name| item.contains(name))
                });
            if !named && file != "lib.rs" && file != "main.rs" {
                missing.push(name(&path));
            }
        }
    }
    assert!(missing.is_empty(), "not in the code map of ARCHITECTURE.md: {missing:?}");
}

/// What the core must not know of: I/O, protocols, the command line.
const NOT_IN_THE_CORE: [&str; 8] = ["tokio", "axum", "hyper", "rdkafka", "clap", "rustls", "rustix", "libc"];

#[test]
fn the_core_knows_no_io() {
    let manifest = fs::read_to_string(root().join("crates/core/Cargo.toml")).expect("its Cargo.toml");
    let dependencies = manifest.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    for line in dependencies.expect("its dependencies").lines() {
        let name = line.split([' ', '=']).next().unwrap_or_default();
        assert!(!NOT_IN_THE_CORE.contains(&name), "{name} in crates/core/Cargo.toml");
    }
    for file in files("crates/core/src", "rs") {
        let text = fs::read_to_string(&file).expect("a source file");
        for forbidden in
            ["std::fs", "TcpStream", "UdpSocket", "std::process", "std::io::stdin", "std::thread::spawn"]
        {
            assert!(!text.contains(forbidden), "{forbidden} in {}", name(&file));
        }
    }
}

#[test]
fn no_module_imports_itself_by_way_of_others() {
    for folder in ["src", "crates/core/src", "crates/import/src"] {
        let imports = imports(folder);
        for module in imports.keys() {
            let way = way_back(&imports, module);
            assert!(way.is_none(), "a circle in {folder}: {}", way.unwrap_or_default().join(" -> "));
        }
    }
}

type Imports = BTreeMap<String, BTreeSet<String>>;

/// By module, a file and its folder, the modules of the same package that it names. Tests may name any.
fn imports(folder: &str) -> Imports {
    let top = root().join(folder);
    let module_of = |path: &Path| {
        let inside = path.strip_prefix(&top).expect("below the folder");
        inside.iter().next().map(|p| p.to_string_lossy().trim_end_matches(".rs").to_owned())
    };
    let sources = files(folder, "rs");
    let modules: BTreeSet<String> = sources.iter().filter_map(|path| module_of(path)).collect();
    let mut imports = Imports::new();
    for path in &sources {
        let module = module_of(path).expect("a module");
        // What the crate's root names is the list of modules, and its example.
        if module == "lib" || module == "main" {
            continue;
        }
        let text = fs::read_to_string(path).expect("a source file");
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let code: String = code.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
        let named = imports.entry(module.clone()).or_default();
        for rest in code.split("crate::").skip(1) {
            named.extend(names(rest).filter(|name| modules.contains(name) && *name != module));
        }
    }
    assert!(imports.values().any(|named| !named.is_empty()), "no import in {folder}");
    imports
}

/// The modules that stand behind `crate::`: one, or those of a list in braces.
fn names(rest: &str) -> impl Iterator<Item = String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut depth = 0;
    let mut listed = String::new();
    if rest.starts_with('{') {
        for c in rest.chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            match (depth, c) {
                (0, _) => break,
                (1, '{') => {}
                (1, c) => listed.push(c),
                _ => {}
            }
        }
    } else {
        listed = word(rest);
    }
    listed.split(',').map(|part| word(part.trim())).collect::<Vec<_>>().into_iter()
}

/// The way by which `module` imports itself, where there is one.
fn way_back(imports: &Imports, module: &str) -> Option<Vec<String>> {
    let mut ways = vec![vec![module.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in imports.get(way.last()?).into_iter().flatten() {
            let longer = [&way[..], std::slice::from_ref(next)].concat();
            if next == module {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                ways.push(longer);
            }
        }
    }
    None
}

#[test]
fn circles_are_found() {
    let imports = |pairs: &[(&str, &str)]| {
        let mut imports = Imports::new();
        for (from, to) in pairs {
            imports.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        imports
    };
    assert_eq!(way_back(&imports(&[("a", "b"), ("b", "c")]), "a"), None);
    let circle = imports(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]);
    assert_eq!(way_back(&circle, "a").expect("a circle").join(" "), "a b c a");
    assert_eq!(names("{live, server::{A, B}, sink}; more").collect::<Vec<_>>(), ["live", "server", "sink"]);
    assert_eq!(names("live::Live;").collect::<Vec<_>>(), ["live"]);
}
