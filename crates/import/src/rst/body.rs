//! The body of a reStructuredText cell: its paragraphs, lists and blocks as text.

use super::inline::{Names, plain};
use crate::table::squeeze;

/// Deepest list or quote in another; what is deeper is text.
const MAX_DEPTH: usize = 12;

/// The blocks of `lines`, without markup. Numbers of lists are kept, since they
/// are read as text; bullets are not.
pub fn blocks(lines: &[String], names: &Names) -> Vec<String> {
    let mut out = Vec::new();
    read(lines, names, 0, &mut out);
    out
}

fn read(lines: &[String], names: &Names, depth: usize, out: &mut Vec<String>) {
    let mut at = 0;
    let mut number = 0;
    while at < lines.len() {
        let line = lines[at].trim_end();
        let text = line.trim_start();
        if text.is_empty() {
            at += 1;
            continue;
        }
        let indent = indent_of(line);
        if depth >= MAX_DEPTH {
            push(lines[at..].iter().map(|l| l.trim()).collect::<Vec<_>>().join(" "), names, out);
            return;
        }
        if indent > 0 {
            let end = indented_end(lines, at);
            read(&dedented(&lines[at..end]), names, depth + 1, out);
            at = end;
            continue;
        }
        if let Some(rest) = text.strip_prefix(".. ").or_else(|| (text == "..").then_some("")) {
            let end = indented_end(lines, at + 1);
            explicit(rest, &dedented(&lines[at + 1..end]), names, depth, out);
            at = end;
            continue;
        }
        if let Some(marker) = Marker::of(text) {
            let end = item_end(lines, at + 1);
            let mut item = vec![text[marker.bytes..].trim_start().to_owned()];
            item.extend(dedented(&lines[at + 1..end]));
            let first = out.len();
            read(&item, names, depth + 1, out);
            number = if marker.auto || number > 0 { number + 1 } else { marker.number };
            let label = if marker.auto { format!("{number}.") } else { marker.label.to_owned() };
            match (marker.bullet, out.get_mut(first)) {
                (true, Some(_)) => {}
                (false, Some(block)) => *block = format!("{label} {block}"),
                (_, None) => out.push(label),
            }
            at = end;
            continue;
        }
        number = 0;
        if text.starts_with("| ") || text == "|" {
            let end = at + lines[at..].iter().take_while(|l| !l.trim().is_empty()).count();
            for line in &lines[at..end] {
                let line = line.trim();
                push(line.strip_prefix('|').unwrap_or(line).to_owned(), names, out);
            }
            at = end;
            continue;
        }
        let more = lines[at + 1..].iter().take_while(|l| !l.trim().is_empty() && indent_of(l) == 0).count();
        let end = at + 1 + more;
        let paragraph = lines[at..end].iter().map(|l| l.trim()).collect::<Vec<_>>().join("\n");
        at = end;
        if let Some(text) = paragraph.strip_suffix("::") {
            let text = if text.is_empty() || text.ends_with(char::is_whitespace) {
                text.trim_end().to_owned()
            } else {
                format!("{text}:")
            };
            push(text, names, out);
            let literal = indented_end(lines, at);
            if lines[at..literal].iter().any(|l| !l.trim().is_empty()) {
                out.push(squeeze(&lines[at..literal].join("\n")));
            }
            at = literal;
        } else {
            push(paragraph, names, out);
        }
    }
}

/// A directive, a comment, a target or a footnote.
fn explicit(head: &str, content: &[String], names: &Names, depth: usize, out: &mut Vec<String>) {
    if let Some(note) = head.strip_prefix('[') {
        if let Some((_, text)) = note.split_once(']') {
            push(text.trim().to_owned(), names, out);
            read(content, names, depth + 1, out);
        }
        return;
    }
    let Some((name, argument)) = head.split_once("::") else { return };
    if name.starts_with(['_', '|']) || name.contains(char::is_whitespace) {
        return;
    }
    // Options come first, up to a blank line.
    let options = content.iter().take_while(|l| l.starts_with(':')).count();
    let content = &content[options..];
    match name {
        "code" | "code-block" | "sourcecode" | "parsed-literal" | "literalinclude" => {
            let text = squeeze(&content.join("\n"));
            if !text.is_empty() {
                out.push(text);
            }
        }
        "image" | "figure" | "raw" | "include" | "index" | "contents" => {}
        _ => {
            push(argument.trim().to_owned(), names, out);
            read(content, names, depth + 1, out);
        }
    }
}

