//! Where a code may stand: a literal search over a whole block of input.
//!
//! An *anchor* is the end of a family's prefix with its dot (`cs.` of `Ecs.`
//! and `CS.`, in every case), or the rare middle of an error-code key. Both
//! are few and short whatever the catalog holds, so that the search runs as
//! Teddy, aho-corasick's SIMD form; its buckets go by the low half of each
//! byte, which upper and lower case share, so the spellings cost nothing.
//! Where Teddy is not to be had (other processors), the automaton finds the
//! same anchors.

use aho_corasick::{AhoCorasick, MatchKind, Span, packed};

use crate::catalog::Catalog;

/// The middles of the error-code keys: each key holds exactly one of these,
/// and they are rarer in logs than their beginnings (`err`).
pub const KEY_ANCHORS: [&str; 3] = ["r_code", "rCode", "or_id"];

/// Most patterns that Teddy is asked to take. Its own heuristic limit is 64,
/// drawn for patterns that spread over the buckets; ours share them.
const MAX_TEDDY_PATTERNS: usize = 120;

/// Bytes of a long anchor, the dot included.
const LONG_ANCHOR: usize = 3;

/// An occurrence of an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its first byte.
    pub start: usize,
    /// Where it ends (the byte after it). For a family, the byte after the dot.
    pub end: usize,
    /// What it may be part of.
    pub kind: AnchorKind,
}

/// What an anchor may be part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorKind {
    /// The group of families whose prefixes end so.
    Families(u32),
    /// An error-code key.
    Key,
}

/// The search for anchors.
#[derive(Debug)]
pub struct Anchors {
    search: Search,
    kinds: Vec<AnchorKind>,
    /// Families by group, as positions in the catalog, longest prefix first.
    groups: Vec<Vec<u32>>,
}

#[derive(Debug)]
enum Search {
    Teddy(packed::Searcher),
    Automaton(AhoCorasick),
    Nothing,
}

impl Anchors {
    /// The anchors of all families of `catalog`, and of the keys where
    /// `discovery` is on.
    pub fn new(catalog: &Catalog, discovery: bool) -> Anchors {
        let long = Plan::new(catalog, LONG_ANCHOR, discovery);
        // With many families, anchors of one letter and the dot: never more
        // than one per letter, digit, hyphen and underscore.
        let plan =
            if long.patterns.len() <= MAX_TEDDY_PATTERNS { long } else { Plan::new(catalog, 2, discovery) };
        plan.build()
    }

    /// The families of a group, longest prefix first.
    pub fn families(&self, group: u32) -> &[u32] {
        &self.groups[group as usize]
    }

    /// Which search runs, for `explain` and for tests.
    pub fn name(&self) -> &'static str {
        match self.search {
            Search::Teddy(_) => "teddy",
            Search::Automaton(_) => "automaton",
            Search::Nothing => "nothing",
        }
    }

    /// The first anchor that starts at `from` or later.
    #[inline]
    pub fn find(&self, haystack: &[u8], from: usize) -> Option<Anchor> {
        let span = Span { start: from, end: haystack.len() };
        let m = match &self.search {
            Search::Teddy(teddy) => teddy.find_in(haystack, span),
            Search::Automaton(automaton) => automaton.find(aho_corasick::Input::new(haystack).span(span)),
            Search::Nothing => None,
        }?;
        Some(Anchor { start: m.start(), end: m.end(), kind: self.kinds[m.pattern().as_usize()] })
    }
}

/// Patterns with what each stands for.
struct Plan {
    patterns: Vec<Vec<u8>>,
    kinds: Vec<AnchorKind>,
    groups: Vec<Vec<u32>>,
}

impl Plan {
    fn new(catalog: &Catalog, length: usize, discovery: bool) -> Plan {
        let mut endings: Vec<Vec<u8>> = Vec::new();
        let mut groups: Vec<Vec<u32>> = Vec::new();
        for (i, family) in catalog.families().iter().enumerate() {
            let prefix = family.prefix.to_ascii_lowercase();
            let cut = prefix.len().saturating_sub(length - 1);
            let ending = prefix.as_bytes()[cut..].to_vec();
            let group = endings.iter().position(|e| *e == ending).unwrap_or_else(|| {
                endings.push(ending);
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[group].push(i as u32);
        }
        // A short prefix (`S`) is also the end of longer ones (`CSS`), whose
        // own anchor begins earlier: the shorter anchor would be found inside
        // it and must lead to both.
        for short in 0..endings.len() {
            for long in 0..endings.len() {
                if endings[long].len() > endings[short].len() && endings[long].ends_with(&endings[short]) {
                    let more = groups[long].clone();
                    groups[short].extend(more);
                }
            }
        }
        let absorbed: Vec<bool> = (0..endings.len())
            .map(|long| {
                endings
                    .iter()
                    .any(|short| short.len() < endings[long].len() && endings[long].ends_with(short))
            })
            .collect();
        let mut plan = Plan { patterns: Vec::new(), kinds: Vec::new(), groups };
        for (i, ending) in endings.iter().enumerate() {
            let prefixes = catalog.families();
            plan.groups[i].sort_by_key(|&f| std::cmp::Reverse(prefixes[f as usize].prefix.len()));
            if !absorbed[i] {
                for mut spelling in spellings(ending) {
                    spelling.push(b'.');
                    plan.patterns.push(spelling);
                    plan.kinds.push(AnchorKind::Families(i as u32));
                }
            }
        }
        if discovery {
            for key in KEY_ANCHORS {
                plan.patterns.push(key.into());
                plan.kinds.push(AnchorKind::Key);
            }
        }
        plan
    }

    fn build(self) -> Anchors {
        let search = if self.patterns.is_empty() {
            Search::Nothing
        } else {
            let teddy = packed::Config::new()
                .match_kind(packed::MatchKind::LeftmostFirst)
                .only_teddy(true)
                .heuristic_pattern_limits(false)
                .builder()
                .extend(&self.patterns)
                .build();
            match teddy {
                Some(teddy) => Search::Teddy(teddy),
                None => Search::Automaton(
                    AhoCorasick::builder()
                        .match_kind(MatchKind::LeftmostFirst)
                        .build(&self.patterns)
                        // A few hundred short patterns are far below its limits.
                        .expect("anchors fit an automaton"),
                ),
            }
        };
        Anchors { search, kinds: self.kinds, groups: self.groups }
    }
}

/// Every spelling of `lower` in upper and lower case.
fn spellings(lower: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    for &byte in lower {
        let upper = byte.to_ascii_uppercase();
        let mut next = Vec::new();
        for spelling in all {
            for b in if upper == byte { vec![byte] } else { vec![upper, byte] } {
                let mut longer = spelling.clone();
                longer.push(b);
                next.push(longer);
            }
        }
        all = next;
    }
    all
}
