//! Which column of a table holds what, by the words of its header and, where
//! these leave it open, by what stands below.

mod titles;

use self::titles::{Said, said};
use crate::codes;
use crate::statuses;
use crate::table::{Cell, Table, squeeze};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// The HTTP status.
    Status,
    /// The error code.
    Code,
    /// The API's message.
    Message,
    /// What it means.
    Description,
    /// What the page says to do.
    Solution,
    /// What several rows have in common.
    Group,
}

/// The columns of a table, and where its rows begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// By column.
    pub kinds: Vec<Option<Column>>,
    /// The words of the header.
    pub titles: Vec<String>,
    /// How many rows of the body are the header, too.
    pub skip: usize,
}

/// How many rows of a body may be its header.
const MAX_HEADER_ROWS: usize = 8;

/// How many rows decide what a column holds.
const SAMPLE: usize = 200;

/// The columns of a table of codes, or why it is none.
pub fn of(table: &Table) -> Result<Columns, String> {
    let mut first = None;
    // The header as it is marked, its last row, or all its rows together; else a row of the body.
    let marked = (!table.head.is_empty()).then(|| {
        let last = table.head.last().map(|row| titles(row));
        [last, Some(together(&table.head))]
    });
    let candidates = marked.into_iter().flatten().flatten().map(|titles| (titles, 0));
    // Where a header is marked, rows are rows: those of a table of fields have names such as
    // `error_code`. A marked title over all columns is no header.
    let is_title = |row: &Vec<Cell>| row.iter().skip(1).all(|c| c.spanned || c.is_empty());
    let looked = if table.head.iter().all(is_title) { MAX_HEADER_ROWS } else { 0 };
    let rows = table.body.iter().take(looked).enumerate();
    let below = rows.clone().map(|(i, row)| (titles(row), i + 1));
    let pairs = rows.filter(|(i, _)| *i > 0).map(|(i, _)| (together(&table.body[i - 1..=i]), i + 1));
    let mut best: Option<(usize, Columns)> = None;
    for (titles, skip) in candidates.chain(below).chain(pairs) {
        first.get_or_insert_with(|| titles.join(" | "));
        if let Some((score, kinds)) = kinds(&titles, &table.body[skip..])
            && (skip < 2
                || kinds
                    .iter()
                    .enumerate()
                    .any(|(c, k)| *k == Some(Column::Code) && content(&table.body[skip..], c).0 > 0))
            && best.as_ref().is_none_or(|(known, _)| score > *known)
        {
            best = Some((score, Columns { kinds, titles, skip }));
        }
    }
    let shown: String = first.unwrap_or_default().chars().take(120).collect();
    best.map(|(_, columns)| columns).ok_or_else(|| format!("no column of codes in: {shown}"))
}

/// Whether a row says again what the header says.
pub fn is_header(row: &[Cell], columns: &Columns) -> bool {
    let same = |(cell, title): (&Cell, &String)| squeeze(&cell.text()).eq_ignore_ascii_case(title);
    let full = row.iter().zip(&columns.titles).filter(|(cell, _)| !cell.is_empty());
    let (mut count, mut all) = (0, true);
    for pair in full {
        count += 1;
        all &= same(pair);
    }
    count > 1 && all
}

fn titles(row: &[Cell]) -> Vec<String> {
    row.iter().map(|cell| squeeze(&cell.text())).collect()
}

/// The words of several header rows, each column from top to bottom; a cell
/// that spans several columns counts for each.
fn together(rows: &[Vec<Cell>]) -> Vec<String> {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut out = vec![String::new(); width];
    for row in rows {
        let mut left = String::new();
        for (column, cell) in row.iter().enumerate() {
            let text = if cell.spanned { left.clone() } else { squeeze(&cell.text()) };
            if !cell.carried && !text.is_empty() && out[column].len() < 512 {
                if !out[column].is_empty() {
                    out[column].push(' ');
                }
                out[column].push_str(&text);
            }
            left = text;
        }
    }
    out
}

