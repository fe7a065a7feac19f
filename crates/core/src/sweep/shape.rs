//! Which three bytes make a place.

use crate::catalog::{Catalog, Family, First};
use crate::classify::discovery::{Keys, place_in};

/// Tables by half bytes. A byte may stand at a position of a bucket's three
/// where the bucket's bit is set for its lower and for its upper half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// For the byte before, the place itself, the byte after.
    pub(super) positions: [Position; 3],
}

/// The tables of one position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) low: [u8; 16],
    pub(super) high: [u8; 16],
}

/// Buckets: kinds of families by their separators, and of keys.
const DOT: u8 = 0;
const UNDERSCORE: u8 = 1;
const HYPHEN: u8 = 2;
const DOT_LETTER: u8 = 3;
const JOINED: u8 = 4;
const COD: u8 = 5;
const ID: u8 = 6;
const OTHER_KEY: u8 = 7;

impl Shape {
    /// For the families of `catalog` and for `keys`.
    pub fn new(catalog: &Catalog, keys: &Keys) -> Shape {
        let mut shape = Shape { positions: [Position::default(); 3] };
        for family in catalog.families().iter().filter(|f| !f.prefix.is_empty()) {
            shape.add_family(family);
        }
        if keys.any_with_cod() {
            shape.add(COD, b"c", b"o", b"d");
        }
        for key in keys.exact() {
            let middle = key_middle(key.as_bytes());
            let bucket = if middle == b"r_i" { ID } else { OTHER_KEY };
            shape.add(bucket, &middle[..1], &middle[1..2], &middle[2..]);
        }
        shape
    }

    fn add_family(&mut self, family: &Family) {
        let last = &family.prefix.as_bytes()[family.prefix.len() - 1..];
        let first = first_bytes(family.grammar.first());
        match (family.separator, family.grammar.first()) {
            ("", _) => self.add(JOINED, last, &first, &family.grammar.second_bytes()),
            (".", First::Digit) => self.add(DOT, last, b".", &first),
            (".", First::Letter(_)) => self.add(DOT_LETTER, last, b".", &first),
            ("_", _) => self.add(UNDERSCORE, last, b"_", &first),
            (separator, _) => self.add(HYPHEN, last, separator.as_bytes(), &first),
        }
    }

    /// Each of `before`, then each of `here`, then each of `after`, in any case.
    fn add(&mut self, bucket: u8, before: &[u8], here: &[u8], after: &[u8]) {
        for (position, bytes) in self.positions.iter_mut().zip([before, here, after]) {
            for byte in bytes {
                for byte in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
                    position.low[usize::from(byte & 15)] |= 1 << bucket;
                    position.high[usize::from(byte >> 4)] |= 1 << bucket;
                }
            }
        }
    }

    /// Whether the byte at `at`, with its neighbours, is a place.
    #[inline]
    pub fn is_place(&self, block: &[u8], at: usize) -> bool {
        let [before, here, after] = &self.positions;
        match (at.checked_sub(1), block.get(at + 1)) {
            (Some(left), Some(&right)) => {
                before.buckets(block[left]) & here.buckets(block[at]) & after.buckets(right) != 0
            }
            _ => false,
        }
    }
}

impl Position {
    #[inline]
    fn buckets(&self, byte: u8) -> u8 {
        // As the instruction has it: nothing is looked up for what is not ASCII.
        if byte >= 0x80 { 0 } else { self.low[usize::from(byte & 15)] & self.high[usize::from(byte >> 4)] }
    }
}

/// The three bytes around the place of an exact key.
pub(super) fn key_middle(key: &[u8]) -> &[u8] {
    let place = place_in(key);
    &key[place - 1..place + 2]
}

/// What a grammar may begin with.
pub(super) fn first_bytes(first: First) -> Vec<u8> {
    match first {
        First::Digit => (b'0'..=b'9').collect(),
        First::Letter(letter) => vec![letter],
    }
}
