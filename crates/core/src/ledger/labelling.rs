//! The labels of the counts: the combinations of those that are configured,
//! and what was counted with labels that a reload took away.
//!
//! To Prometheus an empty label is none, so series with other labels can
//! stand beside each other in one metric. What was counted with a label that
//! is configured no more keeps its series, as it was: it would be an error
//! that nobody made if its count moved to a series that exists. What was
//! counted with labels that are all still there goes on in its series.

use std::collections::HashMap;
use std::sync::Arc;

use crate::labels::OTHER;
use crate::labels::{LabelSets, MAX_LABELS, NONE, OwnSets, SetId, SetValues};

/// Most names: those that are configured, and of earlier ones the newest.
const MAX_NAMES: usize = 2 * MAX_LABELS;

/// All labels with their combinations.
#[derive(Debug)]
pub(super) struct Labelling {
    /// The labels that are configured.
    present: Arc<[String]>,
    /// These, then earlier ones.
    pub names: Arc<[String]>,
    /// Combinations of the present ones.
    pub sets: LabelSets,
    /// Combinations that have an earlier one, or that a lower limit left out:
    /// values in the order of `names`, without the empty ones at their end.
    pub former: Vec<SetValues>,
    former_ids: HashMap<SetValues, SetId>,
    /// By name, hits whose value was replaced.
    pub replaced: Vec<u64>,
    /// By name, whether its first replaced value was told.
    warned: Vec<bool>,
    /// How often numbers changed their meaning.
    epoch: u64,
}

impl Labelling {
    pub fn new(names: &[String], most: usize) -> Labelling {
        let present: Arc<[String]> = names.into();
        Labelling {
            names: present.clone(),
            sets: LabelSets::new(present.len(), most),
            former: Vec::new(),
            former_ids: HashMap::new(),
            replaced: vec![0; present.len()],
            warned: vec![false; present.len()],
            epoch: 0,
            present,
        }
    }

    /// Makes every number of a thread known.
    pub fn share(&mut self, own: &mut OwnSets) {
        let names = own.names.get_or_insert_with(|| self.present.clone()).clone();
        own.share(self.epoch, |values| self.number(&names, values));
    }

    /// Notes that the value of the label `index` among `own`'s was replaced in so many hits.
    pub fn replace(&mut self, own: &OwnSets, index: usize, hits: u64) {
        let name = match &own.names {
            Some(names) if **names != *self.present => self.names.iter().position(|n| *n == names[index]),
            _ => Some(index),
        };
        if let Some(total) = name.and_then(|at| self.replaced.get_mut(at)) {
            *total += hits;
        }
    }

    fn number(&mut self, names: &Arc<[String]>, values: &SetValues) -> (SetId, u64) {
        if Arc::ptr_eq(names, &self.present) || **names == *self.present {
            return self.sets.number(values.iter().map(|v| &**v));
        }
        let labels: Vec<_> = pairs(names, values).collect();
        if self.has_all(&labels) {
            let values: Vec<_> = self.present.iter().map(|name| value_of(&labels, name)).collect();
            return self.sets.number(values.iter().copied());
        }
        (self.former(&labels), 0)
    }

    /// Whether every one of these labels is configured.
    fn has_all(&self, labels: &[(&str, &Arc<str>)]) -> bool {
        labels.iter().all(|(name, _)| self.present.iter().any(|n| n == name))
    }

    /// The number of a combination that the present labels cannot have. A
    /// label too many is left out.
    fn former(&mut self, labels: &[(&str, &Arc<str>)]) -> SetId {
        for (name, _) in labels {
            if self.names.len() < MAX_NAMES && !self.names.iter().any(|n| n == name) {
                self.names = self.names.iter().cloned().chain([(*name).to_owned()]).collect();
                self.replaced.push(0);
                self.warned.push(false);
            }
        }
        let empty: Arc<str> = "".into();
        let of = |name: &String| labels.iter().find(|(n, _)| n == name).map_or(&empty, |(_, v)| v).clone();
        let mut values: Vec<Arc<str>> = self.names.iter().map(of).collect();
        while values.last().is_some_and(|v| v.is_empty()) {
            values.pop();
        }
        if values.is_empty() {
            return NONE;
        }
        let values: SetValues = values.into();
        let next = SetId::former(self.former.len());
        let id = *self.former_ids.entry(values.clone()).or_insert(next);
        if id == next {
            self.former.push(values);
        }
        id
    }

    /// Names and values of `set`; values at the end may be missing.
    fn labels_of(&self, set: SetId) -> Vec<(&str, &Arc<str>)> {
        let values =
            set.as_former().map_or_else(|| &self.sets.values()[set.0 as usize], |at| &self.former[at]);
        pairs(&self.names, values).collect()
    }

    /// Goes on with other labels, or another limit. `used` are the combinations
    /// that have series, and when each was last counted. Gives what number each
    /// has now; of those that the new labels cannot have, as many are kept as
    /// there may be combinations. `None` where nothing changes.
    pub fn change(
        &mut self,
        present: &Arc<[String]>,
        most: usize,
        used: &HashMap<SetId, f64>,
    ) -> Option<HashMap<SetId, SetId>> {
        if **present == *self.present && most == self.sets.most() {
            return None;
        }
        let earlier = self.names.iter().filter(|name| !present.contains(name));
        let names: Arc<[String]> = present.iter().chain(earlier).take(MAX_NAMES).cloned().collect();
        let at = |name: &String| self.names.iter().position(|n| n == name);
        let mut new = Labelling {
            replaced: names.iter().map(|n| at(n).map_or(0, |i| self.replaced[i])).collect(),
            warned: vec![false; names.len()],
            names,
            epoch: self.epoch + 1,
            ..Labelling::new(present, most)
        };
        let mut order: Vec<_> = used.iter().filter(|(set, _)| **set != NONE).collect();
        // The newest first; what was replaced last, so that it takes nobody's place.
        let is_other = |set: SetId| self.labels_of(set).iter().any(|(_, v)| &***v == OTHER);
        order.sort_by(|a, b| is_other(*a.0).cmp(&is_other(*b.0)).then(b.1.total_cmp(a.1)).then(a.0.cmp(b.0)));
        let mut numbers = HashMap::new();
        for (&set, _) in order {
            let labels = self.labels_of(set);
            let fits = new.has_all(&labels) && (new.sets.has_room() || is_other(set));
            let number = if fits {
                let values: Vec<_> = present.iter().map(|name| value_of(&labels, name)).collect();
                new.sets.number(values.iter().copied()).0
            } else if new.former.len() < most {
                new.former(&labels)
            } else {
                continue;
            };
            if number != NONE {
                numbers.insert(set, number);
            }
        }
        *self = new;
        Some(numbers)
    }

    /// Tells once of each label that a value of it was replaced.
    pub fn warn_of_overflows(&mut self) {
        for (i, label) in self.names.iter().enumerate() {
            if self.replaced[i] > 0 && !self.warned[i] {
                self.warned[i] = true;
                tracing::warn!(
                    "the label `{label}` has too many values: new ones become `{OTHER}`; raise max_label_sets or \
                     take another field"
                );
            }
        }
    }
}

/// Names with their values, where there are any.
fn pairs<'p>(names: &'p [String], values: &'p SetValues) -> impl Iterator<Item = (&'p str, &'p Arc<str>)> {
    names.iter().map(String::as_str).zip(values.iter()).filter(|(_, value)| !value.is_empty())
}

fn value_of<'v>(labels: &[(&str, &'v Arc<str>)], name: &str) -> &'v str {
    labels.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value)
}
