//! Grid tables of reStructuredText: cells are boxes drawn with `+`, `-` and `|`.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use crate::table::{MAX_ROWS, Raw, Table, spread};

/// Most characters that are looked at for one table: a drawing can be made so
/// that every corner has to be tried with every other.
const MAX_STEPS: usize = 200_000_000;

/// Whether `line` is the border of a grid table.
pub fn is_border(line: &str) -> bool {
    let line = line.trim_end();
    line.len() >= 3
        && line.starts_with('+')
        && line.ends_with('+')
        && line.bytes().all(|b| b"+-=:".contains(&b))
        && line.contains(['-', '='])
}

/// The table that `lines` draw; `read` makes blocks of a cell's lines.
pub fn table(lines: &[&str], read: &mut dyn FnMut(&[String]) -> Vec<String>) -> Table {
    let last = lines.iter().rposition(|l| is_border(l)).unwrap_or(0);
    let kept = &lines[..=last.min(lines.len().saturating_sub(1))];
    // Documents are drawn with wide characters as two columns, some as one.
    for wide in [2, 1] {
        if let Some(drawn) = Drawing::new(kept, wide).cells() {
            return built(drawn, read);
        }
    }
    by_lines(kept, read)
}

struct Drawn {
    /// Cells with their row and column, in order.
    cells: Vec<(usize, usize, Vec<String>, usize, usize)>,
    /// How many rows are the header.
    head: usize,
}

fn built(drawn: Drawn, read: &mut dyn FnMut(&[String]) -> Vec<String>) -> Table {
    let mut rows: Vec<Vec<(usize, Raw)>> = Vec::new();
    for (row, column, lines, down, right) in drawn.cells {
        if row >= MAX_ROWS {
            break;
        }
        rows.resize(rows.len().max(row + 1), Vec::new());
        rows[row].push((column, Raw { blocks: read(&lines), rows: down, cols: right }));
    }
    let mut rows: Vec<Vec<Raw>> = rows
        .into_iter()
        .map(|mut row| {
            row.sort_by_key(|(column, _)| *column);
            row.into_iter().map(|(_, raw)| raw).collect()
        })
        .collect();
    let body = rows.split_off(drawn.head.min(rows.len()));
    Table { head: spread(rows), body: spread(body), ..Table::default() }
}

struct Drawing {
    block: Vec<Vec<char>>,
    /// The line between header and body.
    head: Option<usize>,
    steps: usize,
}

impl Drawing {
    fn new(lines: &[&str], wide: usize) -> Drawing {
        let mut block: Vec<Vec<char>> = lines.iter().map(|l| padded(l.trim_end(), wide)).collect();
        let width = block.iter().map(Vec::len).max().unwrap_or(0);
        let mut head = None;
        for (i, line) in block.iter_mut().enumerate() {
            line.resize(width, ' ');
            if i > 0 && line[0] == '+' && line.contains(&'=') && line.iter().all(|c| "+=: ".contains(*c)) {
                head = head.or(Some(i));
            }
            if line[..width.min(2)] == ['+', '=']
                || (line.first() == Some(&'+') && line.iter().all(|c| "+-=: ".contains(*c)))
            {
                line.iter_mut().filter(|c| "=:".contains(**c)).for_each(|c| *c = '-');
            }
        }
        Drawing { block, head, steps: 0 }
    }

    /// All cells, if the drawing is whole.
    fn cells(mut self) -> Option<Drawn> {
        let bottom = self.block.len().checked_sub(1)?;
        let right = self.block[0].len().checked_sub(1)?;
        let mut done = vec![0; right];
        let mut corners = BinaryHeap::from([Reverse((0, 0))]);
        let mut found = Vec::new();
        let (mut tops, mut lefts) = (BTreeSet::from([bottom]), BTreeSet::from([right]));
        while let Some(Reverse((top, left))) = corners.pop() {
            if top >= bottom || left >= right || done[left] > top || (top > 0 && done[left] < top) {
                continue;
            }
            let Some((low, far)) = self.cell(top, left) else {
                if self.steps > MAX_STEPS {
                    return None;
                }
                continue;
            };
            if done[left..far].iter().any(|&d| d != top) {
                return None;
            }
            done[left..far].fill(low);
            tops.insert(top);
            lefts.insert(left);
            found.push((top, left, low, far));
            corners.push(Reverse((top, far)));
            corners.push(Reverse((low, left)));
        }
        if done.iter().any(|&d| d != bottom) {
            return None;
        }
        let number = |set: &BTreeSet<usize>| -> HashMap<usize, usize> {
            set.iter().enumerate().map(|(n, &at)| (at, n)).collect()
        };
        let (rows, columns) = (number(&tops), number(&lefts));
        let head = self.head.and_then(|at| rows.get(&at).copied()).unwrap_or(0);
        let cells = found.into_iter().map(|(top, left, low, far)| {
            let down = rows.get(&low).map_or(1, |r| r - rows[&top]);
            let across = columns.get(&far).map_or(1, |c| c - columns[&left]);
            (rows[&top], columns[&left], self.text(top, left, low, far), down, across)
        });
        Some(Drawn { cells: cells.collect(), head })
    }

    fn text(&self, top: usize, left: usize, low: usize, far: usize) -> Vec<String> {
        let inner = self.block[top + 1..low].iter().map(|line| {
            let text: String = line[left + 1..far].iter().filter(|&&c| c != '\0').collect();
            text.trim_end().to_owned()
        });
        super::body::dedented(&inner.collect::<Vec<_>>())
    }

