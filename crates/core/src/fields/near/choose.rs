//! Which of the pairs and texts around a code is its own.

use std::ops::Range;

use super::keys::Role;
use super::scan::{Form, Pair};
use super::{Reading, Source, is_null, labels, token_length};
use crate::fields::origin::{Origin, Rule};

/// Most pairs of a record that are compared for each code.
const MAX_COMPARED: usize = 1024;

/// Words that go on with what was said before a code.
const CONNECTING: [&[u8]; 32] = [
    b"after",
    b"again",
    b"and",
    b"as",
    b"at",
    b"before",
    b"but",
    b"by",
    b"during",
    b"for",
    b"from",
    b"got",
    b"had",
    b"happened",
    b"has",
    b"http",
    b"if",
    b"in",
    b"is",
    b"occurred",
    b"of",
    b"on",
    b"or",
    b"returned",
    b"seen",
    b"status",
    b"to",
    b"was",
    b"were",
    b"when",
    b"while",
    b"with",
];

/// A text, how often it is escaped, and what says that it is a message.
pub(super) struct Text {
    pub range: Range<usize>,
    pub escapes: u8,
    pub source: Source,
    pub origin: Origin,
    /// A pair of a form, where `+` is a blank.
    pub form: bool,
}

impl Text {
    /// One that no key names.
    fn plain(range: Range<usize>, escapes: u8, source: Source, rule: Rule) -> Text {
        let origin = Origin::at(rule, range.start);
        Text { range, escapes, source, origin, form: false }
    }
}

impl Pair {
    /// Where its value stands, for a value that `rule` has found.
    pub fn origin(&self, rule: Rule) -> Origin {
        Origin::pair(rule, self.key, self.start)
    }
}

