//! simd-json's tape, shown as if it were being read.

use simd_json::Node;

use super::visit::{Text, Visit};

/// Shows what is on a tape to `visitor`. Its texts stand in bytes whose first
/// has the address `start`.
pub(super) fn show(nodes: &[Node<'_>], start: usize, visitor: &mut impl Visit) {
    // What is open: values and keys that it still has, and whether it is an object.
    let mut open: Vec<(usize, bool)> = Vec::new();
    for node in nodes {
        let is_key = open.last().is_some_and(|&(left, object)| object && left % 2 == 0);
        let opened = match *node {
            Node::String(text) => {
                let from = (text.as_ptr() as usize - start) as u32;
                let place = Text { start: from, end: from + text.len() as u32, escaped: false };
                if is_key {
                    visitor.key(text.as_bytes(), place);
                } else {
                    visitor.text(place);
                }
                None
            }
            Node::Object { len, .. } => Some((2 * len, true)),
            Node::Array { len, .. } => Some((len, false)),
            Node::Static(value) => {
                visitor.scalar(value);
                None
            }
        };
        if let Some((left, _)) = open.last_mut() {
            *left -= 1;
        }
        match opened {
            Some((0, object)) => {
                visitor.open(object);
                visitor.close();
            }
            Some(container) => {
                visitor.open(container.1);
                open.push(container);
            }
            None => {}
        }
        while open.last().is_some_and(|&(left, _)| left == 0) {
            open.pop();
            visitor.close();
        }
    }
}
