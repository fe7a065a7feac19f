//! `errtally explain CODE...` and `TEXT...`: all that codes mean, and which
//! codes a message is of.

use std::fmt::Write;

use super::{DIM, HEAD};
use crate::table;
use errtally_core::catalog::meanings::{self, Meaning, Meanings};
use errtally_core::catalog::search::{Found, Search};
use errtally_core::catalog::slips::Meant;
use errtally_core::catalog::{Catalog, CodeId, Row, template};
use errtally_core::classify::unlisted::Unlisted;
use errtally_core::problem::counted;

/// Codes that a text is answered with; all are in `catalog list`.
const MOST_FOUND: usize = 10;

/// Codes that are shown where a text finds none.
const MOST_NEAR: usize = 3;

/// Words of a text that finds nothing which are looked at as mistyped codes.
const MOST_WORDS: usize = 8;

/// What the arguments ask for.
enum Asked {
    Known(CodeId),
    Unlisted(String, Unlisted),
    /// A code, or the form of one, that the whole catalog has and the chosen services have not.
    LeftOut(String, String),
    Text(String),
}

/// Where codes are looked for.
pub(super) struct Asking<'c> {
    /// What is in force.
    pub(super) catalog: &'c Catalog,
    /// What there would be with all services, where some are chosen, and where they are.
    pub(super) whole: Option<(Catalog, String)>,
    /// The catalogs beside the built-in one, as they are told of; empty where there are none.
    pub(super) catalogs: String,
}

/// What is known of the codes and texts in `arguments`, and whether all of them are known.
pub(super) fn told(asking: &Asking<'_>, arguments: &[String]) -> (String, bool) {
    let catalog = asking.catalog;
    let mut out = String::new();
    let mut all_known = true;
    let mut own = false;
    for asked in asked(asking, arguments) {
        if !out.is_empty() {
            out.push('\n');
        }
        all_known &= match asked {
            Asked::Known(code) => {
                known(catalog, code, &mut out);
                true
            }
            Asked::Unlisted(code, unlisted) => {
                not_known(catalog, &code, &unlisted, &mut out);
                own = true;
                false
            }
            Asked::LeftOut(code, why) => {
                let _ =
                    writeln!(out, "{HEAD}{code}{HEAD:#}  not among the services that are chosen\n  {why}");
                false
            }
            Asked::Text(text) => {
                let found = by_text(catalog, &text, &mut out);
                own |= !found && !text.contains(char::is_whitespace);
                found
            }
        };
    }
    if own {
        let _ = match asking.catalogs.as_str() {
            "" => writeln!(
                out,
                "{DIM}Codes of services of your own: --catalog FILE, or ERRTALLY_CATALOG{DIM:#}"
            ),
            catalogs => writeln!(
                out,
                "{DIM}Looked for in the built-in catalog and {catalogs}; more: --catalog FILE, or ERRTALLY_CATALOG{DIM:#}"
            ),
        };
    }
    (out, all_known)
}

impl Asking<'_> {
    /// Why `code` is not in force though the catalog has it, or has a family for it.
    fn left_out(&self, code: &str) -> Option<String> {
        let (whole, chosen) = self.whole.as_ref()?;
        let (family, _) = whole.family_of(code.as_bytes())?;
        let family = whole.family(family);
        let (services, what) = match whole.find(code) {
            Some(id) => (Meanings::new(whole, id).services(), "the catalog has it".to_owned()),
            None if self.catalog.family_of(code.as_bytes()).is_none() => {
                (vec![family.service], format!("it fits {family}"))
            }
            None => return None,
        };
        let names: Vec<_> = services.iter().map(|&id| whole.service(id).name.as_str()).collect();
        let (names, them) = (names.join(", "), if names.len() == 1 { "it" } else { "one of them" });
        Some(format!(
            "{what}, of {names}, but `services` leaves that out ({chosen}): add {them} there, or leave it empty"
        ))
    }
}

