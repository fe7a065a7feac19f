//! The catalog made ready for the hot path; replaced whole at a reload.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::classify::Families;
use crate::enrich::Plan;
use crate::sweep::Sweep;

/// What a reload may change about how records are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Find codes of services without a catalog by their key.
    pub discovery: bool,
    /// Longest record that is held whole, in bytes without its newline.
    pub max_record_bytes: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { discovery: true, max_record_bytes: 1 << 20 }
    }
}

/// Catalog, search and options of one generation.
#[derive(Debug)]
pub struct Engine {
    catalog: Arc<Catalog>,
    sweep: Sweep,
    families: Families,
    options: Options,
    plan: Option<Arc<Plan>>,
}

impl Engine {
    /// Builds the search for `catalog`.
    pub fn new(catalog: Arc<Catalog>, options: Options) -> Engine {
        let sweep = Sweep::new(&catalog, options.discovery);
        Engine::with_sweep(catalog, options, sweep)
    }

    /// As [`Engine::new`] with a given search, to compare searches.
    pub fn with_sweep(catalog: Arc<Catalog>, options: Options, sweep: Sweep) -> Engine {
        let families = Families::new(&catalog);
        Engine { catalog, sweep, families, options, plan: None }
    }

    /// With what is read from records.
    pub fn reading(self, plan: Arc<Plan>) -> Engine {
        Engine { plan: Some(plan), ..self }
    }

    /// What is read from records, where the engine says so; else it stays
    /// what it was.
    pub fn plan(&self) -> Option<&Arc<Plan>> {
        self.plan.as_ref()
    }

    /// The catalog.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The search.
    pub fn sweep(&self) -> &Sweep {
        &self.sweep
    }

    /// The families, ready to be judged.
    pub fn families(&self) -> &Families {
        &self.families
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }
}
