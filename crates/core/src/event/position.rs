//! Where a record stands: the member `source` of an event.

use std::io::Write as _;

use super::{MAX_ID_BYTES, cut, write_string};
use crate::fields::{Envelope, FileName, PeerName};

/// Bytes of the path of a file.
pub const MAX_PATH_BYTES: usize = 4096;

/// Where a record stands.
#[derive(Clone, Copy)]
pub enum Position<'p> {
    /// In a stream of bytes, from its start.
    Byte(u64),
    /// In a file, so many bytes from its start.
    File(&'p FileName, u64),
    /// In a topic.
    Message(&'p dyn Envelope),
    /// Sent by a peer; in its stream, where it sends one, so many bytes from its start.
    Peer(&'p PeerName, Option<u64>),
}

impl Position<'_> {
    /// Writes it as an object.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        match self {
            Position::Byte(offset) => {
                out.extend_from_slice(b"{\"type\":\"stdin\",\"offset\":");
                out.extend_from_slice(itoa::Buffer::new().format(offset).as_bytes());
                out.push(b'}');
            }
            Position::File(file, offset) => in_file(file, offset, out),
            Position::Peer(peer, offset) => of_peer(peer, offset, out),
            Position::Message(m) => {
                out.extend_from_slice(b"{\"type\":\"kafka\",\"topic\":");
                write_string(&m.topic(), out);
                // Writing to memory cannot fail.
                let _ = write!(out, ",\"partition\":{},\"offset\":{}}}", m.partition(), m.offset());
            }
        }
    }
}

fn of_peer(peer: &PeerName, offset: Option<u64>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":");
    write_string(peer.kind, out);
    if let Some(address) = peer.get() {
        out.extend_from_slice(b",\"peer\":");
        write_string(&cut(address, MAX_ID_BYTES), out);
    }
    // Writing to memory cannot fail.
    if let Some(port) = peer.port {
        let _ = write!(out, ",\"port\":{port}");
    }
    if let Some(offset) = offset {
        let _ = write!(out, ",\"offset\":{offset}");
    }
    out.push(b'}');
}

fn in_file(file: &FileName, offset: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"file\",\"file\":");
    write_string(&cut(&file.path, MAX_PATH_BYTES), out);
    out.extend_from_slice(b",\"offset\":");
    out.extend_from_slice(itoa::Buffer::new().format(offset).as_bytes());
    if let Some(container) = &file.container {
        let members: [(&[u8], &str); 3] = [
            (b",\"namespace\":", &container.namespace),
            (b",\"pod\":", &container.pod),
            (b",\"container\":", &container.container),
        ];
        for (name, value) in members {
            out.extend_from_slice(name);
            write_string(&cut(value, MAX_ID_BYTES), out);
        }
    }
    out.push(b'}');
}
