//! Turns the catalog's YAML into JSON at build time: reading YAML at every
//! start would take longer than everything else before the first record.
//! What the files mean, and whether they are right, is the loader's business.

use std::path::Path;
use std::{env, fs};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

fn main() {
    println!("cargo::rerun-if-changed=catalog");
    let mut files = Map::new();
    let mut paths: Vec<_> =
        fs::read_dir("catalog").expect("the folder catalog").map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "yaml")) {
        let text = fs::read_to_string(path).expect("a catalog file");
        let documents = Yaml::load_from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        files.insert(path.display().to_string(), json(&documents[0]));
    }
    let out = Path::new(&env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("catalog.json");
    fs::write(out, Value::Object(files).to_string()).expect("the folder for build output");
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
