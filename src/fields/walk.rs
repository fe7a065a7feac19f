//! An object's nodes, looked through once for all paths.

use std::fmt::Write as _;

use simd_json::{Node, StaticNode};

use super::paths::{NodeId, ROOT};
use super::{Fields, Values};
use crate::parse::Parser;

/// Most texts of an object that are looked into.
const MAX_TEXTS: usize = 16;

/// Fills `values` from the document in `nodes`, whose root stands for `from`
/// of the paths; then from its texts.
///
/// `texts_matter` says whether any text of it can hold a pair or an object.
pub(super) fn document(
    fields: &Fields,
    nodes: &[Node<'_>],
    from: NodeId,
    texts_matter: bool,
    deeper: &mut [Parser],
    values: &mut Values,
) {
    // Texts that paths lead through: as good as objects, but another document.
    let mut through: [Option<(&str, NodeId)>; MAX_TEXTS] = [None; MAX_TEXTS];
    let mut count = 0;
    let mut lead = |text, node| {
        if count < MAX_TEXTS {
            through[count] = Some((text, node));
            count += 1;
        }
    };
    object(fields, nodes, 0, from, &mut lead, values);
    for (text, node) in through.iter().flatten() {
        nested(fields, text, *node, deeper, values);
    }
    if from != ROOT || !texts_matter || !fields.missing(values) {
        return;
    }
    values.next_place();
    let texts = texts(nodes).filter(|t| memchr::memchr2(b'{', b'=', t.as_bytes()).is_some());
    for text in texts.take(MAX_TEXTS) {
        if !nested(fields, text, ROOT, deeper, values) {
            fields.text(text.as_bytes(), values);
        }
        values.next_place();
        if !fields.missing(values) {
            return;
        }
    }
}

/// The texts that stand directly in the root object.
fn texts<'n>(nodes: &'n [Node<'n>]) -> impl Iterator<Item = &'n str> {
    let mut left = if let Some(Node::Object { len, .. }) = nodes.first() { *len } else { 0 };
    let mut value_at = 2;
    std::iter::from_fn(move || {
        while left > 0 {
            left -= 1;
            let value = nodes.get(value_at)?;
            value_at += size(value) + 1;
            if let Node::String(text) = value {
                return Some(*text);
            }
        }
        None
    })
}

/// Whether `text` holds an object.
fn nested(fields: &Fields, text: &str, from: NodeId, deeper: &mut [Parser], values: &mut Values) -> bool {
    let Some((parser, deeper)) = deeper.split_first_mut() else { return false };
    begins_object(text)
        && parser.with(text.as_bytes(), |inner| {
            inner.is_some_and(|inner| {
                document(fields, inner.nodes, from, texts_matter(text.as_bytes()), deeper, values);
                true
            })
        })
}

/// Whether a text of the object in `json` can hold a pair or an object that is
/// not empty: a quick look, since most objects' texts hold neither.
pub(super) fn texts_matter(json: &[u8]) -> bool {
    memchr::memchr2(b'=', b'\\', json).is_some()
}

pub(super) fn begins_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Looks through the object at `at`; gives `lead` the texts that paths lead
/// through.
fn object<'n>(
    fields: &Fields,
    nodes: &[Node<'n>],
    at: usize,
    from: NodeId,
    lead: &mut impl FnMut(&'n str, NodeId),
    values: &mut Values,
) {
    let Some(Node::Object { len, .. }) = nodes.get(at) else { return };
    let mut key_at = at + 1;
    for _ in 0..*len {
        let (Some(Node::String(key)), Some(value)) = (nodes.get(key_at), nodes.get(key_at + 1)) else {
            return;
        };
        let child = fields.paths.child(from, key.as_bytes());
        if let Some(child) = child {
            for &(slot, rank) in child.slots() {
                if Some(slot) != fields.message {
                    scalar(value, slot, rank, values);
                }
            }
        }
        match value {
            Node::Object { .. } => {
                if let Some(below) = child.and_then(|c| c.below) {
                    object(fields, nodes, key_at + 1, below, lead, values);
                }
            }
            Node::String(text) => {
                if let Some(below) = child.and_then(|c| c.below).filter(|_| begins_object(text)) {
                    lead(text, below);
                }
            }
            _ => {}
        }
        key_at += 1 + size(value);
    }
}

/// Nodes of a value, those inside it included.
pub(super) fn size(value: &Node<'_>) -> usize {
    match value {
        Node::Object { count, .. } | Node::Array { count, .. } => count + 1,
        _ => 1,
    }
}

/// Puts a text, number or truth value into a slot.
fn scalar(value: &Node<'_>, slot: usize, rank: u8, values: &mut Values) {
    // Writing to a string cannot fail.
    values.set(slot, rank, |out| {
        let _ = match *value {
            Node::String(text) => out.write_str(text),
            Node::Static(StaticNode::Bool(b)) => write!(out, "{b}"),
            Node::Static(StaticNode::I64(n)) => write!(out, "{n}"),
            Node::Static(StaticNode::U64(n)) => write!(out, "{n}"),
            Node::Static(StaticNode::F64(n)) => write!(out, "{n}"),
            Node::Static(StaticNode::Null) | Node::Object { .. } | Node::Array { .. } => Ok(()),
        };
    });
}
