//! Generated input: records put together from the fragments that the rules speak of, so that rules
//! meet each other in every order, and JSON as loggers write it, whole and damaged.

mod json;
pub mod odd;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::reference::Catalog;

pub use json::{damaged, document};
use odd::{MARKS, NOISE};
use words::{BEFORE_KEYS, BEHIND_KEYS, KEYS, STATUSES, TEXTS};

/// Bytes that may stand at the edge of a code: word bytes, boundaries, and what is neither.
const EDGES: &[&[u8]] = &[
    b" ",
    b".",
    b"..",
    b"-",
    b"_",
    b"a",
    b"Z",
    b"7",
    b"/",
    b"(",
    b")",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"'",
    b":",
    b"=",
    b",",
    b";",
    b"<",
    b"|",
    b"\\",
    b"%",
    b"\t",
    b"\r",
    b"\0",
    b"\x1b",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xc3\xa9",
    b"\xef\xbc\x9a",
    b"-.",
    b"x.",
    b").",
];

/// Escapes, real ones and near misses; what follows them may be a code.
const ESCAPES: &[&[u8]] = &[
    b"\\n",
    b"\\\\t",
    b"\\r",
    b"\\b",
    b"\\\\\\f",
    b"\\a",
    b"\\\\",
    b"n",
    b"\\u003c",
    b"\\u00E9",
    b"\\\\u003C",
    b"\\u03c",
    b"\\u00g0",
    b"u003c",
    b"%3D",
    b"%22",
    b"%2c",
    b"%2C",
    b"%3",
    b"%GG",
    b"%",
    b"\x1b[31m",
    b"\x1b[m",
    b"\x1b[1;38;5;200m",
    b"\\u001b[0m",
    b"\\u001B[1m",
    b"\\x1b[31m",
    b"\\x1B[m",
    b"\\033[0;1m",
    b"\\e[4m",
    b"\\\\e[4m",
    b"[31m",
    b"\x1b[2K",
    b"\x1b[38;2;255;128;1;1m",
    b"\x1b[01;31m\x1b[K",
    b"\x1b(B\x1b[m",
    b"\x1b]8;;u\x07",
    b"#033[0m",
    b"^[[0m",
    b"\\u{1b}[1m",
    b"%1B[0m",
    b"\\_",
    b"\\-",
    b"\\x0a",
    b"%253D",
    b"%2522",
    b"&quot;",
    b"&amp;quot;",
    b"\x1b[111111111111111111111111111111111111111111111111m",
    b"\x1b[1111111111111111111111111111111111111111111111111m",
    b"\x1b[38;2;255;128;10;1m",
    b"\\u001c[1m",
];

const FILLERS: &[&str] = &[
    " instead",
    " failed ",
    " error: ",
    "HttpError",
    "terror",
    "https://rds.region.example.com/v3/",
    "https://vpn.region.example.com ",
    "/var/log/",
    " ./a/",
    "a/",
    "<Code>",
    "</Code>",
    "&lt;errorCode&gt;",
    "E0401 ",
    "<12>",
    ":9200",
    ": ",
    "@",
    " Instead ",
    ", ",
    " and then some more text ",
    "\n",
    "\r\n",
    "\n\n",
    "{",
    "}",
    "}}",
    "{\"a\":{",
    "\"},\"b\":{\"",
    "[",
    "]",
    "--------------------------------------------------------------------------------",
    "................",
    "0123456789012345678901234567890123456789012345678901234567890123456789",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\",
    "                ",
    "2024-05-01T10:00:00.123456789Z stderr F ",
    "itemNotFound: ",
    "could not be found",
    "Failed to call the Nova API because ",
    "MSG.",
    "\\\"",
    "\":\"",
    "\",\"",
    "%22%3A%22",
];

/// A fragment is drawn with the catalog at hand: its codes, prefixes and messages.
pub type Fragment = BoxedStrategy<Vec<u8>>;

fn bytes_of(choices: &'static [&'static [u8]]) -> Fragment {
    select(choices).prop_map(<[u8]>::to_vec).boxed()
}

fn text_of(choices: &'static [&'static str]) -> Fragment {
    select(choices).prop_map(|text| text.as_bytes().to_vec()).boxed()
}