impl Reading<'_> {
    /// The message of the code of this number: in the innermost scope that has
    /// one, as a pair or behind the code itself, then further out.
    pub fn message(&self, code: usize) -> Option<Text> {
        let place = &self.codes[code];
        let mut scope = self.scan.around(place.start);
        // The quotes right around a code hold nothing else.
        let inner = &self.scan.scopes[scope as usize];
        if inner.form == Form::Quoted
            && inner.start as usize == place.start
            && inner.end as usize == place.end
        {
            scope = inner.parent;
        }
        let mut said = false;
        loop {
            if let Some(pair) = self.own(scope, code) {
                return Some(self.of_pair(&pair, Rule::Scope));
            }
            let at = self.scan.scopes[scope as usize];
            if !said && let Some(range) = self.behind(place, scope) {
                return Some(Text::plain(range, at.escapes, Source::Prose, Rule::Behind));
            }
            // Only the text that the code stands in says something about it.
            said |= at.form == Form::Quoted;
            if at.form == Form::Quoted
                && let Some(text) = self.holder(scope)
            {
                return Some(text);
            }
            if scope == 0 {
                return self.row(place).or_else(|| self.inside(code)).or_else(|| self.labelled(place.start));
            }
            scope = at.parent;
        }
    }

    /// The best message among the pairs of `scope`; where there are several of
    /// them, or of codes, the one that stands to this code as the first does
    /// to the first.
    fn own(&self, scope: u32, code: usize) -> Option<Pair> {
        let place = &self.codes[code];
        let usable = |pair: &&Pair| {
            pair.role == Role::Message
                && pair.scope == scope
                && !pair.bracket
                && pair.start as usize != place.start
                && self.has_value(pair)
        };
        // A code in an element has its message in one, whatever is said around the document.
        let element = |at: usize| self.text.get(at) == Some(&b'<');
        let in_element = place.start > 0 && self.text[place.start - 1] == b'>';
        let in_elements = in_element
            && self
                .scan
                .pairs
                .iter()
                .take(MAX_COMPARED)
                .filter(usable)
                .any(|pair| element(pair.key as usize));
        let usable = |pair: &&Pair| usable(pair) && (!in_elements || element(pair.key as usize));
        let all = || self.scan.pairs.iter().take(MAX_COMPARED).filter(usable);
        let best = all().map(|pair| pair.rank).min()?;
        let mut ranked = all().filter(|pair| pair.rank == best);
        let first = ranked.next()?;
        let rest = ranked.next();
        let anchor = self.anchor(scope, place.start);
        let mut others = self.codes.iter().filter(|c| self.is_in(scope, c.start));
        let alone = others.all(|c| self.anchor(scope, c.start) == anchor);
        if rest.is_none() && alone {
            return Some(*first);
        }
        let anchors =
            || self.codes.iter().filter(|c| self.is_in(scope, c.start)).map(|c| self.anchor(scope, c.start));
        let ranked = || all().filter(|pair| pair.rank == best);
        let first_code = anchors().min()?;
        if (first.key as usize) < first_code {
            let floor = anchors().filter(|&a| a < anchor).max().unwrap_or(0);
            let within = |pair: &&Pair| (pair.key as usize) <= anchor && pair.key as usize >= floor;
            return ranked().rfind(within).copied();
        }
        // Codes with nothing between them share what follows.
        ranked().find(|pair| (pair.key as usize) >= anchor).copied()
    }

    /// A quick look whether there is a value at all.
    fn has_value(&self, pair: &Pair) -> bool {
        // A document is none; what it says of the error stands in it.
        if self.text[pair.start as usize..].starts_with(b"<?xml") {
            return false;
        }
        if pair.end > 0 {
            return pair.start < pair.end;
        }
        let end = self.scan.scopes[pair.scope as usize].end;
        pair.start < end
            && !matches!(self.text.get(pair.start as usize), None | Some(b',' | b';' | b'}' | b']' | b')'))
    }

    fn is_in(&self, scope: u32, place: usize) -> bool {
        let scope = &self.scan.scopes[scope as usize];
        scope.start as usize <= place && place < scope.end as usize
    }

    /// Where that begins directly in `scope` which holds `place`.
    fn anchor(&self, scope: u32, place: usize) -> usize {
        let mut at = self.scan.around(place);
        let mut anchor = place;
        while at != scope && at != 0 {
            let inner = &self.scan.scopes[at as usize];
            anchor = inner.start as usize;
            at = inner.parent;
        }
        anchor
    }

    /// `CODE: text`, `[CODE] text`, in `scope`.
    fn behind(&self, code: &Range<usize>, scope: u32) -> Option<Range<usize>> {
        let around = &self.scan.scopes[scope as usize];
        let end = (around.end as usize).min(self.text.len());
        let rest = &self.text[code.end.min(end)..end];
        let closing = rest.first().copied().filter(|b| matches!(b, b']' | b')' | b'`' | b'\'' | b'"'));
        let bracket = usize::from(closing.is_some());
        let mut at = code.end + bracket;
        let rest = &self.text[at.min(end)..end];
        let sign = match rest {
            [b':', b' ', ..] => 2,
            [b':', next, ..] if next.is_ascii_alphabetic() => 1,
            [b' ', b'-' | b'|', b' ', ..] => 3,
            [b' ', b':', b' ', ..] => 3,
            // A colon and a dash as others write them.
            [0xef, 0xbc, 0x9a, ..] => 3,
            [b' ', 0xe2, 0x80, 0x93 | 0x94, b' ', ..] => 5,
            [b' ', next, ..] if next.is_ascii_alphabetic() && closing == Some(b']') => 1,
            // `CODE "what the API said"`
            [b' ', b'"', ..] if closing.is_none() => return self.held_behind(b'"', at + 2, end),
            [b' ', b'(', ..] if closing.is_none() => return self.held_behind(b')', at + 2, end),
            [b' ', ..]
                if closing.is_none() && self.begins_clause(code.start, around.start as usize, rest) =>
            {
                1
            }
            _ => return None,
        };
        // Only a blank: a sentence, no name or number.
        let spaced = closing.is_none() && sign == 1 && rest[0] == b' ';
        at += sign;
        at += self.text[at..end].iter().take_while(|b| b.is_ascii_whitespace()).count();
        let mut stop = self.scan.plain_end(self.text, at, scope, false);
        if let Some(next) = self.codes.iter().map(|c| c.start).filter(|&c| c >= at && c < stop).min() {
            let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b';' | b'|' | b'(' | b'[');
            stop = next - self.text[at..next].iter().rev().take_while(|b| ends(b)).count();
        }
        let text = self.text.get(at..stop)?;
        if spaced && plain_words(text) < 3 {
            return None;
        }
        let quoted = match text {
            [mark @ (b'"' | b'\''), inner @ .., last] if last == mark => Some(at + 1..at + 1 + inner.len()),
            _ => None,
        };
        let text = quoted.unwrap_or(at..stop - said_status(text));
        self.text[text.clone()].iter().any(u8::is_ascii_alphabetic).then_some(text)
    }

    /// A text in quotes or brackets from `start` on, of some words, up to what closes them.
    fn held_behind(&self, closing: u8, start: usize, end: usize) -> Option<Range<usize>> {
        let text = &self.text[start.min(end)..end];
        let length = memchr::memchr3(closing, b'\\', b'\n', text).filter(|&at| text[at] == closing)?;
        let least = if closing == b'"' { 2 } else { 3 };
        (plain_words(&text[..length]) >= least).then_some(start..start + length)
    }

    /// Whether the code at `at` begins what is said, and `rest` goes on with it:
    /// `failed: CODE no such flavor`, not `failed with CODE while starting`.
    fn begins_clause(&self, at: usize, scope: usize, rest: &[u8]) -> bool {
        let before = &self.text[scope..at];
        let signs = [&b": "[..], b" - ", b"> ", b"] "];
        let begins = at == scope || at == self.head.end || signs.iter().any(|sign| before.ends_with(sign));
        let word = rest[1..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let (word, behind) = rest[1..].split_at(word);
        begins
            && behind.first() == Some(&b' ')
            && !CONNECTING.iter().any(|connecting| word.eq_ignore_ascii_case(connecting))
    }

    /// The whole text of `scope` where its key says that it is an error, and it
    /// is no object.
    fn holder(&self, scope: u32) -> Option<Text> {
        let at = &self.scan.scopes[scope as usize];
        let pair = &self.scan.pairs[at.pair? as usize];
        let is_one = pair.role == Role::Holder;
        let text = &self.text[at.start as usize..at.end as usize];
        let object = matches!(text.trim_ascii_start().first(), Some(b'{' | b'[' | b'<'));
        (is_one && !object && text.len() > 1).then(|| Text {
            range: at.start as usize..at.end as usize,
            escapes: at.escapes,
            source: Source::Prose,
            origin: pair.origin(Rule::Holder),
            form: false,
        })
    }

    /// The text in the next field of a row.
    fn row(&self, code: &Range<usize>) -> Option<Text> {
        let rest = &self.text[code.end..];
        let quoted = matches!(rest, [b'"', b',' | b';' | b'\t', b'"', ..]);
        if quoted {
            let start = code.end + 3;
            let end = start + memchr::memchr(b'"', &self.text[start..])?;
            return has_words(&self.text[start..end])
                .then(|| Text::plain(start..end, 0, Source::Prose, Rule::Row));
        }
        let [sign @ (b',' | b';' | b'\t' | b'|'), tail @ ..] = rest else { return None };
        let before = self.text[..code.start].last();
        if before != Some(sign) {
            return None;
        }
        if let [b'"', inner @ ..] = tail
            && let Some(end) = memchr::memchr(b'"', inner)
        {
            let start = code.end + 2;
            return has_words(&inner[..end])
                .then(|| Text::plain(start..start + end, 0, Source::Prose, Rule::Row));
        }
        let end = memchr::memchr(*sign, tail).unwrap_or(tail.len());
        has_words(&tail[..end])
            .then(|| Text::plain(code.end + 1..code.end + 1 + end, 0, Source::Prose, Rule::Row))
    }

    /// A message in what stands beside the code and holds no other one.
    fn inside(&self, code: usize) -> Option<Text> {
        let place = &self.codes[code];
        let next =
            self.codes.iter().map(|c| c.start).filter(|&c| c > place.start).min().unwrap_or(usize::MAX);
        let pair = self.scan.pairs.iter().find(|pair| {
            let at = pair.key as usize;
            pair.role == Role::Message && !pair.bracket && at > place.start && at < next
        })?;
        Some(self.of_pair(pair, Rule::Inside))
    }

    /// A message that a sentence names in Chinese.
    fn labelled(&self, code: usize) -> Option<Text> {
        let range = labels::find(self.text, labels::MESSAGE, code)?;
        Some(Text::plain(range, 0, Source::Key, Rule::Sentence))
    }

    fn of_pair(&self, pair: &Pair, rule: Rule) -> Text {
        Text {
            range: self.value(pair, false),
            escapes: pair.escapes,
            source: Source::Key,
            origin: pair.origin(rule),
            form: pair.end == 0 && matches!(self.text[..pair.key as usize].last(), Some(b'&' | b'?')),
        }
    }

    /// What a line says behind what it begins with, where it has no pairs for it.
    pub fn line_message(&self, head: usize) -> Option<Text> {
        if self.wish.object {
            return None;
        }
        let mut start = head.min(self.text.len());
        if let Some(data) = structured_data(self.text) {
            start = start.max(data);
        }
        let end = self.scan.plain_end(self.text, start, 0, false);
        let text = &self.text[start..end];
        let named = exception_name(text);
        // What an exception says is meant for nobody else.
        let is_exception = named > 0 || ends_exception_name(&self.text[..start]);
        let source = if is_exception { Source::Prose } else { Source::Line };
        (plain_words(text) >= 3).then(|| Text::plain(start + named..end, 0, source, Rule::Line))
    }

    /// The pair of this role nearest to `place`: in the innermost scope around
    /// it that has one, else anywhere.
    pub fn nearest(&self, role: Role, place: usize) -> Option<(Pair, Rule)> {
        let usable = |pair: &&Pair| {
            pair.role == role && !pair.bracket && {
                let value = self.value(pair, true);
                value.len() > 1 && !is_null(&self.text[value])
            }
        };
        let pairs = || self.scan.pairs.iter().take(MAX_COMPARED).filter(usable);
        pairs().next()?;
        let mut scope = self.scan.around(place);
        loop {
            let of = |pair: &&Pair| pair.scope == scope;
            if let Some(pair) = pairs().filter(of).min_by_key(|p| (p.rank, (p.key as usize).abs_diff(place)))
            {
                return Some((*pair, Rule::Scope));
            }
            if scope == 0 {
                break;
            }
            scope = self.scan.scopes[scope as usize].parent;
        }
        let nearest = pairs().min_by_key(|pair| (pair.key as usize).abs_diff(place))?;
        Some((*nearest, Rule::Nearest))
    }
}

