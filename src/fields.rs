//! What a record says about itself: values at configured paths.
//!
//! A field has paths, tried in their order. A path is looked for in four
//! places, and the first place that has any of them decides:
//!
//! 1. the record's own JSON object, also one behind a prefix such as CRI's;
//! 2. JSON objects that its strings hold, as shippers wrap them;
//! 3. `key=value` text, in the strings of the object or in the record;
//! 4. the envelope of a message, for the paths `@key` and `@header:NAME`;
//!    these keep their order among the paths.
//!
//! A dot in a path goes into an object, or into a string that holds one, or
//! belongs to the key: `kubernetes.labels.app.kubernetes.io/name` is found
//! either way. Texts, numbers and truth values are values; null, the empty
//! text, lists and objects are not.

pub mod level;
mod look;
mod message;
mod outline;
mod paths;
mod text;
pub mod time;
mod walk;
mod words;

pub use paths::{MAX_DOTS, MAX_SLOTS, Wanted};

use std::ops::Range;

use paths::Paths;

use crate::parse::{Parser, looks_like_json};
use walk::Desk;

/// How deep JSON inside strings inside JSON is followed.
const MAX_NESTED: usize = 4;

/// What a message carries beside its payload, and where it stands.
pub trait Envelope {
    /// The key.
    fn key(&self) -> Option<&[u8]>;
    /// The last header of this name.
    fn header(&self, name: &str) -> Option<&[u8]>;
    /// The topic.
    fn topic(&self) -> std::borrow::Cow<'_, str>;
    /// The partition.
    fn partition(&self) -> i32;
    /// The offset.
    fn offset(&self) -> i64;
    /// When it was made, in milliseconds since 1970, where the topic keeps it.
    fn timestamp(&self) -> Option<i64>;
}

/// Fields, ready to be looked for: each has a slot, in the order given.
#[derive(Debug)]
pub struct Fields {
    paths: Paths,
    /// The slot of the message, which is read near the code.
    message: Option<usize>,
}

/// The values of one record.
#[derive(Debug, Default)]
pub struct Values {
    text: String,
    slots: Vec<Slot>,
    /// The slots that earlier places have decided.
    decided: u64,
    found: u64,
    messages: Vec<Option<Range<usize>>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    start: u32,
    end: u32,
    rank: u8,
}

impl Values {
    /// The value in `slot`.
    pub fn get(&self, slot: usize) -> Option<&str> {
        (self.found >> slot & 1 == 1).then(|| {
            let at = self.slots[slot];
            &self.text[at.start as usize..at.end as usize]
        })
    }

    /// The message that belongs to the hit of this number.
    pub fn message(&self, hit: usize) -> Option<&str> {
        let place = self.messages.get(hit)?.clone()?;
        Some(&self.text[place])
    }

    /// Forgets the record.
    pub fn clear(&mut self, slots: usize) {
        self.text.clear();
        self.messages.clear();
        self.slots.resize(slots, Slot::default());
        (self.decided, self.found) = (0, 0);
    }

    fn set(&mut self, slot: usize, rank: u8, write: impl FnOnce(&mut String)) {
        if self.decided >> slot & 1 == 1 || (self.found >> slot & 1 == 1 && self.slots[slot].rank <= rank) {
            return;
        }
        let start = self.text.len();
        write(&mut self.text);
        // At a NUL, Prometheus gives up the whole scrape.
        if memchr::memchr(0, &self.text.as_bytes()[start..]).is_some() {
            let clean = self.text[start..].replace('\0', "\u{fffd}");
            self.text.replace_range(start.., &clean);
        }
        if self.text.len() > start {
            self.slots[slot] = Slot { start: start as u32, end: self.text.len() as u32, rank };
            self.found |= 1 << slot;
        }
    }

    /// Ends a place: what it has found stays.
    fn next_place(&mut self) {
        self.decided = self.found;
    }
}

/// What it takes to read JSON inside strings inside JSON, made when needed.
#[derive(Debug, Default)]
pub struct Parsers(Vec<Desk>);

impl Parsers {
    fn all(&mut self) -> &mut [Desk] {
        if self.0.is_empty() {
            self.0.resize_with(MAX_NESTED, Desk::default);
        }
        &mut self.0
    }

