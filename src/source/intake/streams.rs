//! What is kept of each stream between two of its pieces.
//!
//! One pipeline reads all streams in turns. A turn is given whole lines only;
//! what it leaves, since more lines may belong to it, and the beginning of the
//! next line stay with the stream. The stream that had the last turn leaves its
//! part in the pipeline until another one comes, so that one sender alone costs
//! no more than a pipe.
//!
//! A line that grows longer than a record may be is read by a pipeline of its
//! own, in windows, until it ends: nothing else could be read by this one
//! meanwhile. Both what is kept and the number of such lines are limited. Past
//! a limit the stream that takes most, or the line that is oldest, is ended as
//! if its sender had left, and its connection is closed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use memchr::{memchr, memrchr};

use super::Cut;
use errtally_core::fields::PeerName;
use errtally_core::pipeline::{Head, Pipeline};

/// Bytes that all streams may keep; more where a single record may be longer.
const KEPT_BYTES: usize = 32 << 20;

/// Lines that are longer than a record may be, at one time.
const MOST_APART: usize = 16;

/// Bytes that wait for more lines, from which on they are looked at again only
/// when an eighth more has come.
const MANY_KEPT: usize = 64 << 10;

/// Memory that a stream keeps though it needs less.
const SMALL: usize = 8 << 10;

/// All streams.
#[derive(Debug, Default)]
pub(super) struct Streams {
    all: HashMap<u64, Kept, foldhash::fast::RandomState>,
    /// Whose turn it is: what comes before its `kept` is in the pipeline.
    current: Option<u64>,
    /// When records may be held too long, and of which stream.
    waits: BinaryHeap<Reverse<(Instant, u64)>>,
    /// Bytes that are kept.
    bytes: usize,
    /// The streams in an overlong line, the oldest first.
    apart: VecDeque<u64>,
    /// A pipeline that is not needed now.
    spare: Option<Box<Pipeline>>,
}

/// What is kept of a stream.
#[derive(Debug)]
struct Kept {
    peer: Arc<PeerName>,
    cut: Arc<Cut>,
    /// Up to where it is counted.
    offset: u64,
    head: Head,
    /// Bytes behind that, but those that the pipeline has.
    kept: Vec<u8>,
    /// Those of them behind the last newline.
    tail: usize,
    /// Fewer bytes are not looked at again.
    retry: usize,
    /// Since when whole lines wait, where some do.
    since: Option<Instant>,
    /// Whether it is among `waits`.
    waits: bool,
    /// Reads the overlong line that the stream is in.
    apart: Option<Box<Pipeline>>,
    /// Its records come with their lengths, and not as lines.
    framed: bool,
    /// Nothing more is counted of it.
    over: bool,
}

impl Streams {
    /// Begins a stream.
    pub fn begin(&mut self, id: u64, peer: Arc<PeerName>, cut: Arc<Cut>) {
        let stream = Kept {
            peer,
            cut,
            offset: 0,
            head: Head::default(),
            kept: Vec::new(),
            tail: 0,
            retry: 0,
            since: None,
            waits: false,
            apart: None,
            framed: false,
            over: false,
        };
        self.all.insert(id, stream);
    }

    /// Counts what of a stream is complete with `bytes`, which come next.
    pub fn lines(&mut self, id: u64, mut bytes: &[u8], pipeline: &mut Pipeline) {
        let Some(stream) = self.all.get_mut(&id).filter(|stream| !stream.over) else { return };
        if let Some(apart) = &mut stream.apart {
            let end = memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
            let ends = bytes[..end].last() == Some(&b'\n');
            apart.push(&bytes[..end]);
            bytes = &bytes[end..];
            if ends {
                self.rejoin(id);
            }
            if bytes.is_empty() {
                return;
            }
        }
        let Some(stream) = self.all.get_mut(&id) else { return };
        let whole = memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        if whole == 0 || stream.kept.len() + bytes.len() < stream.retry {
            stream.kept.extend_from_slice(bytes);
            self.bytes += bytes.len();
            stream.tail = if whole == 0 { stream.tail + bytes.len() } else { bytes.len() - whole };
            let lines = stream.kept.len() > stream.tail;
            self.note(id, lines);
        } else {
            self.turn(id, pipeline);
            let Some(stream) = self.all.get_mut(&id) else { return };
            // What was begun, if anything: the turn took the rest.
            pipeline.push(&stream.kept);
            pipeline.push(&bytes[..whole]);
            self.bytes -= stream.kept.len();
            stream.kept.clear();
            stream.kept.extend_from_slice(&bytes[whole..]);
            self.bytes += stream.kept.len();
            stream.tail = stream.kept.len();
            self.note(id, pipeline.wait().is_some());
        }
        let Some(stream) = self.all.get_mut(&id) else { return };
        if stream.kept.capacity() > SMALL && stream.kept.len() < stream.kept.capacity() / 4 {
            stream.kept.shrink_to(SMALL);
        }
        let limit = pipeline.engine().options().max_record_bytes;
        if stream.tail > limit {
            self.set_apart(id, pipeline);
        }
        self.limit(limit, pipeline);
    }

