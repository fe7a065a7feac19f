//! The forms in which times stand in records.

use jiff::civil::DateTime;

use super::Moment;
use super::zone::{self, Said, Zone};

/// A time that text begins with: when, where its zone is known, and its length.
pub(super) type Found = (Option<Moment>, usize);

/// The time that `text` begins with, in any of the forms.
pub(super) fn any(text: &[u8], default: &Zone) -> Option<Found> {
    match text.first()? {
        b'0'..=b'9' => iso(text, default)
            .or_else(|| day_first(text, default))
            .or_else(|| compact(text, default))
            .or_else(|| since_1970(text)),
        b'A'..=b'Z' => weekday(text, default).or_else(|| month_first(text, default)),
        _ => None,
    }
}

/// `2026-11-03T08:00:04.551872340Z`, `2026-11-03 08:00:00,004 +0100` and what
/// lies between.
pub(super) fn iso(text: &[u8], default: &Zone) -> Option<Found> {
    let &[a, b, c, d, first, e, f, second, g, h, between] = text.first_chunk()?;
    let is_sign = |byte: u8| matches!(byte, b'-' | b'/' | b'.');
    if !is_sign(first) || !is_sign(second) || !matches!(between, b'T' | b't' | b' ' | b'_') {
        return None;
    }
    let (year, month, day) = (two(a, b)? * 100 + two(c, d)?, two(e, f)?, two(g, h)?);
    let mut at = Cursor(&text[11..]);
    let time = at.clock()?;
    at.end(text, (year, month, day), time, default)
}

/// A time as [`iso`] has it, to the second, in UTC or without a zone, unless one stands behind a blank:
/// its length, and whether a blank parts date and time. It is one whatever the zone.
pub(super) fn plain(text: &[u8]) -> Option<(bool, usize)> {
    let &[a, b, c, d, first, e, f, second, g, h, between, i, j, b':', k, l, b':', m, n] =
        text.first_chunk()?
    else {
        return None;
    };
    let is_sign = |byte: u8| matches!(byte, b'-' | b'/' | b'.');
    if !is_sign(first) || !is_sign(second) || !matches!(between, b'T' | b't' | b' ' | b'_') {
        return None;
    }
    let (year, month, day) = (two(a, b)? * 100 + two(c, d)?, two(e, f)?, two(g, h)?);
    let (hour, minute, second) = (two(i, j)?, two(k, l)?, two(m, n)?);
    if !(1971..9998).contains(&year) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Most days need no calendar.
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) {
        days_since_1970(year, month, day)?;
    }
    let mut length = 19;
    if let [b'.' | b',', digits @ ..] = &text[length..] {
        length += 1 + digits.iter().take_while(|b| b.is_ascii_digit()).count();
    }
    length += usize::from(text.get(length) == Some(&b'Z'));
    Some((between == b' ', length))
}

/// `02/Jan/2026:03:04:05 +0800` of Apache, `01-Apr-2026 09:30:00 UTC` of PHP,
/// `03 Apr 2026 09:30:00`.
fn day_first(text: &[u8], default: &Zone) -> Option<Found> {
    let mut at = Cursor(text);
    let day = at.number(2)?;
    at.one_of(b"/- ")?;
    let month = at.month()?;
    at.one_of(b"/- ")?;
    let year = at.digits(4)?;
    at.one_of(b": ")?;
    let time = at.clock()?;
    at.end(text, (year, month, day), time, default)
}

/// `20260401T080000Z`, `20260401 08:00:00`.
fn compact(text: &[u8], default: &Zone) -> Option<Found> {
    let mut at = Cursor(text);
    let (year, month, day) = (at.digits(4)?, at.digits(2)?, at.digits(2)?);
    at.one_of(b"T _-")?;
    let mut with_colons = at;
    let time = match with_colons.clock() {
        Some(time) => {
            at = with_colons;
            time
        }
        None => (at.digits(2)?, at.digits(2)?, at.digits(2)?, at.fraction_if_any()),
    };
    at.end(text, (year, month, day), time, default)
}

/// Seconds or milliseconds since 1970 as a word of their own, or behind a
/// parenthesis.
fn since_1970(text: &[u8]) -> Option<Found> {
    let length = text.iter().take(32).take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let ends = text.get(length).is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b']' | b')' | b','));
    if !(digits == 10 && length > 10 || digits == 13) || !ends {
        return None;
    }
    let number = std::str::from_utf8(&text[..length]).ok()?;
    Some((Some(super::number(number)?), length))
}

