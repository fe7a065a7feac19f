//! What a connection sends, read as far as it is needed.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use super::msgpack::{Head, Search, head};
use super::refusal::Refusal;
use crate::source::held::{Held, Memory};
use crate::source::intake::Status;

/// Bytes of one read.
const READ_BYTES: usize = 64 << 10;

/// How long a sender may be quiet, once a stop was asked for, before it is
/// taken to have sent all.
const LEAVE_QUIET: Duration = Duration::from_millis(250);

/// What every connection may keep, whatever the others do.
pub const FREE_BYTES: usize = 128 << 10;

/// Memory that a quiet connection keeps.
const SMALL: usize = 4 << 10;

/// A connection's bytes; what was read and not taken is kept.
pub struct Wire<'s, R> {
    reader: R,
    status: &'s Status,
    /// How long nothing may come; zero for ever.
    quiet: Duration,
    /// The memory of what is kept, where that is much.
    held: Held,
    kept: Vec<u8>,
    at: usize,
}

impl<'s, R: AsyncRead + Unpin> Wire<'s, R> {
    /// Of what `reader` gives.
    pub fn new(reader: R, status: &'s Status, quiet: Duration, memory: &Memory) -> Wire<'s, R> {
        Wire { reader, status, quiet, held: memory.hold(), kept: Vec::new(), at: 0 }
    }

    /// From now on whoever is quiet for a moment is taken to have sent all.
    /// A read that was under way, of which nothing had come, may be forgotten.
    pub fn leave(&mut self) {
        self.kept.clear();
        self.at = 0;
        self.quiet = LEAVE_QUIET;
    }

    /// What was read and not taken.
    pub fn rest(&self) -> &[u8] {
        &self.kept[self.at..]
    }

    /// Takes so many bytes of the rest.
    pub fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.kept.len());
        if self.at == self.kept.len() {
            self.kept.clear();
            self.kept.shrink_to(SMALL);
            self.held.release();
            self.at = 0;
        }
    }

    /// Reads more. Whether there is any.
    ///
    /// # Errors
    /// When nothing comes for too long, or the connection is broken.
    pub async fn more(&mut self) -> Result<bool, Refusal> {
        if self.at > 0 {
            self.kept.drain(..self.at);
            self.at = 0;
        }
        let before = self.kept.len();
        // Twice as much each time, so that a quiet connection needs little and a busy one reads much.
        let after = before + before.clamp(SMALL, READ_BYTES);
        if after > FREE_BYTES && !self.held.grow_to(after.next_power_of_two()) {
            return Err(Refusal::Memory);
        }
        self.kept.resize(after, 0);
        let Wire { reader, kept, quiet, .. } = self;
        let read = poll_fn(|cx| {
            let mut room = ReadBuf::new(&mut kept[before..]);
            ready!(Pin::new(&mut *reader).poll_read(cx, &mut room))?;
            Poll::Ready(io::Result::Ok(room.filled().len()))
        });
        let read = if quiet.is_zero() {
            read.await.map_err(|_| Refusal::CutOff)
        } else {
            let read = timeout(*quiet, read).await;
            read.map_or(Err(Refusal::Idle), |read| read.map_err(|_| Refusal::CutOff))
        };
        self.kept.truncate(before + *read.as_ref().unwrap_or(&0));
        let length = read?;
        self.status.receive(length);
        Ok(length > 0)
    }

    /// Reads more of what has begun.
    pub async fn more_of_it(&mut self) -> Result<(), Refusal> {
        if self.more().await? { Ok(()) } else { Err(Refusal::CutOff) }
    }

    /// What the next value begins with, and how long that is; it is not taken.
    pub async fn peek(&mut self) -> Result<(Head, usize), Refusal> {
        loop {
            if let Some(found) = head(self.rest())? {
                return Ok(found);
            }
            self.more_of_it().await?;
        }
    }

    /// What the next value begins with.
    pub async fn head(&mut self) -> Result<Head, Refusal> {
        let (head, length) = self.peek().await?;
        self.skip(length);
        Ok(head)
    }

    /// The length of the next value, all of which is in the rest then.
    pub async fn whole(&mut self, longest: usize) -> Result<usize, Refusal> {
        let mut search = Search::new();
        loop {
            let found = search.end(self.rest())?;
            if search.needed() > longest {
                return Err(Refusal::TooLarge);
            }
            if let Some(length) = found {
                return Ok(length);
            }
            self.more_of_it().await?;
        }
    }

    /// The next value as it stands.
    pub async fn value(&mut self, longest: usize) -> Result<Vec<u8>, Refusal> {
        let length = self.whole(longest).await?;
        let value = self.rest()[..length].to_vec();
        self.skip(length);
        Ok(value)
    }

    /// The next bytes, at most so many; some at least.
    pub async fn some(&mut self, most: usize) -> Result<&[u8], Refusal> {
        if self.rest().is_empty() {
            self.more_of_it().await?;
        }
        let rest = self.rest();
        Ok(&rest[..rest.len().min(most)])
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<'_, S> {
    /// Writes all of `bytes`.
    pub async fn say(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        let all = poll_fn(|cx| {
            while !bytes.is_empty() {
                let written = ready!(Pin::new(&mut self.reader).poll_write(cx, bytes))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                bytes = &bytes[written..];
            }
            Pin::new(&mut self.reader).poll_flush(cx)
        });
        all.await.map_err(|_| Refusal::Deaf)
    }
}
