//! TLS and client certificates, by the code of the HTTP server.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::http::Web;
use errtally_core::problem::{self, Problems};

/// The longest handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Accepts connections with TLS; the files are read again when they change.
pub struct Tls {
    web: Web,
    /// What is in force, and the same without the protocols of HTTP.
    made: Mutex<Option<(Arc<ServerConfig>, Arc<ServerConfig>)>>,
}

impl Tls {
    /// Reads `file`.
    ///
    /// # Errors
    /// Every mistake in it, and what has no meaning for a socket.
    pub fn open(file: &Path) -> Result<Tls, Problems> {
        let web = Web::open(Some(file))?;
        if !web.is_tls_alone() {
            let mut problems = Problems::default();
            let what = "a socket asks for a tls_server_config and nothing else".to_owned();
            problems.push(problem::in_file(
                file,
                what,
                "add it, and leave users, headers and the rate limit out",
            ));
            return Err(problems);
        }
        Ok(Tls { web, made: Mutex::default() })
    }

    async fn config(&self) -> Option<Arc<ServerConfig>> {
        let now = self.web.current().await.tls.clone()?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some((of, config)) if Arc::ptr_eq(of, &now) => Some(config.clone()),
            _ => {
                let mut config = ServerConfig::clone(&now);
                config.alpn_protocols.clear();
                let config = Arc::new(config);
                *made = Some((now, config.clone()));
                Some(config)
            }
        }
    }

    /// The handshake.
    ///
    /// # Errors
    /// When it fails, or takes too long.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let Some(config) = self.config().await else { return Err(io::ErrorKind::NotFound.into()) };
        match timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await {
            Ok(result) => result,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "it took more than 10 seconds")),
        }
    }
}
