//! Where the texts of a document stand, and in which objects.

use crate::parse::{Scalar, Text, Visit};

/// A document's values and keys in their order, in a buffer that is kept.
#[derive(Debug, Default)]
pub(super) struct Outline {
    nodes: Vec<Node>,
    /// The positions of objects and lists that are not yet closed.
    open: Vec<usize>,
}

/// A value or a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub what: What,
    /// The position after it and all that is inside it.
    pub next: usize,
    /// The position of the object or list that it is in; the root's own.
    pub around: usize,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Its members follow: keys, each with its value behind it.
    Object,
    /// Its elements follow.
    List,
    /// A key, or a value.
    Text(Text),
    Other,
}

impl Outline {
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub fn clear(&mut self) {
        self.nodes.clear();
        self.open.clear();
    }

    #[inline]
    fn add(&mut self, what: What) {
        let at = self.nodes.len();
        let around = self.open.last().copied().unwrap_or(0);
        self.nodes.push(Node { what, next: at + 1, around });
    }
}

impl Visit for &mut Outline {
    fn forget(&mut self) {
        self.clear();
    }

    #[inline]
    fn open(&mut self, object: bool) {
        let at = self.nodes.len();
        self.add(if object { What::Object } else { What::List });
        self.open.push(at);
    }

    #[inline]
    fn close(&mut self) {
        if let Some(at) = self.open.pop() {
            self.nodes[at].next = self.nodes.len();
        }
    }

    #[inline]
    fn key(&mut self, _: &[u8], key: Text) {
        self.add(What::Text(key));
    }

    #[inline]
    fn text(&mut self, text: Text) {
        self.add(What::Text(text));
    }

    #[inline]
    fn scalar(&mut self, _: Scalar) {
        self.add(What::Other);
    }
}
