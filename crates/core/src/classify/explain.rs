//! Why a line did or did not match: the hot path's own rules, with every
//! verdict kept.

use super::discovery::{Keys, Lead};
use super::doubt::{self, Doubt, Says};
use super::owner::{self, Owner};
use super::{Families, Refusal, Rules, Sighting, What, discovery, evidence, inferred_category, judge};
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
    /// Where its prefix is an everyday abbreviation, what says that it is a code.
    pub everyday: Option<Everyday>,
    /// Where several services may be meant, which one is.
    pub owner: Option<Owner>,
}

/// What says that an everyday abbreviation is a code.
#[derive(Clone, Debug)]
pub enum Everyday {
    /// A colon follows it.
    Colon,
    /// The key before it.
    Key,
    /// The record says error.
    Record(Says),
    /// Its literal message stands in the record.
    Message,
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
    /// Its family is an everyday abbreviation, and the record says no error.
    Doubtful(FamilyId),
    /// Refused by a rule of families.
    Refused(FamilyId, Refusal),
    /// Refused by a rule of discovery.
    KeyRefused(discovery::Refusal),
    /// It has the shape of a code, but no family has its prefix and no key
    /// stands before it.
    NoFamily,
}

/// Every candidate of `line`, in its order.
pub fn explain(catalog: &Catalog, line: &[u8], keys: &Keys) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let mut doubt = Doubt::default();
    for digits in 1..line.len() {
        for family in (0..catalog.families().len() as u32).map(FamilyId) {
            let (mut everyday, mut owner) = (None, None);
            let outcome = match judge(catalog, family, line, digits) {
                Ok((start, number)) => {
                    let before = left(line, start).unwrap_or(Left::Start);
                    let known = catalog.family(family);
                    let code = known.code(number.value);
                    let what = code.map_or(What::Unlisted(family, number.status), What::Known);
                    let end = digits + number.len;
                    let doubtful = known.everyday && line.get(end) != Some(&b':');
                    let sighting = Sighting { start, end, what, doubtful };
                    if doubtful && !doubt.allows(catalog, line, 0, &sighting) {
                        Outcome::Doubtful(family)
                    } else {
                        everyday = known.everyday.then(|| match doubt::says(line) {
                            _ if !doubtful => Everyday::Colon,
                            Some(says) => Everyday::Record(says),
                            None => Everyday::Message,
                        });
                        owner = owner::told(catalog, what, line, start);
                        accepted(catalog, line, &sighting, before)
                    }
                }
                Err(Refusal::Prefix) => continue,
                // A sentence may end with a prefix.
                Err(Refusal::Digits) if !line[digits].is_ascii_digit() => continue,
                // Letters that are followed by a number are nothing remarkable.
                Err(Refusal::Digits | Refusal::LeftBoundary)
                    if catalog.family(family).separator.is_empty() =>
                {
                    continue;
                }
                Err(refusal) => Outcome::Refused(family, refusal),
            };
            let start = digits - catalog.family(family).stem().len();
            let run = line[digits..].iter().take_while(|&&b| is_word(b) || b == b'.').count();
            let mut end = digits + run;
            while line[end - 1] == b'.' {
                end -= 1;
            }
            if let Ok((_, number)) = judge(catalog, family, line, digits) {
                end = digits + number.len;
            }
            verdicts.push(Verdict { start, end, outcome, everyday, owner });
        }
    }
    self::keys(catalog, line, keys, &mut verdicts);
    shapes(line, &mut verdicts);
    // `cs.0114` is no candidate where `Ecs.0114` is a code.
    let hits: Vec<_> = verdicts.iter().filter(|v| v.is_hit()).map(|v| v.start..v.end).collect();
    verdicts.retain(|v| v.is_hit() || !hits.iter().any(|hit| hit.start <= v.start && v.end <= hit.end));
    verdicts.sort_by_key(|v| (v.start, v.end));
    verdicts
}

