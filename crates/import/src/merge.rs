//! A draft laid over a file that people have judged.

use std::collections::HashMap;

use crate::file::{Entry, File, Placed};

/// What changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// How many rows are as they were.
    pub kept: usize,
    /// New rows, marked for review.
    pub added: Vec<Entry>,
    /// Rows whose message or status is another now; the judgement is kept.
    pub changed: Vec<(Entry, Entry)>,
    /// Rows of the file that no page has; they are kept, too.
    pub vanished: Vec<Entry>,
    /// New families.
    pub families: Vec<String>,
}

/// The text of a file with a draft laid over it, and what changed. Rows that
/// stay as they are keep their text, comments included.
pub fn merge(text: &str, old: &Placed, draft: &File) -> (String, Changes) {
    let mut changes = Changes::default();
    let mut file = old.file.clone();
    for family in &draft.families {
        if !file.families.iter().any(|f| f.is_same(family)) {
            changes.families.push(family.to_yaml());
            file.families.push(family.clone());
        }
    }
    let pairs = pairs(&file, draft);
    let mut blocks: Vec<Block> =
        file.rows.iter().cloned().map(|row| Block { row, rewritten: false }).collect();
    for (i, block) in blocks.iter_mut().enumerate() {
        match pairs.by_old.get(&i).map(|&j| &draft.rows[j]) {
            None => changes.vanished.push(block.row.clone()),
            Some(new) if block.row.message == new.message && same_status(&file, &block.row, new) => {
                changes.kept += 1
            }
            Some(new) => {
                let before = block.row.clone();
                block.row.message.clone_from(&new.message);
                if !same_status(&file, &before, new) {
                    block.row.http_status = new.http_status;
                }
                block.rewritten = true;
                changes.changed.push((before, block.row.clone()));
            }
        }
    }
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    for (j, new) in draft.rows.iter().enumerate().filter(|(j, _)| !pairs.new.contains_key(j)) {
        let mut row = Entry { review: true, default: false, ..new.clone() };
        if !new.review {
            row.note = format!("new; {}", row.note);
        }
        changes.added.push(row.clone());
        let beside = order.iter().rposition(|&b| blocks[b].row.code == row.code);
        blocks.push(Block { row, rewritten: true });
        // Beside its code's other rows, else where the page has it: behind the row before it.
        let at = beside.or_else(|| {
            let before = draft.rows[..j].iter().rev().map(|r| &r.code);
            before.take(50).find_map(|code| order.iter().rposition(|&b| blocks[b].row.code == *code))
        });
        order.insert(at.map_or(order.len(), |at| at + 1), blocks.len() - 1);
    }
    one_default(&mut blocks, &order);
    let text = written(text, old, &file, &blocks, &order, !changes.families.is_empty());
    (text, changes)
}

struct Block {
    row: Entry,
    rewritten: bool,
}

/// Which rows of a draft are which of a file.
struct Pairs {
    by_old: HashMap<usize, usize>,
    new: HashMap<usize, usize>,
}

