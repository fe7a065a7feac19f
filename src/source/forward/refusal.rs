//! Why a connection is closed by us.

use thiserror::Error;

use super::msgpack::Broken;
use crate::source::intake::Refusal as Kind;

/// Why a connection is closed by us.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// What comes is no MessagePack, or no message of the protocol.
    #[error("what it sends is no message of Fluentd's forward protocol: {0}")]
    Malformed(String),
    /// Something is longer than is taken.
    #[error("an event of more than 4 MiB, or a tag or an option of more than 64 KiB")]
    TooLarge,
    /// Entries unpack to more than is taken.
    #[error("compressed entries: {0}")]
    Bomb(String),
    /// It ends within a message.
    #[error("it ended within a message: what of it is not acknowledged may come again")]
    CutOff,
    /// It has another shared key, or none.
    #[error("{0}")]
    Key(&'static str),
    /// What it has begun takes memory that others need.
    #[error("what it has begun takes memory that others need: what of it is not acknowledged may come again")]
    Memory,
    /// It was quiet for too long.
    #[error("nothing came for socket.idle_timeout")]
    Idle,
    /// Nothing can be written to it.
    #[error("it does not take acknowledgements")]
    Deaf,
    /// The source ends.
    #[error("errtally is stopping")]
    Stopping,
}

impl Refusal {
    /// The kind by which it is counted.
    pub fn kind(&self) -> Kind {
        match self {
            Refusal::Malformed(_) => Kind::Malformed,
            Refusal::TooLarge => Kind::TooLarge,
            Refusal::Bomb(_) => Kind::Bomb,
            Refusal::CutOff => Kind::Left,
            Refusal::Key(_) => Kind::Unauthorized,
            Refusal::Memory => Kind::Memory,
            Refusal::Idle => Kind::Idle,
            Refusal::Deaf => Kind::Broken,
            Refusal::Stopping => Kind::Stopping,
        }
    }
}

impl From<Broken> for Refusal {
    fn from(broken: Broken) -> Refusal {
        Refusal::Malformed(broken.to_string())
    }
}
