//! Rows of pages to the draft of a catalog file.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::family::{Families, Known};
use crate::file::{Entry, File};
use crate::judge::{self, SURE};
use crate::rows::Row;

/// A draft, and what did not become part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The file.
    pub file: File,
    /// Rows that are not in it, and why.
    pub left_out: Vec<LeftOut>,
    /// Rows that say what another one says.
    pub merged: Vec<String>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

/// A row that a catalog does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its code.
    pub code: String,
    /// Why.
    pub why: String,
}

/// Makes a draft of `rows` of `service`. Families that are `known` keep their form.
pub fn draft(service: &str, full_name: &str, source: &str, rows: &[Row], known: &[Known]) -> Draft {
    let mut draft = Draft::default();
    let families = Families::of(rows, service, known);
    let mut seen = HashSet::new();
    let mut by_code: HashMap<String, Vec<usize>> = HashMap::new();
    let mut used = HashSet::new();
    for row in rows {
        let mut leave =
            |why: &str| draft.left_out.push(LeftOut { code: row.code.clone(), why: why.to_owned() });
        let Some((code, at)) = families.codes.get(&row.code) else {
            leave(if row.code.bytes().all(|b| b.is_ascii_digit()) {
                "a number as short as a status is in no family"
            } else {
                "a word, no prefix with digits: in no family"
            });
            continue;
        };
        let family = &families.families[*at];
        if row.text().is_empty() {
            leave("neither message nor description");
            continue;
        }
        let held = family.status(code);
        let known_statuses = match held {
            Some(Some(inside)) => vec![inside],
            _ => row.statuses.clone(),
        };
        if judge::judge(&known_statuses, &row.message, &row.description).is_none() {
            leave("it says that the call succeeded");
            continue;
        }
        used.insert(*at);
        if let Some(inside) = held
            && !row.statuses.is_empty()
            && inside.is_none_or(|i| !row.statuses.contains(&i))
        {
            draft.notes.push(format!("{code}: the page has status {:?}, the code another", row.statuses));
        }
        if *code != row.code {
            draft.notes.push(format!("{} is spelled {code}, as others of its family", row.code));
        }
        let statuses: Vec<Option<u16>> = match held {
            Some(_) => vec![None],
            None if row.statuses.is_empty() => vec![None],
            None => row.statuses.iter().copied().map(Some).collect(),
        };
        for status in statuses {
            if !seen.insert((code.clone(), status, row.text().to_owned())) {
                draft.merged.push(code.clone());
                continue;
            }
            by_code.entry(code.clone()).or_default().push(draft.file.rows.len());
            draft.file.rows.push(entry(row, code, status, &known_statuses));
        }
    }
    for places in by_code.values().filter(|p| p.len() > 1) {
        draft.file.rows[places[0]].default = true;
    }
    draft.file.service = service.to_owned();
    draft.file.full_name = full_name.to_owned();
    draft.file.source = source.to_owned();
    let kept = families.families.into_iter().enumerate().filter(|(at, _)| used.contains(at));
    draft.file.families = kept.map(|(_, family)| family).collect();
    for family in draft.file.families.iter().filter(|f| f.everyday) {
        draft
            .notes
            .push(format!("{}: a short prefix, taken for an everyday one (`everyday: true`)", family.prefix));
    }
    draft
}

fn entry(row: &Row, code: &str, status: Option<u16>, statuses: &[u16]) -> Entry {
    // The status of this row speaks first.
    let own: Vec<u16> = status.into_iter().chain(statuses.iter().copied()).collect();
    let judged = judge::judge(&own, &row.message, &row.description);
    let (category, retryable, confidence, because) = match &judged {
        Some(j) => (j.category, j.retryable, j.confidence, j.because.join(", ")),
        None => ("internal", true, 0.0, String::new()),
    };
    let action = judge::action(category);
    let mut note = format!("{category} {confidence:.2}: {because}");
    if action.is_some() {
        note.push_str("; the action is a draft: say what to do here, in 80 characters");
    }
    let waits = confidence < SURE || action.is_some();
    let said = [&row.description, &row.solution].into_iter().filter(|text| waits && !text.is_empty());
    let page = said.filter(|text| text.as_str() != row.text()).cloned().collect();
    Entry {
        code: code.to_owned(),
        http_status: status,
        message: row.text().to_owned(),
        category: category.to_owned(),
        retryable,
        action: action.map(str::to_owned),
        default: false,
        review: waits,
        note,
        page,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(code: &str, statuses: &[u16], message: &str) -> Row {
        Row { code: code.into(), statuses: statuses.into(), message: message.into(), ..Row::default() }
    }

    #[test]
    fn each_row_is_in_it_or_listed() {
        let rows = [
            row("A.0001", &[404, 500], "The disk does not exist."),
            row("A.0001", &[404], "The disk does not exist."),
            row("A.0001", &[404], "The image does not exist."),
            row("A.0000", &[200], "Success"),
            row("Denied", &[403], "No."),
            row("A.0002", &[400], ""),
            Row {
                description: "Too many disks.".into(),
                solution: "Delete some.".into(),
                ..row("a.0003", &[400], "Quota exceeded.")
            },
        ];
        let draft = draft("A", "A", "p", &rows, &[]);
        let codes: Vec<_> =
            draft.file.rows.iter().map(|r| (r.code.as_str(), r.http_status, r.default)).collect();
        assert_eq!(
            codes,
            [
                ("A.0001", Some(404), true),
                ("A.0001", Some(500), false),
                ("A.0001", Some(404), false),
                ("A.0003", Some(400), false)
            ]
        );
        assert_eq!(draft.merged, ["A.0001"]);
        assert_eq!(draft.left_out.len(), 3);
        assert_eq!(draft.file.families.len(), 1);
        assert!(draft.file.rows[3].review && draft.file.rows[3].action.is_some());
        let yaml = draft.file.rows[3].to_yaml();
        assert!(
            yaml.ends_with("\n    # the page: Too many disks.\n    # the page: Delete some.\n"),
            "{yaml}"
        );
    }
}
