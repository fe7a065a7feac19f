//! `run --source file`: files that grow, rotate and go, through the real program.

#[path = "../support/mod.rs"]
mod support;

mod bounds;
mod driver;
mod forms;
mod growing;
mod place;
mod restart;
mod rotation;
