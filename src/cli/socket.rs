//! The flags below `socket`, and the list of sources.

use clap::Args;

use super::settings::push;

/// The heading of these flags in `--help`.
const HEADING: &str = "Source: senders";

/// Where to listen, and what a sender may cost.
#[derive(Debug, Args)]
pub struct Sockets {
    /// Several sources at once, as YAML
    #[arg(long, value_name = "LIST", help_heading = HEADING)]
    sources: Option<String>,
    /// Address or path that others send to
    #[arg(long, value_name = "WHERE", help_heading = HEADING)]
    socket_listen: Option<String>,
    /// How records are separated: auto, newline or octets
    #[arg(long, value_name = "HOW", help_heading = HEADING)]
    socket_framing: Option<String>,
    /// Maximum number of connections to a source
    #[arg(long, value_name = "N", help_heading = HEADING)]
    socket_max_connections: Option<String>,
    /// How long a connection may be idle
    #[arg(long, value_name = "TIME", help_heading = HEADING)]
    socket_idle_timeout: Option<String>,
    /// File with TLS and client certificates of a source: tcp or forward
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    socket_tls_config_file: Option<String>,
    /// File with TLS, users and rate limit of a source: http
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    socket_web_config_file: Option<String>,
    /// File with the shared key of a source: forward
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    socket_shared_key_file: Option<String>,
}

impl Sockets {
    /// Adds these flags to `flags`.
    pub fn add_to(&self, flags: &mut Vec<(&'static str, Vec<String>)>) {
        push(flags, "sources", &self.sources);
        push(flags, "socket.listen", &self.socket_listen);
        push(flags, "socket.framing", &self.socket_framing);
        push(flags, "socket.max_connections", &self.socket_max_connections);
        push(flags, "socket.idle_timeout", &self.socket_idle_timeout);
        push(flags, "socket.tls_config_file", &self.socket_tls_config_file);
        push(flags, "socket.web_config_file", &self.socket_web_config_file);
        push(flags, "socket.shared_key_file", &self.socket_shared_key_file);
    }
}
