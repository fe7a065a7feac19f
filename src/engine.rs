//! The catalog made ready for the hot path; replaced whole at a reload.

use std::sync::Arc;

use crate::anchors::Anchors;
use crate::catalog::Catalog;

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
    anchors: Anchors,
    options: Options,
}

impl Engine {
    /// Builds the search for `catalog`.
    pub fn new(catalog: Arc<Catalog>, options: Options) -> Engine {
        let anchors = Anchors::new(&catalog, options.discovery);
        Engine { catalog, anchors, options }
    }

    /// The catalog.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The search.
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }
}
