//! Addresses and paths to listen on, and sockets that systemd has made.

use std::fmt;
use std::io;
use std::net::UdpSocket;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use listenfd::ListenFd;

use crate::server;
use crate::source::settings::SourceKind;
use errtally_core::fields::PeerName;

/// The sockets that systemd has made for this process (`LISTEN_FDS`).
pub struct Activation {
    sockets: ListenFd,
    names: Vec<String>,
}

impl Activation {
    /// Looks what is there; once, since the variables are cleared for children.
    pub fn from_environment() -> Activation {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let sockets = ListenFd::from_env();
        let count = sockets.len();
        let mut names: Vec<String> = names.split(':').map(str::to_owned).collect();
        names.resize(count, String::new());
        Activation { sockets, names }
    }

    /// The first socket that fits `listen`, where that means one of systemd's, and
    /// `kind`, as `take` tells; each is taken once.
    fn take<S>(
        &mut self,
        listen: &str,
        kind: &str,
        take: impl Fn(&mut ListenFd, usize) -> io::Result<Option<S>>,
    ) -> anyhow::Result<Option<S>> {
        let name = match listen.strip_prefix("systemd") {
            Some("") => None,
            Some(rest) if rest.starts_with(':') => Some(&rest[1..]),
            _ => return Ok(None),
        };
        for (at, found) in self.names.iter().enumerate() {
            if name.is_none_or(|name| name == found)
                && let Ok(Some(socket)) = take(&mut self.sockets, at)
            {
                return Ok(Some(socket));
            }
        }
        Err(anyhow!(
            "systemd has made no socket for `{listen}` that is {kind}: start errtally by its .socket unit, with \
             FileDescriptorName= where the settings have a name; it has made {}: [{}]",
            self.names.len(),
            self.names.join(", ")
        ))
    }

    /// A socket of datagrams over UDP, where `listen` means one of systemd's.
    ///
    /// # Errors
    /// When there is none.
    pub fn udp(&mut self, listen: &str) -> anyhow::Result<Option<UdpSocket>> {
        self.take(listen, "UDP", ListenFd::take_udp_socket)
    }

    /// A Unix socket of datagrams.
    ///
    /// # Errors
    /// When there is none.
    pub fn unixgram(&mut self, listen: &str) -> anyhow::Result<Option<UnixDatagram>> {
        self.take(listen, "a Unix datagram socket", ListenFd::take_unix_datagram)
    }
}

