//! Tables of HTML, by themselves or inside Markdown.

use std::collections::HashMap;

use scraper::{ElementRef, Html, Node, Selector};

use crate::table::{Raw, Table, spread, squeeze};

/// Most elements inside each other: what the parser does with one more grows with their number.
const MAX_DEPTH: usize = 500;

/// Elements that have no end, or need none.
const OPEN: [&str; 26] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
    "p", "li", "td", "th", "tr", "thead", "tbody", "tfoot", "dt", "dd", "option", "colgroup", "caption",
];

/// How deep elements are inside each other at the most, as far as tags tell.
fn depth(text: &str) -> usize {
    let mut open: HashMap<String, usize> = HashMap::new();
    let (mut depth, mut most) = (0, 0);
    for (at, _) in text.match_indices('<') {
        let rest = &text[at + 1..];
        let (closes, rest) = rest.strip_prefix('/').map_or((false, rest), |rest| (true, rest));
        let length = rest.bytes().take(32).take_while(u8::is_ascii_alphanumeric).count();
        let name = rest[..length].to_ascii_lowercase();
        if length == 0 || OPEN.contains(&name.as_str()) {
            continue;
        }
        let own = open.entry(name).or_default();
        if !closes {
            *own += 1;
            depth += 1;
            most = most.max(depth);
        } else if *own > 0 {
            *own -= 1;
            depth -= 1;
        }
    }
    most
}

/// All tables of `text` that have rows of their own.
pub fn tables(text: &str, notes: &mut Vec<String>) -> Vec<Table> {
    let depth = depth(text);
    if depth > MAX_DEPTH {
        notes.push(format!("HTML with {depth} elements inside each other, at most {MAX_DEPTH} are read"));
        return Vec::new();
    }
    let document = Html::parse_document(text);
    let Ok(selector) = Selector::parse("table") else { return Vec::new() };
    document.select(&selector).map(table).filter(|t| !t.head.is_empty() || !t.body.is_empty()).collect()
}

/// The title of a page.
pub fn title(text: &str) -> Option<String> {
    if depth(text) > MAX_DEPTH {
        return None;
    }
    let document = Html::parse_document(text);
    ["h1", "title", "h2"].iter().find_map(|name| {
        let selector = Selector::parse(name).ok()?;
        let title = squeeze(&document.select(&selector).next()?.text().collect::<String>());
        (!title.is_empty()).then_some(title)
    })
}

/// Tags that begin a block of their own.
const BLOCKS: [&str; 22] = [
    "p",
    "div",
    "br",
    "ul",
    "ol",
    "li",
    "pre",
    "dl",
    "dt",
    "dd",
    "table",
    "tr",
    "td",
    "th",
    "blockquote",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
];

fn table(element: ElementRef<'_>) -> Table {
    let mut head = Vec::new();
    let mut body = Vec::new();
    // Rows of this table, not of one in a cell: they are its children, or those of a section.
    for child in element.children().filter_map(ElementRef::wrap) {
        match child.value().name() {
            "tr" => rows(child, false, &mut head, &mut body),
            section @ ("thead" | "tbody" | "tfoot") => {
                for row in child.children().filter_map(ElementRef::wrap) {
                    if row.value().name() == "tr" {
                        rows(row, section == "thead", &mut head, &mut body);
                    }
                }
            }
            _ => {}
        }
    }
    Table { head: spread(head), body: spread(body), ..Table::default() }
}

fn rows(row: ElementRef<'_>, in_head: bool, head: &mut Vec<Vec<Raw>>, body: &mut Vec<Vec<Raw>>) {
    let cells: Vec<ElementRef<'_>> = row
        .children()
        .filter_map(ElementRef::wrap)
        .filter(|c| matches!(c.value().name(), "td" | "th"))
        .collect();
    if cells.is_empty() {
        return;
    }
    let named = body.is_empty() && cells.iter().all(|c| c.value().name() == "th");
    let span = |cell: &ElementRef<'_>, name: &str| {
        cell.attr(name).and_then(|n| n.trim().parse::<usize>().ok()).unwrap_or(1)
    };
    let raw = |cell: &ElementRef<'_>| {
        // A span of 0 rows reaches to the end.
        let rows = match span(cell, "rowspan") {
            0 => usize::MAX,
            n => n,
        };
        Raw { blocks: blocks(*cell), rows, cols: span(cell, "colspan").max(1) }
    };
    let cells = cells.iter().map(raw).collect();
    if in_head || named { head.push(cells) } else { body.push(cells) }
}

