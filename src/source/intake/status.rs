//! What a source that others send to has taken and refused, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

use errtally_core::fields::PeerName;

/// State and counters of such a source, shared by its tasks and the exporter.
#[derive(Debug)]
pub struct Status {
    /// The name of the source, for the log.
    source: String,
    open: AtomicU64,
    accepted: AtomicU64,
    received: AtomicU64,
    undecoded: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    /// The inode of the socket whose datagrams the kernel may drop.
    datagrams: AtomicU64,
}

/// Why something is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There were as many connections as there may be.
    Connections,
    /// The TLS handshake failed or took too long.
    Handshake,
    /// The connection was quiet for too long.
    Idle,
    /// No length stood where one had to.
    Frame,
    /// A frame was announced that is longer than any may be.
    FrameTooLong,
    /// The connection ended within a frame: what had come is counted.
    Unfinished,
    /// What was begun and not ended took memory that others needed: it is
    /// counted, and the connection closed.
    Memory,
    /// A datagram was longer than what is taken of one.
    Truncated,
    /// The connection broke.
    Broken,
}

impl Refusal {
    /// All.
    pub const ALL: [Refusal; 9] = [
        Refusal::Connections,
        Refusal::Handshake,
        Refusal::Idle,
        Refusal::Frame,
        Refusal::FrameTooLong,
        Refusal::Unfinished,
        Refusal::Memory,
        Refusal::Truncated,
        Refusal::Broken,
    ];

    /// The value of the label `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::Connections => "connections",
            Refusal::Handshake => "handshake",
            Refusal::Idle => "idle",
            Refusal::Frame => "frame",
            Refusal::FrameTooLong => "frame_too_long",
            Refusal::Unfinished => "unfinished",
            Refusal::Memory => "memory",
            Refusal::Truncated => "truncated",
            Refusal::Broken => "broken",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Refusal::Connections => {
                "a connection is refused: there are as many as socket.max_connections allows"
            }
            Refusal::Handshake => "a TLS handshake failed",
            Refusal::Idle => "a connection is closed: it was quiet for socket.idle_timeout",
            Refusal::Frame => "a connection is closed: no length of a frame stands where one must",
            Refusal::FrameTooLong => "a connection is closed: it announces a frame of more than 64 MiB",
            Refusal::Unfinished => "a connection has ended within a frame: what had come is counted",
            Refusal::Memory => {
                "a connection is closed: what it began and did not end takes memory that others need; it is counted"
            }
            Refusal::Truncated => "a datagram is longer than what is taken of one: its beginning is counted",
            Refusal::Broken => "a connection broke; what had come is counted",
        }
    }
}

impl Status {
    /// Of the source of this name, to which nobody has connected.
    pub fn new(source: &str) -> Status {
        Status {
            source: source.to_owned(),
            open: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            received: AtomicU64::new(0),
            undecoded: AtomicU64::new(0),
            refused: Default::default(),
            datagrams: AtomicU64::new(0),
        }
    }

    /// Takes up a connection, where there are fewer than `most`.
    pub fn enter(&self, most: usize) -> bool {
        let entered = self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
            (open < most as u64).then_some(open + 1)
        });
        if entered.is_ok() {
            self.accepted.fetch_add(1, Ordering::Relaxed);
        }
        entered.is_ok()
    }

    /// A connection has ended.
    pub fn leave(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts bytes that have come.
    pub fn receive(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts a refusal, and tells of it.
    pub fn refuse(&self, refusal: Refusal, peer: Option<&PeerName>, why: &str) {
        self.refused[refusal as usize].fetch_add(1, Ordering::Relaxed);
        let peer = peer.map(ToString::to_string).unwrap_or_default();
        tracing::warn!(source = self.source, peer, why, "{}", refusal.words());
    }

    /// Counts a connection that begins like data that is to be decoded.
    pub fn begins_undecoded(&self, peer: &PeerName, name: &str) {
        self.undecoded.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            source = self.source,
            %peer,
            "a connection begins like {name}, which is not decoded: codes in it are not found"
        );
    }

    /// Notes the inode of a socket of datagrams.
    pub fn of_datagrams(&self, inode: u64) {
        self.datagrams.store(inode, Ordering::Relaxed);
    }

    /// Connections that are open.
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Connections that were taken.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Bytes that have come.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Connections that begin like data that is to be decoded.
    pub fn undecoded(&self) -> u64 {
        self.undecoded.load(Ordering::Relaxed)
    }

    /// How often this was why.
    pub fn refused(&self, refusal: Refusal) -> u64 {
        self.refused[refusal as usize].load(Ordering::Relaxed)
    }

    /// Datagrams that the kernel has dropped, as far as it tells.
    pub fn dropped(&self) -> Option<u64> {
        let inode = self.datagrams.load(Ordering::Relaxed);
        if inode == 0 {
            return None;
        }
        ["/proc/net/udp", "/proc/net/udp6"].iter().find_map(|table| {
            let table = std::fs::read_to_string(table).ok()?;
            dropped_in(&table, inode)
        })
    }
}

/// The last column of the line with this inode.
fn dropped_in(table: &str, inode: u64) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_whitespace();
        let same = columns.nth(9)?.parse::<u64>().ok()? == inode;
        if same { columns.last()?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_read_by_the_inode() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
             \x20 123: 0100007F:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0\n\
             \x20 124: 0100007F:0203 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 99\n";
        assert_eq!(dropped_in(table, 4711), Some(0));
        assert_eq!(dropped_in(table, 4712), Some(99));
        assert_eq!(dropped_in(table, 1), None);
    }

    #[test]
    fn there_is_room_for_so_many() {
        let status = Status::new("a");
        assert!(status.enter(2) && status.enter(2) && !status.enter(2));
        status.leave();
        assert!(status.enter(2));
        assert_eq!((status.open(), status.accepted()), (2, 3));
    }
}
