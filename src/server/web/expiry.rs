//! When certificates expire: a client that refuses one says so to nobody here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use tracing::warn;
use x509_parser::prelude::{FromDer, X509Certificate};

/// How long before the end to begin to warn.
const SOON: Duration = Duration::from_secs(7 * 24 * 3600);

/// The certificates of a configuration by what they are for, each time that
/// of the first to expire, and which warnings are out.
#[derive(Debug, Default)]
pub(super) struct Expiries {
    all: Vec<(&'static str, i64)>,
    told_soon: AtomicBool,
    told_over: AtomicBool,
}

impl Expiries {
    /// Adds `certificates` that are for `what`.
    pub fn add(&mut self, what: &'static str, certificates: &[CertificateDer<'_>]) {
        let ends = certificates.iter().filter_map(|certificate| {
            let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
            Some(certificate.validity().not_after.timestamp())
        });
        self.all.extend(ends.min().map(|end| (what, end)));
    }

    /// What each is for, and when the first of them expires, in seconds since 1970.
    pub fn all(&self) -> &[(&'static str, i64)] {
        &self.all
    }

    /// Warns of what has expired or will soon, each once.
    pub fn tell(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let over: Vec<_> = self.all.iter().filter(|(_, end)| *end < seconds(now)).collect();
        let soon = self.all.iter().any(|(_, end)| *end < seconds(now.saturating_add(SOON)));
        if !over.is_empty() && !self.told_over.swap(true, Ordering::AcqRel) {
            for (what, end) in over {
                warn!("the {} has expired at {}: renew it, clients fail", words(what), date(*end));
            }
        } else if soon && !self.told_soon.swap(true, Ordering::AcqRel) {
            for (what, end) in self.all.iter().filter(|(_, end)| *end >= seconds(now)) {
                if *end < seconds(now.saturating_add(SOON)) {
                    warn!("the {} expires at {}: renew it", words(what), date(*end));
                }
            }
        }
    }
}

fn words(what: &str) -> &str {
    if what == "server" { "server's certificate" } else { "certificate of the clients' authority" }
}

fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |t| t.to_string())
}
