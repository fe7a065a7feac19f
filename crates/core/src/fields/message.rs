//! The message that belongs to a code: beside it in its object, else further
//! out.

use super::near::Role;
use super::origin::{Origin, Rule};
use super::outline::{Node, Outline, What};
use super::walk::{Desk, begins_object};
use super::{Fields, Held, Kept};
use crate::parse::Text;

/// How the document holds the code at `place`, which is spelled `code` there:
/// a message that stands under a key of messages nearest to it is written to
/// `out`. The texts of the document stand in `bytes`, which the record has from
/// `base` on.
#[allow(clippy::too_many_arguments, reason = "the parts of a document")]
pub(super) fn beside(
    fields: &Fields,
    bytes: &[u8],
    outline: &Outline,
    base: Option<usize>,
    place: usize,
    code: &[u8],
    deeper: &mut [Desk],
    out: &mut String,
) -> Option<Held> {
    let nodes = outline.nodes();
    // Texts stand in their order: the last that begins before the code holds it.
    let (at, text) = nodes.iter().enumerate().rev().find_map(|(i, node)| match node.what {
        What::Text(text) if text.start as usize <= place => Some((i, text)),
        _ => None,
    })?;
    let alone = text.end - text.start == code.len() as u32;
    let [mut message, mut request] = [None, None];
    if !alone {
        match inside(fields, bytes, text, code, deeper, out) {
            Some(Held::Beside(m, r)) => [message, request] = [m, r],
            _ => return Some(Held::Mixed),
        }
    }
    for (found, role) in [(&mut message, Role::Message), (&mut request, Role::Request)] {
        if found.is_none() {
            *found = outward(fields, (bytes, base), nodes, at, role, false, out)
                .or_else(|| outward(fields, (bytes, base), nodes, at, role, true, out));
        }
    }
    Some(Held::Beside(message, request))
}

/// As [`beside`], in a text that may hold an object.
fn inside(
    fields: &Fields,
    bytes: &[u8],
    text: Text,
    code: &[u8],
    deeper: &mut [Desk],
    out: &mut String,
) -> Option<Held> {
    let (Desk { parser, outline, text: buffer, .. }, deeper) = deeper.split_first_mut()?;
    let text = text.meaning(bytes, buffer);
    if !begins_object(text) {
        return None;
    }
    let place = memchr::memmem::find(text, code)?;
    outline.clear();
    let bytes = parser.read(text, &mut &mut *outline)?;
    beside(fields, bytes, outline, None, place, code, deeper, out)
}

/// The text of this role in the innermost object around the node `to` that has one.
fn outward(
    fields: &Fields,
    (bytes, base): (&[u8], Option<usize>),
    nodes: &[Node],
    to: usize,
    role: Role,
    any_spelling: bool,
    out: &mut String,
) -> Option<Kept> {
    let mut at = nodes[to].around;
    loop {
        if nodes[at].what == What::Object
            && let Some(message) = own(fields, bytes, nodes, at, role, any_spelling)
        {
            let start = out.len();
            message.write(bytes, out);
            let origin = match base {
                Some(base) => Origin::at(Rule::Document, base + message.start as usize),
                None => Origin::of(Rule::Text),
            };
            return Some((start..out.len(), origin));
        }
        // The root is around itself.
        at = Some(nodes[at].around).filter(|&around| around != at)?;
    }
}

/// The object's own text under the best key of this role that it has, exactly
/// so spelled or in any spelling.
fn own(
    fields: &Fields,
    bytes: &[u8],
    nodes: &[Node],
    object: usize,
    role: Role,
    any_spelling: bool,
) -> Option<Text> {
    let mut best: Option<(u8, Text)> = None;
    let mut at = object + 1;
    while at < nodes[object].next {
        // A key is always followed by its value.
        let value = nodes[at + 1];
        if let (What::Text(name), What::Text(text)) = (nodes[at].what, value.what)
            && text.start < text.end
            && let Some(rank) = fields.rank(role, any_spelling, name.meaning(bytes, &mut String::new()))
            && best.is_none_or(|(other, _)| rank < other)
        {
            best = Some((rank, text));
        }
        at = value.next;
    }
    best.map(|(_, text)| text)
}
