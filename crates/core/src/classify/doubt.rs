//! Whether a record says error in some way: what a code needs whose prefix is
//! an everyday abbreviation, where it stands bare.

use std::ops::Range;

use super::{Sighting, What, evidence, status};
use crate::catalog::{Catalog, RowId};

/// Words that say it, in small letters.
const WORDS: [&[u8]; 27] = [
    b"abort",
    b"aborted",
    b"alert",
    b"crit",
    b"critical",
    b"denied",
    b"emerg",
    b"err",
    b"error",
    b"errors",
    b"exception",
    b"fail",
    b"failed",
    b"fails",
    b"failure",
    b"fatal",
    b"forbidden",
    b"invalid",
    b"panic",
    b"refused",
    b"rejected",
    b"severe",
    b"timeout",
    b"traceback",
    b"unauthorized",
    b"warn",
    b"warning",
];

/// Candidates of one record whose message is looked for.
const MAX_LOOKS: usize = 16;

/// What says error in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// The letter of klog, or the priority of syslog, at the start.
    Head,
    /// This word.
    Word(Range<usize>),
    /// This status, at this place.
    Status(u16, usize),
    /// The number of a level, at this place.
    Level(u16, usize),
}

/// What is known of the record that doubtful codes were last seen in.
#[derive(Clone, Debug, Default)]
pub struct Doubt {
    /// Where it begins in the block.
    start: Option<usize>,
    says_error: bool,
    looks: usize,
}

impl Doubt {
    /// Whether a doubtful sighting in `record`, which begins at `start` of
    /// its block, is a code.
    pub fn allows(&mut self, catalog: &Catalog, record: &[u8], start: usize, sighting: &Sighting) -> bool {
        if self.start != Some(start) {
            *self = Doubt { start: Some(start), says_error: says(record).is_some(), looks: 0 };
        }
        self.says_error || self.says_message(catalog, record, sighting)
    }

    fn says_message(&mut self, catalog: &Catalog, record: &[u8], sighting: &Sighting) -> bool {
        self.looks += 1;
        let What::Known(code) = sighting.what else { return false };
        self.looks <= MAX_LOOKS
            && catalog
                .code(code)
                .rows
                .clone()
                .any(|row| evidence::template_bytes(&catalog.row(RowId(row)).message, record).is_some())
    }
}

/// The level, the word or the status of an error that `record` has first.
pub fn says(record: &[u8]) -> Option<Says> {
    if klog_or_syslog(record) {
        return Some(Says::Head);
    }
    let word = |at: usize| Some(Says::Word(at..at + word_at(record, at)?));
    let mut twos = record.windows(2).enumerate();
    twos.find_map(|(at, two)| if begins_a_word(two[0], two[1]) { word(at) } else { None }).or_else(|| {
        let statuses = status::statuses(record, |status| status >= 400);
        let status = statuses.first().map(|&(status, at)| Says::Status(status, at));
        status.or_else(|| status::level(record).map(|(level, at)| Says::Level(level, at)))
    })
}

/// By the letter that words begin with, the letters that follow it, a bit each.
const BEGINNINGS: [u32; 26] = {
    let mut beginnings = [0; 26];
    let mut i = 0;
    while i < WORDS.len() {
        beginnings[(WORDS[i][0] - b'a') as usize] |= 1 << (WORDS[i][1] - b'a');
        i += 1;
    }
    beginnings
};

/// Whether two bytes are letters that a word begins with, in any case.
#[inline]
fn begins_a_word(first: u8, second: u8) -> bool {
    let (first, second) = ((first | 0x20).wrapping_sub(b'a'), (second | 0x20).wrapping_sub(b'a'));
    first < 26 && second < 26 && BEGINNINGS[usize::from(first)] >> second & 1 == 1
}

/// The length of the word that stands at `at`.
fn word_at(record: &[u8], at: usize) -> Option<usize> {
    let begins = match at.checked_sub(1).map(|i| record[i]) {
        Some(before) if before.is_ascii_alphabetic() => {
            before.is_ascii_lowercase() && record[at].is_ascii_uppercase()
        }
        _ => true,
    };
    let letter = record[at] | 0x20;
    let stands = |word: &&&[u8]| {
        let end = at + word.len();
        word[0] == letter
            && record.get(at..end).is_some_and(|text| text.eq_ignore_ascii_case(word))
            && match record.get(end) {
                Some(after) if after.is_ascii_alphabetic() => {
                    after.is_ascii_uppercase() && record[end - 1].is_ascii_lowercase()
                }
                _ => true,
            }
    };
    WORDS.iter().filter(|_| begins).find(stands).map(|word| word.len())
}

/// `E0401 ` or `<11>`.
fn klog_or_syslog(record: &[u8]) -> bool {
    match record {
        [b'E' | b'W' | b'F', a, b, c, d, b' ', ..] => [a, b, c, d].iter().all(|b| b.is_ascii_digit()),
        [b'<', rest @ ..] => {
            let digits = rest.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
            let priority = rest[..digits].iter().fold(0u32, |n, b| n * 10 + u32::from(b - b'0'));
            (1..=3).contains(&digits) && rest.get(digits) == Some(&b'>') && priority % 8 <= 4
        }
        _ => false,
    }
}
