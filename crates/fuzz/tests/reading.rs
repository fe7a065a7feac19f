//! The core against the reference that is written from docs/matching.md: the same counts.

#[path = "../../core/tests/reference/mod.rs"]
mod reference;
#[path = "../../core/tests/subject/mod.rs"]
mod subject;

use std::sync::LazyLock;

use reference::{Catalog, Options};
use subject::Subject;

static CATALOG: LazyLock<Catalog> = LazyLock::new(subject::embedded_catalog);
static SUBJECT: LazyLock<Subject> = LazyLock::new(|| Subject::embedded(Options::default()));

#[test]
fn reading() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let (text, cuts) = errtally_fuzz::text_and_cuts(bytes);
        let expected = reference::classify(&CATALOG, Options::default(), &text);
        let counted = SUBJECT.count(errtally_fuzz::reads(&text, &cuts));
        assert_eq!(counted, expected, "{}", text.escape_ascii());
    });
}
