//! Places by aho-corasick: the ends of the prefixes with their separators, in
//! every case, and the middles of the keys.
//!
//! As Teddy, aho-corasick's SIMD form, where the processor has it (SSSE3 or
//! NEON) and the patterns are few enough; its buckets go by the low half of
//! each byte, which upper and lower case share, so that the spellings cost
//! nothing. Else as its automaton.

use aho_corasick::{AhoCorasick, MatchKind, Span, packed};
use memchr::memchr_iter;

use super::shape::{first_bytes, key_middle};
use crate::catalog::{Catalog, Family};
use crate::classify::discovery::Keys;
use crate::join::stretch::is_suspect;

/// Most patterns that Teddy takes. Its own heuristic limit of 64 is drawn for
/// patterns that spread over the buckets; ours share them.
const MAX_TEDDY_PATTERNS: usize = 120;

#[derive(Debug)]
pub(super) struct Literal {
    search: Search,
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
enum Search {
    Teddy(packed::Searcher),
    Automaton(AhoCorasick),
    Nothing,
}

/// What is searched for, and how far from its start the place is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    bytes: Vec<u8>,
    place: usize,
}

impl Literal {
    pub(super) fn new(catalog: &Catalog, keys: &Keys) -> Literal {
        // Two bytes of a prefix are rarer than one; with very many families
        // one is what still fits: there are only so many letters.
        let mut patterns = patterns(catalog, 2, keys);
        if patterns.len() > MAX_TEDDY_PATTERNS {
            patterns = self::patterns(catalog, 1, keys);
        }
        if patterns.is_empty() {
            return Literal { search: Search::Nothing, patterns };
        }
        let bytes = || patterns.iter().map(|p| &p.bytes);
        let teddy = packed::Config::new()
            .only_teddy(true)
            .heuristic_pattern_limits(false)
            .builder()
            .extend(bytes())
            .build()
            .filter(|_| none_begins_another(&patterns));
        let search = match teddy {
            Some(teddy) => Search::Teddy(teddy),
            None => Search::Automaton(
                AhoCorasick::builder()
                    .match_kind(MatchKind::Standard)
                    .build(bytes())
                    .expect("a few thousand bytes of patterns"),
            ),
        };
        Literal { search, patterns }
    }

    pub(super) fn name(&self) -> &'static str {
        match self.search {
            Search::Teddy(_) => "teddy",
            Search::Automaton(_) => "automaton",
            Search::Nothing => "nothing",
        }
    }

    pub(super) fn run(&self, block: &[u8], places: &mut Vec<u32>) -> usize {
        match &self.search {
            Search::Teddy(teddy) => {
                let mut span = Span { start: 0, end: block.len() };
                while let Some(found) = teddy.find_in(block, span) {
                    self.push(found.pattern().as_usize(), found.start(), places);
                    span.start = found.start() + 1;
                }
            }
            Search::Automaton(automaton) => {
                for found in automaton.find_overlapping_iter(block) {
                    self.push(found.pattern().as_usize(), found.start(), places);
                }
            }
            Search::Nothing => {}
        }
        let mut newlines = 0;
        for at in memchr_iter(b'\n', block) {
            newlines += 1;
            if block.get(at + 1).is_some_and(|&byte| is_suspect(byte)) {
                places.push(at as u32);
            }
        }
        places.sort_unstable();
        places.dedup();
        newlines
    }

    fn push(&self, pattern: usize, start: usize, places: &mut Vec<u32>) {
        places.push((start + self.patterns[pattern].place) as u32);
    }
}

/// Whether each start has one pattern at most, which is all that Teddy tells of.
fn none_begins_another(patterns: &[Pattern]) -> bool {
    patterns.iter().all(|short| {
        patterns.iter().all(|long| std::ptr::eq(short, long) || !long.bytes.starts_with(&short.bytes))
    })
}

/// The last `length` bytes of each prefix with the separator, in every case, and
/// the middles of the keys.
fn patterns(catalog: &Catalog, length: usize, keys: &Keys) -> Vec<Pattern> {
    let mut lower: Vec<Pattern> = Vec::new();
    for family in catalog.families().iter().filter(|f| !f.prefix.is_empty()) {
        lower.extend(of_family(family, length));
    }
    if keys.any_with_cod() {
        lower.push(Pattern { bytes: b"cod".to_vec(), place: 1 });
    }
    for key in keys.exact() {
        lower.push(Pattern { bytes: key_middle(key.as_bytes()).to_vec(), place: 1 });
    }
    // Where one ends another and the place is the same, the shorter one finds both.
    let finds = |short: &Pattern, long: &Pattern| {
        short.bytes.len() < long.bytes.len()
            && long.bytes.ends_with(&short.bytes)
            && long.bytes.len() - long.place == short.bytes.len() - short.place
    };
    let all = lower.clone();
    lower.retain(|long| !all.iter().any(|short| finds(short, long)));
    let mut patterns = Vec::new();
    for pattern in lower {
        for bytes in spellings(&pattern.bytes) {
            let spelled = Pattern { bytes, place: pattern.place };
            if !patterns.contains(&spelled) {
                patterns.push(spelled);
            }
        }
    }
    patterns
}

/// Of a family without a separator, the end of its prefix and what comes first
/// behind it.
fn of_family(family: &Family, length: usize) -> Vec<Pattern> {
    let prefix = family.prefix.to_ascii_lowercase().into_bytes();
    let ending = &prefix[prefix.len().saturating_sub(length)..];
    if family.separator.is_empty() {
        let first = first_bytes(family.grammar.first());
        let bytes = first.iter().map(|b| [ending, &[b.to_ascii_lowercase()]].concat());
        return bytes.map(|bytes| Pattern { place: bytes.len() - 1, bytes }).collect();
    }
    let bytes = [ending, family.separator.as_bytes()].concat();
    vec![Pattern { place: bytes.len() - 1, bytes }]
}

/// Every spelling of `lower` in upper and lower case.
fn spellings(lower: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    for &byte in lower {
        let upper = byte.to_ascii_uppercase();
        let choices = if upper == byte { vec![byte] } else { vec![upper, byte] };
        all = all.iter().flat_map(|s| choices.iter().map(|&b| [s.as_slice(), &[b]].concat())).collect();
    }
    all
}
