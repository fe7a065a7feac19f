//! [`scalar`](super::scalar) for 64 bytes at a time.
//!
//! # Safety
//!
//! Two things make the intrinsics here unsafe, and both are settled in one
//! place each:
//!
//! - *The processor must have AVX2.* An [`Avx2`] exists only where
//!   [`Avx2::new`] has seen it, and only its method calls [`sweep`].
//! - *Loads must stay inside the block.* A step at `at` loads 64 bytes from
//!   each of `at - 1`, `at` and `at + 1`: bytes `at - 1` to `at + 64`. Steps
//!   begin at 1 and are taken while `at + 65 <= len`. Loads are unaligned
//!   ones; what is left over goes to the scalar form.
//!
//! A property test compares it with the scalar form on generated blocks that
//! end at a guard page.

use std::arch::x86_64::{
    __m128i, __m256i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_and_si256,
    _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256,
    _mm256_movemask_epi8, _mm256_or_si256, _mm256_sad_epu8, _mm256_set1_epi8, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_storeu_si256, _mm256_sub_epi8,
};

use super::shape::Position;
use super::{AHEAD, SUSPECT_BELOW, Shape, scalar};

/// Bytes of a step.
const STEP: usize = 64;

/// Steps after which the byte-wide newline counters are added up: each step
/// adds at most two to a counter that holds 255.
const STEPS_PER_SUM: usize = 127;

/// Proof that the processor has AVX2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

impl Avx2 {
    /// `None` where the processor lacks it.
    pub(super) fn new() -> Option<Avx2> {
        std::arch::is_x86_feature_detected!("avx2").then_some(Avx2(()))
    }

    /// See [`super::Sweep::run`].
    #[inline]
    pub(super) fn run(self, shape: &Shape, block: &[u8], places: &mut Vec<u32>) -> usize {
        // SAFETY: the processor has AVX2, or there would be no `self`.
        unsafe { sweep(shape, block, places) }
    }
}

/// The tables of a position, in both halves of a register each.
#[derive(Clone, Copy)]
struct Tables {
    low: __m256i,
    high: __m256i,
}

impl Tables {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn new(position: &Position) -> Tables {
        Tables { low: twice(&position.low), high: twice(&position.high) }
    }

    /// The buckets in which each of `bytes` may stand at this position.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn look_up(self, bytes: __m256i) -> __m256i {
        // The shuffle gives 0 for what is not ASCII, else goes by the lower half.
        let low = _mm256_shuffle_epi8(self.low, bytes);
        let upper_half = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), byte(0x0f));
        _mm256_and_si256(low, _mm256_shuffle_epi8(self.high, upper_half))
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn twice(table: &[u8; 16]) -> __m256i {
    // SAFETY: the array has the 16 bytes that are read.
    let table: __m128i = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
    _mm256_broadcastsi128_si256(table)
}

/// # Safety
/// The processor must have AVX2.
#[target_feature(enable = "avx2")]
unsafe fn sweep(shape: &Shape, block: &[u8], places: &mut Vec<u32>) -> usize {
    let tables = [
        Tables::new(&shape.positions[0]),
        Tables::new(&shape.positions[1]),
        Tables::new(&shape.positions[2]),
    ];
    let mut newlines = scalar(shape, block, 0, 1, places);
    let mut at = 1;
    while at + STEP < block.len() {
        let steps = ((block.len() - 1 - at) / STEP).min(STEPS_PER_SUM);
        let mut counters = _mm256_setzero_si256();
        // First all masks, then what is in them: with nothing else in the
        // loop the constants stay in registers.
        let mut masks = [0u64; STEPS_PER_SUM];
        for (step, mask) in masks.iter_mut().enumerate().take(steps) {
            let start = at + step * STEP;
            // A prefetch is a hint for any address: it reads nothing and cannot fault.
            _mm_prefetch::<_MM_HINT_T0>(block.as_ptr().wrapping_add(start + AHEAD).cast());
            // SAFETY: `steps` whole steps fit with one byte to spare, and `start` is 1 or more.
            let (low, high) = unsafe { (block.as_ptr().add(start), block.as_ptr().add(start + 32)) };
            // SAFETY: as above: each reads from one byte before its pointer to 32 after it.
            let (low, high) =
                unsafe { (look(&tables, low, &mut counters), look(&tables, high, &mut counters)) };
            *mask = u64::from(low) | u64::from(high) << 32;
        }
        for &mask in &masks[..steps] {
            let mut found = mask;
            while found != 0 {
                places.push(at as u32 + found.trailing_zeros());
                found &= found - 1;
            }
            at += STEP;
        }
        newlines += sum(counters);
    }
    newlines + scalar(shape, block, at, block.len(), places)
}

/// The places among the 32 bytes at `bytes`, as a mask; counts newlines.
///
/// # Safety
/// From one byte before `bytes` to 32 bytes after it (33 in all behind it)
/// must be readable, and the processor must have AVX2.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn look(tables: &[Tables; 3], bytes: *const u8, counters: &mut __m256i) -> u32 {
    // SAFETY: the caller's promise.
    let (before, here, after) = unsafe {
        (
            _mm256_loadu_si256(bytes.sub(1).cast()),
            _mm256_loadu_si256(bytes.cast()),
            _mm256_loadu_si256(bytes.add(1).cast()),
        )
    };
    let ended = _mm256_cmpeq_epi8(here, byte(b'\n'));
    *counters = _mm256_sub_epi8(*counters, ended);
    let suspect = _mm256_cmpgt_epi8(byte(SUSPECT_BELOW.cast_unsigned()), after);
    let suspect = _mm256_and_si256(ended, suspect);

    let [first, middle, last] = tables;
    let buckets =
        _mm256_and_si256(_mm256_and_si256(first.look_up(before), middle.look_up(here)), last.look_up(after));
    let none = _mm256_cmpeq_epi8(_mm256_or_si256(buckets, suspect), _mm256_setzero_si256());
    !_mm256_movemask_epi8(none).cast_unsigned()
}

#[inline]
#[target_feature(enable = "avx2")]
fn byte(value: u8) -> __m256i {
    _mm256_set1_epi8(value.cast_signed())
}

/// The sum of 32 byte-wide counters.
#[target_feature(enable = "avx2")]
fn sum(counters: __m256i) -> usize {
    let quarters = _mm256_sad_epu8(counters, _mm256_setzero_si256());
    let mut lanes = [0u64; 4];
    // SAFETY: the array has the 32 bytes that are stored.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), quarters) };
    lanes.iter().sum::<u64>() as usize
}
