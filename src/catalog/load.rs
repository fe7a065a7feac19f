//! Catalog files to a [`Catalog`], with every mistake reported in one run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{
    Catalog, Category, Code, CodeId, EMBEDDED, Family, FamilyId, Grammar, MAX_ACTION_CHARS, Row, Service,
    ServiceId,
};
use crate::problem::{Problems, Sink, yaml_files};
use crate::yaml::{self, Data, Map, Node, suggest};

/// A catalog in the making: later files are laid over earlier ones.
#[derive(Default)]
struct Draft {
    services: Vec<Service>,
    families: Vec<DraftFamily>,
    /// In the order in which they were first met.
    codes: Vec<DraftCode>,
    /// Family and number to a place in `codes`.
    places: HashMap<(usize, u64), usize>,
}

struct DraftFamily {
    prefix: String,
    grammar: Grammar,
    service: usize,
}

struct DraftCode {
    family: usize,
    number: u64,
    spelling: String,
    rows: Vec<Row>,
}

/// See [`Catalog::load`].
pub(super) fn load(paths: &[PathBuf], with_embedded: bool) -> Result<Catalog, Problems> {
    let mut problems = Problems::default();
    let mut draft = Draft::default();
    if with_embedded {
        for (name, file) in yaml::from_json(EMBEDDED) {
            let mut sink = Sink::new(Path::new(&name));
            draft.file(&file, &mut sink);
            problems.append(sink.finish());
        }
    }
    for path in paths {
        match yaml_files(path) {
            Ok(files) => {
                for file in files {
                    let mut sink = Sink::new(&file);
                    if let Some(node) = yaml::parse_file(&file, &mut sink) {
                        draft.file(&node, &mut sink);
                    }
                    problems.append(sink.finish());
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(draft.build()) } else { Err(problems) }
}

impl Draft {
    /// Lays one file over what is there.
    fn file(&mut self, node: &Node, sink: &mut Sink) {
        let Some(mut map) = Map::new(node, "", sink) else {
            return;
        };
        let name = map.required("service", sink);
        let full_name = map.required("full_name", sink);
        let source = map.required("source", sink);
        let families = map.list("families", sink);
        let codes = map.list("codes", sink);
        map.finish(sink);
        let Some((name, _)) = name else { return };
        let service = Service {
            name: name.to_owned(),
            full_name: full_name.map_or_else(String::new, |f| f.0.to_owned()),
            source: source.map_or_else(String::new, |s| s.0.to_owned()),
        };
        let service = match self.services.iter().position(|s| s.name == service.name) {
            Some(at) => {
                self.services[at] = service;
                at
            }
            None => {
                self.services.push(service);
                self.services.len() - 1
            }
        };
        for (i, family) in families.iter().enumerate() {
            self.family(family, format!("families[{i}]"), service, sink);
        }
        if !self.families.iter().any(|f| f.service == service) {
            sink.report(node.line, "families", "missing", "add `families: [{prefix: ABC, grammar: NNNN}]`");
            return;
        }
        let rows: Vec<_> = codes
            .iter()
            .enumerate()
            .filter_map(|(i, n)| self.row(n, format!("codes[{i}]"), service, sink))
            .collect();
        self.lay_over(rows, sink);
    }

    fn family(&mut self, node: &Node, path: String, service: usize, sink: &mut Sink) {
        let Some(mut map) = Map::new(node, path.as_str(), sink) else {
            return;
        };
        let prefix = map.required("prefix", sink);
        let grammar = map.required("grammar", sink);
        map.finish(sink);
        let (Some((prefix, line)), Some((grammar, grammar_line))) = (prefix, grammar) else {
            return;
        };
        let key = format!("{path}.prefix");
        let shape = prefix.as_bytes()[0].is_ascii_alphabetic()
            && prefix.len() <= 64
            && !prefix.ends_with('.')
            && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        if !shape {
            sink.report(
                line,
                key,
                format!("`{prefix}` is no prefix"),
                "a letter, then letters, digits, `_`, `-` or inner dots, 64 bytes at most, without the dot before the digits",
            );
            return;
        }
        let grammar = match Grammar::parse(grammar) {
            Ok(grammar) => grammar,
            Err(why) => {
                sink.report(
                    grammar_line,
                    format!("{path}.grammar"),
                    why,
                    "write one letter a digit, such as NNNN, MMSSSNNN or MM.SSSNNN",
                );
                return;
            }
        };
        let same = self
            .families
            .iter()
            .find(|f| f.prefix.eq_ignore_ascii_case(prefix) && f.grammar.same_shape(&grammar));
        match same {
            Some(f) if f.service == service && f.prefix == prefix && f.grammar == grammar => {}
            Some(f) => {
                let owner = &self.services[f.service].name;
                sink.report(
                    line,
                    key,
                    format!(
                        "`{prefix}` with {grammar} is already the family `{}` with {} of {owner}",
                        f.prefix, f.grammar
                    ),
                    "every code must belong to one family",
                );
            }
            None => self.families.push(DraftFamily { prefix: prefix.to_owned(), grammar, service }),
        }
    }

    /// Reads one row; gives its family, number, spelling, line and content.
    fn row(&self, node: &Node, path: String, service: usize, sink: &mut Sink) -> Option<ReadRow> {
        let mut map = Map::new(node, path.as_str(), sink)?;
        let code = map.required("code", sink);
        // From here on a problem is reported under the code: it says more than a position.
        let path = code.map_or(path, |(c, _)| c.to_owned());
        let status = map.take("http_status");
        let message = map.required("message", sink);
        let category = map.required("category", sink);
        let retryable = match map.boolean("retryable", sink) {
            Some(value) => Some(value),
            None => {
                if !matches!(&node.data, Data::Map(entries) if entries.iter().any(|(k, _, _)| k == "retryable"))
                {
                    sink.report(
                        node.line,
                        format!("{path}.retryable"),
                        "missing",
                        "add `retryable: true` or `false`",
                    );
                }
                None
            }
        };
        let action = map.required("action", sink);
        let default = map.boolean("default", sink);
        map.finish(sink);

        let status = match status {
            None => Some(None),
            Some(node) => match &node.data {
                Data::Scalar(text, _)
                    if text.len() == 3 && text.parse::<u16>().is_ok_and(|s| (100..=599).contains(&s)) =>
                {
                    Some(text.parse::<u16>().ok())
                }
                _ => {
                    sink.report(
                        node.line,
                        format!("{path}.http_status"),
                        format!("expected a status, found {}", node.kind()),
                        "write a number 100-599, or leave the key out where none is documented",
                    );
                    None
                }
            },
        };
        let category = category.and_then(|(name, line)| {
            let found = Category::parse(name);
            if found.is_none() {
                let names = Category::CATALOG.map(Category::as_str);
                sink.report(
                    line,
                    format!("{path}.category"),
                    format!("`{name}` is no category"),
                    suggest(name, &names),
                );
            }
            found
        });
        if let Some((action, line)) = action {
            let chars = action.chars().count();
            if chars > MAX_ACTION_CHARS {
                sink.report(
                    line,
                    format!("{path}.action"),
                    format!("{chars} characters"),
                    format!("shorten it to {MAX_ACTION_CHARS}"),
                );
            }
        }
        let (spelling, line) = code?;
        let family = self.family_of(spelling, line, &path, service, sink)?;
        let (family, number) = family;
        let mut http_status = status?;
        let grammar = &self.families[family].grammar;
        if grammar.holds_status() {
            match (http_status, number.status) {
                (Some(written), inside) if inside != Some(written) => {
                    sink.report(
                        line,
                        format!("{path}.http_status"),
                        format!(
                            "{written}, but the code holds {}",
                            inside.map_or("none".to_owned(), |s| s.to_string())
                        ),
                        "leave the key out: the grammar reads it from the code",
                    );
                    return None;
                }
                (_, inside) => http_status = inside,
            }
        }
        Some(ReadRow {
            family,
            number: number.value,
            spelling: spelling.to_owned(),
            line,
            default,
            row: Row {
                code: CodeId(0),
                http_status,
                message: message?.0.to_owned(),
                category: category?,
                retryable: retryable?,
                action: action.filter(|a| a.0.chars().count() <= MAX_ACTION_CHARS)?.0.to_owned(),
                default: false,
            },
        })
    }

    fn family_of(
        &self,
        spelling: &str,
        line: usize,
        path: &str,
        service: usize,
        sink: &mut Sink,
    ) -> Option<(usize, super::Number)> {
        let fits = |f: &DraftFamily| {
            let digits = spelling.strip_prefix(f.prefix.as_str())?.strip_prefix('.')?;
            f.grammar.read(digits.as_bytes()).filter(|n| n.len == digits.len())
        };
        let mine = self.families.iter().enumerate().filter(|(_, f)| f.service == service);
        let found = mine.clone().find_map(|(i, f)| Some((i, fits(f)?)));
        if found.is_none() {
            let families: Vec<_> = mine.map(|(_, f)| format!("{}.{}", f.prefix, f.grammar)).collect();
            sink.report(
                line,
                format!("{path}.code"),
                format!("`{spelling}` fits no family of this service"),
                format!("the families are {}; mind the case of the prefix", families.join(", ")),
            );
        }
        found
    }

    /// Puts the rows of one file over those of earlier files: a row replaces
    /// the one with the same code and status, or the only one of its code.
    fn lay_over(&mut self, rows: Vec<ReadRow>, sink: &mut Sink) {
        let mut groups: Vec<Vec<ReadRow>> = Vec::new();
        let mut place = HashMap::new();
        for row in rows {
            let at = *place.entry((row.family, row.number)).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[at].push(row);
        }
        for group in groups {
            self.lay_over_code(group, sink);
        }
    }

    fn lay_over_code(&mut self, group: Vec<ReadRow>, sink: &mut Sink) {
        let mut seen = Vec::new();
        for row in &group {
            if seen.contains(&row.row.http_status) {
                sink.report(
                    row.line,
                    row.spelling.as_str(),
                    "a second row with the same code and status",
                    "keep one; rows of one code differ in http_status",
                );
                return;
            }
            seen.push(row.row.http_status);
        }
        let first = &group[0];
        let (line, spelling) = (first.line, first.spelling.clone());
        let at = *self.places.entry((first.family, first.number)).or_insert_with(|| {
            self.codes.push(DraftCode {
                family: first.family,
                number: first.number,
                spelling: first.spelling.clone(),
                rows: Vec::new(),
            });
            self.codes.len() - 1
        });
        let code = &mut self.codes[at];
        let only = code.rows.len() == 1 && group.len() == 1;
        if group.iter().any(|r| r.default == Some(true)) {
            code.rows.iter_mut().for_each(|r| r.default = false);
        }
        for read in group {
            let old = code.rows.iter_mut().find(|r| only || r.http_status == read.row.http_status);
            let inherited = old.as_ref().is_some_and(|r| r.default);
            let row = Row { default: read.default.unwrap_or(inherited), ..read.row };
            match old {
                Some(old) => *old = row,
                None => code.rows.push(row),
            }
        }
        let defaults = code.rows.iter().filter(|r| r.default).count();
        if code.rows.len() > 1 && defaults != 1 {
            sink.report(
                line,
                spelling,
                format!("{} rows, {defaults} marked as the default", code.rows.len()),
                "mark exactly one with `default: true`",
            );
        }
    }

    /// Numbers everything; only called when nothing is wrong.
    fn build(mut self) -> Catalog {
        // A stable order, whatever order the files came in: by service, family, number.
        self.codes.sort_by_key(|c| (self.families[c.family].service, c.family, c.number));
        let mut families: Vec<Family> = self
            .families
            .into_iter()
            .map(|f| Family {
                prefix: f.prefix,
                grammar: f.grammar,
                service: ServiceId(f.service as u32),
                numbers: HashMap::default(),
            })
            .collect();
        let mut codes = Vec::with_capacity(self.codes.len());
        let mut rows = Vec::new();
        for draft in self.codes {
            let id = CodeId(codes.len() as u32);
            families[draft.family].numbers.insert(draft.number, id);
            let start = rows.len() as u32;
            rows.extend(draft.rows.into_iter().map(|r| Row { code: id, ..r }));
            codes.push(Code {
                spelling: draft.spelling,
                family: FamilyId(draft.family as u32),
                rows: start..rows.len() as u32,
            });
        }
        Catalog::of(self.services, families, codes, rows)
    }
}

/// A row as it stands in a file.
struct ReadRow {
    family: usize,
    number: u64,
    spelling: String,
    line: usize,
    default: Option<bool>,
    row: Row,
}
