//! Records with codes as events and as labelled counts, through the real program: what is in them, where they go,
//! and that both agree whatever happens.

#[path = "../event/mod.rs"]
mod event;
#[cfg(feature = "kafka")]
#[path = "../feed/mod.rs"]
mod feed;
#[path = "../support/mod.rs"]
mod support;

mod bounds;
mod expiry;
mod file;
#[cfg(feature = "kafka")]
mod kafka;
mod labels;
mod late;
mod many;
mod messages;
mod prometheus;
mod rows;
mod run;
mod stdout;
