//! One connection: read while there is room, framed, given to the counter.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::timeout;

use super::framing::{Bad, Begins, Frames, Piece};
use crate::config::SocketSettings;
use crate::source::format::{Format, HEAD_BYTES};
use crate::source::forward;
use crate::source::intake::{Chunk, Ends, Intake, READ_BYTES, Refusal, Room, Status, Stream, Unit};
use crate::source::pace::{PAUSE, Pace};
use errtally_core::fields::PeerName;

/// How long a sender may be quiet, once a stop was asked for, before it is
/// taken to have seen that.
const LEAVE_QUIET: Duration = Duration::from_millis(250);

/// How long it may take to tell it.
const SHUTDOWN_WAIT: Duration = Duration::from_millis(100);

/// What the kernel holds of a connection at least, before its sender waits.
const KERNEL_ROOM: usize = 64 << 10;

/// What all connections of a source have in common.
pub struct Shared {
    pub settings: SocketSettings,
    /// Where they speak the forward protocol.
    pub forward: Option<forward::Receiver>,
    pub intake: Intake,
    pub status: Arc<Status>,
    /// Set when a stop is asked for.
    pub closing: watch::Receiver<bool>,
}

/// What a read has brought.
enum Read {
    Bytes(Vec<u8>, usize, Room),
    End,
    Quiet,
}

/// Takes what `io` sends until it ends, fails or is refused.
pub async fn take<S: AsyncRead + AsyncWrite + Unpin>(mut io: S, peer: Arc<PeerName>, shared: Arc<Shared>) {
    if let Some(receiver) = &shared.forward {
        return receiver
            .take(io, peer, &shared.status, shared.settings.idle_timeout, shared.closing.clone())
            .await;
    }
    let Shared { settings, intake, status, .. } = &*shared;
    let mut closing = shared.closing.clone();
    let stream = intake.stream(peer.clone());
    let mut taking = Taking { shared: &shared, peer: &peer, stream: &stream, mode: Mode::Open(Vec::new()) };
    let mut pace = Pace::new(Instant::now(), KERNEL_ROOM);
    let mut leaving = false;
    loop {
        let quiet = match (leaving, settings.idle_timeout) {
            (true, _) => Some(LEAVE_QUIET),
            (false, Duration::ZERO) => None,
            (false, idle) => Some(idle),
        };
        let read = tokio::select! {
            read = read(&mut io, intake, quiet) => read,
            () = stream.cut() => {
                status.refuse(Refusal::Memory, Some(&peer), "");
                return;
            }
            () = async { drop(closing.wait_for(|closing| *closing).await) }, if !leaving => {
                leaving = true;
                // Who looks at it sends no more, and closes.
                let shutdown = poll_fn(|cx| Pin::new(&mut io).poll_shutdown(cx));
                let _ = timeout(SHUTDOWN_WAIT, shutdown).await;
                continue;
            }
        };
        match read {
            Ok(Read::Bytes(buffer, length, room)) => {
                status.receive(length);
                let given = taking.bytes(buffer, length, room);
                // A sender that writes line by line is not to wake us for each.
                if !leaving && pace.after(length, Instant::now) {
                    tokio::time::sleep(PAUSE).await;
                }
                if let Err(bad) = given {
                    let refusal = if bad == Bad::TooLong { Refusal::FrameTooLong } else { Refusal::Frame };
                    status.refuse(refusal, Some(&peer), "");
                    return;
                }
            }
            Ok(Read::End) => break,
            Ok(Read::Quiet) if leaving => break,
            Ok(Read::Quiet) => {
                status.refuse(Refusal::Idle, Some(&peer), "");
                break;
            }
            Err(error) => {
                status.refuse(Refusal::Broken, Some(&peer), &error.to_string());
                break;
            }
        }
    }
    taking.end();
}

