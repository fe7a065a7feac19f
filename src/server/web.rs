//! The web configuration: TLS, authentication, headers, rate limit, in the
//! format of Prometheus's exporter-toolkit.
//!
//! It is looked at again for every connection and every request, and put in
//! force when it or a certificate has changed. One that is broken is told once
//! and changes nothing, and so does one that switches off what protects the
//! server: a file that is truncated and then written is empty for a moment.
//! Looking is the work of a thread, so that a file system that hangs
//! keeps no request waiting.

mod clients;
mod expiry;
mod look;
mod protection;
mod read;
mod tls;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use axum::http::{HeaderName, HeaderValue};
use tracing::{error, info, warn};

use super::limiter::Limiter;
use super::users::Users;
use crate::fingerprint::Fingerprint;
use errtally_core::problem::{self, Problems};
use expiry::Expiries;
use look::Looks;
use protection::Protection;

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
    /// What keeps strangers out.
    protection: Protection,
    /// When its certificates end.
    expiries: Expiries,
}

/// The web configuration and the files that it was read from.
#[derive(Debug)]
pub struct Web {
    files: Option<Arc<Files>>,
    current: Arc<Current>,
    looks: OnceLock<Looks>,
}

/// What is in force, and whether that is what the files say.
#[derive(Debug)]
struct Current {
    config: ArcSwap<WebConfig>,
    broken: AtomicBool,
}

/// The configuration file, and what was seen when it was last read.
#[derive(Debug)]
struct Files {
    path: PathBuf,
    seen: Mutex<Fingerprint>,
}

impl Web {
    /// Reads `file`; without one nothing is asked of a client.
    ///
    /// # Errors
    /// Every problem of the file and of the certificates that it names.
    pub fn open(file: Option<&Path>) -> Result<Web, Problems> {
        let mut seen = Fingerprint::default();
        let config = match file {
            Some(path) => read::read(path, &mut seen, read::When::Start)?,
            None => WebConfig::default(),
        };
        let files = file.map(|path| Arc::new(Files { path: path.to_owned(), seen: Mutex::new(seen) }));
        let current = Current { config: ArcSwap::from_pointee(config), broken: AtomicBool::new(false) };
        Ok(Web { files, current: Arc::new(current), looks: OnceLock::new() })
    }

    /// What is in force now, after a look at the files.
    pub async fn current(&self) -> Arc<WebConfig> {
        if let Some(looks) = self.looks() {
            looks.look().await;
        }
        self.current.config.load_full()
    }

    /// Has the files looked at, and does not wait for it.
    pub fn look(&self) {
        if let Some(looks) = self.looks() {
            looks.ask();
        }
    }

    fn looks(&self) -> Option<&Looks> {
        let files = self.files.as_ref()?;
        Some(self.looks.get_or_init(|| {
            let (files, current) = (files.clone(), self.current.clone());
            Looks::start(move || files.look(&current))
        }))
    }

    /// Tells what is accepted and does nothing, and what has expired.
    pub fn remark(&self) {
        self.current.remark();
    }

    /// Whether what is in the files is not in force, since it is broken or
    /// they cannot be looked at.
    pub fn is_broken(&self) -> bool {
        self.current.broken.load(Ordering::Acquire) || self.looks.get().is_some_and(Looks::are_late)
    }

    /// Whether the server speaks TLS now.
    pub fn is_tls(&self) -> bool {
        self.current.config.load().tls.is_some()
    }

    /// Whether it says nothing but how TLS is spoken, which is all that a socket
    /// can ask of its senders.
    pub fn is_tls_alone(&self) -> bool {
        let config = self.current.config.load();
        config.tls.is_some()
            && config.headers.is_empty()
            && config.limiter.is_none()
            && config.users.is_empty()
    }

    /// The certificates in force by what they are for, and when the first of
    /// them expires, in seconds since 1970.
    pub fn expiries(&self) -> Vec<(&'static str, i64)> {
        self.current.config.load().expiries.all().to_vec()
    }
}

impl Files {
    /// Reads what has changed.
    fn look(&self, current: &Current) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.changed() {
            let mut now = Fingerprint::default();
            let result = read::read(&self.path, &mut now, read::When::Later);
            // Broken or not: it is read again when it is something else.
            *seen = now;
            current.replace(&self.path, result);
        }
        current.config.load().expiries.tell();
    }
}

impl Current {
    fn replace(&self, path: &Path, read: Result<WebConfig, Problems>) {
        let old = self.config.load_full();
        let checked = read.and_then(|config| {
            let mut problems = Problems::default();
            for (key, lost) in old.protection.lost_in(&config.protection) {
                let what = format!("{lost} would be switched off");
                let remedy = "restart errtally if that is meant: a running server is never opened";
                problems.push(problem::Problem { key, ..problem::in_file(path, what, remedy) });
            }
            if problems.is_empty() { Ok(config) } else { Err(problems) }
        });
        self.broken.store(checked.is_err(), Ordering::Release);
        match checked {
            Ok(mut config) => {
                if let (Some(new), Some(old)) = (&mut config.limiter, &old.limiter)
                    && new.same_rate(old)
                {
                    // What was spent stays spent.
                    *new = old.clone();
                }
                self.config.store(Arc::new(config));
                info!("web configuration read again");
                self.remark();
            }
            Err(problems) => {
                for line in problems.lines() {
                    error!("{line}");
                }
                error!("the web configuration stays as it was");
            }
        }
    }

    fn remark(&self) {
        let config = self.config.load();
        for remark in &config.remarks {
            warn!("{remark}");
        }
        config.expiries.tell();
    }
}
