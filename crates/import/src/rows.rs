//! Rows of a table of codes: cells carried down, split, repaired or refused.

use std::collections::HashSet;

use serde::Serialize;

use crate::codes::{self, Codes};
use crate::columns::{self, Column, Columns};
use crate::statuses;
use crate::table::{Cell, Table};

/// Longest text of a cell; a longer one is no message.
const MAX_TEXT_BYTES: usize = 16 << 10;

/// Most text of one page: a cell may reach down into any number of rows.
const MAX_PAGE_TEXT_BYTES: usize = 64 << 20;

/// A row of a page: one code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Which table of the page, from 1.
    pub table: usize,
    /// Which row of the table, from 1; a row has several codes at times.
    pub row: usize,
    /// The code.
    pub code: String,
    /// Its statuses: none, one, or several.
    pub statuses: Vec<u16>,
    /// The API's message, empty where the page has none.
    pub message: String,
    /// What the page says it means.
    pub description: String,
    /// What the page says to do.
    pub solution: String,
    /// What the row has in common with others.
    pub group: String,
}

impl Row {
    /// The message, or what stands in its place.
    pub fn text(&self) -> &str {
        if self.message.is_empty() { &self.description } else { &self.message }
    }
}

/// What happened to a row that is not plain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Which table of the page, from 1.
    pub table: usize,
    /// Which row of the table, from 1.
    pub row: usize,
    /// What happened, in words.
    pub what: String,
}

/// What a page held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// How many tables of codes there are.
    pub tables: usize,
    /// How many rows below their headers.
    pub rows_seen: usize,
    /// The rows that were read.
    pub rows: Vec<Row>,
    /// Rows whose codes or statuses were repaired or carried down.
    pub repaired: Vec<Note>,
    /// Rows that belong to the one before, and were joined with it.
    pub merged: Vec<Note>,
    /// Rows that are none of a code.
    pub refused: Vec<Note>,
    /// Tables that are none of codes, and why.
    pub passed_over: Vec<String>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

impl Reading {
    /// Reads a table.
    pub fn table(&mut self, table: &Table) {
        let columns = match columns::of(table) {
            Ok(columns) => columns,
            Err(why) => {
                let line = if table.line > 0 { format!("line {}, ", table.line) } else { String::new() };
                let rows = table.head.len() + table.body.len();
                self.passed_over.push(format!("{line}{rows} rows: {why}"));
                return;
            }
        };
        self.tables += 1;
        if let Some(damage) = &table.damage {
            self.notes.push(format!("table {}: {damage}", self.tables));
        }
        let forms = forms(table, &columns);
        let mut last = Last::default();
        let mut bytes: usize = self.rows.iter().map(size).sum();
        for (i, cells) in table.body.iter().enumerate().skip(columns.skip) {
            self.rows_seen += 1;
            let row = i + 1 - columns.skip;
            if bytes > MAX_PAGE_TEXT_BYTES {
                self.refuse(row, format!("the page has more than {} MiB of text", MAX_PAGE_TEXT_BYTES >> 20));
                continue;
            }
            let before = self.rows.len();
            self.row(cells, &columns, &forms, row, &mut last);
            bytes += self.rows[before..].iter().map(size).sum::<usize>();
        }
    }

