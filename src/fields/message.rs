//! The message that belongs to a code: beside it in its object, else further
//! out.

use std::ops::Range;

use simd_json::Node;

use super::Fields;
use super::walk::{begins_object, size};
use crate::parse::{Document, Parser};

/// Where in `out` the message is written that stands under a key of
/// messages nearest to the code at `place`, which is spelled `code` there.
pub(super) fn beside(
    document: &Document<'_, '_>,
    place: usize,
    code: &[u8],
    fields: &Fields,
    deeper: &mut [Parser],
    out: &mut String,
) -> Option<Range<usize>> {
    // Strings stand in the tape in their order: the last that begins before the code holds it.
    let strings = document.nodes.iter().enumerate().filter_map(|(i, node)| match node {
        Node::String(text) => Some((i, *text)),
        _ => None,
    });
    let (at, text) = strings.take_while(|(_, text)| document.offset(text) <= place).last()?;
    let inner = if begins_object(text) { inside(text, code, fields, deeper, out) } else { None };
    inner.or_else(|| outward(document.nodes, 0, at, fields, out))
}

/// As [`beside`], in a text that may hold an object.
fn inside(
    text: &str,
    code: &[u8],
    fields: &Fields,
    deeper: &mut [Parser],
    out: &mut String,
) -> Option<Range<usize>> {
    let (parser, deeper) = deeper.split_first_mut()?;
    let place = memchr::memmem::find(text.as_bytes(), code)?;
    parser.with(text.as_bytes(), |document| beside(&document?, place, code, fields, deeper, out))
}

/// The message in the object or list at `from`, or inside it, that is nearest
/// to the node `to`.
fn outward(
    nodes: &[Node<'_>],
    from: usize,
    to: usize,
    fields: &Fields,
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
            let inner = outward(nodes, at, to, fields, out);
            return inner.or_else(|| if stride == 2 { own(nodes, from, len, fields, out) } else { None });
        }
        at = next + stride - 1;
    }
    None
}

/// The object's own text under the best key of a message that it has.
fn own(
    nodes: &[Node<'_>],
    object: usize,
    len: usize,
    fields: &Fields,
    out: &mut String,
) -> Option<Range<usize>> {
    let mut best: Option<(u8, &str)> = None;
    let mut at = object + 1;
    for _ in 0..len {
        if let (Node::String(name), Node::String(text)) = (nodes.get(at)?, nodes.get(at + 1)?)
            && !text.is_empty()
            && let Some(rank) = fields.message_rank(name)
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
