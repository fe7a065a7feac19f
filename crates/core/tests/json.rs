//! The quick reader of JSON against its definitions: its marks against the
//! scalar form, next to a guard page, and what it shows against simd-json.

mod guarded;
mod shown;

use std::cell::RefCell;

use errtally_core::parse::Parser;
use errtally_core::parse::marks::{Finder, Marks, Signs};
use guarded::{Guarded, cases};
use proptest::prelude::*;
use shown::{Notes, Shown, check};
use simd_json::StaticNode;

/// Bytes that marks are about, and others.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => prop::sample::select(b"\"\\ a{}:,n".to_vec()),
        1 => prop::sample::select(vec![0x00, 0x1f, 0x20, 0x7f, 0x80, 0xff]),
        1 => any::<u8>(),
    ]
}

#[test]
fn marks_are_those_of_the_definition_next_to_a_guard_page() {
    let guarded = RefCell::new(Guarded::new(1));
    let (finders, marks) = (Finder::all(), RefCell::new((Marks::default(), Marks::default())));
    let definition = *finders.last().expect("one at least");
    let plain = || prop_oneof![30 => Just(b'a'), 1 => byte()];
    let records = prop_oneof![
        prop::collection::vec(byte(), 0..400),
        prop::collection::vec(plain(), 0..400),
        // Runs of backslashes across the edges of steps.
        (50usize..70, 0usize..20, prop::collection::vec(byte(), 0..90))
            .prop_map(|(before, slashes, after)| [vec![b'a'; before], vec![b'\\'; slashes], after].concat()),
    ];
    let config = cases(4_000);
    proptest!(config, |(bytes in records, at_end in any::<bool>())| {
        let (guarded, marks) = (&mut *guarded.borrow_mut(), &mut *marks.borrow_mut());
        let record = guarded.put(&bytes, at_end);
        definition.run(record, &mut marks.1);
        for finder in &finders {
            finder.run(record, &mut marks.0);
            prop_assert_eq!(marks.0.quotes(), marks.1.quotes(), "{:?}", finder);
            prop_assert_eq!(&marks.0.escapes, &marks.1.escapes, "{:?}", finder);
            prop_assert_eq!((marks.0.control, marks.0.high), (marks.1.control, marks.1.high), "{:?}", finder);
        }
    });
}

#[test]
fn every_length_with_a_mark_at_every_place() {
    let mut guarded = Guarded::new(1);
    let (finders, mut found, mut defined) = (Finder::all(), Marks::default(), Marks::default());
    let definition = *finders.last().expect("one at least");
    for length in 0..200 {
        for at in 0..length {
            for byte in [b'"', b'\\', 0x1f, 0x80] {
                let mut bytes = vec![b'a'; length];
                bytes[at] = byte;
                let record = guarded.put(&bytes, true);
                definition.run(record, &mut defined);
                for finder in &finders {
                    finder.run(record, &mut found);
                    assert_eq!(found.quotes(), defined.quotes(), "{finder:?} {length} {at}");
                    assert_eq!(found.escapes, defined.escapes, "{finder:?} {length} {at}");
                    assert_eq!(
                        (found.control, found.high),
                        (defined.control, defined.high),
                        "{finder:?} {length} {at}"
                    );
                }
            }
        }
    }
}

#[test]
fn signs_are_those_of_the_definition_next_to_a_guard_page() {
    let guarded = RefCell::new(Guarded::new(1));
    let (finders, signs) = (Finder::all(), RefCell::new((Signs::default(), Signs::default())));
    let definition = *finders.last().expect("one at least");
    let byte = || prop_oneof![2 => prop::sample::select(b":=>\"\\{%&\0\x1b;<?".to_vec()), 1 => any::<u8>()];
    let texts = prop_oneof![
        prop::collection::vec(byte(), 0..400),
        prop::collection::vec(prop_oneof![30 => Just(b'a'), 1 => byte()], 0..400),
    ];
    let config = cases(4_000);
    proptest!(config, |(bytes in texts, at_end in any::<bool>())| {
        let (guarded, signs) = (&mut *guarded.borrow_mut(), &mut *signs.borrow_mut());
        let text = guarded.put(&bytes, at_end);
        definition.signs(text, &mut signs.1);
        let places = |signs: &Signs| signs.places().collect::<Vec<_>>();
        let there: Vec<usize> = (0..bytes.len()).filter(|&at| b":=>".contains(&bytes[at])).collect();
        prop_assert_eq!(places(&signs.1), there);
        let equals: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at] == b'=').collect();
        prop_assert_eq!(signs.1.equals().collect::<Vec<_>>(), equals.clone());
        for finder in &finders {
            finder.signs(text, &mut signs.0);
            prop_assert_eq!(places(&signs.0), places(&signs.1), "{:?}", finder);
            // One by one, and all in one.
            prop_assert_eq!(signs.0.equals().fold(Vec::new(), |all, at| [all, vec![at]].concat()), equals.clone());
            prop_assert_eq!(signs.0.kinds, signs.1.kinds, "{:?}", finder);
        }
    });
}

