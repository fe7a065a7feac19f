//! The core against the reference that is written from docs/matching.md: the same counts.

// The properties use all of it.
#[allow(dead_code)]
#[path = "../../core/tests/generate/odd.rs"]
mod odd;
#[path = "../../core/tests/reference/mod.rs"]
mod reference;
#[path = "../../core/tests/subject/mod.rs"]
mod subject;

use std::sync::LazyLock;

use reference::{Catalog, Options};
use subject::Subject;

/// Small catalogs, with which an input is counted many times faster, and the one of the build, which
/// one input in sixteen is counted with.
static SUBJECTS: LazyLock<[(Catalog, Subject); 3]> = LazyLock::new(|| {
    let [forms, nested] = [odd::forms(), odd::nested()].map(|catalog| {
        let subject = Subject::with_catalog(&catalog, Options::default());
        (catalog, subject)
    });
    [forms, nested, (subject::embedded_catalog(), Subject::embedded(Options::default()))]
});

#[test]
fn reading() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let (text, cuts) = errtally_fuzz::text_and_cuts(bytes);
        let subjects = if bytes.last().is_some_and(|last| last % 16 == 1) { 3 } else { 2 };
        for (catalog, subject) in &SUBJECTS[..subjects] {
            let expected = reference::classify(catalog, Options::default(), &text);
            let counted = subject.count(errtally_fuzz::reads(&text, &cuts));
            assert_eq!(counted, expected, "{}", text.escape_ascii());
        }
    });
}
