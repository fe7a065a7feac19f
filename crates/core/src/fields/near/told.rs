//! For people: what a record has under keys that matter, taken or not, by the
//! same pass over it that the values come from.

use super::keys::Role;
use super::{MAX_LEVEL, decode, head, is_null};
use crate::fields::origin::Origin;
use crate::fields::time;
use crate::fields::{Fields, Parsers};

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A message.
    Message,
    /// A request.
    Request,
    /// A trace.
    Trace,
    /// A level.
    Level,
    /// A time.
    Time,
    /// An HTTP status.
    Status,
}

/// A key that matters, and what stands under it.
#[derive(Clone, Debug)]
pub struct Passed {
    /// What it stands for.
    pub field: Field,
    /// Where the key begins in the record.
    pub at: usize,
    /// The key.
    pub key: String,
    /// Its value, where it is a text.
    pub value: String,
    /// Why the value is none.
    pub unfit: Option<Unfit>,
}

/// Why a value is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// An object or a list.
    Bracket,
    /// Nothing, or a word for nothing.
    Empty,
    /// No word, or too long a one.
    NoLevel,
    /// No time, for this reason.
    NoTime(&'static str),
}

impl Fields {
    /// What `record` has under the keys of fields, in its order.
    pub fn passed(&self, parsers: &mut Parsers, record: &[u8]) -> Vec<Passed> {
        let near = &mut parsers.near;
        let cleaned = near.look(record);
        let text = if cleaned { near.clean.bytes() } else { record };
        near.scan.run(text, &self.keys, &self.paths);
        let mut passed = Vec::new();
        for pair in &near.scan.pairs {
            let start = pair.start as usize;
            let end = match pair.end as usize {
                0 => near.scan.text_end(text, pair),
                end => end,
            };
            let (mut key, mut value) = (String::new(), String::new());
            let sign = text[pair.key as usize..start].trim_ascii_end();
            let quotes = |b: &u8| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'@'));
            let length = sign.len() - sign.iter().rev().take_while(|b| quotes(b)).count();
            let opening = sign.iter().take_while(|b| quotes(b)).count().min(length);
            decode(&sign[opening..length], pair.escapes, &mut key);
            decode(&text[start..end.max(start)], pair.escapes, &mut value);
            let field = match pair.role {
                Role::Message => Field::Message,
                Role::Request => Field::Request,
                Role::Trace => Field::Trace,
                Role::Level => Field::Level,
                Role::Time => Field::Time,
                Role::Other if is_status(&key) => Field::Status,
                _ => continue,
            };
            // A word is all that an identifier or a level is.
            if pair.end == 0 && !matches!(field, Field::Message | Field::Time) {
                value.truncate(super::token_length(value.as_bytes()));
            }
            let unfit = if pair.bracket {
                Some(Unfit::Bracket)
            } else if value.is_empty() || is_null(value.as_bytes()) {
                Some(Unfit::Empty)
            } else {
                self.unfit(field, &value)
            };
            let at = pair.key as usize;
            let at = if cleaned { near.clean.back(at) } else { at };
            passed.push(Passed { field, at, key, value, unfit });
        }
        passed
    }

    fn unfit(&self, field: Field, value: &str) -> Option<Unfit> {
        match field {
            Field::Level => {
                let word = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
                (!word || value.len() > MAX_LEVEL).then_some(Unfit::NoLevel)
            }
            Field::Time if time::begins_as_value(value, &self.zone).is_none() => {
                time::fault(value, &self.zone).map(Unfit::NoTime)
            }
            _ => None,
        }
    }

    /// Whether `line` begins with a time, or a time of day, that is no moment.
    pub fn begins_with_a_clock(&self, line: &[u8]) -> bool {
        let head = head::read(line, &self.zone, head::Extent::Whole);
        head.dated && head.time.is_none()
    }
}

impl Parsers {
    /// The key and the value of `origin` as places in the record that was read
    /// last.
    pub fn places(&self, origin: Origin) -> [Option<usize>; 2] {
        let near = &self.near;
        let noisy = near.cleaned && origin.rule.is_of_clean_text();
        let place = |at: Option<usize>| at.map(|at| if noisy { near.clean.back(at) } else { at });
        [place(origin.key()), place(origin.value())]
    }
}

/// The keys of a status, in any spelling.
fn is_status(key: &str) -> bool {
    let name: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let names = ["status", "statuscode", "httpstatus", "httpcode", "httpstatuscode", "responsecode", "code"];
    names.contains(&name.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::super::clean::Clean;

    #[test]
    fn places_lead_back() {
        let record = b"\x1b[31merror\x1b[0m a=%22x%22 Ecs.0043 &quot;b&quot;";
        let mut clean = Clean::default();
        assert!(clean.run(record));
        for word in [&b"error"[..], b"a=", b"Ecs.0043"] {
            let there = memchr::memmem::find(record, word).expect("it stands there");
            let here = memchr::memmem::find(clean.bytes(), word).expect("it stays");
            assert_eq!((clean.forth(there), clean.back(here)), (here, there));
        }
    }
}
