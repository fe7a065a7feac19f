//! [`scalar`](super::scalar) for 64 bytes in one register.
//!
//! # Safety
//!
//! - *The processor must have AVX-512 F, BW, VBMI2, BMI1 and POPCNT.* An
//!   [`Avx512`] exists only where [`Avx512::new`] has seen them all, and only
//!   its methods call [`find`] and [`note_signs`].
//! - *Loads must stay inside the record.* Only [`load`] loads, a whole step
//!   from a reference to 64 bytes, or the bytes of a shorter slice: a masked
//!   load touches only what its mask names.
//! - *Stores must stay inside the buffer.* Only [`store`] stores, into a
//!   reference to 16 words.
//!
//! A property test compares it with the scalar form on generated records that
//! end at a guard page.

use std::arch::x86_64::{
    __m128i, __m512i, _mm512_add_epi32, _mm512_and_si512, _mm512_cmpeq_epi8_mask, _mm512_cmplt_epi8_mask,
    _mm512_cvtepu8_epi32, _mm512_extracti32x4_epi32, _mm512_loadu_si512, _mm512_mask_blend_epi8,
    _mm512_maskz_compress_epi8, _mm512_maskz_loadu_epi8, _mm512_movepi8_mask, _mm512_or_si512,
    _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_srli_epi16,
    _mm512_storeu_si512, _mm512_test_epi8_mask,
};

use super::signs::{EQUALS, HIGH, KINDS, LOW, Signs};
use super::{Marks, SLACK, note_oddities};

/// Bytes of a step.
const STEP: usize = 64;

/// Marks that are stored at a time.
const STORED: usize = 16;

/// Proof that the processor has what is needed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

impl Avx512 {
    /// `None` where the processor lacks any of it.
    pub(super) fn new() -> Option<Avx512> {
        let has = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512vbmi2")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("popcnt");
        has.then_some(Avx512(()))
    }

    /// Adds what is in `record` to `marks`, which is empty and has room.
    #[inline]
    pub(super) fn run(self, record: &[u8], marks: &mut Marks) {
        // SAFETY: the processor has what is needed, or there would be no `self`.
        unsafe { find(record, marks) }
    }

