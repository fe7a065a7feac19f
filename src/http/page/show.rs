//! How values look on the page. `page.js` has the same functions by the same
//! names; the browser's test holds both to the same text.

use crate::http::query;
use errtally_core::problem::grouped;

/// Height of a sparkline.
const HEIGHT: u64 = 20;

/// A number.
pub fn n<N: Copy + TryInto<u64>>(value: &N) -> String {
    (*value).try_into().map(grouped).unwrap_or_default()
}

/// A number that may not be known.
pub fn maybe(value: &Option<u64>) -> String {
    value.map_or_else(|| "–".to_owned(), grouped)
}

/// Something a second.
pub fn rate(value: &f64) -> String {
    let value = *value;
    if value > 0.0 && value < 10.0 { format!("{value:.1}") } else { grouped(value.round() as u64) }
}

/// Bytes.
pub fn bytes(value: &f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = *value;
    let mut unit = 0;
    while value >= 1024.0 && unit < units.len() - 1 {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 100.0);
    format!("{value:.digits$} {}", units[unit])
}

/// A number of bytes.
pub fn n_bytes(value: &u64) -> String {
    bytes(&(*value as f64))
}

/// A part of a whole, in percent.
pub fn share(part: &u64, whole: &u64) -> String {
    if *whole == 0 { "–".to_owned() } else { format!("{:.1} %", *part as f64 * 100.0 / *whole as f64) }
}

/// A time span.
pub fn span(seconds: &f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let two = |a: u64, unit: &str, b: u64, part: &str| match b {
        0 => format!("{a} {unit}"),
        b => format!("{a} {unit} {b} {part}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", 0, ""),
        3600..86400 => two(seconds / 3600, "h", seconds / 60 % 60, "min"),
        _ => two(seconds / 86400, "d", seconds / 3600 % 24, "h"),
    }
}

/// A time span that may not be known.
pub fn maybe_span(seconds: &Option<f64>) -> String {
    seconds.as_ref().map_or_else(|| "–".to_owned(), span)
}

/// A moment, in UTC as logs have it; nothing for never.
pub fn time(seconds: &f64) -> String {
    match jiff::Timestamp::from_second(*seconds as i64) {
        Ok(time) if *seconds > 0.0 => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        _ => "–".to_owned(),
    }
}

/// A moment, as how long it was before `now`.
pub fn ago(seconds: &f64, now: &f64) -> String {
    if *seconds > 0.0 { format!("{} ago", span(&(now - seconds))) } else { "–".to_owned() }
}

/// Yes or no, where known.
pub fn yes(value: &Option<bool>) -> &'static str {
    match value {
        Some(true) => "yes",
        Some(false) => "no",
        None => "–",
    }
}

/// Words, where there are any.
pub fn or(value: &Option<String>) -> String {
    value.as_deref().map_or_else(|| "–".to_owned(), text)
}

/// A status, where known.
pub fn status(value: &Option<u16>) -> String {
    value.map_or_else(String::new, |s| s.to_string())
}

/// A status, or that there is none.
pub fn status_or(value: &Option<u16>) -> String {
    value.map_or_else(|| "–".to_owned(), |s| s.to_string())
}

/// Text from outside: characters that show nothing are shown as one that does.
pub fn text(value: &str) -> String {
    value.chars().map(|c| if c.is_ascii_control() { '\u{fffd}' } else { c }).collect()
}

/// A name of a category, to read.
pub fn words(value: &str) -> String {
    value.replace('_', " ")
}

/// Text as a part of an address.
pub fn part(value: &str) -> String {
    query::encode(value)
}

/// The outline of a sparkline's bars.
pub fn bars(bars: &[u64]) -> String {
    let most = bars.iter().copied().max().unwrap_or(0).max(1);
    let mut path = String::new();
    for (x, &bar) in bars.iter().enumerate().filter(|&(_, &bar)| bar > 0) {
        let height = ((bar as f64 * HEIGHT as f64 / most as f64).round() as u64).max(2);
        path.push_str(&format!("M{x} {HEIGHT}v-{height}h.8v{height}z"));
    }
    path
}

/// A sparkline in words.
pub fn bars_words(bars: &[u64], bar_seconds: &u64) -> String {
    let sum: u64 = bars.iter().sum();
    let most = bars.iter().copied().max().unwrap_or(0);
    if sum == 0 {
        return "15 minutes without a hit".to_owned();
    }
    format!("{} in 15 minutes, at most {} in {bar_seconds} seconds", grouped(sum), grouped(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_well() {
        assert_eq!([n(&0u64), n(&999u64), n(&1000u64), n(&1_234_567u64)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([rate(&0.0), rate(&0.25), rate(&12.6)], ["0", "0.2", "13"]);
        assert_eq!(
            [bytes(&0.0), bytes(&1023.0), bytes(&1536.0), bytes(&3e8)],
            ["0 B", "1023 B", "1.5 KiB", "286 MiB"]
        );
        assert_eq!(
            [span(&0.9), span(&59.9), span(&61.0), span(&3600.0), span(&3725.0), span(&90000.0)],
            ["0 s", "59 s", "1 min", "1 h", "1 h 2 min", "1 d 1 h"]
        );
        assert_eq!([time(&0.0), time(&1_793_692_839.145)], ["–", "2026-11-03 08:00:39 UTC"]);
        assert_eq!([share(&0, &0), share(&1, &3)], ["–", "33.3 %"]);
        assert_eq!(text("a\0b\u{1b}[1m"), "a\u{fffd}b\u{fffd}[1m");
        assert_eq!(bars(&[0, 1, 100]), "M1 20v-2h.8v2zM2 20v-20h.8v20z");
    }
}
