//! What digits follow a prefix: `NNNN`, `MMSSSNNN`, `MM.SSSNNN`.

/// A parsed grammar. Every letter is one digit, a dot is itself; `S` is a
/// digit of the HTTP status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grammar {
    /// Which slots are dots, the first in the lowest bit.
    dots: u64,
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
}

/// The digits of a code as they were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// Bytes from the first digit to the last, dots included.
    pub len: usize,
    /// All digits as one number. The grammar fixes their count, so leading
    /// zeros are not lost.
    pub value: u64,
    /// The status inside, where the grammar has one and it is 100-599.
    pub status: Option<u16>,
}

/// Most digits in a grammar: what fits a `u64` whatever they are.
pub const MAX_DIGITS: usize = 19;

/// Most digits and dots: one bit each in a word.
const MAX_SLOTS: usize = 64;

impl Grammar {
    /// Parses `text`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Grammar, String> {
        let slots = text
            .chars()
            .map(|c| match c {
                'M' => Ok(Slot::Module),
                'S' => Ok(Slot::Status),
                'N' => Ok(Slot::Number),
                '.' => Ok(Slot::Dot),
                _ => Err(format!("`{c}` is none of M, S, N and the dot")),
            })
            .collect::<Result<Box<[Slot]>, String>>()?;
        let digits = slots.iter().filter(|&&s| s != Slot::Dot).count();
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
        let is_dot = |(i, &slot): (usize, &Slot)| u64::from(slot == Slot::Dot) << i;
        let dots = slots.iter().enumerate().map(is_dot).sum();
        let status_at = slots.iter().position(|&s| s == Slot::Status).map(|at| at as u8);
        Ok(Grammar { dots, len: slots.len() as u8, status_at, slots })
    }

    /// Whether a code of this grammar holds its HTTP status.
    pub fn holds_status(&self) -> bool {
        self.status_at.is_some()
    }

    /// Reads the digits at the start of `bytes`; what follows them is the
    /// caller's business.
    #[inline]
    pub fn read(&self, bytes: &[u8]) -> Option<Number> {
        let bytes = bytes.get(..usize::from(self.len))?;
        let mut value = 0u64;
        let mut dots = self.dots;
        for byte in bytes {
            let digit = byte.wrapping_sub(b'0');
            if dots & 1 == 1 {
                if *byte != b'.' {
                    return None;
                }
            } else if digit > 9 {
                return None;
            } else {
                value = value * 10 + u64::from(digit);
            }
            dots >>= 1;
        }
        let status = self.status_at.map(|at| {
            let digits = &bytes[usize::from(at)..][..3];
            digits.iter().fold(0, |status, byte| status * 10 + u16::from(byte - b'0'))
        });
        let status = status.filter(|status| (100..=599).contains(status));
        Some(Number { len: bytes.len(), value, status })
    }

    /// The same digits and dots, whatever they stand for.
    pub fn same_shape(&self, other: &Grammar) -> bool {
        self.slots.len() == other.slots.len()
            && self.slots.iter().zip(&other.slots).all(|(a, b)| (*a == Slot::Dot) == (*b == Slot::Dot))
    }
}

impl std::fmt::Display for Grammar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for slot in &self.slots {
            f.write_str(match slot {
                Slot::Module => "M",
                Slot::Status => "S",
                Slot::Number => "N",
                Slot::Dot => ".",
            })?;
        }
        Ok(())
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
        assert_eq!(Grammar::parse("MMSSSNNN").unwrap().read(b"01999001").unwrap().status, None);
    }

    #[test]
    fn refuses_what_cannot_be_read() {
        assert!(Grammar::parse(&format!("N{}N", ".".repeat(63))).is_err());
        for bad in ["", ".", "N.", ".N", "X", "SS", "SSSS", "SNSS", "NNNNNNNNNNNNNNNNNNNN"] {
            assert!(Grammar::parse(bad).is_err(), "{bad}");
        }
    }
}
