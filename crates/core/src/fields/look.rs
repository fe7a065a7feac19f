//! What is found in an object while it is read: the values that paths lead to.

use super::Values;
use super::origin::{Origin, Rule};
use super::paths::{Child, NodeId, Paths, ROOT};
use crate::parse::{Scalar, Text, Visit, write_scalar};

/// What one document has, in buffers that are kept.
#[derive(Debug, Default)]
pub(super) struct Finds {
    /// Values of fields, in their order.
    values: Vec<Find>,
    /// Texts that paths lead through: as good as objects, but another document.
    pub through: Vec<(Text, NodeId)>,
    /// The texts that stand directly in the root object.
    pub texts: Vec<Text>,
    /// By object or list around the present one, what its keys stand for.
    around: Vec<Option<NodeId>>,
}

#[derive(Clone, Copy, Debug)]
struct Find {
    slot: usize,
    rank: u8,
    value: Value,
}

#[derive(Clone, Copy, Debug)]
enum Value {
    Text(Text),
    Scalar(Scalar),
}

impl Finds {
    /// Puts the values, whose texts stand in `bytes`, into their slots. The
    /// record has these bytes from `base` on, where they stand in it as they are.
    #[inline]
    pub fn settle(&self, bytes: &[u8], base: Option<usize>, values: &mut Values) {
        for &Find { slot, rank, value } in &self.values {
            let origin = match (base, value) {
                (Some(base), Value::Text(text)) => Origin::at(Rule::Document, base + text.start as usize),
                (Some(_), Value::Scalar(_)) => Origin::of(Rule::Document),
                (None, _) => Origin::of(Rule::Text),
            };
            values.set(slot, rank, origin, |out| match value {
                Value::Text(text) => text.write(bytes, out),
                Value::Scalar(value) => write_scalar(value, out),
            });
        }
    }
}

/// Looks up the keys of a document.
pub(super) struct Look<'f> {
    paths: &'f Paths,
    /// The field that is read otherwise.
    but: Option<usize>,
    /// What the root stands for.
    from: NodeId,
    finds: &'f mut Finds,
    /// What the keys of the present object stand for; nothing in a list.
    here: Option<NodeId>,
    /// What the last key leads to.
    child: Option<&'f Child>,
    /// In the root object of a record, not deeper.
    in_root: bool,
}

impl<'f> Look<'f> {
    /// For a document whose root stands for `from`; what it has goes to
    /// `finds`. The field in slot `but` is left out.
    pub fn new(paths: &'f Paths, but: Option<usize>, from: NodeId, finds: &'f mut Finds) -> Look<'f> {
        let mut look = Look { paths, but, from, finds, here: None, child: None, in_root: false };
        look.forget();
        look
    }

    #[inline]
    fn find(&mut self, value: Value) {
        let Some(child) = self.child else { return };
        for &(slot, rank) in child.slots() {
            if Some(slot) != self.but {
                self.finds.values.push(Find { slot, rank, value });
            }
        }
    }
}

impl Visit for Look<'_> {
    #[inline]
    fn forget(&mut self) {
        self.finds.values.clear();
        self.finds.through.clear();
        self.finds.texts.clear();
        self.finds.around.clear();
        (self.here, self.child, self.in_root) = (None, None, false);
    }

    #[inline]
    fn open(&mut self, object: bool) {
        let is_root = self.finds.around.is_empty();
        let below = if is_root { Some(self.from) } else { self.child.and_then(|c| c.below) };
        self.finds.around.push(self.here);
        self.here = below.filter(|_| object);
        self.child = None;
        self.in_root = is_root && object && self.from == ROOT;
    }

    #[inline]
    fn close(&mut self) {
        self.here = self.finds.around.pop().flatten();
        self.child = None;
        self.in_root = self.from == ROOT && self.here == Some(ROOT) && self.finds.around.len() == 1;
    }

    #[inline]
    fn key(&mut self, raw: &[u8], key: Text) {
        let Some(node) = self.here else { return };
        self.child = if key.escaped {
            let whole = Text { start: 0, end: key.end - key.start, escaped: true };
            self.paths.child(node, whole.meaning(raw, &mut String::new()))
        } else {
            self.paths.child(node, raw)
        };
    }

    #[inline]
    fn text(&mut self, text: Text) {
        if let Some(child) = self.child {
            self.find(Value::Text(text));
            if let Some(below) = child.below {
                self.finds.through.push((text, below));
            }
        }
        if self.in_root {
            self.finds.texts.push(text);
        }
    }

    #[inline]
    fn scalar(&mut self, value: Scalar) {
        self.find(Value::Scalar(value));
    }
}
