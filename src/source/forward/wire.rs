//! What a connection sends, read as far as it is needed.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

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

    /// The stream, to be written to.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.reader
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
        self.kept.reserve(if self.kept.is_empty() { SMALL } else { READ_BYTES });
        Ok(self.reader.read_buf(&mut self.kept).await? > 0)
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
