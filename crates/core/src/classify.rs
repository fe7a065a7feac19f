//! From a place to a code: does what stands there pass the rules?
//!
//! A candidate is judged from the bytes around it alone. Newlines end every
//! rule, so a whole block can be judged without cutting it into records
//! first.

pub mod discovery;
pub mod doubt;
pub mod evidence;
pub mod explain;
mod marks;
pub mod owner;
pub mod status;
pub mod unlisted;

use std::ops::Range;

use crate::boundary;
use crate::catalog::{Catalog, Category, CodeId, Family, FamilyId, Number, ServiceId};
use discovery::Keys;

/// Longest code in bytes, of a family or discovered.
pub const MAX_CODE_BYTES: usize = 128;

/// A code where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Its first byte.
    pub start: usize,
    /// The byte after it.
    pub end: usize,
    /// What it is.
    pub what: What,
    /// Its family is an everyday abbreviation and nothing next to it says
    /// error: the record must, see [`doubt`].
    pub doubtful: bool,
}

/// What a sighting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The catalog has it.
    Known(CodeId),
    /// It fits a family, and the catalog does not have it.
    Unlisted(FamilyId, Option<u16>),
    /// It stands behind an error-code key and fits no family.
    Discovered,
}

/// Why a candidate of a family is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Other letters stand before the digits.
    Prefix,
    /// A name goes on to the left.
    LeftBoundary,
    /// The digits do not fit the grammar.
    Digits,
    /// A name or a number goes on to the right.
    RightBoundary,
    /// It stands in the path of a file or of a URL.
    Path,
    /// It is part of a host or an address.
    Host,
    /// It names a text in a catalog of texts.
    Entry,
    /// All its digits are 0: a success.
    Success,
}

/// Judges whether `family`'s code stands with its first digit at `digits`.
///
/// # Errors
/// The first rule that refuses it, in the order prefix, digits, right
/// boundary, left boundary, path, host, entry, success: cheapest first.
#[inline]
pub fn judge(
    catalog: &Catalog,
    family: FamilyId,
    hay: &[u8],
    digits: usize,
) -> Result<(usize, Number), Refusal> {
    let known = catalog.family(family);
    let start = digits.checked_sub(known.stem().len()).ok_or(Refusal::Prefix)?;
    if known.prefix.is_empty() || !hay[start..digits].eq_ignore_ascii_case(known.stem().as_bytes()) {
        return Err(Refusal::Prefix);
    }
    Ok((start, judge_digits(known, hay, start, digits)?))
}

/// As [`judge`], of a code whose prefix and separator stand from `start` to
/// `digits`.
#[inline]
fn judge_digits(known: &Family, hay: &[u8], start: usize, digits: usize) -> Result<Number, Refusal> {
    let number = known.grammar.read(&hay[digits..]).ok_or(Refusal::Digits)?;
    let end = digits + number.len;
    if !boundary::right(hay, end) {
        return Err(Refusal::RightBoundary);
    }
    boundary::left(hay, start).ok_or(Refusal::LeftBoundary)?;
    if boundary::in_path(hay, start) {
        return Err(Refusal::Path);
    }
    if boundary::in_host(hay, start, end) {
        return Err(Refusal::Host);
    }
    if boundary::is_entry(hay, start, end) {
        return Err(Refusal::Entry);
    }
    if number.value == 0 && known.code(0).is_none() {
        return Err(Refusal::Success);
    }
    Ok(number)
}

/// The families by the last bytes of their prefix, which stand before every
/// place that the sweep finds.
#[derive(Debug)]
pub struct Families {
    /// By [`pair`], a position in `groups`; the first group is empty.
    group: Box<[u16; PAIRS]>,
    groups: Vec<Vec<Ending>>,
    /// Those of numbers alone.
    numbers: Vec<FamilyId>,
    /// There is one whose number stands right behind the prefix.
    joined: bool,
    /// All end in a digit.
    end_in_digits: bool,
    /// Bytes of the shortest code.
    shortest: usize,
    /// No code of one holds a boundary, behind which another's might stand.
    seamless: bool,
}

