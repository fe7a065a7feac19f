//! Fluentd's forward protocol: events in MessagePack, as Fluent Bit, Fluentd
//! and Docker's log driver send them.
//!
//! A message is read as it comes, whatever length it announces; what is kept is
//! one event, and the records of one message up to 4 MiB, so that a message of
//! usual size is counted as a whole or not at all. A message with a `chunk` is
//! acknowledged when it is counted and its events have arrived.

mod event;
mod handshake;
mod msgpack;
mod refusal;
mod wire;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::held::{Held, Memory};
use super::intake::{Counted, Intake, Status, Unit};
use super::unpack::{self, Packing, Unpacker};
use crate::source::settings::SocketSettings;
use errtally_core::fields::PeerName;
use msgpack::{Head, Search, Values};
use refusal::Refusal;
use wire::{FREE_BYTES, Wire};

/// What messages of all connections may take until they are whole.
const MEMORY_BYTES: usize = 32 << 20;

/// The longest event.
const LONGEST_EVENT: usize = 4 << 20;

/// The longest tag, and the longest map of options.
const LONGEST_WORDS: usize = 64 << 10;

/// Records of a message up to this are given when it is whole.
const WHOLE_BYTES: usize = 4 << 20;

/// Bytes of records that are given at once past that.
const BLOCK_BYTES: usize = 256 << 10;

/// What it takes to know where a record ends, and who has sent it.
const PLACE_BYTES: usize = 24;

/// What compressed entries of one message may unpack to.
const MOST_UNPACKED_BYTES: u64 = 256 << 20;

/// What all connections of a source have in common.
#[derive(Debug)]
pub struct Receiver {
    intake: Intake,
    /// What messages may take until they are whole.
    memory: Memory,
    settings: Settings,
}

/// What clients must know, where they must.
#[derive(Debug)]
pub struct Settings {
    shared_key: Option<Vec<u8>>,
}

impl Settings {
    /// Reads the file of the shared key, where there is one.
    ///
    /// # Errors
    /// When it cannot be read, or is empty.
    pub fn read(settings: &SocketSettings) -> anyhow::Result<Settings> {
        let Some(path) = &settings.shared_key_file else { return Ok(Settings { shared_key: None }) };
        let shown = path.display();
        let key = std::fs::read(path).with_context(|| {
            format!("cannot read {shown}; name the file of the shared key with shared_key_file")
        })?;
        let key = key.trim_ascii();
        if key.is_empty() {
            return Err(anyhow!("{shown} is empty; write the shared_key of the senders into it"));
        }
        Ok(Settings { shared_key: Some(key.to_vec()) })
    }
}

impl Receiver {
    /// What comes goes to `intake`.
    pub fn new(settings: Settings, intake: Intake) -> Receiver {
        Receiver { intake, memory: Memory::new(MEMORY_BYTES), settings }
    }

    /// Takes what `stream` sends until it ends, or is to be closed, or a stop is asked for and nothing
    /// comes any more.
    pub async fn take<S>(
        &self,
        stream: S,
        peer: Arc<PeerName>,
        status: &Status,
        idle: Duration,
        closing: watch::Receiver<bool>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut wire = Wire::new(stream, status, idle, &self.memory);
        // Counted before the connection is closed.
        if let Err(refusal) = self.converse(&mut wire, &peer, closing).await {
            status.refuse(refusal.kind(), Some(&peer), &refusal.to_string());
        }
    }

