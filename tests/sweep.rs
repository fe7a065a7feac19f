//! The vector search against its definition, byte by byte, on blocks that
//! touch pages which must not be read.

#![allow(unsafe_code)]

use std::ptr;
use std::sync::Arc;

use errtally::catalog::Catalog;
use errtally::sweep::{Shape, Sweep, scalar};
use proptest::prelude::*;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

const PAGE: usize = 4096;

/// Pages between two that cannot be read: reading one byte too far in either
/// direction ends the process.
struct Guarded {
    address: *mut u8,
    pages: usize,
}

impl Guarded {
    fn new(pages: usize) -> Guarded {
        let all = (pages + 2) * PAGE;
        // SAFETY: a fresh mapping, protected only within its own bounds.
        unsafe {
            let start =
                mmap_anonymous(ptr::null_mut(), all, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
                    .expect("memory");
            mprotect(start, PAGE, MprotectFlags::empty()).expect("the page before");
            let after = start.cast::<u8>().add((pages + 1) * PAGE);
            mprotect(after.cast(), PAGE, MprotectFlags::empty()).expect("the page after");
            Guarded { address: start.cast(), pages }
        }
    }

    /// `bytes` ending at the page after, or starting at the page before.
    fn put(&mut self, bytes: &[u8], at_end: bool) -> &[u8] {
        assert!(bytes.len() <= self.pages * PAGE);
        let offset = if at_end { self.pages * PAGE - bytes.len() } else { 0 };
        // SAFETY: inside the pages that can be read and written.
        unsafe {
            let place = self.address.add(PAGE + offset);
            ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
            std::slice::from_raw_parts(place, bytes.len())
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length.
        unsafe { munmap(self.address.cast(), (self.pages + 2) * PAGE).expect("unmapping") };
    }
}

fn defined(shape: Shape, block: &[u8]) -> (usize, Vec<u32>) {
    let mut places = Vec::new();
    let newlines = scalar(shape, block, 0, block.len(), &mut places);
    (newlines, places)
}

/// Bytes that make places, and bytes next to them in value.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        6 => prop::sample::select(b".0959r_CoiReEsSnN\n/:@[`{zZaA".to_vec()),
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
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.yaml");
    std::fs::write(
        &path,
        "service: ODD\nfull_name: Odd\nsource: none\nfamilies:\n  - {prefix: A1, grammar: NNN}\ncodes: []\n",
    )
    .unwrap();
    Catalog::load(&[path], true).unwrap()
}

#[test]
fn every_search_agrees_with_the_definition_next_to_a_guard_page() {
    let catalogs = [Arc::new(Catalog::embedded().unwrap()), Arc::new(odd_catalog())];
    let mut searches = Vec::new();
    for catalog in &catalogs {
        for discovery in [true, false] {
            searches.push((true, Sweep::new(catalog, discovery)));
            searches.push((false, Sweep::literal(catalog, discovery)));
        }
    }
    let guarded = std::cell::RefCell::new(Guarded::new(3));
    let config = ProptestConfig { cases: 2_000, ..ProptestConfig::default() };
    proptest!(config, |(bytes in block(), at_end in any::<bool>())| {
        let mut guarded = guarded.borrow_mut();
        let block = guarded.put(&bytes, at_end);
        for (exact, sweep) in &searches {
            let (newlines, places) = defined(sweep.shape(), block);
            let mut found = Vec::new();
            prop_assert_eq!(sweep.run(block, &mut found), newlines, "newlines, {}", sweep.name());
            if *exact && sweep.name() == "avx2" {
                prop_assert_eq!(&found, &places, "{}", sweep.name());
            } else {
                // It may leave out places where no code can stand, and adds none.
                prop_assert!(found.is_sorted(), "{}", sweep.name());
                prop_assert!(found.iter().all(|p| block[*p as usize] == b'r' || block[*p as usize] == b'.'));
            }
        }
    });
}

#[test]
fn every_length_and_every_offset_of_a_place() {
    let sweep = Sweep::new(&Catalog::embedded().unwrap(), true);
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
            let mut found = Vec::new();
            sweep.run(block, &mut found);
            let expected = if at > 0 && at + 1 < length { vec![at as u32] } else { vec![] };
            assert_eq!(found, expected, "length {length}, place {at}");
        }
    }
}
