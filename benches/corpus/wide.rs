//! A made-up catalog of 100 families and 10,000 codes, for what a catalog's
//! size costs.
//!
//! What a row says is taken from the rows of the built-in catalog in turn, so
//! that lines with its codes are as long as those with built-in ones and only
//! the size differs. Half of the prefixes end in `S`, as names of services do:
//! families are told apart by the last letter first.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use errtally_core::catalog::{Catalog, Row};

use super::Random;

const SERVICES: u64 = 50;
const FAMILIES_OF_A_SERVICE: u64 = 2;
const CODES_OF_A_FAMILY: u64 = 100;
const GRAMMARS: &[&str] = &["NNNN", "NNNNN", "MMSSSNNN", "NNNN", "MM.SSSNNN"];

/// The catalog, with nothing below it.
pub fn catalog() -> Catalog {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path()).expect("files in it");
    let catalog =
        errtally::files::load_catalog(&[folder.path().to_owned()], false).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!((catalog.families().len(), catalog.codes().len()), (100, 10_000));
    catalog
}

/// Writes the catalog's files, one a service.
pub fn write(folder: &Path) -> std::io::Result<()> {
    let embedded = Catalog::embedded().expect("the embedded catalog loads");
    let mut rows = embedded.rows().iter().cycle();
    let mut random = Random(10_000);
    // A prefix of the built-in catalog belongs to the service that has it there.
    let mut taken: BTreeSet<String> =
        embedded.families().iter().map(|f| f.prefix.to_ascii_uppercase()).collect();
    let mut grammars = GRAMMARS.iter().cycle();
    for number in 1..=SERVICES {
        let families: Vec<(String, &str)> = grammars
            .by_ref()
            .take(FAMILIES_OF_A_SERVICE as usize)
            .map(|grammar| (prefix(&mut random, &mut taken), *grammar))
            .collect();
        let name = families[0].0.to_ascii_uppercase();
        let mut text = format!("service: {name}\nfull_name: \"Service {number}\"\nsource: none\nfamilies:\n");
        for (prefix, grammar) in &families {
            writeln!(text, "  - {{prefix: {prefix}, grammar: {grammar}}}").expect("a string takes all");
        }
        text.push_str("codes:\n");
        for (prefix, grammar) in &families {
            let (first, gap) = (random.below(1000), random.below(50) + 1);
            for n in 0..CODES_OF_A_FAMILY {
                let row = rows.next().expect("an endless cycle");
                write_row(&mut text, prefix, grammar, n, first + n * gap, row);
            }
        }
        std::fs::write(folder.join(format!("{}.yaml", name.to_ascii_lowercase())), text)?;
    }
    Ok(())
}

/// The `n`th row of a family; `number` is its digits where the grammar has no
/// status in it.
fn write_row(text: &mut String, prefix: &str, grammar: &str, n: u64, number: u64, row: &Row) {
    let (module, status) = (n % 6 + 1, row.http_status.unwrap_or(500));
    let digits = match grammar {
        "NNNN" => format!("{number:04}"),
        "NNNNN" => format!("{:05}", number + 10_000),
        "MMSSSNNN" => format!("{module:02}{status}{:03}", n + 1),
        _ => format!("{module:02}.{status}{:03}", n + 101),
    };
    writeln!(text, "  - code: {prefix}.{digits}").expect("a string takes all");
    if let (Some(status), false) = (row.http_status, grammar.contains('S')) {
        writeln!(text, "    http_status: {status}").expect("a string takes all");
    }
    // JSON's quotes are YAML's, too.
    let quoted = |text: &str| serde_json::to_string(text).expect("text is JSON");
    write!(
        text,
        "    message: {}\n    category: {}\n    retryable: {}\n    action: {}\n",
        quoted(&row.message),
        row.category.as_str(),
        row.retryable,
        quoted(&row.action)
    )
    .expect("a string takes all");
}

/// `OTKS` or `Vemrd`: two to six letters that nobody has yet, in any case.
fn prefix(random: &mut Random, taken: &mut BTreeSet<String>) -> String {
    loop {
        let length = 2 + random.below(5);
        let mut name: String =
            (1..length).map(|_| char::from(*random.pick(b"ABCDEFGIKLMNOPRSTVW"))).collect();
        name.push(if random.below(2) == 0 { 'S' } else { char::from(*random.pick(b"BCDEGIKLMNPRTW")) });
        if taken.insert(name.clone()) {
            return match random.below(4) {
                0 => name[..1].to_owned() + &name[1..].to_ascii_lowercase(),
                _ => name,
            };
        }
    }
}
