//! When a record says that it was made.

mod forms;
mod zone;

use jiff::tz::Offset;

pub use zone::Zone;

/// A moment, in microseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

impl Moment {
    /// This moment.
    pub fn now() -> Moment {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Moment(since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }

    /// From milliseconds since 1970, up to the year 9999; a sender may claim
    /// anything.
    pub fn from_millis(millis: i64) -> Option<Moment> {
        (0..253_402_207_200_000).contains(&millis).then(|| Moment(millis * 1000))
    }

    /// As RFC 3339 has it, in UTC. By hand, since every event has one.
    pub fn write(self, out: &mut Vec<u8>) {
        self.write_with(&mut Second::default(), out);
    }

    /// As [`write`](Moment::write), where the last second may be the same.
    pub fn write_with(self, last: &mut Second, out: &mut Vec<u8>) {
        let second = self.0.div_euclid(1_000_000);
        if last.0 != Some(second) {
            let Ok(timestamp) = jiff::Timestamp::from_microsecond(self.0) else { return };
            *last = Second(Some(second), to_the_second(timestamp));
        }
        out.extend_from_slice(&last.1);
        let mut micros = self.0.rem_euclid(1_000_000);
        if micros > 0 {
            out.push(b'.');
            let mut unit = 100_000;
            while micros > 0 {
                out.push(b'0' + (micros / unit) as u8);
                micros %= unit;
                unit /= 10;
            }
        }
        out.push(b'Z');
    }
}

/// A second since 1970 and how it is written: records of a log share it with
/// their neighbours.
#[derive(Clone, Copy, Debug, Default)]
pub struct Second(Option<i64>, [u8; 19]);

fn to_the_second(timestamp: jiff::Timestamp) -> [u8; 19] {
    let at = Offset::UTC.to_datetime(timestamp);
    let mut text = *b"0000-00-00T00:00:00";
    let mut put = |place: usize, number: i8| {
        text[place] = b'0' + number as u8 / 10;
        text[place + 1] = b'0' + number as u8 % 10;
    };
    let year = at.year().max(0);
    put(0, (year / 100) as i8);
    put(2, (year % 100) as i8);
    put(5, at.month());
    put(8, at.day());
    put(11, at.hour());
    put(14, at.minute());
    put(17, at.second());
    text
}

/// Numbers below are no time since 1970: a duration, a sequence.
const LEAST_SECONDS: f64 = 1e8;

/// Reads the value of a time field: RFC 3339 and its relatives, or seconds,
/// milliseconds, microseconds or nanoseconds since 1970, told apart by their
/// size. A time without a zone is in `zone`; where it names one that is
/// unknown, it is none.
pub fn parse(text: &str, zone: &Zone) -> Option<Moment> {
    let text = text.trim();
    if let Some((moment, length)) = forms::any(text.as_bytes(), zone) {
        return moment.filter(|_| length == text.len());
    }
    number(text)
}

/// As [`parse`], of a value that nothing ends: what follows the time is
/// something else.
pub(super) fn begins_as_value(text: &str, zone: &Zone) -> Option<Moment> {
    let text = text.trim_start();
    if let Some((moment, _)) = forms::any(text.as_bytes(), zone) {
        return moment;
    }
    let digits = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    number(&text[..digits])
}

/// The time that `text` begins with, where its zone is known, and its length.
pub(super) fn begins(text: &[u8], zone: &Zone) -> Option<(Option<Moment>, usize)> {
    forms::any(text, zone)
}

/// A quick look whether `text` begins with the time of most loggers: whether a blank parts its date and
/// its time, and its length, but for a zone behind a blank.
pub(super) fn plain(text: &[u8]) -> Option<(bool, usize)> {
    forms::plain(text)
}

/// As [`begins`], behind the letter of klog.
pub(super) fn klog(text: &[u8], zone: &Zone) -> Option<(Option<Moment>, usize)> {
    forms::klog(text, zone)
}

/// Why `text` is no time, where it is none.
pub fn fault(text: &str, zone: &Zone) -> Option<&'static str> {
    let text = text.trim();
    match forms::any(text.as_bytes(), zone) {
        Some((None, _)) => return Some("its zone means several, or is not known"),
        Some((_, length)) if length < text.len() => return Some("more follows the time"),
        Some(_) => return None,
        None => {}
    }
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match number(text) {
        Some(_) => None,
        None if digits => Some("too small a number for one since 1970"),
        None => Some("no form of a time"),
    }
}

/// Seconds, or smaller units, since 1970.
fn number(text: &str) -> Option<Moment> {
    if text.len() > 30 || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        let magnitude = whole as f64;
        let micros = match magnitude {
            m if m < LEAST_SECONDS => return None,
            m if m < 1e11 => whole.checked_mul(1_000_000)?,
            m if m < 1e14 => whole.checked_mul(1_000)?,
            m if m < 1e17 => whole,
            _ => whole / 1_000,
        };
        return Some(Moment(micros));
    }
    let number: f64 = text.parse().ok()?;
    let scale = match number {
        n if n < LEAST_SECONDS => return None,
        n if n < 1e11 => 1e6,
        n if n < 1e14 => 1e3,
        _ => return None,
    };
    Some(Moment((number * scale) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc3339(moment: Option<Moment>) -> String {
        let mut out = Vec::new();
        moment.expect("a time").write(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn reads_times() {
        for (text, expected) in [
            ("2026-11-03T08:00:04.551872340Z", "2026-11-03T08:00:04.551872Z"),
            ("2026-11-03 08:00:00,004", "2026-11-03T08:00:00.004Z"),
            ("2026-11-03T08:00:00+01:00", "2026-11-03T07:00:00Z"),
            ("2026/11/03 08:00 -0330", "2026-11-03T11:30:00Z"),
            ("1793692839", "2026-11-03T08:00:39Z"),
            ("1793692839145", "2026-11-03T08:00:39.145Z"),
            ("1793692839145678", "2026-11-03T08:00:39.145678Z"),
            ("1793692839145678901", "2026-11-03T08:00:39.145678Z"),
            ("1793692839.25", "2026-11-03T08:00:39.25Z"),
        ] {
            assert_eq!(rfc3339(parse(text, &Zone::default())), expected, "{text}");
        }
        for text in ["", "12.5", "2026-13-03T08:00:00Z", "2026-11-03T08:00:00Zx", "1e12", "yesterday", "-5"] {
            assert_eq!(parse(text, &Zone::default()), None, "{text}");
        }
    }
}