fn accepted(catalog: &Catalog, line: &[u8], sighting: &Sighting, before: Left) -> Outcome {
    match sighting.what {
        What::Known(code) => {
            let first = first(catalog, line, code, sighting.start);
            let (row, why) = evidence::resolve(catalog, code, line, first);
            Outcome::Known(code, row, why, before)
        }
        What::Unlisted(family, status) => Outcome::Unlisted(family, status, before),
        What::Discovered => Outcome::Discovered,
    }
}

/// Where `code` stands first: what its evidence is measured from.
fn first(catalog: &Catalog, line: &[u8], code: CodeId, here: usize) -> usize {
    let family = catalog.code(code).family;
    (1..=here)
        .filter_map(|digits| judge(catalog, family, line, digits).ok())
        .find(|(_, number)| catalog.family(family).code(number.value) == Some(code))
        .map_or(here, |(start, _)| start.min(here))
}

fn keys(catalog: &Catalog, line: &[u8], keys: &Keys, verdicts: &mut Vec<Verdict>) {
    let rules = Rules { families: Families::new(catalog), keys: keys.clone() };
    for at in (0..line.len()).filter(|&at| keys.may_be_at(line[at])) {
        let (mut everyday, mut owner) = (None, None);
        let (start, end, outcome) = match keys.lead(line, at) {
            Ok(lead) => match super::of_key(catalog, &rules, line, &lead) {
                // Judged as a code of its family where it stands, too; by its key it is beyond doubt.
                Some(sighting) => {
                    let judged = |v: &Verdict| v.start == sighting.start && v.end == sighting.end;
                    if let Some(verdict) = verdicts.iter_mut().find(|v| judged(v) && v.is_hit()) {
                        verdict.everyday = verdict.everyday.take().map(|_| Everyday::Key);
                        continue;
                    }
                    verdicts.retain(|v| !judged(v));
                    let family = match sighting.what {
                        What::Known(code) => Some(catalog.code(code).family),
                        What::Unlisted(family, _) => Some(family),
                        What::Discovered => None,
                    };
                    everyday = family.filter(|&f| catalog.family(f).everyday).map(|_| Everyday::Key);
                    owner = owner::told(catalog, sighting.what, line, sighting.start);
                    let before = left(line, sighting.start).unwrap_or(Left::Separator);
                    (sighting.start, sighting.end, accepted(catalog, line, &sighting, before))
                }
                None => refused_value(line, &lead),
            },
            Err(discovery::Refusal::NoKey) => continue,
            Err(refusal) => {
                // The whole key, for the reader.
                let word = |b: &&u8| is_word(**b);
                let start = at - line[..at].iter().rev().take_while(word).count();
                let end = at + line[at..].iter().take_while(word).count();
                if refusal == discovery::Refusal::KeyBoundary
                    && line[start..end].eq_ignore_ascii_case(b"code")
                {
                    // The word in a sentence.
                    continue;
                }
                (start, end, Outcome::KeyRefused(refusal))
            }
        };
        verdicts.push(Verdict { start, end, outcome, everyday, owner });
    }
}

fn refused_value(line: &[u8], lead: &Lead) -> (usize, usize, Outcome) {
    let word = |b: &&u8| is_word(**b);
    let end = lead.key + line[lead.key..].iter().take_while(word).count();
    (lead.key, end, Outcome::KeyRefused(discovery::Refusal::Shape))
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
            let outcome = Outcome::NoFamily;
            verdicts.push(Verdict { start, end, outcome, everyday: None, owner: None });
        }
        at += run + 1;
    }
}

impl Verdict {
    fn is_hit(&self) -> bool {
        matches!(self.outcome, Outcome::Known(..) | Outcome::Unlisted(..) | Outcome::Discovered)
    }

    /// What it was taken for, where it is a hit.
    pub fn sighting(&self) -> Option<Sighting> {
        let what = match self.outcome {
            Outcome::Known(code, ..) => What::Known(code),
            Outcome::Unlisted(family, status, _) => What::Unlisted(family, status),
            Outcome::Discovered => What::Discovered,
            _ => return None,
        };
        Some(Sighting { start: self.start, end: self.end, what, doubtful: false })
    }

