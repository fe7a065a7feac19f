//! One pass over a text of any form: what is inside what, and which keys have
//! which values.
//!
//! Quotes and brackets make *scopes*; a quote behind backslashes is one of a
//! text within a text. Nothing is refused: what is not closed ends with the
//! text around it, and what closes nothing is a character.

use super::keys::{Keys, Role};
use crate::fields::paths::{NodeId, Paths, ROOT};

/// Most scopes, and most pairs, that are kept of a text.
const MAX_SCOPES: usize = 1 << 15;
const MAX_PAIRS: usize = 1 << 12;

/// Most pairs' beginnings that are kept, to know where the value before ends.
const MAX_STARTS: usize = 1 << 15;

/// How deep scopes are told apart.
const MAX_FRAMES: usize = 64;

/// Longest key, and most blanks around its sign.
pub(super) const MAX_KEY: usize = 64;
const MAX_BLANKS: usize = 16;

/// What holds pairs and texts.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    pub start: u32,
    pub end: u32,
    pub parent: u32,
    /// How often what stands in it is escaped.
    pub escapes: u8,
    pub form: Form,
    /// What its keys stand for among the paths.
    node: Option<NodeId>,
    /// The pair whose value it is.
    pub pair: Option<u32>,
}

/// What makes a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The whole text.
    Whole,
    /// A bracket, closed by this one.
    Bracket(u8),
    /// Quotes.
    Quoted,
}

/// A key that matters, and its value.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    pub role: Role,
    pub rank: u8,
    pub scope: u32,
    /// Where the key begins.
    pub key: u32,
    pub start: u32,
    /// 0 where no quote ends it.
    pub end: u32,
    pub escapes: u8,
    /// No blank stands between the sign and the value.
    pub(super) tight: bool,
    /// The key stands between quotes.
    pub quoted_key: bool,
    /// A bracket follows: the value is no text.
    pub bracket: bool,
    /// Where paths lead to it, from what its keys stand for: its own name.
    pub child: Option<(NodeId, (u32, u32))>,
}

/// Where a pair begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub at: u32,
    pub scope: u32,
    pub known: bool,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    scope: u32,
    /// The byte that closes it.
    close: u8,
    /// The backslashes before it, of a quote.
    slashes: u8,
    quote: bool,
}

/// What a pass has found, in buffers that are kept.
#[derive(Debug, Default)]
pub struct Scan {
    pub scopes: Vec<Scope>,
    pub pairs: Vec<Pair>,
    pub(super) starts: Vec<Start>,
    frames: Vec<Frame>,
    /// A value of this key may begin here.
    pub(super) pending: Option<(usize, Option<u32>, Option<NodeId>)>,
    /// The text between quotes that has just ended: from, to, and behind its quote.
    last: (usize, usize, usize),
}

impl Scan {
    /// Looks through `text`.
    pub fn run(&mut self, text: &[u8], keys: &Keys, paths: &Paths) {
        let end = text.len() as u32;
        self.scopes.clear();
        self.pairs.clear();
        self.starts.clear();
        self.frames.clear();
        (self.pending, self.last) = (None, (0, 0, usize::MAX));
        self.scopes.push(Scope {
            start: 0,
            end,
            parent: 0,
            escapes: 0,
            form: Form::Whole,
            node: Some(ROOT),
            pair: None,
        });
        let mut at = 0;
        while at < text.len() {
            at = match text[at] {
                byte if !SPECIAL[usize::from(byte)] => at + 1,
                b'\\' => self.backslashes(text, at),
                mark @ (b'"' | b'\'' | b'`') => self.quote(text, mark, 0, at),
                open @ (b'{' | b'[' | b'(') => self.open(open, at),
                close @ (b'}' | b']' | b')') => self.close(close, at),
                b'<' => self.tag(text, at, keys),
                b'>' => self.close(b'>', at),
                _ => self.sign(text, at, keys, paths),
            };
        }
        while !self.frames.is_empty() {
            self.pop(text.len());
        }
    }

    fn backslashes(&mut self, text: &[u8], at: usize) -> usize {
        let slashes = text[at..].iter().take_while(|&&b| b == b'\\').count();
        match text.get(at + slashes) {
            Some(&mark @ (b'"' | b'\'')) => self.quote(text, mark, slashes, at + slashes),
            _ => at + slashes + 1,
        }
    }

    pub(super) fn scope(&self) -> u32 {
        self.frames.last().map_or(0, |frame| frame.scope)
    }

