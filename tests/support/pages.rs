//! Documents that the code knows: the test that holds them writes them anew with `WRITE=1` in the environment.

use super::root;

/// Around what is generated inside a document.
pub fn marks(table: &str) -> (String, &'static str) {
    (format!("<!-- from the table of {table} -->\n"), "<!-- end -->\n")
}

/// The document with what stands between the marks replaced.
pub fn filled(document: &str, begin: &str, end: &str, text: &str) -> String {
    let (before, rest) = document.split_once(begin).unwrap_or_else(|| panic!("no `{begin}`"));
    let (_, after) = rest.split_once(end).expect("its end");
    format!("{before}{begin}{text}{end}{after}")
}

/// Holds the document at `path` to what `wanted` makes of it.
#[track_caller]
pub fn hold(path: &str, test: &str, wanted: impl FnOnce(&str) -> String) {
    let file = root().join(path);
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let wanted = wanted(&found);
    if std::env::var_os("WRITE").is_some() {
        std::fs::write(&file, wanted).expect("it can be written");
    } else {
        assert!(found == wanted, "{path} is not what the code says: WRITE=1 cargo test --test {test}");
    }
}

/// Holds what stands in the document between the marks of `table`.
#[track_caller]
pub fn hold_table(path: &str, test: &str, table: &str, text: &str) {
    let (begin, end) = marks(table);
    hold(path, test, |found| filled(found, &begin, end, text));
}