/// The text with the case of its letters flipped where the mask has a bit.
fn recase(text: &str, mask: u32) -> Vec<u8> {
    let flip = |(i, byte): (usize, u8)| {
        if mask >> (i % 32) & 1 == 0 || !byte.is_ascii_alphabetic() { byte } else { byte ^ 0x20 }
    };
    text.bytes().enumerate().map(flip).collect()
}

/// Mostly the spelling of the catalog, else any.
fn case_mask() -> impl Strategy<Value = u32> {
    prop_oneof![2 => Just(0u32), 1 => any::<u32>()]
}

/// A code of the catalog, or one that fits a family, or one that just fails to.
pub fn code(catalog: &Arc<Catalog>) -> Fragment {
    let families = catalog.clone();
    let fitting = (
        any::<prop::sample::Index>(),
        case_mask(),
        prop_oneof![4 => vec(b'0'..=b'9', 9..=9), 1 => Just(vec![b'0'; 9])],
        0usize..8,
        b' '..=b'~',
    )
        .prop_map(move |(which, mask, digits, damage, byte)| {
            let family = which.get(&families.families);
            let mut code = recase(&family.prefix, mask);
            code.extend(family.separator.bytes());
            let mut digits = digits.into_iter().cycle();
            let mut quoted = false;
            for rule in family.grammar.bytes() {
                match rule {
                    b'\'' => quoted = !quoted,
                    _ if quoted || rule == b'.' => code.push(rule),
                    _ => code.push(digits.next().expect("endless")),
                }
            }
            let last = code.len() - 1;
            match damage {
                0 => code.push(digits.next().expect("endless")),
                1 => code.truncate(last),
                2 => code[last] = byte,
                3 => code.insert(last, byte),
                _ => {}
            }
            code
        });
    let prefixes = catalog.clone();
    let loose = (any::<prop::sample::Index>(), case_mask(), vec(b'0'..=b'9', 1..=9)).prop_map(
        move |(which, mask, digits)| {
            let family = which.get(&prefixes.families);
            [&recase(&family.prefix, mask)[..], family.separator.as_bytes(), &digits].concat()
        },
    );
    let rows = catalog.clone();
    let known = (any::<prop::sample::Index>(), case_mask())
        .prop_map(move |(which, mask)| recase(&which.get(&rows.rows).code, mask));
    // The codes with several rows are few, and they are what status evidence is for.
    let repeated: Vec<String> =
        catalog.rows.iter().filter(|row| row.is_default).map(|row| row.code.clone()).collect();
    let repeated = if repeated.is_empty() { vec!["Ecs.1000".to_owned()] } else { repeated };
    let several = (select(repeated), case_mask()).prop_map(|(code, mask)| recase(&code, mask));
    prop_oneof![3 => fitting, 1 => loose, 4 => known, 4 => several].boxed()
}

/// Up to so many backslashes that the rule's limit of 16 is crossed, and a quote or none.
fn quote() -> impl Strategy<Value = Vec<u8>> + Clone {
    let depth = prop_oneof![6 => Just(0usize), 2 => Just(1usize), 1 => Just(3usize), 1 => 14usize..19];
    let mark = prop_oneof![
        5 => Just(&b"\""[..]),
        2 => Just(&b"'"[..]),
        3 => Just(&b""[..]),
        2 => select(MARKS),
    ];
    (depth, mark).prop_map(|(depth, mark)| {
        if mark.is_empty() { Vec::new() } else { [&b"\\".repeat(depth)[..], mark].concat() }
    })
}

fn blanks() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => Just(Vec::new()),
        3 => Just(b" ".to_vec()),
        1 => Just(b"\t ".to_vec()),
        1 => (14usize..19).prop_map(|n| b" ".repeat(n)),
        1 => (61usize..67).prop_map(|n| b" ".repeat(n)),
        2 => bytes_of(NOISE),
    ]
}

