//! Which codes somebody means who has a part of a code, of a message or of
//! what to do: one search for the command line and for the pages.
//!
//! A message is found by a part of it, in any case; where it has placeholders,
//! also by what a record has in their place. Several words that stand nowhere
//! together are found where each of them stands, if only there.

use memchr::memmem::Finder;

use super::{Catalog, Category, CodeId, Row, RowId, ServiceId, status_label, template};

/// Bytes of a message that have to be there word for word where the rest are values.
const MIN_LITERAL_BYTES: usize = 8;

/// Letters of a word that says something of its own.
const MIN_WORD_CHARS: usize = 4;

/// What is looked for. Without services, categories or text: all.
#[derive(Clone, Debug)]
pub struct Search {
    services: Vec<ServiceId>,
    categories: Vec<Category>,
    text: String,
    /// Finds it.
    finder: Finder<'static>,
    /// What stands between placeholders, where somebody copied a message with its own.
    pieces: Vec<String>,
    words: Vec<String>,
}

/// How well a row fits, the best first: by the kind of fit, then by how much of
/// message and text do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank(Fit, usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    All,
    Code,
    WholeMessage,
    StartOfCode,
    Message,
    PartOfCode,
    Action,
    Words,
}

/// A code with the row of it that fits best.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The code.
    pub code: CodeId,
    /// The row: of those that fit equally well the default, else the first.
    pub row: RowId,
}

impl Search {
    /// Rows of these services and categories with this text; what is empty restricts nothing.
    pub fn new(services: Vec<ServiceId>, categories: Vec<Category>, text: &str) -> Search {
        let text = normal(text);
        let placed = text.contains('…') || template::readable(&text) != text;
        let parts = text.split('…').map(|part| part.trim_matches(['[', ']', ' ']));
        let pieces = parts.flat_map(template::pieces).map(str::to_owned);
        let words = text.split(' ').map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
        let words = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let pieces = if placed { pieces.collect() } else { Vec::new() };
        let finder = Finder::new(&text).into_owned();
        Search { services, categories, text, finder, pieces, words }
    }

