//! Pages of documentation to drafts of catalog files.
//!
//! A page has tables; some of them are tables of error codes. [`fn@read`] gives
//! their rows as they stand there: each code with its statuses, its message word
//! for word, what the page says it means, and what was repaired, merged or refused
//! on the way. [`fn@draft`] makes rows of a catalog of them: families and their
//! grammars, and for each row a category that rules propose, with a confidence.
//! [`fn@merge`] lays a draft over a file that people have judged, and [`fn@diff`] tells
//! two files apart.
//!
//! Nothing here reads or writes files, and nothing panics, whatever the bytes are.
//!
//! ```
//! let page = "Code | HTTP Status | Message\n---|---|---\nShop.0017 | 404 | No such order.\n";
//! let reading = errtally_import::read("shop.md", page.as_bytes());
//! assert_eq!(reading.rows[0].code, "Shop.0017");
//! assert_eq!(reading.rows[0].statuses, [404]);
//! ```

mod codes;
mod columns;
mod csv;
pub mod diff;
mod draft;
mod family;
pub mod file;
mod form;
mod html;
pub mod judge;
mod markdown;
mod merge;
mod rows;
mod rst;
mod statuses;
mod table;

pub use diff::diff;
pub use draft::{Draft, LeftOut, draft};
pub use family::{Families, Family, Known};
pub use file::{Entry, File, Placed};
pub use form::Form;
pub use merge::{Changes, merge};
pub use rows::{Note, Reading, Row};

/// The largest page, in bytes.
pub const MAX_PAGE_BYTES: usize = 16 << 20;

/// Reads a page. Its form is that of the ending of `name`, else of its text.
pub fn read(name: &str, bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    if bytes.len() > MAX_PAGE_BYTES {
        reading
            .notes
            .push(format!("{} bytes, at most {MAX_PAGE_BYTES} are read: split the page", bytes.len()));
        return reading;
    }
    let text = decoded(bytes, &mut reading.notes);
    let form = Form::of_name(name).unwrap_or_else(|| Form::of_text(&text));
    let tables = match form {
        Form::Rst => rst::tables(&text, &mut reading.notes),
        Form::Markdown => markdown::tables(&text, &mut reading.notes),
        Form::Html => html::tables(&text, &mut reading.notes),
        Form::Csv => csv::tables(&text, &mut reading.notes, false),
        Form::Tsv => csv::tables(&text, &mut reading.notes, true),
    };
    for table in &tables {
        reading.table(table);
    }
    reading
}

/// The title of a page, where it has one.
pub fn title(name: &str, bytes: &[u8]) -> Option<String> {
    let text = decoded(&bytes[..bytes.len().min(1 << 20)], &mut Vec::new());
    match Form::of_name(name).unwrap_or_else(|| Form::of_text(&text)) {
        Form::Rst => rst::title(&text),
        Form::Markdown => markdown::title(&text),
        Form::Html => html::title(&text),
        Form::Csv | Form::Tsv => None,
    }
}

/// The text of a page: UTF-8, or UTF-16 with a mark of its order.
fn decoded(bytes: &[u8], notes: &mut Vec<String>) -> String {
    let wide = |order: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|b| order([b[0], b[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => {
            let text = String::from_utf8_lossy(bytes);
            if matches!(text, std::borrow::Cow::Owned(_)) {
                notes.push("not all of it is UTF-8: what is not became U+FFFD".to_owned());
            }
            text.trim_start_matches('\u{feff}').to_owned()
        }
    };
    text.replace("\r\n", "\n").replace('\r', "\n")
}
