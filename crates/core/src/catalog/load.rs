//! Catalog files to a [`Catalog`], with every mistake reported in one run.

mod embedded;
mod family;

use std::collections::HashMap;
use std::path::PathBuf;

use self::family::{DraftFamily, host_labels};
use super::origins::Origins;
use super::{
    Catalog, Category, Code, CodeId, Family, FamilyId, MAX_ACTION_CHARS, Number, Place, Row, Service,
    ServiceId, Text,
};
use crate::problem::{Problem, Problems, Sink};
use crate::yaml::{self, Data, Map, Node, suggest};

/// A catalog in the making: later files are laid over earlier ones.
#[derive(Default)]
struct Draft {
    services: Vec<Service>,
    families: Vec<DraftFamily>,
    /// In the order in which they were first met.
    codes: Vec<DraftCode>,
    /// Family and number to a place in `codes`.
    places: HashMap<(usize, u64), usize, foldhash::fast::FixedState>,
    origins: Origins,
    /// The file that is read now, among `origins`; none while the built-in ones are.
    now: Option<u32>,
}

struct DraftCode {
    family: usize,
    number: u64,
    spelling: Text,
    rows: Vec<Row>,
}

/// A catalog file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogFile {
    /// Its path, for people.
    pub path: PathBuf,
    /// The place of the argument that named it, or its folder, among all.
    pub argument: usize,
    /// What it holds.
    pub text: String,
}

