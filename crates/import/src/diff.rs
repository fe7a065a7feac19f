//! What tells two catalog files apart.

use std::collections::HashMap;

use serde::Serialize;

use crate::file::{Entry, File};
use crate::merge::status;

/// All differences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Rows that only the new file has.
    pub added: Vec<Entry>,
    /// Rows that only the old one has.
    pub removed: Vec<Entry>,
    /// Rows that both have, with other content.
    pub changed: Vec<Change>,
    /// Other keys: `full_name`, `families`.
    pub keys: Vec<Field>,
}

/// A row that both have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its code.
    pub code: String,
    /// Its status in the old file.
    pub http_status: Option<u16>,
    /// What differs.
    pub fields: Vec<Field>,
}

/// A key with two values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// In the old file.
    pub old: String,
    /// In the new one.
    pub new: String,
}

impl Diff {
    /// Whether there is no difference.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty() && self.keys.is_empty()
    }
}

/// Compares two files of a service.
pub fn diff(old: &File, new: &File) -> Diff {
    let mut diff = Diff::default();
    let families = |file: &File| file.families.iter().map(|f| f.to_yaml()).collect::<Vec<_>>().join(", ");
    fields(
        &[
            ("service", old.service.clone(), new.service.clone()),
            ("full_name", old.full_name.clone(), new.full_name.clone()),
            ("source", old.source.clone(), new.source.clone()),
            ("hosts", old.hosts.join(", "), new.hosts.join(", ")),
            ("families", families(old), families(new)),
        ],
        &mut diff.keys,
    );
    let mut partner: HashMap<usize, usize> = HashMap::new();
    let mut taken = vec![false; new.rows.len()];
    // The same message first; then the same status; then the same code.
    for pass in 0..3 {
        let key = |file: &File, row: &Entry| match pass {
            0 => (row.code.clone(), status(file, row), row.message.clone()),
            1 => (row.code.clone(), status(file, row), String::new()),
            _ => (row.code.clone(), None, String::new()),
        };
        let mut free: HashMap<_, Vec<usize>> = HashMap::new();
        for (j, row) in new.rows.iter().enumerate().filter(|(j, _)| !taken[*j]).rev() {
            free.entry(key(new, row)).or_default().push(j);
        }
        for (i, row) in old.rows.iter().enumerate() {
            if !partner.contains_key(&i)
                && let Some(j) = free.get_mut(&key(old, row)).and_then(Vec::pop)
            {
                partner.insert(i, j);
                taken[j] = true;
            }
        }
    }
    for (i, row) in old.rows.iter().enumerate() {
        match partner.get(&i) {
            None => diff.removed.push(row.clone()),
            Some(&j) => {
                let mut own = Vec::new();
                let (a, b) = (row, &new.rows[j]);
                let shown = |s: Option<u16>| s.map_or_else(String::new, |s| s.to_string());
                let action = |e: &Entry| e.action.clone().unwrap_or_default();
                fields(
                    &[
                        ("http_status", shown(status(old, a)), shown(status(new, b))),
                        ("message", a.message.clone(), b.message.clone()),
                        ("category", a.category.clone(), b.category.clone()),
                        ("retryable", a.retryable.to_string(), b.retryable.to_string()),
                        ("action", action(a), action(b)),
                        ("default", a.default.to_string(), b.default.to_string()),
                        ("review", a.review.to_string(), b.review.to_string()),
                    ],
                    &mut own,
                );
                if !own.is_empty() {
                    let http_status = status(old, a);
                    diff.changed.push(Change { code: a.code.clone(), http_status, fields: own });
                }
            }
        }
    }
    diff.added = new.rows.iter().enumerate().filter(|(j, _)| !taken[*j]).map(|(_, r)| r.clone()).collect();
    diff
}

fn fields(pairs: &[(&'static str, String, String)], out: &mut Vec<Field>) {
    for (key, old, new) in pairs.iter().filter(|(_, old, new)| old != new) {
        out.push(Field { key, old: old.clone(), new: new.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_removed_and_changed() {
        let entry = |code: &str, status: u16, message: &str, category: &str| Entry {
            code: code.into(),
            http_status: Some(status),
            message: message.into(),
            category: category.into(),
            ..Entry::default()
        };
        let old = File {
            rows: vec![
                entry("A.1", 400, "a", "quota"),
                entry("A.2", 400, "b", "quota"),
                entry("A.4", 400, "d", "quota"),
            ],
            ..File::default()
        };
        let new = File {
            full_name: "A".into(),
            rows: vec![
                entry("A.1", 404, "a", "state"),
                entry("A.3", 400, "c", "quota"),
                entry("A.4", 400, "d", "quota"),
            ],
            ..File::default()
        };
        let diff = diff(&old, &new);
        assert_eq!((diff.added[0].code.as_str(), diff.removed[0].code.as_str()), ("A.3", "A.2"));
        assert_eq!(diff.changed.len(), 1);
        let keys: Vec<_> = diff.changed[0].fields.iter().map(|f| f.key).collect();
        assert_eq!(keys, ["http_status", "category"]);
        assert_eq!(diff.keys[0].key, "full_name");
        assert!(super::diff(&old, &old).is_empty());
    }
}
