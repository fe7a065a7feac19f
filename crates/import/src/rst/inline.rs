//! Inline markup of reStructuredText: what is left when it is taken away.
//!
//! The rules are those of its specification: a start-string has a boundary
//! before it and no blank behind it, an end-string the reverse. What only looks
//! like markup stays as it is, as messages are full of asterisks and bars.

use std::collections::{HashMap, HashSet};

/// What a document defines for its text.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Substitutions: `.. |name| replace:: text`.
    pub substitutions: HashMap<String, String>,
    /// Targets that `name_` refers to.
    pub targets: HashSet<String>,
}

/// Longest text between two marks, in characters.
const MAX_MARKED: usize = 1000;

/// `text` without its markup.
pub fn plain(text: &str, names: &Names) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut reader = Reader { chars: &chars, names, out: String::with_capacity(text.len()) };
    let mut at = 0;
    // An escaped blank is nothing, and a boundary.
    let mut before = None;
    while at < chars.len() {
        let c = chars[at];
        if c == '\\' {
            match chars.get(at + 1) {
                Some(next) if next.is_whitespace() => before = None,
                Some(&next) => {
                    reader.out.push(next);
                    before = Some(next);
                }
                None => reader.out.push('\\'),
            }
            at += 2;
            continue;
        }
        let end = if starts(before, chars.get(at + 1).copied()) { reader.marked(at, before) } else { None };
        let end = end.or_else(|| reader.reference(at));
        match end {
            Some(end) => {
                before = Some(chars[end - 1]);
                at = end;
            }
            None => {
                reader.out.push(c);
                before = Some(c);
                at += 1;
            }
        }
    }
    reader.out
}

struct Reader<'a> {
    chars: &'a [char],
    names: &'a Names,
    out: String,
}

