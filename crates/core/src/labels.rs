//! Combinations of label values, numbered, and never more than so many.
//!
//! Past the limit a value that was never seen becomes [`OTHER`], and only that
//! value: the rest of its combination stays. Where all values are known and
//! only their combination is new, the label with the most values gives way.

mod own;

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

pub use own::OwnSets;

/// What stands for values, and for codes that no catalog knows, past their limit.
pub const OTHER: &str = "other";

/// A combination. [`NONE`] is the one of empty values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetId(pub u32);

/// All values are empty.
pub const NONE: SetId = SetId(0);

impl SetId {
    /// Numbers of combinations that the configured labels cannot have.
    const FORMER: u32 = 1 << 31;

    /// The number of the former combination at `index`.
    pub(crate) fn former(index: usize) -> SetId {
        SetId(SetId::FORMER | index as u32)
    }

    /// Its index, where it is a former one.
    pub(crate) fn as_former(self) -> Option<usize> {
        (self.0 & SetId::FORMER != 0).then_some((self.0 & !SetId::FORMER) as usize)
    }
}

/// Most labels: each is a bit in a word, and takes its place among the fields
/// that are read from a record.
pub const MAX_LABELS: usize = 32;

/// Longest value in bytes; the rest is cut off.
pub const MAX_VALUE_BYTES: usize = 256;

/// The values of a combination, in the order of the labels.
pub type SetValues = Arc<[Arc<str>]>;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

const EMPTY_VALUE: u32 = 0;
const OTHER_VALUE: u32 = 1;

/// Combinations of the values of some labels.
#[derive(Clone, Debug)]
pub struct LabelSets {
    labels: Vec<Label>,
    /// Combinations without a replaced value, by their values one behind the
    /// other: one look-up for a record that has been seen before.
    seen: Map<Box<[u8]>, SetId>,
    text: Vec<u8>,
    /// Which keys of `seen` there may be.
    filter: Filter,
    sets: Map<Box<[u32]>, SetId>,
    values: Vec<SetValues>,
    /// The most combinations without a replaced value.
    most: usize,
    plain: usize,
    replaced: usize,
    /// Whether others decide which known values give way.
    undecided: bool,
    /// The one that is looked up.
    wanted: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Label {
    ids: Map<Arc<str>, u32>,
    values: Vec<Arc<str>>,
    /// Which keys of `ids` there may be.
    filter: Filter,
}

/// Answers most questions for what is not there from a few kilobytes: past the
/// limit every record may bring a value that was never seen, and the tables
/// are larger than the fastest caches.
#[derive(Clone, Debug)]
struct Filter {
    hash: foldhash::fast::RandomState,
    bits: Box<[u64]>,
}

/// Bits of a [`Filter`] for each key that it may have to hold.
const FILTER_BITS: usize = 16;

impl Filter {
    fn new(keys: usize) -> Filter {
        let words = (keys * FILTER_BITS / 64).next_power_of_two();
        Filter { hash: Default::default(), bits: vec![0; words].into() }
    }

    fn place(&self, key: &[u8]) -> (usize, u64) {
        let hash = self.hash.hash_one(key);
        ((hash >> 6) as usize & (self.bits.len() - 1), 1 << (hash & 63))
    }

    fn add(&mut self, key: &[u8]) {
        let (word, bit) = self.place(key);
        self.bits[word] |= bit;
    }

    #[inline]
    fn may_have(&self, key: &[u8]) -> bool {
        let (word, bit) = self.place(key);
        self.bits[word] & bit != 0
    }
}

impl Label {
    fn new(most: usize) -> Label {
        let mut label = Label { ids: Map::default(), values: Vec::new(), filter: Filter::new(most) };
        label.id_or_new("");
        label.id_or_new(OTHER);
        label
    }

    #[inline]
    fn id(&self, value: &str) -> Option<u32> {
        if self.filter.may_have(value.as_bytes()) { self.ids.get(value).copied() } else { None }
    }