/// Values of [`pair`].
const PAIRS: usize = 1 << 10;

/// Two bytes as a position, the same for letters of any case: with a hundred
/// families, many end in the same letter.
#[inline]
fn pair(before: u8, last: u8) -> usize {
    usize::from(before & 31) << 5 | usize::from(last & 31)
}

/// A family and the last bytes of its prefix, four at most.
#[derive(Clone, Copy, Debug)]
struct Ending {
    family: FamilyId,
    /// As [`last_bytes`] gives them, and which of them count.
    bytes: u32,
    mask: u32,
    /// Bytes of the prefix.
    length: u8,
    /// They are the whole prefix, and letters: nothing else is as good.
    whole: bool,
    /// 0 where there is none.
    separator: u8,
}

/// The last four bytes of `head`, letters in lower case, others as good as
/// any that differ in the same bit.
#[inline]
fn last_bytes(head: &[u8]) -> u32 {
    let bytes = head.last_chunk().copied().unwrap_or_else(|| {
        let mut bytes = [0; 4];
        bytes[4 - head.len()..].copy_from_slice(head);
        bytes
    });
    u32::from_be_bytes(bytes) | 0x2020_2020
}

impl Families {
    /// The families of `catalog`.
    pub fn new(catalog: &Catalog) -> Families {
        let mut families = Families {
            group: Box::new([0; PAIRS]),
            groups: vec![Vec::new()],
            numbers: Vec::new(),
            joined: catalog.families().iter().any(|f| f.separator.is_empty() && !f.prefix.is_empty()),
            shortest: catalog.families().iter().map(Family::code_bytes).min().unwrap_or(usize::MAX),
            seamless: catalog.families().iter().all(|f| {
                let stem = f.stem().as_bytes();
                !stem.contains(&b'-') && !stem.starts_with(b".") && !stem.windows(2).any(|two| two == b"..")
            }),
            end_in_digits: catalog.families().iter().all(|f| f.grammar.ends_in_digit()),
        };
        for (i, family) in catalog.families().iter().enumerate() {
            let prefix = family.prefix.as_bytes();
            if prefix.is_empty() {
                families.numbers.push(FamilyId(i as u32));
                continue;
            }
            let ending = Ending {
                family: FamilyId(i as u32),
                bytes: last_bytes(prefix),
                mask: u32::MAX >> (8 * (4 - prefix.len().min(4))),
                // The catalog takes no longer ones.
                length: prefix.len() as u8,
                whole: prefix.len() <= 4 && prefix.iter().all(u8::is_ascii_alphabetic),
                separator: family.separator.bytes().next().unwrap_or(0),
            };
            match *prefix {
                [.., before, last] => families.add(pair(before, last), ending),
                // Whatever stands before it.
                [last] => (0..32).for_each(|before| families.add(pair(before, last), ending)),
                [] => {}
            }
        }
        families
    }

    /// Whether nothing is a code that stands within a code of a family.
    pub fn are_seamless(&self) -> bool {
        self.seamless
    }

    /// Bytes of the shortest code.
    pub fn shortest(&self) -> usize {
        self.shortest
    }

    fn add(&mut self, pair: usize, ending: Ending) {
        if self.group[pair] == 0 {
            // At most as many as there are pairs.
            self.group[pair] = self.groups.len() as u16;
            self.groups.push(Vec::new());
        }
        self.groups[usize::from(self.group[pair])].push(ending);
    }

    /// Whether the two bytes before `place` end the prefix of any.
    #[inline]
    fn may_end(&self, hay: &[u8], place: usize) -> bool {
        match hay[..place] {
            [.., before, last] => self.group[pair(before, last)] != 0,
            _ => true,
        }
    }

