//! What somebody meant who has mistyped a code: another separator or none, a
//! zero for an `O`, a digit too few or too many, a prefix that is nearly one.

use super::{Catalog, CodeId, Family, FamilyId};
use crate::yaml::distance;

/// Codes and families that are named at most, of each kind.
const MOST: usize = 3;

/// Known codes that are shown beside them.
const MOST_NEAR: usize = 5;

/// The longest text that is taken for a code.
const MAX_BYTES: usize = 64;

/// What a text may have been meant to be. All of it is empty where it is like no code.
#[derive(Clone, Debug, Default)]
pub struct Meant {
    /// Codes of these families, as those spell them; known ones first, at most three.
    pub spellings: Vec<(FamilyId, String)>,
    /// Families whose prefix it has, with another number of digits: at most three prefixes, all
    /// families of each.
    pub lengths: Vec<FamilyId>,
    /// How many digits it has behind that prefix.
    pub digits: usize,
    /// Families whose prefix is nearly its own, the nearest first, at most three.
    pub alike: Vec<FamilyId>,
    /// Known codes that are near it, the nearest first.
    pub near: Vec<CodeId>,
}

impl Meant {
    /// By `text`, which is no code of a family as it stands.
    pub fn new(catalog: &Catalog, text: &str) -> Meant {
        let Some(folded) = folded(text) else { return Meant::default() };
        let mut meant = Meant::default();
        for (id, family) in prefixed(catalog) {
            let Some(rest) = folded.strip_prefix(&*folded_or_empty(family.stem())) else { continue };
            if let Some(digits) = family.grammar.mended(rest, fold) {
                meant.spellings.push((id, format!("{}{digits}", family.stem())));
            } else if let Some(digits) = family.grammar.miscounted(rest, fold) {
                meant.lengths.push(id);
                meant.digits = digits;
            }
        }
        meant.spellings.sort_by_key(|(_, spelling)| catalog.find(spelling).is_none());
        meant.spellings.truncate(MOST);
        if meant.spellings.is_empty() && meant.lengths.is_empty() {
            meant.take_alike(catalog, text);
        } else {
            // A spelling says more than a count.
            if !meant.spellings.is_empty() {
                meant.lengths.clear();
            }
            meant.near = near(catalog, &meant, &folded);
        }
        meant.limit_prefixes(catalog);
        meant
    }

    /// Families with a prefix that differs in a letter from what stands before the digits.
    fn take_alike(&mut self, catalog: &Catalog, text: &str) {
        let stem = text.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let digits = text[stem.len()..].trim_start_matches('.');
        let Some(prefix) = folded(stem).filter(|prefix| prefix.len() > 2 && digits.len() > 2) else { return };
        let may_differ = if prefix.len() > 5 { 2 } else { 1 };
        let mut alike: Vec<_> = prefixed(catalog)
            .filter_map(|(id, family)| {
                let of_family = folded_or_empty(&family.prefix);
                let far = if is_swapped(&prefix, &of_family) { 1 } else { distance(&prefix, &of_family) };
                let code = catalog.find(&format!("{}{digits}", family.stem()));
                (far <= may_differ).then_some((far, code.is_none(), id, code))
            })
            .collect();
        alike.sort_unstable();
        alike.truncate(MOST);
        self.alike = alike.iter().map(|&(_, _, id, _)| id).collect();
        self.near = alike.into_iter().filter_map(|(_, _, _, code)| code).collect();
    }

    /// Keeps the families of few prefixes.
    fn limit_prefixes(&mut self, catalog: &Catalog) {
        let mut stems: Vec<&str> = Vec::new();
        self.lengths.retain(|&id| {
            let stem = catalog.family(id).stem();
            let known = stems.contains(&stem);
            if !known && stems.len() < MOST {
                stems.push(stem);
            }
            known || stems.contains(&stem)
        });
    }

    /// One sentence after the other, without full stops; none where there is nothing like it.
    pub fn sentences(&self, catalog: &Catalog) -> Vec<String> {
        let named = |&id: &FamilyId| {
            let family = catalog.family(id);
            format!("{family} of {}", catalog.service(family.service).name)
        };
        let mut sentences = Vec::new();
        let spellings: Vec<_> = self.spellings.iter().map(|(_, spelling)| format!("`{spelling}`")).collect();
        if let Some((id, spelling)) = self.spellings.first() {
            sentences.push(format!("did you mean {}?", either(&spellings)));
            if catalog.find(spelling).is_none() {
                sentences
                    .push(format!("it would fit {}, but the catalog does not have that code", named(id)));
            }
        }
        for of_prefix in self.lengths.chunk_by(|&a, &b| catalog.family(a).stem() == catalog.family(b).stem())
        {
            let mut lengths: Vec<_> =
                of_prefix.iter().map(|&id| catalog.family(id).grammar.digits()).collect();
            lengths.sort_unstable();
            lengths.dedup();
            let lengths: Vec<_> = lengths.iter().map(usize::to_string).collect();
            let (families, have) =
                if of_prefix.len() == 1 { ("family", "has") } else { ("families", "have") };
            let names: Vec<_> = of_prefix.iter().map(named).collect();
            sentences.push(format!(
                "the {families} {} {have} {} digits, and here are {}",
                names.join(", "),
                either(&lengths),
                self.digits
            ));
        }
        if !self.alike.is_empty() {
            let names: Vec<_> = self.alike.iter().map(named).collect();
            sentences.push(format!("families whose prefix is like its own: {}", names.join(", ")));
        }
        sentences
    }
}

