//! The catalog for people at `/catalog`: searched by the server, so that it works without
//! JavaScript, and can be linked to with what was searched for.

use askama::Template;
use axum::http::{StatusCode, Uri};

use super::show;
use crate::http::query;
use errtally_core::catalog::meanings::Meanings;
use errtally_core::catalog::search::{Found, Search, service_named};
use errtally_core::catalog::{Catalog, Category, CodeId, ServiceId, template};
use errtally_core::problem::grouped;

/// Codes of one page.
const PER_PAGE: usize = 200;

/// Characters of a text that is searched for.
const MOST_CHARS: usize = 200;

/// What the form asks for, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    text: String,
    service: String,
    category: String,
    /// From 1.
    page: Option<usize>,
    /// What was asked for and cannot be done.
    mistakes: Vec<String>,
}

#[derive(Template)]
#[template(path = "catalog.html")]
struct Page {
    /// The way to `/` from here, and to all below it.
    root: &'static str,
    title: String,
    text: String,
    longest: usize,
    services: Vec<Choice>,
    categories: Vec<Choice>,
    notes: Vec<String>,
    told: String,
    lines: Vec<Line>,
    /// Some of the words are in these, where nothing has all of them.
    near: Vec<Line>,
    before: Option<String>,
    after: Option<String>,
}

/// An item of a list to choose from.
struct Choice {
    value: String,
    shown: String,
    chosen: bool,
}

/// A code, and what the row says that was found.
pub(super) struct Line {
    pub code: String,
    pub address: String,
    pub services: String,
    pub category: Category,
    pub http_status: Option<u16>,
    pub retryable: Option<bool>,
    pub message: String,
    pub action: String,
    /// How many meanings it has beside this one.
    pub more: usize,
}

impl Line {
    /// Of what was found.
    pub fn new(catalog: &Catalog, found: Found) -> Line {
        let (code, row) = (catalog.code(found.code), catalog.row(found.row));
        let meanings = Meanings::new(catalog, found.code);
        let names: Vec<_> = meanings.services().iter().map(|&id| name(catalog, id)).collect();
        Line {
            code: code.spelling.to_string(),
            address: query::encode(&code.spelling),
            services: names.join(", "),
            category: row.category,
            http_status: row.http_status,
            retryable: Some(row.retryable),
            message: template::readable(&row.message).into_owned(),
            action: row.action.to_string(),
            more: meanings.list.len() - 1,
        }
    }

    /// Of a code, with the row that is meant where nothing decides.
    pub fn of_code(catalog: &Catalog, code: CodeId) -> Line {
        Line::new(catalog, Found { code, row: catalog.default_row(code) })
    }
}

fn name(catalog: &Catalog, service: ServiceId) -> &str {
    &catalog.service(service).name
}

impl Asked {
    /// By the address of a request. Fields that the form does not have are not looked at.
    pub fn new(uri: &Uri) -> Asked {
        let mut asked = Asked::default();
        for (field, value) in query::fields(uri.query().unwrap_or_default()) {
            let value = value.trim();
            match field.as_str() {
                "q" => asked.text = cut(value, &mut asked.mistakes),
                "service" => asked.service = cut(value, &mut asked.mistakes),
                "category" => asked.category = cut(value, &mut asked.mistakes),
                "page" if !value.is_empty() => match value.parse() {
                    Ok(page @ 1..) => asked.page = Some(page),
                    _ => {
                        asked.mistakes.push("The page is no number from 1 on: this is the first.".to_owned())
                    }
                },
                _ => {}
            }
        }
        asked
    }

    /// The address of another page of the same search.
    fn address(&self, page: usize) -> String {
        let fields = [("q", &self.text), ("service", &self.service), ("category", &self.category)];
        let mut address = "catalog?".to_owned();
        for (field, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            address.push_str(&format!("{field}={}&", query::encode(value)));
        }
        address + &format!("page={page}")
    }
}

/// At most so much as is searched for.
fn cut(value: &str, mistakes: &mut Vec<String>) -> String {
    let kept: String = value.chars().take(MOST_CHARS).collect();
    if kept.len() < value.len() {
        mistakes.push(format!("Only the first {MOST_CHARS} characters are searched for."));
    }
    kept
}

