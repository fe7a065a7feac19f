//! The message that belongs to a code: beside it in its object, else further
//! out.

use simd_json::Node;

use super::walk::size;
use crate::parse::Parser;

/// What an object tells about the code.
enum Told {
    /// It does not hold the code.
    Nothing,
    /// It holds the code, and no message so far.
    Code,
    /// This part of the output is the message.
    Message((u32, u32)),
}

/// Where in `out` the message is written that stands under one of `keys`
/// nearest to `code`, which is spelled as in the record.
pub(super) fn beside(
    nodes: &[Node<'_>],
    code: &[u8],
    keys: &[String],
    deeper: &mut [Parser],
    out: &mut String,
) -> Option<(u32, u32)> {
    match value(nodes, 0, code, keys, deeper, out) {
        Told::Message(message) => Some(message),
        Told::Nothing | Told::Code => None,
    }
}

fn value(
    nodes: &[Node<'_>],
    at: usize,
    code: &[u8],
    keys: &[String],
    deeper: &mut [Parser],
    out: &mut String,
) -> Told {
    match &nodes[at] {
        Node::String(text) => string(text, code, keys, deeper, out),
        Node::Object { len, .. } => {
            let told = members(nodes, at + 2, *len, 2, code, keys, deeper, out);
            if let Told::Code = told { own(nodes, at, *len, keys, out) } else { told }
        }
        Node::Array { len, .. } => members(nodes, at + 1, *len, 1, code, keys, deeper, out),
        Node::Static(_) => Told::Nothing,
    }
}

/// The first member that has the message, else whether any has the code.
/// Members of objects have a key between them: a stride of 2.
#[allow(clippy::too_many_arguments)]
fn members(
    nodes: &[Node<'_>],
    first: usize,
    len: usize,
    stride: usize,
    code: &[u8],
    keys: &[String],
    deeper: &mut [Parser],
    out: &mut String,
) -> Told {
    let mut told = Told::Nothing;
    let mut at = first;
    for _ in 0..len {
        match value(nodes, at, code, keys, deeper, out) {
            Told::Nothing => {}
            Told::Code => told = Told::Code,
            message => return message,
        }
        at += size(&nodes[at]) + stride - 1;
    }
    told
}

fn string(text: &str, code: &[u8], keys: &[String], deeper: &mut [Parser], out: &mut String) -> Told {
    let text_bytes = text.as_bytes();
    if text_bytes.len() < code.len() || memchr::memmem::find(text_bytes, code).is_none() {
        return Told::Nothing;
    }
    if text.trim_start().starts_with('{')
        && let Some((parser, deeper)) = deeper.split_first_mut()
    {
        let told = parser.with(text_bytes, |nodes| {
            nodes.map_or(Told::Nothing, |nodes| value(nodes, 0, code, keys, deeper, out))
        });
        if let Told::Message(_) = told {
            return told;
        }
    }
    Told::Code
}

/// The object's own text under the first of `keys` that it has.
fn own(nodes: &[Node<'_>], object: usize, len: usize, keys: &[String], out: &mut String) -> Told {
    for key in keys {
        let mut at = object + 1;
        for _ in 0..len {
            if let (Node::String(name), Node::String(text)) = (&nodes[at], &nodes[at + 1])
                && name == key
                && !text.is_empty()
            {
                let start = out.len() as u32;
                out.push_str(text);
                return Told::Message((start, out.len() as u32));
            }
            at += 1 + size(&nodes[at + 1]);
        }
    }
    Told::Code
}
