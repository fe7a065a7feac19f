//! What deploys the program: container and compose file.

#[path = "../support/mod.rs"]
mod support;

mod compose;
mod follow;
mod script;
mod yaml;