    async fn converse<S>(
        &self,
        wire: &mut Wire<'_, S>,
        peer: &Arc<PeerName>,
        mut closing: watch::Receiver<bool>,
    ) -> Result<(), Refusal>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if let Some(key) = &self.settings.shared_key {
            handshake::greet(wire, key).await?;
        }
        let mut leaving = false;
        loop {
            // Between two messages it may end.
            if wire.rest().is_empty() {
                let came = tokio::select! {
                    came = wire.more() => came,
                    () = async { drop(closing.wait_for(|closing| *closing).await) }, if !leaving => {
                        leaving = true;
                        wire.leave();
                        continue;
                    }
                };
                match came {
                    Ok(true) => {}
                    Err(Refusal::Idle) if !leaving => return Err(Refusal::Idle),
                    Ok(false) | Err(_) => return Ok(()),
                }
            }
            let mut gathered = Gathered::new(self, peer.clone());
            let chunk = message(wire, &mut gathered).await?;
            let last = gathered.give().await;
            drop(gathered);
            if let Some(chunk) = chunk {
                last.wait().await.map_err(|_| Refusal::Stopping)?;
                // `{"ack": chunk}`, the chunk as it came.
                wire.say(&[b"\x81\xa3ack", &chunk[..]].concat()).await?;
                // What it sends next it will send again to somebody else.
                if leaving || *closing.borrow() {
                    return Ok(());
                }
            }
        }
    }
}

fn malformed(what: &str) -> Refusal {
    Refusal::Malformed(what.to_owned())
}

/// Reads one message; gives its chunk, where it wants to be acknowledged.
async fn message<S>(wire: &mut Wire<'_, S>, gathered: &mut Gathered<'_>) -> Result<Option<Vec<u8>>, Refusal>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let parts = match wire.head().await? {
        Head::Array(parts @ 2..=4) => parts,
        // What some send to see whether the connection lives.
        Head::Nil => return Ok(None),
        Head::Array(_) => return Err(malformed("an array that has neither two, three nor four parts")),
        _ => return Err(malformed("something that is no array")),
    };
    let tag = wire.value(LONGEST_WORDS).await?;
    let tag = Values(&tag).text()?.ok_or_else(|| malformed("a tag that is no text"))?.to_vec();
    let read = match wire.peek().await?.0 {
        Head::Array(count) => {
            // Fluent Bit may have a list as the time of a single event, too: a time of its own is in it.
            wire.head().await?;
            forward(wire, &tag, count, gathered).await?;
            2
        }
        Head::Text(_) | Head::Binary(_) => {
            let length = wire.head().await?.bytes();
            packed(wire, &tag, length as u64, gathered).await?;
            2
        }
        _ if parts == 2 => return Err(malformed("a time without a record")),
        _ => {
            let time = wire.value(LONGEST_WORDS).await?;
            let record = wire.value(LONGEST_EVENT).await?;
            gathered.add(&tag, &mut Values(&[time, record].concat()))?;
            3
        }
    };
    match parts - read {
        0 => Ok(None),
        1 => option(&wire.value(LONGEST_WORDS).await?),
        _ => Err(malformed("an array with too many parts")),
    }
}

/// The chunk among the options.
fn option(option: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    let mut values = Values(option);
    let Head::Map(count) = values.head()? else { return Ok(None) };
    let mut chunk = None;
    for _ in 0..count {
        let key = values.text()?;
        let value = values.value()?;
        if key == Some(b"chunk") {
            chunk = Some(value.to_vec());
        }
    }
    Ok(chunk)
}

/// Entries in an array.
async fn forward<S>(
    wire: &mut Wire<'_, S>,
    tag: &[u8],
    count: u32,
    gathered: &mut Gathered<'_>,
) -> Result<(), Refusal>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for _ in 0..count {
        let length = wire.whole(LONGEST_EVENT).await?;
        gathered.entry(tag, &wire.rest()[..length])?;
        wire.skip(length);
        gathered.give_many().await;
    }
    Ok(())
}

