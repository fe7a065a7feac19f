//! Messages with placeholders: as people read them, and as a record has them.
//!
//! The catalog keeps a message as the API's document has it:
//! `Instance[%s] could not be found.` In a record the same message has the
//! instance in it.

use std::borrow::Cow;

use memchr::memmem;

use crate::boundary::is_word;

/// Longest value that stands in the place of a placeholder.
const MAX_VALUE_BYTES: usize = 256;

/// Letters of a piece that says enough to know the message by.
const MIN_PIECE_BYTES: usize = 8;

/// `message` for people: what is not known is `…`.
pub fn readable(message: &str) -> Cow<'_, str> {
    let mut text = String::new();
    let (mut start, mut at) = (0, 0);
    while at < message.len() {
        match placeholder(message, at) {
            Some(length) => {
                text.push_str(&message[start..at]);
                text.push_str(if message[at..].starts_with("[%s]") { "[…]" } else { "…" });
                at += length;
                start = at;
            }
            None => at += message[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    if start == 0 {
        return Cow::Borrowed(message);
    }
    text.push_str(&message[start..]);
    Cow::Owned(text)
}

/// The literal pieces of a message between its placeholders.
pub(crate) fn pieces(message: &str) -> Vec<&str> {
    let message = message.trim_end().strip_suffix('.').unwrap_or(message);
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < message.len() {
        match placeholder(message, at) {
            Some(length) => {
                pieces.push(&message[start..at]);
                at += length;
                start = at;
            }
            None => at += message[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    pieces.push(&message[start..]);
    pieces.into_iter().map(str::trim).filter(|p| p.chars().any(char::is_alphabetic)).collect()
}

/// Whether there may be placeholders in `message`, at a glance.
pub(super) fn may_have_values(message: &str) -> bool {
    memchr::memchr2(b'%', b'{', message.as_bytes()).is_some() || message.contains("xxx")
}

/// The length of the placeholder at `at`.
fn placeholder(message: &str, at: usize) -> Option<usize> {
    let rest = &message[at..];
    if rest.starts_with("[%s]") {
        return Some(4);
    }
    if rest.starts_with("%s") || rest.starts_with("%d") {
        return Some(2);
    }
    let name = |inner: &str| inner.bytes().take_while(|&b| is_word(b) || matches!(b, b' ' | b'/')).count();
    if let Some(inner) = rest.strip_prefix("%(") {
        let length = name(inner);
        let ends = [")s", ")d"].iter().any(|end| inner[length..].starts_with(end));
        return (length > 0 && ends).then_some(length + 4);
    }
    if let Some(inner) = rest.strip_prefix('{') {
        let length = name(inner);
        return inner[length..].starts_with('}').then_some(length + 2);
    }
    let alone = |b: Option<&u8>| !b.is_some_and(|&b| is_word(b));
    let bytes = message.as_bytes();
    // `xx`, `xxx`, `XXX`
    let letter = rest.bytes().next().filter(|b| matches!(b, b'x' | b'X'))?;
    let length = rest.bytes().take_while(|&b| b == letter).count();
    let word = length > 1 && alone(bytes.get(at + length)) && (at == 0 || alone(bytes.get(at - 1)));
    word.then_some(length)
}

/// A message with placeholders, to be found in records.
#[derive(Clone, Debug)]
pub struct Template {
    pieces: Box<[Box<str>]>,
    /// Whether a placeholder stands before the first piece, and behind the last.
    open: (bool, bool),
    dot: bool,
}

impl Template {
    /// Of `message`; none where it has no placeholder, or too little else.
    pub fn new(message: &str) -> Option<Template> {
        let pieces = pieces(message);
        let literal = pieces.iter().any(|p| p.len() >= MIN_PIECE_BYTES);
        let first = pieces.first()?.trim();
        if !literal || readable(message) == message {
            return None;
        }
        let dot = message.trim_end().ends_with('.');
        let end = message.trim_end().trim_end_matches('.');
        let open = (!message.trim_start().starts_with(first), !end.ends_with(pieces.last()?.trim()));
        Some(Template { pieces: pieces.into_iter().map(Into::into).collect(), open, dot })
    }

    /// The message as it stands in `record`, the one behind the place of its
    /// code before others.
    pub fn find<'r>(&self, record: &'r [u8], code: usize) -> Option<&'r [u8]> {
        let behind = code.min(record.len());
        self.find_from(record, behind).or_else(|| self.find_from(record, 0))
    }

    fn find_from<'r>(&self, record: &'r [u8], from: usize) -> Option<&'r [u8]> {
        let (first, others) = self.pieces.split_first()?;
        let mut at = from;
        // A few attempts: a record may repeat the first words any number of times.
        for _ in 0..4 {
            let start = at + memmem::find(&record[at..], first.as_bytes())?;
            at = start + first.len();
            if let Some(end) = follow(record, at, others) {
                let start = if self.open.0 { before(record, start) } else { start };
                return Some(&record[start..self.end(record, end)]);
            }
        }
        None
    }

    fn end(&self, record: &[u8], end: usize) -> usize {
        if self.open.1 {
            let value = &record[end..record.len().min(end + MAX_VALUE_BYTES)];
            let length = value.iter().position(|&b| ends_text(b)).unwrap_or(value.len());
            let length = memmem::find(&value[..length], b". ").map_or(length, |dot| dot + 1);
            end + value[..length].trim_ascii_end().len()
        } else if self.dot && record.get(end) == Some(&b'.') {
            end + 1
        } else {
            end
        }
    }
}

/// The end of the last of `pieces`, which follow from `at` on with a value
/// before each.
fn follow(record: &[u8], mut at: usize, pieces: &[Box<str>]) -> Option<usize> {
    for piece in pieces {
        let most = record.len().min(at + MAX_VALUE_BYTES + piece.len());
        let gap = memmem::find(&record[at..most], piece.as_bytes())?;
        if record[at..at + gap].iter().any(|&b| ends_text(b)) {
            return None;
        }
        at += gap + piece.len();
    }
    Some(at)
}

/// The start of the word before `at`.
fn before(record: &[u8], at: usize) -> usize {
    let head = record[..at].trim_ascii_end();
    let word = head.iter().rev().take(MAX_VALUE_BYTES);
    head.len() - word.take_while(|&&b| !b.is_ascii_whitespace() && !ends_text(b)).count()
}

/// Whether no value goes on behind this byte: the text that holds the message
/// ends.
fn ends_text(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'<' | b'>')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_messages_at_placeholders() {
        assert_eq!(pieces("image [%s] does not exist."), ["image", "does not exist"]);
        assert_eq!(pieces("itemNotFound: xxx could not be found."), ["itemNotFound:", "could not be found"]);
        assert_eq!(pieces("Delete router error xx is invalid."), ["Delete router error", "is invalid"]);
        assert_eq!(
            pieces("The API XXX is new, x is not, nor is xXx."),
            ["The API", "is new, x is not, nor is xXx"]
        );
        assert_eq!(
            pieces("Router %(router id)s has no %(n)d, %(), %(a-b)s."),
            ["Router", "has no", ", %(), %(a-b)s"]
        );
        assert_eq!(
            pieces("Policy does not allow {}, {max size}, {\"a\": 1}."),
            ["Policy does not allow", ", {\"a\": 1}"]
        );
        assert_eq!(
            pieces("Failed to authorize OBS bucket {Bucket name}."),
            ["Failed to authorize OBS bucket"]
        );
        assert_eq!(pieces("%s: %d."), Vec::<&str>::new());
    }

    #[test]
    fn reads_well_without_its_values() {
        for (message, shown) in [
            ("Instance[%s] could not be found.", "Instance[…] could not be found."),
            ("Failed to create volume %s because %s.", "Failed to create volume … because …."),
            ("itemNotFound: Instance xxx is gone.", "itemNotFound: Instance … is gone."),
            ("A job with {0} as the source", "A job with … as the source"),
            ("Nothing is left out.", "Nothing is left out."),
        ] {
            assert_eq!(readable(message), shown);
        }
    }

    fn found<'r>(message: &str, record: &'r str, code: &str) -> Option<&'r str> {
        let at = record.find(code).expect("the code");
        let text = Template::new(message)?.find(record.as_bytes(), at)?;
        Some(std::str::from_utf8(text).expect("text"))
    }

    #[test]
    fn finds_the_message_as_the_record_has_it() {
        let message = "Instance[%s] could not be found.";
        for (record, text) in [
            (
                "Ecs.0114: Instance[i-1] could not be found. (req 7)",
                Some("Instance[i-1] could not be found."),
            ),
            ("Instance[é] could not be found (Ecs.0114)", Some("Instance[é] could not be found")),
            (
                "Instance[a] could not be found; Ecs.0114 Instance[b] could not be found.",
                Some("Instance[b] could not be found."),
            ),
            (r#"{"a":"Instance[","code":"Ecs.0114","b":"] could not be found."}"#, None),
            ("Ecs.0114 Instance could not be", None),
        ] {
            assert_eq!(found(message, record, "Ecs.0114"), text, "{record}");
        }
        let message = "Failed to create volume %s because %s.";
        let record = r#"{"log":"Ecs.0001 Failed to create volume v-1 because of the quota. Next","x":1}"#;
        assert_eq!(
            found(message, record, "Ecs.0001"),
            Some("Failed to create volume v-1 because of the quota.")
        );
        assert_eq!(
            found("%s could not be found", "no: vm-1 could not be found X.1", "X.1"),
            Some("vm-1 could not be found")
        );
        assert!(Template::new("Nothing is left out.").is_none() && Template::new("%s: %d.").is_none());
    }

    #[test]
    fn a_record_of_beginnings_is_given_up_soon() {
        let record = format!("Ecs.0114 {}", "Instance[".repeat(100_000));
        assert_eq!(found("Instance[%s] could not be found.", &record, "Ecs.0114"), None);
    }
}
