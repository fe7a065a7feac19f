//! The vector search against its definition, byte by byte, on blocks that
//! touch pages which must not be read.

mod guarded;

use std::sync::Arc;

use errtally_core::catalog::{Catalog, CatalogFile};
use errtally_core::classify::discovery::Keys;
use errtally_core::engine::Options;
use errtally_core::sweep::{Shape, Sweep, scalar};
use guarded::{Guarded, cases};
use proptest::prelude::*;

fn defined(shape: &Shape, block: &[u8]) -> (usize, Vec<u32>) {
    let mut places = Vec::new();
    let newlines = scalar(shape, block, 0, block.len(), &mut places);
    (newlines, places)
}

/// Bytes that make places, and bytes next to them in value.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        6 => prop::sample::select(b".0959r_CoidDReEsSnN\n/:@[`{zZaA-kKm".to_vec()),
        1 => any::<u8>(),
    ]
}

fn block() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(byte(), 0..300),
        prop::collection::vec(any::<u8>(), 0..300),
        // Longer than the newline counters can hold without being added up.
        (8_000usize..12_000, any::<u64>()).prop_map(|(length, seed)| {
            (0..length as u64)
                .map(|i| if (i ^ seed) % 3 == 0 { b'\n' } else { b'.' + (i % 5) as u8 })
                .collect()
        }),
        (8_000usize..12_000).prop_map(|length| vec![b'\n'; length]),
    ]
}

/// A catalog with a prefix that ends in a digit, so that any byte may stand
/// before a dot.
fn odd_catalog() -> Catalog {
    let text = "service: ODD\nfull_name: Odd\nsource: none\nfamilies:\n  - {prefix: A1, grammar: NNN}\n  - {prefix: E, separator: none, grammar: NNNN}\n  - {prefix: O-A, separator: \"-\", grammar: NN}\ncodes: []\n";
    let file = CatalogFile { path: "odd.yaml".into(), argument: 0, text: text.to_owned() };
    Catalog::load([Ok(file)], true).unwrap()
}

#[test]
fn every_search_agrees_with_the_definition_next_to_a_guard_page() {
    let catalogs = [Arc::new(Catalog::embedded().unwrap()), Arc::new(odd_catalog())];
    let mut searches = Vec::new();
    for catalog in &catalogs {
        let more = ["error_code", "error_id", "fault"].map(str::to_owned);
        for keys in [Options::default().keys(), Keys::new(&more), Keys::new(&[])] {
            searches.extend(Sweep::all(catalog, &keys));
        }
    }
    let guarded = std::cell::RefCell::new(Guarded::new(3));
    proptest!(cases(2_000), |(bytes in block(), at_end in any::<bool>())| {
        let mut guarded = guarded.borrow_mut();
        let block = guarded.put(&bytes, at_end);
        for sweep in &searches {
            let (newlines, places) = defined(sweep.shape(), block);
            let mut found = Vec::new();
            prop_assert_eq!(sweep.run(block, &mut found), newlines, "newlines, {}", sweep.name());
            if sweep.name().starts_with("avx") {
                prop_assert_eq!(&found, &places, "{}", sweep.name());
            } else {
                // It may leave out places where no code can stand, and adds none.
                prop_assert!(found.is_sorted(), "{}", sweep.name());
                prop_assert!(found.iter().all(|p| (*p as usize) < block.len()));
                let newlines = |all: &[u32]| -> Vec<u32> {
                    all.iter().copied().filter(|&p| block[p as usize] == b'\n').collect()
                };
                prop_assert_eq!(newlines(&found), newlines(&places), "{}", sweep.name());
            }
        }
    });
}

#[test]
fn every_length_and_every_offset_of_a_place() {
    let mut sweeps = Sweep::all(&Catalog::embedded().unwrap(), &Options::default().keys());
    sweeps.retain(|sweep| sweep.name().starts_with("avx"));
    let mut guarded = Guarded::new(1);
    for length in 0..400 {
        for at in 0..length {
            let mut bytes = vec![b'x'; length];
            bytes[at] = b'.';
            if at + 1 < length {
                bytes[at + 1] = b'0';
            }
            if at > 0 {
                bytes[at - 1] = b's';
            }
            let block = guarded.put(&bytes, true);
            let expected = if at > 0 && at + 1 < length { vec![at as u32] } else { vec![] };
            for sweep in &sweeps {
                let mut found = Vec::new();
                sweep.run(block, &mut found);
                assert_eq!(found, expected, "{}, length {length}, place {at}", sweep.name());
            }
        }
    }
}
