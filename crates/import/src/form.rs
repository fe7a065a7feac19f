//! The form of a page: by its name, else by its text.

/// What a page is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// reStructuredText.
    Rst,
    /// Markdown.
    Markdown,
    /// HTML.
    Html,
    /// Comma-separated values, or with another delimiter.
    Csv,
    /// Tab-separated values.
    Tsv,
}

/// Endings of files that are pages.
const ENDINGS: [(&str, Form); 13] = [
    ("rst", Form::Rst),
    ("rest", Form::Rst),
    ("md", Form::Markdown),
    ("markdown", Form::Markdown),
    ("mdx", Form::Markdown),
    ("mkd", Form::Markdown),
    ("html", Form::Html),
    ("htm", Form::Html),
    ("xhtml", Form::Html),
    ("shtml", Form::Html),
    ("csv", Form::Csv),
    ("tsv", Form::Tsv),
    ("tab", Form::Tsv),
];

impl Form {
    /// By the ending of a file name.
    pub fn of_name(name: &str) -> Option<Form> {
        let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
        ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, form)| *form)
    }

    /// By what stands in it.
    pub fn of_text(text: &str) -> Form {
        let lines = || text.lines().take(5000).map(str::trim);
        let start = text.trim_start().get(..9).unwrap_or("").to_ascii_lowercase();
        if start.starts_with("<!doctype") || start.starts_with("<html") || start.starts_with("<?xml") {
            return Form::Html;
        }
        if lines().any(|l| {
            crate::rst::grid::is_border(l)
                || l.starts_with(".. ")
                || l.starts_with("== ")
                || l.starts_with("=== ")
        }) {
            return Form::Rst;
        }
        let dashes = |l: &str| l.contains('|') && l.contains("--") && l.bytes().all(|b| b"|-: ".contains(&b));
        if lines().any(|l| dashes(l) || l.starts_with("# ") || l.starts_with("## ") || l.starts_with("```")) {
            return Form::Markdown;
        }
        if lines().any(|l| l.to_ascii_lowercase().contains("<table")) {
            return Form::Html;
        }
        let first = lines().find(|l| !l.is_empty()).unwrap_or("");
        if first.contains('\t') { Form::Tsv } else { Form::Csv }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_and_by_text() {
        assert_eq!(Form::of_name("a/b.RST"), Some(Form::Rst));
        assert_eq!(Form::of_name("b.pdf"), None);
        for (text, form) in [
            ("<!DOCTYPE html><p>", Form::Html),
            ("x\n\n+---+---+\n", Form::Rst),
            ("== ====\na  b\n", Form::Rst),
            ("# T\n\n<table>", Form::Markdown),
            ("a|b\n-|--\n", Form::Markdown),
            ("<div><table></table>", Form::Html),
            ("a\tb\n", Form::Tsv),
            ("a,b\n", Form::Csv),
            ("", Form::Csv),
        ] {
            assert_eq!(Form::of_text(text), form, "{text:?}");
        }
    }
}
