//! What is known of each code: an immutable table with dense numbers.
//!
//! The hot path speaks of codes and rows as `u32` positions in this table, so
//! that counting is an addition in an array. Nothing here is ever changed;
//! a reload builds a new catalog.

mod category;
mod chosen;
mod grammar;
mod load;
pub mod meanings;
pub mod origins;
pub mod search;
pub mod slips;
pub mod template;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

pub use category::Category;
pub use grammar::{First, Grammar, Number};
pub use load::CatalogFile;
pub use origins::Place;

use crate::problem::{Problem, Problems};
use origins::Origins;

/// Position of a [`Service`] in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceId(pub u32);

/// Position of a [`Family`] in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FamilyId(pub u32);

/// Position of a [`Code`] in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CodeId(pub u32);

/// Position of a [`Row`] in the catalog: what a counter is indexed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId(pub u32);

/// A cloud service: one catalog file.
#[derive(Clone, Debug)]
pub struct Service {
    /// The value of the label `api_service`: `ECS`.
    pub name: String,
    /// `Elastic Cloud Server`.
    pub full_name: String,
    /// The document that the rows come from.
    pub source: String,
    /// First labels of the hosts that serve it: `rds` in `rds.region.example.com`.
    pub hosts: Vec<String>,
}

/// A code prefix, a separator and what must follow it.
#[derive(Clone, Debug)]
pub struct Family {
    /// As the service spells it: `Ecs`. Empty where codes are numbers alone.
    pub prefix: String,
    /// `.`, `_`, `-` or nothing.
    pub separator: &'static str,
    /// What follows the separator.
    pub grammar: Grammar,
    /// Whose it is, where the record does not say otherwise.
    pub service: ServiceId,
    /// Others that have codes of it, too.
    pub shared: Vec<ServiceId>,
    /// Its prefix stands for everyday things as well.
    pub everyday: bool,
    /// Prefix and separator.
    stem: String,
    /// The known codes by their numbers.
    numbers: HashMap<u64, CodeId, foldhash::fast::FixedState>,
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.stem, self.grammar)
    }
}

impl Family {
    /// What stands before the digits: prefix and separator.
    #[inline]
    pub fn stem(&self) -> &str {
        &self.stem
    }

    /// The number of `text`, if all of it is a code of this family.
    pub fn fits(&self, text: &[u8]) -> Option<Number> {
        let stem = self.stem.len();
        if text.len() <= stem || !text[..stem].eq_ignore_ascii_case(self.stem.as_bytes()) {
            return None;
        }
        self.grammar.read(&text[stem..]).filter(|number| stem + number.len == text.len())
    }

    /// How many bytes its codes have.
    pub fn code_bytes(&self) -> usize {
        self.stem.len() + self.grammar.bytes()
    }

    /// The code whose digits read as `number`, where the catalog has it.
    #[inline]
    pub fn code(&self, number: u64) -> Option<CodeId> {
        self.numbers.get(&number).copied()
    }
}

/// A text that the binary holds, or that a file had.
pub type Text = Cow<'static, str>;

/// A known code.
#[derive(Clone, Debug)]
pub struct Code {
    /// As the service spells it: `CCI.01.400101`.
    pub spelling: Text,
    /// Its family.
    pub family: FamilyId,
    /// Its rows; more than one where services use it with several statuses or messages.
    pub rows: Range<u32>,
}

/// What is known of a code with one status or one message.
#[derive(Clone, Debug)]
pub struct Row {
    /// The code.
    pub code: CodeId,
    /// The service that documents it.
    pub service: ServiceId,
    /// The documented HTTP status, or the one inside the code.
    pub http_status: Option<u16>,
    /// The literal message of the API, placeholders kept.
    pub message: Text,
    /// Why the call failed.
    pub category: Category,
    /// Whether the same request can succeed later with nothing changed.
    pub retryable: bool,
    /// What an operator does about it, at most [`MAX_ACTION_CHARS`].
    pub action: Text,
    /// The row that is meant when the record gives no evidence.
    pub default: bool,
    /// A draft that waits for a person's judgement.
    pub review: bool,
    /// Where it stands; nowhere where it is built in.
    pub place: Option<Place>,
}

/// Longest `action` in characters.
pub const MAX_ACTION_CHARS: usize = 80;

/// Services, families, codes and rows, each in a dense table.
#[derive(Clone, Debug)]
pub struct Catalog {
    services: Vec<Service>,
    families: Vec<Family>,
    codes: Vec<Code>,
    rows: Vec<Row>,
    /// By code, its row where it has one, else [`SEVERAL`]: what most hits ask
    /// for, in little memory.
    only_rows: Vec<u32>,
    /// By row, its code: likewise.
    codes_of_rows: Vec<CodeId>,
    /// By row, the one that it is counted as: the first of its code with the same labels.
    series: Vec<RowId>,
    /// The services by the first labels of their hosts, in lower case.
    hosts: HashMap<Box<[u8]>, Vec<ServiceId>, foldhash::fast::FixedState>,
    origins: Origins,
}

/// Longest label of a host.
pub const MAX_HOST_LABEL: usize = 64;

/// Not a row.
const SEVERAL: u32 = u32::MAX;

/// The catalog files in the binary, made from `catalog/*.yaml` by the build script, which says how.
const EMBEDDED: &str = include_str!(concat!(env!("OUT_DIR"), "/catalog.txt"));

impl Catalog {
    /// The catalog in the binary.
    ///
    /// # Errors
    /// Never in a released binary: a test loads it.
    pub fn embedded() -> Result<Catalog, Problems> {
        Catalog::load([], true)
    }

