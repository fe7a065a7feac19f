//! The daemon and the commands of errtally: all that does I/O around [`errtally_core`], which
//! finds codes in bytes and counts them.
//!
//! In the order in which data flows:
//!
//! - [`source`] reads bytes and gives them to a [pipeline](errtally_core::pipeline) of the core;
//! - [`sink`] takes the events that come of them;
//! - [`metrics`], [`live`] with [`history`], [`http`] and [`table`] show snapshots of the
//!   [ledger](errtally_core::ledger); [`server`] serves them, [`health`] says whether records are read;
//! - [`config`] reads the settings, [`daemon`] runs all of it, [`cli`] has the commands.
//!
//! ARCHITECTURE.md has the whole picture.

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
