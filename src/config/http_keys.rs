//! The keys below `http`: the limits of the server.

use std::time::Duration;

use super::keys::{Key, Refused, one, parse_duration, show_duration, within};

/// What one client may cost.
pub(super) const HTTP: &[Key] = &[
    Key {
        name: "http.max_connections",
        doc: "Maximum number of connections. One more closes the connection that was idle longest. 8 to 65536.",
        list: false,
        reloads: false,
        set: |s, v| {
            let text = one(v)?;
            let count = text
                .parse::<u64>()
                .map_err(|_| (format!("`{text}` is no count"), "write a whole number".to_owned()))?;
            s.http.max_connections = within(count, 8, 65536, "8 to 65536")?;
            Ok(())
        },
        show: |s| s.http.max_connections.to_string(),
    },
    Key {
        name: "http.request_timeout",
        doc: "Maximum time for the head of a request, from connecting or from its first byte. 100ms to 1h.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.http.request_timeout = timeout(v)?;
            Ok(())
        },
        show: |s| show_duration(s.http.request_timeout),
    },
    Key {
        name: "http.answer_timeout",
        doc: "Maximum time that a client may take to read an answer. 100ms to 1h.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.http.answer_timeout = timeout(v)?;
            Ok(())
        },
        show: |s| show_duration(s.http.answer_timeout),
    },
    Key {
        name: "http.idle_timeout",
        doc: "How long errtally keeps a connection between requests. 100ms to 1h.",
        list: false,
        reloads: false,
        set: |s, v| {
            s.http.idle_timeout = timeout(v)?;
            Ok(())
        },
        show: |s| show_duration(s.http.idle_timeout),
    },
];

fn timeout(values: &[String]) -> Result<Duration, Refused> {
    let duration = parse_duration(one(values)?)?;
    if !(100..=3_600_000).contains(&duration.as_millis()) {
        return Err((format!("{} is out of range", show_duration(duration)), "write 100ms to 1h".to_owned()));
    }
    Ok(duration)
}
