//! Comma- and tab-separated values.

use crate::table::{MAX_ROWS, Raw, Table, spread, squeeze};

/// The only table of a file of such values; its header is found by its words.
pub fn tables(text: &str, notes: &mut Vec<String>, tabs: bool) -> Vec<Table> {
    let delimiter = if tabs { b'\t' } else { delimiter(text) };
    let cell = |text: String| Raw::new(text.lines().map(squeeze).filter(|b| !b.is_empty()).collect());
    let rows = rows(text.as_bytes(), delimiter, notes);
    let rows = rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect();
    vec![Table { line: 1, body: spread(rows), ..Table::default() }]
}

/// The records of `bytes`.
pub fn rows(bytes: &[u8], delimiter: u8, notes: &mut Vec<String>) -> Vec<Vec<String>> {
    let bytes = &without_gaps(bytes, delimiter)[..];
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let mut rows = Vec::new();
    for record in reader.byte_records().take(MAX_ROWS) {
        match record {
            Ok(record) => {
                rows.push(record.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect());
            }
            Err(error) => {
                notes.push(format!("the values end early: {error}"));
                break;
            }
        }
    }
    rows
}

/// `bytes` without the blanks between a delimiter and the quotes behind it: `a, "b, c"`.
fn without_gaps(bytes: &[u8], delimiter: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut quoted, mut begins, mut at) = (false, true, 0);
    while at < bytes.len() {
        let byte = bytes[at];
        if begins && !quoted && byte == b' ' && delimiter != b' ' {
            let gap = bytes[at..].iter().take_while(|b| **b == b' ').count();
            if bytes.get(at + gap) != Some(&b'"') {
                out.extend_from_slice(&bytes[at..at + gap]);
            }
            at += gap;
            begins = bytes.get(at) == Some(&b'"');
            continue;
        }
        quoted = if byte == b'"' { begins || quoted && bytes.get(at + 1) == Some(&b'"') } else { quoted };
        // A doubled quote inside is a quote.
        if byte == b'"' && quoted && !begins {
            out.extend_from_slice(b"\"\"");
            at += 2;
            continue;
        }
        begins = !quoted && (byte == delimiter || byte == b'\n');
        out.push(byte);
        at += 1;
    }
    out
}

/// The delimiter that the first lines have most of.
pub fn delimiter(text: &str) -> u8 {
    let head: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).take(5).collect();
    let count = |lines: &[&str], d: u8| {
        lines.iter().map(|l| l.bytes().filter(|&b| b == d).count()).max().unwrap_or(0)
    };
    let first = &head[..head.len().min(1)];
    *b",\t;".iter().max_by_key(|&&d| (count(first, d), count(&head, d), d == b',')).unwrap_or(&b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_before_quotes() {
        let rows = rows(b"a,  \"b, \"\"c\"\" ,  \"\"d\", e\n \"f\",g \"h\", i\n", b',', &mut Vec::new());
        assert_eq!(rows, [vec!["a", "b, \"c\" ,  \"d", "e"], vec!["f", "g \"h\"", "i"]]);
    }

    #[test]
    fn quotes_lines_and_delimiters() {
        for text in [
            "Code,Message\nA.1,\"x, \"\"y\"\"\nz\"\n",
            "Code\tMessage\nA.1\t\"x, \"\"y\"\"\nz\"\n",
            "Code;Message\nA.1;\"x, \"\"y\"\"\nz\"\n",
        ] {
            let table = &tables(text, &mut Vec::new(), false)[0];
            assert_eq!(table.body[1][1].text(), "x, \"y\" z", "{text}");
            assert_eq!(table.body[0].len(), 2);
        }
    }
}
