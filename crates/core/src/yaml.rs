//! A YAML document as a tree whose every node knows its line.
//!
//! Deriving a deserializer would stop at the first mistake and lose the place
//! of the others; this tree is walked by hand, and each reader reports to a
//! [`Sink`] and goes on.

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use saphyr_parser::{Event, Parser};

use crate::problem::Sink;

/// A node with the 1-based line that it starts on.
#[derive(Clone, Debug)]
pub struct Node {
    /// 1-based line.
    pub line: usize,
    /// What stands there.
    pub data: Data,
}

/// The kinds of nodes that errtally's files use.
#[derive(Clone, Debug)]
pub enum Data {
    /// Nothing, `null` or `~`.
    Null,
    /// A number, a word or a quoted text, as text, and whether it was a
    /// string (numbers and booleans are not).
    Scalar(String, ScalarKind),
    /// A list.
    List(Vec<Node>),
    /// Keys with their lines, and values, in the order of the file.
    Map(Vec<(String, usize, Node)>),
    /// A value behind a tag.
    Other,
}

/// What YAML resolves a scalar to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarKind {
    /// `true`, `false`.
    Bool,
    /// `404`.
    Integer,
    /// `1.5`.
    Float,
    /// Everything else, and everything quoted.
    Text,
}

/// Parses `text`; a syntax error goes to `sink` and gives `None`, an empty
/// document gives a null node.
pub fn parse(text: &str, sink: &mut Sink) -> Option<Node> {
    if !is_plain(text, sink) {
        return None;
    }
    match MarkedYaml::load_from_parser(&mut Parser::new_from_str(text)) {
        Ok(documents) if documents.len() > 1 => {
            sink.report(documents[1].span.start.line(), "", "a second YAML document", "keep one per file");
            None
        }
        Ok(documents) => Some(documents.first().map_or(Node { line: 1, data: Data::Null }, convert)),
        Err(e) => {
            sink.report(
                e.marker().line(),
                "",
                format!("not valid YAML: {} (column {})", e.info(), e.marker().col() + 1),
                remedy(e.info(), text.lines().nth(e.marker().line().saturating_sub(1)).unwrap_or_default()),
            );
            None
        }
    }
}

/// What to do about what the parser says of `line`.
fn remedy(said: &str, line: &str) -> &'static str {
    let value = line.split_once(": ").map_or("", |(_, value)| value.trim());
    // Of these the parser knows a text only in quotes.
    let is_text = match value.chars().next() {
        None => false,
        Some('"' | '\'') => said.contains("trailing content"),
        Some('%' | '@' | '`' | '[' | '{' | '*') => true,
        Some(_) => value.contains(": ") || value.ends_with(':'),
    };
    match value.starts_with(['"', '\'']) {
        _ if !is_text => "mend the syntax here or just above",
        false => "put the text in quotes: `key: \"...\"`",
        true => "put all of the text in quotes, with \\\" for a quote inside",
    }
}

/// Most lists and mappings inside each other; our files have five.
const MAX_DEPTH: usize = 32;

/// Whether a document has what our files have: an alias can stand for any
/// amount of others, and depth costs the stack. Both are reported. What cannot
/// be parsed is told by whoever parses it.
fn is_plain(text: &str, sink: &mut Sink) -> bool {
    let mut depth = 0;
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { return true };
        match event {
            Event::Alias(_) => {
                sink.report(span.start.line(), "", "an alias (`*name`)", "write the value itself");
                return false;
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth -= 1,
            _ => {}
        }
        if depth > MAX_DEPTH {
            let what = format!("more than {MAX_DEPTH} lists and mappings inside each other");
            sink.report(span.start.line(), "", what, "write it flatter");
            return false;
        }
    }
    true
}

/// JSON as a node without lines: YAML that the build has read already. What is no JSON is null.
pub fn from_json(text: &str) -> Node {
    from_value(serde_json::from_str(text).unwrap_or_default())
}