    fn row(
        &mut self,
        cells: &[Cell],
        columns: &Columns,
        forms: &HashSet<String>,
        row: usize,
        last: &mut Last,
    ) {
        let cell = |kind: Column| -> String {
            let own = columns.kinds.iter().zip(cells).filter(|(k, _)| **k == Some(kind));
            let texts: Vec<String> = own.map(|(_, c)| c.text()).filter(|t| !t.is_empty()).collect();
            texts.join(" ")
        };
        if cells.iter().all(Cell::is_empty) {
            return self.refuse(row, "empty".to_owned());
        }
        if columns::is_header(cells, columns) {
            return self.refuse(row, "the header again".to_owned());
        }
        if cells.iter().any(|c| c.blocks.iter().map(String::len).sum::<usize>() > MAX_TEXT_BYTES) {
            return self.refuse(row, format!("a cell of more than {} KiB", MAX_TEXT_BYTES >> 10));
        }
        if let Some(title) = spanning(cells) {
            last.group = title.clone();
            last.code.clear();
            return self.refuse(row, format!("a title over what follows: {}", cut(&title)));
        }
        let has = |kind: Column| columns.kinds.contains(&Some(kind));
        let group = cell(Column::Group);
        if !group.is_empty() {
            last.group = group;
        }
        let (message, description) = (no_dash(cell(Column::Message)), no_dash(cell(Column::Description)));
        let solution = no_dash(cell(Column::Solution));
        let status = cell(Column::Status);
        let mut code = cell(Column::Code);
        if code.is_empty() {
            let own = if has(Column::Message) { &message } else { &description };
            if last.code.is_empty() {
                let shown = cut(&[message, description, solution].join(" "));
                return self.refuse(row, format!("no code: {shown}"));
            }
            if own.is_empty() && status.is_empty() && self.goes_on(&description, &solution) {
                return self.merged.push(self.note(row, "goes on from the row above".to_owned()));
            }
            if own.is_empty() && status.is_empty() {
                return self.refuse(row, "no code".to_owned());
            }
            code.clone_from(&last.code);
            self.repaired.push(self.note(row, format!("no code: taken from above, {}", cut(&code))));
        }
        let Some(Codes { codes, repaired, statuses: beside, text }) =
            codes::of(&code, forms, message.is_empty())
        else {
            return self.refuse(row, format!("no code: {}", cut(&code)));
        };
        let mut statuses = statuses::of(&status);
        if has(Column::Status) && status.is_empty() && !last.statuses.is_empty() {
            statuses.clone_from(&last.statuses);
            self.repaired.push(self.note(row, format!("no status: taken from above, {statuses:?}")));
        }
        if repaired {
            self.repaired.push(self.note(row, format!("`{}` read as {}", cut(&code), codes.join(", "))));
        }
        if statuses.is_empty() {
            statuses = beside;
        }
        let message = if message.is_empty() { text } else { message };
        if has(Column::Status) {
            last.statuses.clone_from(&statuses);
        }
        last.code = code;
        for code in codes {
            self.rows.push(Row {
                table: self.tables,
                row,
                code,
                statuses: statuses.clone(),
                message: message.clone(),
                description: description.clone(),
                solution: solution.clone(),
                group: if has(Column::Group) || !last.group.is_empty() {
                    last.group.clone()
                } else {
                    String::new()
                },
            });
        }
    }

    /// Adds to the row before what stands below it.
    fn goes_on(&mut self, description: &str, solution: &str) -> bool {
        let Some(last) = self.rows.last_mut().filter(|r| r.table == self.tables) else { return false };
        for (own, more) in [(&mut last.description, description), (&mut last.solution, solution)] {
            if !more.is_empty() && own.len() + more.len() <= MAX_TEXT_BYTES {
                if !own.is_empty() {
                    own.push(' ');
                }
                own.push_str(more);
            }
        }
        !description.is_empty() || !solution.is_empty()
    }

    fn note(&self, row: usize, what: String) -> Note {
        Note { table: self.tables, row, what }
    }

    fn refuse(&mut self, row: usize, why: String) {
        self.refused.push(self.note(row, why));
    }
}

/// What reaches down to rows that do not say it again.
#[derive(Default)]
struct Last {
    code: String,
    statuses: Vec<u16>,
    group: String,
}

/// The text of a row that is one cell from left to right.
fn spanning(cells: &[Cell]) -> Option<String> {
    let (first, others) = cells.split_first()?;
    let over = others.len() > 1 && others.iter().all(|c| c.spanned) && !first.carried;
    (over && !first.is_empty()).then(|| first.text())
}

/// The forms of the whole codes of a table.
fn forms(table: &Table, columns: &Columns) -> HashSet<String> {
    let at = columns.kinds.iter().position(|k| *k == Some(Column::Code));
    let texts = table.body.iter().filter_map(|row| Some(row.get(at?)?.text()));
    texts.filter(|t| codes::is_structured(t)).map(|t| codes::form(&t)).take(10_000).collect()
}

fn size(row: &Row) -> usize {
    row.message.len() + row.description.len() + row.solution.len() + row.group.len()
}

/// Nothing where a cell has a dash to say that it has nothing.
fn no_dash(text: String) -> String {
    let dash = text.chars().all(|c| "-–—/.".contains(c));
    let none = ["n/a", "na", "n/a.", "无"].iter().any(|n| text.eq_ignore_ascii_case(n));
    if dash || none { String::new() } else { text }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
