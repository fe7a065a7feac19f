//! YAML files as JSON values, aliases resolved, and the settings in them.

use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::Value;

use crate::support::{Ended, Folder, errtally, finish, root};

/// The documents of a file.
pub fn load(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let documents = Yaml::load_from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    documents.iter().map(json).collect()
}

/// All YAML files below a folder of `deploy/`.
pub fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("deploy").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no YAML in deploy/{folder}");
    found.sort();
    found
}

/// Every mapping in a document, the document itself too.
pub fn mappings(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(pairs) => {
            let inner = pairs.values().flat_map(mappings);
            std::iter::once(value).chain(inner).collect()
        }
        Value::Array(items) => items.iter().flat_map(mappings).collect(),
        _ => Vec::new(),
    }
}

/// What `errtally config check` says of these variables, with an empty file as the configuration.
pub fn check_variables<'v>(variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Ended {
    let folder = Folder::new();
    let empty = folder.write("errtally.yaml", "{}\n");
    let variables: Vec<_> = variables.into_iter().filter(|(name, _)| *name != "ERRTALLY_CONFIG").collect();
    finish(errtally().args(["config", "check", "--config", &empty]).envs(variables))
}

/// A duration such as `20s`, in seconds.
pub fn seconds(text: &str) -> u64 {
    let number = text.strip_suffix('s').unwrap_or_else(|| panic!("`{text}` is not in seconds"));
    number.parse().unwrap_or_else(|_| panic!("`{text}` is not in seconds"))
}

/// The default of `shutdown_timeout`, in seconds.
pub fn shutdown_timeout() -> u64 {
    errtally::config::Settings::default().shutdown_timeout.as_secs()
}

fn json(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(b)) => Value::from(*b),
        Yaml::Value(Scalar::Integer(i)) => Value::from(*i),
        Yaml::Value(Scalar::FloatingPoint(x)) => Value::from(x.0),
        Yaml::Value(Scalar::String(s)) => Value::from(s.as_ref()),
        Yaml::Sequence(items) => items.iter().map(json).collect(),
        Yaml::Mapping(pairs) => pairs
            .iter()
            .map(|(key, value)| (key.as_str().expect("keys are words").to_owned(), json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => panic!("not plain YAML: {other:?}"),
    }
}