    /// Takes a part of a record that is no line; counts it where it `ends`.
    pub fn part(&mut self, id: u64, bytes: &[u8], ends: bool, pipeline: &mut Pipeline) {
        let Some(stream) = self.all.get_mut(&id).filter(|stream| !stream.over) else { return };
        stream.framed = true;
        if let Some(apart) = &mut stream.apart {
            push_without_newlines(apart, bytes);
            if ends {
                apart.finish();
                self.rejoin(id);
            }
            return;
        }
        stream.kept.extend_from_slice(bytes);
        stream.tail = stream.kept.len();
        self.bytes += bytes.len();
        if ends {
            return self.end_frame(id, pipeline);
        }
        let limit = pipeline.engine().options().max_record_bytes;
        if stream.tail > limit {
            self.set_apart(id, pipeline);
        }
        self.limit(limit, pipeline);
    }

    /// Counts what is kept as one record.
    fn end_frame(&mut self, id: u64, pipeline: &mut Pipeline) {
        self.suspend(pipeline);
        let Some(stream) = self.all.get_mut(&id) else { return };
        pipeline.sent(&stream.kept, &stream.peer);
        pipeline.commit();
        self.bytes -= stream.kept.len();
        (stream.kept, stream.tail) = (Vec::new(), 0);
    }

    /// Ends a stream: what is left of it is counted.
    pub fn end(&mut self, id: u64, pipeline: &mut Pipeline) {
        self.finish(id, pipeline);
        self.all.remove(&id);
    }

    /// Ends all streams.
    pub fn end_all(&mut self, pipeline: &mut Pipeline) {
        let all: Vec<u64> = self.all.keys().copied().collect();
        for id in all {
            self.end(id, pipeline);
        }
    }

    /// When the next record may be held too long.
    pub fn due(&self, pipeline: &Pipeline) -> Option<Instant> {
        let Reverse((since, _)) = self.waits.peek()?;
        Some(*since + pipeline.engine().options().join.wait)
    }

    /// Counts the records that nothing has continued for long.
    pub fn idle(&mut self, pipeline: &mut Pipeline, now: Instant) {
        while self.due(pipeline).is_some_and(|due| due <= now) {
            let Some(Reverse((since, id))) = self.waits.pop() else { return };
            let Some(stream) = self.all.get_mut(&id) else { continue };
            match stream.since {
                // More has come since.
                Some(latest) if latest > since => self.waits.push(Reverse((latest, id))),
                Some(_) => {
                    (stream.since, stream.waits) = (None, false);
                    self.turn(id, pipeline);
                    pipeline.idle();
                }
                None => stream.waits = false,
            }
        }
    }

    /// Takes the pipeline from the stream whose turn it is.
    pub fn suspend(&mut self, pipeline: &mut Pipeline) {
        let Some(stream) = self.current.take().and_then(|id| self.all.get_mut(&id)) else { return };
        let rest = pipeline.rest();
        let counted = pipeline.offset() > stream.offset;
        if !rest.is_empty() {
            self.bytes += rest.len();
            stream.kept.splice(0..0, rest.iter().copied());
        }
        let many = rest.len() > MANY_KEPT && !counted;
        stream.retry = if many { stream.kept.len() + stream.kept.len() / 8 } else { 0 };
        (stream.offset, stream.head) = pipeline.suspend();
    }