    /// A quote at `at`, behind so many backslashes.
    fn quote(&mut self, text: &[u8], mark: u8, slashes: usize, at: usize) -> usize {
        let slashes = u8::try_from(slashes).unwrap_or(u8::MAX);
        let next = text.get(at + 1).copied().unwrap_or(b' ');
        // More backslashes are some of the text's own, each escaped as the quote is.
        let same = |f: &Frame| {
            f.quote
                && f.close == mark
                && slashes
                    .checked_sub(f.slashes)
                    .is_some_and(|own| u16::from(own) % (2 * (u16::from(f.slashes) + 1)) == 0)
        };
        let closes = self.frames.iter().rposition(same);
        if let Some(frame) = closes
            && (mark == b'"' || !is_letter(next))
        {
            let end = at - usize::from(self.frames[frame].slashes);
            while self.frames.len() > frame + 1 {
                self.pop(end);
            }
            let start = self.scopes[self.frames[frame].scope as usize].start as usize;
            self.pop(end);
            self.last = (start, end, at + 1);
            return at + 1;
        }
        // `"{"a":1}"`: somebody has put quotes around, and escaped none.
        if mark == b'"' && slashes == 0 && matches!(text[at + 1..], [b'{', b'"', ..] | [b'[', b'{', b'"', ..])
        {
            self.pending = None;
            return at + 1;
        }
        let before = at.checked_sub(usize::from(slashes) + 1).map_or(b' ', |before| text[before]);
        if mark != b'"' && (is_letter(before) || next.is_ascii_whitespace()) {
            return at + 1;
        }
        let pair = self.taken(at - usize::from(slashes));
        let escapes = 1 + (u32::from(slashes) + 1).ilog2() as u8;
        self.push(Form::Quoted, at + 1, escapes, pair.map(|(pair, _)| pair), None, mark, slashes);
        if let Some((Some(pair), _)) = pair {
            let pair = &mut self.pairs[pair as usize];
            (pair.start, pair.escapes) = (at as u32 + 1, escapes);
        }
        at + 1
    }

    /// The key whose value begins at `at`.
    fn taken(&mut self, at: usize) -> Option<(Option<u32>, Option<NodeId>)> {
        let (place, pair, node) = self.pending.take()?;
        (place == at).then_some((pair, node))
    }