/// `Wed, 01 Apr 2026 08:00:00 GMT`, `Wed Apr  1 08:00:00.5 2026`,
/// `Wed Apr  1 08:00:00 UTC 2026`.
fn weekday(text: &[u8], default: &Zone) -> Option<Found> {
    let mut at = Cursor(text);
    let name = text.first_chunk::<3>()?;
    if !matches!(name, b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun") {
        return None;
    }
    at.0 = &text[3..];
    let letters = at.0.iter().take_while(|b| b.is_ascii_lowercase()).count();
    at.0 = &at.0[letters..];
    let _ = at.one_of(b",");
    at.one_of(b" ")?;
    if at.0.first()?.is_ascii_digit() {
        let (moment, length) = day_first(at.0, default)?;
        return Some((moment, text.len() - at.0.len() + length));
    }
    let (month, day) = (at.month()?, at.day()?);
    at.one_of(b" ")?;
    let time = at.clock()?;
    let (said, length) = zone::behind(at.0);
    at.0 = &at.0[length..];
    at.one_of(b" ")?;
    let year = at.digits(4)?;
    let used = text.len() - at.0.len();
    Some((moment((year, month, day), time, said, default)?, used))
}

/// `Apr  1 09:00:00` of syslog, without a year; `Apr 01, 2026 8:00:00 AM`.
fn month_first(text: &[u8], default: &Zone) -> Option<Found> {
    let mut at = Cursor(text);
    let (month, day) = (at.month()?, at.day()?);
    let year = if at.one_of(b",").is_some() {
        at.one_of(b" ")?;
        let year = at.digits(4)?;
        let _ = at.one_of(b",");
        Some(year)
    } else {
        None
    };
    at.one_of(b" ")?;
    if year.is_none() && at.0.get(4) == Some(&b' ') {
        // A year in front of the time, as some routers write it.
        let mut with_year = Cursor(at.0);
        if let Some(year) = with_year.digits(4) {
            with_year.one_of(b" ")?;
            let time = with_year.clock()?;
            return with_year.end(text, (year, month, day), time, default);
        }
    }
    let time = at.clock()?;
    match year {
        Some(year) => at.end(text, (year, month, day), time, default),
        None => without_year(text, at, month, day, time, default),
    }
}

/// `0401 08:10:00.500000` behind the letter of klog.
pub(super) fn klog(text: &[u8], default: &Zone) -> Option<Found> {
    let mut at = Cursor(text);
    let (month, day) = (at.digits(2)?, at.digits(2)?);
    at.one_of(b" ")?;
    let time = at.clock()?;
    without_year(text, at, month, day, time, default)
}

/// The year is the last one that does not put it in the future.
fn without_year(
    text: &[u8],
    at: Cursor<'_>,
    month: i32,
    day: i32,
    time: Clock,
    default: &Zone,
) -> Option<Found> {
    let used = text.len() - at.0.len();
    let now = Moment::now();
    let this = jiff::Timestamp::from_microsecond(now.0).ok()?;
    let this = i32::from(jiff::tz::Offset::UTC.to_datetime(this).year());
    // The 29th of February is one of four years, at worst of eight.
    let years = (this - 8..=this + 1).rev();
    let latest = years
        .filter_map(|year| moment((year, month, day), time, Said::Nothing, default)?)
        .find(|m| m.0 <= now.0.saturating_add(MAX_AHEAD));
    Some((Some(latest?), used))
}

/// Clocks differ, and zones do: how far ahead of now a time may be, in
/// microseconds.
const MAX_AHEAD: i64 = 24 * 3600 * 1_000_000;

/// Hour, minute, second, nanoseconds.
type Clock = (i32, i32, i32, i32);

/// `None` for what is no time; `Some(None)` for one whose zone is unknown.
fn moment(
    (year, month, day): (i32, i32, i32),
    (hour, minute, second, nanos): Clock,
    said: Said,
    default: &Zone,
) -> Option<Option<Moment>> {
    // A leap second is the last moment of its minute.
    let second = if second == 60 { 59 } else { second };
    if (1970..9999).contains(&year)
        && let Some(ahead) = said.seconds(default)
    {
        let days = days_since_1970(year, month, day)?;
        if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..60).contains(&second) {
            return None;
        }
        let seconds =
            i64::from(days) * 86_400 + i64::from(hour * 3600 + minute * 60 + second) - i64::from(ahead);
        if seconds >= 0 {
            return Some(Some(Moment(seconds * 1_000_000 + i64::from(nanos / 1000))));
        }
    }
    let small = |n: i32| i8::try_from(n).ok();
    let year = i16::try_from(year).ok()?;
    let local =
        DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, nanos);
    let local = local.ok()?;
    if matches!(said, Said::Unknown) {
        return Some(None);
    }
    Some(Some(Moment(zone::moment(local, said, default)?)))
}

/// The days from the 1st of January 1970 to this one, in a year from 1970 on; `None` for none of the
/// calendar. By hand, since most lines begin with one.
fn days_since_1970(year: i32, month: i32, day: i32) -> Option<i32> {
    const BEFORE: [i32; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month = usize::try_from(month).ok().filter(|month| (1..=12).contains(month))?;
    let longest = BEFORE[month] - BEFORE[month - 1] + i32::from(leap && month == 2);
    if !(1..=longest).contains(&day) {
        return None;
    }
    let before = year - 1;
    let leaps = before / 4 - before / 100 + before / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    Some((year - 1970) * 365 + leaps + BEFORE[month - 1] + i32::from(leap && month > 2) + day - 1)
}

/// A number of two digits.
#[inline]
fn two(tens: u8, ones: u8) -> Option<i32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i32::from(tens) * 10 + i32::from(ones))
}

