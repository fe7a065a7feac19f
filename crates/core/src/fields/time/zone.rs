//! Zones: the one of times that name none, and those that records name.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// What a time without a zone is taken to be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    zone: TimeZone,
    /// Its seconds ahead of UTC, where they are always the same.
    fixed: Option<i32>,
    name: String,
}

impl Default for Zone {
    fn default() -> Zone {
        Zone::new(TimeZone::UTC, "UTC")
    }
}

impl Zone {
    fn new(zone: TimeZone, name: &str) -> Zone {
        let fixed = zone.to_fixed_offset().ok().map(Offset::seconds);
        Zone { zone, fixed, name: name.to_owned() }
    }

    /// `UTC`, `local`, an offset such as `+08:00`, or a name of the IANA
    /// database such as `Europe/Berlin`.
    pub fn named(name: &str) -> Option<Zone> {
        let zone = match name {
            "local" => TimeZone::system(),
            _ => match offset(name.as_bytes()) {
                Some((seconds, length)) if length == name.len() => fixed(seconds)?,
                _ => TimeZone::get(name).ok()?,
            },
        };
        Some(Zone::new(zone, name))
    }

    /// As it was named.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// What a time says about its zone.
#[derive(Debug)]
pub(super) enum Said {
    Nothing,
    Offset(i32),
    Zone(TimeZone),
    /// It names one that is unknown, or that means several.
    Unknown,
}

impl Said {
    /// The seconds ahead of UTC, where they do not depend on the time.
    pub fn seconds(&self, default: &Zone) -> Option<i32> {
        match self {
            Said::Nothing => default.fixed,
            Said::Offset(seconds) => Some(*seconds),
            Said::Zone(_) | Said::Unknown => None,
        }
    }
}

/// `local` in microseconds since 1970; nothing where its zone is unknown.
pub(super) fn moment(local: DateTime, said: Said, default: &Zone) -> Option<i64> {
    let zoned = |zone: &TimeZone| zone.to_timestamp(local).ok().map(|t| t.as_microsecond());
    match said {
        Said::Nothing => zoned(&default.zone),
        Said::Offset(seconds) => {
            Some(Offset::from_seconds(seconds).ok()?.to_timestamp(local).ok()?.as_microsecond())
        }
        Said::Zone(zone) => zoned(&zone),
        Said::Unknown => None,
    }
}

fn fixed(seconds: i32) -> Option<TimeZone> {
    Some(TimeZone::fixed(Offset::from_seconds(seconds).ok()?))
}

/// The zone that `text` begins with, perhaps behind a blank, and its length.
pub(super) fn behind(text: &[u8]) -> (Said, usize) {
    let blank = usize::from(text.first() == Some(&b' '));
    let rest = &text[blank..];
    if let Some((seconds, length)) = offset(rest) {
        // Java writes the name behind the offset.
        let name = rest[length..].first() == Some(&b'[');
        let close = rest[length..].iter().take(40).position(|&b| b == b']').filter(|_| name);
        return (Said::Offset(seconds), blank + length + close.map_or(0, |close| close + 1));
    }
    let length = rest.iter().take(40).take_while(|b| b.is_ascii_alphabetic() || b"/_".contains(b)).count();
    let name = &rest[..length];
    if matches!(rest.get(length), Some(b) if b.is_ascii_digit() || *b == b'=') {
        return (Said::Nothing, 0);
    }
    if name.first().is_some_and(u8::is_ascii_uppercase) && name.contains(&b'/') {
        let zone = std::str::from_utf8(name).ok().and_then(|name| TimeZone::get(name).ok());
        return zone.map_or((Said::Nothing, 0), |zone| (Said::Zone(zone), blank + length));
    }
    match abbreviation(name) {
        Some(said) => (said, blank + length),
        None => (Said::Nothing, 0),
    }
}

/// `Z`, `+01:00`, `+0100`, `+01`.
fn offset(text: &[u8]) -> Option<(i32, usize)> {
    let (sign, rest) = match text {
        [b'Z' | b'z', next, ..] if next.is_ascii_alphanumeric() => return None,
        [b'Z' | b'z', ..] => return Some((0, 1)),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        // The minus sign of typography.
        _ => return None,
    };
    let two = |at: usize| match rest.get(at..at + 2)? {
        [a, b] if a.is_ascii_digit() && b.is_ascii_digit() => {
            Some(i32::from(a - b'0') * 10 + i32::from(b - b'0'))
        }
        _ => None,
    };
    let hours = two(0)?;
    let colon = usize::from(rest.get(2) == Some(&b':'));
    let (minutes, length) = match two(2 + colon) {
        Some(minutes) => (minutes, 4 + colon),
        None => (0, 2),
    };
    if hours > 18 || minutes > 59 || rest.get(length).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((sign * (hours * 3600 + minutes * 60), 1 + length))
}

/// Names that mean one offset, in seconds / 60.
const KNOWN: &[(&str, i32)] = &[
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("WEST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("MEZ", 60),
    ("MESZ", 120),
    ("EET", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("SAST", 120),
    ("HKT", 480),
    ("SGT", 480),
    ("AWST", 480),
    ("JST", 540),
    ("KST", 540),
    ("ACST", 570),
    ("AEST", 600),
    ("AEDT", 660),
    ("NZST", 720),
    ("NZDT", 780),
    ("EST", -300),
    ("EDT", -240),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("AKST", -540),
    ("AKDT", -480),
    ("HST", -600),
];

/// Names of zones that mean several, or that nobody need know.
const SEVERAL: &[&str] = &[
    "CST", "IST", "BST", "AST", "ADT", "ACT", "AMT", "ART", "BRT", "CLT", "COT", "ECT", "GST", "ICT", "MMT",
    "NPT", "PET", "PKT", "PHT", "PYT", "SST", "TRT", "UYT", "UZT", "VET", "WAT", "CAT", "EAT", "WIB", "WITA",
    "WIT", "YEKT", "NST", "NDT", "BDT", "AZT", "GET", "KGT", "LHST", "MVT", "MYT", "OMST", "VLAT", "XST",
    "XDT", "IDT", "IRST",
];

/// The lengths of those names by their first letter, and by their last, a bit each.
const ENDS: [[u8; 26]; 2] = {
    let mut ends = [[0; 26]; 2];
    let mut i = 0;
    while i < KNOWN.len() + SEVERAL.len() {
        let name = if i < KNOWN.len() { KNOWN[i].0 } else { SEVERAL[i - KNOWN.len()] }.as_bytes();
        ends[0][(name[0] - b'A') as usize] |= 1 << name.len();
        ends[1][(name[name.len() - 1] - b'A') as usize] |= 1 << name.len();
        i += 1;
    }
    ends
};

/// A quick look: most words behind a time are levels and names.
#[inline]
fn may_be_abbreviation(name: &[u8]) -> bool {
    let [first, .., last] = *name else { return false };
    let of = |end: usize, byte: u8| ENDS[end].get(usize::from(byte.wrapping_sub(b'A'))).copied().unwrap_or(0);
    name.len() < 8 && (of(0, first) & of(1, last)) >> name.len() & 1 == 1
}

fn abbreviation(name: &[u8]) -> Option<Said> {
    if !may_be_abbreviation(name) || !name.iter().all(u8::is_ascii_uppercase) {
        return None;
    }
    let name = std::str::from_utf8(name).ok()?;
    if let Some(&(_, minutes)) = KNOWN.iter().find(|(known, _)| *known == name) {
        return Some(Said::Offset(minutes * 60));
    }
    // `GET` is what a client asks for.
    (SEVERAL.contains(&name) && name != "GET").then_some(Said::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_zone_is_named_as_a_level_is() {
        for name in KNOWN.iter().map(|&(name, _)| name).chain(SEVERAL.iter().copied()) {
            assert!(crate::fields::level::named(name.as_bytes()).is_none(), "{name}");
            assert!(name == "GET" || abbreviation(name.as_bytes()).is_some(), "{name}");
        }
    }
}
