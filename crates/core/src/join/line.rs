//! What a line looks like: its first bytes and its last, judged by forms.
//!
//! Only the first [`HEAD_BYTES`] are looked at, so that a line costs the same
//! however long it is.

/// Bytes from a line's start that its form is judged by.
pub const HEAD_BYTES: usize = 256;

/// A line without its newline, as joining sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'b> {
    /// Its first bytes, without colours before them.
    head: &'b [u8],
    /// Its last byte that is not blank, or 0.
    last: u8,
}

/// Words of levels that may begin a line.
const LEVELS: [&str; 15] = [
    "trace", "debug", "info", "notice", "warn", "warning", "error", "fail", "fatal", "critical", "crit",
    "severe", "panic", "trce", "dbug",
];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

impl<'b> Line<'b> {
    /// Of all its bytes.
    pub fn new(bytes: &'b [u8]) -> Line<'b> {
        let last = bytes.iter().rev().find(|b| !matches!(b, b' ' | b'\t' | b'\r')).copied().unwrap_or(0);
        Line::of(&bytes[..bytes.len().min(HEAD_BYTES)], last)
    }

    /// Of its first bytes and its last that is not blank.
    pub fn of(head: &'b [u8], last: u8) -> Line<'b> {
        let mut head = head;
        while let Some(rest) = after_colour(head) {
            head = rest;
        }
        Line { head, last }
    }

    /// Its first bytes as they are.
    pub fn head(&self) -> &'b [u8] {
        self.head
    }

    /// Its last byte that is not blank, or 0.
    pub fn last(&self) -> u8 {
        self.last
    }

    fn first(&self) -> u8 {
        self.head.first().copied().unwrap_or(0)
    }

    /// Behind its indentation.
    fn body(&self) -> &'b [u8] {
        let blanks = self.head.iter().take_while(|b| is_blank(**b)).count();
        &self.head[blanks..]
    }

    /// Nothing but blanks.
    pub fn is_empty(&self) -> bool {
        self.last == 0
    }

    /// Begins with a blank or a tab, and holds more.
    pub fn is_indented(&self) -> bool {
        is_blank(self.first()) && !self.is_empty()
    }

    /// Begins with a tab, and holds more.
    pub fn is_tabbed(&self) -> bool {
        self.first() == b'\t' && !self.is_empty()
    }

    /// Ends with what opens a block.
    pub fn opens(&self) -> bool {
        matches!(self.last, b'{' | b'[' | b'(' | b'<' | b':')
    }

    /// Begins with what closes a block.
    pub fn closes(&self) -> bool {
        matches!(self.first(), b'}' | b']' | b')')
    }

    /// A JSON object from its first byte to its last.
    pub fn is_object(&self) -> bool {
        self.first() == b'{' && self.last == b'}'
    }

    /// Begins with a time, behind its indentation and one bracket.
    pub fn is_timed(&self) -> bool {
        let body = self.body();
        let body = match body {
            [b'[' | b'(' | b'<', rest @ ..] => rest,
            _ => body,
        };
        let digits = body.iter().take_while(|b| b.is_ascii_digit()).count();
        match digits {
            10 | 13 | 16 | 19 => true,
            4 => {
                matches!(body.get(4), Some(b'-' | b'/' | b'.')) && body.get(5).is_some_and(u8::is_ascii_digit)
            }
            2 => matches!(body.get(2), Some(b':' | b'/')) && body.get(3).is_some_and(u8::is_ascii_digit),
            0 => {
                let klog = matches!(body, [b'I' | b'W' | b'E' | b'F', rest @ ..]
                    if rest.iter().take_while(|b| b.is_ascii_digit()).count() == 4 && rest.get(4) == Some(&b' '));
                let month = MONTHS.iter().any(|m| body.starts_with(m.as_bytes()))
                    && body.get(3) == Some(&b' ')
                    && body.get(4).is_some_and(|b| b.is_ascii_digit() || *b == b' ');
                klog || month
            }
            _ => false,
        }
    }

    /// Begins with the word of a level, behind one bracket.
    pub fn is_levelled(&self) -> bool {
        self.level().is_some()
    }

