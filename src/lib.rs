//! errtally finds cloud API error codes in log streams and counts them.
//!
//! The idea: a code has a shape, a catalog knows which codes there are, and
//! most log lines hold none. So a literal search runs over whole blocks of
//! input; only where it stops is anything judged, only records with a code
//! are looked at as records, and counting is an addition in a dense array.
//!
//! The cast, in the order in which data flows:
//!
//! - [`source`] reads bytes; [`framing`] makes whole lines of them;
//! - [`sweep`] finds where a code may stand, [`classify`] judges by
//!   [`boundary`] and the [`catalog`], [`parse`] tells whether a record is
//!   JSON; [`pipeline`] is the one place that puts them in order;
//! - [`count`] tallies one block, [`ledger`] takes it over whole;
//! - [`report`], [`metrics`] and [`http`] show snapshots of the ledger;
//!   [`history`] remembers its last minutes, [`live`] puts them in words.
//!
//! ```
//! use std::sync::Arc;
//! use errtally::catalog::Catalog;
//! use errtally::engine::{Engine, Options};
//! use errtally::ledger::{Ledger, Source};
//! use errtally::pipeline::Pipeline;
//! use errtally::report::Report;
//!
//! let catalog = Arc::new(Catalog::embedded().unwrap());
//! let ledger = Arc::new(Ledger::new(Arc::new(Engine::new(catalog, Options::default())), 100));
//! let mut pipeline = Pipeline::new(ledger.clone(), Source::STDIN);
//! pipeline.push(br#"{"errorCode":"CCE.01400007","errorMessage":"Insufficient cluster quota."}"#);
//! pipeline.finish();
//! let report = Report::new(&ledger.snapshot());
//! assert_eq!(report.hits[0].category.as_str(), "quota");
//! ```

pub mod cli;
pub mod config;
#[cfg(feature = "kafka")]
pub mod connect;
pub mod daemon;
pub mod files;
pub mod fingerprint;
pub mod health;
pub mod history;
pub mod http;
pub mod kafka;
pub mod live;
pub mod log;
pub mod metrics;
pub mod server;
pub mod shutdown;
pub mod sink;
pub mod source;
pub mod table;
