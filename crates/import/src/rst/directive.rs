//! The tables that reStructuredText writes as directives: `list-table` and `csv-table`.

use super::body::{blocks, dedented, indented_end};
use super::inline::Names;
use crate::table::{Raw, Table, spread};

/// Options of a directive, and the lines below them.
fn options(content: &[String]) -> (Vec<(&str, &str)>, &[String]) {
    let count = content
        .iter()
        .take_while(|l| l.starts_with(':') || (l.starts_with(' ') && !l.trim().is_empty()))
        .count();
    let pairs = content[..count].iter().filter_map(|l| l.strip_prefix(':')?.split_once(':'));
    (pairs.map(|(k, v)| (k.trim(), v.trim())).collect(), &content[count..])
}

fn option<'a>(options: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    options.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
}

fn cut(mut rows: Vec<Vec<Raw>>, head: usize) -> Table {
    let body = rows.split_off(head.min(rows.len()));
    Table { head: spread(rows), body: spread(body), ..Table::default() }
}

/// A list of lists: an item a row, an item in it a cell.
pub fn list_table(content: &[String], names: &Names) -> Table {
    let (options, lines) = options(content);
    let head = option(&options, "header-rows").and_then(|n| n.parse().ok()).unwrap_or(0);
    let rows = items(&dedented(lines))
        .into_iter()
        .map(|row| items(&row).into_iter().map(|cell| spanning(&cell, names)).collect());
    cut(rows.collect(), head)
}

/// A cell, which may say how far it spans: `:rspan:` and `:cspan:` of flat tables.
fn spanning(lines: &[String], names: &Names) -> Raw {
    let mut raw = Raw::new(Vec::new());
    let mut lines = lines.to_vec();
    if let Some(first) = lines.first_mut() {
        for (role, rows) in [(":rspan:`", true), (":cspan:`", false)] {
            if let Some(start) = first.find(role)
                && let Some(length) = first[start + role.len()..].find('`')
            {
                let number = first[start + role.len()..start + role.len() + length].trim().parse::<usize>();
                let span = number.unwrap_or(0).saturating_add(1);
                if rows {
                    raw.rows = span
                } else {
                    raw.cols = span
                }
                first.replace_range(start..start + role.len() + length + 1, "");
                let kept = first.trim_start().to_owned();
                *first = kept;
            }
        }
    }
    raw.blocks = blocks(&lines, names);
    raw
}

/// The items of the list that `lines` are, each with its indentation taken away.
fn items(lines: &[String]) -> Vec<Vec<String>> {
    let mut items = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = &lines[at];
        let bullet = line.starts_with(['*', '-', '+']) && line[1..].chars().next().is_none_or(|c| c == ' ');
        if !bullet {
            at += 1;
            continue;
        }
        let end = indented_end(lines, at + 1);
        let rest = &line[1..];
        let depth = 1 + rest.len() - rest.trim_start().len();
        let mut item = vec![rest.trim_start().to_owned()];
        let own = |l: &String| l.get(depth.min(l.len() - l.trim_start().len())..).unwrap_or("").to_owned();
        item.extend(lines[at + 1..end].iter().map(own));
        items.push(item);
        at = end;
    }
    items
}

/// Comma-separated values below a directive. Those of another file are not followed.
pub fn csv_table(content: &[String], names: &Names, notes: &mut Vec<String>) -> Option<Table> {
    let (options, lines) = options(content);
    for other in ["file", "url"] {
        if let Some(path) = option(&options, other) {
            notes.push(format!("`csv-table` of the {other} {path} is not followed: import it by itself"));
            return None;
        }
    }
    let delimiter = match option(&options, "delim") {
        None => b',',
        Some("tab") => b'\t',
        Some("space") => b' ',
        Some(other) => *other.as_bytes().first()?,
    };
    let mut head = option(&options, "header-rows").and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut text = lines.join("\n");
    if let Some(header) = option(&options, "header") {
        text = format!("{header}\n{}", text.trim_start_matches('\n'));
        head += 1;
    }
    let rows = crate::csv::rows(text.as_bytes(), delimiter, notes);
    let cell = |text: String| {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        Raw::new(blocks(&lines, names))
    };
    Some(cut(rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect(), head))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(table: &Table) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
        let all = |rows: &[Vec<crate::table::Cell>]| -> Vec<Vec<String>> {
            rows.iter().map(|r| r.iter().map(|c| c.text()).collect()).collect()
        };
        (all(&table.head), all(&table.body))
    }

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_list_of_lists() {
        let text = ":header-rows: 1\n:widths: 10 20\n\n* - Code\n  - Message\n* - A.0001\n  - First.\n\n    - nested\n* - A.0002\n  -\n";
        let (head, body) = texts(&list_table(&lines(text), &Names::default()));
        assert_eq!(head, [["Code", "Message"]]);
        assert_eq!(body, [["A.0001", "First. nested"], ["A.0002", ""]]);
    }

    #[test]
    fn values_between_delimiters() {
        let text = ":header: Code, Message\n:delim: ;\n\nA.0001;\"it; **is**\"\n";
        let text = text.replace("Code, Message", "Code; Message");
        let (head, body) =
            texts(&csv_table(&lines(&text), &Names::default(), &mut Vec::new()).expect("a table"));
        assert_eq!(head, [["Code", "Message"]]);
        assert_eq!(body, [["A.0001", "it; is"]]);
        let mut notes = Vec::new();
        assert!(csv_table(&lines(":file: a.csv\n"), &Names::default(), &mut notes).is_none());
        assert!(notes[0].contains("a.csv"));
    }
}
