//! What a line of text begins with: priority, time, level, trace, in the order
//! of whatever logger wrote it.

use std::ops::Range;

use super::opening::{access, annotation, priority};
use super::usual;
use crate::fields::level;
use crate::fields::time::{self, Moment, Zone};

/// Most words and bytes that a head has.
const MAX_WORDS: usize = 24;
pub(super) const MAX_BYTES: usize = 400;

/// Plain words behind a time before the text proper begins: a host, a program.
const MAX_PLAIN: usize = 4;

/// Pairs between a time and a level.
const MAX_PAIRS: usize = 8;

/// What a line begins with.
#[derive(Debug, Default)]
pub struct Head {
    /// With the place where it stands; the time likewise.
    pub level: Option<(&'static str, usize)>,
    pub time: Option<(Moment, usize)>,
    pub trace: Option<Range<usize>>,
    pub request: Option<Range<usize>>,
    /// It has a time, or a time of day, whatever that is worth.
    pub dated: bool,
    /// Where the text proper begins.
    pub end: usize,
}

/// How much of a head is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it, to where it ends.
    Whole,
    /// The level; the time and a trace where they are wanted.
    Fields { trace: bool, time: bool },
}

/// Reads what `line` begins with.
pub fn read(line: &[u8], zone: &Zone, extent: Extent) -> Head {
    if let Extent::Fields { trace, time: false } = extent
        && let Some(level) = usual::level(line, trace)
    {
        return Head { level: Some(level), ..Head::default() };
    }
    let mut head = Head::default();
    let (level, mut at) = priority(line);
    head.level = level;
    // A priority is not the last word.
    let brief = extent != Extent::Whole && level.is_none();
    let trace = !matches!(extent, Extent::Fields { trace: false, .. });
    at += access(&line[at..]);
    let mut dated = false;
    let mut plain = 0;
    if let Some((level, place)) = annotation(&line[at..]) {
        head.level = Some((level, at + place));
    }
    if let Some(length) = klog(line, at, zone, &mut head) {
        at += length;
        let close = line[at..].iter().take(MAX_BYTES).position(|&b| b == b']');
        head.end = at + close.map_or(0, |close| close + 1);
        head.end += line[head.end..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        return head;
    }
    for _ in 0..MAX_WORDS {
        at += line[at..].iter().take_while(|b| is_between(**b)).count();
        at = behind_escaped_blank(line, at);
        if brief
            && head.level.is_some()
            && head.time.is_some()
            // Brackets may hold a trace, or what klog begins with.
            && !(line[..at].ends_with(b"[")
                && (trace || matches!(line[at..], [b'I' | b'W' | b'E' | b'F', b'0' | b'1', ..])))
        {
            break;
        }
        if at >= line.len() || at > MAX_BYTES {
            break;
        }
        if let Some((moment, length)) = time::begins(&line[at..], zone) {
            if !dated {
                head.time = moment.map(|moment| (moment, at));
            }
            dated = true;
            at += length;
            head.end = at;
            plain = 0;
            continue;
        }
        if let Some(length) = klog(line, at, zone, &mut head) {
            at += length;
            head.end = at;
            continue;
        }
        if let Some(length) = letter(&line[at..], dated)
            && !line[..at].ends_with(b"stdout ")
            && !line[..at].ends_with(b"stderr ")
        {
            let level = level::named(&line[at..at + 1]).filter(|_| head.level.is_none());
            head.level = head.level.or(level.map(|level| (level, at)));
            at += length;
            continue;
        }
        if let Some(length) = in_wide_brackets(&line[at..]) {
            let level = level::named(&line[at + 3..at + length - 3]).filter(|_| head.level.is_none());
            head.level = head.level.or(level.map(|level| (level, at + 3)));
            at += length;
            head.end = at;
            continue;
        }
        let length = line[at..].iter().position(|b| ends_word(*b)).unwrap_or(line.len() - at);
        if length == 0 {
            // `{taskinstance.py:1937}`
            let Some(place) = braced(&line[at..]) else { break };
            at += place;
            head.end = at;
            continue;
        }
        let word = &line[at..at + length];
        if let Some(level) = level_of(line, at, word, dated, plain)
            && head.level.is_none()
        {
            head.level = Some((level, at));
            at += length;
            head.end = behind_sign(line, at);
            continue;
        }
        if is_openstack_request(word) {
            head.request.get_or_insert(at..at + length);
        }
        if let Some(trace) = sleuth(line, at, length) {
            head.trace.get_or_insert(trace);
        }
        dated |= is_time_of_day(word) || is_age(word);
        match kind(line, at, word) {
            Kind::Plain => {
                plain += 1;
                // Words without a time before them are the text.
                if plain > if dated || head.level.is_some() { MAX_PLAIN } else { 0 } {
                    break;
                }
                // What stands behind the level is the text, but for names in brackets.
                if head.level.is_some() {
                    break;
                }
            }
            Kind::Pair => {
                if dated
                    && head.level.is_none()
                    && let Some((level, place, end)) = behind_pairs(line, at)
                {
                    head.level = Some((level, place));
                    head.end = end;
                }
                break;
            }
            Kind::Label => {
                at += length;
                head.end = at;
                continue;
            }
        }
        at += length;
    }
    head.dated = dated;
    head.end = head.end.min(line.len());
    head.end +=
        line[head.end..].iter().take_while(|b| is_between(**b) && !matches!(b, b'"' | b'\'' | b'(')).count();
    head
}

/// `req-9cadbcdf-72d8-3697-406f-582804247352`: oslo.log has it in the brackets before the text.
fn is_openstack_request(word: &[u8]) -> bool {
    word.strip_prefix(b"req-").is_some_and(|id| {
        id.len() == 36
            && id.iter().enumerate().all(|(i, b)| match i {
                8 | 13 | 18 | 23 => *b == b'-',
                _ => b.is_ascii_hexdigit(),
            })
    })
}

/// `E0401 08:10:00.500000       1 service.go:99]`.
fn klog(line: &[u8], at: usize, zone: &Zone, head: &mut Head) -> Option<usize> {
    let [letter @ (b'I' | b'W' | b'E' | b'F'), rest @ ..] = &line[at..] else { return None };
    let (moment, length) = time::klog(rest, zone)?;
    head.time = head.time.or(moment.map(|moment| (moment, at + 1)));
    // The priority of the journal around it says less.
    let level = match letter {
        b'I' => "info",
        b'W' => "warn",
        b'E' => "error",
        _ => "fatal",
    };
    head.level = Some((level, at));
    Some(1 + length)
}

/// The letter of a level before a time (`[E 2026-11-30 10:00:00 web:7]` of Tornado, `E20261130 10:00:00`
/// of glog), or behind one and before a bracket or a number (`10:00:00.404131 E [4411:puma]`): its
/// length, with the blank behind it.
fn letter(line: &[u8], dated: bool) -> Option<usize> {
    let [b'D' | b'I' | b'W' | b'E' | b'F' | b'C', rest @ ..] = line else { return None };
    let digits = |text: &[u8], count: usize| text.iter().take_while(|b| b.is_ascii_digit()).count() == count;
    match rest {
        _ if !dated && digits(rest, 8) && rest.get(8) == Some(&b' ') => Some(1),
        [b' ', time @ ..] if !dated && (digits(time, 4) && time.get(4) == Some(&b'-') || digits(time, 6)) => {
            Some(2)
        }
        [b' ', next, ..] if dated && (next.is_ascii_digit() || *next == b'[') => Some(2),
        _ => None,
    }
}

/// `【WARN】`: its length.
fn in_wide_brackets(line: &[u8]) -> Option<usize> {
    let inner = line.strip_prefix("【".as_bytes())?;
    let word = inner.iter().take(16).take_while(|b| b.is_ascii_alphabetic()).count();
    inner[word..].starts_with("】".as_bytes()).then_some(word + 6)
}

enum Kind {
    /// A word of a sentence.
    Plain,
    /// A name, a number: part of the head.
    Label,
    /// `key=value`: no head any more.
    Pair,
}

fn kind(line: &[u8], at: usize, word: &[u8]) -> Kind {
    let next = line.get(at + word.len());
    let before = at.checked_sub(1).map(|i| line[i]);
    if memchr::memchr(b'=', word).is_some() || next == Some(&b'{') {
        return Kind::Pair;
    }
    if word == b"PHP" {
        return Kind::Label;
    }
    let letters = word.iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80 || *b == b'\'');
    let bracketed = matches!(before, Some(b'[' | b'(')) || matches!(next, Some(b']' | b')' | b'|'));
    let column = line[(at + word.len()).min(line.len())..].trim_ascii_start().first() == Some(&b'|');
    if letters && !bracketed && !column && word.len() > 1 { Kind::Plain } else { Kind::Label }
}

