//! What follows a prefix and its separator: `NNNN`, `MMSSSNNN`, `MM.SSSNNN`,
//! `'M'NNNNN`.

/// A parsed grammar. Every letter is one digit, a dot is itself, letters in
/// quotes are themselves in any case; `S` is a digit of the HTTP status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grammar {
    /// Which slots are no digits, the first in the lowest bit.
    fixed: u64,
    /// How many slots there are.
    len: u8,
    /// Where the status begins.
    status_at: Option<u8>,
    slots: Box<[Slot]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Module,
    Status,
    Number,
    Dot,
    /// This letter, in upper case or as it was written.
    Letter(u8),
}

impl Slot {
    fn is_digit(self) -> bool {
        matches!(self, Slot::Module | Slot::Status | Slot::Number)
    }

    /// The byte that stands for itself.
    fn byte(self) -> u8 {
        match self {
            Slot::Letter(letter) => letter,
            _ => b'.',
        }
    }
}

/// The digits of a code as they were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// Bytes from the first to the last, dots and letters included.
    pub len: usize,
    /// All digits as one number. The grammar fixes their count, so leading
    /// zeros are not lost.
    pub value: u64,
    /// The status inside, where the grammar has one and it is 100-599.
    pub status: Option<u16>,
}

/// What may come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// A digit.
    Digit,
    /// This letter in either case.
    Letter(u8),
}

/// Most digits in a grammar: what fits a `u64` whatever they are.
pub const MAX_DIGITS: usize = 19;

/// Most digits, dots and letters: one bit each in a word.
const MAX_SLOTS: usize = 64;

impl Grammar {
    /// Parses `text`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Grammar, String> {
        let slots = slots(text)?;
        let digits = slots.iter().filter(|s| s.is_digit()).count();
        if digits == 0 || digits > MAX_DIGITS {
            return Err(format!("{digits} digits, where 1 to {MAX_DIGITS} are possible"));
        }
        if slots.len() > MAX_SLOTS {
            return Err(format!("{} characters, at most {MAX_SLOTS}", slots.len()));
        }
        if slots.first() == Some(&Slot::Dot) || slots.last() == Some(&Slot::Dot) {
            return Err("a dot at its start or end".to_owned());
        }
        let status = slots.iter().filter(|&&s| s == Slot::Status).count();
        if status != 0 && !slots.windows(3).any(|w| w == [Slot::Status; 3]) || status > 3 {
            return Err(format!("{status} S, where exactly three stand together"));
        }
        let is_fixed = |(i, slot): (usize, &Slot)| u64::from(!slot.is_digit()) << i;
        let fixed = slots.iter().enumerate().map(is_fixed).sum();
        let status_at = slots.iter().position(|&s| s == Slot::Status).map(|at| at as u8);
        Ok(Grammar { fixed, len: slots.len() as u8, status_at, slots: slots.into() })
    }

    /// Whether a code of this grammar holds its HTTP status.
    pub fn holds_status(&self) -> bool {
        self.status_at.is_some()
    }

    /// How many digits a code has.
    pub fn digits(&self) -> usize {
        self.slots.iter().filter(|s| s.is_digit()).count()
    }

    /// What its first byte is.
    pub fn first(&self) -> First {
        match self.slots[0] {
            Slot::Letter(letter) => First::Letter(letter),
            _ => First::Digit,
        }
    }

    /// What its second byte may be; empty where it has none.
    pub fn second_bytes(&self) -> Vec<u8> {
        match self.slots.get(1) {
            None => Vec::new(),
            Some(slot) if slot.is_digit() => (b'0'..=b'9').collect(),
            Some(slot) => vec![slot.byte()],
        }
    }

    /// Reads the digits at the start of `bytes`; what follows them is the
    /// caller's business.
    #[inline]
    pub fn read(&self, bytes: &[u8]) -> Option<Number> {
        let bytes = bytes.get(..usize::from(self.len))?;
        let mut value = 0u64;
        let mut fixed = self.fixed;
        for (i, byte) in bytes.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if fixed & 1 == 1 {
                if !byte.eq_ignore_ascii_case(&self.slots[i].byte()) {
                    return None;
                }
            } else if digit > 9 {
                return None;
            } else {
                value = value * 10 + u64::from(digit);
            }
            fixed >>= 1;
        }
        let status = self.status_at.map(|at| {
            let digits = &bytes[usize::from(at)..][..3];
            digits.iter().fold(0, |status, byte| status * 10 + u16::from(byte - b'0'))
        });
        let status = status.filter(|status| (100..=599).contains(status));
        Some(Number { len: bytes.len(), value, status })
    }

    /// Bytes from the first digit to the last, dots and letters included.
    pub fn bytes(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether its codes end in a digit.
    pub fn ends_in_digit(&self) -> bool {
        self.slots.last().is_some_and(|slot| slot.is_digit())
    }

    /// Writes what [`read`](Grammar::read) took, letters as they are spelled here.
    pub fn spell(&self, bytes: &[u8], out: &mut String) {
        for (slot, &byte) in self.slots.iter().zip(bytes) {
            out.push(char::from(if slot.is_digit() { byte } else { slot.byte() }));
        }
    }

    /// What `bare` is with the dots of this grammar, where it has the digits and letters for it and
    /// no others; its letters are compared by `fold`.
    pub fn mended(&self, bare: &str, fold: impl Fn(u8) -> u8) -> Option<String> {
        let mut bytes = bare.bytes();
        let mut out = String::with_capacity(self.slots.len());
        for &slot in &*self.slots {
            let fits = |byte: &u8| match slot {
                Slot::Letter(letter) => *byte == fold(letter),
                _ => byte.is_ascii_digit(),
            };
            out.push(char::from(match slot {
                Slot::Dot => b'.',
                Slot::Letter(letter) => bytes.next().filter(fits).map(|_| letter)?,
                _ => bytes.next().filter(fits)?,
            }));
        }
        bytes.next().is_none().then_some(out)
    }

    /// How many digits `bare` has behind the letters that this grammar begins with, where they are
    /// not as many as it wants.
    pub fn miscounted(&self, bare: &str, fold: impl Fn(u8) -> u8) -> Option<usize> {
        let first = self.slots.iter().take_while(|slot| matches!(slot, Slot::Letter(_)));
        let letters: Vec<u8> = first.map(|slot| fold(slot.byte())).collect();
        let digits = bare.as_bytes().strip_prefix(&*letters)?;
        let counts = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        (counts && digits.len() != self.digits()).then_some(digits.len())
    }

    /// The same digits, dots and letters, whatever they stand for.
    pub fn same_shape(&self, other: &Grammar) -> bool {
        let same = |a: Slot, b: Slot| {
            a.is_digit() == b.is_digit() && (a.is_digit() || a.byte().eq_ignore_ascii_case(&b.byte()))
        };
        self.slots.len() == other.slots.len()
            && self.slots.iter().zip(&other.slots).all(|(a, b)| same(*a, *b))
    }
}