    /// Every row that fits, in the order of the catalog; where a text was looked for, those of files
    /// beside the built-in catalog first.
    pub fn rows<'c>(&self, catalog: &'c Catalog) -> Vec<&'c Row> {
        let mut rows: Vec<_> = self.ranked(catalog).into_iter().map(|(_, id)| catalog.row(id)).collect();
        if !self.text.is_empty() {
            rows.sort_by_key(|row| row.place.is_none());
        }
        rows
    }

    /// Whether `shown`, of a row that fits, has the text or each of its words.
    pub fn stands_in(&self, shown: &str) -> bool {
        let shown = normal(shown);
        let words = || self.words.iter().all(|word| shown.contains(word.as_str()));
        self.is_in(&shown) || (!self.words.is_empty() && words())
    }

    /// Every code with a row that fits: the best first, of equals those of files beside the built-in
    /// catalog, then as the catalog has them.
    pub fn find(&self, catalog: &Catalog) -> Vec<Found> {
        let mut found: Vec<(Rank, Found)> = Vec::new();
        let ranked = self.ranked(catalog);
        for of_code in ranked.chunk_by(|(_, a), (_, b)| catalog.code_of(*a) == catalog.code_of(*b)) {
            let best = of_code.iter().min_by_key(|(rank, id)| (*rank, !catalog.row(*id).default));
            found.extend(best.map(|&(rank, row)| (rank, Found { code: catalog.code_of(row), row })));
        }
        found.sort_by_key(|(rank, found)| (*rank, catalog.row(found.row).place.is_none()));
        found.into_iter().map(|(_, found)| found).collect()
    }

    /// The rows that have the text as it is, else those that have each of its words.
    fn ranked(&self, catalog: &Catalog) -> Vec<(Rank, RowId)> {
        let rows = || catalog.rows().iter().enumerate().filter(|(_, row)| self.is_of(row));
        let of = |(i, rank): (usize, Option<Rank>)| Some((rank?, RowId(i as u32)));
        let ranked: Vec<_> = rows().map(|(i, row)| (i, self.rank(catalog, row))).filter_map(of).collect();
        if !ranked.is_empty() || self.words.len() < 2 {
            return ranked;
        }
        rows()
            .map(|(i, row)| (i, self.has_words(catalog, row).then_some(Rank(Fit::Words, 0))))
            .filter_map(of)
            .collect()
    }

    fn is_of(&self, row: &Row) -> bool {
        (self.services.is_empty() || self.services.contains(&row.service))
            && (self.categories.is_empty() || self.categories.contains(&row.category))
    }

    fn rank(&self, catalog: &Catalog, row: &Row) -> Option<Rank> {
        if self.text.is_empty() {
            return Some(Rank(Fit::All, 0));
        }
        let code = catalog.code(row.code).spelling.to_ascii_lowercase();
        let in_code = match self.finder.find(code.as_bytes()) {
            Some(_) if code.len() == self.text.len() => Some(Rank(Fit::Code, 0)),
            Some(0) => Some(Rank(Fit::StartOfCode, 0)),
            Some(_) => Some(Rank(Fit::PartOfCode, 0)),
            None => None,
        };
        let best = in_code.into_iter().chain(self.in_message(&normal(&row.message))).min();
        best.or_else(|| self.is_in(&small(&row.action)).then_some(Rank(Fit::Action, 0)))
    }

    /// At most `most` codes whose message has at least half of the text's words, for a text that
    /// finds none; those with most of them first.
    pub fn near(&self, catalog: &Catalog, most: usize) -> Vec<Found> {
        let telling = |word: &&String| word.chars().count() >= MIN_WORD_CHARS;
        let words: Vec<&String> = self.words.iter().filter(telling).collect();
        let shared = |code: &super::Code| {
            let rows = code.rows.clone().filter(|&id| self.is_of(catalog.row(RowId(id)))).map(|id| {
                let message = normal(&catalog.row(RowId(id)).message);
                (words.iter().filter(|word| message.contains(word.as_str())).count(), id)
            });
            rows.max_by_key(|&(shared, id)| (shared, std::cmp::Reverse(id))).unwrap_or_default()
        };
        let codes = catalog.codes().iter().enumerate().map(|(i, code)| (shared(code), CodeId(i as u32)));
        let mut near: Vec<_> =
            codes.filter(|((shared, _), _)| *shared > 0 && shared * 2 >= words.len()).collect();
        near.sort_by_key(|((shared, _), _)| std::cmp::Reverse(*shared));
        near.truncate(most);
        near.into_iter().map(|((_, row), code)| Found { code, row: RowId(row) }).collect()
    }

    fn is_in(&self, text: &str) -> bool {
        self.finder.find(text.as_bytes()).is_some()
    }

    fn in_message(&self, message: &str) -> Option<Rank> {
        let text = self.text.as_str();
        let rank = |literal: usize| {
            let rest = (message.len() + text.len()).saturating_sub(2 * literal);
            Rank(if rest == 0 { Fit::WholeMessage } else { Fit::Message }, rest)
        };
        if self.is_in(message) {
            return Some(rank(text.len()));
        }
        if !self.pieces.is_empty() && in_order(message, self.pieces.iter().map(String::as_str)) {
            return Some(rank(self.pieces.iter().map(String::len).sum()));
        }
        if !template::may_have_values(message) {
            let whole = message.len() >= MIN_LITERAL_BYTES && text.contains(message);
            return whole.then(|| Rank(Fit::Message, text.len() - message.len()));
        }
        let (literal, whole) = filled(&template::pieces(message), text)?;
        Some(if whole {
            Rank(Fit::WholeMessage, text.len() - literal)
        } else {
            Rank(Fit::Message, rank(literal).1)
        })
    }

    fn has_words(&self, catalog: &Catalog, row: &Row) -> bool {
        let service = catalog.service_of(row);
        let code = &catalog.code(row.code).spelling;
        let texts = [code, &row.message, &row.action].map(|text| small(text));
        let names = [&service.name, &service.full_name].map(|name| small(name));
        let status = status_label(row.http_status);
        let stands = |word: &String| {
            texts.iter().chain(&names).any(|text| text.contains(word.as_str()))
                || *word == status
                || word == row.category.as_str()
        };
        self.words.iter().all(stands)
    }
}

/// The service of this name, in any case.
pub fn service_named(catalog: &Catalog, name: &str) -> Option<ServiceId> {
    let at = catalog.services().iter().position(|service| service.name.eq_ignore_ascii_case(name))?;
    Some(ServiceId(at as u32))
}

/// In small letters.
fn small(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() }
}