/// The level that `word` at `at` is, in the place of a level.
fn level_of(line: &[u8], at: usize, word: &[u8], dated: bool, plain: usize) -> Option<&'static str> {
    let signs = word.iter().rev().take_while(|&&b| b == b':').count();
    let bare = &word[..word.len() - signs];
    // `ERROR:root:`, `prod.ERROR`, `main/ERROR`.
    let first = bare.split(|&b| b == b':' || b == b'/').next().unwrap_or(bare);
    let last = bare.rsplit(|&b| b == b'.' || b == b'/' || b == b':').next().unwrap_or(bare);
    let before = at.checked_sub(1).map(|i| line[i]);
    let next = line.get(at + word.len());
    let bracketed = matches!(
        (before, next),
        (Some(b'['), Some(b']'))
            | (Some(b'"'), Some(b'"'))
            | (Some(b'('), Some(b')'))
            | (Some(b'|'), Some(b'|'))
            | (Some(b','), Some(b','))
            | (Some(b'"'), Some(b','))
    ) || matches!((before, next), (Some(b'<'), Some(b'>'))) && !is_element(line, word)
        || before == Some(b'[')
            && matches!(next, Some(b' ' | b'['))
            && matches!(line.get(at..), Some(l) if l.iter().take(16).any(|&b| b == b']'));
    // A column of its own, as in a table of events.
    let column = before.is_none_or(|b| b == b' ')
        && matches!(line.get(at + word.len()..), Some([b' ', b' ' | b'\t', ..] | [b'\t', ..]));
    let signed = signs > 0 || first.len() < bare.len() || next == Some(&b':');
    for (candidate, whole) in [(bare, true), (first, true), (last, false)] {
        if candidate.is_empty() || !whole && candidate.len() == bare.len() {
            continue;
        }
        let upper = candidate.iter().all(u8::is_ascii_uppercase);
        let Some(level) = level::named(candidate) else { continue };
        if candidate.len() == 1 {
            // A letter is one in its own brackets only.
            if upper && matches!((before, next), (Some(b'['), Some(b']'))) {
                return Some(level);
            }
            continue;
        }
        let upper_place = plain == 0 || dated;
        let lower_place = bracketed || (signed || dated || column) && plain == 0;
        let program = candidate.len() < 4 && !upper && !bracketed;
        let lower_place = lower_place && (whole || bracketed);
        if upper && upper_place || !upper && lower_place && !program {
            return Some(level);
        }
    }
    // `PHP Warning:  x`, `PHP Fatal error:  x`, and as the screen has it.
    if bare == b"Fatal" && line[at..].starts_with(b"Fatal error: ") {
        return Some("fatal");
    }
    if line[..at].ends_with(b"PHP ") { level::named(bare) } else { None }
}

