//! The way from many senders to one pipeline.
//!
//! A source that many send to has a thread that counts, as every source, and a
//! runtime with a task for each connection. A task asks for [`Room`] in a queue
//! that is bounded in bytes, reads, and gives what it has read. While there is
//! no room it reads nothing, so that its sender waits as well; one whose
//! protocol can say so asks for room [within a time](Intake::room_within)
//! instead. The thread, a [`Counter`], takes what is queued in the order in
//! which it came.
//!
//! What is given is either a piece of a [stream](Stream) of lines, cut anywhere,
//! or a [`Unit`] of whole records. Of a stream the counter keeps what lies
//! behind the last record that is complete, as long as it lives, so that lines
//! of two connections are never joined. A unit is answered for: [`Counted`]
//! resolves when it is counted and its events have arrived.
//!
//! Dropping the last [`Intake`] and [`Stream`] ends the counter: what was given
//! until then is counted.

mod counter;
mod status;
mod streams;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

pub use counter::Counter;
use errtally_core::fields::PeerName;
pub use status::{Refusal, Status};

/// Bytes that are given and not yet counted, of all senders together.
pub const QUEUE_BYTES: usize = 4 << 20;

/// Bytes of one read, at most: as much as the pipeline takes at once.
pub const READ_BYTES: usize = errtally_core::framing::READ_BYTES;

/// Buffers that wait for the next read.
const SPARE_BUFFERS: usize = 8;

/// The tasks' side of the queue.
#[derive(Clone, Debug)]
pub struct Intake {
    items: mpsc::Sender<Item>,
    room: Arc<Semaphore>,
    buffers: Arc<Buffers>,
    next: Arc<AtomicU64>,
}

/// Room for so many bytes, until what is given with it is counted.
#[derive(Debug)]
pub struct Room(OwnedSemaphorePermit);

/// There was no room within the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// What is no longer counted: the source has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// Whole records.
#[derive(Debug)]
pub enum Unit {
    /// Lines, of which each is a record or a part of the one before. The last
    /// may lack its newline, and nothing continues it.
    Lines {
        /// Their bytes.
        bytes: Vec<u8>,
        /// Who has sent them.
        peer: Arc<PeerName>,
    },
    /// Records, whatever bytes are in them.
    Records {
        /// What they stand in.
        bytes: Vec<u8>,
        /// Where each stands, and who has sent it.
        records: Vec<(Range<usize>, Arc<PeerName>)>,
    },
}

/// Resolves when a unit is counted and its events have arrived.
#[derive(Debug)]
pub struct Counted(oneshot::Receiver<()>);

impl Counted {
    /// Waits for it.
    ///
    /// # Errors
    /// When the source ends before, and nobody knows whether it is counted.
    pub async fn wait(self) -> Result<(), Lost> {
        self.0.await.map_err(|_| Lost)
    }
}

/// What is queued.
#[derive(Debug)]
struct Item {
    what: What,
    /// Given back when this is counted.
    room: Option<Room>,
}

#[derive(Debug)]
enum What {
    Begin(u64, Arc<PeerName>, Arc<Cut>),
    Lines(u64, Chunk),
    Part(u64, Chunk, Ends),
    End(u64),
    Unit(Unit, oneshot::Sender<()>),
}

/// Whether a record that comes in parts ends with this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It goes on.
    No,
    /// It does.
    Yes,
}

/// Bytes that were read.
#[derive(Debug)]
pub struct Chunk {
    buffer: Vec<u8>,
    length: usize,
}

impl Chunk {
    /// The first `length` bytes of `buffer`, which [`Intake::buffer`] gave.
    pub fn new(buffer: Vec<u8>, length: usize) -> Chunk {
        debug_assert!(length <= buffer.len());
        Chunk { buffer, length }
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl From<Vec<u8>> for Chunk {
    fn from(buffer: Vec<u8>) -> Chunk {
        let length = buffer.len();
        Chunk { buffer, length }
    }
}

/// Buffers of [`READ_BYTES`], used again and again: making one costs as much as
/// filling it.
#[derive(Debug, Default)]
struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    fn take(&self) -> Vec<u8> {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| vec![0; READ_BYTES])
    }

    fn give_back(&self, buffer: Vec<u8>) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.len() == READ_BYTES && spare.len() < SPARE_BUFFERS {
            spare.push(buffer);
        }
    }
}