impl Reader<'_> {
    /// Markup that starts at `at`: writes what it holds, gives its end.
    fn marked(&mut self, at: usize, before: Option<char>) -> Option<usize> {
        let chars = self.chars;
        let quoted = |n: usize| {
            before.is_some_and(|b| closing_of(b).is_some() && chars.get(at + n).copied() == closing_of(b))
        };
        match chars[at] {
            '`' if self.is(at, "``") => {
                let end = self.closed(at + 2, "``", false)?;
                self.out.extend(&chars[at + 2..end]);
                Some(end + 2)
            }
            '*' if self.is(at, "**") => {
                if quoted(2) || chars.get(at + 2)?.is_whitespace() {
                    return None;
                }
                let end = self.closed(at + 2, "**", true)?;
                self.unescaped(at + 2, end);
                Some(end + 2)
            }
            '*' => {
                if quoted(1) {
                    return None;
                }
                let end = self.closed(at + 1, "*", true)?;
                self.unescaped(at + 1, end);
                Some(end + 1)
            }
            '_' if self.is(at, "_`") => {
                let end = self.closed(at + 2, "`", true)?;
                self.unescaped(at + 2, end);
                Some(end + 1)
            }
            '`' => self.interpreted(at),
            ':' => {
                let role = chars[at + 1..].iter().take(64).position(|&c| c == ':')?;
                let name = &chars[at + 1..at + 1 + role];
                let is_name = name.first().is_some_and(|c| c.is_ascii_alphabetic())
                    && name.iter().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(*c));
                let quote = at + role + 2;
                if !is_name || chars.get(quote) != Some(&'`') {
                    return None;
                }
                self.interpreted(quote)
            }
            '|' => {
                let end = self.closed(at + 1, "|", true)?;
                let name: String = chars[at + 1..end].iter().collect();
                let text = self.names.substitutions.get(&name)?;
                self.out.push_str(text);
                Some(self.past_underscores(end + 1))
            }
            '[' => self.footnote(at),
            _ => None,
        }
    }

    /// A text in single backquotes, which a `<target>` may end.
    fn interpreted(&mut self, at: usize) -> Option<usize> {
        let start = at + 1;
        if self.chars.get(start)?.is_whitespace() {
            return None;
        }
        let (end, after) = self.quoted(start)?;
        let inner = &self.chars[start..end];
        let target = inner.iter().rposition(|&c| c == '<').filter(|_| inner.last() == Some(&'>'));
        let title = target.map_or(inner, |t| &inner[..t]);
        let blank = title.iter().all(|c| c.is_whitespace());
        match target {
            // Only a text before it makes what is in angle brackets a target.
            Some(t) if blank => self.unescaped(start + t + 1, end - 1),
            Some(t) if self.chars[start + t - 1].is_whitespace() => {
                let kept = title.iter().rposition(|c| !c.is_whitespace()).map_or(0, |last| last + 1);
                self.unescaped(start, start + kept);
            }
            _ => self.unescaped(start, end),
        }
        Some(after)
    }

    /// The backquote that ends what begins at `start`, and what follows it with
    /// the mark of a reference or a role.
    fn quoted(&self, start: usize) -> Option<(usize, usize)> {
        let last = self.chars.len().min(start + MAX_MARKED);
        let mut at = start;
        while at < last {
            match self.chars[at] {
                '\\' => at += 1,
                '`' if at > start && !self.chars[at - 1].is_whitespace() => {
                    let after = self.past_role(self.past_underscores(at + 1));
                    if ends(self.chars.get(after).copied()) {
                        return Some((at, after));
                    }
                }
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// `[1]_`, `[#name]_`: a mark in the text, no part of it. `[name]_` cites.
    fn footnote(&mut self, at: usize) -> Option<usize> {
        let length = self.chars[at + 1..].iter().take(64).position(|&c| c == ']')?;
        let end = at + 1 + length;
        let label = &self.chars[at + 1..end];
        if self.chars.get(end + 1) != Some(&'_')
            || !ends(self.chars.get(end + 2).copied())
            || label.is_empty()
        {
            return None;
        }
        let mark = label.iter().all(char::is_ascii_digit) || label[0] == '#' || label == ['*'];
        if mark {
            let kept = self.out.trim_end().len();
            self.out.truncate(kept);
        } else if label.iter().all(|c| c.is_alphanumeric() || "-_.:+".contains(*c)) {
            self.out.extend(&self.chars[at..=end]);
        } else {
            return None;
        }
        Some(end + 2)
    }

    /// The underscore behind a name that the document has a target for.
    fn reference(&self, at: usize) -> Option<usize> {
        if self.chars[at] != '_' || !ends(self.chars.get(at + 1).copied()) || self.names.targets.is_empty() {
            return None;
        }
        let is_name = |c: &char| c.is_alphanumeric() || "-_.:+".contains(*c);
        let start = self.chars[..at].iter().rev().take(128).take_while(|c| is_name(c)).count();
        let name: String = self.chars[at - start..at].iter().collect();
        self.names.targets.contains(&name.to_lowercase()).then_some(at + 1)
    }

    /// Where `mark` ends what begins at `start`.
    fn closed(&self, start: usize, mark: &str, escapes: bool) -> Option<usize> {
        let length = mark.len();
        if self.chars.get(start)?.is_whitespace() {
            return None;
        }
        let mut at = start;
        let last = self.chars.len().min(start + MAX_MARKED);
        while at + length <= last {
            if escapes && self.chars[at] == '\\' {
                at += 2;
                continue;
            }
            let fits = self.is(at, mark) && at > start && !self.chars[at - 1].is_whitespace();
            if fits && ends(self.chars.get(at + length).copied()) {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    fn unescaped(&mut self, start: usize, end: usize) {
        let mut escaped = false;
        for &c in &self.chars[start..end] {
            match (escaped, c) {
                (false, '\\') => escaped = true,
                (true, c) if c.is_whitespace() => escaped = false,
                (_, c) => {
                    self.out.push(c);
                    escaped = false;
                }
            }
        }
    }

    fn is(&self, at: usize, mark: &str) -> bool {
        mark.chars().enumerate().all(|(i, c)| self.chars.get(at + i) == Some(&c))
    }

    fn past_underscores(&self, at: usize) -> usize {
        at + self.chars[at.min(self.chars.len())..].iter().take(2).take_while(|&&c| c == '_').count()
    }

    /// A role may stand behind its text, too.
    fn past_role(&self, at: usize) -> usize {
        let rest = &self.chars[at.min(self.chars.len())..];
        if rest.first() != Some(&':') || !rest.get(1).is_some_and(|c| c.is_ascii_lowercase()) {
            return at;
        }
        let name = rest[1..].iter().take(64).take_while(|c| c.is_ascii_alphanumeric() || **c == '-').count();
        if rest.get(1 + name) == Some(&':') { at + name + 2 } else { at }
    }
}

/// Whether markup may start between these.
fn starts(before: Option<char>, after: Option<char>) -> bool {
    let open = before.is_none_or(|c| {
        c.is_whitespace() || "-:/'\"<([{".contains(c) || (!c.is_ascii() && !c.is_alphanumeric())
    });
    open && after.is_some_and(|c| !c.is_whitespace())
}

/// Whether markup may end before this.
fn ends(after: Option<char>) -> bool {
    after.is_none_or(|c| {
        c.is_whitespace() || "-.,:;!?'\")]}>/\\".contains(c) || (!c.is_ascii() && !c.is_alphanumeric())
    })
}

fn closing_of(open: char) -> Option<char> {
    let at = "\"'([{<".chars().position(|c| c == open)?;
    "\"')]}>".chars().nth(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes_and_what_looks_like_it_stays() {
        let names = Names {
            substitutions: HashMap::from([("svc".to_owned(), "The service".to_owned())]),
            targets: HashSet::from(["vpc".to_owned()]),
        };
        for (text, left) in [
            ("Invalid **name** or *id*.", "Invalid name or id."),
            ("``a * b`` is `wrong`.", "a * b is wrong."),
            ("see `the list <https://a.example>`__ now", "see the list now"),
            ("see `<https://a.example>`_", "see https://a.example"),
            (":ref:`Table 1 <t1>` and :literal:`x`", "Table 1 and x"),
            ("**ELB.**\\ *xxxx* code", "ELB.xxxx code"),
            (r"a\_b \* c\\d", r"a_b * c\d"),
            ("|svc| failed, |other| too", "The service failed, |other| too"),
            ("done [1]_. more", "done. more"),
            ("vpc_ and vpc_id and x_", "vpc and vpc_id and x_"),
            ("2 * 3 * 4, %s*%s and (*) or '*'", "2 * 3 * 4, %s*%s and (*) or '*'"),
            ("**open", "**open"),
            ("a|b|c", "a|b|c"),
            ("`text`:sub: x", "text x"),
            ("of\\ :literal:`\\`~!,` ./?", "of`~!, ./?"),
            ("end\\", "end\\"),
        ] {
            assert_eq!(plain(text, &names), left, "{text}");
        }
    }
}