/// Entries in `length` bytes, which may be compressed.
async fn packed<S>(
    wire: &mut Wire<'_, S>,
    tag: &[u8],
    mut length: u64,
    gathered: &mut Gathered<'_>,
) -> Result<(), Refusal>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // The option that says so comes behind; an entry begins with neither of these bytes.
    while wire.rest().len() < 4 && (wire.rest().len() as u64) < length {
        wire.more_of_it().await?;
    }
    let head = wire.rest();
    let packing = Packing::by_magic(&head[..head.len().min(usize::try_from(length).unwrap_or(4))]);
    let allowed = if packing == Packing::Plain { u64::MAX } else { MOST_UNPACKED_BYTES };
    let mut unpacker = Unpacker::new(packing, allowed).map_err(|e| Refusal::Bomb(e.to_string()))?;
    let held = gathered.receiver.memory.hold();
    let mut entries = Entries { bytes: Vec::new(), search: None, held };
    while length > 0 {
        let most = usize::try_from(length).unwrap_or(usize::MAX);
        let mut some = wire.some(most).await?;
        let before = some.len();
        // To its end, also where a step makes much of little.
        loop {
            let made = entries.bytes.len();
            unpacker.step(&mut some, &mut entries.bytes).map_err(unpacked)?;
            let none = entries.bytes.len() == made;
            entries.take(tag, gathered).await?;
            if entries.bytes.len() > FREE_BYTES && !entries.held.grow_to(entries.bytes.capacity()) {
                return Err(Refusal::Memory);
            }
            if some.is_empty() && (none || packing == Packing::Plain) {
                break;
            }
        }
        wire.skip(before);
        length -= before as u64;
    }
    unpacker.end(&mut entries.bytes).map_err(unpacked)?;
    entries.take(tag, gathered).await?;
    if entries.bytes.is_empty() { Ok(()) } else { Err(malformed("entries that end within one")) }
}

fn unpacked(refused: unpack::Refused) -> Refusal {
    match refused {
        unpack::Refused::Bomb(_) => Refusal::Bomb(refused.to_string()),
        _ => Refusal::Malformed(format!("compressed entries: {refused}")),
    }
}

/// Entries behind each other, as they come.
#[derive(Debug)]
struct Entries {
    bytes: Vec<u8>,
    search: Option<Search>,
    held: Held,
}

impl Entries {
    /// Takes those that are whole.
    async fn take(&mut self, tag: &[u8], gathered: &mut Gathered<'_>) -> Result<(), Refusal> {
        let mut at = 0;
        let mut search = self.search.take().unwrap_or_else(Search::new);
        while at < self.bytes.len() {
            let found = search.end(&self.bytes[at..])?;
            if search.needed() > LONGEST_EVENT {
                return Err(Refusal::TooLarge);
            }
            let Some(length) = found else { break };
            gathered.entry(tag, &self.bytes[at..at + length])?;
            at += length;
            search = Search::new();
            gathered.give_many().await;
        }
        self.bytes.drain(..at);
        self.search = Some(search);
        Ok(())
    }
}

/// The records of a message.
struct Gathered<'r> {
    receiver: &'r Receiver,
    peer: Arc<PeerName>,
    held: Held,
    /// They are given before the message is whole.
    early: bool,
    bytes: Vec<u8>,
    records: Vec<(Range<usize>, Arc<PeerName>)>,
}

impl<'r> Gathered<'r> {
    fn new(receiver: &'r Receiver, peer: Arc<PeerName>) -> Gathered<'r> {
        let held = receiver.memory.hold();
        Gathered { receiver, peer, held, early: false, bytes: Vec::new(), records: Vec::new() }
    }

    /// Adds an entry: a time and a record in an array.
    fn entry(&mut self, tag: &[u8], entry: &[u8]) -> Result<(), Refusal> {
        let mut values = Values(entry);
        match values.head()? {
            Head::Array(2..) => self.add(tag, &mut values),
            _ => Err(malformed("an entry that is no array of a time and a record")),
        }
    }

    fn add(&mut self, tag: &[u8], event: &mut Values<'_>) -> Result<(), Refusal> {
        let start = self.bytes.len();
        event::write(tag, event, &mut self.bytes)?;
        self.records.push((start..self.bytes.len(), self.peer.clone()));
        Ok(())
    }

    /// Gives what there is, where it is too much to be kept.
    async fn give_many(&mut self) {
        let size = self.bytes.len() + PLACE_BYTES * self.records.len();
        self.early = self.early || size > WHOLE_BYTES || !self.held.grow_to(size);
        if self.early && size >= BLOCK_BYTES {
            self.give().await;
        }
    }

    async fn give(&mut self) -> Counted {
        let (bytes, records) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.records));
        let room = self.receiver.intake.room(bytes.len()).await;
        self.receiver.intake.give(Unit::Records { bytes, records }, room)
    }
}