/// The blocks of a cell. Walks without recursion: a page may be nested at will.
fn blocks(cell: ElementRef<'_>) -> Vec<String> {
    let mut out = Blocks::default();
    let root = cell.id();
    let mut node = cell.first_child();
    while let Some(current) = node {
        let mut inside = false;
        match current.value() {
            Node::Text(text) => out.line.push_str(text),
            Node::Element(element) => {
                let name = element.name();
                inside = !matches!(name, "script" | "style" | "template");
                if BLOCKS.contains(&name) {
                    out.flush();
                }
                match name {
                    "ol" => {
                        out.lists.push(Some(element.attr("start").and_then(|n| n.parse().ok()).unwrap_or(1)))
                    }
                    "ul" => out.lists.push(None),
                    "li" => out.number(),
                    _ => {}
                }
            }
            _ => {}
        }
        let mut next = if inside { current.first_child() } else { None };
        let mut leaving = current;
        while next.is_none() {
            if let Node::Element(element) = leaving.value()
                && BLOCKS.contains(&element.name())
            {
                out.flush();
                if matches!(element.name(), "ol" | "ul") {
                    out.lists.pop();
                }
            }
            next = leaving.next_sibling();
            if next.is_none() {
                match leaving.parent() {
                    Some(parent) if parent.id() != root => leaving = parent,
                    _ => break,
                }
            }
        }
        node = next;
    }
    out.flush();
    out.blocks
}

#[derive(Default)]
struct Blocks {
    blocks: Vec<String>,
    line: String,
    /// The lists that are open, each with the number of its next item if it has numbers.
    lists: Vec<Option<u32>>,
}

impl Blocks {
    fn flush(&mut self) {
        let text = squeeze(&self.line);
        if !text.is_empty() {
            self.blocks.push(text);
        }
        self.line.clear();
    }

    fn number(&mut self) {
        if let Some(Some(number)) = self.lists.last_mut() {
            self.line.push_str(&format!("{number}. "));
            *number = number.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Texts = Vec<Vec<String>>;

    fn texts(text: &str) -> Vec<(Texts, Texts)> {
        let all = |rows: &[Vec<crate::table::Cell>]| -> Texts {
            rows.iter().map(|r| r.iter().map(|c| c.text()).collect()).collect()
        };
        tables(text, &mut Vec::new()).iter().map(|t| (all(&t.head), all(&t.body))).collect()
    }

    #[test]
    fn spans_entities_lists_and_markup() {
        let text = "<table><caption>c</caption><thead><tr><th>Code</th><th>Text</th></tr></thead><tbody>\
            <tr><td rowspan=2><p><a name=x></a>A.1</p></td><td>a&nbsp;&lt;b&gt; <b>c</b><br>d</td></tr>\
            <tr><td><ol><li>one</li><li>two</li></ol></td></tr></tbody></table>";
        let head = vec![vec!["Code".to_owned(), "Text".to_owned()]];
        let body = [vec!["A.1", "a <b> c d"], vec!["A.1", "1. one 2. two"]];
        let body: Vec<Vec<String>> =
            body.iter().map(|r| r.iter().map(|c| (*c).to_owned()).collect()).collect();
        assert_eq!(texts(text), [(head, body)]);
    }

    #[test]
    fn a_table_around_a_table_has_rows_of_its_own() {
        let text = "<table><tr><td><table><tr><td>in</td></tr></table></td></tr></table>";
        assert_eq!(texts(text).len(), 2);
        assert_eq!(texts(text)[1].1, [["in"]]);
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = |n: usize| format!("<table><tr><td>{}x</td></tr></table>", "<div>".repeat(n));
        assert_eq!(texts(&deep(400))[0].1, [["x"]]);
        let mut notes = Vec::new();
        assert!(tables(&deep(3_000_000), &mut notes).is_empty());
        assert!(notes[0].contains("inside each other"));
        assert!(tables(&deep(400).replace("<div>", "<div></b>").repeat(1000), &mut notes).is_empty());
    }
}
