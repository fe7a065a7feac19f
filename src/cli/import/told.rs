//! What an import tells: of each page and each draft, what became of every row.

use errtally_import::{Changes, Draft, Entry, File, Note};

use super::pages::Page;
use crate::log::stderr::say;
use errtally_core::catalog::status_label;
use errtally_core::problem::counted;

/// Most lines of one kind: a page may be wrong from its first row to its last.
const MAX_LINES: usize = 200;

fn number(n: usize, what: &str) -> String {
    counted(n as u64, what)
}

fn lines<T>(list: &[T], line: impl Fn(&T) -> String) {
    for item in list.iter().take(MAX_LINES) {
        say(format_args!("  {}", line(item)));
    }
    if list.len() > MAX_LINES {
        say(format_args!("  and {} more", list.len() - MAX_LINES));
    }
}

/// What a page held.
pub fn page(page: &Page) {
    let reading = &page.reading;
    say(format_args!(
        "{}: {} of codes, {}, {} read; {} repaired, {} merged, {} refused; {} passed over",
        page.name,
        number(reading.tables, "table"),
        number(reading.rows_seen, "row"),
        number(reading.rows.len(), "code"),
        reading.repaired.len(),
        reading.merged.len(),
        reading.refused.len(),
        number(reading.passed_over.len(), "table"),
    ));
    let note =
        |kind: &'static str| move |n: &Note| format!("{kind}: table {}, row {}: {}", n.table, n.row, n.what);
    lines(&reading.repaired, note("repaired"));
    lines(&reading.merged, note("merged"));
    lines(&reading.refused, note("refused"));
    lines(&reading.passed_over, |t| format!("passed over: {t}"));
    lines(&reading.notes, |n| format!("note: {n}"));
}

/// What a draft left out.
pub fn draft(draft: &Draft) {
    let file = &draft.file;
    say(format_args!(
        "{}: {} of {}; {} merged, {} left out",
        file.service,
        number(file.rows.len(), "row"),
        number(file.families.len(), "family"),
        draft.merged.len(),
        draft.left_out.len()
    ));
    lines(&draft.left_out, |l| format!("left out: {}: {}", l.code, l.why));
    lines(&draft.merged, |code| format!("merged: {code}: says what another row says"));
    lines(&draft.notes, |n| format!("note: {n}"));
}

/// What an update changed.
pub fn changes(changes: &Changes) {
    say(format_args!(
        "{} kept, {} new, {} changed, {} no longer on a page",
        number(changes.kept, "row"),
        changes.added.len(),
        changes.changed.len(),
        changes.vanished.len()
    ));
    lines(&changes.families, |f| format!("new family: {f}"));
    lines(&changes.added, |r| format!("new: {} {}", named(r), shown(&r.message)));
    lines(&changes.changed, |(old, new)| {
        if old.message == new.message {
            format!(
                "changed: {}: status {} is now {}",
                old.code,
                status_label(old.http_status),
                status_label(new.http_status)
            )
        } else {
            format!("changed: {}: {} is now {}", named(old), shown(&old.message), shown(&new.message))
        }
    });
    lines(&changes.vanished, |r| format!("vanished, and kept: {} {}", named(r), shown(&r.message)));
}

/// A row by its code, and its status where it has one.
fn named(row: &Entry) -> String {
    match row.http_status {
        Some(status) => format!("{} {status}", row.code),
        None => row.code.clone(),
    }
}

/// Where a file went, and what is to be done with it.
pub fn written(file: &File, place: Option<&str>) {
    let waiting = file.rows.iter().filter(|r| r.review).count();
    let Some(place) = place else {
        say(format_args!("{}: {} wait for a person (`review: true`)", file.service, number(waiting, "row")));
        return;
    };
    say(format_args!(
        "{place}: {}, {} wait for a person (`review: true`); check it with `errtally catalog check {place}`",
        number(file.rows.len(), "row"),
        waiting
    ));
}

fn shown(message: &str) -> String {
    let cut: String = message.chars().take(60).collect();
    if cut.len() < message.len() { format!("\"{cut}…\"") } else { format!("\"{cut}\"") }
}
