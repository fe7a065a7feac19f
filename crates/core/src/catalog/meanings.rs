//! What a code can mean: its rows, those of several services that say the same
//! taken together, and by what a record decides between them.

use super::{Catalog, CodeId, Row, RowId, ServiceId, template};
use crate::problem::counted;

/// What one or several services say of a code.
#[derive(Clone, Debug)]
pub struct Meaning {
    /// The first of the rows, which are the same but for their services.
    pub row: RowId,
    /// Whose they are.
    pub services: Vec<ServiceId>,
    /// Those of them that have other rows too, and mean this one where nothing decides.
    pub default_of: Vec<ServiceId>,
    /// Whether it is meant where nothing in the record decides.
    pub default: bool,
}

/// All that a code can mean.
#[derive(Clone, Debug)]
pub struct Meanings {
    /// In the order of the rows; at least one.
    pub list: Vec<Meaning>,
    /// By what a record decides between several rows, step by step until one is left; empty where
    /// there is one row.
    pub decides: Vec<String>,
}

impl Meanings {
    /// Of `code`.
    pub fn new(catalog: &Catalog, code: CodeId) -> Meanings {
        let rows = || catalog.code(code).rows.clone().map(RowId);
        let default = catalog.default_row(code);
        let has_others = |service| rows().filter(|&id| catalog.row(id).service == service).nth(1).is_some();
        let mut list: Vec<Meaning> = Vec::new();
        for id in rows() {
            let row = catalog.row(id);
            let at = list.iter().position(|m| says(catalog.row(m.row)) == says(row)).unwrap_or_else(|| {
                let (services, default_of) = (Vec::new(), Vec::new());
                list.push(Meaning { row: id, services, default_of, default: false });
                list.len() - 1
            });
            let meaning = &mut list[at];
            meaning.services.push(row.service);
            if row.default && has_others(row.service) {
                meaning.default_of.push(row.service);
            }
            meaning.default |= id == default;
        }
        let several = catalog.only_row(code).is_none();
        let decides = if several { decides(catalog, code, &list) } else { Vec::new() };
        Meanings { list, decides }
    }

    /// All services, in the order of the rows.
    pub fn services(&self) -> Vec<ServiceId> {
        let mut services: Vec<ServiceId> = Vec::new();
        for &service in self.list.iter().flat_map(|meaning| &meaning.services) {
            if !services.contains(&service) {
                services.push(service);
            }
        }
        services
    }
}

/// What `row` says, whoever does.
fn says(row: &Row) -> impl PartialEq + use<'_> {
    (row.http_status, row.category, row.retryable, &row.message, &row.action, row.review)
}

fn decides(catalog: &Catalog, code: CodeId, list: &[Meaning]) -> Vec<String> {
    let rows = || catalog.code(code).rows.clone().map(|row| catalog.row(RowId(row)));
    let mut sentences = Vec::new();

    let first = rows().next().map(|row| row.service);
    if rows().any(|row| Some(row.service) != first) {
        let mut seen = Vec::new();
        let mut hosts = Vec::new();
        for service in rows().map(|row| row.service) {
            if !seen.contains(&service) {
                seen.push(service);
                let service = catalog.service(service);
                hosts.extend(service.hosts.iter().map(|host| format!("{host} for {}", service.name)));
            }
        }
        if !hosts.is_empty() {
            let hosts = hosts.join(", ");
            sentences
                .push(format!("the first part of the host of a URL, the nearest one to the code: {hosts}"));
        }
    }

    let mut statuses: Vec<u16> = rows().filter_map(|row| row.http_status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    if statuses.len() > 1 || rows().any(|row| row.http_status.is_none()) && !statuses.is_empty() {
        let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
        sentences.push(format!("an HTTP status in the record: {}", statuses.join(", ")));
    }

    if list.iter().any(|meaning| catalog.row(meaning.row).message != catalog.row(list[0].row).message) {
        sentences.push("a message of these in the record, the longest where there are several".to_owned());
    }

    let default = catalog.row(catalog.default_row(code));
    let status = default.http_status.map_or(String::new(), |status| format!(" with status {status}"));
    let message = template::readable(&default.message);
    let name = &catalog.service_of(default).name;
    sentences.push(format!(
        "else the default of those that are left; where nothing else decides, {name}'s{status}: {message}"
    ));
    sentences
}

/// How many meanings there are, in words.
pub fn told(meanings: &Meanings) -> String {
    counted(meanings.list.len() as u64, "meaning")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_that_say_the_same_are_taken_together() {
        let catalog = Catalog::embedded().expect("a catalog");
        let mut shared = 0;
        for (i, code) in catalog.codes().iter().enumerate() {
            let meanings = Meanings::new(&catalog, CodeId(i as u32));
            let rows: usize = meanings.list.iter().map(|m| m.services.len()).sum();
            assert_eq!(rows, code.rows.len(), "{}: every row is told of", code.spelling);
            assert_eq!(meanings.list.iter().filter(|m| m.default).count(), 1, "{}", code.spelling);
            assert_eq!(meanings.decides.is_empty(), code.rows.len() == 1, "{}", code.spelling);
            shared += usize::from(meanings.list.len() < rows);
        }
        assert!(shared > 300, "{shared}");
    }

    #[test]
    fn what_decides_is_told_in_its_order() {
        let catalog = Catalog::embedded().expect("a catalog");
        let of = |code: &str| Meanings::new(&catalog, catalog.find(code).expect("a code")).decides;
        let told = of("Ecs.1000");
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].contains("HTTP status") && told[0].contains("400, 404"), "{told:?}");
        assert!(told[1].contains("message") && told[2].contains("ECS's with status 400"), "{told:?}");
        let told = of("VPC.0101");
        assert!(told[0].contains("eip for EIP") && told[0].contains("vpc for VPC"), "{told:?}");
    }
}
