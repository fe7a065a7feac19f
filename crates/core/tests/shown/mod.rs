//! What the reader of JSON shows, against what simd-json has to say.

use errtally_core::parse::{Parser, Scalar, Text, Visit};
use simd_json::Node;

/// What was shown, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    Open(bool),
    Close,
    Key(String),
    Text(String),
    Scalar(Scalar),
}

/// Writes down what it is shown, and where texts stand.
#[derive(Default)]
pub struct Notes(pub Vec<Shown>, Vec<Option<(bool, Text)>>);

impl Notes {
    fn add(&mut self, shown: Shown, text: Option<(bool, Text)>) {
        self.0.push(shown);
        self.1.push(text);
    }

    /// Fills in the texts, which stand in `bytes`.
    fn complete(mut self, bytes: &[u8]) -> Vec<Shown> {
        for (shown, text) in self.0.iter_mut().zip(self.1) {
            if let Some((is_key, text)) = text {
                let meaning = text.meaning(bytes, &mut String::new()).to_vec();
                let meaning = String::from_utf8(meaning).expect("UTF-8");
                *shown = if is_key { Shown::Key(meaning) } else { Shown::Text(meaning) };
            }
        }
        self.0
    }
}

impl Visit for Notes {
    fn forget(&mut self) {
        *self = Notes::default();
    }
    fn open(&mut self, object: bool) {
        self.add(Shown::Open(object), None);
    }
    fn close(&mut self) {
        self.add(Shown::Close, None);
    }
    fn key(&mut self, raw: &[u8], key: Text) {
        assert_eq!(raw.len(), (key.end - key.start) as usize);
        self.add(Shown::Key(String::new()), Some((true, key)));
    }
    fn text(&mut self, text: Text) {
        self.add(Shown::Text(String::new()), Some((false, text)));
    }
    fn scalar(&mut self, value: Scalar) {
        self.add(Shown::Scalar(value), None);
    }
}

/// What simd-json alone has to say of `record`.
fn expected(record: &[u8]) -> Option<Vec<Shown>> {
    fn value(nodes: &[Node<'_>], at: &mut usize, shown: &mut Vec<Shown>) {
        let node = nodes[*at];
        *at += 1;
        match node {
            Node::String(text) => shown.push(Shown::Text(text.to_owned())),
            Node::Static(scalar) => shown.push(Shown::Scalar(scalar)),
            Node::Object { len, .. } => {
                shown.push(Shown::Open(true));
                for _ in 0..len {
                    let Node::String(key) = nodes[*at] else { panic!("a key") };
                    shown.push(Shown::Key(key.to_owned()));
                    *at += 1;
                    value(nodes, at, shown);
                }
                shown.push(Shown::Close);
            }
            Node::Array { len, .. } => {
                shown.push(Shown::Open(false));
                for _ in 0..len {
                    value(nodes, at, shown);
                }
                shown.push(Shown::Close);
            }
        }
    }
    let mut copy = record.to_vec();
    let tape = simd_json::to_tape(&mut copy).ok()?;
    let mut shown = Vec::new();
    value(&tape.0, &mut 0, &mut shown);
    Some(shown)
}

/// The parser shows what simd-json reads, of any bytes.
pub fn check(parser: &mut Parser, record: &[u8]) {
    let mut notes = Notes::default();
    let bytes = parser.read(record, &mut notes).map(<[u8]>::to_vec);
    let shown = bytes.map(|bytes| notes.complete(&bytes));
    assert_eq!(shown, expected(record), "{}", String::from_utf8_lossy(record));
    assert_eq!(parser.parses(record), shown.is_some(), "{}", String::from_utf8_lossy(record));
}
