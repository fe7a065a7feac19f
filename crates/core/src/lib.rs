//! The core of errtally: bytes and a catalog in, hits and counts out. It does no I/O.
//!
//! In the order in which data flows:
//!
//! - [`framing`] makes whole lines of bytes, [`join`] tells which lines are one record;
//! - [`sweep`] finds where a code may stand, [`classify`] judges by [`boundary`] and the
//!   [`catalog`], [`parse`] tells whether a record is JSON, [`fields`] reads what it says, as
//!   [`enrich`] plans it; [`pipeline`] is the one place that puts them in order;
//! - [`count`] tallies one block, [`ledger`] takes it over whole;
//! - [`event`] writes a hit as a line of JSON, [`outbox`] gives it to whoever takes events.
//!
//! ```
//! use std::sync::Arc;
//! use errtally_core::catalog::Catalog;
//! use errtally_core::engine::{Engine, Options};
//! use errtally_core::ledger::{Ledger, Source};
//! use errtally_core::pipeline::Pipeline;
//!
//! let catalog = Arc::new(Catalog::embedded().unwrap());
//! let ledger = Arc::new(Ledger::new(Arc::new(Engine::new(catalog, Options::default())), 100));
//! let mut pipeline = Pipeline::new(ledger.clone(), Source::STDIN);
//! pipeline.push(br#"{"errorCode":"CCE.01400007","errorMessage":"Insufficient cluster quota."}"#);
//! pipeline.finish();
//! assert_eq!(ledger.snapshot().records(), 1);
//! ```

pub mod boundary;
pub mod catalog;
pub mod classify;
pub mod count;
pub mod engine;
pub mod enrich;
pub mod event;
pub mod fields;
pub mod framing;
pub mod join;
pub mod labels;
pub mod ledger;
pub mod outbox;
pub mod parse;
pub mod pipeline;
pub mod problem;
pub mod record;
pub mod report;
pub mod sweep;
pub mod turns;
pub mod yaml;
