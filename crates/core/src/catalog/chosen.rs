//! A catalog of some services alone: what is not chosen is neither found nor
//! shown.

use std::collections::HashMap;

use super::{Catalog, Code, CodeId, Family, FamilyId, Row, ServiceId};

impl Catalog {
    /// The services of these names, in any case, with their families, codes and rows. A family whose
    /// owner is left out belongs to the first of those that share it.
    ///
    /// # Errors
    /// The names that no service has.
    pub fn chosen(self, names: &[String]) -> Result<Catalog, Vec<String>> {
        let is_named = |service: &str| names.iter().any(|name| name.eq_ignore_ascii_case(service));
        let has = |name: &&String| self.services.iter().any(|s| s.name.eq_ignore_ascii_case(name));
        let unknown: Vec<_> = names.iter().filter(|name| !has(name)).cloned().collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }

        let mut services = Vec::new();
        let mut service_ids = HashMap::new();
        for (old, service) in self.services.into_iter().enumerate() {
            if is_named(&service.name) {
                service_ids.insert(ServiceId(old as u32), ServiceId(services.len() as u32));
                services.push(service);
            }
        }

        let mut families: Vec<Family> = Vec::new();
        let mut family_ids = HashMap::new();
        for (old, family) in self.families.into_iter().enumerate() {
            let mut of = std::iter::once(family.service)
                .chain(family.shared)
                .filter_map(|s| service_ids.get(&s).copied());
            let Some(service) = of.next() else { continue };
            family_ids.insert(FamilyId(old as u32), FamilyId(families.len() as u32));
            families.push(Family { service, shared: of.collect(), numbers: HashMap::default(), ..family });
        }

        let mut codes = Vec::new();
        let mut rows = Vec::new();
        for code in self.codes {
            let start = rows.len() as u32;
            let id = CodeId(codes.len() as u32);
            let of_code = &self.rows[code.rows.start as usize..code.rows.end as usize];
            rows.extend(of_code.iter().filter_map(|row| {
                Some(Row { code: id, service: *service_ids.get(&row.service)?, ..row.clone() })
            }));
            let (false, Some(&family)) = (rows.len() as u32 == start, family_ids.get(&code.family)) else {
                continue;
            };
            let known = &mut families[family.0 as usize];
            if let Some(number) = known.fits(code.spelling.as_bytes()) {
                known.numbers.insert(number.value, id);
            }
            codes.push(Code { family, rows: start..rows.len() as u32, ..code });
        }
        Ok(Catalog::of(services, families, codes, rows, self.origins))
    }
}
