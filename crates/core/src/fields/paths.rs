//! Paths as a tree, so that an object's keys are each looked up once.

use super::file::OfFile;
use super::text::last_of_key;
use super::words::Words;

/// Most fields: one bit each in a word.
pub const MAX_SLOTS: usize = 64;

/// Most dots of a path: each doubles the ways in which it can be read.
pub const MAX_DOTS: usize = 7;

/// Most paths of a field.
const MAX_PATHS: usize = 64;

/// Longest path, in bytes.
const MAX_PATH_BYTES: usize = 512;

/// Most ways in which all paths together can be read: each is looked for.
const MAX_READINGS: usize = 16_384;

/// A field and where it is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name, for messages.
    pub name: String,
    /// Its paths, the best first.
    pub paths: Vec<String>,
}

/// The position of a [`Node`].
pub(super) type NodeId = u32;

/// Where every path begins.
pub(super) const ROOT: NodeId = 0;

/// All paths.
#[derive(Debug)]
pub(super) struct Paths {
    nodes: Vec<Node>,
    /// Paths into the envelope of a message or the name of a file: slot, rank, what.
    pub envelope: Vec<(usize, u8, FromEnvelope)>,
    /// How many fields.
    pub slots: usize,
    /// The slots that the tree can fill.
    pub all: u64,
    /// By slot, the keys that its paths begin with.
    words: Vec<Words>,
    /// By [`ending`], whether a key at the root may have it.
    endings: Box<[bool; ENDINGS]>,
}

/// A path that a record does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FromEnvelope {
    Key,
    Header(String),
    File(OfFile),
    Peer,
}

/// An object that paths go through.
#[derive(Debug)]
struct Node {
    children: Vec<Child>,
    /// By [`bucket`] of a key, the children that it may be: bit `i` for all
    /// children whose position is `i` modulo 64.
    buckets: [u64; BUCKETS],
}

impl Default for Node {
    fn default() -> Node {
        Node { children: Vec::new(), buckets: [0; BUCKETS] }
    }
}

/// A key that paths go through or end at.
#[derive(Debug)]
pub(super) struct Child {
    key: Box<[u8]>,
    slots: Vec<(usize, u8)>,
    /// The object below, where paths go on.
    pub below: Option<NodeId>,
}

impl Child {
    /// The fields whose paths end here, with the path's rank.
    pub fn slots(&self) -> &[(usize, u8)] {
        &self.slots
    }
}

/// So many that most keys of a record meet nothing in theirs.
const BUCKETS: usize = 256;

/// By length, first and last byte.
#[inline]
fn bucket(key: &[u8]) -> usize {
    let (first, last) = (key.first().copied().unwrap_or(0), key.last().copied().unwrap_or(0));
    (key.len() ^ usize::from(first) << 1 ^ usize::from(last) << 4) % BUCKETS
}

/// Values of [`ending`].
const ENDINGS: usize = 1 << 10;

/// The last bytes of the key that ends `before` as a position.
#[inline]
fn ending(before: &[u8]) -> usize {
    (last_of_key(before).wrapping_mul(0x9e37_79b1) >> 22) as usize
}

/// In how many ways a path can be read; see [`MAX_DOTS`].
fn readings(path: &str) -> usize {
    1 << path.matches('.').count().min(MAX_DOTS)
}

impl Paths {
    pub fn new(wanted: &[Wanted]) -> Result<Paths, String> {
        if wanted.len() > MAX_SLOTS {
            return Err(format!("{} fields, at most {MAX_SLOTS}", wanted.len()));
        }
        let mut paths = Paths {
            nodes: vec![Node::default()],
            envelope: Vec::new(),
            slots: wanted.len(),
            all: 0,
            words: Vec::new(),
            endings: Box::new([false; ENDINGS]),
        };
        let readings: usize = wanted.iter().flat_map(|field| &field.paths).map(|path| readings(path)).sum();
        if readings > MAX_READINGS {
            return Err(format!(
                "{readings} ways to read all paths, since each dot doubles them; at most {MAX_READINGS}"
            ));
        }
        for (slot, field) in wanted.iter().enumerate() {
            if field.paths.len() > MAX_PATHS {
                return Err(format!("{} paths of `{}`, at most {MAX_PATHS}", field.paths.len(), field.name));
            }
            for (rank, path) in field.paths.iter().enumerate() {
                paths.add(slot, rank as u8, path)?;
            }
        }
        for child in &paths.nodes[ROOT as usize].children {
            paths.endings[ending(&child.key)] = true;
        }
        paths.words = (0..wanted.len()).map(|slot| paths.words_of(slot)).collect();
        Ok(paths)
    }

    /// The keys at the root that lead to `slot`.
    fn words_of(&self, slot: usize) -> Words {
        let root = &self.nodes[ROOT as usize].children;
        Words::new(root.iter().filter(|child| self.leads_to(child, slot)).map(|child| &*child.key))
    }

