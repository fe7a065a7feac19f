//! The reader of JSON against simd-json: the same values of any bytes, and the same refusals.

#[path = "../../core/tests/shown/mod.rs"]
mod shown;

use std::cell::RefCell;

use errtally_core::parse::Parser;

thread_local! {
    static PARSER: RefCell<Parser> = RefCell::new(Parser::default());
}

/// What bytes from 0x80 on stand for here: what documents are made of.
const FRAGMENTS: &[&str] = &[
    "{\"a\":",
    "\"b\":[",
    "},{",
    "]}",
    "}",
    "]",
    ",",
    ":",
    "\"text\"",
    "\"\\n\\\"\"",
    "\"\\u00e9\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"é😀\"",
    "1",
    "-0",
    "1.5e300",
    "1e999",
    "18446744073709551616",
    "0.1",
    "01",
    "true",
    "false",
    "null",
    "tru",
    " ",
    "\t",
    "\r\n",
    "\"\"",
    "{}",
    "[]",
    "\\",
    "\"0123456789012345678901234567890123456789012345678901234567890123\"",
];

#[test]
fn json() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let mut record = Vec::new();
        for &byte in bytes {
            match byte.checked_sub(0x80) {
                None => record.push(byte),
                Some(number) => record.extend(FRAGMENTS[number as usize % FRAGMENTS.len()].bytes()),
            }
        }
        PARSER.with_borrow_mut(|parser| shown::check(parser, &record));
    });
}
