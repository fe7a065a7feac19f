//! Datagrams, one record each.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rustix::net::{RecvFlags, SocketAddrAny, recvfrom};
use tokio::io::Interest;

use super::Stopping;
use super::listen::{Activation, SocketFile, bind_unix};
use crate::config::SourceKind;
use crate::http;
use crate::source::intake::{Intake, READ_BYTES, Refusal, Room, Status, Unit};
use errtally_core::fields::PeerName;

/// What is taken of one datagram: no UDP datagram is longer. One over a Unix
/// socket may be.
const MOST_BYTES: usize = 64 << 10;

/// What the kernel is asked to hold for us.
const KERNEL_BYTES: usize = 4 << 20;

/// Records that are given at once.
const MOST_RECORDS: usize = 2048;

/// Senders whose names are kept.
const MOST_PEERS: usize = 4096;

/// A socket of datagrams.
pub enum Socket {
    Udp(std::net::UdpSocket),
    Unix(UnixDatagram, Option<SocketFile>),
}

impl Socket {
    /// Binds to what `listen` names.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn open(kind: SourceKind, listen: &str, activation: &mut Activation) -> anyhow::Result<Socket> {
        let socket = if kind == SourceKind::Udp {
            match activation.udp(listen)? {
                Some(socket) => Socket::Udp(socket),
                None => Socket::Udp(http::bind_udp(listen).with_context(|| {
                    format!("cannot listen on {listen}; set another address with listen")
                })?),
            }
        } else {
            match activation.unixgram(listen)? {
                Some(socket) => Socket::Unix(socket, None),
                None => {
                    let alive = |path: &Path| UnixDatagram::unbound().and_then(|socket| socket.connect(path));
                    let (socket, file) = bind_unix(listen, |path| UnixDatagram::bind(path), alive)?;
                    Socket::Unix(socket, file)
                }
            }
        };
        match &socket {
            Socket::Udp(socket) => socket.set_nonblocking(true)?,
            Socket::Unix(socket, _) => socket.set_nonblocking(true)?,
        }
        // Where it gives less, a burst is dropped earlier; it tells how many were.
        let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, KERNEL_BYTES);
        Ok(socket)
    }

    /// The inode by which the kernel lists it, where it may drop datagrams.
    pub fn inode(&self) -> Option<u64> {
        match self {
            Socket::Udp(_) => rustix::fs::fstat(self).ok().map(|stat| stat.st_ino),
            Socket::Unix(..) => None,
        }
    }

    /// Takes datagrams until a stop is asked for, and those that are there then.
    ///
    /// # Errors
    /// When the socket cannot be read.
    pub async fn take(self, intake: &Intake, status: &Status, stop: &Stopping) -> anyhow::Result<()> {
        let kind = if matches!(self, Socket::Udp(_)) { "udp" } else { "unixgram" };
        let mut peers = Peers { kind, known: HashMap::new(), local: Arc::new(PeerName::local(kind, "")) };
        let socket = match self {
            Socket::Udp(socket) => Registered::Udp(tokio::net::UdpSocket::from_std(socket)?),
            Socket::Unix(socket, file) => Registered::Unix(tokio::net::UnixDatagram::from_std(socket)?, file),
        };
        loop {
            let room = intake.room(READ_BYTES).await;
            let last = tokio::select! {
                biased;
                ready = socket.readable() => {
                    ready.context("cannot wait for datagrams")?;
                    false
                }
                // What is there counts, whatever the runtime has noticed.
                () = stop.asked() => true,
            };
            let mut batch = Batch::new(intake.buffer());
            let more = batch.fill(&socket, &mut peers, status)?;
            batch.give(intake, room);
            if last && (!more || std::time::Instant::now() >= stop.until()) {
                return Ok(());
            }
            // Others have their turn, too.
            tokio::task::yield_now().await;
        }
    }
}

/// A socket that the runtime knows.
enum Registered {
    Udp(tokio::net::UdpSocket),
    Unix(tokio::net::UnixDatagram, #[allow(dead_code)] Option<SocketFile>),
}

impl Registered {
    async fn readable(&self) -> io::Result<()> {
        match self {
            Registered::Udp(socket) => socket.readable().await,
            Registered::Unix(socket, _) => socket.readable().await,
        }
    }

    /// The next datagram that is there: how much of it was taken, and how long it is.
    fn receive(&self, space: &mut [u8]) -> io::Result<(usize, usize, Option<SocketAddrAny>)> {
        match self {
            Registered::Udp(socket) => {
                socket.try_io(Interest::READABLE, || Ok(recvfrom(socket, space, RecvFlags::TRUNC)?))
            }
            Registered::Unix(socket, _) => {
                socket.try_io(Interest::READABLE, || Ok(recvfrom(socket, space, RecvFlags::TRUNC)?))
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Udp(socket) => socket.as_fd(),
            Socket::Unix(socket, _) => socket.as_fd(),
        }
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Socket::Udp(socket) => match socket.local_addr() {
                Ok(address) => write!(f, "udp://{address}"),
                Err(_) => f.write_str("udp"),
            },
            Socket::Unix(socket, _) => {
                let path = socket.local_addr().ok().and_then(|a| a.as_pathname().map(Path::to_owned));
                write!(f, "unixgram:{}", path.unwrap_or_default().display())
            }
        }
    }
}

/// The senders that were seen.
struct Peers {
    kind: &'static str,
    known: HashMap<SocketAddr, Arc<PeerName>>,
    local: Arc<PeerName>,
}

impl Peers {
    fn of(&mut self, address: Option<SocketAddrAny>) -> Arc<PeerName> {
        let Some(address) = address.and_then(|address| SocketAddr::try_from(address).ok()) else {
            return self.local.clone();
        };
        if self.known.len() >= MOST_PEERS {
            self.known.clear();
        }
        let kind = self.kind;
        self.known.entry(address).or_insert_with(|| Arc::new(PeerName::new(kind, address))).clone()
    }
}

/// Datagrams that were read and not given.
struct Batch {
    buffer: Vec<u8>,
    used: usize,
    records: Vec<(std::ops::Range<usize>, Arc<PeerName>)>,
}

impl Batch {
    fn new(buffer: Vec<u8>) -> Batch {
        Batch { buffer, used: 0, records: Vec::new() }
    }

    /// Reads what is there. Whether there may be more.
    fn fill(&mut self, socket: &Registered, peers: &mut Peers, status: &Status) -> anyhow::Result<bool> {
        while self.buffer.len() - self.used >= MOST_BYTES && self.records.len() < MOST_RECORDS {
            let space = &mut self.buffer[self.used..self.used + MOST_BYTES];
            match socket.receive(space) {
                Ok((taken, whole, address)) => {
                    let peer = peers.of(address);
                    status.receive(taken);
                    if whole > taken {
                        status.refuse(Refusal::Truncated, Some(&peer), &format!("it has {whole} bytes"));
                    }
                    self.records.push((self.used..self.used + taken, peer));
                    self.used += taken;
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(false),
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(error).context("cannot read datagrams"),
                },
            }
        }
        Ok(true)
    }

    fn give(self, intake: &Intake, mut room: Room) {
        if self.records.is_empty() {
            return intake.unused(self.buffer);
        }
        let (bytes, length) = intake.compact(self.buffer, self.used);
        room.shrink(length);
        // Nobody is answered.
        let _ = intake.give(Unit::Records { bytes, records: self.records }, room);
    }
}
