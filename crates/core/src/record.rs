//! One record with hits: what is counted of it, and with which labels.
//!
//! Hits come one by one while the record is judged. Where something is to be
//! read from the record, they wait for its end; else each is counted at once.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use crate::catalog::{Catalog, Category, RowId, ServiceId};
use crate::classify::{self, Sighting, What, discovered_service, evidence, owner, status};
use crate::count::{Ids, Tally};
use crate::engine::Engine;
use crate::enrich::Plan;
use crate::event::{self, Position, UnknownCode};
use crate::fields::time::Moment;
use crate::fields::{Beside, Envelope, Parsers, Values};
use crate::framing::READ_BYTES;
use crate::labels::{NONE, OwnSets};
use crate::outbox::Outbox;
use crate::parse::looks_like_json;

/// Memory that a record needs stays for the next unless it was longer.
const KEPT_BYTES: usize = 64 << 10;

/// Codes of a record that a message is looked for; the catalog has one for the
/// others. A record may hold any number, and each look goes through all of it.
const MAX_MESSAGES: usize = 16;

/// Unknown codes of a record whose status is looked for in it.
const MAX_STATUSES: usize = 16;

/// Most characters of an exemplar's labels and values together.
const MAX_EXEMPLAR_CHARS: usize = 128;

/// Unknown codes and combinations of labels that a thread holds while it is not
/// its turn.
const MOST_HELD: usize = 16_384;

/// Combinations of labels that one of several threads numbers before it asks
/// the ledger: there is room for those of any block on top of what may be held.
/// A record with a code and a label's value is longer than eight bytes.
const MOST_NEW_SETS: usize = MOST_HELD + READ_BYTES / 8;

/// Reads records with hits. One for each thread.
#[derive(Debug)]
pub struct Reader {
    /// What was counted since the last commit.
    pub tally: Tally,
    /// The numbers of label combinations in it.
    pub sets: OwnSets,
    plan: Arc<Plan>,
    /// Whether `plan` reads anything.
    reads: bool,
    parsers: Parsers,
    values: Values,
    hits: Vec<Hit>,
    /// The unknown codes among the hits.
    spellings: String,
    spelling: String,
    events: Option<(event::Writer, Outbox)>,
    now: Moment,
    /// Unknown codes of the record whose status was looked for.
    looked: usize,
    /// Where the overlong record begins in a stream.
    overlong: u64,
    overlong_matched: bool,
}

/// A hit that waits for the end of its record.
#[derive(Clone, Debug)]
struct Hit {
    what: Code,
    /// Where it stands in the record.
    place: Range<usize>,
}

#[derive(Clone, Debug)]
enum Code {
    Row(RowId),
    Unknown(Unlisted, Range<usize>),
}

/// What is known of a code that the catalog does not have.
#[derive(Clone, Copy, Debug)]
struct Unlisted {
    service: Option<ServiceId>,
    category: Category,
    http_status: Option<u16>,
}

impl Reader {
    /// For the codes of `catalog`.
    pub fn new(plan: Arc<Plan>, catalog: &Catalog, events: Option<Outbox>) -> Reader {
        let writer = plan.events.as_ref().map(|e| event::Writer::new(e, catalog));
        Reader {
            tally: Tally::new(catalog, plan.label_count()),
            sets: OwnSets::named(plan.label_names(), plan.max_label_sets),
            reads: plan.reads(),
            parsers: Parsers::default(),
            values: Values::default(),
            hits: Vec::new(),
            spellings: String::new(),
            spelling: String::new(),
            events: writer.zip(events),
            now: Moment::now(),
            looked: 0,
            overlong: 0,
            overlong_matched: false,
            plan,
        }
    }

    /// For one of several threads: the ledger, which sees the labels of all
    /// records, decides what is too many. The tally is empty.
    pub fn leave_limits(&mut self) {
        self.sets = OwnSets::of_some(self.plan.label_count(), MOST_NEW_SETS);
    }

    /// Whether what was counted takes as much memory as it may between commits.
    pub fn is_full(&self) -> bool {
        self.tally.weight() + self.sets.added() > MOST_HELD
    }

    /// Goes on with another engine; the tally is empty.
    pub fn use_engine(&mut self, engine: &Engine) {
        if let Some(plan) = engine.plan().filter(|plan| !Arc::ptr_eq(plan, &self.plan)) {
            self.plan = plan.clone();
            self.reads = plan.reads();
            self.sets = OwnSets::named(plan.label_names(), plan.max_label_sets);
        }
        let catalog = engine.catalog();
        self.tally = Tally::new(catalog, self.plan.label_count());
        if let (Some((writer, _)), Some(plan)) = (&mut self.events, &self.plan.events) {
            *writer = event::Writer::new(plan, catalog);
        }
    }

    /// Forgets what was counted since the last commit, and the events of it that
    /// are still gathered.
    pub fn forget(&mut self, engine: &Engine) {
        self.tally = Tally::new(engine.catalog(), self.plan.label_count());
        self.hits.clear();
        self.spellings.clear();
        if let Some(outbox) = self.events() {
            outbox.forget();
        }
    }