/// Where the text of an RFC 5424 line begins, behind structured data.
fn structured_data(line: &[u8]) -> Option<usize> {
    let [b'<', ..] = line else { return None };
    let close = memchr::memmem::find(&line[..line.len().min(8)], b">1 ")?;
    let open = close + memchr::memchr(b'[', &line[close..])?;
    let end = open + memchr::memmem::find(&line[open..], b"] ")?;
    Some(end + 2)
}

/// Whether the head of a line ends with `ApiError: `.
fn ends_exception_name(head: &[u8]) -> bool {
    let head = head.trim_ascii_end();
    [&b"Error:"[..], b"Exception:"].iter().any(|end| head.ends_with(end) && head.len() > end.len())
        && !head.ends_with(b" Error:")
}

/// The bytes of `ApiError: ` and `java.io.IOException: ` at the start.
fn exception_name(text: &[u8]) -> usize {
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$' | b'\\');
    let name = text.iter().take_while(is_name).count();
    let is_one = [&b"Error"[..], b"Exception"].iter().any(|end| text[..name].ends_with(end));
    if is_one && text[name..].starts_with(b": ") { name + 2 } else { 0 }
}

/// The bytes of ` (HTTP 400)` at the end of what a client of OpenStack prints.
fn said_status(text: &[u8]) -> usize {
    match text {
        [.., b' ', b'(', b'H', b'T', b'T', b'P', b' ', a, b, c, b')']
            if [a, b, c].iter().all(|d| d.is_ascii_digit()) =>
        {
            11
        }
        _ => 0,
    }
}

fn has_words(text: &[u8]) -> bool {
    text.iter().filter(|b| b.is_ascii_alphabetic()).count() >= 3 && token_length(text) < text.len()
}

fn plain_words(text: &[u8]) -> usize {
    text.split(|b| b.is_ascii_whitespace()).filter(|word| is_plain_word(word)).count()
}

fn is_plain_word(word: &[u8]) -> bool {
    let word = word.strip_suffix(b",").unwrap_or(word);
    !word.is_empty() && word.iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80)
}
