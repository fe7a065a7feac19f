//! Turns the catalog's YAML into what is read fast, at build time: reading some thousand rows of YAML
//! at every start would take longer than everything else before the first record.
//!
//! For each file: its name, a line; what it says beside its rows, a line of JSON; a line for each
//! row, whose fields the byte 0x1f separates: code, status, category, flags (`r` retryable,
//! `d` default), message, action; an empty line. What the files mean is the loader's business,
//! which reads the files themselves, too: a test holds both to the same catalog.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

fn main() {
    println!("cargo::rerun-if-changed=../../catalog");
    let mut text = String::new();
    let mut paths: Vec<_> = fs::read_dir("../../catalog")
        .expect("the folder catalog")
        .map(|e| e.expect("an entry").path())
        .collect();
    paths.sort();
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "yaml")) {
        let yaml = fs::read_to_string(path).expect("a catalog file");
        let documents = Yaml::load_from_str(&yaml).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let Value::Object(mut file) = json(&documents[0]) else { panic!("{}: no map", path.display()) };
        let rows = file.insert("codes".to_owned(), Value::Array(Vec::new()));
        let name = path.file_name().expect("a name").display();
        let _ = write!(text, "catalog/{name}\n{}\n", Value::Object(file));
        for row in rows.as_ref().and_then(Value::as_array).into_iter().flatten() {
            line(row, path, &mut text);
        }
        text.push('\n');
    }
    let out = Path::new(&env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("catalog.txt");
    fs::write(out, text).expect("the folder for build output");
}

/// The keys that a line has room for. A key that is forgotten here must not get lost.
const KEYS: [&str; 7] = ["code", "http_status", "category", "retryable", "default", "message", "action"];

fn line(row: &Value, path: &Path, out: &mut String) {
    let row = row.as_object().unwrap_or_else(|| panic!("{}: a row that is no map", path.display()));
    if let Some(key) = row.keys().find(|key| !KEYS.contains(&key.as_str())) {
        panic!("{}: the build script does not know the key {key}", path.display());
    }
    let text = |key: &str| match row.get(key) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let flag = |key: &str, letter| if row.get(key) == Some(&Value::Bool(true)) { letter } else { "" };
    let flags = [flag("retryable", "r"), flag("default", "d")].concat();
    let fields =
        [text("code"), text("http_status"), text("category"), flags, text("message"), text("action")];
    for field in &fields {
        assert!(!field.contains(['\x1f', '\n']), "{}: a control byte in {field}", path.display());
    }
    let _ = writeln!(out, "{}", fields.join("\x1f"));
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
            .collect::<Map<_, _>>()
            .into(),
        other => panic!("the catalog needs no {other:?}"),
    }
}
