//! Section 1, everyday abbreviations: whether a record says error.

use super::bytes::{has, has_any_case, is_word, no_word_before};
use super::{Row, message, status};

const WORDS: &str = "abort aborted alert crit critical denied emerg err error errors exception fail failed fails \
    failure fatal forbidden invalid panic refused rejected severe timeout traceback unauthorized warn warning";

/// A record, and how many of its candidates have come to this rule.
pub struct Doubt<'r> {
    record: &'r [u8],
    says_error: Option<bool>,
    candidates: usize,
}

impl<'r> Doubt<'r> {
    pub fn new(record: &'r [u8]) -> Self {
        Doubt { record, says_error: None, candidates: 0 }
    }

    /// Whether the record says enough for one more code, which has these rows.
    pub fn settled_by(&mut self, rows: &[&Row]) -> bool {
        if *self.says_error.get_or_insert_with(|| says_error(self.record)) {
            return true;
        }
        self.candidates += 1;
        self.candidates <= 16 && message::best(rows, self.record).is_some()
    }
}

fn says_error(record: &[u8]) -> bool {
    let words = WORDS.split_whitespace().any(|word| has_word(record, word.as_bytes()));
    words
        || level(record)
        || (0..record.len()).any(|at| level_number(record, at))
        || status::stated(record).iter().any(|(_, status)| *status >= 400)
}

fn has_word(record: &[u8], word: &[u8]) -> bool {
    record.windows(word.len()).enumerate().any(|(at, text)| {
        if !text.eq_ignore_ascii_case(word) {
            return false;
        }
        let hump = |left: u8, right: u8| left.is_ascii_lowercase() && right.is_ascii_uppercase();
        let before = at.checked_sub(1).map(|i| record[i]).filter(u8::is_ascii_alphabetic);
        let after = record.get(at + word.len()).copied().filter(u8::is_ascii_alphabetic);
        before.is_none_or(|before| hump(before, text[0]))
            && after.is_none_or(|after| hump(text[text.len() - 1], after))
    })
}

/// A key of levels at `at`, and the number of a warning or worse.
fn level_number(record: &[u8], at: usize) -> bool {
    let keys: [(&str, std::ops::RangeInclusive<u32>); 4] =
        [("level", 40..=69), ("PRIORITY", 0..=4), ("severityNumber", 13..=24), ("severity_number", 13..=24)];
    keys.into_iter().any(|(key, levels)| {
        let stands = match key {
            "PRIORITY" => has(record, at, key.as_bytes()),
            _ => has_any_case(record, at, key.as_bytes()),
        };
        if !stands || !no_word_before(record, at) {
            return false;
        }
        let Some(start) = status::field_value(record, at + key.len()) else { return false };
        let digits: String =
            record[start..].iter().take_while(|b| b.is_ascii_digit()).map(|&b| char::from(b)).collect();
        let end = start + digits.len();
        let goes_on = match record.get(end) {
            Some(b'.') => record.get(end + 1).is_some_and(u8::is_ascii_digit),
            Some(&byte) => is_word(byte),
            None => false,
        };
        (1..=2).contains(&digits.len()) && !goes_on && digits.parse().is_ok_and(|n| levels.contains(&n))
    })
}

/// What klog and syslog begin a record with.
fn level(record: &[u8]) -> bool {
    let klog = record.len() >= 6
        && b"EWF".contains(&record[0])
        && record[1..5].iter().all(u8::is_ascii_digit)
        && record[5] == b' ';
    let priority = || {
        let end = record.iter().position(|&byte| byte == b'>')?;
        let digits = std::str::from_utf8(record.get(1..end)?).ok()?;
        let plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        (record[0] == b'<' && plain).then(|| digits.parse::<u32>().ok())?
    };
    klog || priority().is_some_and(|priority| priority % 8 <= 4)
}
