//! The state of everything in a few words.

use super::{Code, Headline, Records};
use crate::health::Stage;
use errtally_core::problem::counted;
use errtally_core::problem::grouped;

/// What an operator wants to know first. `codes` are sorted.
pub(super) fn headline(
    stage: Stage,
    ready: bool,
    state: &str,
    records: &Records,
    codes: &[Code],
    hits: u64,
) -> Headline {
    let headline = |tone, title: String, detail: String| Headline { tone, title, detail };
    if stage == Stage::Ended {
        let most = codes.iter().max_by_key(|c| c.count).filter(|c| c.count > 0);
        let detail = most.map_or_else(
            || format!("{} read, none with a code.", counted(records.total, "record")),
            |c| format!("Most frequent of all: {}, {}. {}.", c.code, times(c.count), advice(c)),
        );
        return headline("quiet", "The input has ended".to_owned(), detail);
    }
    if !ready {
        return headline("blocked", "No records are read".to_owned(), sentence(state));
    }
    let failing = codes.first().filter(|c| c.last_minute.is_some_and(|n| n > 0));
    match failing {
        Some(code) => {
            let most = code.last_minute.unwrap_or(0);
            let share = if hits == most {
                format!("{} in the last minute", times(most))
            } else {
                format!("{} of {} in the last minute", grouped(most), counted(hits, "hit"))
            };
            let title = format!("{} fails most", code.code);
            headline("failing", title, format!("{} {}.", sentence(&share), advice(code)))
        }
        None if records.last_minute > 0 => {
            let detail = match records.last_minute {
                1 => "One record in the last minute, and no code in it.".to_owned(),
                n => format!("{} in the last minute, none with a code.", counted(n, "record")),
            };
            headline("healthy", "No errors".to_owned(), detail)
        }
        None if records.total == 0 => {
            headline("quiet", "Quiet".to_owned(), "Nothing has been read yet.".to_owned())
        }
        None => headline("quiet", "Quiet".to_owned(), "Nothing was read in the last minute.".to_owned()),
    }
}

fn advice(code: &Code) -> &str {
    code.action.trim_end_matches('.')
}

fn times(n: u64) -> String {
    if n == 1 { "once".to_owned() } else { format!("{} times", grouped(n)) }
}

/// With its first letter in upper case, and a full stop.
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}