    /// What is read.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The events' way out.
    pub fn events(&mut self) -> Option<&mut Outbox> {
        self.events.as_mut().map(|(_, outbox)| outbox)
    }

    /// Takes the time, which records of a block have in common.
    pub fn begin_block(&mut self) {
        if self.reads {
            self.now = Moment::now();
        }
    }

    /// Begins a record with at least one hit.
    pub fn begin(&mut self) {
        self.looked = 0;
        self.tally.begin_record();
    }

    /// Takes a sighting in `record`.
    #[inline]
    pub fn hit(&mut self, engine: &Engine, record: &[u8], sighting: Sighting) {
        let catalog = engine.catalog();
        if let What::Known(code) = sighting.what {
            if self.tally.first_in_record(code) {
                let (row, _) = evidence::resolve(catalog, code, record, sighting.start);
                if self.reads {
                    self.hits.push(Hit { what: Code::Row(row), place: sighting.start..sighting.end });
                } else {
                    self.tally.hit(catalog.series(row));
                }
            }
        } else if let Some(unlisted) = self.first_unknown(catalog, record, sighting, true) {
            if self.reads {
                let start = self.spellings.len();
                self.spellings.push_str(&self.spelling);
                let what = Code::Unknown(unlisted, start..self.spellings.len());
                self.hits.push(Hit { what, place: sighting.start..sighting.end });
            } else {
                self.tally.hit_unknown(&self.spelling, false);
            }
        }
    }

    /// Spells an unknown code; what is known of it if it is the first of its
    /// spelling in the record. A `whole` record may state its status and its service.
    fn first_unknown(
        &mut self,
        catalog: &Catalog,
        bytes: &[u8],
        sighting: Sighting,
        whole: bool,
    ) -> Option<Unlisted> {
        let text = &bytes[sighting.start..sighting.end];
        let (service, inside) = match sighting.what {
            What::Unlisted(family, status) if whole => {
                (Some(owner::of_family(catalog, family, bytes, sighting.start)), status)
            }
            // The host that would tell may lie in no window.
            What::Unlisted(family, status) => (Some(catalog.family(family).service), status),
            _ => (classify::service_of_start(catalog, text), None),
        };
        classify::spell(catalog, bytes, &sighting, &mut self.spelling);
        if self.tally.has_unknown(&self.spelling) {
            return None;
        }
        let mut stated = None;
        if whole && self.looked < MAX_STATUSES {
            self.looked += 1;
            stated = status::stated(bytes, sighting.start);
        }
        let http_status = stated.map(|(status, _)| status).or(inside);
        let category = classify::inferred_category(http_status);
        let first =
            self.tally.first_unknown(&self.spelling, service, category, classify::inferred_category(inside));
        first.then_some(Unlisted { service, category, http_status })
    }

    /// Ends a record with hits.
    pub fn end(&mut self, engine: &Engine, record: &[u8], position: Position<'_>) {
        self.tally.matched += 1;
        if self.reads {
            self.read(engine, record, position);
        } else if looks_like_json(record) && !self.parsers.first().parses(record) {
            self.tally.malformed += 1;
        }
    }

    /// Reads what the plan asks for, then counts the hits.
    fn read(&mut self, engine: &Engine, record: &[u8], position: Position<'_>) {
        let plan = &*self.plan;
        let (beside, envelope) = match position {
            Position::Message(envelope) => (Beside::Message(envelope), Some(envelope)),
            Position::File(file, _) => (Beside::File(file), None),
            Position::Peer(peer, _) => (Beside::Peer(peer), None),
            Position::Byte(_) => (Beside::Nothing, None),
        };
        let codes = self.hits.iter().take(MAX_MESSAGES).map(|hit| &hit.place);
        let malformed = plan.fields().read(&mut self.parsers, record, beside, codes, &mut self.values);
        self.tally.malformed += u64::from(malformed);

        let values = &self.values;
        let (set, replaced) = self.sets.own.number(plan.label_values(values));
        let time =
            values.time().or_else(|| envelope.and_then(Envelope::timestamp).and_then(Moment::from_millis));
        let late = plan.is_late(time, self.now);
        let (trace_id, request_id) = plan.ids(values);
        let exemplar = plan.exemplars && !late;
        let ids = if exemplar { exemplar_ids(trace_id, request_id, self.now) } else { None };
        let level = plan.level(values);
        let mut about = event::Record {
            time: time.unwrap_or(self.now),
            level,
            trace_id,
            request_id,
            late,
            position,
            bytes: Some(record),
            written: Cell::new(0),
        };
        let mut events = self.events.as_mut().filter(|(writer, _)| writer.wants_level(level));

        for (i, hit) in self.hits.drain(..).enumerate() {
            let message = values.message(i);
            about.request_id = values.request(i).or(request_id);
            match hit.what {
                Code::Row(row) => {
                    self.tally.hit_labelled(engine.catalog().series(row), set, late, ids);
                    if let Some((writer, outbox)) =
                        events.as_mut().filter(|(w, _)| w.wants_row(engine.catalog(), row))
                    {
                        let place = (i < MAX_MESSAGES).then_some(hit.place.start);
                        outbox.add(|out| {
                            let stated = place.and_then(|place| status::stated(record, place));
                            let stated = stated.map(|(status, _)| status);
                            let hit = event::KnownHit { row, stated, message, place };
                            writer.known(engine.catalog(), hit, &about, plan.label_values(values), out);
                        });
                    }
                    // Only counters of known codes have the labels.
                    for (label, total) in self.tally.replaced.iter_mut().enumerate() {
                        *total += replaced >> label & 1;
                    }
                }
                Code::Unknown(Unlisted { service, category, http_status }, spelling) => {
                    let code = &self.spellings[spelling];
                    self.tally.hit_unknown(code, late);
                    if let Some((writer, outbox)) = &mut events {
                        let service = service_name(engine, service, code);
                        let unknown = UnknownCode { code, api_service: &service, category, http_status };
                        if writer.wants_unknown(unknown) {
                            outbox.add(|out| {
                                writer.unknown(
                                    unknown,
                                    message.map(|said| said.text),
                                    &about,
                                    plan.label_values(values),
                                    out,
                                );
                            });
                        }
                    }
                }
            }
        }
        self.spellings.clear();
        if record.len() > KEPT_BYTES {
            // What an enormous record has made large is given back.
            self.parsers = Parsers::default();
            self.values = Values::default();
            self.spellings = String::new();
            self.hits = Vec::new();
        }
    }

