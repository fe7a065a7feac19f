//! HTTP statuses in a cell: `404/500`, `403 Forbidden`.

/// The statuses of `text`, each once, in their order.
pub fn of(text: &str) -> Vec<u16> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let alone = at == 0
            || !(bytes[at - 1] == b'.' || bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
        if length == 3 && alone && (b'1'..=b'5').contains(&bytes[at]) {
            let status = bytes[at..at + 3].iter().fold(0, |n, b| n * 10 + u16::from(b - b'0'));
            if !found.contains(&status) {
                found.push(status);
            }
        }
        at += length.max(1);
    }
    found
}

/// Whether `text` is a status, with words or without.
pub fn is_status(text: &str) -> bool {
    let text = text.trim();
    !of(text).is_empty()
        && text.len() <= 64
        && (text.as_bytes()[0].is_ascii_digit() || text.starts_with("HTTP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_several() {
        for (text, statuses) in [
            ("400", &[400][..]),
            ("404/500", &[404, 500]),
            ("403 Forbidden", &[403]),
            ("400, 401 or 400", &[400, 401]),
            ("500（内部错误）", &[500]),
            ("4xx", &[]),
            ("-", &[]),
            ("1.400", &[]),
            ("4000", &[]),
            ("600", &[]),
        ] {
            assert_eq!(of(text), statuses, "{text}");
        }
    }
}
