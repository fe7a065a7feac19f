//! When a record says that it was made.

use jiff::civil;
use jiff::tz::Offset;

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
/// size.
pub fn parse(text: &str) -> Option<Moment> {
    let text = text.trim();
    if let Some((moment, rest)) = date_time(text.as_bytes()) {
        return rest.is_empty().then_some(moment);
    }
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

/// The time that a line of text begins with, behind a bracket or the priority
/// of syslog (`<165>1 `).
pub fn at_start(line: &[u8]) -> Option<Moment> {
    let mut rest = line;
    if let [b'<', tail @ ..] = rest {
        let close = tail.iter().take(4).position(|&b| b == b'>')?;
        rest = &tail[close + 1..];
        rest = rest.strip_prefix(b"1 ").unwrap_or(rest);
    }
    rest = rest.strip_prefix(b"[").unwrap_or(rest);
    date_time(rest).map(|(moment, _)| moment)
}

/// `2026-11-03T08:00:04.551872340Z`, `2026-11-03 08:00:00,004 +0100` and what
/// lies between. Without an offset it is UTC.
fn date_time(text: &[u8]) -> Option<(Moment, &[u8])> {
    let mut cursor = Cursor(text);
    let year = cursor.digits(4)?;
    cursor.one_of(b"-/")?;
    let month = cursor.digits(2)?;
    cursor.one_of(b"-/")?;
    let day = cursor.digits(2)?;
    cursor.one_of(b"Tt _")?;
    let hour = cursor.digits(2)?;
    cursor.one_of(b":")?;
    let minute = cursor.digits(2)?;
    let mut second = 0;
    let mut nanos = 0;
    if cursor.one_of(b":").is_some() {
        second = cursor.digits(2)?;
        if cursor.followed_by_digit(b".,") {
            cursor.0 = &cursor.0[1..];
            nanos = cursor.fraction();
        }
    }
    let offset = cursor.offset();
    // A leap second is the last moment of its minute.
    let second = if second == 60 { 59 } else { second };
    let (year, month) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?);
    let (day, hour) = (i8::try_from(day).ok()?, i8::try_from(hour).ok()?);
    let (minute, second) = (i8::try_from(minute).ok()?, i8::try_from(second).ok()?);
    let local = civil::DateTime::new(year, month, day, hour, minute, second, nanos).ok()?;
    let timestamp = Offset::from_seconds(offset).ok()?.to_timestamp(local).ok()?;
    Some((Moment(timestamp.as_microsecond()), cursor.0))
}

struct Cursor<'t>(&'t [u8]);

impl Cursor<'_> {
    /// Exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<i32> {
        let digits = self.0.get(..count)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = &self.0[count..];
        Some(digits.iter().fold(0, |n, &b| n * 10 + i32::from(b - b'0')))
    }

    fn one_of(&mut self, set: &[u8]) -> Option<()> {
        let first = self.0.first()?;
        set.contains(first).then(|| self.0 = &self.0[1..])
    }

    fn followed_by_digit(&self, set: &[u8]) -> bool {
        matches!(self.0, [first, digit, ..] if set.contains(first) && digit.is_ascii_digit())
    }

    /// Digits behind the point, as nanoseconds; those after the ninth are
    /// dropped.
    fn fraction(&mut self) -> i32 {
        let count = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let mut nanos = 0;
        for i in 0..9 {
            nanos = nanos * 10 + if i < count { i32::from(self.0[i] - b'0') } else { 0 };
        }
        self.0 = &self.0[count..];
        nanos
    }

    /// `Z`, `+01:00`, `+0100`, `+01`, perhaps behind a blank, in seconds; 0
    /// where there is none.
    fn offset(&mut self) -> i32 {
        let rest = self.0.strip_prefix(b" ").unwrap_or(self.0);
        if let [b'Z' | b'z', rest @ ..] = rest {
            self.0 = rest;
            return 0;
        }
        let (sign, mut cursor) = match rest {
            [b'+', rest @ ..] => (1, Cursor(rest)),
            [b'-', rest @ ..] => (-1, Cursor(rest)),
            _ => return 0,
        };
        let Some(hours) = cursor.digits(2) else { return 0 };
        let _ = cursor.one_of(b":");
        let minutes = cursor.digits(2).unwrap_or(0);
        self.0 = cursor.0;
        sign * (hours * 3600 + minutes * 60)
    }
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
            assert_eq!(rfc3339(parse(text)), expected, "{text}");
        }
        for text in ["", "12.5", "2026-13-03T08:00:00Z", "2026-11-03T08:00:00Zx", "1e12", "yesterday", "-5"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn reads_the_time_a_line_begins_with() {
        for line in [
            "2026-11-03T08:00:04Z stdout F x",
            "[2026-11-03 08:00:04] x",
            "<165>1 2026-11-03T08:00:04Z host",
            "2026-11-03 08:00:04 ERROR x",
        ] {
            assert_eq!(rfc3339(at_start(line.as_bytes())), "2026-11-03T08:00:04Z", "{line}");
        }
        assert_eq!(at_start(b"I1103 08:00:03.402118 x"), None);
        assert_eq!(at_start(b"<x"), None);
    }
}
