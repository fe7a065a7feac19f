//! The message that belongs to a code: beside it in its object, else further
//! out.

use std::ops::Range;

use simd_json::Node;

use super::walk::{begins_object, size};
use crate::parse::{Document, Parser};

/// Where in `out` the message is written that stands under one of `keys`
/// nearest to the code at `place`, which is spelled `code` there.
pub(super) fn beside(
    document: &Document<'_, '_>,
    place: usize,
    code: &[u8],
    keys: &[String],
    deeper: &mut [Parser],
    out: &mut String,
) -> Option<Range<usize>> {
    // Strings stand in the tape in their order: the last that begins before the code holds it.
    let strings = document.nodes.iter().enumerate().filter_map(|(i, node)| match node {
        Node::String(text) => Some((i, *text)),
        _ => None,
    });
    let (at, text) = strings.take_while(|(_, text)| document.offset(text) <= place).last()?;
    let inner = if begins_object(text) { inside(text, code, keys, deeper, out) } else { None };
    inner.or_else(|| outward(document.nodes, 0, at, keys, out))
}

/// As [`beside`], in a text that may hold an object.
fn inside(
    text: &str,
    code: &[u8],
    keys: &[String],
    deeper: &mut [Parser],
    out: &mut String,
) -> Option<Range<usize>> {
    let (parser, deeper) = deeper.split_first_mut()?;
    let place = memchr::memmem::find(text.as_bytes(), code)?;
    parser.with(text.as_bytes(), |document| beside(&document?, place, code, keys, deeper, out))
}

/// The message in the object or list at `from`, or inside it, that is nearest
/// to the node `to`.
fn outward(
    nodes: &[Node<'_>],
    from: usize,
    to: usize,
    keys: &[String],
    out: &mut String,
) -> Option<Range<usize>> {
    let (len, stride) = match nodes.get(from)? {
        Node::Object { len, .. } => (*len, 2),
        Node::Array { len, .. } => (*len, 1),
        _ => return None,
    };
    // The members of an object have their keys before them.
    let mut at = from + stride;
    for _ in 0..len {
        let next = at + size(nodes.get(at)?);
        if to < next {
            let inner = outward(nodes, at, to, keys, out);
            return inner.or_else(|| if stride == 2 { own(nodes, from, len, keys, out) } else { None });
        }
        at = next + stride - 1;
    }
    None
}

/// The object's own text under the first of `keys` that it has.
fn own(nodes: &[Node<'_>], object: usize, len: usize, keys: &[String], out: &mut String) -> Option<Range<usize>> {
    let mut best: Option<(usize, &str)> = None;
    let mut at = object + 1;
    for _ in 0..len {
        if let (Node::String(name), Node::String(text)) = (nodes.get(at)?, nodes.get(at + 1)?)
            && !text.is_empty()
            && let Some(rank) = keys.iter().position(|key| key == name)
            && best.is_none_or(|(other, _)| rank < other)
        {
            best = Some((rank, text));
        }
        at += 1 + size(nodes.get(at + 1)?);
    }
    let start = out.len();
    out.push_str(best?.1);
    Some(start..out.len())
}