/// Whether `<word>` is closed by `</word>`, as XML has it.
fn is_element(line: &[u8], word: &[u8]) -> bool {
    let closing = [b"</", word, b">"].concat();
    memchr::memmem::find(line, &closing).is_some()
}

/// `[orders,8e647434445e3dec,46f68a050bbe5785]` of Spring: the trace.
fn sleuth(line: &[u8], at: usize, length: usize) -> Option<Range<usize>> {
    let word = &line[at..at + length];
    let hex = matches!(length, 16 | 32) && word.iter().all(u8::is_ascii_hexdigit);
    let before = at.checked_sub(1).map(|i| line[i]);
    let next = line.get(at + length);
    let paired = matches!((before, next), (Some(b','), Some(b',')))
        || matches!((before, next), (Some(b'[' | b','), Some(b',' | b'-')))
            && line.get(at + length + 17).is_some_and(|b| matches!(b, b']' | b','));
    (hex && paired).then_some(at..at + length)
}

/// Behind the sign that a level ends with.
fn behind_sign(line: &[u8], at: usize) -> usize {
    at + line[at..].iter().take_while(|b| matches!(b, b']' | b')' | b':' | b'|' | b'>')).count()
}

/// `08:25:00.120`
fn is_time_of_day(word: &[u8]) -> bool {
    let digits = word.iter().take(2).take_while(|b| b.is_ascii_digit()).count();
    digits > 0
        && matches!(word[digits..], [b':', a, b, b':', c, d, ..] if [a, b, c, d].iter().all(u8::is_ascii_digit))
}

