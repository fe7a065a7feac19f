//! The body of a request, unpacked, as it comes.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body as Raw, Bytes, HttpBody};

use super::refusal::Refusal;
use crate::server::Connection;
use crate::source::intake::Status;
use crate::source::unpack::{Packing, Refused, Unpacker};

/// What a body may unpack to.
const MOST_UNPACKED_BYTES: u64 = 256 << 20;

/// What is taken of a body that is refused, and for how long.
const MOST_DRAINED_BYTES: usize = 64 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// A body that is read.
pub struct Body<'r> {
    raw: &'r mut Raw,
    /// What has come and is not unpacked.
    frame: Bytes,
    unpacker: Unpacker,
    packing: Packing,
    /// The last step has made something: there may be more of it.
    made: bool,
    over: bool,
    connection: Arc<Connection>,
    status: &'r Status,
}

impl<'r> Body<'r> {
    /// Of a request on this connection.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn new(
        raw: &'r mut Raw,
        packing: Packing,
        connection: Arc<Connection>,
        status: &'r Status,
    ) -> Result<Body<'r>, Refusal> {
        // What comes as it is takes as long as it takes, and no room.
        let allowed = if packing == Packing::Plain { u64::MAX } else { MOST_UNPACKED_BYTES };
        let unpacker = Unpacker::new(packing, allowed).map_err(|_| Refusal::Busy)?;
        Ok(Body { raw, frame: Bytes::new(), unpacker, packing, made: false, over: false, connection, status })
    }

    /// Adds some of what is next to `out`; whether there is any.
    ///
    /// # Errors
    /// When the sender has left, or what it sent does not unpack.
    pub async fn read(&mut self, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        let before = out.len();
        while out.len() == before {
            if self.over {
                return Ok(false);
            }
            // Without packing an empty step is the end of the frame.
            if self.frame.is_empty() && !(self.made && self.packing != Packing::Plain) {
                self.frame = match self.next_frame().await? {
                    Some(frame) => frame,
                    None => {
                        self.over = true;
                        self.unpacker.end(out).map_err(refusal)?;
                        continue;
                    }
                };
            }
            let mut rest = &self.frame[..];
            self.unpacker.step(&mut rest, out).map_err(refusal)?;
            let taken = self.frame.len() - rest.len();
            let _ = self.frame.split_to(taken);
            self.made = out.len() > before;
        }
        Ok(true)
    }

    /// What comes next of the body.
    async fn next_frame(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            self.connection.sending();
            let frame = std::future::poll_fn(|cx| Pin::new(&mut *self.raw).poll_frame(cx)).await;
            self.connection.asked();
            match frame.transpose().map_err(|_| Refusal::Left)? {
                // Trailers say nothing.
                Some(frame) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => {
                        self.status.receive(data.len());
                        return Ok(Some(data));
                    }
                    Err(_) => {}
                },
                None => return Ok(None),
            }
        }
    }
}

/// Takes what the sender of a refused request still sends, for a while: else the
/// connection would be reset, and the answer lost.
pub async fn drain(raw: &mut Raw) {
    let mut left = MOST_DRAINED_BYTES;
    let all = async {
        while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut *raw).poll_frame(cx)).await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(length) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    // Whoever is slower does not get the answer.
    let _ = tokio::time::timeout(DRAIN_TIME, all).await;
}

fn refusal(refused: Refused) -> Refusal {
    match refused {
        Refused::Bomb(_) => Refusal::Bomb(refused.to_string()),
        Refused::Broken(_) | Refused::CutOff => Refusal::Malformed(refused.to_string()),
    }
}
