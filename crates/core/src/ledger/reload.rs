//! Another engine is put in force: another catalog, other labels.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Account, Books, Ledger};
use crate::catalog::RowId;
use crate::engine::Engine;
use crate::labels::SetId;
use crate::problem::counted;

impl Ledger {
    /// Puts `engine` in force, with the labels of its plan where it has one.
    /// Counts keep their values: they move with their labels, and those whose
    /// labels are gone stay as they are.
    pub fn replace(&self, engine: Arc<Engine>, max_unknown_codes: usize) {
        let mut books = self.books();
        self.generation.fetch_add(1, Ordering::AcqRel);
        let old = std::mem::replace(&mut books.engine, engine);
        books.max_unknown_codes = max_unknown_codes;
        let rows = books.engine.catalog().rows().len();
        let accounts = std::mem::replace(&mut books.rows, vec![Account::default(); rows]);
        for (i, account) in accounts.into_iter().enumerate().filter(|(_, account)| account.is_counted()) {
            books.account(&old, RowId(i as u32)).add(account);
        }
        for (key, retired) in std::mem::take(&mut books.retired) {
            books.by_key(key, || retired.about).add(retired.account);
        }
        books.relabel();
    }
}

impl Books {
    /// Goes on with the labels of the engine's plan.
    fn relabel(&mut self) {
        let Some(plan) = self.engine.plan().cloned() else { return };
        let retired = self.retired.values_mut().map(|r| &mut r.account);
        let mut accounts: Vec<&mut Account> = self.rows.iter_mut().chain(retired).collect();
        if !plan.exemplars {
            accounts.iter_mut().for_each(|account| account.forget_exemplars());
        }
        let mut used: HashMap<SetId, f64> = HashMap::new();
        for (set, series) in accounts.iter().flat_map(|account| account.all()) {
            let newest = used.entry(set).or_default();
            *newest = newest.max(series.last_counted).max(series.last_late);
        }
        let Some(numbers) = self.labelling.change(plan.label_names(), plan.max_label_sets, &used) else {
            return;
        };
        accounts.iter_mut().for_each(|account| account.renumber(&numbers));
        // NONE keeps its number.
        let left_out = used.len().saturating_sub(numbers.len() + 1);
        if left_out > 0 {
            tracing::warn!(
                "{} of earlier labels left /metrics, since there were more than max_label_sets; the counts stay in the \
                 totals",
                counted(left_out as u64, "combination")
            );
        }
    }
}