    pub(super) fn open(&mut self, open: u8, at: usize) -> usize {
        let taken = self.taken(at);
        let close = match open {
            b'(' => b')',
            b'<' => b'>',
            open => open + 2,
        };
        let around = self.scopes[self.scope() as usize];
        let node = match taken {
            Some((pair, node)) => {
                if let Some(pair) = pair {
                    self.pairs[pair as usize].bracket = true;
                }
                node
            }
            // An object behind text is one as good as the record.
            None if open == b'{' && !matches!(around.form, Form::Bracket(b'}')) => Some(ROOT),
            None => around.node,
        };
        let pair = taken.and_then(|(pair, _)| pair);
        self.push(Form::Bracket(close), at + 1, around.escapes, Some(pair), node, close, 0);
        at + 1
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of a scope")]
    fn push(
        &mut self,
        form: Form,
        start: usize,
        escapes: u8,
        pair: Option<Option<u32>>,
        node: Option<NodeId>,
        close: u8,
        slashes: u8,
    ) {
        if self.frames.len() >= MAX_FRAMES || self.scopes.len() >= MAX_SCOPES {
            return;
        }
        let parent = self.scope();
        let quote = form == Form::Quoted;
        // A text is looked through like the record.
        let node = if quote { Some(ROOT) } else { node };
        let scope = self.scopes.len() as u32;
        let (start, end) = (start as u32, u32::MAX);
        self.scopes.push(Scope { start, end, parent, escapes, form, node, pair: pair.flatten() });
        self.frames.push(Frame { scope, close, slashes, quote });
    }

    /// Ends the innermost scope.
    fn pop(&mut self, end: usize) {
        let Some(frame) = self.frames.pop() else { return };
        let scope = &mut self.scopes[frame.scope as usize];
        scope.end = end as u32;
        if let Some(pair) = scope.pair
            && frame.quote
        {
            let pair = &mut self.pairs[pair as usize];
            pair.end = end as u32;
        }
    }

    /// A bracket closes the innermost one of its kind, not across quotes.
    fn close(&mut self, close: u8, at: usize) -> usize {
        let found = self.frames.iter().rposition(|f| f.quote || f.close == close);
        if let Some(frame) = found.filter(|&frame| !self.frames[frame].quote) {
            while self.frames.len() > frame {
                self.pop(at);
            }
        }
        at + 1
    }

    pub(super) fn add(&mut self, pair: Pair) -> Option<u32> {
        if self.pairs.len() >= MAX_PAIRS {
            return None;
        }
        self.pairs.push(pair);
        Some(self.pairs.len() as u32 - 1)
    }

    pub(super) fn begins(&mut self, at: usize, known: bool) {
        if self.starts.len() < MAX_STARTS {
            let scope = self.scope();
            self.starts.push(Start { at: at as u32, scope, known });
        }
    }

    /// A colon or an equals sign: a key before it, a value behind it?
    fn sign(&mut self, text: &[u8], at: usize, keys: &Keys, paths: &Paths) -> usize {
        let mut behind = at + 1;
        match (text[at], text.get(behind)) {
            (b'=', Some(b'>')) => behind += 1,
            (b':', Some(b'=')) => behind += 1,
            (b':', Some(b':' | b'/')) | (b'=', Some(b'=')) => return behind + 1,
            _ => {}
        }
        let blanks = text[..at].iter().rev().take(MAX_BLANKS).take_while(|b| is_blank(**b)).count();
        let key_end = at - blanks;
        let arrow = text[at..].starts_with(b"=>");
        let (from, to, closed) = self.last;
        let in_quotes = closed == key_end && to - from <= MAX_KEY;
        let (mut start, key_end) = if in_quotes {
            (from, to)
        } else if arrow && text[..key_end].last() == Some(&b']') {
            // `[key] => value` of PHP.
            let open = text[..key_end].iter().rev().take(MAX_KEY).position(|&b| b == b'[');
            (open.map_or(key_end, |open| key_end - open), key_end - 1)
        } else {
            let run = text[..key_end].iter().rev().take(MAX_KEY).take_while(|b| is_key(**b)).count();
            (after_escape(text, key_end - run, key_end), key_end)
        };
        // `11:20` is a time of day.
        if start >= key_end || !in_quotes && text[start..key_end].iter().all(u8::is_ascii_digit) {
            return behind;
        }
        let key = &text[start..key_end];
        let value = behind + text[behind..].iter().take(MAX_BLANKS).take_while(|b| is_blank(**b)).count();
        let mut named = None;
        if !in_quotes && text[at] == b':' && text[..start].last() == Some(&b' ') {
            // `Request ID: x`
            let run = text[..start - 1].iter().rev().take(MAX_KEY).take_while(|b| is_word(**b)).count();
            let word = &text[start - 1 - run..start - 1];
            // Not a value and the next key.
            let value = matches!(text[..start - 1 - run].trim_ascii_end().last(), Some(b':' | b'='));
            named = Some(word).filter(|w| !w.is_empty() && !value).and_then(|word| keys.find(&[word, key]));
            if named.is_some() {
                start -= 1 + run;
            }
        }
        let named = named.or_else(|| keys.find(&[key])).or_else(|| {
            let last = key.rsplit(|&b| b == b'.').next().filter(|last| last.len() < key.len())?;
            keys.find(&[last])
        });
        let scope = self.scope();
        let around = self.scopes[scope as usize];
        let child = around.node.filter(|_| value < text.len()).and_then(|node| {
            let child = paths.child(node, key)?;
            Some((node, child))
        });
        let below = child.and_then(|(_, child)| child.below);
        let wanted = child.filter(|(_, child)| !child.slots().is_empty());
        let mut pair = None;
        // Behind `key= ` begins something else, unless it stands in quotes or brackets.
        let parted = text[at] == b'=' && !arrow && blanks == 0 && value > behind;
        let alone = value < text.len() && !(parted && is_letter(text[value]));
        if alone && (named.is_some() || wanted.is_some()) {
            let (role, rank) = named.unwrap_or((Role::Other, 0));
            pair = self.add(Pair {
                role,
                rank,
                scope,
                key: start as u32,
                start: value as u32,
                end: 0,
                escapes: around.escapes,
                tight: value == behind,
                quoted_key: in_quotes,
                bracket: false,
                child: wanted.map(|(node, _)| (node, ((key_end - key.len()) as u32, key_end as u32))),
            });
        }
        self.begins(
            start - usize::from(in_quotes || arrow && text[..start].last() == Some(&b'[')),
            named.is_some(),
        );
        self.pending = Some((value, pair, below));
        value
    }
}

/// A key that begins with the tail of an escape begins behind it.
fn after_escape(text: &[u8], start: usize, end: usize) -> usize {
    match text[..start].last() {
        Some(b'\\') if matches!(text.get(start), Some(b'n' | b't' | b'r')) && start + 1 < end => start + 1,
        _ => start,
    }
}

const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let bytes = b"\\\"'`{}[]()<>:=";
    let mut i = 0;
    while i < bytes.len() {
        special[bytes[i] as usize] = true;
        i += 1;
    }
    special
};

pub(super) fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/' | b'@' | b'$')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}
