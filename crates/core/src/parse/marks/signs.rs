//! What a reader of text must know of every byte: where signs stand that part keys from values, and
//! whether there is anything that stands for something else.

/// The signs behind keys.
pub const SIGN: u8 = 0x80;
/// Of these, `=`.
pub const EQUALS: u8 = 0x40;
/// `%` and `&`, which begin the escapes of addresses and of HTML.
pub const ESCAPE: u8 = 0x01;
/// NUL.
pub const NUL: u8 = 0x02;
/// The escape character, which begins the control sequences of terminals.
pub const CONTROL: u8 = 0x04;
/// `\`.
pub const BACKSLASH: u8 = 0x08;
/// `{`.
pub const BRACE: u8 = 0x10;

/// All of them.
pub(super) const KINDS: [u8; 7] = [SIGN, EQUALS, ESCAPE, NUL, CONTROL, BACKSLASH, BRACE];

/// By the lower and the upper half of a byte, what it may be; it is what both say.
pub(super) const LOW: [u8; 16] =
    [NUL, 0, 0, 0, 0, ESCAPE, ESCAPE, 0, 0, 0, SIGN, CONTROL | BRACE, BACKSLASH, SIGN | EQUALS, SIGN, 0];
pub(super) const HIGH: [u8; 16] =
    [NUL, CONTROL, ESCAPE, SIGN | EQUALS, 0, BACKSLASH, 0, BRACE, 0, 0, 0, 0, 0, 0, 0, 0];

/// What was found in one text, in buffers that are kept.
#[derive(Debug, Default)]
pub struct Signs {
    /// The places of `:`, `=` and `>`, a bit for each byte; then those of `=`.
    words: [Vec<u64>; 2],
    /// How many words are in use.
    count: usize,
    /// All kinds that are there.
    pub kinds: u8,
}

impl Signs {
    /// Forgets the text; room for one of `length` bytes.
    pub(super) fn clear(&mut self, length: usize) {
        self.count = length.div_ceil(64);
        self.kinds = 0;
        for words in &mut self.words {
            if words.len() < self.count {
                words.resize(self.count, 0);
            }
        }
    }

    /// A word of each kind for 64 bytes of the text.
    #[inline]
    pub(super) fn rooms(&mut self) -> impl Iterator<Item = (&mut u64, &mut u64)> {
        let [signs, equals] = &mut self.words;
        signs[..self.count].iter_mut().zip(&mut equals[..self.count])
    }

    /// The places of `:`, `=` and `>`, ascending.
    #[inline]
    pub fn places(&self) -> Places<'_> {
        Places { words: &self.words[0][..self.count], word: 0, next: 0 }
    }

    /// The places of `=`, ascending.
    #[inline]
    pub fn equals(&self) -> Places<'_> {
        Places { words: &self.words[1][..self.count], word: 0, next: 0 }
    }
}

/// Places, one after the other.
#[derive(Clone, Debug)]
pub struct Places<'s> {
    words: &'s [u64],
    word: u64,
    /// The place of the first bit of the next word.
    next: usize,
}

impl Iterator for Places<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.word == 0 {
            let (first, rest) = self.words.split_first()?;
            (self.word, self.words) = (*first, rest);
            self.next += 64;
        }
        let at = self.word.trailing_zeros() as usize;
        self.word &= self.word - 1;
        Some(self.next - 64 + at)
    }

    #[inline]
    fn fold<B, F: FnMut(B, usize) -> B>(self, init: B, mut each: F) -> B {
        let (mut all, mut word, mut next) = (init, self.word, self.next);
        let mut words = self.words.iter();
        loop {
            while word != 0 {
                all = each(all, next - 64 + word.trailing_zeros() as usize);
                word &= word - 1;
            }
            let Some(&following) = words.next() else { return all };
            (word, next) = (following, next + 64);
        }
    }
}

/// The definition, byte by byte.
pub(super) fn scalar(text: &[u8], signs: &mut Signs) {
    let mut kinds = 0;
    for (step, (signs, equals)) in text.chunks(64).zip(signs.rooms()) {
        (*signs, *equals) = (0, 0);
        for (at, &byte) in step.iter().enumerate() {
            kinds |= match byte {
                b':' | b'>' => SIGN,
                b'=' => SIGN | EQUALS,
                b'%' | b'&' => ESCAPE,
                0 => NUL,
                0x1b => CONTROL,
                b'\\' => BACKSLASH,
                b'{' => BRACE,
                _ => 0,
            };
            *signs |= u64::from(matches!(byte, b':' | b'=' | b'>')) << at;
            *equals |= u64::from(byte == b'=') << at;
        }
    }
    signs.kinds = kinds;
}