fn push(text: String, names: &Names, out: &mut Vec<String>) {
    let text = squeeze(&plain(&text, names));
    if !text.is_empty() {
        out.push(text);
    }
}

/// What begins an item of a list.
struct Marker<'a> {
    label: &'a str,
    /// Bytes up to the text.
    bytes: usize,
    bullet: bool,
    /// `#.`: numbered by its place.
    auto: bool,
    number: usize,
}

impl Marker<'_> {
    fn of(text: &str) -> Option<Marker<'_>> {
        let label = text.split(char::is_whitespace).next()?;
        let bytes = label.len();
        let marker = |bullet, auto, number| Some(Marker { label, bytes, bullet, auto, number });
        if ["-", "*", "+", "•", "‣", "⁃"].contains(&label) {
            return marker(true, false, 0);
        }
        let inner = label.strip_prefix('(').and_then(|l| l.strip_suffix(')'));
        let inner = inner.or_else(|| label.strip_suffix(['.', ')']))?;
        if inner == "#" {
            return marker(false, true, 0);
        }
        let digits = inner.len() <= 4 && !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_digit());
        if digits && bytes < text.len() {
            return marker(false, false, inner.parse().unwrap_or(0));
        }
        None
    }
}

pub(super) fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The end of the indented lines that begin at `at`, blank ones inside included.
pub(super) fn indented_end<S: AsRef<str>>(lines: &[S], at: usize) -> usize {
    let mut end = at;
    for (i, line) in lines.iter().enumerate().skip(at) {
        let line = line.as_ref();
        if line.trim().is_empty() {
            continue;
        }
        if indent_of(line) == 0 {
            break;
        }
        end = i + 1;
    }
    end
}

/// As [`indented_end`].
fn item_end(lines: &[String], at: usize) -> usize {
    indented_end(lines, at)
}

/// Lines without the indentation that all of them have.
pub(super) fn dedented<S: AsRef<str>>(lines: &[S]) -> Vec<String> {
    let full = lines.iter().map(AsRef::as_ref).filter(|l| !l.trim().is_empty());
    let least = full.map(indent_of).min().unwrap_or(0);
    lines.iter().map(|l| l.as_ref().get(least..).unwrap_or("").to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Vec<String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        blocks(&lines, &Names::default())
    }

    #[test]
    fn paragraphs_lists_and_blocks() {
        assert_eq!(read_text("one\ntwo\n\nthree"), ["one two", "three"]);
        assert_eq!(
            read_text("#. first\n#. second\n   goes on\n\nend"),
            ["1. first", "2. second goes on", "end"]
        );
        assert_eq!(read_text("-  a\n\n   -  b\n\n-  c"), ["a", "b", "c"]);
        assert_eq!(read_text("3. x\n4. y"), ["3. x", "4. y"]);
        assert_eq!(read_text("-"), ["-"]);
        assert_eq!(read_text("-1 is too small"), ["-1 is too small"]);
        assert_eq!(read_text("| one\n| two"), ["one", "two"]);
        assert_eq!(read_text("as in::\n\n    x **y**\n\nend"), ["as in:", "x **y**", "end"]);
        assert_eq!(read_text(".. note::\n\n   Mind *this*.\n\n.. a comment\n\nend"), ["Mind this.", "end"]);
        assert_eq!(read_text(".. code-block:: json\n\n   {\"a\": 1}"), ["{\"a\": 1}"]);
    }

    #[test]
    fn depth_is_bounded() {
        let text = "- ".repeat(100_000) + "x";
        assert!(read_text(&text).len() < 3);
    }
}