/// Each code once; arguments beside each other that are no codes are one text, as it was typed.
fn asked(asking: &Asking<'_>, arguments: &[String]) -> Vec<Asked> {
    let catalog = asking.catalog;
    let mut all: Vec<Asked> = Vec::new();
    for argument in arguments {
        if let Some(code) = catalog.find(argument) {
            if !all.iter().any(|asked| matches!(asked, Asked::Known(known) if *known == code)) {
                all.push(Asked::Known(code));
            }
            continue;
        }
        if let Some(why) = asking.left_out(argument) {
            all.push(Asked::LeftOut(argument.clone(), why));
            continue;
        }
        let unlisted = Unlisted::new(catalog, argument);
        if unlisted.is_code && !argument.contains(char::is_whitespace) {
            all.push(Asked::Unlisted(argument.clone(), unlisted));
        } else if let Some(Asked::Text(text)) = all.last_mut() {
            text.push(' ');
            text.push_str(argument);
        } else {
            all.push(Asked::Text(argument.clone()));
        }
    }
    all
}

fn known(catalog: &Catalog, id: CodeId, out: &mut String) {
    let code = catalog.code(id);
    let meanings = Meanings::new(catalog, id);
    let services = meanings.services();
    if let ([meaning], [service]) = (&*meanings.list, &*services) {
        let service = catalog.service(*service);
        let _ = writeln!(out, "{HEAD}{}{HEAD:#}  {} ({})", code.spelling, service.full_name, service.name);
        let row = catalog.row(meaning.row);
        let _ = writeln!(out, "  status     {}", status(catalog, id, row));
        what(row, out);
        let _ = writeln!(out, "  {DIM}source     {}{DIM:#}", service.source);
        return;
    }
    let of = match &*services {
        [service] => {
            let service = catalog.service(*service);
            format!("{} ({})", service.full_name, service.name)
        }
        several => counted(several.len() as u64, "service"),
    };
    let _ = writeln!(out, "{HEAD}{}{HEAD:#}  {}, of {of}", code.spelling, meanings::told(&meanings));
    for meaning in &meanings.list {
        let row = catalog.row(meaning.row);
        let default = default(catalog, meaning);
        let _ = writeln!(out, "{DIM}with status {}{default}{DIM:#}", status(catalog, id, row));
        what(row, out);
        for (i, service) in meaning.services.iter().map(|&id| catalog.service(id)).enumerate() {
            let head = if i == 0 { "of" } else { "and of" };
            let (name, full, source) = (&service.name, &service.full_name, &service.source);
            let _ = writeln!(out, "  {head:10} {name}, {full}  {DIM}{source}{DIM:#}");
        }
    }
    let _ = writeln!(
        out,
        "{DIM}which of them is meant, the record decides, step by step until one is left{DIM:#}"
    );
    for (i, sentence) in meanings.decides.iter().enumerate() {
        let _ = writeln!(out, "  {}. {sentence}", i + 1);
    }
}

fn status(catalog: &Catalog, code: CodeId, row: &Row) -> String {
    let inside = catalog.family(catalog.code(code).family).grammar.holds_status();
    match row.http_status {
        Some(status) if inside => format!("{status}, read from the code"),
        Some(status) => status.to_string(),
        None => "not documented".to_owned(),
    }
}

fn default(catalog: &Catalog, meaning: &Meaning) -> String {
    if meaning.default {
        return "  (the default: meant when nothing in the record decides)".to_owned();
    }
    if meaning.default_of.is_empty() {
        return String::new();
    }
    let names: Vec<_> = meaning.default_of.iter().map(|&id| catalog.service(id).name.as_str()).collect();
    format!("  (the default of {})", names.join(", "))
}

fn what(row: &Row, out: &mut String) {
    let tint = table::colour(row.category);
    let _ = writeln!(out, "  category   {tint}{}{tint:#}", row.category);
    let retryable = if row.retryable { "yes: the same request can succeed later" } else { "no" };
    let _ = writeln!(out, "  retryable  {retryable}");
    let _ = writeln!(out, "  message    {}", template::readable(&row.message));
    let _ = writeln!(out, "  what to do {}", row.action);
    if row.review {
        let _ = writeln!(out, "  review     a draft by rules: nobody has judged this row");
    }
}

