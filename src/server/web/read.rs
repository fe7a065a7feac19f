//! Reads a web configuration file: every mistake with its line and remedy.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};

use super::WebConfig;
use super::protection::Protection;
use super::tls;
use crate::files::MAX_SETTINGS_BYTES;
use crate::fingerprint::Fingerprint;
use crate::server::limiter::Limiter;
use crate::server::users::{BadHash, HIGHEST_COST, Users};
use errtally_core::problem::{Problems, Sink};
use errtally_core::yaml::{self, Data, Map, Node, ScalarKind, suggest};

/// The headers that may be set, and to what where that is limited.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

/// The longest time between two requests, and the largest burst, of a rate limit.
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 3600);
const MAX_BURST: u32 = 1_000_000;

/// Reads the files of one configuration, the certificates too, and collects
/// what is wrong with them.
pub(super) struct Reader<'f> {
    /// Problems, each at a line of the configuration file.
    pub sink: Sink,
    folder: PathBuf,
    seen: &'f mut Fingerprint,
    when: When,
}

/// When a configuration is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// For the first time: pipes give what they have.
    Start,
    /// Again: they have nothing left.
    Later,
}

impl Reader<'_> {
    /// The content of the file that `key` names, which may be relative to the
    /// configuration file.
    pub fn file(&mut self, name: &str, line: usize, key: String) -> Option<Vec<u8>> {
        let path = self.folder.join(name);
        match self.seen.read(&path, MAX_SETTINGS_BYTES, self.when == When::Start) {
            Ok(content) => Some(content),
            Err(e) => {
                self.sink.report(line, key, format!("{}: {}", path.display(), e.what), e.remedy);
                None
            }
        }
    }
}

