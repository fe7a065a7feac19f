//! What a reader of JSON must know of every byte: where its quotes stand,
//! what is escaped, and whether there is anything out of the ordinary. And
//! what a reader of text must know, its signs: see the module `signs`.
//!
//! The modules `avx512` and `avx2` answer for 64 bytes at a time. `scalar` is
//! the definition that tests hold them to, and the form for other processors.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx512;
mod signs;

pub use signs::{BACKSLASH, BRACE, CONTROL, EQUALS, ESCAPE, NUL, Places, SIGN, Signs};

/// Places that the buffer has beyond the bytes of a record: marks are written
/// some at a time, found or not.
const SLACK: usize = 64;

/// What was found in one record, in buffers that are kept.
#[derive(Debug, Default)]
pub struct Marks {
    buffer: Vec<u32>,
    quotes: usize,
    /// Backslashes that escape the byte behind them, ascending.
    pub escapes: Vec<u32>,
    /// Whether any byte is below 0x20.
    pub control: bool,
    /// Whether any byte is above 0x7f.
    pub high: bool,
}

/// A form that this processor allows.
#[derive(Clone, Copy, Debug)]
pub struct Finder(Form);

#[derive(Clone, Copy, Debug)]
enum Form {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    Scalar,
}

impl Marks {
    /// Quotes that are not escaped, ascending.
    pub fn quotes(&self) -> &[u32] {
        &self.buffer[..self.quotes]
    }

    /// Forgets the record; room for one of `length` bytes.
    fn clear(&mut self, length: usize) {
        if self.buffer.len() < length + SLACK {
            self.buffer.resize(length + SLACK, 0);
        }
        self.quotes = 0;
        self.escapes.clear();
        (self.control, self.high) = (false, false);
    }
}

impl Default for Finder {
    /// The fastest.
    fn default() -> Finder {
        Finder::all().swap_remove(0)
    }
}

impl Finder {
    /// All, the fastest first.
    pub fn all() -> Vec<Finder> {
        let mut forms = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            forms.extend(avx512::Avx512::new().map(Form::Avx512));
            forms.extend(avx2::Avx2::new().map(Form::Avx2));
        }
        forms.push(Form::Scalar);
        forms.into_iter().map(Finder).collect()
    }

    /// Writes what is in `record` over `marks`.
    ///
    /// # Panics
    /// When `record` has 4 GiB or more: no caller holds so much.
    #[inline]
    pub fn run(self, record: &[u8], marks: &mut Marks) {
        assert!(u32::try_from(record.len()).is_ok(), "a record below 4 GiB");
        marks.clear(record.len());
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Form::Avx512(avx512) => avx512.run(record, marks),
            #[cfg(target_arch = "x86_64")]
            Form::Avx2(avx2) => avx2.run(record, marks),
            Form::Scalar => scalar(record, marks),
        }
    }

    /// Writes what is in `text` over `signs`.
    #[inline]
    pub fn signs(self, text: &[u8], signs: &mut Signs) {
        signs.clear(text.len());
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Form::Avx512(avx512) => avx512.signs(text, signs),
            #[cfg(target_arch = "x86_64")]
            Form::Avx2(avx2) => avx2.signs(text, signs),
            Form::Scalar => signs::scalar(text, signs),
        }
    }
}

/// Adds what is odd among `length` bytes, the first of which stands at `base`:
/// backslashes, bytes below 0x20, bytes above 0x7f, a bit for each. Gives the
/// escaped bytes. `escaped` says whether the first one is, and then whether the
/// one behind the last is.
#[cfg(target_arch = "x86_64")]
#[cold]
fn note_oddities(
    backslashes: u64,
    control: u64,
    high: u64,
    base: u32,
    length: u32,
    escaped: &mut bool,
    marks: &mut Marks,
) -> u64 {
    marks.control |= control != 0;
    marks.high |= high != 0;
    let mut behind = u64::from(std::mem::take(escaped));
    let mut free = backslashes & !behind;
    while free != 0 {
        let at = free.trailing_zeros();
        marks.escapes.push(base + at);
        *escaped = at == length - 1;
        // Whatever the next byte is, it escapes nothing. Behind the last of 64
        // there is none.
        let next = (1 << at) << 1;
        behind |= next;
        free &= !(next | 1 << at);
    }
    behind
}

/// The definition, byte by byte.
fn scalar(record: &[u8], marks: &mut Marks) {
    let mut escaped = false;
    for (at, &byte) in record.iter().enumerate() {
        marks.control |= byte < 0x20;
        marks.high |= byte > 0x7f;
        if escaped {
            escaped = false;
        } else if byte == b'\\' {
            escaped = true;
            marks.escapes.push(at as u32);
        } else if byte == b'"' {
            marks.buffer[marks.quotes] = at as u32;
            marks.quotes += 1;
        }
    }
}
