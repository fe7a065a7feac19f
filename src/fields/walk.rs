//! An object's nodes, looked through once for all paths.

use std::fmt::Write as _;

use simd_json::{Node, StaticNode};

use super::paths::{NodeId, ROOT};
use super::{Fields, Values};
use crate::parse::Parser;

/// Most strings of a record that are looked into.
const MAX_STRINGS: usize = 16;

/// Fills `values` from the document in `nodes`, whose root stands for `from`
/// of the paths; then from its strings.
pub(super) fn document(
    fields: &Fields,
    nodes: &[Node<'_>],
    from: NodeId,
    deeper: &mut [Parser],
    values: &mut Values,
) {
    let mut strings: [Option<(&str, NodeId)>; MAX_STRINGS] = [None; MAX_STRINGS];
    let mut count = 0;
    let mut later = |text, node| {
        if count < MAX_STRINGS {
            strings[count] = Some((text, node));
            count += 1;
        }
    };
    object(fields, nodes, 0, from, &mut later, values);
    if count == 0 || !fields.missing(values) {
        return;
    }
    let strings = &strings[..count];
    // A path that leads into a string is as good as one into an object.
    for (text, node) in strings.iter().flatten().filter(|(_, node)| *node != ROOT) {
        nested(fields, text, *node, deeper, values);
    }
    values.next_place();
    for (text, _) in strings.iter().flatten().filter(|(_, node)| *node == ROOT) {
        if !fields.missing(values) {
            return;
        }
        if !nested(fields, text, ROOT, deeper, values) {
            fields.text(text.as_bytes(), values);
        }
    }
}

/// Whether `text` holds an object.
fn nested(fields: &Fields, text: &str, from: NodeId, deeper: &mut [Parser], values: &mut Values) -> bool {
    let Some((parser, deeper)) = deeper.split_first_mut() else { return false };
    begins_object(text)
        && parser.with(text.as_bytes(), |nodes| {
            nodes.is_some_and(|nodes| {
                document(fields, nodes, from, deeper, values);
                true
            })
        })
}

fn begins_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Looks through the object at `at`; gives `later` the strings that may hold
/// more.
fn object<'n>(
    fields: &Fields,
    nodes: &[Node<'n>],
    at: usize,
    from: NodeId,
    later: &mut impl FnMut(&'n str, NodeId),
    values: &mut Values,
) {
    let Some(Node::Object { len, .. }) = nodes.get(at) else { return };
    let mut key_at = at + 1;
    for _ in 0..*len {
        let (Some(Node::String(key)), Some(value)) = (nodes.get(key_at), nodes.get(key_at + 1)) else { return };
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
                    object(fields, nodes, key_at + 1, below, later, values);
                }
            }
            Node::String(text) => {
                if let Some(below) = child.and_then(|c| c.below).filter(|_| begins_object(text)) {
                    later(text, below);
                }
                if from == ROOT && memchr::memchr2(b'{', b'=', text.as_bytes()).is_some() {
                    later(text, ROOT);
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