    /// Begins a record that is too long to be held.
    pub fn begin_overlong(&mut self, position: Position<'_>) {
        self.overlong_matched = false;
        self.begin_block();
        self.begin();
        if let Position::Byte(offset) | Position::File(_, offset) | Position::Peer(_, Some(offset)) = position
        {
            self.overlong = offset;
        }
    }

    /// Counts a sighting in such a record, of which nothing else is read.
    pub fn hit_overlong(
        &mut self,
        engine: &Engine,
        bytes: &[u8],
        sighting: Sighting,
        position: Position<'_>,
    ) {
        self.overlong_matched = true;
        let catalog = engine.catalog();
        let what = if let What::Known(code) = sighting.what {
            if !self.tally.first_in_record(code) {
                return;
            }
            // What decides among rows may lie in no window: the default, whatever the reads.
            let row = catalog.default_row(code);
            self.tally.hit_labelled(catalog.series(row), NONE, false, None);
            Code::Row(row)
        } else {
            let Some(unlisted) = self.first_unknown(catalog, bytes, sighting, false) else { return };
            self.tally.hit_unknown(&self.spelling, false);
            Code::Unknown(unlisted, 0..0)
        };
        let Some((writer, outbox)) = self.events.as_mut().filter(|(w, _)| w.wants_level(None)) else {
            return;
        };
        let position = match position {
            Position::Byte(_) => Position::Byte(self.overlong),
            Position::File(file, _) => Position::File(file, self.overlong),
            Position::Peer(peer, Some(_)) => Position::Peer(peer, Some(self.overlong)),
            alone @ (Position::Message(_) | Position::Peer(_, None)) => alone,
        };
        let about = event::Record {
            time: self.now,
            level: None,
            trace_id: None,
            request_id: None,
            late: false,
            position,
            bytes: None,
            written: Cell::new(0),
        };
        match what {
            Code::Row(row) if writer.wants_row(catalog, row) => {
                let hit = event::KnownHit { row, stated: None, message: None, place: None };
                outbox.add(|out| writer.known(catalog, hit, &about, std::iter::empty(), out));
            }
            Code::Row(_) => {}
            Code::Unknown(Unlisted { service, category, http_status }, _) => {
                let service = service_name(engine, service, &self.spelling);
                let unknown =
                    UnknownCode { code: &self.spelling, api_service: &service, category, http_status };
                if writer.wants_unknown(unknown) {
                    outbox.add(|out| writer.unknown(unknown, None, &about, std::iter::empty(), out));
                }
            }
        }
    }

    /// Ends such a record.
    pub fn end_overlong(&mut self) {
        self.tally.records += 1;
        self.tally.oversized += 1;
        self.tally.matched += u64::from(self.overlong_matched);
    }
}

fn service_name(engine: &Engine, service: Option<ServiceId>, code: &str) -> String {
    service.map_or_else(|| discovered_service(code), |s| engine.catalog().service(s).name.clone())
}

/// The identifiers that fit into an exemplar; the trace before the request.
fn exemplar_ids<'v>(trace: Option<&'v str>, request: Option<&'v str>, when: Moment) -> Option<Ids<'v>> {
    let mut left = MAX_EXEMPLAR_CHARS;
    let mut fit = |name: &str, id: Option<&'v str>| {
        let id = id.unwrap_or("");
        match left.checked_sub(name.len() + id.chars().count()) {
            Some(rest) if !id.is_empty() => {
                left = rest;
                id
            }
            _ => "",
        }
    };
    let (trace, request) = (fit("trace_id", trace), fit("request_id", request));
    (!trace.is_empty() || !request.is_empty()).then_some((trace, request, when))
}
