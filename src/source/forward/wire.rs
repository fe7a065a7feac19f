//! What a connection sends, read as far as it is needed.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::msgpack::{Head, Search, head};
use super::refusal::Refusal;

/// Bytes of one read.
const READ_BYTES: usize = 64 << 10;

/// Memory that a quiet connection keeps.
const SMALL: usize = 4 << 10;

/// A connection's bytes; what was read and not taken is kept.
#[derive(Debug)]
pub struct Wire<R> {
    reader: R,
    kept: Vec<u8>,
    at: usize,
}

impl<R: AsyncRead + Unpin> Wire<R> {
    /// Of what `reader` gives.
    pub fn new(reader: R) -> Wire<R> {
        Wire { reader, kept: Vec::new(), at: 0 }
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
            self.at = 0;
        }
    }

    /// Reads more. Whether there is any.
    pub async fn more(&mut self) -> io::Result<bool> {
        if self.at > 0 {
            self.kept.drain(..self.at);
            self.at = 0;
        }
        let before = self.kept.len();
        // Twice as much each time, so that a quiet connection needs little and a busy one reads much.
        self.kept.resize(before + before.clamp(SMALL, READ_BYTES), 0);
        let Wire { reader, kept, .. } = self;
        let read = poll_fn(|cx| {
            let mut room = ReadBuf::new(&mut kept[before..]);
            ready!(Pin::new(&mut *reader).poll_read(cx, &mut room))?;
            Poll::Ready(Ok(room.filled().len()))
        })
        .await;
        self.kept.truncate(before + *read.as_ref().unwrap_or(&0));
        Ok(read? > 0)
    }

    /// Reads more of what has begun.
    async fn more_of_it(&mut self) -> Result<(), Refusal> {
        match self.more().await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Refusal::CutOff),
        }
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

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
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