fn slots(text: &str) -> Result<Vec<Slot>, String> {
    let mut slots = Vec::new();
    let mut quoted = false;
    for c in text.chars() {
        slots.push(match (quoted, c) {
            (_, '\'') => {
                quoted = !quoted;
                continue;
            }
            (true, c) if c.is_ascii_alphabetic() => Slot::Letter(c as u8),
            // Digits, too, may be fixed: `'111'NNNNNN`.
            (true, c) if c.is_ascii_digit() => Slot::Letter(c as u8),
            (true, _) => return Err(format!("`{c}` in quotes is neither a letter nor a digit")),
            (false, 'M') => Slot::Module,
            (false, 'S') => Slot::Status,
            (false, 'N') => Slot::Number,
            (false, '.') => Slot::Dot,
            (false, _) => return Err(format!("`{c}` is none of M, S, N and the dot")),
        });
    }
    if quoted { Err("a quote that is not closed".to_owned()) } else { Ok(slots) }
}

impl std::fmt::Display for Grammar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut quoted = false;
        for slot in &self.slots {
            let letter = matches!(slot, Slot::Letter(_));
            if letter != quoted {
                f.write_str("'")?;
                quoted = letter;
            }
            match slot {
                Slot::Module => f.write_str("M")?,
                Slot::Status => f.write_str("S")?,
                Slot::Number => f.write_str("N")?,
                Slot::Dot => f.write_str(".")?,
                Slot::Letter(letter) => write!(f, "{}", char::from(*letter))?,
            }
        }
        if quoted { f.write_str("'") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_digits_dots_and_status() {
        let cci = Grammar::parse("MM.SSSNNN").unwrap();
        let number = cci.read(b"01.400101 and more").unwrap();
        assert_eq!(number, Number { len: 9, value: 1_400_101, status: Some(400) });
        assert_eq!(cci.read(b"01.40010"), None);
        assert_eq!(cci.read(b"0104001011"), None);
        assert_eq!(cci.read(b"011400101"), None);
        let drs = Grammar::parse("'M'NNNNN").unwrap();
        assert_eq!(drs.read(b"m05006"), Some(Number { len: 6, value: 5006, status: None }));
        assert_eq!(drs.read(b"005006"), None);
        assert_eq!(drs.to_string(), "'M'NNNNN");
        assert_eq!(Grammar::parse("MMSSSNNN").unwrap().read(b"01999001").unwrap().status, None);
    }

    #[test]
    fn refuses_what_cannot_be_read() {
        assert!(Grammar::parse(&format!("N{}N", ".".repeat(63))).is_err());
        for bad in
            ["", ".", "N.", ".N", "X", "SS", "SSSS", "SNSS", "NNNNNNNNNNNNNNNNNNNN", "'M", "'M'", "'-'N"]
        {
            assert!(Grammar::parse(bad).is_err(), "{bad}");
        }
    }
}
