//! Severity under one set of names, whatever the logger calls it.

/// The names that levels are reported and selected by.
pub const LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];

/// `text` as one of [`LEVELS`] where it is a known name, in any case, or a
/// number of the loggers that write one (bunyan, pino: 10 to 60); else as it
/// stands.
pub fn normal(text: &str) -> &str {
    // Most loggers write one of these.
    if LEVELS.contains(&text) {
        return text;
    }
    let known: [(&str, &[&str]); 6] = [
        ("trace", &["trace", "finest", "finer", "verbose", "10"]),
        ("debug", &["debug", "dbg", "fine", "20"]),
        ("info", &["info", "information", "informational", "notice", "30", "i"]),
        ("warn", &["warn", "warning", "40", "w"]),
        ("error", &["error", "err", "severe", "50", "e"]),
        (
            "fatal",
            &["fatal", "critical", "crit", "alert", "emerg", "emergency", "panic", "dpanic", "60", "f"],
        ),
    ];
    known
        .iter()
        .find(|(_, names)| names.iter().any(|name| name.eq_ignore_ascii_case(text)))
        .map_or(text, |(level, _)| level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_names_of_levels() {
        assert_eq!(normal("WARNING"), "warn");
        assert_eq!(normal("50"), "error");
        assert_eq!(normal("audit"), "audit");
        assert!(LEVELS.iter().all(|level| normal(level) == *level));
    }
}
