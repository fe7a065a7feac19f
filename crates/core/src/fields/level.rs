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

/// How many names there are.
const COUNT: usize = {
    let (mut count, mut level) = (0, 0);
    while level < NAMES.len() {
        count += NAMES[level].1.len();
        level += 1;
    }
    count
};

/// A name and its level.
type Known = (&'static str, &'static str);

/// All names by their first letter, and where those of each letter begin.
const BY_LETTER: ([Known; COUNT], [u8; 27]) = {
    let (mut known, mut starts) = ([("", ""); COUNT], [0; 27]);
    let (mut count, mut letter) = (0, 0);
    while letter < 26 {
        starts[letter] = count as u8;
        let mut level = 0;
        while level < NAMES.len() {
            let (name, others) = NAMES[level];
            let mut i = 0;
            while i < others.len() {
                if (others[i].as_bytes()[0] - b'a') as usize == letter {
                    known[count] = (others[i], name);
                    count += 1;
                }
                i += 1;
            }
            level += 1;
        }
        letter += 1;
    }
    starts[26] = count as u8;
    (known, starts)
};

/// By their first letter, how long names are, a bit each.
const LENGTHS: [u16; 26] = {
    let mut lengths = [0; 26];
    let mut i = 0;
    while i < COUNT {
        let name = BY_LETTER.0[i].0.as_bytes();
        lengths[(name[0] - b'a') as usize] |= 1 << name.len();
        i += 1;
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
#[inline]
pub fn named(name: &[u8]) -> Option<&'static str> {
    static NAMES: [Known; COUNT] = BY_LETTER.0;
    // Most words are none, and their first letter and length say so.
    let letter = usize::from((name.first()? | 0x20).wrapping_sub(b'a'));
    if letter > 25 || name.len() > 15 || LENGTHS[letter] >> name.len() & 1 == 0 {
        return None;
    }
    let (from, to) = (BY_LETTER.1[letter], BY_LETTER.1[letter + 1]);
    let names = &NAMES[usize::from(from)..usize::from(to)];
    names.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name)).map(|&(_, level)| level)
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
        for (level, names) in NAMES {
            for name in names {
                assert_eq!(named(name.to_ascii_uppercase().as_bytes()), Some(level), "{name}");
                assert_eq!(named(format!("{name}x").as_bytes()), None, "{name}x");
            }
        }
    }
}
