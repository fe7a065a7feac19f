//! How records are told apart in what a connection sends: by newlines, or by
//! their lengths (RFC 6587). A connection keeps to what it begins with.

use std::ops::Range;

use crate::config::SocketFraming;

/// The longest frame: what `max_record_bytes` may be at most.
pub const LONGEST_FRAME: u64 = 64 << 20;

/// Digits of its length.
const MAX_DIGITS: usize = 8;

/// Digits of what is taken for a length all the same.
const TOO_MANY_DIGITS: usize = 12;

/// Why a connection cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// No length stands where one must.
    Length,
    /// It is longer than any frame may be.
    TooLong,
}

/// What the first bytes of a connection tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// Lines.
    Lines,
    /// Frames.
    Frames,
    /// Not enough of them are there.
    Open,
}

impl Begins {
    /// With `framing`, what `head` tells: a length, a blank and the priority of
    /// a syslog message, such as `<11>`, are a frame. So is a length that is too
    /// long for one, to be refused.
    pub fn of(framing: SocketFraming, head: &[u8]) -> Begins {
        match framing {
            SocketFraming::Newline => return Begins::Lines,
            SocketFraming::Octets => return Begins::Frames,
            SocketFraming::Auto => {}
        }
        let digits = head.iter().take_while(|b| b.is_ascii_digit()).count();
        if head.is_empty() || (digits == head.len() && (1..=TOO_MANY_DIGITS).contains(&digits)) {
            return Begins::Open;
        }
        if !(1..=TOO_MANY_DIGITS).contains(&digits) || head[0] == b'0' {
            return Begins::Lines;
        }
        let rest = &head[digits..];
        let priority = rest.get(2..).unwrap_or(&[]);
        let figures = priority.iter().take_while(|b| b.is_ascii_digit()).count();
        match (rest.get(1), priority.get(figures)) {
            _ if rest[0] != b' ' => Begins::Lines,
            (None, _) => Begins::Open,
            (Some(b'<'), None) if figures <= 3 => Begins::Open,
            (Some(b'<'), Some(b'>')) if (1..=3).contains(&figures) => Begins::Frames,
            _ => Begins::Lines,
        }
    }
}

/// A piece of what a connection has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A frame, whole.
    Whole(Range<usize>),
    /// A part of a frame, and whether it is the last.
    Part(Range<usize>, bool),
}

/// Reads frames, cut anywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frames {
    /// The digits so far of the next length.
    length: u64,
    digits: usize,
    /// Bytes of the present frame that are to come; none outside of one.
    left: Option<u64>,
}

impl Frames {
    /// The next piece in `bytes` from `at` on, and where to go on. None where
    /// they have no more.
    ///
    /// # Errors
    /// When no frame begins where one must.
    pub fn next(&mut self, bytes: &[u8], at: usize) -> Result<Option<(Piece, usize)>, Bad> {
        let mut at = at;
        let begins = self.left.is_none();
        let left = match self.left {
            Some(left) => left,
            None => loop {
                let Some(&byte) = bytes.get(at) else { return Ok(None) };
                at += 1;
                match byte {
                    b'0'..=b'9' => {
                        self.length = self.length * 10 + u64::from(byte - b'0');
                        self.digits += 1;
                        if self.length > LONGEST_FRAME {
                            return Err(Bad::TooLong);
                        }
                        if self.digits > MAX_DIGITS {
                            return Err(Bad::Length);
                        }
                    }
                    b' ' if self.digits > 0 => break self.length,
                    // Some end their frames so, too.
                    b'\n' | b'\r' | 0 if self.digits == 0 => {}
                    _ => return Err(Bad::Length),
                }
            },
        };
        (self.length, self.digits) = (0, 0);
        let here = (bytes.len() - at) as u64;
        if left > here {
            self.left = Some(left - here);
            let part = at..bytes.len();
            return Ok((!part.is_empty()).then_some((Piece::Part(part, false), bytes.len())));
        }
        self.left = None;
        let frame = at..at + left as usize;
        let end = frame.end;
        Ok(Some((if begins { Piece::Whole(frame) } else { Piece::Part(frame, true) }, end)))
    }

    /// Whether it is within a frame.
    pub fn is_within(&self) -> bool {
        self.left.is_some() || self.digits > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(bytes: &[u8], cut: usize) -> Result<Vec<Vec<u8>>, Bad> {
        let mut frames = Frames::default();
        let (mut records, mut record) = (Vec::new(), Vec::new());
        for chunk in bytes.chunks(cut) {
            let mut at = 0;
            while let Some((piece, end)) = frames.next(chunk, at)? {
                at = end;
                match piece {
                    Piece::Whole(range) => records.push(chunk[range].to_vec()),
                    Piece::Part(range, last) => {
                        record.extend_from_slice(&chunk[range]);
                        if last {
                            records.push(std::mem::take(&mut record));
                        }
                    }
                }
            }
        }
        assert!(record.is_empty() || frames.is_within());
        Ok(records)
    }

    #[test]
    fn frames_are_the_same_however_they_are_cut() {
        let sent = b"5 <1>ab11 <1>a\nb\nc 0 \n0 3 <1>1 x";
        let wanted: Vec<Vec<u8>> =
            [&b"<1>ab"[..], b"<1>a\nb\nc 0 ", b"", b"<1>", b"x"].iter().map(|r| r.to_vec()).collect();
        for cut in 1..=sent.len() {
            assert_eq!(records(sent, cut), Ok(wanted.clone()), "{cut}");
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for cut in [1, 3, 100] {
            assert_eq!(records(b"3 <1>x", cut), Err(Bad::Length));
            assert_eq!(records(b"3 <1> 5", cut), Err(Bad::Length), "a blank is no length");
            assert_eq!(records(b"2147483648 <1>", cut), Err(Bad::TooLong));
            assert_eq!(records(b"00000000003 <1>", cut), Err(Bad::Length));
        }
        assert_eq!(records(b"67108864 <1>", 100), Ok(vec![]), "the longest that is taken");
        assert_eq!(records(b"67108865 <1>", 100), Err(Bad::TooLong));
    }

    #[test]
    fn a_connection_tells_its_framing_by_its_first_bytes() {
        let of = |head: &[u8]| Begins::of(SocketFraming::Auto, head);
        assert_eq!(of(b""), Begins::Open);
        assert_eq!(of(b"12"), Begins::Open);
        assert_eq!(of(b"12 "), Begins::Open);
        assert_eq!(of(b"12 <"), Begins::Open);
        assert_eq!(of(b"12 <191"), Begins::Open);
        assert_eq!(of(b"12 <191>"), Begins::Frames);
        assert_eq!(of(b"2147483648 <11>1 "), Begins::Frames, "to be refused");
        assert_eq!(of(b"1732186800 <info> "), Begins::Lines);
        assert_eq!(of(b"12 <>"), Begins::Lines);
        assert_eq!(of(b"12 <1911>"), Begins::Lines);
        assert_eq!(of(b"<12>1 "), Begins::Lines);
        assert_eq!(of(b"12 a"), Begins::Lines);
        assert_eq!(of(b"2026-01-01"), Begins::Lines);
        assert_eq!(of(b"012 <"), Begins::Lines);
        assert_eq!(of(b"1732186800000 <11>"), Begins::Lines);
        assert_eq!(Begins::of(SocketFraming::Octets, b"x"), Begins::Frames);
        assert_eq!(Begins::of(SocketFraming::Newline, b"12 <"), Begins::Lines);
    }
}
