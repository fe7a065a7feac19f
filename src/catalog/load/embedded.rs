//! The catalog in the binary, in the form that the build script gives it.

use std::path::Path;

use super::{Draft, ReadRow};
use crate::catalog::{Category, CodeId, EMBEDDED, Row, ServiceId};
use crate::problem::{Problems, Sink};
use crate::yaml;

impl Draft {
    /// Takes all files that are in the binary. What is wrong with one is a fault of the build, which
    /// the tests find.
    pub(super) fn embedded(&mut self, problems: &mut Problems) {
        let mut lines = EMBEDDED.lines();
        while let (Some(name), Some(file)) = (lines.next(), lines.next()) {
            let mut sink = Sink::new(Path::new(name));
            let service = self.file(&yaml::from_json(file), &mut sink);
            let rows = lines.by_ref().take_while(|line| !line.is_empty());
            let rows: Vec<_> = rows.filter_map(|line| self.embedded_row(line, service?, &mut sink)).collect();
            self.lay_over(rows, &mut sink);
            problems.append(sink.finish());
        }
    }

    fn embedded_row(&self, line: &'static str, service: usize, sink: &mut Sink) -> Option<ReadRow> {
        let row = || {
            let mut fields = line.split('\x1f');
            let [code, status, category, flags, message, action] = std::array::from_fn(|_| fields.next());
            let (code, category) = (code?, Category::parse(category?)?);
            let (family, number) = self.family_of(code, service)?;
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
