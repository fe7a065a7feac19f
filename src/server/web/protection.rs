//! What of a web configuration keeps strangers out: while the server runs it
//! may change and be added to, and is never switched off.

use super::WebConfig;

/// How a client's certificate is looked at, weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Clients {
    /// Not at all.
    #[default]
    None,
    /// It may have one.
    Requested,
    /// If it has one, that must be good.
    VerifiedIfGiven,
    /// It must have one.
    Required,
    /// It must have a good one.
    Verified,
}

/// What is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Protection {
    /// TLS.
    pub tls: bool,
    /// TLS 1.3 and nothing older.
    pub only_tls13: bool,
    /// Certificates of clients.
    pub clients: Clients,
    /// A list of names that they must have one of.
    pub names: bool,
    /// Users with passwords.
    pub users: bool,
    /// A rate limit.
    pub limit: bool,
    /// The names of headers.
    pub headers: Vec<String>,
}

impl Protection {
    /// Notes what stands outside of the section on TLS.
    pub fn note(&mut self, config: &WebConfig) {
        self.users = !config.users.is_empty();
        self.limit = config.limiter.is_some();
        self.headers = config.headers.iter().map(|(name, _)| name.to_string()).collect();
    }

    /// What is on here and not in `new`: the key, and its name in words.
    pub fn lost_in(&self, new: &Protection) -> Vec<(String, String)> {
        let tls = |key: &str| format!("tls_server_config.{key}");
        let mut lost = Vec::new();
        let mut check = |is_lost: bool, key: String, words: &str| {
            if is_lost {
                lost.push((key, words.to_owned()));
            }
        };
        check(self.users && !new.users, "basic_auth_users".to_owned(), "authentication");
        check(self.limit && !new.limit, "rate_limit".to_owned(), "the rate limit");
        check(self.tls && !new.tls, "tls_server_config".to_owned(), "TLS");
        if new.tls {
            check(self.only_tls13 && !new.only_tls13, tls("min_version"), "the refusal of TLS 1.2");
            check(self.clients > new.clients, tls("client_auth_type"), "the check of client certificates");
            check(self.names && !new.names, tls("client_allowed_sans"), "the list of clients");
        }
        for name in self.headers.iter().filter(|name| !new.headers.contains(name)) {
            check(true, format!("http_server_config.headers.{name}"), "this header");
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::{Clients, Protection};

    #[test]
    fn each_is_lost_by_itself_and_gained_freely() {
        let full = Protection {
            tls: true,
            only_tls13: true,
            clients: Clients::Verified,
            names: true,
            users: true,
            limit: true,
            headers: vec!["x-frame-options".to_owned()],
        };
        assert_eq!(full.lost_in(&full), []);
        assert_eq!(Protection::default().lost_in(&full), []);
        let full = &full;
        for (key, less) in [
            ("basic_auth_users", Protection { users: false, ..full.clone() }),
            ("rate_limit", Protection { limit: false, ..full.clone() }),
            ("tls_server_config", Protection { tls: false, ..full.clone() }),
            ("tls_server_config.min_version", Protection { only_tls13: false, ..full.clone() }),
            ("tls_server_config.client_auth_type", Protection { clients: Clients::Required, ..full.clone() }),
            ("tls_server_config.client_allowed_sans", Protection { names: false, ..full.clone() }),
            ("http_server_config.headers.x-frame-options", Protection { headers: vec![], ..full.clone() }),
        ] {
            let lost: Vec<_> = full.lost_in(&less).into_iter().map(|(key, _)| key).collect();
            assert_eq!(lost, [key]);
        }
    }
}
