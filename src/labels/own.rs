//! A thread's own numbers of combinations, so that it need not ask for each
//! record, and what they are in the ledger.
//!
//! A thread that sees all records replaces what is too much itself, and comes
//! to what the ledger would. One of several sees some of them: it numbers
//! whatever comes until the ledger has no more room, and from then on replaces
//! the values that the ledger does not have, which it will never have.

use super::{LabelSets, SetId};

/// The numbers.
#[derive(Debug)]
pub struct OwnSets {
    /// The thread's.
    pub own: LabelSets,
    /// By own number, the ledger's, and the labels that it replaced on top.
    common: Vec<(SetId, u64)>,
    share: Share,
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
        OwnSets { own: LabelSets::new(labels, most), common: Vec::new(), share: Share::All }
    }

    /// For one of several threads, which has at most `most` combinations that
    /// the ledger was not told.
    pub fn of_some(labels: usize, most: usize) -> OwnSets {
        OwnSets { share: Share::Some, ..OwnSets::new(labels, most) }
    }

    /// Makes every own number known to `common`.
    pub fn share(&mut self, common: &mut LabelSets) {
        for values in &self.own.values[self.common.len()..] {
            self.common.push(common.number(values.iter().map(|v| &**v)));
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