    fn id_or_new(&mut self, value: &str) -> u32 {
        if let Some(id) = self.id(value) {
            return id;
        }
        self.filter.add(value.as_bytes());
        let id = self.values.len() as u32;
        let value: Arc<str> = value.into();
        self.values.push(value.clone());
        self.ids.insert(value, id);
        id
    }
}

impl LabelSets {
    /// For so many labels, with at most so many combinations. Those with a
    /// replaced value come on top, at most a tenth as many and one.
    pub fn new(labels: usize, most: usize) -> LabelSets {
        let mut sets = LabelSets {
            labels: (0..labels).map(|_| Label::new(most)).collect(),
            seen: Map::default(),
            text: Vec::new(),
            filter: Filter::new(most),
            sets: Map::default(),
            values: Vec::new(),
            most,
            plain: 0,
            replaced: 0,
            undecided: false,
            wanted: vec![EMPTY_VALUE; labels],
        };
        sets.admit();
        sets
    }

    /// How many labels there are.
    pub fn labels(&self) -> usize {
        self.labels.len()
    }

    /// The most combinations without a replaced value.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Whether a further combination would be told apart.
    pub fn has_room(&self) -> bool {
        self.plain < self.most
    }

    /// How many combinations there are, without [`NONE`].
    pub fn len(&self) -> usize {
        self.values.len() - 1
    }

    /// Whether there is no combination but [`NONE`].
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values of all combinations, by [`SetId`].
    pub fn values(&self) -> &[SetValues] {
        &self.values
    }

    /// The number of the combination of `values`, one for each label, and the
    /// labels whose value was replaced, as bits.
    #[inline]
    pub fn number<'v>(&mut self, values: impl Iterator<Item = &'v str> + Clone) -> (SetId, u64) {
        if self.labels.is_empty() {
            return (NONE, 0);
        }
        self.text.clear();
        for value in values.clone() {
            self.text.extend_from_slice(cut(value).as_bytes());
            // No text has this byte.
            self.text.push(0xff);
        }
        if self.filter.may_have(&self.text)
            && let Some(&set) = self.seen.get(self.text.as_slice())
        {
            return (set, 0);
        }
        self.number_unseen(values)
    }

    /// As [`number`](LabelSets::number), of a combination that is new or too
    /// many.
    fn number_unseen<'v>(&mut self, values: impl Iterator<Item = &'v str> + Clone) -> (SetId, u64) {
        let mut unseen = 0u64;
        for (i, (label, value)) in self.labels.iter().zip(values.clone()).enumerate() {
            self.wanted[i] = match label.id(cut(value)) {
                Some(id) => id,
                None => {
                    unseen |= 1 << i;
                    OTHER_VALUE
                }
            };
        }
        if unseen == 0
            && let Some(&set) = self.sets.get(self.wanted.as_slice())
        {
            self.filter.add(&self.text);
            self.seen.insert(self.text.as_slice().into(), set);
            return (set, 0);
        }
        if self.plain < self.most {
            for (i, value) in values.enumerate() {
                self.wanted[i] = self.labels[i].id_or_new(cut(value));
            }
            self.plain += 1;
            let set = self.admit();
            self.filter.add(&self.text);
            self.seen.insert(self.text.as_slice().into(), set);
            return (set, 0);
        }
        self.replace(unseen)
    }

    /// Finds a combination that may exist, with the values in `replaced`
    /// replaced already.
    fn replace(&mut self, mut replaced: u64) -> (SetId, u64) {
        loop {
            if let Some(&set) = self.sets.get(self.wanted.as_slice()) {
                return (set, replaced);
            }
            if self.undecided {
                return (self.admit(), replaced);
            }
            let widest = (0..self.labels.len())
                .filter(|&i| self.wanted[i] > OTHER_VALUE)
                .max_by_key(|&i| self.labels[i].values.len());
            // The ledger is given combinations in which the thread has replaced values.
            let room = self.wanted.contains(&OTHER_VALUE) && self.replaced < self.most / 10;
            match widest {
                Some(i) if !room => {
                    self.wanted[i] = OTHER_VALUE;
                    replaced |= 1 << i;
                }
                // The last resort, all replaced, of which there is one.
                None if !room && self.wanted.contains(&EMPTY_VALUE) => self.wanted.fill(OTHER_VALUE),
                _ => {
                    self.replaced += 1;
                    return (self.admit(), replaced);
                }
            }
        }
    }

    fn admit(&mut self) -> SetId {
        let set = SetId(self.values.len() as u32);
        let values =
            self.labels.iter().zip(&self.wanted).map(|(label, &id)| label.values[id as usize].clone());
        self.values.push(values.collect());
        self.sets.insert(self.wanted.as_slice().into(), set);
        set
    }
}

