//! Simple tables of reStructuredText: columns below borders of `=`.

use super::grid::is_wide;
use crate::table::{MAX_COLUMNS, Raw, Table, spread};

/// Whether `line` is a border of a simple table.
pub fn is_border(line: &str) -> bool {
    let line = line.trim_end();
    line.contains(' ')
        && line.starts_with("==")
        && line.ends_with('=')
        && line.bytes().all(|b| b == b'=' || b == b' ')
}

/// The lines of the table that begins at `lines[0]`, up to its last border.
pub fn length(lines: &[&str]) -> usize {
    let mut borders = 1;
    for (i, line) in lines.iter().enumerate().skip(1) {
        let line = line.trim_end();
        if !line.is_empty() && line.bytes().all(|b| b == b'=' || b == b' ') && line.starts_with('=') {
            borders += 1;
            let over = lines.get(i + 1).is_none_or(|next| next.trim().is_empty());
            if borders == 3 || (borders == 2 && over) {
                return i + 1;
            }
        }
    }
    0
}

/// The table that `lines` are.
pub fn table(lines: &[&str], read: &mut dyn FnMut(&[String]) -> Vec<String>) -> Table {
    let lines: Vec<Vec<char>> = lines.iter().map(|l| columns_of(l)).collect();
    let spans = spans_of(&lines[0]);
    let mut head = Vec::new();
    let mut rows = Vec::new();
    let mut begin = 1;
    let mut found = false;
    let is_line_of = |line: &[char], mark: char| {
        line.first() == Some(&mark) && line.iter().all(|&c| c == mark || c == ' ')
    };
    for (at, line) in lines.iter().enumerate().skip(1) {
        let border = is_line_of(line, '=');
        if border || is_line_of(line, '-') {
            let own = spans_of(line);
            // A border is the span line of the row above it where it says something else.
            let columns = if own.len() < spans.len() { &own } else { &spans };
            row(&lines[begin..at], &spans, columns, read, &mut rows);
            if border && at + 1 < lines.len() {
                head = std::mem::take(&mut rows);
            }
            (begin, found) = (at + 1, false);
        } else if text(line, spans[0].0, spans.get(1).map_or(usize::MAX, |s| s.0)).trim().is_empty() {
            if !found {
                begin = at + 1;
            }
        } else {
            if found {
                row(&lines[begin..at], &spans, &spans, read, &mut rows);
            }
            (begin, found) = (at, true);
        }
    }
    Table { head: spread(head), body: spread(rows), ..Table::default() }
}

fn row(
    lines: &[Vec<char>],
    all: &[(usize, usize)],
    columns: &[(usize, usize)],
    read: &mut dyn FnMut(&[String]) -> Vec<String>,
    rows: &mut Vec<Vec<Raw>>,
) {
    if lines.iter().all(|l| l.is_empty()) {
        return;
    }
    let mut cells = Vec::new();
    for (i, &(start, end)) in columns.iter().enumerate() {
        // A cell reaches up to the next one, so that a text too wide is not lost.
        let next = columns.get(i + 1).map_or(usize::MAX, |next| next.0);
        let inner: Vec<String> = lines.iter().map(|l| text(l, start, next).trim_end().to_owned()).collect();
        let cols = all.iter().filter(|(s, e)| *s >= start && *e <= end.max(start + 1)).count();
        cells.push(Raw { blocks: read(&super::body::dedented(&inner)), rows: 1, cols: cols.max(1) });
    }
    rows.push(cells);
}

fn text(line: &[char], start: usize, end: usize) -> String {
    let end = end.min(line.len());
    line.get(start..end).unwrap_or(&[]).iter().filter(|&&c| c != '\0').collect()
}

fn columns_of(line: &str) -> Vec<char> {
    let mut out = Vec::with_capacity(line.len());
    for c in line.trim_end().chars() {
        out.push(c);
        if is_wide(c) {
            out.push('\0');
        }
    }
    out
}

/// Where the runs of a border stand.
fn spans_of(border: &[char]) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut at = 0;
    while at < border.len() && spans.len() < MAX_COLUMNS {
        let length = border[at..].iter().take_while(|&&c| c != ' ').count();
        if length > 0 {
            spans.push((at, at + length));
        }
        at += length.max(1);
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_spans_and_lines_that_continue() {
        let text = "\
======  ====  ========
Code          Text
------------  --------
Code    St.   Message
======  ====  ========
A.0001  400   it is
              wrong
A.0002        gone and wide
======  ====  ========";
        let lines: Vec<&str> = text.lines().collect();
        assert!(is_border(lines[0]));
        assert_eq!(length(&lines), lines.len());
        let table = table(&lines, &mut |l| super::super::body::blocks(l, &Default::default()));
        let texts = |rows: &[Vec<crate::table::Cell>]| -> Vec<Vec<String>> {
            rows.iter().map(|r| r.iter().map(|c| c.text()).collect()).collect()
        };
        assert_eq!(texts(&table.head), [["Code", "", "Text"], ["Code", "St.", "Message"]]);
        assert_eq!(texts(&table.body), [["A.0001", "400", "it is wrong"], ["A.0002", "", "gone and wide"]]);
    }
}
