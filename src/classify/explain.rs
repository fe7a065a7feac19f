//! Why a line did or did not match: the hot path's own rules, with every
//! verdict kept.

use super::{Refusal, What, discovery, evidence, inferred_category, judge};
use crate::boundary::{Left, is_word, left};
use crate::catalog::{Catalog, CodeId, FamilyId, RowId};

/// What was thought of one place in a line.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Where it stands, in bytes.
    pub start: usize,
    /// The byte after it.
    pub end: usize,
    /// The outcome and the rule behind it.
    pub outcome: Outcome,
}

/// Accepted as what, or refused by which rule.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A known code; which row, and what decided.
    Known(CodeId, RowId, evidence::Evidence, Left),
    /// A code of a family that the catalog does not have, and the status in it.
    Unlisted(FamilyId, Option<u16>, Left),
    /// A code that its key names.
    Discovered,
    /// Refused by a rule of families.
    Refused(FamilyId, Refusal),
    /// Refused by a rule of discovery.
    KeyRefused(discovery::Refusal),
    /// It has the shape of a code, but no family has its prefix and no key
    /// stands before it.
    NoFamily,
}

/// Every candidate of `line`, in its order.
pub fn explain(catalog: &Catalog, line: &[u8], with_discovery: bool) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for dot in memchr::memchr_iter(b'.', line) {
        for family in (0..catalog.families().len() as u32).map(FamilyId) {
            let outcome = match judge(catalog, family, line, dot) {
                Ok((start, number)) => {
                    let before = left(line, start).unwrap_or(Left::Start);
                    match catalog.family(family).code(number.value) {
                        Some(code) => {
                            let (row, why) =
                                evidence::resolve(catalog, code, line, first(catalog, line, code, start));
                            Outcome::Known(code, row, why, before)
                        }
                        None => Outcome::Unlisted(family, number.status, before),
                    }
                }
                Err(Refusal::Prefix) => continue,
                // A sentence may end with a prefix.
                Err(Refusal::Digits) if !line.get(dot + 1).is_some_and(u8::is_ascii_digit) => {
                    continue;
                }
                Err(refusal) => Outcome::Refused(family, refusal),
            };
            let start = dot - catalog.family(family).prefix.len();
            let digits = line[dot + 1..].iter().take_while(|&&b| is_word(b) || b == b'.').count();
            let mut end = dot + 1 + digits;
            while line[end - 1] == b'.' {
                end -= 1;
            }
            if let Ok((_, number)) = judge(catalog, family, line, dot) {
                end = dot + 1 + number.len;
            }
            verdicts.push(Verdict { start, end, outcome });
        }
    }
    if with_discovery {
        keys(catalog, line, &mut verdicts);
    }
    shapes(line, &mut verdicts);
    verdicts.sort_by_key(|v| (v.start, v.end));
    verdicts
}

/// Where `code` stands first: what its evidence is measured from.
fn first(catalog: &Catalog, line: &[u8], code: CodeId, here: usize) -> usize {
    let family = catalog.code(code).family;
    memchr::memchr_iter(b'.', line)
        .filter_map(|dot| judge(catalog, family, line, dot).ok())
        .find(|(_, number)| catalog.family(family).code(number.value) == Some(code))
        .map_or(here, |(start, _)| start)
}

fn keys(catalog: &Catalog, line: &[u8], verdicts: &mut Vec<Verdict>) {
    for at in memchr::memchr_iter(b'r', line) {
        let (start, end, outcome) = match discovery::value(line, at) {
            Ok((start, end)) if catalog.family_of(&line[start..end]).is_none() => {
                (start, end, Outcome::Discovered)
            }
            // Judged as a code of its family.
            Ok(_) | Err(discovery::Refusal::NoKey) => continue,
            Err(refusal) => {
                // The whole key, for the reader.
                let word = |b: &&u8| is_word(**b);
                let start = at - line[..at].iter().rev().take_while(word).count();
                let end = at + line[at..].iter().take_while(word).count();
                (start, end, Outcome::KeyRefused(refusal))
            }
        };
        verdicts.push(Verdict { start, end, outcome });
    }
}

