//! A catalog file: read, and written so that people like to edit it.

use std::fmt::Write;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde::Serialize;

use crate::family::Family;

/// A catalog file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// The label value.
    pub service: String,
    /// Its name in words.
    pub full_name: String,
    /// Where the rows come from.
    pub source: String,
    /// First labels of its hosts.
    pub hosts: Vec<String>,
    /// Its families.
    pub families: Vec<Family>,
    /// Its rows.
    pub rows: Vec<Entry>,
}

/// A row of a catalog file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The code.
    pub code: String,
    /// Its status, where the file says it.
    pub http_status: Option<u16>,
    /// The API's message.
    pub message: String,
    /// Why the call failed.
    pub category: String,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// What to do; where it is left out, what the category's rows do.
    pub action: Option<String>,
    /// Meant where nothing decides.
    pub default: bool,
    /// Waits for a person.
    pub review: bool,
    /// Why it waits: a comment.
    #[serde(skip)]
    pub note: String,
    /// What the page says besides, for the person who judges: comments.
    #[serde(skip)]
    pub page: Vec<String>,
}

/// Characters of what a page says that stand beside a row.
const MAX_COMMENT_CHARS: usize = 300;

/// A file with the place of each row in its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// What it says.
    pub file: File,
    /// For each row, the line that it begins on, from 0.
    pub(crate) lines: Vec<usize>,
    /// Whether its rows are the last thing in it, an item a line or more.
    pub(crate) plain: bool,
}

/// Reads a catalog file that the loader has found right: keys that are not
/// known, and rows that lack what they must have, are passed over.
///
/// # Errors
/// When it is no YAML, or no mapping.
pub fn parse(text: &str) -> Result<Placed, String> {
    let documents = MarkedYaml::load_from_str(text).map_err(|e| e.to_string())?;
    let Some(YamlData::Mapping(top)) = documents.first().map(|d| &d.data) else {
        return Err("no catalog file: not a mapping".to_owned());
    };
    let mut placed = Placed { plain: true, ..Placed::default() };
    let mut rows_at = None;
    let mut last_key = 0;
    for (key, value) in top {
        let line = key.span.start.line();
        last_key = last_key.max(line);
        match scalar(key).as_deref() {
            Some("service") => placed.file.service = scalar(value).unwrap_or_default(),
            Some("full_name") => placed.file.full_name = scalar(value).unwrap_or_default(),
            Some("source") => placed.file.source = scalar(value).unwrap_or_default(),
            Some("hosts") => placed.file.hosts = items(value).iter().filter_map(scalar).collect(),
            Some("families") => placed.file.families = items(value).iter().map(family).collect(),
            Some("codes") => {
                rows_at = Some(line);
                for item in items(value) {
                    placed.file.rows.push(entry(item));
                    placed.lines.push(item.span.start.line().saturating_sub(1));
                }
            }
            _ => {}
        }
    }
    let apart = placed.lines.windows(2).all(|w| w[0] < w[1]);
    let below = placed.lines.first().is_some_and(|first| rows_at.is_some_and(|at| *first >= at));
    placed.plain = apart && below && rows_at == Some(last_key);
    Ok(placed)
}

fn items<'a, 'i>(node: &'a MarkedYaml<'i>) -> &'a [MarkedYaml<'i>] {
    match &node.data {
        YamlData::Sequence(items) => items,
        _ => &[],
    }
}

fn scalar(node: &MarkedYaml<'_>) -> Option<String> {
    match &node.data {
        YamlData::Value(Scalar::String(s)) => Some(s.to_string()),
        YamlData::Value(Scalar::Integer(i)) => Some(i.to_string()),
        YamlData::Value(Scalar::Boolean(b)) => Some(b.to_string()),
        YamlData::Value(Scalar::FloatingPoint(x)) => Some(x.to_string()),
        _ => None,
    }
}

fn field(node: &MarkedYaml<'_>, name: &str) -> Option<String> {
    let YamlData::Mapping(pairs) = &node.data else { return None };
    pairs.iter().find(|(key, _)| scalar(key).as_deref() == Some(name)).and_then(|(_, value)| scalar(value))
}

fn family(node: &MarkedYaml<'_>) -> Family {
    let separator = match field(node, "separator").as_deref() {
        Some("none") => String::new(),
        Some(other) => other.to_owned(),
        None => ".".to_owned(),
    };
    let prefix = field(node, "prefix").unwrap_or_default();
    let is = |name: &str| field(node, name).as_deref() == Some("true");
    Family {
        separator: if prefix.is_empty() { String::new() } else { separator },
        prefix,
        grammar: field(node, "grammar").unwrap_or_default(),
        everyday: is("everyday"),
        shared: is("shared"),
    }
}

fn entry(node: &MarkedYaml<'_>) -> Entry {
    let text = |name: &str| field(node, name).unwrap_or_default();
    let is = |name: &str| field(node, name).as_deref() == Some("true");
    Entry {
        code: text("code"),
        http_status: field(node, "http_status").and_then(|s| s.parse().ok()),
        message: text("message"),
        category: text("category"),
        retryable: is("retryable"),
        action: field(node, "action"),
        default: is("default"),
        review: is("review"),
        note: String::new(),
        page: Vec::new(),
    }
}