    /// Those whose prefix stands before `place` in any case, and whose separator
    /// stands there; where it begins, and where the digits do.
    #[inline]
    fn at<'f>(
        &'f self,
        catalog: &'f Catalog,
        hay: &'f [u8],
        place: usize,
    ) -> impl Iterator<Item = (FamilyId, usize, usize)> + 'f {
        let head = &hay[..place];
        let bytes = last_bytes(head);
        let group = self.group[pair((bytes >> 8) as u8, bytes as u8)];
        self.groups[usize::from(group)].iter().filter_map(move |ending| {
            if (ending.bytes ^ bytes) & ending.mask != 0
                || (ending.separator != 0 && ending.separator != hay[place])
            {
                return None;
            }
            let start = head.len().checked_sub(usize::from(ending.length))?;
            let prefix = || catalog.family(ending.family).prefix.as_bytes();
            let digits = place + usize::from(ending.separator != 0);
            (ending.whole || head[start..].eq_ignore_ascii_case(prefix())).then_some((
                ending.family,
                start,
                digits,
            ))
        })
    }

    /// The family that all of `hay[range]` fits, if any. Families of numbers alone
    /// only where they are `wanted`.
    fn of_whole(
        &self,
        catalog: &Catalog,
        hay: &[u8],
        range: Range<usize>,
        wanted: bool,
    ) -> Option<(FamilyId, Number)> {
        let text = &hay[range.clone()];
        if text[0].is_ascii_digit() {
            let fits = |&family: &FamilyId| Some((family, catalog.family(family).fits(text)?));
            return if wanted { self.numbers.iter().find_map(fits) } else { None };
        }
        if self.end_in_digits && !text[text.len() - 1].is_ascii_digit() {
            return None;
        }
        // Where a separator stands; or anywhere, for a number without.
        let may_be = |&place: &usize| self.joined || !hay[place].is_ascii_alphanumeric();
        (range.start + 1..range.end).filter(may_be).find_map(|place| {
            self.at(catalog, hay, place).find_map(|(family, start, digits)| {
                if start != range.start {
                    return None;
                }
                let number = catalog.family(family).grammar.read(&hay[digits..range.end])?;
                (digits + number.len == range.end).then_some((family, number))
            })
        })
    }
}

/// What the hot path judges by, made of a catalog and the settings.
#[derive(Debug)]
pub struct Rules {
    /// The families by the ends of their prefixes.
    pub families: Families,
    /// The keys; none where discovery is off.
    pub keys: Keys,
}

impl Rules {
    /// Whether anything may be at `place`, and then whether a key: one look that nearly every place of
    /// a log fails at.
    #[inline]
    pub fn may_be_at(&self, hay: &[u8], place: usize) -> Option<bool> {
        let families = &self.families;
        let letter = !families.joined && hay[place].is_ascii_alphanumeric();
        let family = !letter && families.may_end(hay, place);
        let key = self.keys.may_lead(hay, place);
        (family || key).then_some(key)
    }
}

/// Gives `found` every code at `place`: one at most in practice; two where
/// one family's prefix ends with another's and an escape stands between.
#[inline]
pub fn at_place(catalog: &Catalog, rules: &Rules, hay: &[u8], place: usize, found: impl FnMut(Sighting)) {
    at_likely_place(catalog, rules, hay, place, rules.keys.may_lead(hay, place), found);
}

/// As [`at_place`], where it is known whether a `key` may be there.
#[inline]
pub fn at_likely_place(
    catalog: &Catalog,
    rules: &Rules,
    hay: &[u8],
    place: usize,
    key: bool,
    mut found: impl FnMut(Sighting),
) {
    // A place that is a letter is a key's.
    if rules.families.joined || !hay[place].is_ascii_alphanumeric() {
        for (family, start, digits) in rules.families.at(catalog, hay, place) {
            let known = catalog.family(family);
            if let Ok(number) = judge_digits(known, hay, start, digits) {
                let end = digits + number.len;
                let doubtful = known.everyday && hay.get(end) != Some(&b':');
                found(Sighting { start, end, what: what(known, family, number), doubtful });
            }
        }
    }
    if key
        && let Ok(lead) = rules.keys.lead(hay, place)
        && let Some(sighting) = of_key(catalog, rules, hay, &lead)
    {
        found(sighting);
    }
}

