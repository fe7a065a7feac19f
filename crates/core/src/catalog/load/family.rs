//! Families in catalog files: their form, and whose they are.

use super::Draft;
use crate::catalog::{Grammar, Number};
use crate::problem::Sink;
use crate::yaml::{Data, Map, Node};

pub(super) struct DraftFamily {
    pub(super) prefix: String,
    pub(super) separator: &'static str,
    pub(super) grammar: Grammar,
    pub(super) everyday: bool,
    /// Its owner; while only sharers have been met, the first of them.
    pub(super) service: usize,
    pub(super) owned: bool,
    pub(super) shared: Vec<usize>,
}

impl DraftFamily {
    pub(super) fn is_of(&self, service: usize) -> bool {
        self.service == service || self.shared.contains(&service)
    }

    /// The number of `spelling`, where all of it is a code of this family as services spell it.
    pub(super) fn fits(&self, spelling: &str) -> Option<Number> {
        let digits = spelling.strip_prefix(self.prefix.as_str())?.strip_prefix(self.separator)?;
        self.grammar.read(digits.as_bytes()).filter(|n| n.len == digits.len())
    }

    pub(super) fn form(&self) -> String {
        format!("{}{}{}", self.prefix, self.separator, self.grammar)
    }
}

/// Least digits of a code that is a number alone: shorter ones are statuses.
const LEAST_DIGITS: usize = 4;

impl Draft {
    pub(super) fn family(&mut self, node: &Node, path: String, service: usize, sink: &mut Sink) {
        let Some(mut map) = Map::new(node, path.as_str(), sink) else {
            return;
        };
        let prefix = map.text("prefix", sink);
        let separator = map.text("separator", sink);
        let grammar = map.required("grammar", sink);
        let everyday = map.boolean("everyday", sink).unwrap_or(false);
        let shared = map.boolean("shared", sink).unwrap_or(false);
        map.finish(sink);
        let Some((grammar, grammar_line)) = grammar else { return };
        let (prefix, line) = prefix.map_or(("", grammar_line), |(prefix, line)| (prefix, line));
        if !prefix.is_empty() && !is_prefix(prefix) {
            sink.report(
                line,
                format!("{path}.prefix"),
                format!("`{prefix}` is no prefix"),
                "a letter, then letters, digits, `_`, `-` or inner dots, 64 bytes at most, without the separator before the digits",
            );
            return;
        }
        let separator = match separator {
            _ if prefix.is_empty() => "",
            None => ".",
            Some((".", _)) => ".",
            Some(("_", _)) => "_",
            Some(("-", _)) => "-",
            Some(("none", _)) => "",
            Some((other, line)) => {
                sink.report(
                    line,
                    format!("{path}.separator"),
                    format!("`{other}` is no separator"),
                    "write \".\", \"_\", \"-\" or none",
                );
                return;
            }
        };
        let grammar = match Grammar::parse(grammar) {
            Ok(grammar) => grammar,
            Err(why) => {
                sink.report(
                    grammar_line,
                    format!("{path}.grammar"),
                    why,
                    "write one letter a digit, such as NNNN, MMSSSNNN, MM.SSSNNN or \"'M'NNNNN\"",
                );
                return;
            }
        };
        if prefix.is_empty() && grammar.digits() < LEAST_DIGITS {
            sink.report(
                line,
                format!("{path}.grammar"),
                format!("{grammar} without a prefix"),
                format!("{LEAST_DIGITS} digits or more: shorter numbers are statuses"),
            );
            return;
        }
        if separator.is_empty() && grammar.second_bytes().is_empty() {
            sink.report(
                grammar_line,
                format!("{path}.grammar"),
                format!("{grammar} without a separator"),
                "two digits or more: a letter and a digit stand everywhere",
            );
            return;
        }
        let family = DraftFamily {
            prefix: prefix.to_owned(),
            separator,
            grammar,
            everyday,
            service,
            owned: !shared,
            shared: Vec::new(),
        };
        self.add_family(family, line, path, sink);
    }

    /// Joins a family to those that are there. A service may have what is
    /// another's if it says `shared`, whichever file comes first.
    fn add_family(&mut self, new: DraftFamily, line: usize, path: String, sink: &mut Sink) {
        let stem = |f: &DraftFamily| format!("{}{}", f.prefix, f.separator);
        let same = self
            .families
            .iter_mut()
            .find(|f| stem(f).eq_ignore_ascii_case(&stem(&new)) && f.grammar.same_shape(&new.grammar));
        let Some(present) = same else {
            self.families.push(new);
            return;
        };
        if present.service == new.service && present.owned == new.owned {
            if present.form() == new.form() {
                present.everyday |= new.everyday;
                return;
            }
        } else if !new.owned {
            if !present.is_of(new.service) {
                present.shared.push(new.service);
            }
            return;
        } else if !present.owned {
            // The owner comes last.
            let first = std::mem::replace(&mut present.service, new.service);
            present.shared.retain(|&s| s != new.service);
            if first != new.service {
                present.shared.insert(0, first);
            }
            (present.prefix, present.grammar) = (new.prefix, new.grammar);
            (present.owned, present.everyday) = (true, present.everyday || new.everyday);
            return;
        }
        let owner = &self.services[present.service].name;
        sink.report(
            line,
            format!("{path}.prefix"),
            format!("`{}` is already the family `{}` of {owner}", new.form(), present.form()),
            "every code must belong to one family; where two services have it, one of them says `shared: true`",
        );
    }
}

fn is_prefix(text: &str) -> bool {
    text.as_bytes()[0].is_ascii_alphabetic()
        && text.len() <= 64
        && !text.ends_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// The first labels of host names.
pub(super) fn host_labels(nodes: &[Node], sink: &mut Sink) -> Vec<String> {
    let mut labels = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        let is_label = |text: &str| {
            (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        match &node.data {
            Data::Scalar(text, _) if is_label(text) => labels.push(text.to_ascii_lowercase()),
            _ => sink.report(
                node.line,
                format!("hosts[{i}]"),
                "no first label of a host name",
                "write what stands before the first dot: rds for rds.region.example.com",
            ),
        }
    }
    labels
}