    /// Adds what is in `text` to `signs`, which is empty and has room.
    #[inline]
    pub(super) fn signs(self, text: &[u8], signs: &mut Signs) {
        // SAFETY: the processor has what is needed, or there would be no `self`.
        unsafe { note_signs(text, signs) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,popcnt")]
fn note_signs(text: &[u8], signs: &mut Signs) {
    const FOUR_TIMES: [[u8; STEP]; 2] = {
        let mut tables = [[0; STEP]; 2];
        let mut i = 0;
        while i < STEP {
            (tables[0][i], tables[1][i]) = (LOW[i % 16], HIGH[i % 16]);
            i += 1;
        }
        tables
    };
    let (low, high) = (load(&FOUR_TIMES[0]), load(&FOUR_TIMES[1]));
    let half = _mm512_set1_epi8(0x0f);
    // The shuffle gives 0 for what is not ASCII, else goes by the lower half.
    let kinds = |bytes: __m512i| {
        let upper = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), half);
        _mm512_and_si512(_mm512_shuffle_epi8(low, bytes), _mm512_shuffle_epi8(high, upper))
    };
    let (steps, rest) = text.as_chunks::<STEP>();
    let mut all = _mm512_setzero_si512();
    let mut note = |bytes: __m512i, (signs, equals): (&mut u64, &mut u64)| {
        let kinds = kinds(bytes);
        all = _mm512_or_si512(all, kinds);
        // The highest bit is that of a sign.
        *signs = _mm512_movepi8_mask(kinds);
        *equals = _mm512_test_epi8_mask(kinds, _mm512_set1_epi8(EQUALS.cast_signed()));
    };
    let mut rooms = signs.rooms();
    for (step, room) in steps.iter().zip(&mut rooms) {
        note(load(step), room);
    }
    if let Some(room) = rooms.next() {
        note(load_part(rest), room);
    }
    drop(rooms);
    let is = |kind: u8| {
        let found = _mm512_test_epi8_mask(all, _mm512_set1_epi8(kind.cast_signed())) != 0;
        if found { kind } else { 0 }
    };
    signs.kinds = KINDS.iter().fold(0, |kinds, &kind| kinds | is(kind));
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,popcnt")]
fn find(record: &[u8], marks: &mut Marks) {
    let (steps, rest) = record.as_chunks::<STEP>();
    let mut escaped = false;
    for (i, step) in steps.iter().enumerate() {
        note(load(step), (i * STEP) as u32, &mut escaped, marks);
    }
    if !rest.is_empty() {
        note(load_part(rest), (steps.len() * STEP) as u32, &mut escaped, marks);
    }
}

/// Adds what is in `bytes`, the first of which stands at `base`. `escaped`
/// says whether that one is, and then whether the one behind them is.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,popcnt")]
fn note(bytes: __m512i, base: u32, escaped: &mut bool, marks: &mut Marks) {
    let mut quotes = equal(bytes, b'"');
    let backslashes = equal(bytes, b'\\');
    // Compared as signed, bytes above 0x7f are below 0x20 too.
    let odd = _mm512_cmplt_epi8_mask(bytes, _mm512_set1_epi8(0x20));
    if odd | backslashes != 0 || *escaped {
        let high = _mm512_movepi8_mask(bytes);
        quotes &= !note_oddities(backslashes, odd & !high, high, base, STEP as u32, escaped, marks);
    }
    let found = quotes.count_ones() as usize;
    let room: &mut [u32; SLACK] =
        marks.buffer[marks.quotes..].first_chunk_mut().expect("so many places more than bytes");
    // Their positions in the step, together at the front.
    let places = _mm512_maskz_compress_epi8(quotes, positions());
    let base = _mm512_set1_epi32(base.cast_signed());
    let [first, second, third, fourth] = room.as_chunks_mut::<STORED>().0 else {
        unreachable!("64 are 4 times 16")
    };
    store(_mm512_extracti32x4_epi32::<0>(places), base, first);
    if found > STORED {
        store(_mm512_extracti32x4_epi32::<1>(places), base, second);
        store(_mm512_extracti32x4_epi32::<2>(places), base, third);
        store(_mm512_extracti32x4_epi32::<3>(places), base, fourth);
    }
    marks.quotes += found;
}

/// 0 to 63.
#[inline]
#[target_feature(enable = "avx512f")]
fn positions() -> __m512i {
    const POSITIONS: [u8; STEP] = {
        let mut positions = [0; STEP];
        let mut at = 0;
        while at < STEP {
            positions[at] = at as u8;
            at += 1;
        }
        positions
    };
    load(&POSITIONS)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(step: &[u8; STEP]) -> __m512i {
    // SAFETY: 64 bytes of 64.
    unsafe { _mm512_loadu_si512(step.as_ptr().cast()) }
}

/// Fewer than 64 bytes, blanks behind them.
#[target_feature(enable = "avx512f,avx512bw")]
fn load_part(bytes: &[u8]) -> __m512i {
    let mask = (1u64 << bytes.len().min(STEP - 1)) - 1;
    // SAFETY: what the mask leaves out is not touched; it names only bytes of the slice.
    let loaded = unsafe { _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().cast()) };
    _mm512_mask_blend_epi8(mask, _mm512_set1_epi8(0x20), loaded)
}

/// Stores 16 positions, each `base` more.
#[inline]
#[target_feature(enable = "avx512f")]
fn store(places: __m128i, base: __m512i, room: &mut [u32; STORED]) {
    let words = _mm512_add_epi32(_mm512_cvtepu8_epi32(places), base);
    // SAFETY: 64 bytes into 64.
    unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), words) };
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn equal(bytes: __m512i, byte: u8) -> u64 {
    _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte.cast_signed()))
}
