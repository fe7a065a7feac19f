//! The web configuration: TLS, authentication, headers, rate limit, in the
//! format of Prometheus's exporter-toolkit.
//!
//! It is looked at again at every connection and every request, and put in
//! force when it or a certificate has changed. One that is broken is told once
//! and changes nothing.

mod clients;
mod read;
mod tls;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use axum::http::{HeaderName, HeaderValue};
use tracing::{error, info, warn};

use super::limiter::Limiter;
use super::users::Users;
use crate::fingerprint::Fingerprint;
use crate::problem::Problems;

/// What is in force.
#[derive(Debug, Default)]
pub struct WebConfig {
    /// TLS, where it is configured.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Headers of every answer.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Who may ask; anybody where there are none.
    pub users: Users,
    /// How often.
    pub limiter: Option<Arc<Limiter>>,
    /// What is accepted and does nothing, to be told.
    remarks: Vec<String>,
}

/// The web configuration and the files that it was read from.
#[derive(Debug)]
pub struct Web {
    file: Option<PathBuf>,
    current: ArcSwap<WebConfig>,
    seen: Mutex<Fingerprint>,
    broken: AtomicBool,
}

impl Web {
    /// Reads `file`; without one nothing is asked of a client.
    ///
    /// # Errors
    /// Every problem of the file and of the certificates that it names.
    pub fn open(file: Option<&Path>) -> Result<Web, Problems> {
        let mut seen = Fingerprint::default();
        let config = match file {
            Some(path) => read::read(path, &mut seen)?,
            None => WebConfig::default(),
        };
        Ok(Web {
            file: file.map(Path::to_owned),
            current: ArcSwap::from_pointee(config),
            seen: Mutex::new(seen),
            broken: AtomicBool::new(false),
        })
    }

    /// What is in force now. Reads what has changed.
    pub fn current(&self) -> Arc<WebConfig> {
        if let Some(path) = &self.file {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.changed() {
                self.read_again(path, &mut seen);
            }
        }
        self.current.load_full()
    }

    fn read_again(&self, path: &Path, seen: &mut Fingerprint) {
        let mut now = Fingerprint::default();
        let result = read::read(path, &mut now);
        // Broken or not: it is read again when it is something else.
        *seen = now;
        self.broken.store(result.is_err(), Ordering::Release);
        match result {
            Ok(mut config) => {
                let old = self.current.load();
                if let (Some(new), Some(old)) = (&mut config.limiter, &old.limiter)
                    && new.same_rate(old)
                {
                    // What was spent stays spent.
                    *new = old.clone();
                }
                self.current.store(Arc::new(config));
                info!("web configuration read again");
                self.remark();
            }
            Err(problems) => {
                for problem in problems.iter() {
                    error!("{problem}");
                }
                error!("the web configuration stays as it was");
            }
        }
    }

    /// Tells what is accepted and does nothing.
    pub fn remark(&self) {
        for remark in &self.current.load().remarks {
            warn!("{remark}");
        }
    }

    /// Whether what is in the files is not in force, since it is broken.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Whether the server speaks TLS now.
    pub fn is_tls(&self) -> bool {
        self.current.load().tls.is_some()
    }
}