    /// Gives the stream its turn: the pipeline has its whole lines, and `kept`
    /// the line that is begun.
    fn turn(&mut self, id: u64, pipeline: &mut Pipeline) {
        if self.current != Some(id) {
            self.suspend(pipeline);
            let Some(stream) = self.all.get_mut(&id) else { return };
            pipeline.resume_peer(&stream.peer, stream.offset, stream.head);
            self.current = Some(id);
        }
        let Some(stream) = self.all.get_mut(&id) else { return };
        let lines = stream.kept.len() - stream.tail;
        if lines > 0 {
            pipeline.push(&stream.kept[..lines]);
            stream.kept.drain(..lines);
        }
        stream.retry = 0;
        self.bytes -= lines;
    }

    /// Notes that something has come, and whether whole lines wait for more.
    fn note(&mut self, id: u64, lines: bool) {
        let Some(stream) = self.all.get_mut(&id) else { return };
        stream.since = lines.then(Instant::now);
        if let (false, Some(since)) = (stream.waits, stream.since) {
            stream.waits = true;
            self.waits.push(Reverse((since, id)));
        }
    }

    /// Has the line that the stream is in read by a pipeline of its own.
    fn set_apart(&mut self, id: u64, pipeline: &mut Pipeline) {
        if self.apart.len() >= MOST_APART
            && let Some(oldest) = self.apart.front().copied()
        {
            self.cut(oldest, pipeline);
        }
        self.turn(id, pipeline);
        // An overlong line continues nothing.
        pipeline.finish();
        self.suspend(pipeline);
        let Some(stream) = self.all.get_mut(&id) else { return };
        let mut apart = self.spare.take().unwrap_or_else(|| Box::new(pipeline.beside()));
        apart.resume_peer(&stream.peer, stream.offset, stream.head);
        if stream.framed {
            push_without_newlines(&mut apart, &stream.kept);
        } else {
            apart.push(&stream.kept);
        }
        self.bytes -= stream.kept.len();
        (stream.kept, stream.tail, stream.since) = (Vec::new(), 0, None);
        stream.apart = Some(apart);
        self.apart.push_back(id);
    }

    /// The stream's overlong line has ended.
    fn rejoin(&mut self, id: u64) {
        self.apart.retain(|other| *other != id);
        let Some(stream) = self.all.get_mut(&id) else { return };
        if let Some(mut apart) = stream.apart.take() {
            (stream.offset, stream.head) = apart.suspend();
            self.spare = Some(apart);
        }
    }

    /// Keeps what is kept within its limit.
    fn limit(&mut self, max_record_bytes: usize, pipeline: &mut Pipeline) {
        let most = KEPT_BYTES.max(4 * max_record_bytes);
        while self.bytes > most {
            let largest = self.all.iter().max_by_key(|(_, stream)| stream.kept.len());
            let Some((&id, _)) = largest.filter(|(_, stream)| !stream.kept.is_empty()) else { return };
            self.cut(id, pipeline);
        }
    }

    /// Ends a stream whose connection is still open.
    fn cut(&mut self, id: u64, pipeline: &mut Pipeline) {
        self.finish(id, pipeline);
        if let Some(stream) = self.all.get_mut(&id) {
            stream.over = true;
            stream.cut.tell();
        }
    }

    /// Counts all that there is of a stream.
    fn finish(&mut self, id: u64, pipeline: &mut Pipeline) {
        let Some(stream) = self.all.get_mut(&id).filter(|stream| !stream.over) else { return };
        if let Some(apart) = &mut stream.apart {
            apart.finish();
            return self.rejoin(id);
        }
        if stream.kept.is_empty() && self.current != Some(id) {
            return;
        }
        if stream.framed {
            return self.end_frame(id, pipeline);
        }
        self.turn(id, pipeline);
        let Some(stream) = self.all.get_mut(&id) else { return };
        pipeline.push(&stream.kept);
        self.bytes -= stream.kept.len();
        (stream.kept, stream.tail, stream.since) = (Vec::new(), 0, None);
        pipeline.finish();
        self.suspend(pipeline);
    }
}

/// To a pipeline, a newline would end the record.
fn push_without_newlines(pipeline: &mut Pipeline, bytes: &[u8]) {
    for (i, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if i > 0 {
            pipeline.push(b" ");
        }
        pipeline.push(line);
    }
}