/// Key, quotes, separator, value, in every form that discovery and status fields know.
fn field(catalog: &Arc<Catalog>) -> Fragment {
    let separator =
        select(&["=", ":", ":", ":", "=>", "=", "==", "->", ",", " ", "%3A", "%253D", ">", "&gt;"][..]);
    let shape = select(
        &[
            "Dli.0003",
            "DLI.0003",
            "x-CSS.0015",
            "MSG.COMMON.0011",
            "Ecs.10001",
            "a.b.c_d-e.777",
            "Dli.03",
            "1a.000",
            "Dli0003",
            "Dli.0003.",
            "Dli.0003--",
            "A.001_",
            "null",
            "404",
            "400",
            "",
            "-.a.000",
            "v1.2.003",
            "v12.003",
            "foo.0000",
            "err.20261125.083412.123456",
            "main.py.003",
            "E.CFE.4000201",
            "120001",
            "12000027",
            "1234567",
            "DRS.M001",
        ][..],
    );
    let value = prop_oneof![
        3 => shape.prop_map(|text: &str| text.as_bytes().to_vec()),
        2 => text_of(STATUSES),
        3 => code(catalog),
        1 => (120usize..135).prop_map(|n| [&b"Q."[..], &b"5".repeat(n)].concat()),
    ];
    // Mostly one kind of quote around both, so that most fields are well formed.
    (select(KEYS), quote(), quote(), any::<u8>(), blanks(), separator, blanks(), value)
        .prop_map(|(key, first, second, alike, before, separator, after, value)| {
            let pick = |bit: u8| {
                if alike >> bit & 3 == 0 { second.clone() } else { first.clone() }
            };
            let (a, b, c, d) = (pick(0), pick(2), pick(4), pick(6));
            [&a[..], key.as_bytes(), &b, &before, separator.as_bytes(), &after, &c, &value, &d].concat()
        })
        .boxed()
}

/// A catalog's message with its placeholders filled in.
fn message(catalog: &Arc<Catalog>) -> Fragment {
    let catalog = catalog.clone();
    let mut rows_of: HashMap<&str, usize> = HashMap::new();
    catalog.rows.iter().for_each(|row| *rows_of.entry(&row.code).or_default() += 1);
    let several: Vec<String> =
        catalog.rows.iter().filter(|row| rows_of[&*row.code] > 1).map(|row| row.message.clone()).collect();
    let several = if several.is_empty() {
        catalog.rows.iter().map(|row| row.message.clone()).collect()
    } else {
        several
    };
    (select(several), select(&["", "x", "server 7", "{0}", "\\\"a\\\"", "404"][..]))
        .prop_map(|(mut message, filling)| {
            for placeholder in ["[%s]", "%s", "%d", "{0}", "{name}", "xxx", " xx ", "%(name)s"] {
                message = message.replace(placeholder, filling);
            }
            message.into_bytes()
        })
        .boxed()
}

fn fragment(catalog: &Arc<Catalog>) -> Fragment {
    prop_oneof![
        8 => code(catalog),
        4 => bytes_of(EDGES),
        3 => bytes_of(ESCAPES),
        5 => field(catalog),
        3 => (text_of(TEXTS), text_of(STATUSES)).prop_map(|(lead, status)| [lead, status].concat()),
        1 => message(catalog),
        3 => text_of(FILLERS),
        2 => (text_of(BEFORE_KEYS), code(catalog), text_of(BEHIND_KEYS))
            .prop_map(|(before, code, behind)| [before, code, behind].concat()),
        1 => Just(b" ".to_vec()),
        1 => vec(any::<u8>(), 1..4),
    ]
    .boxed()
}

/// Fragments in any order: some records, since newlines are among the fragments.
pub fn soup(catalog: &Arc<Catalog>, fragments: usize) -> Fragment {
    vec(fragment(catalog), 0..fragments).prop_map(|fragments| fragments.concat()).boxed()
}

/// The same in one record that states statuses inside and outside of objects around a code.
pub fn evidence(catalog: &Arc<Catalog>) -> Fragment {
    let status = prop_oneof![
        (select(&KEYS[6..11]), select(&STATUSES[..10]))
            .prop_map(|(key, status)| format!("\"{key}\":{status}").into_bytes()),
        (text_of(TEXTS), text_of(&STATUSES[..6])).prop_map(|(lead, status)| [lead, status].concat()),
        text_of(&STATUSES[..6]).prop_map(|status| [&b"got "[..], &status, b" instead"].concat()),
    ];
    let brace = text_of(&["{", "}", "{\"a\":{", "}}", " ", ",", "long text between "]);
    let part =
        prop_oneof![3 => status, 4 => brace, 3 => code(catalog), 1 => message(catalog), 1 => bytes_of(EDGES)];
    vec(part, 2..16).prop_map(|parts| parts.join(&b' ')).boxed()
}
