//! The address that the server listens on: as other exporters, `IP:PORT`,
//! `NAME:PORT`, or `:PORT` for all addresses of the machine.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener, ToSocketAddrs, UdpSocket};

use rustix::io::Errno;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind as bind_socket, listen, socket_with};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// Whether `text` has the form of an address; a name is not looked up.
pub fn is_address(text: &str) -> bool {
    if text.parse::<SocketAddr>().is_ok() {
        return true;
    }
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let port = port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    port && (host.is_empty() || is_name(host))
}

fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        inner && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    // Numbers at the end make a wrong address, and no name.
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or("");
    host.len() <= 253
        && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
        && !last.bytes().all(|b| b.is_ascii_digit())
}

/// Listens on `address`. Of a name with several addresses one is taken, of
/// IPv4 where there is any.
///
/// # Errors
/// When the name has no address, or the address cannot be had.
pub fn bind(address: &str) -> io::Result<TcpListener> {
    let listener = match address.strip_prefix(':').map(str::parse::<u16>) {
        Some(Ok(port)) => bind_all(port)?,
        _ => {
            let mut all: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
            all.sort_by_key(SocketAddr::is_ipv6);
            TcpListener::bind(&all[..])?
        }
    };
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// As [`bind`], for datagrams.
///
/// # Errors
/// As [`bind`].
pub fn bind_udp(address: &str) -> io::Result<UdpSocket> {
    let Some(Ok(port)) = address.strip_prefix(':').map(str::parse::<u16>) else {
        let mut all: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
        all.sort_by_key(SocketAddr::is_ipv6);
        return UdpSocket::bind(&all[..]);
    };
    let both = || {
        let socket = socket_with(AddressFamily::INET6, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
        set_ipv6_v6only(&socket, false)?;
        bind_socket(&socket, &SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0))?;
        Ok(socket.into())
    };
    match both() {
        Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL | Errno::PROTONOSUPPORT) => {
            UdpSocket::bind(("0.0.0.0", port))
        }
        result => Ok(result?),
    }
}

/// Listens on all addresses: one socket for IPv6 and IPv4, or of IPv4 alone
/// where there is no IPv6.
fn bind_all(port: u16) -> io::Result<TcpListener> {
    match bind_both(port) {
        Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL | Errno::PROTONOSUPPORT) => {
            TcpListener::bind(("0.0.0.0", port))
        }
        result => Ok(result?),
    }
}

fn bind_both(port: u16) -> Result<TcpListener, Errno> {
    let socket = socket_with(AddressFamily::INET6, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // Whatever the machine's default is.
    set_ipv6_v6only(&socket, false)?;
    set_socket_reuseaddr(&socket, true)?;
    bind_socket(&socket, &SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0))?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn addresses_and_what_is_none() {
        for good in [
            ":9877",
            ":0",
            "localhost:9877",
            "metrics.example.org:80",
            "metrics.example.org.:80",
            "my_host-1:65535",
            "127.0.0.1:9877",
            "0.0.0.0:1",
            "[::]:9877",
            "[fe80::1%2]:9877",
        ] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            ":",
            "9877",
            "localhost",
            "localhost:",
            ":65536",
            ":-1",
            ":+1",
            "::9877",
            ":::9877",
            "1.2.3:80",
            "300.1.1.1:80",
            "http://localhost:9877",
            "a b:80",
            "-a:80",
            "a..b:80",
            "[::1]",
            "*:9877",
            "a\0:80",
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }
}