fn not_known(catalog: &Catalog, code: &str, unlisted: &Unlisted, out: &mut String) {
    let _ = writeln!(out, "{HEAD}{code}{HEAD:#}  not in the catalog");
    for sentence in &unlisted.sentences {
        let _ = writeln!(out, "  {sentence}");
    }
    known_near(catalog, &unlisted.near, out);
}

fn known_near(catalog: &Catalog, near: &[CodeId], out: &mut String) {
    if !near.is_empty() {
        let near: Vec<_> = near.iter().map(|&id| &*catalog.code(id).spelling).collect();
        let _ = writeln!(out, "  known codes near it: {}", near.join(", "));
    }
}

/// Whether there is a code that says so.
fn by_text(catalog: &Catalog, text: &str, out: &mut String) -> bool {
    let search = Search::new(Vec::new(), Vec::new(), text);
    let found = search.find(catalog);
    if let [only] = &*found {
        known(catalog, only.code, out);
        return true;
    }
    if found.is_empty() {
        nothing_found(catalog, &search, text, out);
        return false;
    }
    let codes = counted(found.len() as u64, "code");
    let _ = writeln!(out, "{HEAD}{text}{HEAD:#}  found in {codes}, the nearest first");
    list(catalog, &found[..found.len().min(MOST_FOUND)], out);
    if let Some(more @ 1..) = found.len().checked_sub(MOST_FOUND) {
        let _ = writeln!(out, "and {more} more: errtally catalog list --search {}", quoted(text));
    }
    true
}

fn nothing_found(catalog: &Catalog, search: &Search, text: &str, out: &mut String) {
    let _ = writeln!(out, "{HEAD}{text}{HEAD:#}  not the shape of a code, and no code says so");
    let whole = std::iter::once(text);
    let words = text.split_whitespace().filter(|&word| word != text).take(MOST_WORDS);
    let mut meant = whole.chain(words).map(|word| Meant::new(catalog, word));
    let meant = meant.find(|meant| !meant.sentences(catalog).is_empty()).unwrap_or_default();
    for sentence in meant.sentences(catalog) {
        let _ = writeln!(out, "  {sentence}");
    }
    known_near(catalog, &meant.near, out);
    let near = search.near(catalog, MOST_NEAR);
    if !near.is_empty() {
        let _ = writeln!(out, "{DIM}some of the words are in{DIM:#}");
        list(catalog, &near, out);
    }
    let fewer = if text.contains(char::is_whitespace) { "Try fewer words. " } else { "" };
    let _ = writeln!(
        out,
        "  {fewer}All codes: errtally catalog list. All families: errtally catalog check. Of a line of a log: errtally explain --line TEXT"
    );
}

fn list(catalog: &Catalog, found: &[Found], out: &mut String) {
    for found in found {
        let (code, row) = (catalog.code(found.code), catalog.row(found.row));
        let meanings = Meanings::new(catalog, found.code);
        let services = meanings.services();
        let names: Vec<_> = services.iter().map(|&id| catalog.service(id).name.as_str()).collect();
        let tint = table::colour(row.category);
        let status = row.http_status.map_or("-", errtally_core::catalog::status_text);
        let retry = if row.retryable { ", retry" } else { "" };
        let _ = writeln!(
            out,
            "{HEAD}{}{HEAD:#}  {status}  {tint}{}{tint:#}{retry}  {DIM}{}{DIM:#}",
            code.spelling,
            row.category,
            names.join(", ")
        );
        let _ = writeln!(out, "  {}", template::readable(&row.message));
        let _ = writeln!(out, "  {DIM}{}{DIM:#}", row.action);
        if meanings.list.len() > 1 {
            let all = meanings::told(&meanings);
            let _ = writeln!(out, "  {DIM}{all} in all: errtally explain {}{DIM:#}", code.spelling);
        }
    }
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
