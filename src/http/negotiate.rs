//! Which exposition format and which encoding a scraper asks for.

/// Whether `accept` prefers OpenMetrics to the text format. A tie goes to
/// OpenMetrics where it is named, and nothing named means text.
pub fn wants_openmetrics(accept: &str) -> bool {
    let mut openmetrics = 0.0f32;
    let mut text = 0.0f32;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or("").to_ascii_lowercase();
        let (mut quality, mut version) = (1.0f32, None);
        for parameter in parts {
            match parameter.split_once('=') {
                Some(("q", q)) => quality = q.trim().parse().unwrap_or(0.0),
                Some(("version", v)) => version = Some(v.trim().trim_matches('"')),
                _ => {}
            }
        }
        match kind.as_str() {
            // A scraper that only reads a later version gets the text format.
            "application/openmetrics-text" if matches!(version, None | Some("0.0.1" | "1.0.0")) => {
                openmetrics = openmetrics.max(quality);
            }
            "text/plain" | "text/*" | "*/*" => text = text.max(quality),
            _ => {}
        }
    }
    openmetrics > 0.0 && openmetrics >= text
}

/// Whether `accept_encoding` allows gzip.
pub fn takes_gzip(accept_encoding: &str) -> bool {
    let mut any = false;
    for coding in accept_encoding.split(',') {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or("");
        let refused = parts
            .any(|p| p.strip_prefix("q=").is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0)));
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            return !refused;
        }
        any |= name == "*" && !refused;
    }
    any
}

#[cfg(test)]
mod tests {
    use super::{takes_gzip, wants_openmetrics};

    #[test]
    fn gzip_by_name_or_among_all() {
        for (accept, taken) in [
            ("", false),
            ("identity", false),
            ("br, deflate", false),
            ("gzip", true),
            ("GZip", true),
            ("deflate, gzip;q=0.5, br", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0, *", false),
            ("*", true),
            ("*;q=0", false),
            ("br, *;q=0.1", true),
        ] {
            assert_eq!(takes_gzip(accept), taken, "{accept}");
        }
    }

    #[test]
    fn follows_quality() {
        for (accept, wanted) in [
            ("", false),
            ("*/*", false),
            ("text/plain", false),
            ("application/openmetrics-text", true),
            ("application/openmetrics-text; version=1.0.0", true),
            ("application/openmetrics-text; version=2.0.0", false),
            ("application/openmetrics-text;q=0", false),
            ("text/plain;q=0.9,application/openmetrics-text;q=0.5", false),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                 application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                true,
            ),
        ] {
            assert_eq!(wants_openmetrics(accept), wanted, "{accept}");
        }
    }
}