impl File {
    /// The file as YAML.
    pub fn to_yaml(&self) -> String {
        let mut out = self.head();
        if self.rows.is_empty() {
            out.push_str("codes: []\n");
            return out;
        }
        out.push_str("codes:\n");
        for row in &self.rows {
            out.push_str(&row.to_yaml());
        }
        out
    }

    /// All before the rows.
    pub(crate) fn head(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "service: {}", plain(&self.service));
        let _ = writeln!(out, "full_name: {}", plain(&self.full_name));
        let _ = writeln!(out, "source: {}", quoted(&self.source));
        if !self.hosts.is_empty() {
            let hosts: Vec<String> = self.hosts.iter().map(|h| plain(h)).collect();
            let _ = writeln!(out, "hosts: [{}]", hosts.join(", "));
        }
        out.push_str("families:\n");
        for family in &self.families {
            let _ = writeln!(out, "  - {}", family.to_yaml());
        }
        out
    }
}

impl Family {
    /// As one line of a catalog file.
    pub fn to_yaml(&self) -> String {
        let mut keys = Vec::new();
        if !self.prefix.is_empty() {
            keys.push(format!("prefix: {}", plain(&self.prefix)));
            match self.separator.as_str() {
                "." => {}
                "" => keys.push("separator: none".to_owned()),
                other => keys.push(format!("separator: \"{other}\"")),
            }
        }
        keys.push(format!("grammar: {}", plain(&self.grammar)));
        for (key, is) in [("everyday", self.everyday), ("shared", self.shared)] {
            if is {
                keys.push(format!("{key}: true"));
            }
        }
        format!("{{{}}}", keys.join(", "))
    }
}

impl Entry {
    /// As an item of the list of rows.
    pub fn to_yaml(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "  - code: {}", plain(&self.code));
        if let Some(status) = self.http_status {
            let _ = writeln!(out, "    http_status: {status}");
        }
        let _ = writeln!(out, "    message: {}", quoted(&self.message));
        let _ = writeln!(out, "    category: {}", self.category);
        let _ = writeln!(out, "    retryable: {}", self.retryable);
        if let Some(action) = &self.action {
            let _ = writeln!(out, "    action: {}", quoted(action));
        }
        if self.default {
            out.push_str("    default: true\n");
        }
        if self.review {
            out.push_str("    review: true");
            if !self.note.is_empty() {
                let _ = write!(out, "  # {}", self.note.replace(|c: char| c.is_control(), " "));
            }
            out.push('\n');
            for text in &self.page {
                let shown: String = text.chars().take(MAX_COMMENT_CHARS).collect();
                let more = if shown.len() < text.len() { "…" } else { "" };
                let _ =
                    writeln!(out, "    # the page: {}{more}", shown.replace(|c: char| c.is_control(), " "));
            }
        }
        out
    }
}

/// `text` without quotes where nobody can misread it.
fn plain(text: &str) -> String {
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan"];
    let safe = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b" ._-".contains(&b))
        && !words.contains(&text.to_ascii_lowercase().as_str());
    if safe { text.to_owned() } else { quoted(text) }
}

/// `text` in double quotes.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> File {
        let family = |prefix: &str, separator: &str, grammar: &str| Family {
            prefix: prefix.into(),
            separator: separator.into(),
            grammar: grammar.into(),
            everyday: false,
            shared: prefix == "ORA",
        };
        let entry = |code: &str, message: &str| Entry {
            code: code.into(),
            http_status: Some(404),
            message: message.into(),
            category: "not_found".into(),
            ..Entry::default()
        };
        let mut rows = vec![
            entry("No.001", "a \"quoted\" \\ # text: \u{7}\u{2028}"),
            entry("0101", "null"),
            entry("ORA-00942", "表不存在"),
        ];
        rows[1].action = Some("Do: it".into());
        (rows[1].default, rows[1].review, rows[2].http_status) = (true, true, None);
        File {
            service: "NO".into(),
            full_name: "Some: service".into(),
            source: "its page".into(),
            hosts: vec!["no".into()],
            families: vec![
                family("No", ".", "NNN"),
                family("", "", "NNNN"),
                family("ORA", "-", "NNNNN"),
                family("E", "", "'M'NNN"),
            ],
            rows,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let file = sample();
        let placed = parse(&file.to_yaml()).expect("YAML");
        assert_eq!(placed.file, file, "{}", file.to_yaml());
        assert!(placed.plain);
        let lines: Vec<String> = file.to_yaml().lines().map(str::to_owned).collect();
        assert!(placed.lines.iter().all(|&l| lines[l].contains("- code:")));
    }

    #[test]
    fn other_text_is_an_error_or_empty() {
        for text in ["", "[", "- a", "a: [\n", "\u{0}"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(!parse("codes: [{code: A.1}, {code: A.2}]\n").expect("YAML").plain);
        assert!(!parse("codes:\n  - code: A.1\nservice: A\n").expect("YAML").plain);
    }
}
