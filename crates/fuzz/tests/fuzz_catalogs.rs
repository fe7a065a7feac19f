//! A catalog file may hold anything: it is read, or what is wrong with it is told with its remedy.

use errtally_core::catalog::{Catalog, CatalogFile};

/// What bytes from 0x80 on stand for here: what catalog files are made of.
const FRAGMENTS: &[&str] = &[
    "service: ",
    "ECS",
    "\n",
    "full_name: Elastic\n",
    "source: none\n",
    "families:\n",
    "  - {prefix: ABC, grammar: NNNN}\n",
    "  - prefix: \"",
    "\"\n    grammar: ",
    "NN.NNN",
    "N",
    "L",
    "separator: none",
    "separator: \"-\"",
    "hosts: [a, b]\n",
    "codes:\n",
    "  - code: ABC.0001\n",
    "    http_status: 404\n",
    "    http_status: 99\n",
    "    message: \"%s not [%d]\"\n",
    "    category: not_found\n",
    "    category: quota\n",
    "    retryable: true\n",
    "    action: Wait.\n",
    "    default: true\n",
    "codes: []\n",
    "shared: [ECS]",
    "everyday: true",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    ": ",
    "- ",
    "&a ",
    "*a ",
    "!t ",
    "? ",
    "---\n",
    "...\n",
    "|\n  ",
    ">\n  ",
    "\t",
    "#",
    "<<: *a\n",
    "é",
    "0x1f",
    "1e3",
    "~",
    "null\n",
];

#[test]
fn catalogs() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let mut text = String::new();
        for &byte in bytes {
            match byte.checked_sub(0x80) {
                None => text.push(char::from(byte)),
                Some(number) => text.push_str(FRAGMENTS[number as usize % FRAGMENTS.len()]),
            }
        }
        let file = CatalogFile { path: "a.yaml".into(), argument: 0, text };
        match Catalog::load([Ok(file)], false) {
            Ok(catalog) => assert!(!catalog.services().is_empty() && !catalog.families().is_empty()),
            Err(problems) => {
                for line in problems.lines() {
                    assert!(line.starts_with("a.yaml") || line.starts_with("and "), "{line}");
                }
                assert!(!problems.is_empty());
            }
        }
    });
}
