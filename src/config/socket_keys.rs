//! The keys below `socket`: where to listen, and what a sender may cost.

use super::keys::{Key, Refused, one, parse_duration, quoted, show_duration, within};
use crate::source::settings::{SocketFraming, SocketSettings};

/// Sockets that others send to.
pub(super) const SOCKET: &[Key] = &[
    Key {
        name: "socket.listen",
        doc: "Where a source listens: for tcp, udp, http and forward an address (IP:PORT, NAME:PORT, or :PORT for all), for unix and unixgram the path of a socket; systemd, or systemd:NAME, for a socket of that FileDescriptorName that systemd has made.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.socket.listen = one(v)?.to_owned();
            Ok(())
        },
        show: |s| quoted(&s.socket.listen),
    },
    Key {
        name: "socket.framing",
        doc: "How a connection separates records: newline (lines), octets (each with its length before it, RFC 6587) or auto (from the first bytes of the connection).",
        list: false,
        reloads: false,
        set: |s, v| {
            let all = [SocketFraming::Auto, SocketFraming::Newline, SocketFraming::Octets];
            let text = one(v)?;
            let found = all.into_iter().find(|framing| framing.as_str() == text);
            s.socket.framing = found.ok_or_else(|| {
                (format!("`{text}` is no framing"), "write auto, newline or octets".to_owned())
            })?;
            Ok(())
        },
        show: |s| s.socket.framing.as_str().to_owned(),
    },
    Key {
        name: "socket.max_connections",
        doc: "Most connections to one source; further ones are closed at once and counted, but with source: http the quietest makes way. 1 to 65536.",
        list: false,
        reloads: false,
        set: |s, v| {
            let text = one(v)?;
            let count = text
                .parse::<u64>()
                .map_err(|_| (format!("`{text}` is no count"), "write a whole number".to_owned()))?;
            s.socket.max_connections = within(count, 1, 65536, "1 to 65536")?;
            Ok(())
        },
        show: |s| s.socket.max_connections.to_string(),
    },
    Key {
        name: "socket.idle_timeout",
        doc: "How long a connection may send nothing before errtally closes it; 0s for ever. A TLS handshake has 10s in any case. At most 7days.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.socket.idle_timeout = parse_duration(one(v)?)?;
            Ok(())
        },
        show: |s| show_duration(s.socket.idle_timeout),
    },
    Key {
        name: "socket.tls_config_file",
        doc: "File with the tls_server_config of a source tcp or forward (certificate, key, client certificates), in the format of web_config_file. errtally reads it again when it changes. Empty for no TLS.",
        list: false,
        reloads: false,
        set: |s, v| {
            let path = one(v)?;
            s.socket.tls_config_file = (!path.is_empty()).then(|| path.into());
            Ok(())
        },
        show: |s| {
            quoted(&s.socket.tls_config_file.as_ref().map_or(String::new(), |p| p.display().to_string()))
        },
    },
    Key {
        name: "socket.web_config_file",
        doc: "File with TLS, users and rate limit of a source http, in the format of web_config_file. errtally reads it again when it changes. Empty for none.",
        list: false,
        reloads: false,
        set: |s, v| {
            let path = one(v)?;
            s.socket.web_config_file = (!path.is_empty()).then(|| path.into());
            Ok(())
        },
        show: |s| {
            quoted(&s.socket.web_config_file.as_ref().map_or(String::new(), |p| p.display().to_string()))
        },
    },
    Key {
        name: "socket.shared_key_file",
        doc: "File with the shared_key that senders to a source: forward must know, without white space around it; read at the start. Empty: they need none, and there is no handshake.",
        list: false,
        reloads: false,
        set: |s, v| {
            let path = one(v)?;
            s.socket.shared_key_file = (!path.is_empty()).then(|| path.into());
            Ok(())
        },
        show: |s| {
            quoted(&s.socket.shared_key_file.as_ref().map_or(String::new(), |p| p.display().to_string()))
        },
    },
];

/// Why a source of this kind cannot listen at `listen`: the key, what is wrong and what to write.
pub(super) fn check(
    kind: super::SourceKind,
    settings: &SocketSettings,
) -> Result<(), (&'static str, Refused)> {
    use crate::source::settings::SourceKind::{Forward, Http, Tcp, Udp, Unix, Unixgram};
    let listen = &settings.listen;
    let refused = |key, what: String, remedy: &str| Err((key, (what, remedy.to_owned())));
    let by_systemd = listen == "systemd" || listen.starts_with("systemd:");
    match kind {
        Tcp | Udp | Http | Forward if listen.is_empty() => {
            let remedy = "set listen to an address such as 0.0.0.0:514, or to systemd";
            return refused("listen", "no address to listen on".to_owned(), remedy);
        }
        Unix | Unixgram if listen.is_empty() => {
            let remedy = "set listen to a path such as /run/errtally/log.sock, or to systemd";
            return refused("listen", "no socket to listen on".to_owned(), remedy);
        }
        Tcp | Udp | Http | Forward if !by_systemd && !crate::server::is_address(listen) => {
            let remedy = "write IP:PORT, NAME:PORT or :PORT, such as 0.0.0.0:514";
            return refused("listen", format!("`{listen}` is no address"), remedy);
        }
        // What the kernel has room for.
        Unix | Unixgram if listen.len() > 107 => {
            let remedy = "write one of at most 107 bytes";
            return refused("listen", format!("a path of {} bytes", listen.len()), remedy);
        }
        _ => {}
    }
    if settings.tls_config_file.is_some() && matches!(kind, Unix | Udp | Unixgram | Http) {
        let what = format!("a source of the kind {} has no such file", kind.as_str());
        let remedy = if kind == Http { "write web_config_file" } else { "leave it out, or use kind tcp" };
        return refused("tls_config_file", what, remedy);
    }
    if settings.web_config_file.is_some() && matches!(kind, Tcp | Unix | Udp | Unixgram | Forward) {
        let what = format!("a source of the kind {} speaks no HTTP", kind.as_str());
        let remedy = match kind {
            Tcp | Forward => "write tls_config_file",
            _ => "leave it out, or use kind http",
        };
        return refused("web_config_file", what, remedy);
    }
    if settings.shared_key_file.is_some() && matches!(kind, Tcp | Unix | Udp | Unixgram | Http) {
        let what = format!("a source of the kind {} has no handshake", kind.as_str());
        return refused("shared_key_file", what, "leave it out, or use kind forward");
    }
    Ok(())
}