    /// What it counts as, or `None` for nothing.
    pub fn counts_as(&self, catalog: &Catalog, line: &[u8]) -> Option<String> {
        let sighting = self.sighting()?;
        let mut spelling = String::new();
        super::spell(catalog, line, &sighting, &mut spelling);
        Some(spelling)
    }

    /// The rule in words.
    pub fn rule(&self, catalog: &Catalog, line: &[u8]) -> String {
        let mut text = self.outcome_words(catalog);
        if let Some(everyday) = &self.everyday {
            text.push_str("; its prefix stands for other things, too, but ");
            text.push_str(&everyday.words(line));
        }
        text.push_str(&self.owner.map_or(String::new(), |owner| owner_words(owner, catalog)));
        text
    }

    fn outcome_words(&self, catalog: &Catalog) -> String {
        let shape = |family: FamilyId| catalog.family(family).to_string();
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
            Outcome::Doubtful(family) => format!(
                "refused: {} stands for other things, too, and nothing in the record says error",
                catalog.family(*family).prefix
            ),
            Outcome::Refused(family, Refusal::Digits) => {
                format!("refused: the digits do not fit {}", shape(*family))
            }
            Outcome::Refused(_, Refusal::LeftBoundary) => {
                "refused: a longer name begins before it".to_owned()
            }
            Outcome::Refused(_, Refusal::RightBoundary) => {
                "refused: a name or a number goes on after it".to_owned()
            }
            Outcome::Refused(_, Refusal::Path) => "refused: it stands in a path".to_owned(),
            Outcome::Refused(_, Refusal::Host) => "refused: it is part of a host or an address".to_owned(),
            Outcome::Refused(_, Refusal::Entry) => {
                "refused: it names a text, as in a catalog of texts".to_owned()
            }
            Outcome::Refused(_, Refusal::Success) => {
                "refused: all its digits are 0, which is a success, and the catalog does not have it".to_owned()
            }
            Outcome::Refused(_, Refusal::Prefix) => "refused: another prefix".to_owned(),
            Outcome::KeyRefused(refusal) => match refusal {
                discovery::Refusal::NoKey => "no error-code key".to_owned(),
                discovery::Refusal::KeyBoundary => "key refused: it is part of a longer name, or `code` without quotes".to_owned(),
                discovery::Refusal::Separator => "key refused: neither `:` nor `=` after it".to_owned(),
                discovery::Refusal::Shape => {
                    "key refused: its value is no code (a letter first, a dot, three digits last; no version, no success)".to_owned()
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

impl Everyday {
    fn words(&self, line: &[u8]) -> String {
        match self {
            Everyday::Colon => "a `:` follows".to_owned(),
            Everyday::Key => "an error-code key stands before it".to_owned(),
            Everyday::Message => "its message stands in the record".to_owned(),
            Everyday::Record(Says::Head) => "the record begins with the level of an error".to_owned(),
            Everyday::Record(Says::Word(at)) => {
                let word = String::from_utf8_lossy(&line[at.clone()]);
                format!("`{word}` at byte {} says error", at.start)
            }
            Everyday::Record(Says::Level(level, at)) => {
                format!("the level {level} at byte {at} says error")
            }
            Everyday::Record(Says::Status(status, at)) => {
                format!("the status {status} at byte {at} says error")
            }
        }
    }
}

fn owner_words(owner: Owner, catalog: &Catalog) -> String {
    match owner {
        Owner::Host(service, at) => {
            format!(
                "; several services have it: {}'s, by its host at byte {at}",
                catalog.service(service).name
            )
        }
        Owner::Family(service) => format!(
            "; several services have it: the family's owner {}'s, since the record names no host of theirs",
            catalog.service(service).name
        ),
        Owner::Rows => "; several services have it, and the record names no host of theirs".to_owned(),
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