    /// The parser of whole records.
    pub fn first(&mut self) -> &mut Parser {
        &mut self.all()[0].parser
    }
}

impl Fields {
    /// For `wanted`, of which `message`, if any, is the field that is read
    /// beside the code.
    ///
    /// # Errors
    /// When there are too many fields, or a path has too many dots.
    pub fn new(wanted: &[Wanted], message: Option<usize>) -> Result<Fields, String> {
        Ok(Fields { paths: Paths::new(wanted)?, message })
    }

    /// Reads `record` into `values`, and the message of each of the codes that
    /// stand at `codes` in it. Whether the record begins like JSON and does
    /// not parse.
    pub fn read<'c>(
        &self,
        parsers: &mut Parsers,
        record: &[u8],
        envelope: Option<&dyn Envelope>,
        codes: impl Iterator<Item = &'c Range<usize>> + Clone,
        values: &mut Values,
    ) -> bool {
        values.clear(self.paths.slots);
        let mut malformed = false;
        let mut json = false;
        if looks_like_json(record) {
            json = self.document(parsers.all(), record, 0, codes.clone(), values);
            malformed = !json;
        } else if let Some(body) = text::json_body(record) {
            json = self.document(parsers.all(), &record[body..], body, codes.clone(), values);
        }
        values.next_place();
        // The strings of an object have been looked at; the rest of a line has not.
        let rest = !(json && looks_like_json(record));
        if rest && self.missing(values) != 0 {
            self.text(record, values);
        }
        if let Some(slot) = self.message.filter(|&slot| !json && values.get(slot).is_some()) {
            let at = values.slots[slot];
            values.messages.extend(codes.map(|_| Some(at.start as usize..at.end as usize)));
        }
        if let Some(envelope) = envelope {
            self.envelope(envelope, values);
        }
        malformed
    }

    /// Reads the object in `json`, which stands `before` bytes into the record.
    fn document<'c>(
        &self,
        desks: &mut [Desk],
        json: &[u8],
        before: usize,
        codes: impl Iterator<Item = &'c Range<usize>>,
        values: &mut Values,
    ) -> bool {
        let outlined = self.message.is_some();
        let Some((bytes, outline, deeper)) = walk::document(self, json, paths::ROOT, outlined, desks, values)
        else {
            return false;
        };
        if outlined {
            for code in codes {
                // A code in the prefix has no object.
                let message = code.start.checked_sub(before).and_then(|place| {
                    let spelled = &json[place..code.end - before];
                    message::beside(self, bytes, outline, place, spelled, deeper, &mut values.text)
                });
                values.messages.push(message);
            }
        }
        true
    }

    /// How good `key` is for a message, 0 the best.
    fn message_rank(&self, key: &[u8]) -> Option<u8> {
        let slots = self.paths.child(paths::ROOT, key)?.slots();
        slots.iter().find(|&&(slot, _)| Some(slot) == self.message).map(|&(_, rank)| rank)
    }

    /// The slots that JSON and text can fill and that are empty.
    fn missing(&self, values: &Values) -> u64 {
        self.paths.all & !values.found
    }

    /// Those of them that a document's values can fill: its messages are read
    /// beside the codes.
    fn missing_in_document(&self, values: &Values) -> u64 {
        self.missing(values) & !self.message.map_or(0, |slot| 1 << slot)
    }

    /// Fills slots from `key=value` pairs.
    fn text(&self, text: &[u8], values: &mut Values) {
        text::pairs(text, |key, value| {
            if let Some(child) = self.paths.child(paths::ROOT, key) {
                for &(slot, rank) in child.slots() {
                    values.set(slot, rank, |out| value.write(out));
                }
            }
        });
    }

    fn envelope(&self, envelope: &dyn Envelope, values: &mut Values) {
        values.decided = 0;
        for (slot, rank, from) in &self.paths.envelope {
            let value = match from {
                paths::FromEnvelope::Key => envelope.key(),
                paths::FromEnvelope::Header(name) => envelope.header(name),
            };
            if let Some(value) = value {
                values.set(*slot, *rank, |out| out.push_str(&String::from_utf8_lossy(value)));
            }
        }
    }
}
