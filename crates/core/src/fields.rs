//! What a record says about itself: values at configured paths.
//!
//! A field has paths, tried in their order. A path is looked for in four
//! places, and the first place that has any of them decides:
//!
//! 1. the record's own JSON object, also one behind a prefix such as CRI's;
//! 2. JSON objects that its strings hold, as shippers wrap them;
//! 3. `key=value` text, in the strings of the object or in the record;
//! 4. the envelope of a message, for the paths `@key` and `@header:NAME`, or
//!    the name of a file, for `@file`, `@namespace`, `@pod` and `@container`,
//!    or the sender, for `@peer`; these keep their order among the paths.
//!
//! What these leave, and whatever stands near a code in a record that is not
//! JSON alone, is read leniently by the module `near`.
//!
//! A dot in a path goes into an object, or into a string that holds one, or
//! belongs to the key: `kubernetes.labels.app.kubernetes.io/name` is found
//! either way. Texts, numbers and truth values are values; null, the empty
//! text, lists and objects are not.

pub mod file;
pub mod level;
mod look;
mod message;
mod near;
pub mod origin;
mod outline;
mod paths;
pub mod peer;
mod text;
pub mod time;
mod walk;
mod words;

pub use file::{FileName, OfFile};
pub use near::told::{Field, Passed, Unfit};
pub use paths::{MAX_DOTS, MAX_SLOTS, Wanted};
pub use peer::PeerName;

use std::ops::Range;

use paths::Paths;

use crate::parse::{Parser, looks_like_json};
use near::{Hints, Keys, Near, Role, Wish};
use origin::{Origin, Rule};
use time::{Moment, Zone};
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

/// What is known of a record beside what it says.
#[derive(Clone, Copy)]
pub enum Beside<'b> {
    /// Nothing.
    Nothing,
    /// It is a message.
    Message(&'b dyn Envelope),
    /// It stands in a file.
    File(&'b FileName),
    /// A peer has sent it.
    Peer(&'b PeerName),
}

/// The slots of the fields that are more than a value at a path.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// The level.
    pub level: Option<usize>,
    /// The time.
    pub time: Option<usize>,
    /// The message, which is read near the code.
    pub message: Option<usize>,
    /// The request.
    pub request: Option<usize>,
    /// The trace.
    pub trace: Option<usize>,
}

impl Roles {
    fn all(&self) -> [Option<usize>; 5] {
        [self.level, self.time, self.message, self.request, self.trace]
    }
}

/// Fields, ready to be looked for: each has a slot, in the order given.
#[derive(Debug)]
pub struct Fields {
    paths: Paths,
    roles: Roles,
    /// The slots of fields without a role.
    others: u64,
    keys: Keys,
    hints: Hints,
    /// The zone of times without one.
    zone: Zone,
}

/// What says that a text is the message of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A key of messages.
    Key,
    /// It follows the code.
    Prose,
    /// Nothing better: it is what the line, or the text around the code, says.
    Line,
}

/// The message of a code.
#[derive(Clone, Copy, Debug)]
pub struct Said<'v> {
    /// As the record has it.
    pub text: &'v str,
    /// What says so.
    pub source: Source,
    /// Where it stands.
    pub origin: Origin,
}

/// Where in the values a text is, and where in the record it stood.
type Kept = (Range<usize>, Origin);

/// How a document holds a code.
#[derive(Debug, PartialEq, Eq)]
enum Held {
    /// It is a text of its own, with or without a message and a request beside
    /// it.
    Beside(Option<Kept>, Option<Kept>),
    /// It stands in a text with other things, which may say more.
    Mixed,
}

/// The values of one record.
#[derive(Debug, Default)]
pub struct Values {
    text: String,
    slots: Vec<Slot>,
    /// The slots that earlier places have decided.
    decided: u64,
    found: u64,
    messages: Vec<Option<(Kept, Source)>>,
    requests: Vec<Option<Kept>>,
    time: Option<(Moment, Origin)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    start: u32,
    end: u32,
    rank: u8,
    origin: Origin,
}

impl Values {
    /// The value in `slot`.
    #[inline]
    pub fn get(&self, slot: usize) -> Option<&str> {
        (self.found >> slot & 1 == 1).then(|| {
            let at = self.slots[slot];
            &self.text[at.start as usize..at.end as usize]
        })
    }

