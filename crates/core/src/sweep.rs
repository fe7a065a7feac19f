//! One pass over a block of input: how many newlines there are, and where a
//! code may stand.
//!
//! Every family and every error-code key shows in three neighbouring bytes: the
//! end of a prefix, a separator and a digit; `cod`; `r_i`. A [`Shape`] says by
//! tables which bytes may come first, in the middle and last; the byte in the
//! middle is a *place* worth judging. Each of eight *buckets* is one kind of
//! three bytes, so that what begins like one kind and ends like another is
//! hardly ever a place. The tables know a byte by its two halves, as processors
//! look sixteen values up at once: a place is only where judging begins, so
//! that one too many costs nanoseconds and no count.
//! A newline is a place too where the line behind it begins with a byte that few
//! records begin with: [`crate::join`] asks whether it continues another.
//!
//! So the cost is the same for a catalog of eight families and of a hundred,
//! for any separator and for any key. The modules `avx512` and `avx2` answer
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
mod shape;

use crate::catalog::Catalog;
use crate::classify::discovery::Keys;
#[cfg(target_arch = "x86_64")]
use crate::join::stretch::SUSPECT_BELOW;
use crate::join::stretch::is_suspect;
use literal::Literal;
pub use shape::Shape;

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
    pub fn new(catalog: &Catalog, keys: &Keys) -> Sweep {
        Sweep::all(catalog, keys).swap_remove(0)
    }

    /// Every search that this processor allows, the fastest first.
    pub fn all(catalog: &Catalog, keys: &Keys) -> Vec<Sweep> {
        let shape = Shape::new(catalog, keys);
        let mut engines = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            engines.extend(avx512::Avx512::new().map(Engine::Avx512));
            engines.extend(avx2::Avx2::new().map(Engine::Avx2));
        }
        engines.push(Engine::Literal(Literal::new(catalog, keys)));
        engines.into_iter().map(|engine| Sweep { shape: shape.clone(), engine }).collect()
    }

    /// The search of processors without AVX2, wherever it runs.
    pub fn literal(catalog: &Catalog, keys: &Keys) -> Sweep {
        let shape = Shape::new(catalog, keys);
        Sweep { shape, engine: Engine::Literal(Literal::new(catalog, keys)) }
    }

    /// What it looks for.
    pub fn shape(&self) -> &Shape {
        &self.shape
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
            Engine::Avx512(avx512) => avx512.run(&self.shape, block, places),
            #[cfg(target_arch = "x86_64")]
            Engine::Avx2(avx2) => avx2.run(&self.shape, block, places),
            Engine::Literal(literal) => literal.run(block, places),
        }
    }
}

/// The definition, byte by byte: appends the places from `from` up to `to`
/// and gives the newlines there.
pub fn scalar(shape: &Shape, block: &[u8], from: usize, to: usize, places: &mut Vec<u32>) -> usize {
    let mut newlines = 0;
    for (at, &byte) in block.iter().enumerate().take(to).skip(from) {
        newlines += usize::from(byte == b'\n');
        let suspect = byte == b'\n' && block.get(at + 1).is_some_and(|&byte| is_suspect(byte));
        if suspect || shape.is_place(block, at) {
            places.push(at as u32);
        }
    }
    newlines
}
