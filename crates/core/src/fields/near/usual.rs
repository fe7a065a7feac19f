//! The head that most lines have: a time as ISO 8601 writes it, a blank, a level in capitals, a blank.

use super::head::is_between;
use super::opening::access;
use crate::fields::{level, time};

/// The level of such a line, and where it stands. `None` where something else may have to be read:
/// a bracket behind it, where a `trace` is wanted.
///
/// It is what [`head::read`](super::head::read) finds, which stops behind a level that follows a time.
pub fn level(line: &[u8], trace: bool) -> Option<(&'static str, usize)> {
    let (spaced, length) = time::plain(line)?;
    let [b' ', rest @ ..] = &line[length..] else { return None };
    let word = rest.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let (word, [b' ', rest @ ..]) = rest.split_at(word) else { return None };
    if word.len() < 2 {
        return None;
    }
    let level = match word {
        b"ERROR" => "error",
        b"WARN" => "warn",
        b"INFO" => "info",
        _ => level::named(word)?,
    };
    // The date, the time and the level are the first three words.
    let is_access = match rest {
        [b'[', a, b, b'/', ..] if spaced => a.is_ascii_digit() && b.is_ascii_digit(),
        _ => !spaced && access(line) > 0,
    };
    let between = rest.iter().take_while(|b| is_between(**b)).count();
    let (between, rest) = rest.split_at(between);
    let is_more = between.last() == Some(&b'[')
        && (trace || matches!(rest, [b'I' | b'W' | b'E' | b'F', b'0' | b'1', ..]));
    (!is_access && !is_more).then_some((level, length + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::head::{Extent, read};
    use crate::fields::time::Zone;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn it_is_what_the_whole_look_finds(
            start in prop::sample::select(vec![
                "2026-03-01 00:00:00.009", "2026-03-01T00:00:00Z", "2026/02/29 10:11:12,5", "2024-02-29_23:59:60",
                "2026-13-01 00:00:00", "1969-03-01 00:00:00", "2026-03-01T24:00:00", "2026-03-01 1:00:00", "9999-12-31T23:59:59",
                "2026-03-01T00:00:00+01:00", "2026-03-01 00:00:00Z", "2026-03-01 00:00", "2026-03-01T00:00:00.", "",
            ]),
            words in prop::collection::vec(
                prop::sample::select(vec![
                    " ", " ", " ", "ERROR", "INFO", "WARN", "E", "I", "FINE", "N", "PM", "CET", "error", "ALERT", "  ", "[", "]", "-",
                    "[12/", "12/Jun/2026:09:00:12", "E0401 08:10:00.5", "W1", "worker", "\\t", "\t", ":", "PHP", "main:", "8e647434445e3dec",
                    ",", "<3>", "=", "/", "1",
                ]),
                0..9,
            ),
            trace in any::<bool>(),
        ) {
            let line = format!("{start}{}", words.concat());
            let line = line.as_bytes();
            if let Some(level) = super::level(line, trace) {
                for zone in [Zone::default(), Zone::named("Europe/Berlin").expect("a zone")] {
                    let head = read(line, &zone, Extent::Fields { trace, time: true });
                    prop_assert_eq!(head.level, Some(level));
                    prop_assert!(!trace || head.trace.is_none());
                }
            }
        }
    }

    #[test]
    fn most_lines_begin_so() {
        let level = |line: &str| super::level(line.as_bytes(), false);
        assert_eq!(level("2026-03-01 00:00:00.009 ERROR [worker-50] x"), Some(("error", 24)));
        assert_eq!(level("2026-03-01T00:00:00Z WARN x"), Some(("warn", 21)));
        assert_eq!(level("2026-03-01T00:00:00Z INFO x"), Some(("info", 21)));
        assert_eq!(level("2026-03-01T00:00:00Z FATAL x"), Some(("fatal", 21)));
        assert_eq!(level("2026-03-01T00:00:00Z AUDIT x"), None);
        assert_eq!(level("2026-03-01 00:00:00 INFO [12/Jun/2026:09:00:12 +0800] x"), None);
    }
}
