//! Made-up application logs of which every count is known beforehand.
//!
//! A corpus is drawn from a seed, so that two machines measure the same
//! bytes. What was planted is written down while it is planted, never found
//! by searching: a search that is wrong cannot be right by its own judgement.

// Every target that includes this module uses a part of it.
#![allow(dead_code)]

mod codeless;
mod lines;
pub mod wide;

use std::collections::BTreeMap;

use errtally_core::catalog::Catalog;

/// What the lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One JSON object a line.
    Json,
    /// Plain text, key=value at the end.
    Text,
    /// Lines without any code, full of what looks like one.
    Codeless,
}

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// What the lines are.
    pub kind: Kind,
    /// One line in this many holds a code.
    pub one_in: u64,
}

/// The six corpora that everything is measured with.
pub const RECIPES: [Recipe; 6] = [
    Recipe { kind: Kind::Json, one_in: 1000 },
    Recipe { kind: Kind::Json, one_in: 10 },
    Recipe { kind: Kind::Json, one_in: 1 },
    Recipe { kind: Kind::Text, one_in: 1000 },
    Recipe { kind: Kind::Text, one_in: 10 },
    Recipe { kind: Kind::Text, one_in: 1 },
];

impl std::fmt::Display for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Json => "json",
            Kind::Text => "text",
            Kind::Codeless => return f.write_str("no code"),
        };
        write!(f, "{kind} 1/{}", self.one_in)
    }
}

/// What must be counted in a corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Lines.
    pub records: u64,
    /// Bytes, newlines included.
    pub bytes: u64,
    /// Lines with a code.
    pub matched: u64,
    /// Codes that stand in the corpus, each as often as it does.
    pub occurrences: u64,
    /// Lines that hold a code, by code.
    pub hits: BTreeMap<String, u64>,
    /// Lines by the code that stands first in them, for programs that see
    /// one match a line.
    pub leading: BTreeMap<String, u64>,
}

impl Expected {
    /// All hits.
    pub fn total_hits(&self) -> u64 {
        self.hits.values().sum()
    }
}

/// Bytes and what must be counted in them.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Whole lines.
    pub bytes: Vec<u8>,
    /// What they hold.
    pub expected: Expected,
}

impl Corpus {
    /// The first lines of the recipe's endless log, as many as it takes to
    /// reach `bytes`. A shorter corpus is the beginning of a longer one.
    pub fn new(catalog: &Catalog, recipe: Recipe, bytes: usize) -> Corpus {
        let mut generator = Generator::new(catalog, recipe);
        let mut out = Vec::with_capacity(bytes + 4096);
        while out.len() < bytes {
            generator.line(&mut out);
        }
        Corpus { bytes: out, expected: generator.expected }
    }
}

/// A code that goes wrong in a line.
#[derive(Clone, Debug)]
struct Fault {
    code: String,
    message: String,
    status: Option<u16>,
    /// Of the service that the others stand on: Elastic Cloud Server, or the
    /// first of a catalog without it.
    compute: bool,
}

/// Makes lines one by one.
pub struct Generator {
    random: Random,
    recipe: Recipe,
    faults: Vec<Fault>,
    compute: Vec<Fault>,
    /// Milliseconds since the log's first midnight.
    clock: u64,
    /// What the lines so far hold.
    pub expected: Expected,
}

impl Generator {
    /// At the first line of `recipe`, with every code of `catalog`.
    pub fn new(catalog: &Catalog, recipe: Recipe) -> Generator {
        let has_ecs = catalog.families().iter().any(|f| f.prefix == "Ecs");
        let faults: Vec<Fault> = catalog
            .codes()
            .iter()
            // Numbers alone are codes behind a key only.
            .filter(|code| !catalog.family(code.family).prefix.is_empty())
            .map(|code| {
                let row = catalog.row(errtally_core::catalog::RowId(code.rows.start));
                Fault {
                    code: code.spelling.to_string(),
                    message: row.message.to_string(),
                    status: row.http_status,
                    compute: if has_ecs {
                        catalog.family(code.family).prefix == "Ecs"
                    } else {
                        code.family.0 == 0
                    },
                }
            })
            .collect();
        let compute = faults.iter().filter(|f| f.compute).cloned().collect();
        let seed = recipe.one_in * 2 + u64::from(recipe.kind == Kind::Json);
        Generator { random: Random(seed), recipe, faults, compute, clock: 0, expected: Expected::default() }
    }

    /// Writes the next line, with its newline.
    pub fn line(&mut self, out: &mut Vec<u8>) {
        let before = out.len();
        let random = &mut self.random;
        self.clock += random.below(40);
        let moment = lines::Moment { clock: self.clock, line: self.expected.records };
        let planted = if self.recipe.kind == Kind::Codeless {
            codeless::line(random, moment, &self.faults, out);
            0
        } else if random.below(self.recipe.one_in) == 0 {
            let fault = random.pick(&self.faults).clone();
            let cause = (!fault.compute && random.below(16) == 0).then(|| random.pick(&self.compute).clone());
            self.expected.matched += 1;
            *self.expected.leading.entry(fault.code.clone()).or_default() += 1;
            for fault in [Some(&fault), cause.as_ref()].into_iter().flatten() {
                *self.expected.hits.entry(fault.code.clone()).or_default() += 1;
            }
            match self.recipe.kind {
                Kind::Json => lines::json_error(random, moment, &fault, cause.as_ref(), out),
                _ => lines::text_error(random, moment, &fault, cause.as_ref(), out),
            }
        } else {
            match self.recipe.kind {
                Kind::Json => lines::json(random, moment, out),
                _ => lines::text(random, moment, out),
            }
            0
        };
        out.push(b'\n');
        self.expected.records += 1;
        self.expected.bytes += (out.len() - before) as u64;
        self.expected.occurrences += planted;
    }
}

/// SplitMix64: small, seeded, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `end`. The bias of the modulus is of no account here.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// Gives every number another one, and no two numbers the same: what makes
/// an identifier of a line's number makes no two lines equal.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
