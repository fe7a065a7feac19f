//! Severity under one set of names, whatever the logger calls it.

/// The names that levels are reported and selected by.
pub const LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];

/// Other names, in lower case.
const NAMES: [(&str, &[&str]); 6] = [
    ("trace", &["trace", "finest", "finer", "verbose", "trc", "trce", "vrb", "v", "t"]),
    ("debug", &["debug", "dbg", "fine", "debu", "dbug", "d"]),
    ("info", &["info", "information", "informational", "notice", "inf", "normal", "i", "n"]),
    ("warn", &["warn", "warning", "wrn", "w"]),
    ("error", &["error", "err", "severe", "erro", "fail", "e"]),
    (
        "fatal",
        &[
            "fatal",
            "critical",
            "crit",
            "alert",
            "emerg",
            "emergency",
            "panic",
            "dpanic",
            "ftl",
            "fata",
            "pani",
            "f",
            "c",
            "a",
        ],
    ),
];

/// By their first letter, how long names are, a bit each.
const LENGTHS: [u16; 26] = {
    let mut lengths = [0; 26];
    let mut level = 0;
    while level < NAMES.len() {
        let names = NAMES[level].1;
        let mut i = 0;
        while i < names.len() {
            lengths[(names[i].as_bytes()[0] - b'a') as usize] |= 1 << names[i].len();
            i += 1;
        }
        level += 1;
    }
    lengths
};

/// `text` as one of [`LEVELS`] where it is a known name, in any case, or a
/// number: of the loggers that count to 60 (bunyan, pino), or of syslog, 0 to
/// 7; else as it stands.
pub fn normal(text: &str) -> &str {
    // Most loggers write one of these.
    if LEVELS.contains(&text) {
        return text;
    }
    if let Ok(number) = text.parse::<usize>() {
        return match number {
            0..=7 => syslog(number),
            10..=19 => "trace",
            20..=29 => "debug",
            30..=39 => "info",
            40..=49 => "warn",
            50..=59 => "error",
            60..=69 => "fatal",
            _ => text,
        };
    }
    named(text.as_bytes()).unwrap_or(text)
}

/// The level of this name, in any case.
pub fn named(name: &[u8]) -> Option<&'static str> {
    // Most words are none, and their first letter and length say so.
    let letter = (name.first()? | 0x20).wrapping_sub(b'a');
    if letter > 25 || name.len() > 15 || LENGTHS[usize::from(letter)] >> name.len() & 1 == 0 {
        return None;
    }
    let is = |known: &&str| known.as_bytes().eq_ignore_ascii_case(name);
    NAMES.iter().find(|(_, names)| names.iter().any(is)).map(|&(level, _)| level)
}

/// Of the severities of syslog and the journal.
pub fn syslog(severity: usize) -> &'static str {
    match severity {
        0..=2 => "fatal",
        3 => "error",
        4 => "warn",
        5 | 6 => "info",
        _ => "debug",
    }
}

/// Of the severity numbers of OpenTelemetry, 1 to 24.
pub fn opentelemetry(text: &str) -> Option<&'static str> {
    let number: usize = text.parse().ok()?;
    (1..=24).contains(&number).then(|| LEVELS[(number - 1) / 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_names_of_levels() {
        assert_eq!(normal("WARNING"), "warn");
        assert_eq!(normal("50"), "error");
        assert_eq!(normal("3"), "error");
        assert_eq!(normal("Normal"), "info");
        assert_eq!(normal("audit"), "audit");
        assert_eq!(opentelemetry("17"), Some("error"));
        assert_eq!(opentelemetry("25"), None);
        assert!(LEVELS.iter().all(|level| normal(level) == *level));
    }
}
