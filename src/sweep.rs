//! One pass over a block of input: how many newlines there are, and where a
//! code may stand.
//!
//! Every code has a dot between the end of its prefix and its first digit,
//! and every error-code key holds `or_`, `rr_`, `orC` or `rrC`. So a *place*
//! worth judging is
//!
//! - a dot with a digit behind it and, before it, a letter (any byte, where
//!   some prefix does not end in a letter), or
//! - an `r` with `_` or `C` behind it and `o` or `r` before it, where
//!   discovery is on,
//!
//! each a little widened to what two instructions can tell: a place is only
//! where judging begins, so that one too many costs nanoseconds and no count.
//!
//! That is a question about three neighbouring bytes, the same for a catalog
//! of eight families and of a hundred. The modules `avx512` and `avx2` answer it
//! for 64 bytes at a time and count the newlines on the way. Other processors search
//! the ends of the prefixes with aho-corasick instead (`literal`), which
//! finds fewer places and no other codes. [`scalar`] is the definition that
//! tests hold the others to.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx512;
mod literal;

use crate::catalog::Catalog;
use literal::Literal;

/// What counts as a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// All prefixes end in a letter.
    pub letters: bool,
    /// Error-code keys are places too.
    pub keys: bool,
}

/// The search that this processor and catalog allow.
#[derive(Debug)]
pub struct Sweep {
    shape: Shape,
    engine: Engine,
}

/// How far ahead the cache is asked for bytes: from memory, as with a mapped
/// file, this nearly doubled the speed; from the cache it costs nothing.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 4096;

#[derive(Debug)]
enum Engine {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    Literal(Literal),
}

impl Sweep {
    /// The fastest search for the families of `catalog`.
    pub fn new(catalog: &Catalog, discovery: bool) -> Sweep {
        Sweep::all(catalog, discovery).swap_remove(0)
    }

    /// Every search that this processor allows, the fastest first.
    pub fn all(catalog: &Catalog, discovery: bool) -> Vec<Sweep> {
        let shape = Shape::of(catalog, discovery);
        let mut engines = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            engines.extend(avx512::Avx512::new(shape).map(Engine::Avx512));
            engines.extend(avx2::Avx2::new(shape).map(Engine::Avx2));
        }
        engines.push(Engine::Literal(Literal::new(catalog, discovery)));
        engines.into_iter().map(|engine| Sweep { shape, engine }).collect()
    }

    /// The search of processors without AVX2, wherever it runs.
    pub fn literal(catalog: &Catalog, discovery: bool) -> Sweep {
        let shape = Shape::of(catalog, discovery);
        Sweep { shape, engine: Engine::Literal(Literal::new(catalog, discovery)) }
    }

    /// What it looks for.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Its name, for reports.
    pub fn name(&self) -> &'static str {
        match &self.engine {
            #[cfg(target_arch = "x86_64")]
            Engine::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Engine::Avx2(_) => "avx2",
            Engine::Literal(literal) => literal.name(),
        }
    }

    /// Writes the places in `block`, ascending, over `places`, and gives the
    /// number of newlines. A literal search may leave out places where no
    /// code of this catalog can stand.
    ///
    /// # Panics
    /// When `block` has 4 GiB or more: no caller holds so much.
    #[inline]
    pub fn run(&self, block: &[u8], places: &mut Vec<u32>) -> usize {
        assert!(u32::try_from(block.len()).is_ok(), "a block below 4 GiB");
        places.clear();
        match &self.engine {
            #[cfg(target_arch = "x86_64")]
            Engine::Avx512(avx512) => avx512.run(block, places),
            #[cfg(target_arch = "x86_64")]
            Engine::Avx2(avx2) => avx2.run(block, places),
            Engine::Literal(literal) => literal.run(block, places),
        }
    }
}

impl Shape {
    fn of(catalog: &Catalog, discovery: bool) -> Shape {
        let letters = catalog
            .families()
            .iter()
            .all(|f| f.prefix.as_bytes().last().is_some_and(u8::is_ascii_alphabetic));
        Shape { letters, keys: discovery }
    }

    /// Whether the byte at `at`, with its neighbours, is a place.
    #[inline]
    pub fn is_place(self, block: &[u8], at: usize) -> bool {
        let (Some(before), Some(&after)) = (at.checked_sub(1), block.get(at + 1)) else { return false };
        let before = block[before];
        match block[at] {
            b'.' => digit_like(after) && (!self.letters || letter_like(before)),
            b'r' => self.keys && matches!(after, b'_' | b'C') && before & KEY_MASK == KEY_BITS,
            _ => false,
        }
    }
}

/// `0`-`9` and `:;<=>?`.
fn digit_like(byte: u8) -> bool {
    byte & 0xf0 == 0x30
}

/// The letters and `[\]^_{|}~` and DEL.
fn letter_like(byte: u8) -> bool {
    (byte | 0x20).cast_signed() > 0x60
}

/// `o`, `r` and eleven others, but not the vowels that end most words before
/// `r_`: `user_`, `order_`, `hour_`.
const KEY_MASK: u8 = 0xe2;
const KEY_BITS: u8 = 0x62;

/// The definition, byte by byte: appends the places from `from` up to `to`
/// and gives the newlines there.
pub fn scalar(shape: Shape, block: &[u8], from: usize, to: usize, places: &mut Vec<u32>) -> usize {
    let mut newlines = 0;
    for (at, &byte) in block.iter().enumerate().take(to).skip(from) {
        newlines += usize::from(byte == b'\n');
        if (byte == b'.' || byte == b'r') && shape.is_place(block, at) {
            places.push(at as u32);
        }
    }
    newlines
}