/// The page that `asked` asks for, and its status.
pub(super) fn html(catalog: &Catalog, asked: Asked) -> (StatusCode, String) {
    let mut notes = asked.mistakes.clone();
    let mut named = |is_known: bool, what: &str, name: &str| {
        if !name.is_empty() && !is_known {
            notes.push(format!("There is no {what} “{name}”."));
        }
        name.is_empty() || is_known
    };
    let service = service_named(catalog, &asked.service);
    let category = Category::parse(&asked.category);
    let is_known = [
        named(service.is_some(), "service", &asked.service),
        named(category.is_some(), "category", &asked.category),
    ];
    let status = if notes.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };

    let search = Search::new(service.into_iter().collect(), category.into_iter().collect(), &asked.text);
    let found = if is_known == [true, true] { search.find(catalog) } else { Vec::new() };
    let pages = found.len().div_ceil(PER_PAGE).max(1);
    let page = asked.page.unwrap_or(1).min(pages);
    let shown = (page - 1) * PER_PAGE..found.len().min(page * PER_PAGE);
    let told = match (found.len(), pages) {
        (0, _) => "No code is found.".to_owned(),
        (1, _) => "1 code".to_owned(),
        (n, 1) => format!("{} codes", grouped(n as u64)),
        (n, _) => {
            let [first, last, all] = [shown.start + 1, shown.end, n].map(|n| grouped(n as u64));
            format!("{first} to {last} of {all} codes")
        }
    };
    let near =
        if found.is_empty() && is_known == [true, true] { search.near(catalog, 5) } else { Vec::new() };
    let title = if asked.text.is_empty() { "catalog".to_owned() } else { format!("{}, catalog", asked.text) };
    let page = Page {
        root: "",
        title,
        longest: MOST_CHARS,
        services: services(catalog, service),
        categories: categories(category),
        notes,
        told,
        lines: found[shown].iter().map(|&found| Line::new(catalog, found)).collect(),
        near: near.into_iter().map(|found| Line::new(catalog, found)).collect(),
        before: (page > 1).then(|| asked.address(page - 1)),
        after: (page < pages).then(|| asked.address(page + 1)),
        text: asked.text,
    };
    (status, page.render().unwrap_or_else(|error| error.to_string()))
}

/// Those that have rows.
fn services(catalog: &Catalog, chosen: Option<ServiceId>) -> Vec<Choice> {
    let mut has_rows = vec![false; catalog.services().len()];
    for row in catalog.rows() {
        has_rows[row.service.0 as usize] = true;
    }
    let all = catalog.services().iter().enumerate().filter(|(i, _)| has_rows[*i]);
    all.map(|(i, service)| Choice {
        value: service.name.clone(),
        shown: format!("{}, {}", service.name, service.full_name),
        chosen: chosen == Some(ServiceId(i as u32)),
    })
    .collect()
}

fn categories(chosen: Option<Category>) -> Vec<Choice> {
    let choice = |category: Category| Choice {
        value: category.as_str().to_owned(),
        shown: show::words(category.as_str()),
        chosen: chosen == Some(category),
    };
    Category::CATALOG.into_iter().map(choice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_bounded_and_nothing_is_silent() {
        let of = |address: &str| Asked::new(&address.parse().expect("an address"));
        let asked = of("/catalog?q=a%20b&service=CCE&category=quota&page=3&other=1");
        assert_eq!((asked.text.as_str(), asked.service.as_str(), asked.page), ("a b", "CCE", Some(3)));
        assert_eq!(asked.address(4), "catalog?q=a%20b&service=CCE&category=quota&page=4");
        assert!(asked.mistakes.is_empty());
        let asked = of(&format!("/catalog?q={}&page=0", "%C3%A9".repeat(300)));
        assert_eq!((asked.text.chars().count(), asked.page, asked.mistakes.len()), (200, None, 2));
        assert_eq!(of("/catalog?page="), Asked::default());
    }
}
