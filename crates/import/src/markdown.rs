//! Tables of Markdown: with pipes, as HTML, and drawn as a grid.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::rst::{drawn, grid};
use crate::table::{Raw, Table, spread, squeeze};

/// All tables of `text`.
pub fn tables(text: &str, notes: &mut Vec<String>) -> Vec<Table> {
    let mut found = Vec::new();
    let text = without_others(text, &mut found, notes);
    let lines = Lines::of(&text);
    let mut reader = Reader::default();
    for (event, range) in
        Parser::new_ext(&text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).into_offset_iter()
    {
        match event {
            Event::Start(Tag::Table(_)) => reader.begin(lines.line(range.start)),
            Event::End(TagEnd::Table) => found.extend(reader.end()),
            event if reader.inside => reader.event(event),
            _ => {}
        }
    }
    found.sort_by_key(|t| t.line);
    found
}

/// The first heading.
pub fn title(text: &str) -> Option<String> {
    let mut inside = false;
    let mut title = String::new();
    for event in Parser::new(text).take(2000) {
        match event {
            Event::Start(Tag::Heading { .. }) => inside = true,
            Event::End(TagEnd::Heading(_)) if !squeeze(&title).is_empty() => return Some(squeeze(&title)),
            Event::Text(text) | Event::Code(text) if inside => title.push_str(&text),
            _ => {}
        }
    }
    None
}

/// Reads HTML and grid tables, and leaves blank lines in their place: Markdown
/// would end HTML at its first blank line.
fn without_others(text: &str, found: &mut Vec<Table>, notes: &mut Vec<String>) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::with_capacity(text.len());
    let mut fence: Option<&str> = None;
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let inner = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|m| inner.starts_with(m));
        let mut taken = 0;
        match (fence, mark) {
            (Some(open), Some(close)) if open == close => fence = None,
            (Some(_), _) => {}
            (None, Some(open)) => fence = Some(open),
            (None, None) => {
                if has_tag(line, "<table") {
                    taken = html_length(&lines[at..]);
                    let own = crate::html::tables(&lines[at..at + taken].join("\n"), notes);
                    found.extend(own.into_iter().map(|t| Table { line: at + 1, ..t }));
                } else if grid::is_border(inner) && inner.contains('-') {
                    let drawn = drawn(&lines[at..], line.len() - inner.len());
                    if drawn.len() > 2 {
                        taken = drawn.len();
                        let table = grid::table(&drawn, &mut |cell| blocks(&cell.join("\n")));
                        found.push(Table { line: at + 1, ..table });
                    }
                }
            }
        }
        if taken == 0 {
            out.push_str(line);
            taken = 1;
        }
        out.extend(std::iter::repeat_n('\n', taken));
        at += taken;
    }
    out
}

fn has_tag(line: &str, tag: &str) -> bool {
    line.as_bytes().windows(tag.len()).enumerate().any(|(i, w)| {
        let after = line.as_bytes().get(i + tag.len());
        w.eq_ignore_ascii_case(tag.as_bytes()) && after.is_none_or(|b| !b.is_ascii_alphanumeric())
    })
}

/// The lines up to the end of the table that the first one begins.
fn html_length(lines: &[&str]) -> usize {
    let mut depth = 0usize;
    for (i, line) in lines.iter().enumerate() {
        let lower = line.to_ascii_lowercase();
        depth += lower.matches("<table").count();
        depth = depth.saturating_sub(lower.matches("</table").count());
        if depth == 0 {
            return i + 1;
        }
    }
    lines.len()
}

/// The blocks of a text of Markdown.
fn blocks(text: &str) -> Vec<String> {
    let mut reader = Reader { inside: true, ..Reader::default() };
    for event in Parser::new_ext(text, Options::empty()) {
        match event {
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::CodeBlock | TagEnd::Heading(_)) => {
                reader.text.push('\n');
            }
            event => reader.event(event),
        }
    }
    cell(&reader.text).blocks
}

#[derive(Default)]
struct Reader {
    inside: bool,
    line: usize,
    head: Vec<Vec<Raw>>,
    rows: Vec<Vec<Raw>>,
    row: Vec<Raw>,
    text: String,
}

impl Reader {
    fn begin(&mut self, line: usize) {
        *self = Reader { inside: true, line, ..Reader::default() };
    }

