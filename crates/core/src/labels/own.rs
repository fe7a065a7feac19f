//! A thread's own numbers of combinations, so that it need not ask for each
//! record, and what they are in the ledger.
//!
//! A thread that sees all records replaces what is too much itself, and comes
//! to what the ledger would. One of several sees some of them: it numbers
//! whatever comes until the ledger has no more room, and from then on replaces
//! the values that the ledger does not have, which it will never have.

use std::sync::Arc;

use super::{LabelSets, SetId, SetValues};

/// The numbers.
#[derive(Debug)]
pub struct OwnSets {
    /// The thread's.
    pub own: LabelSets,
    /// By own number, the ledger's, and the labels that it replaced on top.
    common: Vec<(SetId, u64)>,
    share: Share,
    /// The names of the labels; those of the ledger where nobody said.
    pub(crate) names: Option<Arc<[String]>>,
    /// Which of the ledger's numberings `common` has.
    epoch: u64,
}

/// Which records the thread sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// All.
    All,
    /// Some of them, and the ledger has room.
    Some,
    /// Some of them, and these many combinations are the ledger's.
    Full(usize),
}

impl OwnSets {
    /// As [`LabelSets::new`].
    pub fn new(labels: usize, most: usize) -> OwnSets {
        let own = LabelSets::new(labels, most);
        OwnSets { own, common: Vec::new(), share: Share::All, names: None, epoch: 0 }
    }

    /// For one of several threads, which has at most `most` combinations that
    /// the ledger was not told.
    pub fn of_some(labels: usize, most: usize) -> OwnSets {
        OwnSets { share: Share::Some, ..OwnSets::new(labels, most) }
    }

    /// As [`OwnSets::new`], for labels of these names: a reload may give the
    /// ledger others.
    pub fn named(names: &Arc<[String]>, most: usize) -> OwnSets {
        OwnSets { names: Some(names.clone()), ..OwnSets::new(names.len(), most) }
    }

    /// Makes every own number known to the ledger by `number`; all of them
    /// again, where the ledger's numbers are of another `epoch`.
    pub(crate) fn share(&mut self, epoch: u64, mut number: impl FnMut(&SetValues) -> (SetId, u64)) {
        if std::mem::replace(&mut self.epoch, epoch) != epoch {
            self.common.clear();
        }
        for values in &self.own.values[self.common.len()..] {
            self.common.push(number(values));
        }
    }

    /// Whether there is a number that the ledger was not told.
    pub fn has_new(&self) -> bool {
        self.own.len() >= self.common.len().max(1)
    }

    /// How many combinations there are beside those that came from the ledger.
    pub fn added(&self) -> usize {
        match self.share {
            Share::Full(from_ledger) => self.own.len() - from_ledger,
            _ => self.own.len(),
        }
    }

    /// Goes on with the values of `common` once it has no more room. No number
    /// is in use.
    pub fn follow(&mut self, common: &LabelSets) {
        if self.share == Share::Some && common.plain >= common.most {
            self.own = LabelSets { undecided: true, ..common.clone() };
            self.common = (0..self.own.values.len()).map(|i| (SetId(i as u32), 0)).collect();
            self.share = Share::Full(self.own.len());
        }
    }

    /// The ledger's number of a shared one, and the labels that it replaced.
    pub fn common(&self, set: SetId) -> (SetId, u64) {
        self.common[set.0 as usize]
    }
}
