//! The command line as it is promised: what each command prints, where, and with which exit status.

#[path = "../support/mod.rs"]
mod support;

mod catalog;
mod check;
mod config;
mod explain;
mod formats;
mod import;
mod output;
mod precedence;
mod scan;
mod secrets;
mod slips;
mod threads;
mod wrong;
