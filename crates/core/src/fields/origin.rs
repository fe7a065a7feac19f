//! Which rule has found a value, and where: written down with each value, since
//! that costs nothing, and shown by whoever explains a record.

/// What found a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// A key of the record as JSON.
    #[default]
    Document,
    /// A key of an object in one of its texts.
    Text,
    /// `key=value` in a text.
    Pairs,
    /// The key or a header of the message.
    Envelope,
    /// A path through what is not JSON alone.
    Path,
    /// A pair of the record itself, in any spelling.
    Own,
    /// A pair of what is around the code.
    Around,
    /// `type="Warning"`.
    Type,
    /// What the line begins with.
    Head,
    /// What the text that holds the code begins with.
    TextHead,
    /// A pair in the innermost scope around the code that has one.
    Scope,
    /// The nearest pair of the record.
    Nearest,
    /// A pair in what stands beside the code.
    Inside,
    /// What follows the code.
    Behind,
    /// The text of a key such as `error` that holds the code.
    Holder,
    /// The next field of the row.
    Row,
    /// What a sentence names.
    Sentence,
    /// What the line says behind its head.
    Line,
}

impl Rule {
    /// Whether its places are those of the record without its noise.
    pub fn is_of_clean_text(self) -> bool {
        !matches!(self, Rule::Document | Rule::Text | Rule::Envelope)
    }
}

/// No place: what has been unescaped stands nowhere as it is.
const NOWHERE: u32 = u32::MAX;

/// Where a value was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What found it.
    pub rule: Rule,
    key: u32,
    value: u32,
}

impl Default for Origin {
    fn default() -> Origin {
        Origin::of(Rule::default())
    }
}

impl Origin {
    /// In no place that could be told.
    #[inline]
    pub(super) fn of(rule: Rule) -> Origin {
        Origin { rule, key: NOWHERE, value: NOWHERE }
    }

    /// Of a value that begins there.
    #[inline]
    pub(super) fn at(rule: Rule, value: usize) -> Origin {
        Origin { rule, key: NOWHERE, value: value as u32 }
    }

    /// Of a pair whose key and whose value begin there.
    #[inline]
    pub(super) fn pair(rule: Rule, key: u32, value: u32) -> Origin {
        Origin { rule, key, value }
    }

    /// Where the key begins.
    pub fn key(&self) -> Option<usize> {
        Some(self.key).filter(|&at| at != NOWHERE).map(|at| at as usize)
    }

    /// Where the value begins.
    pub fn value(&self) -> Option<usize> {
        Some(self.value).filter(|&at| at != NOWHERE).map(|at| at as usize)
    }
}