/// The next bytes. A connection that sends nothing has no buffer and no room.
async fn read<S: AsyncRead + Unpin>(
    io: &mut S,
    intake: &Intake,
    quiet: Option<Duration>,
) -> io::Result<Read> {
    // Since when nothing came; what waited for room meanwhile was not quiet.
    let mut since = None;
    loop {
        let mut room = intake.room(READ_BYTES).await;
        let mut buffer = intake.buffer();
        let mut filled = ReadBuf::new(&mut buffer);
        let ready = poll_fn(|cx| Poll::Ready(Pin::new(&mut *io).poll_read(cx, &mut filled))).await;
        let length = filled.filled().len();
        match ready {
            Poll::Ready(Ok(())) if length > 0 => {
                let (buffer, memory) = intake.compact(buffer, length);
                room.shrink(memory);
                return Ok(Read::Bytes(buffer, length, room));
            }
            Poll::Ready(result) => {
                intake.unused(buffer);
                return result.map(|()| Read::End);
            }
            Poll::Pending => {
                intake.unused(buffer);
                drop(room);
            }
        }
        let since = *since.get_or_insert_with(Instant::now);
        // This task is woken when there is something to read.
        let mut asleep = true;
        let woken = poll_fn(|_| if std::mem::take(&mut asleep) { Poll::Pending } else { Poll::Ready(()) });
        match quiet.map(|quiet| quiet.saturating_sub(since.elapsed())) {
            Some(Duration::ZERO) => return Ok(Read::Quiet),
            // The end of the time wakes it as well.
            Some(left) => drop(timeout(left, woken).await),
            None => woken.await,
        }
    }
}

/// How the connection frames its records.
enum Mode {
    /// Not told yet; its first bytes.
    Open(Vec<u8>),
    Lines,
    Frames(Frames),
}

/// Gives what comes to the counter.
struct Taking<'t> {
    shared: &'t Shared,
    peer: &'t Arc<PeerName>,
    stream: &'t Stream,
    mode: Mode,
}

impl Taking<'_> {
    fn bytes(&mut self, buffer: Vec<u8>, length: usize, room: Room) -> Result<(), Bad> {
        let intake = &self.shared.intake;
        match &mut self.mode {
            Mode::Lines => {
                self.stream.lines(Chunk::new(buffer, length), room);
                Ok(())
            }
            Mode::Frames(_) => self.frames(buffer, length, room),
            Mode::Open(head) => {
                head.extend_from_slice(&buffer[..length]);
                let begins = Begins::of(self.shared.settings.framing, head);
                if begins == Begins::Open {
                    intake.unused(buffer);
                    return Ok(());
                }
                let name = Format::of(&head[..head.len().min(HEAD_BYTES)]).name();
                if let Some(name) = name {
                    self.shared.status.begins_undecoded(self.peer, name);
                }
                let head = std::mem::take(head);
                intake.unused(buffer);
                self.decided(begins, head, room)
            }
        }
    }

    fn decided(&mut self, begins: Begins, head: Vec<u8>, room: Room) -> Result<(), Bad> {
        if begins == Begins::Frames {
            self.mode = Mode::Frames(Frames::default());
            let length = head.len();
            return self.frames(head, length, room);
        }
        self.mode = Mode::Lines;
        self.stream.lines(Chunk::from(head), room);
        Ok(())
    }

    /// Gives the frames in `buffer`; what was sent before a mistake is given, too.
    fn frames(&mut self, buffer: Vec<u8>, length: usize, room: Room) -> Result<(), Bad> {
        let Mode::Frames(frames) = &mut self.mode else { return Ok(()) };
        let bytes = &buffer[..length];
        let mut records = Vec::new();
        let mut begun = None;
        let mut at = 0;
        let result = loop {
            match frames.next(bytes, at) {
                Ok(Some((piece, end))) => {
                    at = end;
                    match piece {
                        Piece::Whole(range) => records.push((range, self.peer.clone())),
                        Piece::Part(range, true) => {
                            self.stream.part(Chunk::from(bytes[range].to_vec()), Ends::Yes, None);
                        }
                        Piece::Part(range, false) => begun = Some(Chunk::from(bytes[range].to_vec())),
                    }
                }
                Ok(None) => break Ok(()),
                Err(bad) => break Err(bad),
            }
        };
        // The room is given back with what is counted last.
        let (whole, part) = if begun.is_some() { (None, Some(room)) } else { (Some(room), None) };
        if !records.is_empty() || whole.is_some() {
            // Nobody is answered.
            let _ = self.shared.intake.give(Unit::Records { bytes: buffer, records }, whole);
        }
        if let Some(begun) = begun {
            self.stream.part(begun, Ends::No, part);
        }
        result
    }

    /// The connection has ended.
    fn end(self) {
        match self.mode {
            // Digits alone: a line.
            Mode::Open(head) if !head.is_empty() => self.stream.lines(Chunk::from(head), None),
            Mode::Frames(frames) if frames.is_within() => {
                self.shared.status.refuse(Refusal::Unfinished, Some(self.peer), "");
            }
            _ => {}
        }
    }
}