/// The labels whose bit is set.
pub(crate) fn each(mut labels: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let next = labels.trailing_zeros() as usize;
        let some = labels != 0;
        labels &= labels.wrapping_sub(1);
        some.then_some(next)
    })
}

/// What a label shows of `value`.
pub(crate) fn cut(value: &str) -> &str {
    let mut end = value.len().min(MAX_VALUE_BYTES);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    &value[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sets: &LabelSets, set: SetId) -> Vec<String> {
        sets.values()[set.0 as usize].iter().map(ToString::to_string).collect()
    }

    fn number(sets: &mut LabelSets, values: &[&str]) -> (Vec<String>, u64) {
        let (set, replaced) = sets.number(values.iter().copied());
        (shown(sets, set), replaced)
    }

    #[test]
    fn numbers_combinations_once() {
        let mut sets = LabelSets::new(2, 10);
        assert_eq!(sets.number(["", ""].into_iter()), (NONE, 0));
        let (first, _) = sets.number(["web", "a"].into_iter());
        let (second, _) = sets.number(["web", "b"].into_iter());
        assert_ne!(first, second);
        assert_eq!(sets.number(["web", "a"].into_iter()), (first, 0));
        assert_eq!(shown(&sets, second), ["web", "b"]);
        assert_eq!(sets.len(), 2);
    }

    #[test]
    fn replaces_only_the_value_that_is_too_many() {
        let mut sets = LabelSets::new(2, 40);
        for i in 0..40 {
            assert_eq!(number(&mut sets, &["web", &format!("t{i}")]).1, 0);
        }
        assert_eq!(number(&mut sets, &["web", "t40"]), (vec!["web".to_owned(), OTHER.to_owned()], 2));
        assert_eq!(number(&mut sets, &["new", "t3"]), (vec![OTHER.to_owned(), "t3".to_owned()], 1));
        assert_eq!(number(&mut sets, &["new", "t40"]), (vec![OTHER.to_owned(), OTHER.to_owned()], 3));
        assert_eq!(number(&mut sets, &["web", "t3"]), (vec!["web".to_owned(), "t3".to_owned()], 0));
    }

    #[test]
    fn of_known_values_the_widest_label_gives_way() {
        let mut sets = LabelSets::new(2, 20);
        for i in 0..10 {
            number(&mut sets, &["web", &format!("t{i}")]);
            number(&mut sets, &["api", &format!("u{i}")]);
        }
        assert_eq!(number(&mut sets, &["web", "u1"]), (vec!["web".to_owned(), OTHER.to_owned()], 2));
    }

    #[test]
    fn stays_within_its_bound_whatever_comes() {
        let mut sets = LabelSets::new(3, 100);
        for i in 0..100_000u32 {
            let values = [format!("a{}", i % 97), format!("b{}", i % 1009), format!("c{i}")];
            sets.number(values.iter().map(String::as_str));
        }
        assert!(sets.len() <= 100 + 12, "{}", sets.len());
        let values: usize = sets.labels.iter().map(|l| l.values.len()).sum();
        assert!(values <= 3 * 102, "{values}");
    }

    #[test]
    fn stays_within_its_bound_whichever_labels_are_absent() {
        let mut sets = LabelSets::new(12, 20);
        for i in 0..40_000u32 {
            let value = |bit: u32| match (i >> bit & 1, i % 3) {
                (0, _) => String::new(),
                (_, 0) => OTHER.to_owned(),
                _ => format!("v{i}"),
            };
            let values: Vec<String> = (0..12).map(value).collect();
            sets.number(values.iter().map(String::as_str));
        }
        assert!(sets.len() <= 20 + 2 + 1, "{}", sets.len());
    }

    #[test]
    fn cuts_long_values_between_characters() {
        let mut sets = LabelSets::new(1, 10);
        let long = "é".repeat(200);
        let (values, _) = number(&mut sets, &[&long]);
        assert_eq!(values[0].len(), MAX_VALUE_BYTES);
        let long = format!("x{long}");
        assert_eq!(number(&mut sets, &[&long]).0[0].len(), MAX_VALUE_BYTES - 1);
    }
}
