//! The page of one code at `/catalog/CODE`, for alerts to link to: all that it
//! can mean, and how often this process has counted it.

use askama::Template;
use axum::http::StatusCode;

use super::catalog::Line;
use super::show;
use crate::http::query;
use errtally_core::catalog::meanings::Meanings;
use errtally_core::catalog::{Catalog, Category, CodeId, template};
use errtally_core::classify::unlisted::Unlisted;
use errtally_core::ledger::{Ledger, Totals};

/// Characters of a code that is asked for; none has as many.
const MOST_CHARS: usize = 200;

#[derive(Template)]
#[template(path = "code.html")]
struct Page {
    /// The way to `/` from here, and to all below it.
    root: &'static str,
    title: String,
    code: String,
    /// What it is, in a line.
    what: String,
    known: bool,
    count: u64,
    late: u64,
    last_seen: f64,
    now: f64,
    /// What was counted, where it is not one line.
    counted: Vec<Counted>,
    meanings: Vec<Told>,
    decides: Vec<String>,
    /// Of a code that is not in the catalog.
    sentences: Vec<String>,
    near: Vec<Line>,
    search: String,
}

/// Hits of one service, category and status.
struct Counted {
    api_service: String,
    category: Category,
    http_status: Option<u16>,
    count: u64,
    late: u64,
    last_seen: f64,
    /// Why it is not among the meanings.
    note: &'static str,
}

/// A meaning.
struct Told {
    http_status: Option<u16>,
    /// Whether the status stands in the digits of the code.
    inside: bool,
    category: Category,
    retryable: bool,
    message: String,
    action: String,
    review: bool,
    default: bool,
    default_of: String,
    services: Vec<Whose>,
}

/// A service that documents it.
struct Whose {
    name: String,
    full_name: String,
    source: String,
}

/// The page of the code that `path` names, percent escapes and all, and its status.
pub(super) fn html(ledger: &Ledger, path: &str, now: f64) -> (StatusCode, String) {
    let asked: String = query::decode(path).chars().take(MOST_CHARS).collect();
    let totals = ledger.totals();
    let catalog = totals.engine.catalog();
    let id = catalog.find(&asked);
    let code = id.map_or(asked, |id| catalog.code(id).spelling.to_string());
    let counted = counted(&totals, &code);
    let mut page = Page {
        root: "../",
        title: code.clone(),
        what: String::new(),
        known: id.is_some(),
        count: counted.iter().map(|c| c.count).sum(),
        late: counted.iter().map(|c| c.late).sum(),
        last_seen: counted.iter().map(|c| c.last_seen).fold(0.0, f64::max),
        now,
        counted,
        meanings: Vec::new(),
        decides: Vec::new(),
        sentences: Vec::new(),
        near: Vec::new(),
        search: query::encode(&code),
        code,
    };
    let status = match id {
        Some(id) => page.fill(catalog, id),
        None => page.fill_unlisted(catalog),
    };
    (status, page.render().unwrap_or_else(|error| error.to_string()))
}

impl Page {
    fn fill(&mut self, catalog: &Catalog, id: CodeId) -> StatusCode {
        let Meanings { list, decides } = Meanings::new(catalog, id);
        let inside = catalog.family(catalog.code(id).family).grammar.holds_status();
        let whose = |&id| {
            let service = catalog.service(id);
            Whose {
                name: service.name.clone(),
                full_name: service.full_name.clone(),
                source: service.source.clone(),
            }
        };
        for meaning in &list {
            let row = catalog.row(meaning.row);
            let of: Vec<_> = meaning.default_of.iter().map(|&id| catalog.service(id).name.as_str()).collect();
            self.meanings.push(Told {
                http_status: row.http_status,
                inside,
                category: row.category,
                retryable: row.retryable,
                message: template::readable(&row.message).into_owned(),
                action: row.action.to_string(),
                review: row.review,
                default: meaning.default && !decides.is_empty(),
                default_of: if meaning.default { String::new() } else { of.join(", ") },
                services: meaning.services.iter().map(whose).collect(),
            });
        }
        let mut names: Vec<_> = list.iter().flat_map(|meaning| &meaning.services).collect();
        names.sort_unstable();
        names.dedup();
        let names: Vec<_> = names.into_iter().map(|&id| &*catalog.service(id).full_name).collect();
        self.what = names.join(", ");
        self.decides = decides;
        StatusCode::OK
    }

    fn fill_unlisted(&mut self, catalog: &Catalog) -> StatusCode {
        let unlisted = Unlisted::new(catalog, &self.code);
        self.what = "Not in the catalog.".to_owned();
        self.sentences = unlisted.sentences.into_iter().map(sentence).collect();
        self.near = unlisted.near.into_iter().map(|id| Line::of_code(catalog, id)).collect();
        StatusCode::NOT_FOUND
    }
}

/// All that was counted of `code` in any spelling, in this catalog, an earlier one, or as unknown.
fn counted(totals: &Totals, code: &str) -> Vec<Counted> {
    let rows = totals.counted().filter(|(row, _)| row.code.eq_ignore_ascii_case(code));
    let known = rows.map(|(row, total)| Counted {
        api_service: row.api_service.to_owned(),
        category: row.category,
        http_status: row.http_status,
        count: total.count,
        late: total.late,
        last_seen: total.last_counted,
        note: if row.retired { "the catalog no longer has it, since a reload" } else { "" },
    });
    let unknown = totals.unknown.iter().filter(|u| u.code.eq_ignore_ascii_case(code) && u.count + u.late > 0);
    let unknown = unknown.map(|u| Counted {
        api_service: u.api_service.clone(),
        category: u.category,
        http_status: None,
        count: u.count,
        late: u.late,
        last_seen: u.last_seen,
        note: "as an unknown code",
    });
    known.chain(unknown).collect()
}

/// With its first letter in upper case, and a full stop.
fn sentence(words: String) -> String {
    let mut chars = words.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if words.ends_with('?') { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}
