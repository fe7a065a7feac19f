//! A quick look whether a text can have a field at all: one of the keys that
//! its paths begin with must stand in it.

use aho_corasick::packed;

/// The keys that a field's paths begin with.
#[derive(Debug)]
pub(super) struct Words(Option<packed::Searcher>);

impl Words {
    /// For these keys. Where one of them might be written otherwise in JSON,
    /// the answer is always yes.
    pub fn new<'k>(keys: impl Iterator<Item = &'k [u8]> + Clone) -> Words {
        let as_they_are = keys.clone().flatten().all(|b| b.is_ascii_graphic() && !b"\"\\/'=".contains(b));
        Words(as_they_are.then(|| packed::Searcher::new(keys)).flatten())
    }

    /// Whether the field may be in `text`, in which no character is written by
    /// its number.
    #[inline]
    pub fn may_be_in(&self, text: &[u8]) -> bool {
        self.0.as_ref().is_none_or(|words| words.find(text).is_some())
    }
}
