//! JSON records as loggers write them, and the ways in which they arrive damaged.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use super::{Fragment, code};
use crate::reference::Catalog;

const NAMES: &[&str] = &[
    "code",
    "error_code",
    "errorCode",
    "error",
    "log",
    "message",
    "http_status",
    "status",
    "details",
    "httpStatusCode",
    "a",
    "",
    "errors",
    "kubernetes",
    "ts",
];

/// One JSON document on one line. Strings may hold a whole document themselves, escaped.
pub fn document(catalog: &Arc<Catalog>) -> Fragment {
    let text = prop_oneof![
        5 => code(catalog).prop_map(|code| String::from_utf8_lossy(&code).into_owned()),
        1 => Just("got 404 instead".to_owned()),
        1 => Just("itemNotFound: x could not be found".to_owned()),
        1 => Just("a\tb\nc \u{1b}[31m <é> \u{2028} \"quoted\" \\".to_owned()),
        1 => any::<String>(),
    ];
    let leaf = prop_oneof![
        6 => text.prop_map(Value::from),
        2 => select(&[400u64, 404, 403, 500, 12, 18_446_744_073_709_551_615][..]).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
    ];
    let tree = leaf.prop_recursive(4, 24, 5, |inner| {
        let object = vec((select(NAMES), inner.clone()), 0..5);
        prop_oneof![
            4 => object.prop_map(|members| Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
            1 => vec(inner.clone(), 0..4).prop_map(Value::Array),
            1 => inner.prop_map(|value| Value::from(value.to_string())),
        ]
    });
    let root = vec((select(NAMES), tree), 1..4);
    root.prop_map(|members| {
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("{}:{value}", Value::from(*name))).collect();
        format!("{{{}}}", members.join(",")).into_bytes()
    })
    .boxed()
}

/// A document cut off, with bytes lost, changed, put in, or more text around it.
pub fn damaged(catalog: &Arc<Catalog>) -> Fragment {
    (document(catalog), any::<prop::sample::Index>(), 0usize..8, any::<u8>())
        .prop_map(|(mut json, place, damage, byte)| {
            let at = place.index(json.len());
            match damage {
                0 => json.truncate(at),
                1 => drop(json.remove(at)),
                2 => json[at] = byte,
                3 => json.insert(at, byte),
                4 => json.insert(json.len() - 1, b','),
                5 => json.splice(0..0, b" \t ".iter().copied()).for_each(drop),
                6 => json.extend(b"{} \r"),
                _ => json.splice(0..0, b"\xef\xbb\xbf".iter().copied()).for_each(drop),
            }
            json
        })
        .boxed()
}