    fn end(&mut self) -> Option<Table> {
        let done = std::mem::take(self);
        let body = reaching_down(done.rows);
        Some(Table { line: done.line, head: spread(done.head), body: spread(body), damage: None })
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(Tag::TableCell) => self.text.clear(),
            Event::End(TagEnd::TableCell) => self.row.push(cell(&self.text)),
            Event::End(TagEnd::TableHead) => self.head.push(std::mem::take(&mut self.row)),
            Event::End(TagEnd::TableRow) => self.rows.push(std::mem::take(&mut self.row)),
            Event::Text(text) | Event::Code(text) => self.text.push_str(&text),
            Event::InlineHtml(tag) | Event::Html(tag) => self.tag(&tag),
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            _ => {}
        }
    }

    /// A tag in a line. What only looks like one is the text of a message:
    /// `<instance_id>`.
    fn tag(&mut self, tag: &str) {
        let inner = tag.trim_start_matches('<').trim_start_matches('/');
        let name: String = inner.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        let name = name.to_ascii_lowercase();
        let after = inner.chars().nth(name.len());
        let known =
            TAGS.contains(&name.as_str()) && after.is_some_and(|c| c.is_whitespace() || ">/".contains(c));
        if !known && !tag.starts_with("<!--") {
            self.text.push_str(tag);
        } else if matches!(name.as_str(), "br" | "p" | "li" | "div" | "ul" | "ol") {
            self.text.push('\n');
        }
    }
}

/// Tags that stand in cells of Markdown.
const TAGS: [&str; 27] = [
    "a", "b", "br", "big", "code", "del", "div", "em", "font", "i", "img", "ins", "kbd", "li", "ol", "p",
    "pre", "s", "small", "span", "strong", "sub", "sup", "tt", "u", "ul", "hr",
];

fn cell(text: &str) -> Raw {
    Raw::new(text.split('\n').map(|b| squeeze(&without_stars(b))).filter(|b| !b.is_empty()).collect())
}

/// Takes away the `**` that Markdown leaves beside letters without blanks between
/// words: Chinese text is full of them, and nobody means them.
fn without_stars(text: &str) -> String {
    let parts: Vec<&str> = text.split("**").collect();
    let inside = parts.iter().skip(1).step_by(2);
    let marked = parts.len() > 1 && parts.len() % 2 == 1 && !text.is_ascii();
    if marked && inside.clone().all(|p| !p.is_empty() && p.trim() == *p) {
        parts.concat()
    } else {
        text.to_owned()
    }
}

/// `^^` is a cell that goes on from above.
fn reaching_down(mut rows: Vec<Vec<Raw>>) -> Vec<Vec<Raw>> {
    for i in 1..rows.len() {
        for column in 0..rows[i].len() {
            if rows[i][column].blocks == ["^^"] {
                let above = rows[i - 1].get(column).map(|c| c.blocks.clone()).unwrap_or_default();
                rows[i][column].blocks = above;
            }
        }
    }
    rows
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Lines {
        Lines(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn line(&self, at: usize) -> usize {
        self.0.partition_point(|&start| start <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(text: &str) -> Vec<Vec<Vec<String>>> {
        let tables = tables(text, &mut Vec::new());
        tables.iter().map(|t| t.body.iter().map(|r| r.iter().map(|c| c.text()).collect()).collect()).collect()
    }

    #[test]
    fn pipes_and_what_is_in_them() {
        let text = "Code | Text\n--- | ---\nA.1 | a \\| **b** `c\\|d` <br> e &lt;f&gt;\n`A.2` | <id> <b>x</b>\n^^ | [t](http://a.example)\n";
        assert_eq!(bodies(text), [[["A.1", "a | b c|d e <f>"], ["A.2", "<id> x"], ["A.2", "t"]]]);
        assert_eq!(bodies("| a |\n|---|\n| x<br/>y |\n"), [[["x y"]]]);
    }

    #[test]
    fn html_with_blank_lines_and_drawings() {
        let text = "# T\n\n<table><tr><td>a\n\n</td></tr>\n</table>\n\n+---+\n| *b* |\n+---+\n";
        let text = text.replace("| *b* |", "|*b*|");
        assert_eq!(bodies(&text), [[["a"]], [["b"]]]);
        assert_eq!(bodies("```\n<table><tr><td>a</td></tr></table>\n```\n").len(), 0);
        assert_eq!(title("text\n\n# The `T`\n").as_deref(), Some("The T"));
    }
}