    /// The bottom and the right edge of the cell at a corner.
    fn cell(&mut self, top: usize, left: usize) -> Option<(usize, usize)> {
        if self.block[top][left] != '+' {
            return None;
        }
        for right in left + 1..self.block[top].len() {
            self.steps += 1;
            match self.block[top][right] {
                '+' => {
                    if let Some(low) = self.down(top, left, right) {
                        return Some((low, right));
                    }
                    if self.steps > MAX_STEPS {
                        return None;
                    }
                }
                '-' => {}
                _ => return None,
            }
        }
        None
    }

    fn down(&mut self, top: usize, left: usize, right: usize) -> Option<usize> {
        for low in top + 1..self.block.len() {
            self.steps += 1;
            match self.block[low][right] {
                '+' => {
                    if self.closes(top, left, low, right) {
                        return Some(low);
                    }
                    if self.steps > MAX_STEPS {
                        return None;
                    }
                }
                '|' => {}
                _ => return None,
            }
        }
        None
    }

    fn closes(&mut self, top: usize, left: usize, low: usize, right: usize) -> bool {
        self.steps += right - left + low - top;
        let bottom = &self.block[low];
        bottom[left] == '+'
            && bottom[left..right].iter().all(|c| "+-".contains(*c))
            && self.block[top..low].iter().all(|line| "+|".contains(line[left]))
    }
}

/// A line as columns; a wide character has a NUL behind it.
fn padded(line: &str, wide: usize) -> Vec<char> {
    let mut out = Vec::with_capacity(line.len());
    for c in line.chars() {
        // What has no width stands in no column.
        if matches!(c, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' | '\0') {
            continue;
        }
        out.push(c);
        if wide == 2 && is_wide(c) {
            out.push('\0');
        }
    }
    out
}

/// East Asian wide and full-width characters.
pub(super) fn is_wide(c: char) -> bool {
    matches!(c as u32,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0x33ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff
        | 0xa000..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60
        | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd)
}

/// A drawing whose lines do not meet: rows between borders, cells between bars.
fn by_lines(lines: &[&str], read: &mut dyn FnMut(&[String]) -> Vec<String>) -> Table {
    let columns = lines.iter().find(|l| is_border(l)).map_or(0, |l| l.matches('+').count().saturating_sub(1));
    let mut table =
        Table { damage: Some("its lines do not meet; read line by line".to_owned()), ..Table::default() };
    let mut rows: Vec<Vec<Raw>> = Vec::new();
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); columns];
    let mut odd = 0;
    for line in lines {
        let line = line.trim_end();
        if is_border(line) {
            if cells.iter().any(|c| !c.is_empty()) {
                rows.push(cells.iter().map(|c| Raw::new(read(&super::body::dedented(c)))).collect());
                cells.iter_mut().for_each(Vec::clear);
            }
            if line.contains('=') && table.head.is_empty() {
                table.head = spread(std::mem::take(&mut rows));
            }
            continue;
        }
        let inner = line.strip_prefix('|').and_then(|l| l.strip_suffix('|'));
        let parts: Vec<&str> = inner.unwrap_or(line).split('|').collect();
        if inner.is_none() || parts.len() != columns {
            odd += 1;
            continue;
        }
        for (cell, part) in cells.iter_mut().zip(parts) {
            cell.push(part.trim_end().to_owned());
        }
    }
    if odd > 0 {
        table.damage = Some(format!("its lines do not meet; {odd} of them could not be read"));
    }
    table.body = spread(rows);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_table(text: &str) -> (Vec<Vec<String>>, Vec<Vec<String>>, Option<String>) {
        let lines: Vec<&str> = text.lines().collect();
        let table = table(&lines, &mut |l| super::super::body::blocks(l, &Default::default()));
        let texts = |rows: &[Vec<crate::table::Cell>]| -> Vec<Vec<String>> {
            rows.iter().map(|r| r.iter().map(|c| c.text()).collect()).collect()
        };
        (texts(&table.head), texts(&table.body), table.damage)
    }

    #[test]
    fn cells_that_span() {
        let text = "\
+-----+-------+
| A   | B     |
+=====+=======+
| x   | one   |
|     +-------+
|     | two   |
+-----+-------+
| both        |
+-----+-------+";
        let (head, body, damage) = read_table(text);
        assert_eq!(head, [["A", "B"]]);
        assert_eq!(body, [["x", "one"], ["x", "two"], ["both", ""]]);
        assert_eq!(damage, None);
    }

    #[test]
    fn wide_characters_in_two_columns_or_in_one() {
        for text in
            ["+------+----+\n| 错误 | b  |\n+------+----+", "+------+----+\n| 错误   | b  |\n+------+----+"]
        {
            assert_eq!(
                read_table(text),
                (vec![], vec![vec!["错误".to_owned(), "b".to_owned()]], None),
                "{text}"
            );
        }
    }

    #[test]
    fn a_drawing_that_does_not_meet_is_read_by_its_lines() {
        let (head, body, damage) =
            read_table("+---+---+\n| a | b |\n+===+===+\n| long | c |\n+---+---+\n| bad |\n+---+---+");
        assert_eq!(head, [["a", "b"]]);
        assert_eq!(body, [["long", "c"]]);
        assert!(damage.expect("damage").contains("1 of them"));
    }
}