fn pairs(file: &File, draft: &File) -> Pairs {
    let mut pairs = Pairs { by_old: HashMap::new(), new: HashMap::new() };
    type Key = (String, Option<u16>, String);
    type KeyOf<'a> = &'a dyn Fn(&Entry) -> Key;
    let status = |row: &Entry| status(file, row);
    let full = |row: &Entry| -> Key { (row.code.clone(), status(row), row.message.clone()) };
    let bare = |row: &Entry| -> Key { (row.code.clone(), status(row), String::new()) };
    let text = |row: &Entry| -> Key { (row.code.clone(), None, row.message.clone()) };
    let keys: [(KeyOf<'_>, bool); 3] = [(&full, false), (&bare, true), (&text, true)];
    for (key, alone) in keys {
        let mut old: HashMap<Key, Vec<usize>> = HashMap::new();
        for (i, row) in file.rows.iter().enumerate().filter(|(i, _)| !pairs.by_old.contains_key(i)) {
            old.entry(key(row)).or_default().push(i);
        }
        let mut new: HashMap<Key, Vec<usize>> = HashMap::new();
        for (j, row) in draft.rows.iter().enumerate().filter(|(j, _)| !pairs.new.contains_key(j)) {
            new.entry(key(row)).or_default().push(j);
        }
        for (key, news) in new {
            let Some(olds) = old.get(&key) else { continue };
            // With several on a side, nobody knows which became which.
            if alone && (olds.len() > 1 || news.len() > 1) {
                continue;
            }
            for (&i, &j) in olds.iter().zip(&news) {
                pairs.by_old.insert(i, j);
                pairs.new.insert(j, i);
            }
        }
    }
    pairs
}

/// The status of a row: written, or inside its code.
pub(crate) fn status(file: &File, row: &Entry) -> Option<u16> {
    let own = file.families.iter().filter(|f| {
        row.code
            .strip_prefix(f.prefix.as_str())
            .is_some_and(|r| r.strip_prefix(f.separator.as_str()).is_some())
    });
    let inside = own.clone().find_map(|f| f.status(&row.code).flatten().filter(|_| fits(f, &row.code)));
    row.http_status.or(inside)
}

fn fits(family: &crate::family::Family, code: &str) -> bool {
    let rest = code.len().saturating_sub(family.prefix.len() + family.separator.len());
    family.grammar.replace('\'', "").len() == rest
}

fn same_status(file: &File, a: &Entry, b: &Entry) -> bool {
    status(file, a) == status(file, b)
}

/// One row of each code is the default, where it has several.
fn one_default(blocks: &mut [Block], order: &[usize]) {
    let mut codes: HashMap<String, Vec<usize>> = HashMap::new();
    for &b in order {
        codes.entry(blocks[b].row.code.clone()).or_default().push(b);
    }
    for places in codes.values().filter(|p| p.len() > 1) {
        if !places.iter().any(|&b| blocks[b].row.default) {
            let first = &mut blocks[places[0]];
            (first.row.default, first.rewritten) = (true, true);
        }
    }
}

fn written(
    text: &str,
    old: &Placed,
    file: &File,
    blocks: &[Block],
    order: &[usize],
    new_head: bool,
) -> String {
    let rows = |own: &dyn Fn(usize) -> Option<String>| -> String {
        order.iter().map(|&b| own(b).unwrap_or_else(|| blocks[b].row.to_yaml())).collect()
    };
    let lines: Vec<&str> = text.lines().collect();
    let comments = || -> String {
        let top = lines.iter().take_while(|l| l.starts_with('#') || l.trim().is_empty());
        top.map(|l| format!("{l}\n")).collect()
    };
    if !old.plain {
        let whole = File { rows: Vec::new(), ..file.clone() };
        return if order.is_empty() {
            format!("{}{}", comments(), whole.to_yaml())
        } else {
            format!("{}{}codes:\n{}", comments(), whole.head(), rows(&|_| None))
        };
    }
    // A row's text begins with the comments above it.
    let start = |i: usize| {
        let at = old.lines[i];
        let above =
            lines[..at].iter().rev().take_while(|l| l.starts_with(' ') && l.trim_start().starts_with('#'));
        at - above.count()
    };
    let end = |i: usize| if i + 1 < old.lines.len() { start(i + 1) } else { lines.len() };
    let own = |b: usize| -> Option<String> {
        (b < old.lines.len() && !blocks[b].rewritten)
            .then(|| lines[start(b)..end(b)].iter().map(|l| format!("{l}\n")).collect())
    };
    let head: String = if new_head {
        format!("{}{}codes:\n", comments(), file.head())
    } else {
        lines[..start(0)].iter().map(|l| format!("{l}\n")).collect()
    };
    format!("{head}{}", rows(&own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::Family;

    const OLD: &str = "\
# Ours.
service: A
full_name: A
source: \"p\"
families:
  - {prefix: A, grammar: NNNN}
codes:
  # judged by hand
  - code: A.0001
    http_status: 400
    message: \"one\"
    category: state
    retryable: true
    action: \"Wait\"  # it helps
  - code: A.0002
    http_status: 400
    message: \"two\"
    category: quota
    retryable: false
    action: \"Ask\"
  - code: A.0009
    message: \"gone\"
    category: internal
    retryable: true
    action: \"Look\"
";

    fn draft(rows: &[(&str, u16, &str)]) -> File {
        let entry = |&(code, status, message): &(&str, u16, &str)| Entry {
            code: code.into(),
            http_status: Some(status),
            message: message.into(),
            category: "invalid_request".into(),
            ..Entry::default()
        };
        File { families: vec![family("A")], rows: rows.iter().map(entry).collect(), ..File::default() }
    }

    fn family(prefix: &str) -> Family {
        Family {
            prefix: prefix.into(),
            separator: ".".into(),
            grammar: "NNNN".into(),
            everyday: false,
            shared: false,
        }
    }

    fn merged(draft: &File) -> (String, Changes) {
        merge(OLD, &crate::file::parse(OLD).expect("YAML"), draft)
    }

    #[test]
    fn the_same_page_changes_nothing() {
        let mut same = draft(&[("A.0001", 400, "one"), ("A.0002", 400, "two"), ("A.0009", 400, "gone")]);
        same.rows[2].http_status = None;
        let (text, changes) = merged(&same);
        assert_eq!(text, OLD);
        assert_eq!(changes, Changes { kept: 3, ..Changes::default() });
    }

    #[test]
    fn judgement_stays_and_what_is_new_waits() {
        let page = draft(&[
            ("A.0001", 400, "one"),
            ("A.0001", 404, "one, gone"),
            ("A.0002", 400, "two, now"),
            ("A.0003", 400, "three"),
        ]);
        let (text, changes) = merged(&page);
        let file = crate::file::parse(&text).expect("YAML").file;
        let seen: Vec<_> =
            file.rows.iter().map(|r| (r.code.as_str(), r.category.as_str(), r.default, r.review)).collect();
        assert_eq!(
            seen,
            [
                ("A.0001", "state", true, false),
                ("A.0001", "invalid_request", false, true),
                ("A.0002", "quota", false, false),
                ("A.0003", "invalid_request", false, true),
                ("A.0009", "internal", false, false)
            ]
        );
        assert_eq!(
            (changes.kept, changes.added.len(), changes.changed.len(), changes.vanished.len()),
            (1, 2, 1, 1)
        );
        assert_eq!(file.rows[2].message, "two, now");
        assert!(text.starts_with("# Ours.\nservice: A\n"));
        let again = merge(&text, &crate::file::parse(&text).expect("YAML"), &page);
        assert_eq!(again.0, text, "a second time changes nothing");
    }

    #[test]
    fn comments_stay_with_their_rows_and_families_are_added() {
        let mut page = draft(&[("A.0001", 400, "one"), ("B.0001", 400, "b")]);
        page.families.push(family("B"));
        let (text, changes) = merged(&page);
        assert!(text.contains("  # judged by hand\n  - code: A.0001\n"), "{text}");
        assert!(text.contains("# it helps") && text.contains("{prefix: B, grammar: NNNN}"), "{text}");
        assert_eq!(changes.families.len(), 1);
    }
}