    fn level(&self) -> Option<&'b [u8]> {
        let head = match self.head {
            [b'[' | b'(' | b'<', rest @ ..] => rest,
            head => head,
        };
        let letters = head.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let word = &head[..letters];
        LEVELS.iter().any(|l| word.eq_ignore_ascii_case(l.as_bytes())).then_some(word)
    }

    /// An indented line of a stack trace.
    pub fn is_frame(&self) -> bool {
        let body = self.body();
        let starts = |word: &str| body.starts_with(word.as_bytes());
        let number = body.iter().take_while(|b| b.is_ascii_digit()).count();
        starts("at ")
            || starts("from ")
            || starts("File \"")
            || starts("Suppressed: ")
            || starts("Caused by: ")
            || starts("thrown in ")
            || starts("---> ")
            || starts("--- ")
            || matches!(body, [b'.', b'.', b'.', b' ', digit, ..] if digit.is_ascii_digit())
            || number > 0 && body[number..].starts_with(b": ")
    }

    /// An indented line that says where, in Java, JavaScript or .NET, or which exception is inside.
    pub fn is_at(&self) -> bool {
        is_blank(self.first()) && [&b"at "[..], b"---> "].iter().any(|word| self.body().starts_with(word))
    }

    /// An indented line that says where, in Python.
    pub fn is_python_frame(&self) -> bool {
        is_blank(self.first()) && self.body().starts_with(b"File \"")
    }

    /// An indented line that says where, in Go.
    pub fn is_go_frame(&self) -> bool {
        self.first() == b'\t' && self.head.windows(4).any(|w| w == b".go:")
    }

    /// `#0 `, and the number.
    pub fn numbered(&self) -> Option<bool> {
        let rest = self.head.strip_prefix(b"#")?;
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        (digits > 0 && rest.get(digits) == Some(&b' ')).then_some(&rest[..digits] == b"0")
    }

    /// Begins with one of these words.
    pub fn starts_with(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.head.starts_with(word.as_bytes()))
    }

    /// `goroutine 1 [running]:`.
    pub fn is_goroutine(&self) -> bool {
        let Some(rest) = self.head.strip_prefix(b"goroutine ") else { return false };
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        digits > 0 && rest[digits..].starts_with(b" [") && self.last == b':'
    }

    /// `org.example.SomeException: what`, `ValueError`, `TypeError [ERR_X]: what`:
    /// a name, and then nothing, a colon, or a bracket.
    pub fn is_exception(&self) -> bool {
        let head = self.head.strip_prefix(b"Uncaught ").unwrap_or(self.head);
        let name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'_' | b'.' | b'$' | b'\\');
        let length = head.iter().take_while(name).count();
        if length == 0 || !head[0].is_ascii_alphabetic() && head[0] != b'_' {
            return false;
        }
        let logged = self.level().is_some_and(|word| word.iter().all(u8::is_ascii_uppercase));
        let rest = &head[length..];
        !logged
            && (rest.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r')) && length < HEAD_BYTES
                || rest.starts_with(b":")
                || rest.starts_with(b" ["))
    }

    /// `body: {`: a few words, a colon or an equals sign, and a document.
    pub fn is_labelled_body(&self) -> bool {
        let word = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b' ' | b'_' | b'-');
        let label = self.head.iter().take(33).take_while(word).count();
        if label == 0 || label > 32 || !self.head[0].is_ascii_alphabetic() {
            return false;
        }
        let Some((b':' | b'=', rest)) = self.head[label..].split_first() else { return false };
        let value = rest.iter().find(|b| !is_blank(**b));
        matches!(value, Some(b'{' | b'[' | b'<'))
    }

    /// The top, side or bottom of a box, as Terraform draws it.
    pub fn box_part(&self) -> Option<BoxPart> {
        match self.head {
            [0xe2, 0x95, 0xb7, ..] => Some(BoxPart::Top),
            [0xe2, 0x94, 0x82, ..] => Some(BoxPart::Side),
            [0xe2, 0x95, 0xb5, ..] => Some(BoxPart::Bottom),
            _ => None,
        }
    }
}

/// A part of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxPart {
    /// `╷`.
    Top,
    /// `│`.
    Side,
    /// `╵`.
    Bottom,
}

/// What follows a colour sequence, where `head` begins with one.
fn after_colour(head: &[u8]) -> Option<&[u8]> {
    let rest = head.strip_prefix(b"\x1b[")?;
    let parameters = rest.iter().take_while(|b| b.is_ascii_digit() || **b == b';').count();
    let (end, rest) = rest[parameters..].split_first()?;
    (*end == b'm').then_some(rest)
}
