//! Who has sent a record over a socket, for labels and events.

use std::net::SocketAddr;

/// A sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerName {
    /// What it speaks: the kind of the source, such as `tcp`.
    pub kind: &'static str,
    /// Its address, without the port, which changes with every connection; empty where it has none, as
    /// most that come by a Unix socket.
    pub address: Box<str>,
    /// The port.
    pub port: Option<u16>,
}

impl PeerName {
    /// A sender that comes over IP.
    pub fn new(kind: &'static str, address: SocketAddr) -> PeerName {
        // A socket for both sees IPv4 as a part of IPv6.
        let ip = address.ip().to_canonical();
        PeerName { kind, address: ip.to_string().into(), port: Some(address.port()) }
    }

    /// A sender on this machine.
    pub fn local(kind: &'static str, path: &str) -> PeerName {
        PeerName { kind, address: path.into(), port: None }
    }

    /// What the path `@peer` gives: the address, where there is one.
    pub fn get(&self) -> Option<&str> {
        Some(&*self.address).filter(|address| !address.is_empty())
    }
}

impl std::fmt::Display for PeerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&*self.address, self.port) {
            ("", _) => f.write_str("a sender on this machine"),
            (address, Some(port)) if address.contains(':') => write!(f, "[{address}]:{port}"),
            (address, Some(port)) => write!(f, "{address}:{port}"),
            (address, None) => f.write_str(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_both_families_is_the_one_that_people_know() {
        let peer = PeerName::new("tcp", "[::ffff:10.0.0.1]:514".parse().unwrap());
        assert_eq!((peer.get(), peer.to_string()), (Some("10.0.0.1"), "10.0.0.1:514".to_owned()));
        let peer = PeerName::new("tcp", "[2001:db8::1]:514".parse().unwrap());
        assert_eq!(peer.to_string(), "[2001:db8::1]:514");
        assert_eq!(PeerName::local("unix", "").get(), None);
    }
}
