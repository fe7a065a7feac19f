//! Places by aho-corasick: the ends of the prefixes with their dots, in every
//! case, and the middles of the keys.
//!
//! As Teddy, aho-corasick's SIMD form, where the processor has it (SSSE3 or
//! NEON) and the patterns are few enough; its buckets go by the low half of
//! each byte, which upper and lower case share, so that the spellings cost
//! nothing. Else as its automaton.

use aho_corasick::{AhoCorasick, Span, packed};
use memchr::memchr_iter;

use crate::catalog::Catalog;

/// What every error-code key holds once, from its last `r` on.
pub const KEY_MIDDLES: [&str; 3] = ["r_code", "rCode", "r_id"];

/// Most patterns that Teddy takes. Its own heuristic limit of 64 is drawn for
/// patterns that spread over the buckets; ours share them.
const MAX_TEDDY_PATTERNS: usize = 120;

#[derive(Debug)]
pub(super) struct Literal {
    search: Search,
}

#[derive(Debug)]
enum Search {
    Teddy(packed::Searcher),
    Automaton(AhoCorasick),
    Nothing,
}

impl Literal {
    pub(super) fn new(catalog: &Catalog, discovery: bool) -> Literal {
        // Two bytes of a prefix are rarer than one; with very many families
        // one is what still fits: there are only so many letters.
        let mut patterns = patterns(catalog, 2, discovery);
        if patterns.len() > MAX_TEDDY_PATTERNS {
            patterns = self::patterns(catalog, 1, discovery);
        }
        if patterns.is_empty() {
            return Literal { search: Search::Nothing };
        }
        let teddy = packed::Config::new()
            .only_teddy(true)
            .heuristic_pattern_limits(false)
            .builder()
            .extend(&patterns)
            .build();
        let search = match teddy {
            Some(teddy) => Search::Teddy(teddy),
            None => Search::Automaton(AhoCorasick::new(&patterns).expect("a few hundred bytes of patterns")),
        };
        Literal { search }
    }

    pub(super) fn name(&self) -> &'static str {
        match self.search {
            Search::Teddy(_) => "teddy",
            Search::Automaton(_) => "automaton",
            Search::Nothing => "nothing",
        }
    }

    pub(super) fn run(&self, block: &[u8], places: &mut Vec<u32>) -> usize {
        let mut from = 0;
        while let Some((start, end)) = self.find(block, from) {
            let place = if block[end - 1] == b'.' { end - 1 } else { start };
            places.push(place as u32);
            from = start + 1;
        }
        memchr_iter(b'\n', block).count()
    }

    fn find(&self, block: &[u8], from: usize) -> Option<(usize, usize)> {
        let span = Span { start: from, end: block.len() };
        match &self.search {
            Search::Teddy(teddy) => teddy.find_in(block, span).map(|m| (m.start(), m.end())),
            Search::Automaton(automaton) => {
                automaton.find(aho_corasick::Input::new(block).span(span)).map(|m| (m.start(), m.end()))
            }
            Search::Nothing => None,
        }
    }
}

/// The last `length` bytes of each prefix with the dot, in every case, and
/// the middles of the keys. None begins another, so that none hides another.
fn patterns(catalog: &Catalog, length: usize, discovery: bool) -> Vec<Vec<u8>> {
    let mut endings: Vec<Vec<u8>> = Vec::new();
    for family in catalog.families() {
        let prefix = family.prefix.to_ascii_lowercase();
        let mut ending = prefix.as_bytes()[prefix.len().saturating_sub(length)..].to_vec();
        ending.push(b'.');
        if !endings.contains(&ending) {
            endings.push(ending);
        }
    }
    // Where one ending ends another, the shorter one finds both, and each
    // place is found once.
    let all = endings.clone();
    endings.retain(|long| !all.iter().any(|short| short.len() < long.len() && long.ends_with(short)));
    let mut patterns: Vec<Vec<u8>> = endings.iter().flat_map(|e| spellings(e)).collect();
    if discovery {
        patterns.extend(KEY_MIDDLES.iter().map(|k| k.as_bytes().to_vec()));
    }
    patterns
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