    fn leads_to(&self, child: &Child, slot: usize) -> bool {
        let below = child.below.map_or(&[][..], |below| &self.nodes[below as usize].children);
        child.slots.iter().any(|&(s, _)| s == slot) || below.iter().any(|child| self.leads_to(child, slot))
    }

    /// The keys that paths of any of `slots` end with.
    pub fn ends(&self, slots: u64) -> impl Iterator<Item = &[u8]> {
        let children = self.nodes.iter().flat_map(|node| &node.children);
        let has = move |child: &&Child| child.slots.iter().any(|&(slot, _)| slots >> slot & 1 == 1);
        children.filter(has).map(|child| &*child.key)
    }

    /// A quick look whether a key at the root may end `before`.
    #[inline]
    pub fn may_end(&self, before: &[u8]) -> bool {
        self.endings[ending(before)]
    }

    /// Whether `text`, in which no character is written by its number, may
    /// have any of `slots`.
    pub fn may_be_in(&self, text: &[u8], slots: u64) -> bool {
        self.words.iter().enumerate().any(|(slot, words)| slots >> slot & 1 == 1 && words.may_be_in(text))
    }

    fn add(&mut self, slot: usize, rank: u8, path: &str) -> Result<(), String> {
        if let Some(rest) = path.strip_prefix('@') {
            let from = match (rest.split_once(':'), OfFile::named(rest)) {
                (None, _) if rest == "key" => FromEnvelope::Key,
                (None, _) if rest == "peer" => FromEnvelope::Peer,
                (None, Some(what)) => FromEnvelope::File(what),
                (Some(("header", name)), _) if !name.is_empty() => FromEnvelope::Header(name.to_owned()),
                // `@timestamp` and the like are keys as any other.
                _ => return self.add_keys(slot, rank, path),
            };
            self.envelope.push((slot, rank, from));
            return Ok(());
        }
        self.add_keys(slot, rank, path)
    }

    fn add_keys(&mut self, slot: usize, rank: u8, path: &str) -> Result<(), String> {
        let segments: Vec<&str> = path.split('.').collect();
        if path.is_empty() {
            return Err("an empty path".to_owned());
        }
        if path.len() > MAX_PATH_BYTES {
            return Err(format!("a path of {} bytes, at most {MAX_PATH_BYTES}", path.len()));
        }
        if segments.len() > MAX_DOTS + 1 {
            return Err(format!("`{path}` has more than {MAX_DOTS} dots"));
        }
        self.all |= 1 << slot;
        // Every dot once as a step and once as a part of the key.
        for joins in 0..1u32 << (segments.len() - 1) {
            let mut keys = vec![segments[0].to_owned()];
            for (i, segment) in segments[1..].iter().enumerate() {
                match keys.last_mut() {
                    Some(key) if joins >> i & 1 == 1 => {
                        key.push('.');
                        key.push_str(segment);
                    }
                    _ => keys.push((*segment).to_owned()),
                }
            }
            if keys.iter().all(|key| !key.is_empty()) {
                self.insert(&keys, slot, rank);
            }
        }
        Ok(())
    }

    fn insert(&mut self, keys: &[String], slot: usize, rank: u8) {
        let mut node = ROOT;
        for (i, key) in keys.iter().enumerate() {
            let at = self.child_or_new(node, key.as_bytes());
            if i + 1 == keys.len() {
                let slots = &mut self.nodes[node as usize].children[at].slots;
                if !slots.iter().any(|&(s, _)| s == slot) {
                    slots.push((slot, rank));
                }
            } else if let Some(below) = self.nodes[node as usize].children[at].below {
                node = below;
            } else {
                let below = self.nodes.len() as NodeId;
                self.nodes.push(Node::default());
                self.nodes[node as usize].children[at].below = Some(below);
                node = below;
            }
        }
    }

    fn child_or_new(&mut self, node: NodeId, key: &[u8]) -> usize {
        let node = &mut self.nodes[node as usize];
        node.children.iter().position(|c| &*c.key == key).unwrap_or_else(|| {
            let at = node.children.len();
            node.children.push(Child { key: key.into(), slots: Vec::new(), below: None });
            node.buckets[bucket(key)] |= 1 << (at % 64);
            at
        })
    }

    /// The child of `node` with this key.
    #[inline]
    pub fn child(&self, node: NodeId, key: &[u8]) -> Option<&Child> {
        let node = &self.nodes[node as usize];
        let mut candidates = node.buckets[bucket(key)];
        while candidates != 0 {
            let mut at = candidates.trailing_zeros() as usize;
            while at < node.children.len() {
                if &*node.children[at].key == key {
                    return Some(&node.children[at]);
                }
                at += 64;
            }
            candidates &= candidates - 1;
        }
        None
    }
}
