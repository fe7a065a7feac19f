//! The prefilter that this processor has, and the portable one, against the scalar definition.

use std::sync::LazyLock;

use errtally_core::catalog::Catalog;
use errtally_core::engine::Options;
use errtally_core::sweep::{Sweep, scalar};

static SEARCHES: LazyLock<Vec<Sweep>> = LazyLock::new(|| {
    Sweep::all(&Catalog::embedded().expect("the built-in catalog loads"), &Options::default().keys())
});

#[test]
fn search() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let block = errtally_fuzz::text(bytes);
        for search in SEARCHES.iter() {
            let mut places = Vec::new();
            let newlines = scalar(search.shape(), &block, 0, block.len(), &mut places);
            let mut found = Vec::new();
            assert_eq!(search.run(&block, &mut found), newlines, "newlines, {}", search.name());
            if search.name().starts_with("avx") {
                assert_eq!(found, places, "{}", search.name());
            } else {
                // It may leave out places where no code can stand, and adds no newline.
                let only = |all: &[u32]| -> Vec<u32> {
                    all.iter().copied().filter(|&place| block[place as usize] == b'\n').collect()
                };
                assert!(found.is_sorted(), "{}", search.name());
                assert_eq!(only(&found), only(&places), "{}", search.name());
            }
        }
    });
}