/// A wish of the counter to have a connection closed.
#[derive(Debug, Default)]
struct Cut {
    is: AtomicBool,
    told: Notify,
}

impl Cut {
    fn tell(&self) {
        self.is.store(true, Ordering::Release);
        self.told.notify_one();
    }
}

impl Intake {
    /// A queue, and what counts what comes through it.
    pub fn new() -> (Intake, Counter) {
        let (items, queue) = mpsc::channel();
        let buffers = Arc::<Buffers>::default();
        let room = Arc::new(Semaphore::new(QUEUE_BYTES));
        let intake = Intake { items, room, buffers: buffers.clone(), next: Arc::default() };
        (intake, Counter::new(queue, buffers))
    }

    /// Waits for room for so many bytes; more than the queue holds have all of
    /// it. Who asks first gets it first.
    pub async fn room(&self, bytes: usize) -> Room {
        let bytes = u32::try_from(bytes.clamp(1, QUEUE_BYTES)).unwrap_or(u32::MAX);
        match self.room.clone().acquire_many_owned(bytes).await {
            Ok(permit) => Room(permit),
            // Nobody closes it.
            Err(_) => std::future::pending().await,
        }
    }

    /// As [`room`](Intake::room), waiting at most for `time`.
    ///
    /// # Errors
    /// When there is none.
    pub async fn room_within(&self, bytes: usize, time: Duration) -> Result<Room, Full> {
        tokio::time::timeout(time, self.room(bytes)).await.map_err(|_| Full)
    }

    /// A buffer of [`READ_BYTES`] to read into.
    pub fn buffer(&self) -> Vec<u8> {
        self.buffers.take()
    }

    /// What was read into a [`buffer`](Intake::buffer): little of it does not
    /// keep the whole of it. Gives the memory that it takes as well.
    pub fn compact(&self, buffer: Vec<u8>, length: usize) -> (Vec<u8>, usize) {
        if length >= READ_BYTES / 8 {
            let memory = buffer.len();
            return (buffer, memory);
        }
        let few = buffer[..length].to_vec();
        self.buffers.give_back(buffer);
        (few, length)
    }

    /// Gives a buffer back that nothing was read into.
    pub fn unused(&self, buffer: Vec<u8>) {
        self.buffers.give_back(buffer);
    }

    /// Gives whole records; without room, where what has it is given next.
    pub fn give(&self, unit: Unit, room: impl Into<Option<Room>>) -> Counted {
        let (done, counted) = oneshot::channel();
        self.send(What::Unit(unit, done), room.into());
        Counted(counted)
    }

    /// Begins a stream of lines.
    pub fn stream(&self, peer: Arc<PeerName>) -> Stream {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let cut = Arc::<Cut>::default();
        self.send(What::Begin(id, peer, cut.clone()), None);
        Stream { intake: self.clone(), id, cut }
    }

    fn send(&self, what: What, room: Option<Room>) {
        // The counter has ended only where events cannot be written any more,
        // and then the process does.
        let _ = self.items.send(Item { what, room });
    }
}

impl Room {
    /// Keeps room for `bytes` and gives the rest back.
    pub fn shrink(&mut self, bytes: usize) {
        let spare = self.0.num_permits().saturating_sub(bytes.max(1));
        drop(self.0.split(spare));
    }
}

/// A stream of lines of one connection. It ends when this is dropped: what it
/// has behind its last newline is a record then.
#[derive(Debug)]
pub struct Stream {
    intake: Intake,
    id: u64,
    cut: Arc<Cut>,
}

impl Stream {
    /// Gives what comes next, cut anywhere.
    pub fn lines(&self, chunk: Chunk, room: impl Into<Option<Room>>) {
        self.intake.send(What::Lines(self.id, chunk), room.into());
    }

    /// Gives a part of a record, whatever bytes are in it. A stream that has
    /// given one gives no lines.
    pub fn part(&self, chunk: Chunk, ends: Ends, room: impl Into<Option<Room>>) {
        self.intake.send(What::Part(self.id, chunk, ends), room.into());
    }

    /// Waits until the connection is to be closed, since what it has begun and
    /// not ended takes memory that others need. What it has given is counted.
    pub async fn cut(&self) {
        while !self.cut.is.load(Ordering::Acquire) {
            self.cut.told.notified().await;
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.intake.send(What::End(self.id), None);
    }
}