/// `a`, `a or b`, `a, b or c`.
fn either(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        words => words.concat(),
    }
}

/// The families that have a prefix: numbers alone are like any number.
fn prefixed(catalog: &Catalog) -> impl Iterator<Item = (FamilyId, &Family)> {
    let families = catalog.families().iter().enumerate().filter(|(_, family)| !family.prefix.is_empty());
    families.map(|(i, family)| (FamilyId(i as u32), family))
}

/// Known codes of the families that were meant, those first whose spelling differs least.
fn near(catalog: &Catalog, meant: &Meant, folded: &str) -> Vec<CodeId> {
    let is_meant =
        |id: &FamilyId| meant.spellings.iter().any(|(of, _)| of == id) || meant.lengths.contains(id);
    let codes = catalog.codes().iter().enumerate().filter(|(_, code)| is_meant(&code.family));
    let far = codes.map(|(i, code)| (distance(folded, &folded_or_empty(&code.spelling)), CodeId(i as u32)));
    let mut near: Vec<_> = far.collect();
    near.sort_unstable();
    near.truncate(MOST_NEAR);
    near.into_iter().map(|(_, code)| code).collect()
}

/// Whether two neighbours stand the other way round, and nothing else differs.
fn is_swapped(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let Some(at) = a.iter().zip(b).position(|(a, b)| a != b) else { return false };
    let pair = |text: &[u8]| text.get(at..at + 2).map(|pair| [pair[0], pair[1]]);
    let turned = pair(b).map(|[first, second]| [second, first]);
    a.len() == b.len() && pair(a) == turned && turned.is_some() && a[at + 2..] == b[at + 2..]
}

/// Upper case, and the digit that a letter looks like.
fn fold(byte: u8) -> u8 {
    match byte.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        byte => byte,
    }
}

/// `text` without its separators, each letter folded; nothing where it cannot be a code.
fn folded(text: &str) -> Option<String> {
    let is_separator = |b: u8| b"._-: ".contains(&b);
    let is_short = (1..=MAX_BYTES).contains(&text.len());
    let is_code = is_short && text.bytes().all(|b| b.is_ascii_alphanumeric() || is_separator(b));
    let kept = text.bytes().filter(|&b| !is_separator(b));
    is_code.then(|| kept.map(|b| char::from(fold(b))).collect())
}

/// As [`folded`], of what the catalog has.
fn folded_or_empty(text: &str) -> String {
    folded(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Vec<String>, Vec<String>) {
        let catalog = Catalog::embedded().expect("a catalog");
        let meant = Meant::new(&catalog, text);
        let near = meant.near.iter().map(|&id| catalog.code(id).spelling.to_string()).collect();
        (meant.sentences(&catalog), near)
    }

    #[test]
    fn separators_and_letters_like_digits_are_mended() {
        for text in
            ["CCE-01429002", "CCE01429002", "cce_01429002", "CCE 01429002", "CCE.0l4290O2", "CCE:01429002"]
        {
            let (sentences, near) = of(text);
            assert_eq!(sentences, ["did you mean `CCE.01429002`?"], "{text}");
            assert_eq!(near.first().map(String::as_str), Some("CCE.01429002"), "{text}");
        }
        assert_eq!(of("CCI-02-409101").0[0], "did you mean `CCI.02.409101`?");
        assert_eq!(of("CC1.02409101").0[0], "did you mean `CCI.02.409101`?");
        assert_eq!(of("drs-m05006").0[0], "did you mean `DRS.M05006`?");
        assert_eq!(
            of("CCE-09404999").0[1],
            "it would fit CCE.MMSSSNNN of CCE, but the catalog does not have that code"
        );
    }

    #[test]
    fn digits_are_counted() {
        for (text, digits) in [("CCE.0142902", 7), ("CCE-014290022", 9)] {
            let (sentences, near) = of(text);
            let sentence = format!("the family CCE.MMSSSNNN of CCE has 8 digits, and here are {digits}");
            assert_eq!(sentences, [sentence]);
            assert_eq!((near[0].as_str(), near.len()), ("CCE.01429002", 5), "{near:?}");
        }
        let (sentences, _) = of("AOM.00001");
        assert!(sentences[0].contains("have 4, 7 or 8 digits, and here are 5"), "{sentences:?}");
        assert!(of("DRS.M5006").0[0].contains("has 5 digits, and here are 4"));
    }

    #[test]
    fn prefixes_that_are_nearly_one_are_named_and_others_not() {
        let (sentences, near) = of("Esc.0114");
        assert!(sentences[0].contains("like its own: Ecs.NNNN of ECS"), "{sentences:?}");
        assert_eq!(near.first().map(String::as_str), Some("Ecs.0114"), "{near:?}");
        assert!(!is_swapped("ABC", "CBA") && !is_swapped("AB", "A") && !is_swapped("AB", "AC"));
        assert!(is_swapped("XAB", "XBA") && !is_swapped("AB", "AB") && !is_swapped("ABC", "BAD"));
        let (sentences, near) = of("ModelArt.0104");
        assert!(sentences[0].contains("ModelArts.NNNN of MODELARTS"), "{sentences:?} {near:?}");
        for text in ["", "FOO.0003", "hello", "12345", "no such text", "é.0001", &"9".repeat(100)] {
            assert_eq!(of(text), (vec![], vec![]), "{text}");
        }
    }
}
