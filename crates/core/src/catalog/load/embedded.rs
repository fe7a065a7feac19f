//! The catalog in the binary, in the form that the build script gives it.

use std::path::Path;

use super::{Draft, DraftCode, ReadRow};
use crate::catalog::{Category, CodeId, EMBEDDED, Row, ServiceId};
use crate::problem::{Problems, Sink};
use crate::yaml;

impl Draft {
    /// Takes all files that are in the binary. What is wrong with one is a fault of the build, which
    /// the tests find.
    pub(super) fn embedded(&mut self, problems: &mut Problems) {
        let mut lines = parts(EMBEDDED.strip_suffix('\n').unwrap_or(EMBEDDED), b'\n');
        while let (Some(name), Some(file)) = (lines.next(), lines.next()) {
            let mut sink = Sink::new(Path::new(name));
            let service = self.file(&yaml::from_json(file), &mut sink);
            let rows = lines.by_ref().take_while(|line| !line.is_empty());
            let mut families: Vec<usize> = service.iter().flat_map(|&s| self.families_of(s)).collect();
            let rows: Vec<_> =
                rows.filter_map(|line| self.embedded_row(line, service?, &mut families, &mut sink)).collect();
            self.add(rows);
            problems.append(sink.finish());
        }
    }

    /// As `lay_over`, of a file that nothing was before; that its rows differ and have a default is
    /// tested when the files are laid over themselves.
    fn add(&mut self, rows: Vec<ReadRow>) {
        for ReadRow { family, number, spelling, default, row, .. } in rows {
            let at = *self.places.entry((family, number)).or_insert_with(|| {
                self.codes.push(DraftCode { family, number, spelling, rows: Vec::with_capacity(1) });
                self.codes.len() - 1
            });
            self.codes[at].rows.push(Row { default: default.unwrap_or(false), ..row });
        }
    }

    /// Reads a row of one of these families; the one that fits comes to their front, since the next
    /// row is most likely one of it.
    fn embedded_row(
        &self,
        line: &'static str,
        service: usize,
        families: &mut [usize],
        sink: &mut Sink,
    ) -> Option<ReadRow> {
        let mut row = || {
            let mut fields = parts(line, b'\x1f');
            let [code, status, category, flags, message, action] = std::array::from_fn(|_| fields.next());
            let (code, category) = (code?, Category::parse(category?)?);
            let fits = |(at, &family): (usize, &usize)| Some((at, self.families[family].fits(code)?));
            let (at, number) = families.iter().enumerate().find_map(fits)?;
            families.swap(0, at);
            let family = families[0];
            let action = match action? {
                "" => category.usual_action()?,
                action => action,
            };
            let flags = flags?;
            Some(ReadRow {
                family,
                number: number.value,
                spelling: code.into(),
                line: 0,
                default: flags.contains('d').then_some(true),
                row: Row {
                    code: CodeId(0),
                    service: ServiceId(service as u32),
                    http_status: number.status.or_else(|| status?.parse().ok()),
                    message: message?.into(),
                    category,
                    retryable: flags.contains('r'),
                    action: action.into(),
                    default: false,
                    // The build refuses a row that waits.
                    review: false,
                    place: None,
                },
            })
        };
        let read = row();
        if read.is_none() {
            sink.report(
                0,
                "codes",
                format!("cannot read the row `{line}`"),
                "check the file by `errtally catalog check`",
            );
        }
        read
    }
}

/// `text`, cut at each `end`: a search by vectors, since this is what takes the time of a start.
fn parts(text: &'static str, end: u8) -> impl Iterator<Item = &'static str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        match memchr::memchr(end, text.as_bytes()) {
            Some(at) => {
                rest = Some(&text[at + 1..]);
                Some(&text[..at])
            }
            None => rest.take(),
        }
    })
}