    /// The embedded catalog, if `with_embedded`, with `files` laid over it in their order. A file
    /// that could not be read is its problem.
    ///
    /// # Errors
    /// Every problem of every file, with file, line and key.
    pub fn load(
        files: impl IntoIterator<Item = Result<CatalogFile, Problem>>,
        with_embedded: bool,
    ) -> Result<Catalog, Problems> {
        load::load(files, with_embedded)
    }

    fn of(
        services: Vec<Service>,
        families: Vec<Family>,
        codes: Vec<Code>,
        rows: Vec<Row>,
        origins: Origins,
    ) -> Catalog {
        let only = |code: &Code| if code.rows.len() == 1 { code.rows.start } else { SEVERAL };
        let only_rows = codes.iter().map(only).collect();
        let codes_of_rows = rows.iter().map(|row| row.code).collect();
        let labels = |row: &Row| (row.service, row.http_status, row.category);
        let first_alike = |row: &Row| {
            let of_code = &codes[row.code.0 as usize].rows;
            of_code.clone().map(RowId).find(|other| labels(&rows[other.0 as usize]) == labels(row))
        };
        // Each is like itself at least.
        let series = rows.iter().filter_map(first_alike).collect();
        let mut hosts: HashMap<Box<[u8]>, Vec<ServiceId>, _> = HashMap::default();
        for (i, service) in services.iter().enumerate() {
            for host in &service.hosts {
                hosts
                    .entry(host.to_ascii_lowercase().into_bytes().into())
                    .or_default()
                    .push(ServiceId(i as u32));
            }
        }
        Catalog { services, families, codes, rows, only_rows, codes_of_rows, series, hosts, origins }
    }

    /// All services.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// All families.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// All codes.
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// All rows; a code's rows are neighbours.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The files beside the built-in catalog.
    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    /// The service at `id`.
    pub fn service(&self, id: ServiceId) -> &Service {
        &self.services[id.0 as usize]
    }

    /// The family at `id`.
    pub fn family(&self, id: FamilyId) -> &Family {
        &self.families[id.0 as usize]
    }

    /// The code at `id`.
    pub fn code(&self, id: CodeId) -> &Code {
        &self.codes[id.0 as usize]
    }

    /// The row at `id`.
    pub fn row(&self, id: RowId) -> &Row {
        &self.rows[id.0 as usize]
    }

    /// The service that documents a row.
    pub fn service_of(&self, row: &Row) -> &Service {
        self.service(row.service)
    }

    /// The code that `row` is of.
    #[inline]
    pub fn code_of(&self, row: RowId) -> CodeId {
        self.codes_of_rows[row.0 as usize]
    }

    /// The row of a code that has one.
    #[inline]
    pub fn only_row(&self, code: CodeId) -> Option<RowId> {
        let row = self.only_rows[code.0 as usize];
        (row != SEVERAL).then_some(RowId(row))
    }

    /// The row whose counter has the labels of `row`: itself, or where rows differ in their
    /// message alone the first of them.
    #[inline]
    pub fn series(&self, row: RowId) -> RowId {
        self.series[row.0 as usize]
    }

    /// The services one of whose hosts begins with `label`, in any case, in their order.
    pub fn services_at(&self, label: &[u8]) -> &[ServiceId] {
        let mut lower = [0; MAX_HOST_LABEL];
        let Some(lower) = lower.get_mut(..label.len()) else { return &[] };
        lower.copy_from_slice(label);
        lower.make_ascii_lowercase();
        self.hosts.get(&*lower).map_or(&[], Vec::as_slice)
    }

    /// The row that a code means without evidence: the one marked default,
    /// which [`load`](Catalog::load) makes sure of where there are several.
    pub fn default_row(&self, code: CodeId) -> RowId {
        self.default_of(self.code(code).rows.clone())
    }

    /// The same among some of a code's rows.
    pub fn default_of(&self, mut rows: impl Iterator<Item = u32> + Clone) -> RowId {
        let first = rows.clone().next().unwrap_or_default();
        let service = self.rows[first as usize].service;
        let marked =
            rows.find(|&r| self.rows[r as usize].default && self.rows[r as usize].service == service);
        RowId(marked.unwrap_or(first))
    }

    /// The family that `text` belongs to as a whole, prefix in any case, and
    /// the number that its digits read as.
    pub fn family_of(&self, text: &[u8]) -> Option<(FamilyId, Number)> {
        let fits = |(i, family): (usize, &Family)| Some((FamilyId(i as u32), family.fits(text)?));
        self.families.iter().enumerate().find_map(fits)
    }

    /// The code that `text` spells, in any case.
    pub fn find(&self, text: &str) -> Option<CodeId> {
        let (family, number) = self.family_of(text.as_bytes())?;
        self.family(family).code(number.value)
    }
}

/// The status as the label `http_status` has it: empty where unknown.
pub fn status_label(status: Option<u16>) -> String {
    status.map_or("", status_text).to_owned()
}

/// The digits of a status.
pub fn status_text(status: u16) -> &'static str {
    /// Of all numbers of three digits, one behind the other.
    const DIGITS: [u8; 3000] = {
        let mut digits = [b'0'; 3000];
        let mut i = 0;
        while i < 1000 {
            digits[3 * i] = b'0' + (i / 100) as u8;
            digits[3 * i + 1] = b'0' + (i / 10 % 10) as u8;
            digits[3 * i + 2] = b'0' + (i % 10) as u8;
            i += 1;
        }
        digits
    };
    let at = 3 * usize::from(status);
    DIGITS.get(at..at + 3).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or("")
}