/// In small letters, with one blank where there are several, and no full stop at its end.
fn normal(text: &str) -> String {
    let mut out = small(text);
    let mut before = b' ';
    let is_even = |b: u8| {
        let blanks = [std::mem::replace(&mut before, b), b] == *b"  ";
        (b' '..0x80).contains(&b) && !blanks
    };
    if !out.bytes().all(is_even) || out.ends_with(' ') {
        out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let kept = out.strip_suffix('.').map_or(out.len(), str::len);
    out.truncate(kept);
    out
}

fn in_order<'p>(text: &str, mut pieces: impl Iterator<Item = &'p str>) -> bool {
    let mut rest = text;
    pieces.all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// Where `text` is a part of what a message of these pieces says, with values between and around
/// them, or has the whole message in it: how many bytes are the message's own, and whether all of
/// it is there.
fn filled(pieces: &[&str], text: &str) -> Option<(usize, bool)> {
    let telling = pieces.iter().any(|piece| piece.len() >= MIN_LITERAL_BYTES);
    let mut best: Option<(usize, bool)> = None;
    for first in 0..pieces.len() {
        // A text may begin in the middle of a piece where a value can follow.
        let (mut literal, begins) = match text.find(pieces[first]) {
            Some(at) => (pieces[first].len(), Some(at + pieces[first].len())),
            None => (overlap(pieces[first], text), None),
        };
        let mut at = begins.unwrap_or(literal);
        let mut whole = first == 0 && begins.is_some() && telling;
        if literal == 0 {
            continue;
        }
        for piece in &pieces[first + 1..] {
            match text[at..].find(piece) {
                Some(gap) => {
                    literal += piece.len();
                    at += gap + piece.len();
                }
                None => {
                    literal += overlap(&text[at..], piece);
                    whole = false;
                    break;
                }
            }
        }
        let enough = literal >= MIN_LITERAL_BYTES && literal * 2 >= text.len();
        if (whole || enough) && best.is_none_or(|best| (whole, literal) > (best.1, best.0)) {
            best = Some((literal, whole));
        }
    }
    best
}

/// The length of the longest end of `text` that `next` begins with.
fn overlap(text: &str, next: &str) -> usize {
    let most = text.len().min(next.len());
    let ends = |&n: &usize| next.is_char_boundary(n) && text.ends_with(&next[..n]);
    (1..=most).rev().find(ends).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<String> {
        let catalog = Catalog::embedded().expect("a catalog");
        let found = Search::new(Vec::new(), Vec::new(), text).find(&catalog);
        found.iter().map(|found| catalog.code(found.code).spelling.to_string()).collect()
    }

    #[test]
    fn a_message_is_found_by_itself_by_a_part_and_with_its_values() {
        for text in [
            "Insufficient cluster quota",
            "insufficient  CLUSTER quota.",
            "08:00 ERROR Insufficient cluster quota. (request 17)",
            "nsufficient cluster quot",
        ] {
            assert_eq!(codes(text).first().map(String::as_str), Some("CCE.01400007"), "{text}");
        }
        for text in [
            "Instance[%s] could not be found.",
            "Instance[…] could not be found.",
            "Instance[i-17] could not be found",
            "7] could not be found. It was: Instance[i-17] could not be found",
        ] {
            assert!(codes(text).iter().take(3).any(|code| code == "Ecs.0114"), "{text}: {:?}", codes(text));
        }
    }

    #[test]
    fn codes_come_before_messages_and_messages_before_words() {
        assert_eq!(codes("ecs.0114").first().map(String::as_str), Some("Ecs.0114"));
        assert!(codes("Ecs.01").iter().take(5).all(|code| code.starts_with("Ecs.01")));
        let words = codes("quota cluster insufficient");
        assert!(words.contains(&"CCE.01400007".to_owned()), "{words:?}");
        assert!(codes("no such text anywhere").is_empty());
        assert_eq!(codes("").len(), Catalog::embedded().expect("a catalog").codes().len());
    }

    #[test]
    fn texts_are_compared_in_one_form() {
        for (text, form) in [
            ("A b.", "a b"),
            ("  A \t b\n", "a b"),
            ("a  b", "a b"),
            ("É\u{a0}b", "é b"),
            ("a\0b", "a\0b"),
            ("", ""),
            (" . ", ""),
        ] {
            assert_eq!(normal(text), form, "{text:?}");
        }
    }

    #[test]
    fn near_misses_share_words() {
        let catalog = Catalog::embedded().expect("a catalog");
        let search = Search::new(Vec::new(), Vec::new(), "insufficient clusterish quota zzzz");
        assert!(search.find(&catalog).is_empty());
        let near = search.near(&catalog, 3);
        assert_eq!(near.len(), 3);
        assert!(catalog.row(near[0].row).message.to_lowercase().contains("quota"));
        assert!(Search::new(Vec::new(), Vec::new(), "zzzz yyyy").near(&catalog, 3).is_empty());
    }

    #[test]
    fn what_stands_of_a_template_is_counted() {
        let pieces = ["image [", "] does not exist"];
        for (text, found) in [
            ("image [x] does not exist", Some((23, true))),
            ("the image [x] does not exist, sorry", Some((23, true))),
            ("ge [x] does not exi", Some((18, false))),
            ("x] does not exist", Some((16, false))),
            ("image [a very long name of something", None),
            ("does it exist", None),
        ] {
            assert_eq!(filled(&pieces, text), found, "{text}");
        }
        assert_eq!((overlap("abc", "bcd"), overlap("abc", "x"), overlap("aé", "é")), (2, 0, 2));
    }
}