/// See [`Catalog::load`].
pub(super) fn load(
    files: impl IntoIterator<Item = Result<CatalogFile, Problem>>,
    with_embedded: bool,
) -> Result<Catalog, Problems> {
    let mut problems = Problems::default();
    let mut draft = Draft::default();
    if with_embedded {
        draft.embedded(&mut problems);
    }
    for file in files {
        match file {
            Ok(CatalogFile { path, argument, text }) => {
                draft.now = Some(draft.origins.begin(path.display().to_string(), argument));
                let mut sink = Sink::new(&path);
                if let Some(node) = yaml::parse(&text, &mut sink) {
                    draft.file(&node, &mut sink);
                }
                problems.append(sink.finish());
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(draft.build()) } else { Err(problems) }
}

impl Draft {
    /// Lays one file over what is there; gives its service.
    fn file(&mut self, node: &Node, sink: &mut Sink) -> Option<usize> {
        let mut map = Map::new(node, "", sink)?;
        let name = map.required("service", sink);
        let full_name = map.required("full_name", sink);
        let source = map.required("source", sink);
        let hosts = map.list("hosts", sink);
        let families = map.list("families", sink);
        let codes = map.list("codes", sink);
        map.finish(sink);
        let (name, _) = name?;
        if self.now.is_some() {
            self.origins.name(name);
        }
        let service = Service {
            name: name.to_owned(),
            full_name: full_name.map_or_else(String::new, |f| f.0.to_owned()),
            source: source.map_or_else(String::new, |s| s.0.to_owned()),
            hosts: host_labels(hosts, sink),
        };
        let service = match self.services.iter().position(|s| s.name == service.name) {
            Some(at) => {
                let hosts = std::mem::take(&mut self.services[at].hosts);
                self.services[at] = service;
                if self.services[at].hosts.is_empty() {
                    self.services[at].hosts = hosts;
                }
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
        if !self.families.iter().any(|f| f.is_of(service)) {
            sink.report(node.line, "families", "missing", "add `families: [{prefix: ABC, grammar: NNNN}]`");
            return None;
        }
        let rows: Vec<_> = codes
            .iter()
            .enumerate()
            .filter_map(|(i, n)| self.row(n, format!("codes[{i}]"), service, sink))
            .collect();
        self.lay_over(rows, sink);
        Some(service)
    }

    /// Reads one row; gives its family, number, spelling, line and content.
    fn row(&self, node: &Node, path: String, service: usize, sink: &mut Sink) -> Option<ReadRow> {
        // A code says more than a position.
        let path = code_of(node).map_or(path, str::to_owned);
        let mut map = Map::new(node, path.as_str(), sink)?;
        let code = map.required("code", sink);
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
        let has_action = map.has("action");
        let action = if has_action {
            map.required("action", sink)
        } else {
            // A key that may be left out is a known one all the same.
            map.take("action");
            None
        };
        let default = map.boolean("default", sink);
        let review = map.boolean("review", sink).unwrap_or(false);
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
        if !has_action && category.is_none_or(|c| c.usual_action().is_none()) {
            sink.report(node.line, format!("{path}.action"), "missing", "add `action: ...`");
        }
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
        let Some((family, number)) = self.family_of(spelling, service) else {
            let mine = self.families.iter().filter(|f| f.is_of(service));
            let families: Vec<_> = mine.map(DraftFamily::form).collect();
            sink.report(
                line,
                format!("{path}.code"),
                format!("`{spelling}` fits no family of this service"),
                format!("the families are {}; mind the case of the prefix", families.join(", ")),
            );
            return None;
        };
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
            spelling: spelling.to_owned().into(),
            line,
            default,
            row: Row {
                code: CodeId(0),
                service: ServiceId(service as u32),
                http_status,
                message: message?.0.to_owned().into(),
                category: category?,
                retryable: retryable?,
                action: match action {
                    Some((action, _)) if action.chars().count() > MAX_ACTION_CHARS => return None,
                    Some((action, _)) => action.to_owned().into(),
                    None if has_action => return None,
                    None => category?.usual_action()?.into(),
                },
                default: false,
                review,
                place: self.now.map(|file| Place { file, line: u32::try_from(line).unwrap_or(u32::MAX) }),
            },
        })
    }

    /// The family of a service that a code is of, and its number.
    fn family_of(&self, spelling: &str, service: usize) -> Option<(usize, Number)> {
        let mut mine = self.families_of(service);
        mine.find_map(|i| Some((i, self.families[i].fits(spelling)?)))
    }

    fn families_of(&self, service: usize) -> impl Iterator<Item = usize> {
        self.families.iter().enumerate().filter(move |(_, f)| f.is_of(service)).map(|(i, _)| i)
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
            let difference = (row.row.http_status, row.row.message.clone());
            if seen.contains(&difference) {
                sink.report(
                    row.line,
                    &*row.spelling,
                    "a second row with the same code, status and message",
                    "keep one; rows of one code differ in http_status or in message",
                );
                return;
            }
            seen.push(difference);
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
        // Other services' rows stay what they are.
        let service = first.row.service;
        let (old, others): (Vec<_>, Vec<_>) = code.rows.drain(..).partition(|r| r.service == service);
        code.rows = others;
        let new = first.row.place;
        let (rows, replaced) = over(old, group);
        code.rows.extend(rows);
        for row in replaced {
            if let (Some(old), Some(new)) = (row.place, new) {
                self.origins.replace(&spelling, old, new);
            }
        }
        let mine = || code.rows.iter().filter(|r| r.service == service);
        let (rows, defaults) = (mine().count(), mine().filter(|r| r.default).count());
        if rows > 1 && defaults != 1 {
            sink.report(
                line,
                spelling,
                format!("{rows} rows, {defaults} marked as the default"),
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
                stem: format!("{}{}", f.prefix, f.separator),
                prefix: f.prefix,
                separator: f.separator,
                grammar: f.grammar,
                service: ServiceId(f.service as u32),
                shared: f.shared.into_iter().map(|s| ServiceId(s as u32)).collect(),
                everyday: f.everyday,
                numbers: HashMap::default(),
            })
            .collect();
        let mut codes = Vec::with_capacity(self.codes.len());
        let mut rows = Vec::new();
        for draft in self.codes {
            let id = CodeId(codes.len() as u32);
            families[draft.family].numbers.insert(draft.number, id);
            let start = rows.len() as u32;
            // The owner's rows first: they are meant where the record does not say otherwise.
            let owner = families[draft.family].service;
            // A service's are neighbours, and in them those of a status, in whatever order files came.
            let mut of_code = draft.rows;
            of_code.sort_by_key(|r| (r.service != owner, r.service, r.http_status));
            rows.extend(of_code.into_iter().map(|r| Row { code: id, ..r }));
            codes.push(Code {
                spelling: draft.spelling,
                family: FamilyId(draft.family as u32),
                rows: start..rows.len() as u32,
            });
        }
        Catalog::of(self.services, families, codes, rows, self.origins)
    }
}

/// The rows of one code and service, `new` ones over `old`: those of a status replace the old ones of
/// that status; a single one replaces a single one whatever its status. Then those that were replaced.
fn over(old: Vec<Row>, new: Vec<ReadRow>) -> (Vec<Row>, Vec<Row>) {
    let only = old.len() == 1 && new.len() == 1;
    let marks = new.iter().any(|r| r.default == Some(true));
    let statuses: Vec<_> = new.iter().map(|r| r.row.http_status).collect();
    let mut new: Vec<Option<ReadRow>> = new.into_iter().map(Some).collect();
    let mut rows = Vec::new();
    let mut replaced = Vec::new();
    for row in old {
        let replaces = |r: &ReadRow| only || r.row.http_status == row.http_status;
        let mut default = row.default && !marks;
        let mut taken = false;
        for read in new.iter_mut().filter(|r| r.as_ref().is_some_and(replaces)).filter_map(Option::take) {
            taken = true;
            // What was the default stays it, in its new wording.
            rows.push(Row { default: read.default.unwrap_or(default), ..read.row });
            default = false;
        }
        if taken || statuses.contains(&row.http_status) {
            replaced.push(row);
        } else {
            rows.push(Row { default, ..row });
        }
    }
    rows.extend(new.into_iter().flatten().map(|r| Row { default: r.default.unwrap_or(false), ..r.row }));
    (rows, replaced)
}

/// The code of a row, where it can name the row in a message.
fn code_of(node: &Node) -> Option<&str> {
    let Data::Map(entries) = &node.data else { return None };
    let code = entries.iter().find(|(key, _, _)| key == "code")?.2.scalar()?;
    let names = |b: u8| b.is_ascii_graphic();
    ((1..=MAX_NAME_BYTES).contains(&code.len()) && code.bytes().all(names)).then_some(code)
}

/// The longest code that names a row in a message.
const MAX_NAME_BYTES: usize = 80;

/// A row as it stands in a file.
struct ReadRow {
    family: usize,
    number: u64,
    spelling: Text,
    line: usize,
    default: Option<bool>,
    row: Row,
}