#[test]
fn every_byte_is_of_its_kind_at_every_place() {
    let mut guarded = Guarded::new(1);
    let (finders, mut found, mut defined) = (Finder::all(), Signs::default(), Signs::default());
    let definition = *finders.last().expect("one at least");
    for length in [1, 31, 32, 63, 64, 65, 127, 128, 130] {
        for at in 0..length {
            for byte in 0..=255 {
                let mut bytes = vec![b'a'; length];
                bytes[at] = byte;
                let text = guarded.put(&bytes, true);
                definition.signs(text, &mut defined);
                for finder in &finders {
                    finder.signs(text, &mut found);
                    assert!(found.places().eq(defined.places()), "{finder:?} {byte} {length} {at}");
                    assert!(found.equals().eq(defined.equals()), "{finder:?} {byte} {length} {at}");
                    assert_eq!(found.kinds, defined.kinds, "{finder:?} {byte} {length} {at}");
                }
            }
        }
    }
}

/// A JSON value as some writer writes it.
fn json() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        6 => "[a-z_.]{0,12}",
        2 => prop::sample::select(vec![
            r"\n", r#"\""#, r"\\", r"\/", r"\u00e9", r"\u0000", r"\ud83d\ude00", r"é😀", r"\\\\", r"a\tb\\",
            r#"{\"code\":\"Ecs.0001\"}"#, r"\ud7ff", r"\uE000", "0123456789012345678901234567890123456789\\r",
        ])
        .prop_map(str::to_owned),
        // Bad ones.
        1 => prop::sample::select(vec![r"\", r"\x", r"\u12", r"\ud800", r"\udc00", r"\ud800\u0041", "\t", "\u{1}"])
            .prop_map(str::to_owned),
    ]
    .prop_map(|inner| format!("\"{inner}\""));
    let number = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| format!("{n:e}")),
        (any::<i32>(), 0u32..1_000_000).prop_map(|(n, fraction)| format!("{n}.{fraction}")),
        "-?[0-9]{1,20}",
        "-?[0-9]{1,9}\\.[0-9]{1,9}",
        prop::sample::select(vec![
            "0", "-0", "-0.0", "00", "01", "-", "1.", ".5", "1e5", "1E+2", "1e", "+1", "1_0"
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        5 => text.clone(),
        3 => number,
        1 => prop::sample::select(vec!["true", "false", "null", "tru", "nul", "truex", "NaN"])
            .prop_map(str::to_owned),
    ];
    let blank = || prop_oneof![12 => Just(""), 3 => Just(" "), 1 => prop::sample::select(vec!["\t", "\n", "\r\n  ", "  "])];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let member = (blank(), text.clone(), blank(), blank(), inner.clone(), blank())
            .prop_map(|(a, key, b, c, value, d)| format!("{a}{key}{b}:{c}{value}{d}"));
        let element = (blank(), inner, blank()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
        prop_oneof![
            3 => prop::collection::vec(member, 0..5).prop_map(|m| format!("{{{}}}", m.join(","))),
            1 => prop::collection::vec(element, 0..5).prop_map(|e| format!("[{}]", e.join(","))),
        ]
    })
}

#[test]
fn shows_what_simd_json_reads() {
    let parser = RefCell::new(Parser::default());
    let config = cases(6_000);
    proptest!(config, |(record in json(), before in "[ ]{0,2}", after in "[ \t\r\n\u{c}x,]{0,2}")| {
        check(&mut parser.borrow_mut(), format!("{before}{record}{after}").as_bytes());
    });
}

#[test]
fn shows_what_simd_json_reads_of_damaged_records() {
    let parser = RefCell::new(Parser::default());
    let config = cases(6_000);
    let damage = prop::collection::vec((any::<prop::sample::Index>(), byte(), 0..4u8), 0..3);
    proptest!(config, |(record in json(), damage in damage)| {
        let mut bytes = record.into_bytes();
        for (at, byte, how) in damage {
            let at = at.index(bytes.len().max(1)).min(bytes.len());
            match how {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, byte),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                _ if at < bytes.len() => bytes[at] = byte,
                _ => {}
            }
        }
        check(&mut parser.borrow_mut(), &bytes);
    });
}

#[test]
fn shows_deep_nesting() {
    let mut parser = Parser::default();
    for depth in [1, 31, 32, 33, 34, 100, 1000] {
        for (open, middle, close) in [("[", "", "]"), ("{\"a\":", "1", "}"), ("[{\"a\":", "{}", "}]")] {
            let record = format!("{}{middle}{}", open.repeat(depth / open.matches(['[', '{']).count()), "x");
            let whole = record.replace('x', &close.repeat(depth / close.len()));
            check(&mut parser, whole.as_bytes());
        }
    }
    // Deeper than simd-json is asked to go.
    assert!(!parser.parses(format!("{}{}", "[".repeat(2_000), "]".repeat(2_000)).as_bytes()));
}

/// A float is the same one, to the last bit.
#[test]
fn reads_numbers_to_the_last_bit() {
    let parser = RefCell::new(Parser::default());
    proptest!(cases(20_000), |(number in "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,17})?")| {
        let mut notes = Notes::default();
        let record = format!("[{number}]");
        parser.borrow_mut().read(record.as_bytes(), &mut notes).expect("a number");
        let Shown::Scalar(value) = notes.0[1] else { panic!("a number") };
        match value {
            StaticNode::F64(float) => prop_assert_eq!(float.to_bits(), number.parse::<f64>().unwrap().to_bits()),
            StaticNode::I64(whole) => prop_assert_eq!(whole, number.parse::<i64>().unwrap()),
            StaticNode::U64(whole) => prop_assert_eq!(whole, number.parse::<u64>().unwrap()),
            other => prop_assert!(false, "{:?}", other),
        }
    });
}