    /// The message that belongs to the hit of this number.
    pub fn message(&self, hit: usize) -> Option<Said<'_>> {
        let ((place, origin), source) = self.messages.get(hit)?.clone()?;
        Some(Said { text: &self.text[place], source, origin })
    }

    /// The request that belongs to it, where it is another than the record's.
    pub fn request(&self, hit: usize) -> Option<&str> {
        let (place, _) = self.requests.get(hit)?.clone()?;
        Some(&self.text[place])
    }

    /// Where that request stood.
    pub fn request_origin(&self, hit: usize) -> Option<Origin> {
        self.requests.get(hit)?.as_ref().map(|(_, origin)| *origin)
    }

    /// When the record says that it was made.
    pub fn time(&self) -> Option<Moment> {
        self.time.map(|(moment, _)| moment)
    }

    /// Where it says so.
    pub fn time_origin(&self) -> Option<Origin> {
        self.time.map(|(_, origin)| origin)
    }

    /// Where the value in `slot` stood.
    pub fn origin(&self, slot: usize) -> Option<Origin> {
        (self.found >> slot & 1 == 1).then(|| self.slots[slot].origin)
    }

    /// How good the path is whose value is in `slot`, 0 the best.
    pub fn rank(&self, slot: usize) -> u8 {
        self.slots[slot].rank
    }

    /// Forgets the record.
    pub fn clear(&mut self, slots: usize) {
        self.text.clear();
        self.messages.clear();
        self.requests.clear();
        self.time = None;
        self.slots.resize(slots, Slot::default());
        (self.decided, self.found) = (0, 0);
    }

    fn set(&mut self, slot: usize, rank: u8, origin: Origin, write: impl FnOnce(&mut String)) {
        if self.decided >> slot & 1 == 1 || (self.found >> slot & 1 == 1 && self.slots[slot].rank <= rank) {
            return;
        }
        let start = self.text.len();
        write(&mut self.text);
        text::tidy(&mut self.text, start);
        if self.text.len() > start {
            self.slots[slot] = Slot { start: start as u32, end: self.text.len() as u32, rank, origin };
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
pub struct Parsers {
    desks: Vec<Desk>,
    near: Near,
}

impl Parsers {
    fn all(&mut self) -> &mut [Desk] {
        if self.desks.is_empty() {
            self.desks.resize_with(MAX_NESTED, Desk::default);
        }
        &mut self.desks
    }

    /// The parser of whole records.
    pub fn first(&mut self) -> &mut Parser {
        &mut self.all()[0].parser
    }
}

impl Fields {
    /// For `wanted`, of which some have a role. A time without a zone is one
    /// in `zone`.
    ///
    /// # Errors
    /// When there are too many fields, or a path has too many dots.
    pub fn new(wanted: &[Wanted], roles: Roles, zone: Zone) -> Result<Fields, String> {
        let keys = Keys::new(wanted, &roles);
        let paths = Paths::new(wanted)?;
        let others = roles.all().iter().flatten().fold(paths.all, |all, slot| all & !(1 << slot));
        let hints = Hints::new(&keys, paths.ends(others));
        Ok(Fields { paths, roles, others, keys, hints, zone })
    }

    /// The slots of the fields that are more than a value.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// Reads `record` into `values`, and the message of each of the codes that
    /// stand at `codes` in it. Whether the record begins like JSON and does
    /// not parse.
    pub fn read<'c>(
        &self,
        parsers: &mut Parsers,
        record: &[u8],
        beside: Beside<'_>,
        codes: impl Iterator<Item = &'c Range<usize>> + Clone,
        values: &mut Values,
    ) -> bool {
        values.clear(self.paths.slots);
        let object = looks_like_json(record);
        let body = if object { Some(0) } else { text::json_body(record) };
        let mut mixed = false;
        let json = body.is_some_and(|body| {
            let parsed = self.document(parsers.all(), &record[body..], body, codes.clone(), values);
            mixed = parsed == Some(Held::Mixed);
            parsed.is_some()
        });
        values.next_place();
        let strict = json && object;
        let cleaned = !strict && parsers.near.look(record);
        // The strings of an object have been looked at; the rest of a line has not.
        if !strict && self.missing_in_document(values) != 0 {
            let near = &parsers.near;
            let text = if cleaned { near.cleaned() } else { record };
            self.text(text, near.signs.equals(), true, values);
            values.next_place();
        }
        self.read_time(values);
        if !strict || mixed {
            let cleaned = if strict { parsers.near.look(record) } else { cleaned };
            self.near(&mut parsers.near, record, cleaned, codes, Wish { json, object }, values);
        }
        if !matches!(beside, Beside::Nothing) {
            self.beside(beside, values);
            self.read_time(values);
        }
        object && !json
    }

    /// The time of the record, where its field has a good one.
    fn read_time(&self, values: &mut Values) {
        if values.time.is_none() {
            let text = self.roles.time.and_then(|slot| Some((values.get(slot)?, values.slots[slot].origin)));
            values.time = text.and_then(|(text, origin)| Some((time::parse(text, &self.zone)?, origin)));
        }
    }

    /// Reads the object in `json`, which stands `before` bytes into the
    /// record; how it holds the codes, or `None` where it does not parse.
    fn document<'c>(
        &self,
        desks: &mut [Desk],
        json: &[u8],
        before: usize,
        codes: impl Iterator<Item = &'c Range<usize>>,
        values: &mut Values,
    ) -> Option<Held> {
        let outlined = self.roles.message.is_some();
        let (bytes, outline, deeper) =
            walk::document(self, json, Some(before), paths::ROOT, outlined, desks, values)?;
        let mut held = Held::Beside(None, None);
        if outlined {
            let mut count = 0;
            for code in codes {
                count += 1;
                // A code in the prefix has no object.
                let message = code.start.checked_sub(before).and_then(|place| {
                    let spelled = &json[place..code.end - before];
                    message::beside(
                        self,
                        bytes,
                        outline,
                        Some(before),
                        place,
                        spelled,
                        deeper,
                        &mut values.text,
                    )
                });
                let (message, request) = match message {
                    Some(Held::Beside(message, request)) => (message, request),
                    None => (None, None),
                    Some(Held::Mixed) => {
                        held = Held::Mixed;
                        (None, None)
                    }
                };
                values.messages.push(message.map(|kept| (kept, Source::Key)));
                values.requests.push(request);
            }
            // Which message is whose is not told by objects alone.
            if count > 1 {
                held = Held::Mixed;
            }
        }
        Some(held)
    }

    /// How good `key` is for a message or a request, 0 the best.
    fn rank(&self, role: Role, any_spelling: bool, key: &[u8]) -> Option<u8> {
        if any_spelling {
            return self.keys.find(&[key]).filter(|(other, _)| *other == role).map(|(_, rank)| rank);
        }
        let wanted = if role == Role::Message { self.roles.message } else { self.roles.request };
        let slots = self.paths.child(paths::ROOT, key)?.slots();
        slots.iter().find(|&&(slot, _)| Some(slot) == wanted).map(|&(_, rank)| rank)
    }

    /// The slots that JSON and text can fill and that are empty.
    fn missing(&self, values: &Values) -> u64 {
        self.paths.all & !values.found
    }

    /// Those of them that a document's values can fill: its messages are read
    /// beside the codes.
    fn missing_in_document(&self, values: &Values) -> u64 {
        self.missing(values) & !self.roles.message.map_or(0, |slot| 1 << slot)
    }

    /// Fills slots from `key=value` pairs in `text`, whose equals signs stand at `signs` and which may be the
    /// `whole` record. Messages are read near the codes.
    fn text(&self, text: &[u8], signs: impl Iterator<Item = usize>, whole: bool, values: &mut Values) {
        let may_end = |before: &[u8]| self.paths.may_end(before);
        text::pairs(text, signs, may_end, |at, key, value| {
            if let Some(child) = self.paths.child(paths::ROOT, key) {
                for &(slot, rank) in
                    child.slots().iter().filter(|(slot, _)| Some(*slot) != self.roles.message)
                {
                    let place = (at - key.len()) as u32;
                    let origin = if whole {
                        Origin::pair(Rule::Pairs, place, at as u32 + 1)
                    } else {
                        Origin::of(Rule::Text)
                    };
                    values.set(slot, rank, origin, |out| value.write(out));
                }
            }
        });
    }

    fn beside(&self, beside: Beside<'_>, values: &mut Values) {
        values.decided = 0;
        for (slot, rank, from) in &self.paths.envelope {
            let value = match (from, beside) {
                (paths::FromEnvelope::Key, Beside::Message(envelope)) => envelope.key(),
                (paths::FromEnvelope::Header(name), Beside::Message(envelope)) => envelope.header(name),
                (paths::FromEnvelope::File(what), Beside::File(file)) => file.get(*what).map(str::as_bytes),
                (paths::FromEnvelope::Peer, Beside::Peer(peer)) => peer.get().map(str::as_bytes),
                _ => None,
            };
            if let Some(value) = value {
                let origin = Origin::of(Rule::Envelope);
                values.set(*slot, *rank, origin, |out| out.push_str(&String::from_utf8_lossy(value)));
            }
        }
    }
}
