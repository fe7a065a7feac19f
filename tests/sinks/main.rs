//! Sinks of events, through the library: what goes in comes out whole, in order and once, whatever happens on the
//! other side. `sink_kafka_mock.rs` does the same to a topic.

#[path = "../support/mod.rs"]
mod support;

mod dropping;
mod file;
mod limit;
mod lines;
mod stream;
