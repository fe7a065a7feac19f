//! What stands around keys and values in all the ways in which text is
//! escaped: quotes, signs, tags, and the noise between them.

use crate::boundary::{MAX_PERCENT_DEPTH, terminal};

/// Most backslashes before a quote, or where words of a key meet.
pub const MAX_SLASHES: usize = 16;

/// Longest noise in one place.
pub const MAX_NOISE: usize = 64;

/// Longest quote with its escapes.
pub const MAX_QUOTE: usize = 64;

/// Longest `:`, `=`, `=>`, `%252525253A`, `&gt;` or `\\\\u003e`.
pub const MAX_SIGN: usize = 3 + 2 * MAX_PERCENT_DEPTH + MAX_SLASHES;

/// Quotes and what follows `&` for them.
const ENTITIES: [(&[u8], u8); 6] = [
    (b"quot;", b'"'),
    (b"#34;", b'"'),
    (b"#x22;", b'"'),
    (b"apos;", b'\''),
    (b"#39;", b'\''),
    (b"#x27;", b'\''),
];

/// After the blanks, tabs, `%20` and terminal sequences at `at`, as far as
/// they have room.
#[inline]
pub fn blanks_and_colours(hay: &[u8], at: usize) -> usize {
    let mut end = at;
    while let Some(&byte) = hay.get(end) {
        let length = match byte {
            b' ' | b'\t' => 1,
            b'%' if hay[end..].starts_with(b"%20") => 3,
            0x1b | b'\\' | b'#' | b'^' | b'%' => terminal(hay, end),
            _ => 0,
        };
        if length == 0 || end + length - at > MAX_NOISE {
            break;
        }
        end += length;
    }
    end
}

/// The quote at `at`: its mark and the byte after it.
#[inline]
pub fn quote(hay: &[u8], at: usize) -> Option<(u8, usize)> {
    match hay.get(at)? {
        b'"' => Some((b'"', at + 1)),
        b'\'' => Some((b'\'', at + 1)),
        b'`' => Some((b'`', at + 1)),
        b'\\' => slashed(hay, at),
        b'&' => entity(hay, at),
        b'%' => percent(hay, at),
        _ => None,
    }
}

fn slashed(hay: &[u8], at: usize) -> Option<(u8, usize)> {
    let slashes = hay[at..].iter().take(MAX_SLASHES + 1).take_while(|&&b| b == b'\\').count();
    if slashes > MAX_SLASHES {
        return None;
    }
    match &hay[at + slashes..] {
        [mark @ (b'"' | b'\'' | b'`'), ..] => Some((*mark, at + slashes + 1)),
        [b'u', b'0', b'0', b'2', b'2', ..] => Some((b'"', at + slashes + 5)),
        [b'u', b'0', b'0', b'2', b'7', ..] => Some((b'\'', at + slashes + 5)),
        _ => None,
    }
}

/// After `&` and up to four `amp;`.
fn after_ampersand(hay: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    for _ in 0..4 {
        end += if hay[end..].starts_with(b"amp;") { 4 } else { 0 };
    }
    end
}

fn entity(hay: &[u8], at: usize) -> Option<(u8, usize)> {
    let end = after_ampersand(hay, at);
    ENTITIES
        .iter()
        .find(|(name, _)| hay[end..].starts_with(name))
        .map(|(name, mark)| (*mark, end + name.len()))
}

/// The two digits of the percent escape at `at`, and what follows them.
fn percent_digits(hay: &[u8], at: usize) -> Option<([u8; 2], usize)> {
    let mut end = at + 1;
    for _ in 0..MAX_PERCENT_DEPTH {
        end += if hay[end..].starts_with(b"25") { 2 } else { 0 };
    }
    let digits: [u8; 2] = hay.get(end..end + 2)?.try_into().ok()?;
    Some((digits.map(|d| d.to_ascii_uppercase()), end + 2))
}

/// Any number of `%5C`, then `%22` or `%27`.
fn percent(hay: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut end = at;
    while end - at <= MAX_QUOTE && hay.get(end) == Some(&b'%') {
        let (digits, after) = percent_digits(hay, end)?;
        end = after;
        let mark = match &digits {
            b"22" => b'"',
            b"27" => b'\'',
            b"5C" => continue,
            _ => return None,
        };
        return (end - at <= MAX_QUOTE).then_some((mark, end));
    }
    None
}

/// Whether a quote ends just before `at`.
#[inline]
pub fn quote_ends(hay: &[u8], at: usize) -> bool {
    let head = &hay[..at];
    match head {
        [.., b'"' | b'\'' | b'`'] => true,
        [.., b'0', b'0', b'2', b'2' | b'7'] => matches!(&head[..head.len() - 4], [.., b'\\', b'u']),
        [.., b'2', b'2' | b'7'] => (0..=MAX_PERCENT_DEPTH).any(|depth| {
            let before = head.len().checked_sub(3 + 2 * depth);
            before.is_some_and(|at| quote_percent(&head[at..]))
        }),
        [.., b';'] => ENTITIES.iter().any(|(name, _)| {
            head.strip_suffix(*name).is_some_and(|head| head.ends_with(b"&") || head.ends_with(b"&amp;"))
        }),
        _ => false,
    }
}

/// Whether `text` is `%`, any number of `25` and two digits of a quote.
fn quote_percent(text: &[u8]) -> bool {
    text.first() == Some(&b'%') && text[1..text.len() - 2].chunks(2).all(|pair| pair == b"25")
}

/// After `:`, `=`, `=>` or their percent escapes at `at`.
#[inline]
pub fn sign(hay: &[u8], at: usize) -> Option<usize> {
    match hay.get(at)? {
        b':' => Some(at + 1),
        b'=' => Some(at + 1 + usize::from(hay.get(at + 1) == Some(&b'>'))),
        b'%' => {
            let (digits, end) = percent_digits(hay, at)?;
            matches!(&digits, b"3A" | b"3D").then_some(end)
        }
        _ => None,
    }
}

/// After the end of a tag, `>` in one of its forms, at `at`.
pub fn tag_ends(hay: &[u8], at: usize) -> Option<usize> {
    angle(hay, at, b'>', b"gt;", b"u003e")
}

/// Whether a tag opens at `at`.
pub fn tag_opens(hay: &[u8], at: usize) -> bool {
    angle(hay, at, b'<', b"lt;", b"u003c").is_some()
}

fn angle(hay: &[u8], at: usize, sign: u8, entity: &[u8], escape: &[u8]) -> Option<usize> {
    match *hay.get(at)? {
        byte if byte == sign => Some(at + 1),
        b'&' => {
            let end = after_ampersand(hay, at);
            hay[end..].starts_with(entity).then_some(end + entity.len())
        }
        b'\\' => {
            let slashes = hay[at..].iter().take(MAX_SLASHES + 1).take_while(|&&b| b == b'\\').count();
            let end = at + slashes;
            let text = hay.get(end..end + escape.len())?;
            (slashes <= MAX_SLASHES && text.eq_ignore_ascii_case(escape)).then_some(end + escape.len())
        }
        _ => None,
    }
}

/// Whether a tag opens just before `at`.
pub fn tag_opens_before(hay: &[u8], at: usize) -> bool {
    let head = &hay[..at];
    let ends =
        |text: &[u8]| head.len() >= text.len() && head[head.len() - text.len()..].eq_ignore_ascii_case(text);
    ends(b"<") || ends(b"&lt;") || ends(b"amp;lt;") || ends(b"\\u003c")
}
