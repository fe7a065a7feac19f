//! [`scalar`](super::scalar) for 64 bytes in one register.
//!
//! # Safety
//!
//! As in [`avx2`](super::avx2), with these two places:
//!
//! - *The processor must have AVX-512 F and BW.* An [`Avx512`] exists only
//!   where [`Avx512::new`] has seen both, and only its method calls [`sweep`].
//! - *Loads must stay inside the block.* A step at `at` loads 64 bytes from
//!   each of `at - 1`, `at` and `at + 1`: bytes `at - 1` to `at + 64`. Steps
//!   begin at 1 and are taken while `at + 65 <= len`. Loads are unaligned
//!   ones; what is left over goes to the scalar form.
//!
//! A property test compares it with the scalar form on generated blocks that
//! end at a guard page.

use std::arch::x86_64::{
    __m128i, __m512i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm512_and_si512, _mm512_broadcast_i32x4,
    _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_mask_cmpgt_epi8_mask, _mm512_set1_epi8,
    _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_test_epi8_mask,
};

use super::shape::Position;
use super::{AHEAD, SUSPECT_BELOW, Shape, scalar};

/// Bytes of a step.
const STEP: usize = 64;

/// Steps that are taken before a look at what they found.
const STEPS_PER_LOOK: usize = 128;

/// Proof that the processor has AVX-512 F and BW.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

impl Avx512 {
    /// `None` where the processor lacks either.
    pub(super) fn new() -> Option<Avx512> {
        let has = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("popcnt");
        has.then_some(Avx512(()))
    }

    /// See [`super::Sweep::run`].
    #[inline]
    pub(super) fn run(self, shape: &Shape, block: &[u8], places: &mut Vec<u32>) -> usize {
        // SAFETY: the processor has what it needs, or there would be no `self`.
        unsafe { sweep(shape, block, places) }
    }
}

/// The tables of a position, in each quarter of a register.
#[derive(Clone, Copy)]
struct Tables {
    low: __m512i,
    high: __m512i,
}

impl Tables {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn new(position: &Position) -> Tables {
        Tables { low: repeated(&position.low), high: repeated(&position.high) }
    }

    /// The buckets in which each of `bytes` may stand at this position.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn look_up(self, bytes: __m512i) -> __m512i {
        // The shuffle gives 0 for what is not ASCII, else goes by the lower half.
        let low = _mm512_shuffle_epi8(self.low, bytes);
        let upper_half = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), byte(0x0f));
        _mm512_and_si512(low, _mm512_shuffle_epi8(self.high, upper_half))
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn repeated(table: &[u8; 16]) -> __m512i {
    // SAFETY: the array has the 16 bytes that are read.
    let table: __m128i = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
    _mm512_broadcast_i32x4(table)
}

#[target_feature(enable = "avx512f,avx512bw,bmi1,popcnt")]
fn sweep(shape: &Shape, block: &[u8], places: &mut Vec<u32>) -> usize {
    let tables = [
        Tables::new(&shape.positions[0]),
        Tables::new(&shape.positions[1]),
        Tables::new(&shape.positions[2]),
    ];
    let mut newlines = scalar(shape, block, 0, 1, places);
    let mut at = 1;
    while at + STEP < block.len() {
        let steps = ((block.len() - 1 - at) / STEP).min(STEPS_PER_LOOK);
        // First all masks, then what is in them, as with AVX2.
        let mut masks = [0u64; STEPS_PER_LOOK];
        for (step, mask) in masks.iter_mut().enumerate().take(steps) {
            let start = at + step * STEP;
            // A prefetch is a hint for any address: it reads nothing and cannot fault.
            _mm_prefetch::<_MM_HINT_T0>(block.as_ptr().wrapping_add(start + AHEAD).cast());
            // SAFETY: `steps` whole steps fit with one byte to spare, and `start` is 1 or more.
            let (found, ended) = unsafe { look(&tables, block.as_ptr().add(start)) };
            *mask = found;
            newlines += ended.count_ones() as usize;
        }
        for &mask in &masks[..steps] {
            let mut found = mask;
            while found != 0 {
                places.push(at as u32 + found.trailing_zeros());
                found &= found - 1;
            }
            at += STEP;
        }
    }
    newlines + scalar(shape, block, at, block.len(), places)
}

/// The places and the newlines among the 64 bytes at `bytes`.
///
/// # Safety
/// From one byte before `bytes` to 65 bytes from it on must be readable.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn look(tables: &[Tables; 3], bytes: *const u8) -> (u64, u64) {
    // SAFETY: the caller's promise.
    let (before, here, after) = unsafe {
        (
            _mm512_loadu_si512(bytes.sub(1).cast()),
            _mm512_loadu_si512(bytes.cast()),
            _mm512_loadu_si512(bytes.add(1).cast()),
        )
    };
    let [first, middle, last] = tables;
    let two = _mm512_and_si512(first.look_up(before), middle.look_up(here));
    let place = _mm512_test_epi8_mask(two, last.look_up(after));
    let ended = _mm512_cmpeq_epi8_mask(here, byte(b'\n'));
    let suspect = _mm512_mask_cmpgt_epi8_mask(ended, byte(SUSPECT_BELOW.cast_unsigned()), after);
    (place | suspect, ended)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn byte(value: u8) -> __m512i {
    _mm512_set1_epi8(value.cast_signed())
}