/// The code that a key leads to.
fn of_key(catalog: &Catalog, rules: &Rules, hay: &[u8], lead: &discovery::Lead) -> Option<Sighting> {
    let text = &hay[lead.start..lead.end];
    let sighting = |what| Sighting { start: lead.start, end: lead.end, what, doubtful: false };
    if let Some((family, number)) = rules.families.of_whole(catalog, hay, lead.start..lead.end, !lead.weak) {
        let known = catalog.family(family);
        let success = number.value == 0 && known.code(0).is_none();
        return (!success).then(|| sighting(what(known, family, number)));
    }
    discovery::has_shape(text).then(|| sighting(What::Discovered))
}

fn what(known: &Family, family: FamilyId, number: Number) -> What {
    match known.code(number.value) {
        Some(code) => What::Known(code),
        None => What::Unlisted(family, number.status),
    }
}

/// The spelling that a sighting is reported with, written over `out`.
pub fn spell(catalog: &Catalog, hay: &[u8], sighting: &Sighting, out: &mut String) {
    out.clear();
    match sighting.what {
        What::Known(code) => out.push_str(&catalog.code(code).spelling),
        What::Unlisted(family, _) => {
            let family = catalog.family(family);
            out.push_str(family.stem());
            family.grammar.spell(&hay[sighting.start + family.stem().len()..sighting.end], out);
        }
        What::Discovered => spell_discovered(catalog, &hay[sighting.start..sighting.end], out),
    }
}

/// The beginning of a family's codes as the catalog has it, the rest in upper
/// case, so that one code has one spelling. Discovered codes are ASCII.
fn spell_discovered(catalog: &Catalog, text: &[u8], out: &mut String) {
    let stem = family_of_start(catalog, text).map_or("", |f| catalog.family(f).stem());
    out.push_str(stem);
    out.extend(text[stem.len()..].iter().map(|b| char::from(b.to_ascii_uppercase())));
}

/// The family whose prefix and separator begin `text`, the longest ones.
fn family_of_start(catalog: &Catalog, text: &[u8]) -> Option<FamilyId> {
    let mut longest: Option<(usize, FamilyId)> = None;
    for (i, family) in catalog.families().iter().enumerate() {
        let stem = family.stem().as_bytes();
        let begins = !family.separator.is_empty()
            && text.len() > stem.len()
            && text[..stem.len()].eq_ignore_ascii_case(stem);
        if begins && longest.is_none_or(|(length, _)| stem.len() > length) {
            longest = Some((stem.len(), FamilyId(i as u32)));
        }
    }
    longest.map(|(_, family)| family)
}

/// The service of the catalog that a discovered code belongs to, by its
/// beginning.
pub fn service_of_start(catalog: &Catalog, text: &[u8]) -> Option<ServiceId> {
    family_of_start(catalog, text).map(|f| catalog.family(f).service)
}

/// The service of a discovered code that begins like no family's: its first
/// part before a dot that is longer than a letter, in upper case.
pub fn discovered_service(spelling: &str) -> String {
    let parts = spelling.rsplit_once('.').map_or(spelling, |(head, _)| head).split('.');
    let first = spelling.split('.').next().unwrap_or(spelling);
    parts.into_iter().find(|part| part.len() > 1).unwrap_or(first).to_ascii_uppercase()
}

/// The category of a code that the catalog does not have.
pub fn inferred_category(status: Option<u16>) -> Category {
    status.and_then(Category::infer).unwrap_or(Category::Unknown)
}