/// What looks like a code and was not judged at all.
fn shapes(line: &[u8], verdicts: &mut Vec<Verdict>) {
    let mut at = 0;
    while at < line.len() {
        let run = line[at..].iter().take_while(|&&b| is_word(b) || b == b'.' || b == b'-').count();
        let (start, mut end) = (at, at + run);
        while end > start && matches!(line[end - 1], b'.' | b'-') {
            end -= 1;
        }
        let judged = verdicts.iter().any(|v| v.start < end && start < v.end);
        if discovery::has_shape(&line[start..end]) && !judged {
            verdicts.push(Verdict { start, end, outcome: Outcome::NoFamily });
        }
        at += run + 1;
    }
}

impl Verdict {
    /// What it counts as, or `None` for nothing.
    pub fn counts_as(&self, catalog: &Catalog, line: &[u8]) -> Option<String> {
        let what = match self.outcome {
            Outcome::Known(code, ..) => What::Known(code),
            Outcome::Unlisted(family, status, _) => What::Unlisted(family, status),
            Outcome::Discovered => What::Discovered,
            _ => return None,
        };
        let mut spelling = String::new();
        let sighting = super::Sighting { start: self.start, end: self.end, what };
        super::spell(catalog, line, &sighting, &mut spelling);
        Some(spelling)
    }

    /// The rule in words.
    pub fn rule(&self, catalog: &Catalog) -> String {
        let shape = |family: FamilyId| {
            let f = catalog.family(family);
            format!("{}.{}", f.prefix, f.grammar)
        };
        match &self.outcome {
            Outcome::Known(_, row, why, before) => {
                let row = catalog.row(*row);
                let status =
                    row.http_status.map_or("without a status".to_owned(), |s| format!("with status {s}"));
                let why = match why {
                    evidence::Evidence::OnlyRow => String::new(),
                    evidence::Evidence::Status(s, at) => {
                        format!("; row {status}, by the status {s} at byte {at}")
                    }
                    evidence::Evidence::Message => {
                        format!("; row {status}, by its message in the record")
                    }
                    evidence::Evidence::Default => {
                        format!("; row {status}, the default: nothing in the record decides")
                    }
                };
                format!("known code, {}{why}", boundary_words(*before))
            }
            Outcome::Unlisted(family, status, before) => format!(
                "fits {}, not in the catalog: unknown code, category {}{}; {}",
                shape(*family),
                inferred_category(*status),
                status.map_or(String::new(), |s| format!(" inferred from the status {s} in it")),
                boundary_words(*before),
            ),
            Outcome::Discovered => {
                "behind an error-code key, of no family: unknown code by discovery".to_owned()
            }
            Outcome::Refused(family, Refusal::Digits) => {
                format!("refused: the digits do not fit {}", shape(*family))
            }
            Outcome::Refused(_, Refusal::LeftBoundary) => {
                "refused: a longer name begins before it".to_owned()
            }
            Outcome::Refused(_, Refusal::RightBoundary) => {
                "refused: a name or a number goes on after it".to_owned()
            }
            Outcome::Refused(_, Refusal::Prefix) => "refused: another prefix".to_owned(),
            Outcome::KeyRefused(refusal) => match refusal {
                discovery::Refusal::NoKey => "no error-code key".to_owned(),
                discovery::Refusal::KeyBoundary => "key refused: it is part of a longer name".to_owned(),
                discovery::Refusal::Separator => "key refused: neither `:` nor `=` after it".to_owned(),
                discovery::Refusal::Shape => {
                    "key refused: its value is no code (a letter first, a dot, three digits last)".to_owned()
                }
                discovery::Refusal::ValueGoesOn => {
                    "key refused: its quoted value is more than a code".to_owned()
                }
            },
            Outcome::NoFamily => {
                "refused: no family has this prefix, and no error-code key stands before it".to_owned()
            }
        }
    }
}

fn boundary_words(before: Left) -> &'static str {
    match before {
        Left::Start => "at the start of the record",
        Left::Separator => "after a separator",
        Left::LooseDot => "after a dot that joins no name",
        Left::Escape => "after the tail of an escape",
    }
}