#[derive(Clone, Copy)]
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

    /// One digit, or as many as `most`.
    fn number(&mut self, most: usize) -> Option<i32> {
        let count = self.0.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
        if count == 0 { None } else { self.digits(count) }
    }

    fn one_of(&mut self, set: &[u8]) -> Option<()> {
        let first = self.0.first()?;
        set.contains(first).then(|| self.0 = &self.0[1..])
    }

    fn month(&mut self) -> Option<i32> {
        let month = match self.0.first_chunk::<3>()? {
            b"Jan" => 1,
            b"Feb" => 2,
            b"Mar" => 3,
            b"Apr" => 4,
            b"May" => 5,
            b"Jun" => 6,
            b"Jul" => 7,
            b"Aug" => 8,
            b"Sep" => 9,
            b"Oct" => 10,
            b"Nov" => 11,
            b"Dec" => 12,
            _ => return None,
        };
        self.0 = &self.0[3..];
        Some(month)
    }

    /// A day behind one blank or two.
    fn day(&mut self) -> Option<i32> {
        self.one_of(b" ")?;
        let _ = self.one_of(b" ");
        self.number(2)
    }

    /// `08:00:04.551`, `8:00:00 AM`, `08:00`.
    #[inline]
    fn clock(&mut self) -> Option<Clock> {
        let (mut hour, minute, second, nanos);
        if let [a, b, b':', c, d, b':', e, f, rest @ ..] = self.0
            && let (Some(h), Some(m), Some(s)) = (two(*a, *b), two(*c, *d), two(*e, *f))
        {
            (hour, minute, second, self.0) = (h, m, s, rest);
            nanos = self.fraction_if_any();
        } else {
            hour = self.number(2)?;
            self.one_of(b":")?;
            minute = self.digits(2)?;
            (second, nanos) = match self.one_of(b":") {
                Some(()) => (self.digits(2)?, self.fraction_if_any()),
                None => (0, 0),
            };
        }
        if let [b' ', half @ (b'A' | b'P'), b'M', rest @ ..] = self.0
            && !rest.first().is_some_and(u8::is_ascii_alphanumeric)
        {
            hour = hour % 12 + if *half == b'P' { 12 } else { 0 };
            self.0 = rest;
        }
        Some((hour, minute, second, nanos))
    }

    fn fraction_if_any(&mut self) -> i32 {
        match self.0 {
            [b'.' | b',', digit, ..] if digit.is_ascii_digit() => {
                self.0 = &self.0[1..];
                self.fraction()
            }
            _ => 0,
        }
    }

    /// Digits behind the point, as nanoseconds; those after the ninth are
    /// dropped.
    fn fraction(&mut self) -> i32 {
        const UNITS: [i32; 10] =
            [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
        let count = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(count);
        let digits = &digits[..count.min(9)];
        self.0 = rest;
        digits.iter().fold(0, |n, &b| n * 10 + i32::from(b - b'0')) * UNITS[digits.len()]
    }

    /// Reads the zone and makes a moment of all.
    fn end(self, text: &[u8], date: (i32, i32, i32), time: Clock, default: &Zone) -> Option<Found> {
        let (said, length) = zone::behind(self.0);
        let used = text.len() - self.0.len() + length;
        Some((moment(date, time, said, default)?, used))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As [`moment`] has it, of what the library makes of the same.
    fn by_library(date: (i32, i32, i32), time: Clock, seconds: i32) -> Option<i64> {
        let (hour, minute, second, nanos) = time;
        let small = |n: i32| i8::try_from(n).ok();
        let local = DateTime::new(
            i16::try_from(date.0).ok()?,
            small(date.1)?,
            small(date.2)?,
            small(hour)?,
            small(minute)?,
            small(second)?,
            nanos,
        );
        zone::moment(local.ok()?, Said::Offset(seconds), &Zone::default())
    }

    proptest::proptest! {
        #[test]
        fn moments_are_those_of_the_library(
            date in (1960..10_000_i32, 0..14_i32, 0..33_i32),
            time in (0..26_i32, 0..62_i32, 0..60_i32, 0..1_000_000_000_i32),
            ahead in -65_000..65_000_i32,
        ) {
            let ours = moment(date, time, Said::Offset(ahead), &Zone::default()).flatten().map(|m| m.0);
            proptest::prop_assert_eq!(ours, by_library(date, time, ahead));
        }
    }

    #[test]
    fn every_day_is_that_of_the_library() {
        for year in (1970..2420).chain([9998, 9999]) {
            for month in 0..=13 {
                for day in 0..=32 {
                    let (date, noon) = ((year, month, day), (12, 0, 0, 0));
                    let ours = moment(date, noon, Said::Nothing, &Zone::default()).flatten().map(|m| m.0);
                    assert_eq!(ours, by_library(date, noon, 0), "{date:?}");
                }
            }
        }
    }
}