/// The configuration at `path`; what was read goes to `seen`.
///
/// # Errors
/// Every problem.
pub(super) fn read(path: &Path, seen: &mut Fingerprint, when: When) -> Result<WebConfig, Problems> {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut sink = Sink::new(path);
    let read = seen.read(path, MAX_SETTINGS_BYTES, when == When::Start);
    let text = match read.map(String::from_utf8) {
        // Most likely it is being written: what protects the server may be to come.
        Ok(Ok(text)) if text.trim().is_empty() => {
            let remedy = "write what is asked of clients, or {} for nothing";
            sink.report(0, "", "it is empty", remedy);
            None
        }
        Ok(Ok(text)) => Some(text),
        Ok(Err(e)) => {
            let what = format!("invalid UTF-8 at byte {}", e.utf8_error().valid_up_to());
            sink.report(0, "", what, "save the file as UTF-8");
            None
        }
        Err(e) => {
            sink.report(0, "", e.what, e.remedy);
            None
        }
    };
    let node = text.and_then(|text| yaml::parse(&text, &mut sink));
    let mut reader = Reader { sink, folder, seen, when };
    let config = node.map(|node| reader.config(&node)).unwrap_or_default();
    let problems = reader.sink.finish();
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

impl Reader<'_> {
    fn config(&mut self, node: &Node) -> WebConfig {
        let mut config = WebConfig::default();
        if matches!(node.data, Data::Null) {
            return config;
        }
        let Some(mut map) = Map::new(node, "", &mut self.sink) else {
            return config;
        };
        if let Some(node) = map.take("tls_server_config") {
            let mut protection = Protection::default();
            config.tls = tls::read(self, node, &mut protection, &mut config.expiries).map(Arc::new);
            config.protection = protection;
        }
        if let Some(node) = map.take("http_server_config") {
            self.http(node, &mut config);
        }
        if let Some(node) = map.take("basic_auth_users") {
            config.users = self.users(node);
        }
        if let Some(node) = map.take("rate_limit") {
            config.limiter = self.rate_limit(node);
        }
        map.finish(&mut self.sink);
        let mut protection = std::mem::take(&mut config.protection);
        protection.note(&config);
        config.protection = protection;
        config
    }

    fn http(&mut self, node: &Node, config: &mut WebConfig) {
        let Some(mut map) = Map::new(node, "http_server_config", &mut self.sink) else {
            return;
        };
        if map.boolean("http2", &mut self.sink) == Some(true) {
            config.remarks.push(
                "http_server_config.http2: only HTTP/1.1 is offered; clients take that instead".to_owned(),
            );
        }
        if let Some(node) = map.take("headers") {
            let path = map.path("headers");
            for (name, line, value) in self.pairs(node, &path) {
                config.headers.extend(self.header(&name, line, &value, format!("{path}.{name}")));
            }
        }
        map.finish(&mut self.sink);
    }

    fn header(
        &mut self,
        name: &str,
        line: usize,
        value: &str,
        path: String,
    ) -> Option<(HeaderName, HeaderValue)> {
        let Some((_, allowed)) = HEADERS.iter().find(|(known, _)| *known == name) else {
            self.sink.report(
                line,
                path,
                "a header that cannot be set",
                suggest(name, &HEADERS.map(|(n, _)| n)),
            );
            return None;
        };
        if value.is_empty() {
            return None;
        }
        if !allowed.is_empty() && !allowed.contains(&value) {
            let what = format!("`{value}` is no value of it");
            self.sink.report(line, path, what, format!("write {}", allowed.join(" or ")));
            return None;
        }
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => Some((name, value)),
            _ => {
                self.sink.report(line, path, "control characters in it", "write it in one line");
                None
            }
        }
    }

    fn users(&mut self, node: &Node) -> Users {
        let mut users = Users::default();
        for (name, line, hash) in self.pairs(node, "basic_auth_users") {
            // The hash is a secret: no message shows it.
            let key = format!("basic_auth_users.{name}");
            if name.contains(':') {
                self.sink.report(
                    line,
                    key,
                    "a colon ends the name when it is sent",
                    "take it out of the name",
                );
                continue;
            }
            match users.add(&name, &hash) {
                Ok(()) => {}
                Err(BadHash::Cost(cost)) => {
                    let what = format!("one comparison would take minutes or more at a cost of {cost}");
                    let remedy = format!("hash the password with a cost of {HIGHEST_COST} at most");
                    self.sink.report(line, key, what, remedy);
                }
                Err(BadHash::NotBcrypt) => {
                    let remedy = "hash the password, for instance by `htpasswd -nBC 10 \"\" | tr -d ':\\n'`";
                    self.sink.report(line, key, "the password is no bcrypt hash", remedy);
                }
            }
        }
        users
    }

    fn rate_limit(&mut self, node: &Node) -> Option<Arc<Limiter>> {
        let mut map = Map::new(node, "rate_limit", &mut self.sink)?;
        let interval = map.take("interval");
        let burst = map.take("burst");
        map.finish(&mut self.sink);
        let interval = interval.map_or(Some(Duration::ZERO), |node| self.interval(node));
        let burst = burst.map_or(Some((0, node.line)), |node| self.burst(node));
        let (interval, (burst, line)) = (interval?, burst?);
        if interval.is_zero() {
            return None;
        }
        if burst == 0 {
            let what = "a burst of 0 lets no request through";
            self.sink.report(line, "rate_limit.burst", what, "write 1 or more");
            return None;
        }
        Some(Arc::new(Limiter::new(interval, burst)))
    }

    fn interval(&mut self, node: &Node) -> Option<Duration> {
        let duration = match &node.data {
            Data::Scalar(text, ScalarKind::Integer) if text == "0" => Some(Duration::ZERO),
            Data::Scalar(text, ScalarKind::Text) => humantime::parse_duration(text).ok(),
            _ => None,
        };
        if duration.is_some_and(|d| d > MAX_INTERVAL) {
            let remedy = "write 24h or less, or 0 for no limit";
            self.sink.report(node.line, "rate_limit.interval", "too long", remedy);
            return None;
        }
        if duration.is_none() {
            let remedy = "write a number with a unit, such as 1s or 100ms, or 0 for no limit";
            self.sink.report(node.line, "rate_limit.interval", "no duration", remedy);
        }
        duration
    }

    fn burst(&mut self, node: &Node) -> Option<(u32, usize)> {
        if let Data::Scalar(text, ScalarKind::Integer) = &node.data
            && let Ok(burst) = text.parse()
            && burst <= MAX_BURST
        {
            return Some((burst, node.line));
        }
        self.sink.report(
            node.line,
            "rate_limit.burst",
            "no count of requests",
            "write a whole number, 1 to 1000000",
        );
        None
    }

    /// The entries of a mapping of names to text, each with its line.
    fn pairs(&mut self, node: &Node, path: &str) -> Vec<(String, usize, String)> {
        let Data::Map(entries) = &node.data else {
            let what = format!("expected a mapping, found {}", node.kind());
            self.sink.report(node.line, path, what, "write `NAME: VALUE` lines");
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (name, line, node) in entries {
            match &node.data {
                Data::Scalar(text, _) => pairs.push((name.clone(), *line, text.clone())),
                Data::Null => pairs.push((name.clone(), *line, String::new())),
                _ => {
                    let what = format!("expected text, found {}", node.kind());
                    self.sink.report(*line, format!("{path}.{name}"), what, "write NAME: VALUE");
                }
            }
        }
        pairs
    }
}