fn from_value(value: serde_json::Value) -> Node {
    use serde_json::Value;
    let data = match value {
        Value::Null => Data::Null,
        Value::Bool(b) => Data::Scalar(b.to_string(), ScalarKind::Bool),
        Value::Number(n) if n.is_f64() => Data::Scalar(n.to_string(), ScalarKind::Float),
        Value::Number(n) => Data::Scalar(n.to_string(), ScalarKind::Integer),
        Value::String(s) => Data::Scalar(s, ScalarKind::Text),
        Value::Array(items) => Data::List(items.into_iter().map(from_value).collect()),
        Value::Object(members) => {
            Data::Map(members.into_iter().map(|(name, value)| (name, 0, from_value(value))).collect())
        }
    };
    Node { line: 0, data }
}

fn convert(node: &MarkedYaml<'_>) -> Node {
    let data = match &node.data {
        YamlData::Value(scalar) => match scalar {
            Scalar::Null => Data::Null,
            Scalar::Boolean(b) => Data::Scalar(b.to_string(), ScalarKind::Bool),
            Scalar::Integer(i) => Data::Scalar(i.to_string(), ScalarKind::Integer),
            Scalar::FloatingPoint(x) => Data::Scalar(x.to_string(), ScalarKind::Float),
            Scalar::String(s) => Data::Scalar(s.to_string(), ScalarKind::Text),
        },
        YamlData::Sequence(items) => Data::List(items.iter().map(convert).collect()),
        YamlData::Mapping(pairs) => Data::Map(
            pairs
                .iter()
                .map(|(key, value)| {
                    let name = match convert(key).data {
                        Data::Scalar(text, _) => text,
                        _ => "?".to_owned(),
                    };
                    (name, key.span.start.line(), convert(value))
                })
                .collect(),
        ),
        _ => Data::Other,
    };
    Node { line: node.span.start.line(), data }
}

impl Node {
    /// Its text, where it is a scalar.
    pub fn scalar(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// What it is, in words, for a message.
    pub fn kind(&self) -> &'static str {
        match &self.data {
            Data::Null => "nothing",
            Data::Scalar(_, ScalarKind::Bool) => "true or false",
            Data::Scalar(_, ScalarKind::Integer) => "a whole number",
            Data::Scalar(_, ScalarKind::Float) => "a number with a point",
            Data::Scalar(_, ScalarKind::Text) => "text",
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
            Data::Other => "a value behind a tag (`!name`)",
        }
    }
}

/// A mapping that is read key by key; [`Map::finish`] reports the keys that
/// nobody asked for.
#[derive(Debug)]
pub struct Map<'a> {
    entries: Vec<Option<&'a (String, usize, Node)>>,
    known: Vec<&'static str>,
    /// Line of the mapping.
    pub line: usize,
    path: String,
}

impl<'a> Map<'a> {
    /// `node` as a mapping under the key path `path` ("" at the top).
    pub fn new(node: &'a Node, path: impl Into<String>, sink: &mut Sink) -> Option<Map<'a>> {
        let path = path.into();
        match &node.data {
            Data::Map(entries) => Some(Map {
                entries: entries.iter().map(Some).collect(),
                known: Vec::new(),
                line: node.line,
                path,
            }),
            _ => {
                sink.report(
                    node.line,
                    path,
                    format!("expected a mapping, found {}", node.kind()),
                    "write `key: value` lines",
                );
                None
            }
        }
    }

    /// The full path of `key`.
    pub fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Takes the value of `key`; an explicit null counts as absent.
    pub fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        let slot = self.entries.iter_mut().find(|e| e.is_some_and(|(k, _, _)| k == key))?;
        let (_, _, node) = slot.take()?;
        (!matches!(node.data, Data::Null)).then_some(node)
    }

    /// Takes `key` as text; numbers are taken as they are written.
    pub fn text(&mut self, key: &'static str, sink: &mut Sink) -> Option<(&'a str, usize)> {
        let node = self.take(key)?;
        match &node.data {
            Data::Scalar(text, _) => Some((text, node.line)),
            _ => {
                let what = format!("expected text, found {}", node.kind());
                sink.report(node.line, self.path(key), what, format!("write `{key}: ...`"));
                None
            }
        }
    }

