//! What is known of a code that the catalog does not have, for people: what it
//! would be counted as, and which known codes are near it.

use super::{discovered_service, discovery, inferred_category, service_of_start};
use crate::catalog::slips::Meant;
use crate::catalog::{Catalog, CodeId, Family, ServiceId};

/// Known codes that are shown beside it.
const MOST_NEAR: usize = 5;

/// A code that the catalog does not have.
#[derive(Clone, Debug)]
pub struct Unlisted {
    /// How it is counted, and why: one sentence after the other, without full stops.
    pub sentences: Vec<String>,
    /// Known codes of its family with the nearest numbers, or such as begin as it does, in the
    /// order of the catalog; else those that may be meant, the nearest first.
    pub near: Vec<CodeId>,
    /// Whether it is a code at all.
    pub is_code: bool,
}

impl Unlisted {
    /// Of `code`, which [`Catalog::find`] does not find.
    pub fn new(catalog: &Catalog, code: &str) -> Unlisted {
        let mut sentences = Vec::new();
        if let Some((family, number)) = catalog.family_of(code.as_bytes()) {
            let family = catalog.family(family);
            let name = |service: ServiceId| catalog.service(service).name.as_str();
            sentences.push(format!(
                "fits {family} of {}: counted as an unknown code, category {}",
                name(family.service),
                inferred_category(number.status)
            ));
            if let Some(status) = number.status {
                sentences.push(format!("the status {status} stands in its digits"));
            }
            if !family.shared.is_empty() {
                let others: Vec<_> = family.shared.iter().map(|&service| name(service)).collect();
                let others = others.join(", ");
                sentences.push(format!("{others} share the family: a host in the record says whose it is"));
            }
            let near = near_number(catalog, family, number.value);
            return Unlisted { sentences, near, is_code: true };
        }
        let is_code = discovery::has_shape(code.as_bytes());
        let meant = Meant::new(catalog, code);
        sentences.extend(meant.sentences(catalog));
        if is_code {
            let service = service_of_start(catalog, code.as_bytes())
                .map_or_else(|| discovered_service(code), |s| catalog.service(s).name.clone());
            sentences.push(format!(
                "of no family as it stands: counted only behind a key such as error_code, as an unknown code of {service}"
            ));
        } else {
            sentences.push("not the shape of a code: a prefix, in most a dot, and digits".to_owned());
        }
        let begin = if is_code { beginning_with(catalog, code) } else { Vec::new() };
        let near = if begin.is_empty() { meant.near } else { begin };
        Unlisted { sentences, near, is_code }
    }
}

fn near_number(catalog: &Catalog, family: &Family, number: u64) -> Vec<CodeId> {
    let codes = catalog.codes().iter().enumerate().filter_map(|(i, code)| {
        let known = family.fits(code.spelling.as_bytes())?;
        Some((known.value.abs_diff(number), CodeId(i as u32)))
    });
    let mut near: Vec<_> = codes.collect();
    near.sort_unstable();
    near.truncate(MOST_NEAR);
    let mut near: Vec<_> = near.into_iter().map(|(_, code)| code).collect();
    near.sort_unstable();
    near
}

fn beginning_with(catalog: &Catalog, text: &str) -> Vec<CodeId> {
    let begins = |spelling: &str| spelling.get(..text.len()).is_some_and(|s| s.eq_ignore_ascii_case(text));
    let codes = catalog.codes().iter().enumerate().filter(|(_, code)| begins(&code.spelling));
    codes.map(|(i, _)| CodeId(i as u32)).take(MOST_NEAR).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_of_the_family_and_near() {
        let catalog = Catalog::embedded().expect("a catalog");
        let near = |code: &str| -> Vec<String> {
            assert_eq!(catalog.find(code), None, "{code} is known by now: take another");
            let near = Unlisted::new(&catalog, code).near;
            near.into_iter().map(|code| catalog.code(code).spelling.to_string()).collect()
        };
        let family = near("Ecs.0116");
        assert!(family.len() == 5 && family.iter().all(|code| code.starts_with("Ecs.0")), "{family:?}");
        let begin = near("ecs.011");
        assert!(!begin.is_empty() && begin.iter().all(|code| code.starts_with("Ecs.011")), "{begin:?}");
        assert!(near("FOO.0003").is_empty() && near("hello").is_empty());
    }
}
