//! The catalog made ready for the hot path; replaced whole at a reload.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::classify::discovery::Keys;
use crate::classify::{Families, Rules};
use crate::enrich::Plan;
use crate::join::{self, JoinSettings};
use crate::sweep::Sweep;

/// What a reload may change about how records are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Find codes by the keys before them.
    pub discovery: bool,
    /// Those keys.
    pub discovery_keys: Vec<String>,
    /// Longest record that is held whole, in bytes without its newline.
    pub max_record_bytes: usize,
    /// How lines become records.
    pub join: JoinSettings,
}

impl Default for Options {
    fn default() -> Options {
        let discovery_keys = DISCOVERY_KEYS.map(str::to_owned).to_vec();
        Options { discovery: true, discovery_keys, max_record_bytes: 1 << 20, join: JoinSettings::default() }
    }
}

/// What error codes stand behind, where the settings say nothing else.
pub const DISCOVERY_KEYS: [&str; 4] = ["error_code", "err_code", "error_id", "code"];

impl Options {
    /// The keys, none where discovery is off.
    pub fn keys(&self) -> Keys {
        Keys::new(if self.discovery { &self.discovery_keys } else { &[] })
    }
}

/// Catalog, search and options of one generation.
#[derive(Debug)]
pub struct Engine {
    catalog: Arc<Catalog>,
    sweep: Sweep,
    rules: Rules,
    joining: join::Rules,
    options: Options,
    plan: Option<Arc<Plan>>,
}

impl Engine {
    /// Builds the search for `catalog`.
    pub fn new(catalog: Arc<Catalog>, options: Options) -> Engine {
        let sweep = Sweep::new(&catalog, &options.keys());
        Engine::with_sweep(catalog, options, sweep)
    }

    /// As [`Engine::new`] with a given search, to compare searches.
    pub fn with_sweep(catalog: Arc<Catalog>, options: Options, sweep: Sweep) -> Engine {
        let families = Families::new(&catalog);
        let keys = options.keys().with_shortest_code(families.shortest());
        let rules = Rules { families, keys };
        let joining = join::Rules::new(&options.join, options.max_record_bytes);
        Engine { catalog, sweep, rules, joining, options, plan: None }
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

    /// What places are judged by.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How lines are joined.
    pub fn joining(&self) -> &join::Rules {
        &self.joining
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }
}
