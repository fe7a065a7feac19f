//! [`scalar`](super::scalar) for 64 bytes at a time.
//!
//! # Safety
//!
//! Two things make the intrinsics here unsafe, and both are settled in one
//! place each:
//!
//! - *The processor must have AVX2, BMI1 and POPCNT.* An [`Avx2`] exists only where
//!   [`Avx2::new`] has seen all three, and only its methods call [`find`] and [`note_signs`].
//! - *Loads must stay inside the record.* Only [`load`] loads, from a
//!   reference to 64 bytes. [`find`] has them by slicing, with its checks:
//!   whole steps from the start, then the last 64 bytes, some of them again,
//!   or a copy where there are not so many.
//!
//! A property test compares it with the scalar form on generated records that
//! end at a guard page.

use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi16,
    _mm256_srli_epi16, _mm256_testz_si256,
};

use super::signs::{HIGH, KINDS, LOW, Signs};
use super::{Marks, note_oddities};

/// Bytes of a step.
const STEP: usize = 64;

/// Proof that the processor has AVX2, BMI1 and POPCNT.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

impl Avx2 {
    /// `None` where the processor lacks any of them.
    pub(super) fn new() -> Option<Avx2> {
        let has = std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("popcnt");
        has.then_some(Avx2(()))
    }

    /// Adds what is in `record` to `marks`, which is empty and has room.
    #[inline]
    pub(super) fn run(self, record: &[u8], marks: &mut Marks) {
        // SAFETY: the processor has all three, or there would be no `self`.
        unsafe { find(record, marks) }
    }

    /// Adds what is in `text` to `signs`, which is empty and has room.
    #[inline]
    pub(super) fn signs(self, text: &[u8], signs: &mut Signs) {
        // SAFETY: the processor has all three, or there would be no `self`.
        unsafe { note_signs(text, signs) }
    }
}

#[target_feature(enable = "avx2,bmi1,popcnt")]
fn note_signs(text: &[u8], signs: &mut Signs) {
    const TWICE: [[u8; STEP]; 2] = {
        let mut tables = [[0; STEP]; 2];
        let mut i = 0;
        while i < STEP {
            (tables[0][i], tables[1][i]) = (LOW[i % 16], HIGH[i % 16]);
            i += 1;
        }
        tables
    };
    let ((low, _), (high, _)) = (load(&TWICE[0]), load(&TWICE[1]));
    let half = _mm256_set1_epi8(0x0f);
    // The shuffle gives 0 for what is not ASCII, else goes by the lower half.
    let kinds = |bytes: __m256i| {
        let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), half);
        _mm256_and_si256(_mm256_shuffle_epi8(low, bytes), _mm256_shuffle_epi8(high, upper))
    };
    let (steps, rest) = text.as_chunks::<STEP>();
    let mut all = _mm256_setzero_si256();
    let mut note = |step: &[u8; STEP], (signs, equals): (&mut u64, &mut u64)| {
        let (first, second) = load(step);
        let (first, second) = (kinds(first), kinds(second));
        all = _mm256_or_si256(all, _mm256_or_si256(first, second));
        // The highest bit is that of a sign, the next one that of an equals sign.
        *signs = bits(first, second);
        *equals = bits(_mm256_slli_epi16::<1>(first), _mm256_slli_epi16::<1>(second));
    };
    let mut rooms = signs.rooms();
    for (step, room) in steps.iter().zip(&mut rooms) {
        note(step, room);
    }
    if let Some(room) = rooms.next() {
        let mut padded = [b' '; STEP];
        padded[..rest.len()].copy_from_slice(rest);
        note(&padded, room);
    }
    drop(rooms);
    let is = |kind: u8| {
        let none = _mm256_testz_si256(all, _mm256_set1_epi8(kind.cast_signed())) != 0;
        if none { 0 } else { kind }
    };
    signs.kinds = KINDS.iter().fold(0, |kinds, &kind| kinds | is(kind));
}

#[target_feature(enable = "avx2,bmi1,popcnt")]
fn find(record: &[u8], marks: &mut Marks) {
    let (steps, rest) = record.as_chunks::<STEP>();
    // What is left over is looked at with what stands before it, of which
    // `over` bytes have been looked at, or with blanks behind it.
    let mut padded = [b' '; STEP];
    let (last, over) = match record.last_chunk::<STEP>() {
        Some(last) => (last, (STEP - rest.len()) % STEP),
        None => {
            padded[..rest.len()].copy_from_slice(rest);
            (&padded, 0)
        }
    };
    let count = steps.len() + usize::from(!rest.is_empty());
    let mut escaped = false;
    for i in 0..count {
        let (step, over) = steps.get(i).map_or((last, over), |step| (step, 0));
        let base = (i * STEP) as u32;
        let (mut quotes, odd) = look(step);
        quotes >>= over;
        if odd >> over != 0 || escaped {
            quotes &= !look_closely(step, base, over, &mut escaped, marks);
        }
        let found = quotes.count_ones() as usize;
        let room: &mut [u32; STEP] =
            marks.buffer[marks.quotes..].first_chunk_mut().expect("so many places more than bytes");
        // In eights, without a look at each: most steps have no more than that.
        let mut from = 0;
        loop {
            for place in &mut room[from..from + 8] {
                *place = base + quotes.trailing_zeros();
                quotes &= quotes.wrapping_sub(1);
            }
            from += 8;
            if from >= found {
                break;
            }
        }
        marks.quotes += found;
    }
}

/// What is odd in `step`, but for the first `over` bytes of it; see
/// [`note_oddities`].
#[cold]
#[target_feature(enable = "avx2")]
fn look_closely(step: &[u8; STEP], base: u32, over: usize, escaped: &mut bool, marks: &mut Marks) -> u64 {
    let (low, high) = load(step);
    let backslashes = bits(equal(low, b'\\'), equal(high, b'\\')) >> over;
    let control = bits(control(low), control(high)) >> over;
    let high = bits(low, high) >> over;
    note_oddities(backslashes, control, high, base, (STEP - over) as u32, escaped, marks)
}

/// The quotes among 64 bytes, and the bytes that are not plain text: below
/// 0x20, above 0x7f, backslashes.
#[inline]
#[target_feature(enable = "avx2")]
fn look(step: &[u8; STEP]) -> (u64, u64) {
    let (low, high) = load(step);
    let quotes = bits(equal(low, b'"'), equal(high, b'"'));
    let odd = |half: __m256i| {
        let out = _mm256_or_si256(control(half), equal(half, b'\\'));
        // The sign bit is the answer.
        _mm256_or_si256(out, half)
    };
    (quotes, bits(odd(low), odd(high)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(step: &[u8; STEP]) -> (__m256i, __m256i) {
    let first = step.as_ptr();
    // SAFETY: twice 32 bytes of 64.
    unsafe { (_mm256_loadu_si256(first.cast()), _mm256_loadu_si256(first.add(32).cast())) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn equal(bytes: __m256i, byte: u8) -> __m256i {
    _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte.cast_signed()))
}

/// The bytes below 0x20.
#[inline]
#[target_feature(enable = "avx2")]
fn control(bytes: __m256i) -> __m256i {
    _mm256_cmpeq_epi8(bytes, _mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)))
}

/// The highest bits of 64 bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn bits(low: __m256i, high: __m256i) -> u64 {
    let half = |bytes| u64::from(_mm256_movemask_epi8(bytes).cast_unsigned());
    half(low) | half(high) << 32
}