/// The columns under these titles, and how much is known of them.
fn kinds(titles: &[String], body: &[Vec<Cell>]) -> Option<(usize, Vec<Option<Column>>)> {
    let said: Vec<Said> = titles.iter().map(|t| said(t)).collect();
    if said.iter().filter(|s| **s != Said::Other).count() == 0 {
        return None;
    }
    let mut kinds: Vec<Option<Column>> = vec![None; said.len()];
    for (column, said) in said.iter().enumerate() {
        let kind = match said {
            Said::Is(kind @ (Column::Code | Column::Status)) => {
                let (codes, statuses, full) = content(body, column);
                match kind {
                    // The words say one thing and nearly all cells the other.
                    Column::Code if statuses * 10 > full * 9 && full > 0 => Column::Status,
                    Column::Status if codes * 2 > full => Column::Code,
                    kind => *kind,
                }
            }
            Said::Is(kind) => *kind,
            Said::SomeCode => {
                let (codes, statuses, full) = content(body, column);
                if statuses * 2 > full && codes * 2 <= full {
                    Column::Status
                } else if codes > 0 || names(body, column) {
                    Column::Code
                } else {
                    continue;
                }
            }
            Said::Other => continue,
        };
        kinds[column] = Some(kind);
    }
    settle_codes(&said, &mut kinds, body);
    let code = kinds.iter().position(|k| *k == Some(Column::Code)).or_else(|| unnamed(&mut kinds, body))?;
    let text = [Column::Message, Column::Description, Column::Solution];
    if !kinds.iter().flatten().any(|k| text[..2].contains(k)) {
        // Whatever else the table has is what it says of its codes.
        let other =
            (0..kinds.len()).filter(|&c| kinds[c].is_none() && c != code).max_by_key(|&c| words(body, c));
        match other.filter(|&c| words(body, c) > 0) {
            Some(column) => kinds[column] = Some(Column::Description),
            None if codes_with_text(body, code) => {}
            None if kinds.contains(&Some(Column::Solution)) => {}
            None => return None,
        }
    }
    let score = kinds.iter().flatten().count() * 2 + usize::from(body.len() > 1);
    Some((score, kinds))
}

/// A column whose title says something else, or nothing that is known, and that holds codes.
fn unnamed(kinds: &mut [Option<Column>], body: &[Vec<Cell>]) -> Option<usize> {
    let holds = |c: &usize| {
        let (codes, _, full) = content(body, *c);
        full > 0 && codes * 10 >= full * 8 && words(body, *c) <= full * 3 || codes_with_text(body, *c)
    };
    let open = |c: &usize| !matches!(kinds[*c], Some(Column::Status | Column::Solution));
    let found = (0..kinds.len()).filter(open).find(holds)?;
    kinds[found] = Some(Column::Code);
    Some(found)
}

/// Of several columns of codes only the one that has them stays: names stand beside numbers.
fn settle_codes(said: &[Said], kinds: &mut [Option<Column>], body: &[Vec<Cell>]) {
    let all: Vec<usize> = (0..kinds.len()).filter(|&c| kinds[c] == Some(Column::Code)).collect();
    if all.len() > 1 {
        let rank = |c: &usize| {
            let (codes, _, _) = content(body, *c);
            (codes, said[*c] == Said::Is(Column::Code), usize::MAX - *c)
        };
        let kept = all.iter().max_by_key(|c| rank(c)).copied();
        for column in all {
            if Some(column) != kept {
                kinds[column] = None;
            }
        }
    }
}

/// How many cells of a column are codes with a prefix or a long number, how
/// many statuses, how many are not empty.
fn content(body: &[Vec<Cell>], column: usize) -> (usize, usize, usize) {
    let (mut codes, mut statuses, mut full) = (0, 0, 0);
    for cell in body.iter().filter_map(|row| row.get(column)).filter(|c| !c.is_empty()).take(SAMPLE) {
        let text = cell.text();
        full += 1;
        codes += usize::from(codes::holds_code(&text));
        statuses += usize::from(statuses::is_status(&text));
    }
    (codes, statuses, full)
}

/// Whether a column holds names such as `AccessDenied`, and not the words of
/// HTTP for its statuses.
fn names(body: &[Vec<Cell>], column: usize) -> bool {
    const STATUSES: [&str; 12] = [
        "continue",
        "ok",
        "created",
        "accepted",
        "found",
        "unauthorized",
        "forbidden",
        "conflict",
        "gone",
        "processing",
        "locked",
        "success",
    ];
    let cells = body.iter().filter_map(|row| row.get(column)).filter(|c| !c.is_empty()).take(SAMPLE);
    let (mut full, mut named) = (0, 0);
    for cell in cells {
        let text = cell.text();
        full += 1;
        named += usize::from(codes::is_code(&text) && !STATUSES.contains(&text.to_lowercase().as_str()));
    }
    named * 10 > full * 7
}

fn words(body: &[Vec<Cell>], column: usize) -> usize {
    let cells = body.iter().filter_map(|row| row.get(column)).take(SAMPLE);
    cells.map(|c| c.text().split_whitespace().count().min(50)).sum()
}

fn codes_with_text(body: &[Vec<Cell>], column: usize) -> bool {
    let cells: Vec<_> =
        body.iter().filter_map(|row| row.get(column)).filter(|c| !c.is_empty()).take(SAMPLE).collect();
    let with = cells.iter().filter(|c| codes::with_text(&c.text()).is_some()).count();
    with > 0 && with * 2 > cells.len()
}
