//! Tables of reStructuredText: grid and simple tables wherever they stand, the
//! directives `list-table` and `csv-table`, HTML that is passed through.
//!
//! No published crate reads these tables. This is no reader of the whole
//! language: it knows what may hold a table and what may not (comments, code).

mod body;
mod directive;
pub(crate) mod grid;
mod inline;
mod simple;

use self::body::{dedented, indent_of, indented_end};
use self::inline::Names;
use crate::table::{Table, squeeze};

/// Longest line that is looked at, in bytes; borders of real tables have some thousand.
const MAX_LINE_BYTES: usize = 1 << 20;

/// All tables of `text`; what could not be followed goes to `notes`.
pub fn tables(text: &str, notes: &mut Vec<String>) -> Vec<Table> {
    let text = text.replace('\t', "        ");
    let lines: Vec<&str> = text.lines().collect();
    let names = names_of(&lines);
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let indent = indent_of(line);
        let inner = line[indent..].trim_end();
        if inner.len() > MAX_LINE_BYTES {
            notes.push(format!("line {}: {} bytes long, passed over", at + 1, inner.len()));
            at += 1;
        } else if let Some(head) = explicit(inner) {
            let end = at + 1 + below(&lines[at + 1..], indent);
            at = directive(head, &lines, at, end, &names, notes, &mut found);
        } else if grid::is_border(inner) {
            let drawn = drawn(&lines[at..], indent);
            let mut table = grid::table(&drawn, &mut |cell| body::blocks(cell, &names));
            table.line = at + 1;
            found.push(table);
            at += drawn.len().max(1);
        } else if simple::is_border(inner) {
            let own: Vec<&str> = lines[at..].iter().map(|l| l.get(indent..).unwrap_or("")).collect();
            let length = simple::length(&own);
            if length > 2 {
                let mut table = simple::table(&own[..length], &mut |cell| body::blocks(cell, &names));
                table.line = at + 1;
                found.push(table);
            }
            at += length.max(1);
        } else if inner.ends_with("::") {
            // What is indented below is literal.
            at += 1;
            let literal = below(&lines[at..], indent);
            at += literal;
        } else {
            at += 1;
        }
    }
    found
}

/// The lines of a drawing: as far as they begin like one.
pub(crate) fn drawn<'a>(lines: &[&'a str], indent: usize) -> Vec<&'a str> {
    let own = lines.iter().map(|l| l.get(indent..).unwrap_or("").trim_end());
    own.take_while(|l| l.starts_with(['+', '|'])).collect()
}

fn explicit(line: &str) -> Option<&str> {
    line.strip_prefix(".. ").map(str::trim).or_else(|| (line == "..").then_some(""))
}

/// How many of `lines` are blank or indented by more than `indent`.
fn below(lines: &[&str], indent: usize) -> usize {
    let own: Vec<&str> = lines.iter().map(|l| l.get(indent..).unwrap_or("")).collect();
    indented_end(&own, 0)
}

/// Reads what an explicit mark begins at `at`; gives the line to go on with.
fn directive(
    head: &str,
    lines: &[&str],
    at: usize,
    end: usize,
    names: &Names,
    notes: &mut Vec<String>,
    found: &mut Vec<Table>,
) -> usize {
    let mut named = head.splitn(2, "::");
    let name = named.next().unwrap_or_default().trim();
    let Some(argument) = named.next().map(str::trim) else {
        // A footnote or a target holds none; a comment is nobody's text.
        return if head.starts_with(['_', '[']) { at + 1 } else { end };
    };
    let content = || dedented(&lines[at + 1..end]);
    let read = match name {
        "list-table" | "flat-table" => Some(directive::list_table(&content(), names)),
        "csv-table" => directive::csv_table(&content(), names, notes),
        "raw" if argument.eq_ignore_ascii_case("html") => {
            found.extend(crate::html::tables(&content().join("\n"), notes));
            None
        }
        "code" | "code-block" | "sourcecode" | "parsed-literal" | "literalinclude" | "highlight" | "raw"
        | "math" => None,
        "include" => {
            notes.push(format!("line {}: `include:: {argument}` is not followed", at + 1));
            None
        }
        // Others hold text like any other: notes, tabs, tables with a caption.
        _ if name.starts_with('|') || name.contains(' ') => return end,
        _ => return at + 1,
    };
    if let Some(mut table) = read {
        table.line = at + 1;
        found.push(table);
    }
    end
}

/// Substitutions and targets of a document.
fn names_of(lines: &[&str]) -> Names {
    let mut names = Names::default();
    for (i, line) in lines.iter().enumerate() {
        let Some(head) = explicit(line.trim_start()) else { continue };
        if let Some(target) = head.strip_prefix('_').and_then(|t| t.split_once(':')) {
            names.targets.insert(target.0.trim_matches('`').to_lowercase());
        } else if let Some((name, rest)) = head.strip_prefix('|').and_then(|r| r.split_once('|'))
            && let Some(text) = rest.trim_start().strip_prefix("replace::")
        {
            let more = below(&lines[i + 1..], indent_of(line));
            let mut text = text.to_owned();
            for line in &lines[i + 1..i + 1 + more] {
                text.push(' ');
                text.push_str(line.trim());
            }
            let text = squeeze(&inline::plain(&text, &Names::default()));
            names.substitutions.insert(name.to_owned(), text);
        }
    }
    names
}

/// The first title of a document: a line with a line of marks below it.
pub fn title(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().take(200).collect();
    let is_rule = |l: &str| {
        let l = l.trim_end();
        let first = l.chars().next();
        l.len() >= 3 && first.is_some_and(|c| "=-~^#*\"'`".contains(c)) && l.chars().all(|c| Some(c) == first)
    };
    let title = lines.windows(2).find(|w| {
        let text = w[0].trim();
        !text.is_empty() && w[0].starts_with(|c: char| !c.is_whitespace()) && !is_rule(text) && is_rule(w[1])
    });
    title.map(|w| squeeze(&inline::plain(w[0], &Names::default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<Vec<Vec<String>>> {
        let tables = tables(text, &mut Vec::new());
        tables.iter().map(|t| t.body.iter().map(|r| r.iter().map(|c| c.text()).collect()).collect()).collect()
    }

    #[test]
    fn tables_stand_anywhere_but_in_comments_and_code() {
        let table = "+---+\n| x |\n+---+\n";
        let indented = "   +---+\n   | x |\n   +---+\n";
        for text in [
            table.to_owned(),
            format!("Text\n\n{indented}"),
            format!(".. table:: A caption\n\n{indented}"),
            format!("#. item\n\n{indented}"),
            format!(".. note::\n\n{indented}"),
        ] {
            assert_eq!(texts(&text), [[["x"]]], "{text}");
        }
        for text in [
            format!(".. code-block::\n\n{indented}"),
            format!("So::\n\n{indented}"),
            format!(".. out of date\n\n{indented}"),
        ] {
            assert!(texts(&text).is_empty(), "{text}");
        }
    }

    #[test]
    fn substitutions_reach_into_cells() {
        let text = ".. |s| replace:: The *cloud*\n\n+---------+\n| |s| is  |\n+---------+\n";
        assert_eq!(texts(text), [[["The cloud is"]]]);
    }

    #[test]
    fn the_title_is_the_first_underlined_line() {
        assert_eq!(title(":a: b\n\nError **Codes**\n===========\n").as_deref(), Some("Error Codes"));
        assert_eq!(title("=====\nTitle\n=====\n").as_deref(), Some("Title"));
        assert_eq!(title("no title\n"), None);
    }
}
