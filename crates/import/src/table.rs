//! A table as every form of page gives it: a grid of cells, those that span
//! several places repeated in each.

use std::rc::Rc;

/// Most columns: a wider table is none of codes.
pub const MAX_COLUMNS: usize = 64;

/// Most rows of a table that are looked at.
pub const MAX_ROWS: usize = 50_000;

/// A cell as it stands in a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// Its paragraphs, list items and lines, without markup.
    pub blocks: Vec<String>,
    /// How many rows it spans, at least 1.
    pub rows: usize,
    /// How many columns it spans, at least 1.
    pub cols: usize,
}

impl Raw {
    /// A cell of one place.
    pub fn new(blocks: Vec<String>) -> Raw {
        Raw { blocks, rows: 1, cols: 1 }
    }
}

/// One place of the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// As in [`Raw`]; shared by all places of one cell.
    pub blocks: Rc<[String]>,
    /// A cell above reaches down to here.
    pub carried: bool,
    /// A cell to the left reaches to here.
    pub spanned: bool,
}

impl Cell {
    /// Its text on one line.
    pub fn text(&self) -> String {
        join(&self.blocks)
    }

    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        self.blocks.iter().all(String::is_empty)
    }
}

/// Blocks as one line.
pub fn join(blocks: &[String]) -> String {
    let full: Vec<&str> = blocks.iter().map(String::as_str).filter(|b| !b.is_empty()).collect();
    full.join(" ")
}

/// A table of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// 1-based line that it begins on; 0 where that is not known.
    pub line: usize,
    /// Its header rows, as far as the page marks them.
    pub head: Vec<Vec<Cell>>,
    /// All others.
    pub body: Vec<Vec<Cell>>,
    /// What was wrong with it, where it could be read only in part.
    pub damage: Option<String>,
}

/// Rows of cells to rows of places.
pub fn spread(rows: Vec<Vec<Raw>>) -> Vec<Vec<Cell>> {
    let mut grid = Vec::new();
    // By column, what reaches down into it, and for how many rows more.
    let mut held: Vec<Option<(Rc<[String]>, usize)>> = Vec::new();
    for row in rows.into_iter().take(MAX_ROWS) {
        let mut line = Vec::new();
        let mut cells = row.into_iter();
        loop {
            let column = line.len();
            if column >= MAX_COLUMNS {
                break;
            }
            if let Some(slot) = held.get_mut(column)
                && let Some((blocks, more)) = slot.take()
            {
                line.push(Cell { blocks: Rc::clone(&blocks), carried: true, spanned: false });
                *slot = (more > 1).then(|| (blocks, more - 1));
                continue;
            }
            let Some(cell) = cells.next() else {
                // Something may still reach down further right, behind a row that is too short.
                match held.iter().skip(column).position(Option::is_some) {
                    Some(gap) => {
                        let empty = Cell { blocks: Rc::from([]), carried: false, spanned: false };
                        line.extend(std::iter::repeat_n(empty, gap));
                        continue;
                    }
                    None => break,
                }
            };
            let blocks: Rc<[String]> = cell.blocks.into();
            for n in 0..cell.cols.clamp(1, MAX_COLUMNS - column) {
                let blocks = if n == 0 { Rc::clone(&blocks) } else { Rc::from([]) };
                if cell.rows > 1 {
                    held.resize(held.len().max(column + n + 1), None);
                    held[column + n] = Some((Rc::clone(&blocks), cell.rows - 1));
                }
                line.push(Cell { blocks, carried: false, spanned: n > 0 });
            }
        }
        grid.push(line);
    }
    grid
}

/// `text` on one line: blanks of any kind squeezed, what has no width left out.
pub fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        match c {
            '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{2060}' | '\u{ad}' => {}
            c if c.is_whitespace() => gap = true,
            c => {
                if gap && !out.is_empty() {
                    out.push(' ');
                }
                gap = false;
                out.push(c);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str, rows: usize, cols: usize) -> Raw {
        Raw { blocks: vec![text.to_owned()], rows, cols }
    }

    #[test]
    fn cells_reach_down_and_right() {
        let grid = spread(vec![
            vec![raw("a", 2, 1), raw("b", 1, 2)],
            vec![raw("c", 1, 1)],
            vec![raw("d", 1, 1), raw("e", 1, 1), raw("f", 1, 1)],
        ]);
        let texts: Vec<Vec<String>> = grid.iter().map(|r| r.iter().map(Cell::text).collect()).collect();
        assert_eq!(texts, [vec!["a", "b", ""], vec!["a", "c"], vec!["d", "e", "f"]]);
        assert!(grid[1][0].carried && grid[0][2].spanned);
    }

    #[test]
    fn spans_without_end_are_bounded() {
        let grid = spread(vec![vec![raw("a", usize::MAX, usize::MAX)], vec![]]);
        assert_eq!((grid[0].len(), grid[1].len()), (MAX_COLUMNS, MAX_COLUMNS));
    }

    #[test]
    fn blanks_are_squeezed() {
        assert_eq!(squeeze("  a\u{a0}\n b\u{200b}c "), "a bc");
    }
}
