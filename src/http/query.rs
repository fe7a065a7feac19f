//! What stands in the address of a request: a path, and the fields of a form.

/// Fields of a form that are read; what a request has behind them is not looked at.
const MOST_FIELDS: usize = 64;

/// The fields of a form, decoded, in their order: `q=a+b&page=2`.
pub fn fields(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|field| !field.is_empty()).take(MOST_FIELDS).map(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let decoded = |text: &str| decode(&text.replace('+', " "));
        (decoded(name), decoded(value))
    })
}

/// `text` with its percent escapes resolved; a percent sign that begins none stays, and bytes that
/// are no UTF-8 become replacement characters.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|&b| char::from(b).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `text` as a part of an address: what JavaScript's `encodeURIComponent` makes of it.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_odd_ones_do_no_harm() {
        let of = |query: &str| fields(query).collect::<Vec<_>>();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(of("q=a+b%2Bc&page=2"), [pair("q", "a b+c"), pair("page", "2")]);
        assert_eq!(
            of("&&q&=x&a=b=c&%71=%C3%A9"),
            [pair("q", ""), pair("", "x"), pair("a", "b=c"), pair("q", "é")]
        );
        assert_eq!(of(&"a&".repeat(1000)).len(), MOST_FIELDS);
    }

    #[test]
    fn what_is_no_escape_stays_and_what_is_no_text_is_shown() {
        for (text, decoded) in [
            ("%", "%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("%41%", "A%"),
            ("%ff", "\u{fffd}"),
            ("100%25", "100%"),
        ] {
            assert_eq!(decode(text), decoded, "{text}");
        }
        for text in ["CCE.01400001", "a b/c?d&e=é+%", "<script>"] {
            assert_eq!(decode(&encode(text)), text);
        }
        assert_eq!(encode("a/b é"), "a%2Fb%20%C3%A9");
    }
}
