//! Exposition text as samples, read by its grammar and not by how it happens to look.

use std::collections::{BTreeMap, BTreeSet};

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// A whole scrape.
#[derive(Clone, Debug, Default)]
pub struct Scrape {
    pub samples: Vec<Sample>,
    /// What the TYPE comments say, by the name in them.
    pub types: BTreeMap<String, String>,
    /// What the HELP comments say, by the name in them.
    pub help: BTreeMap<String, String>,
}

impl Scrape {
    #[track_caller]
    pub fn parse(text: &str) -> Scrape {
        let mut scrape = Scrape::default();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a name and a kind");
                let twice = scrape.types.insert(name.to_owned(), kind.to_owned());
                assert!(twice.is_none(), "two TYPE lines for {name}");
            } else if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a name and a help text");
                scrape.help.insert(name.to_owned(), help.to_owned());
            } else if !line.starts_with('#') {
                scrape.samples.push(sample(line));
            }
        }
        let series: BTreeSet<_> = scrape.samples.iter().map(|s| (&s.name, &s.labels)).collect();
        assert_eq!(series.len(), scrape.samples.len(), "a series stands there twice");
        scrape
    }

    /// The samples of `name` that have all these labels.
    pub fn of<'s>(&'s self, name: &'s str, labels: &'s [(&str, &str)]) -> impl Iterator<Item = &'s Sample> {
        self.samples.iter().filter(move |s| {
            s.name == name && labels.iter().all(|(k, v)| s.labels.get(*k).is_some_and(|have| have == v))
        })
    }

    /// The value of the one sample with all these labels.
    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let found: Vec<_> = self.of(name, labels).collect();
        assert!(found.len() < 2, "several samples of {name} {labels:?}");
        found.first().map(|s| s.value)
    }

    /// The sum over the samples with all these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.of(name, labels).map(|s| s.value).sum()
    }

    /// All names of samples.
    pub fn names(&self) -> BTreeSet<&str> {
        self.samples.iter().map(|s| s.name.as_str()).collect()
    }
}

fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no sample: {line}"));
    let name = line[..end].to_owned();
    let mut labels = BTreeMap::new();
    let mut rest = &line[end..];
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
            let (value, after) = quoted(after);
            let twice = labels.insert(label.to_owned(), value);
            assert!(twice.is_none(), "label {label} twice: {line}");
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &rest[1..];
    }
    let value = rest.trim().parse().unwrap_or_else(|_| panic!("no value: {line}"));
    Sample { name, labels, value }
}

/// A label value up to its closing quote, and what follows that.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                other => panic!("an escape that does not exist: {other:?}"),
            },
            c => value.push(c),
        }
    }
    panic!("a label value without end: {text}")
}