    /// Whether the key stands there and says something.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().flatten().any(|(k, _, n)| k == key && !matches!(n.data, Data::Null))
    }

    /// As [`Map::text`], and reports its absence or emptiness.
    pub fn required(&mut self, key: &'static str, sink: &mut Sink) -> Option<(&'a str, usize)> {
        if !self.has(key) {
            self.take(key);
            sink.report(self.line, self.path(key), "missing", format!("add `{key}: ...`"));
            return None;
        }
        let (text, line) = self.text(key, sink)?;
        if text.trim().is_empty() {
            sink.report(line, self.path(key), "empty", format!("write the {key}"));
            return None;
        }
        Some((text, line))
    }

    /// Takes `key` as `true` or `false`.
    pub fn boolean(&mut self, key: &'static str, sink: &mut Sink) -> Option<bool> {
        let node = self.take(key)?;
        match &node.data {
            Data::Scalar(text, ScalarKind::Bool) => Some(text == "true"),
            _ => {
                sink.report(
                    node.line,
                    self.path(key),
                    format!("expected true or false, found {}", node.kind()),
                    "write true or false, without quotes",
                );
                None
            }
        }
    }

    /// Takes `key` as a list; absent gives an empty one.
    pub fn list(&mut self, key: &'static str, sink: &mut Sink) -> &'a [Node] {
        let Some(node) = self.take(key) else {
            return &[];
        };
        match &node.data {
            Data::List(items) => items,
            _ => {
                sink.report(
                    node.line,
                    self.path(key),
                    format!("expected a list, found {}", node.kind()),
                    "write `- item` lines or [a, b]",
                );
                &[]
            }
        }
    }

    /// Reports every key that was not taken.
    pub fn finish(self, sink: &mut Sink) {
        for (key, line, _) in self.entries.iter().flatten() {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            sink.report(*line, path, "unknown key", suggest(key, &self.known));
        }
    }
}

/// The longest word that is compared with those that are known.
const MAX_COMPARED_BYTES: usize = 128;

/// A remedy for an unknown word: the nearest known one, or all of them.
pub fn suggest(word: &str, known: &[&str]) -> String {
    // What is longer than any of them is near to none, and would take long to compare.
    let near = known.iter().filter(|_| word.len() <= MAX_COMPARED_BYTES);
    let nearest = near.map(|k| (distance(word, k), *k)).min();
    match nearest {
        Some((d, k)) if d <= 2.max(word.len() / 3) => format!("did you mean `{k}`?"),
        _ => format!("one of: {}", known.join(", ")),
    }
}

/// Words that are suggested together.
const MOST_SUGGESTED: usize = 3;

/// As [`suggest`], of more words than anybody reads: near ones, also where `word` is what stands
/// behind the last dot, else `all`, which says where all of them are.
pub fn suggest_of_many(word: &str, known: &[&str], all: &str) -> String {
    if word.len() > MAX_COMPARED_BYTES {
        return all.to_owned();
    }
    let far = |known: &str| {
        let last = known.rsplit('.').next().unwrap_or(known);
        distance(word, known).min(distance(word, last))
    };
    let mut near: Vec<_> = known.iter().map(|known| (far(known), *known)).collect();
    near.sort_unstable();
    let nearest = near.first().map_or(usize::MAX, |(far, _)| *far);
    let may_differ = match word.len() {
        0..=1 => 0,
        2..=4 => 1,
        bytes => 2.max(bytes / 3),
    };
    if nearest > may_differ {
        return all.to_owned();
    }
    let near = near.iter().take_while(|(far, _)| *far == nearest).take(MOST_SUGGESTED);
    let near: Vec<_> = near.map(|(_, known)| format!("`{known}`")).collect();
    format!("did you mean {}?", near.join(" or "))
}

/// Levenshtein distance in bytes, letters in any case.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(!x.eq_ignore_ascii_case(&y));
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
