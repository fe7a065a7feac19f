//! A document looked through once for all paths, then those in its texts.

use super::look::{Finds, Look};
use super::outline::Outline;
use super::paths::{NodeId, ROOT};
use super::{Fields, Values};
use crate::parse::Parser;

/// Most texts of a document that are looked into.
const MAX_TEXTS: usize = 16;

/// What it takes to read a document; another one for those in its texts.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub parser: Parser,
    finds: Finds,
    pub outline: Outline,
    /// A text of the document without its escapes.
    pub text: String,
}

/// Fills `values` from the document in `json`, whose root stands for `from` of
/// the paths; then from its texts. Gives the bytes that its texts stand in, or
/// `None` where it does not parse.
///
/// The record has these bytes from `base` on, unless they stand in a text.
/// `outlined` asks for its outline too.
pub(super) fn document<'d>(
    fields: &Fields,
    json: &'d [u8],
    base: Option<usize>,
    from: NodeId,
    outlined: bool,
    desks: &'d mut [Desk],
    values: &mut Values,
) -> Option<(&'d [u8], &'d Outline, &'d mut [Desk])> {
    let (desk, deeper) = desks.split_first_mut()?;
    let Desk { parser, finds, outline, text: buffer } = desk;
    let look = Look::new(&fields.paths, fields.roles.message, from, finds);
    let bytes = if outlined {
        outline.clear();
        parser.read(json, &mut (look, &mut *outline))?
    } else {
        parser.read(json, &mut { look })?
    };
    finds.settle(bytes, base, values);
    let mut left = MAX_TEXTS;
    for &(text, node) in &finds.through {
        let text = text.meaning(bytes, buffer);
        if left > 0 && begins_object(text) {
            left -= 1;
            nested(fields, text, node, deeper, values);
        }
    }
    let mut missing = fields.missing_in_document(values);
    if from == ROOT && missing != 0 && texts_matter(json) {
        values.next_place();
        let mut left = MAX_TEXTS;
        for &text in &finds.texts {
            let raw = text.raw(bytes);
            let holds = may_hold(raw);
            if left == 0 || !(holds || text.escaped) {
                continue;
            }
            // Here, or in a document inside: what stands for a character may stand for a key's.
            let numbered = memchr::memmem::find(raw, b"\\u").is_some();
            if !(holds || numbered && may_hold(text.meaning(bytes, buffer))) {
                continue;
            }
            left -= 1;
            if !numbered && !fields.paths.may_be_in(raw, missing) {
                continue;
            }
            let text = text.meaning(bytes, buffer);
            if !nested(fields, text, ROOT, deeper, values) {
                fields.text(text, memchr::memchr_iter(b'=', text), false, values);
            }
            values.next_place();
            missing = fields.missing_in_document(values);
            if missing == 0 {
                break;
            }
        }
    }
    Some((bytes, outline, deeper))
}

/// Whether `text` holds an object.
fn nested(fields: &Fields, text: &[u8], from: NodeId, deeper: &mut [Desk], values: &mut Values) -> bool {
    begins_object(text) && document(fields, text, None, from, false, deeper, values).is_some()
}

/// Whether `text` can hold an object or a pair.
fn may_hold(text: &[u8]) -> bool {
    memchr::memchr2(b'{', b'=', text).is_some()
}

/// Whether a text of the object in `json` can hold a pair or an object that is
/// not empty: a quick look, since most objects' texts hold neither.
fn texts_matter(json: &[u8]) -> bool {
    memchr::memchr2(b'=', b'\\', json).is_some()
}

/// Whether `text`, which is UTF-8, begins like an object, blanks of any
/// alphabet aside.
#[inline]
pub(super) fn begins_object(text: &[u8]) -> bool {
    match text.first() {
        Some(b'{') => true,
        Some(b'!'..=b'~') | None => false,
        _ => std::str::from_utf8(text).is_ok_and(|text| text.trim_start().starts_with('{')),
    }
}