/// The length of a name in braces, as loggers have a place in the source.
fn braced(rest: &[u8]) -> Option<usize> {
    let [b'{', inner @ ..] = rest else { return None };
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'/' | b'-');
    let name = inner.iter().take(64).take_while(is_name).count();
    (name > 0 && inner.get(name) == Some(&b'}')).then_some(name + 2)
}

/// The level behind pairs, as Elixir and Sidekiq write them between time and level:
/// `request_id=x user=7 [error] `, `pid=4 tid=gq8v WARN: `. Also where it is, and its end.
fn behind_pairs(line: &[u8], mut at: usize) -> Option<(&'static str, usize, usize)> {
    for _ in 0..MAX_PAIRS {
        let word = line[at..].iter().take(MAX_BYTES).position(|&b| b == b' ')?;
        memchr::memchr(b'=', &line[at..at + word])?;
        at += word + 1;
        if line.get(at) == Some(&b'[') {
            let close = line[at..].iter().take(16).position(|&b| b == b']')?;
            let level = level::named(&line[at + 1..at + close]).filter(|_| close > 3)?;
            return Some((level, at + 1, at + close + 1));
        }
        let word = line[at..].iter().take(16).take_while(|b| b.is_ascii_uppercase()).count();
        if word > 3 && line[at + word..].starts_with(b": ") {
            return Some((level::named(&line[at..at + word])?, at, at + word + 1));
        }
    }
    None
}

/// `3m12s`, `5d`: how long ago an event of Kubernetes was seen.
fn is_age(word: &[u8]) -> bool {
    let mut parts = word.split_inclusive(|b| b.is_ascii_alphabetic());
    word.len() <= 8
        && parts.all(|part| {
            matches!(part, [digits @ .., b's' | b'm' | b'h' | b'd']
                if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
        })
}

#[inline]
fn ends_word(byte: u8) -> bool {
    BYTES[usize::from(byte)] & ENDS != 0
}

/// What parts the words of a head.
#[inline]
pub(super) fn is_between(byte: u8) -> bool {
    BYTES[usize::from(byte)] & BETWEEN != 0
}

/// Of a byte, in [`BYTES`].
const BETWEEN: u8 = 1;
const ENDS: u8 = 2;

/// What each byte is: those of every line with a code are asked about.
const BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut b = 0;
    while b < 128 {
        let byte = b as u8;
        let parts = byte.is_ascii_whitespace()
            || matches!(byte, b'[' | b']' | b'(' | b')' | b'|' | b'<' | b'>' | b',' | b';' | b'"' | b'\'');
        if parts || matches!(byte, b'-' | b'*' | b'#') {
            bytes[b] |= BETWEEN;
        }
        if parts || matches!(byte, b'*' | b'{') {
            bytes[b] |= ENDS;
        }
        b += 1;
    }
    bytes
};

/// `\t` as it stands in a text within a text.
fn behind_escaped_blank(line: &[u8], at: usize) -> usize {
    match line.get(at..at + 2) {
        Some([b'\\', b't' | b'n']) => at + 2,
        _ => at,
    }
}
