//! From a place to a code: does what stands there pass the rules?
//!
//! A candidate is judged from the bytes around it alone. Newlines end every
//! rule, so a whole block can be judged without cutting it into records
//! first.

pub mod discovery;
pub mod evidence;
pub mod explain;

use crate::boundary;
use crate::catalog::{Catalog, Category, CodeId, Family, FamilyId, Number};

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
    /// Other letters stand before the dot.
    Prefix,
    /// A name goes on to the left.
    LeftBoundary,
    /// The digits do not fit the grammar.
    Digits,
    /// A name or a number goes on to the right.
    RightBoundary,
}

/// Judges whether `family`'s code stands with its dot at `dot`.
///
/// # Errors
/// The first rule that refuses it, in the order prefix, digits, right
/// boundary, left boundary: cheapest first.
#[inline]
pub fn judge(
    catalog: &Catalog,
    family: FamilyId,
    hay: &[u8],
    dot: usize,
) -> Result<(usize, Number), Refusal> {
    let known = catalog.family(family);
    let start = dot.checked_sub(known.prefix.len()).ok_or(Refusal::Prefix)?;
    if !hay[start..dot].eq_ignore_ascii_case(known.prefix.as_bytes()) {
        return Err(Refusal::Prefix);
    }
    Ok((start, judge_digits(known, hay, start, dot)?))
}

/// As [`judge`], of a code whose prefix stands from `start` to `dot`.
#[inline]
fn judge_digits(known: &Family, hay: &[u8], start: usize, dot: usize) -> Result<Number, Refusal> {
    let number = known.grammar.read(&hay[dot + 1..]).ok_or(Refusal::Digits)?;
    if !boundary::right(hay, dot + 1 + number.len) {
        return Err(Refusal::RightBoundary);
    }
    boundary::left(hay, start).ok_or(Refusal::LeftBoundary)?;
    Ok(number)
}

/// The families by the last bytes of their prefix, which stand before every
/// dot that the sweep finds.
#[derive(Debug)]
pub struct Families {
    /// By [`pair`], a position in `groups`; the first group is empty.
    group: Box<[u16; PAIRS]>,
    groups: Vec<Vec<Ending>>,
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
        let mut families = Families { group: Box::new([0; PAIRS]), groups: vec![Vec::new()] };
        for (i, family) in catalog.families().iter().enumerate() {
            let prefix = family.prefix.as_bytes();
            let ending = Ending {
                family: FamilyId(i as u32),
                bytes: last_bytes(prefix),
                mask: u32::MAX >> (8 * (4 - prefix.len().min(4))),
                // The catalog takes no longer ones.
                length: prefix.len() as u8,
                whole: prefix.len() <= 4 && prefix.iter().all(u8::is_ascii_alphabetic),
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

    fn add(&mut self, pair: usize, ending: Ending) {
        if self.group[pair] == 0 {
            // At most as many as there are pairs.
            self.group[pair] = self.groups.len() as u16;
            self.groups.push(Vec::new());
        }
        self.groups[usize::from(self.group[pair])].push(ending);
    }

    /// Those whose prefix ends `head`, in any case, and where it begins.
    #[inline]
    fn ending<'f>(
        &'f self,
        catalog: &'f Catalog,
        head: &'f [u8],
    ) -> impl Iterator<Item = (FamilyId, usize)> + 'f {
        let bytes = last_bytes(head);
        let group = self.group[pair((bytes >> 8) as u8, bytes as u8)];
        self.groups[usize::from(group)].iter().filter_map(move |ending| {
            if (ending.bytes ^ bytes) & ending.mask != 0 {
                return None;
            }
            let start = head.len().checked_sub(usize::from(ending.length))?;
            let prefix = || catalog.family(ending.family).prefix.as_bytes();
            (ending.whole || head[start..].eq_ignore_ascii_case(prefix())).then_some((ending.family, start))
        })
    }

    /// Whether all of `text` fits a family, as [`Catalog::family_of`] has it.
    pub fn have(&self, catalog: &Catalog, text: &[u8]) -> bool {
        memchr::memchr_iter(b'.', text).any(|dot| {
            self.ending(catalog, &text[..dot]).any(|(family, start)| {
                let grammar = &catalog.family(family).grammar;
                start == 0 && grammar.read(&text[dot + 1..]).is_some_and(|n| dot + 1 + n.len == text.len())
            })
        })
    }
}

/// Gives `found` every code at `place`: one at most in practice; two where
/// one family's prefix ends with another's and an escape stands between.
#[inline]
pub fn at_place(
    catalog: &Catalog,
    families: &Families,
    hay: &[u8],
    place: usize,
    mut found: impl FnMut(Sighting),
) {
    if hay[place] == b'.' {
        for (family, start) in families.ending(catalog, &hay[..place]) {
            let known = catalog.family(family);
            if let Ok(number) = judge_digits(known, hay, start, place) {
                let what = match known.code(number.value) {
                    Some(code) => What::Known(code),
                    None => What::Unlisted(family, number.status),
                };
                found(Sighting { start, end: place + 1 + number.len, what });
            }
        }
    } else if let Ok((start, end)) = discovery::value(hay, place)
        && !families.have(catalog, &hay[start..end])
    {
        found(Sighting { start, end, what: What::Discovered });
    }
}

/// The spelling that a sighting is reported with, written over `out`.
pub fn spell(catalog: &Catalog, hay: &[u8], sighting: &Sighting, out: &mut String) {
    out.clear();
    match sighting.what {
        What::Known(code) => out.push_str(&catalog.code(code).spelling),
        What::Unlisted(family, _) => {
            let prefix = &catalog.family(family).prefix;
            out.push_str(prefix);
            // Digits and dots only.
            out.extend(hay[sighting.start + prefix.len()..sighting.end].iter().map(|&b| char::from(b)));
        }
        What::Discovered => out.extend(hay[sighting.start..sighting.end].iter().map(|&b| char::from(b))),
    }
}

/// The service of a discovered code: what stands before its first dot, in
/// upper case.
pub fn discovered_service(spelling: &str) -> String {
    spelling.split('.').next().unwrap_or(spelling).to_ascii_uppercase()
}

/// The category of a code that the catalog does not have.
pub fn inferred_category(status: Option<u16>) -> Category {
    status.and_then(Category::infer).unwrap_or(Category::Unknown)
}