/// Listens on an address, or on a socket of systemd's.
///
/// # Errors
/// When it cannot be had.
pub fn listen_tcp(listen: &str, activation: &mut Activation) -> anyhow::Result<std::net::TcpListener> {
    let listener = match activation.take(listen, "TCP", ListenFd::take_tcp_listener)? {
        Some(given) => given,
        None => bind(listen)?,
    };
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn bind(listen: &str) -> anyhow::Result<std::net::TcpListener> {
    server::bind(listen)
        .with_context(|| format!("cannot listen on {listen}; set another address with listen"))
}

/// A socket file; gone with the source that made it.
pub struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl SocketFile {
    fn of(path: &Path) -> Option<SocketFile> {
        Some(SocketFile { path: path.to_owned(), inode: std::fs::symlink_metadata(path).ok()?.ino() })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Unless another process has made its own there.
        if std::fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Makes a socket at `path` with `bind`. The file of one that nobody has open
/// any more is replaced.
///
/// # Errors
/// When somebody has it open, or it is no socket, or it cannot be made.
pub fn bind_unix<S>(
    path: &str,
    bind: impl Fn(&Path) -> io::Result<S>,
    is_alive: impl Fn(&Path) -> io::Result<()>,
) -> anyhow::Result<(S, Option<SocketFile>)> {
    let path = Path::new(path);
    let shown = path.display();
    let socket = match bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let found = std::fs::symlink_metadata(path).with_context(|| format!("cannot look at {shown}"))?;
            if !found.file_type().is_socket() {
                return Err(anyhow!("{shown} is there and is no socket; name another path"));
            }
            match is_alive(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Ok(()) => {
                    return Err(anyhow!("another process listens on {shown}; stop it, or name another path"));
                }
                Err(error) => {
                    return Err(anyhow!("cannot tell whether another process listens on {shown}: {error}"));
                }
            }
            tracing::info!("replacing {shown}, the socket of a process that is gone");
            std::fs::remove_file(path).with_context(|| format!("cannot remove {shown}"))?;
            bind(path)
        }
        result => result,
    };
    let socket = socket.with_context(|| {
        format!("cannot make the socket {shown}; its folder must be there and writable, or name another path")
    })?;
    Ok((socket, SocketFile::of(path)))
}

/// What others connect to.
pub enum Listener {
    /// Over TCP, and the kind of source.
    Tcp(std::net::TcpListener, &'static str),
    Unix(UnixListener, Option<SocketFile>),
}

impl Listener {
    /// Listens on what `listen` names.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn open(kind: SourceKind, listen: &str, activation: &mut Activation) -> anyhow::Result<Listener> {
        let given = match kind {
            SourceKind::Tcp | SourceKind::Forward => {
                let socket = activation.take(listen, "TCP", ListenFd::take_tcp_listener)?;
                socket.map(|socket| Listener::Tcp(socket, kind.as_str()))
            }
            _ => {
                let socket = activation.take(listen, "a Unix stream socket", ListenFd::take_unix_listener)?;
                socket.map(|socket| Listener::Unix(socket, None))
            }
        };
        let listener = match (kind, given) {
            (_, Some(given)) => given,
            (SourceKind::Tcp | SourceKind::Forward, None) => Listener::Tcp(bind(listen)?, kind.as_str()),
            (_, None) => {
                let (socket, file) = bind_unix(
                    listen,
                    |path| UnixListener::bind(path),
                    |path| UnixStream::connect(path).map(drop),
                )?;
                Listener::Unix(socket, file)
            }
        };
        match &listener {
            Listener::Tcp(socket, _) => socket.set_nonblocking(true)?,
            Listener::Unix(socket, _) => socket.set_nonblocking(true)?,
        }
        Ok(listener)
    }

    /// Begins to accept, on this runtime.
    pub fn start(self) -> io::Result<Accepting> {
        Ok(match self {
            Listener::Tcp(socket, kind) => Accepting::Tcp(tokio::net::TcpListener::from_std(socket)?, kind),
            Listener::Unix(socket, file) => {
                Accepting::Unix(tokio::net::UnixListener::from_std(socket)?, file)
            }
        })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listener::Tcp(socket, kind) => match socket.local_addr() {
                Ok(address) => write!(f, "{kind}://{address}"),
                Err(_) => f.write_str(kind),
            },
            Listener::Unix(socket, _) => {
                let path = socket.local_addr().ok().and_then(|a| a.as_pathname().map(Path::to_owned));
                write!(f, "unix:{}", path.unwrap_or_default().display())
            }
        }
    }
}

/// A socket that accepts.
pub enum Accepting {
    Tcp(tokio::net::TcpListener, &'static str),
    Unix(tokio::net::UnixListener, #[allow(dead_code)] Option<SocketFile>),
}

/// A connection.
pub enum Accepted {
    Tcp(tokio::net::TcpStream),
    Unix(tokio::net::UnixStream),
}

impl Accepting {
    /// The next connection, and who has made it.
    ///
    /// # Errors
    /// When it cannot be accepted.
    pub async fn accept(&self) -> io::Result<(Accepted, PeerName)> {
        match self {
            Accepting::Tcp(socket, kind) => {
                let (stream, address) = socket.accept().await?;
                // A machine that is gone closes nothing.
                let _ = rustix::net::sockopt::set_socket_keepalive(&stream, true);
                Ok((Accepted::Tcp(stream), PeerName::new(kind, address)))
            }
            Accepting::Unix(socket, _) => {
                let (stream, address) = socket.accept().await?;
                let path = address.as_pathname().map(|path| path.to_string_lossy().into_owned());
                Ok((Accepted::Unix(stream), PeerName::local("unix", &path.unwrap_or_default())))
            }
        }
    }

    /// A connection that is there already.
    pub fn accept_now(&self) -> Option<io::Result<(Accepted, PeerName)>> {
        let mut accept = std::pin::pin!(self.accept());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match accept.as_mut().poll(&mut context) {
            std::task::Poll::Ready(accepted) => Some(accepted),
            std::task::Poll::Pending => None,
        }
    }
}
